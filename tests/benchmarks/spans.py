"""What an item with spans costs each time it changes: `python -m tests.benchmarks.spans`.

Annotators mark names in a text: they miss one in twenty, move an end by a character, or take another type. Where all lie on
one heap, every two spans overlap: the dearest items that there can be. A change measures the item twice, as it was and as
it is. Prints the median of some rounds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median

from detectors.agreement.spans.marks import Mark, Marks, marks
from detectors.agreement.spans.measure import measure
from tests.benchmarks.stopwatch import Stopwatch

ITEMS = (
    (2, 1, False), (3, 5, False), (5, 10, False), (5, 50, False), (3, 300, False), (2, 1000, False), (200, 1, False),
    (200, 10, False), (200, 10, True), (2, 1000, True),
)  # fmt: skip
"""Annotators, spans of the text, and whether these lie on one heap."""

ROUNDS = 5


def marked(annotators: int, spans: int, *, heap: bool, seed: int = 1) -> Sequence[Marks]:
    """What the annotators of one text marked."""
    chance = random.Random(seed)
    if heap:
        begins = [chance.randrange(spans) for _ in range(spans)]
        places = [(begin, begin + spans + chance.randrange(spans), chance.choice("abcde")) for begin in begins]
    else:
        places = [(30 * place, 30 * place + chance.randint(3, 20), chance.choice("abcde")) for place in range(spans)]
    return [
        marks(
            Mark(kind if chance.random() < 0.9 else "f", start, end + (chance.random() < 0.1))
            for start, end, kind in places
            if chance.random() < 0.95
        )
        for _ in range(annotators)
    ]


def main() -> None:
    """Print a table."""
    print("| annotators | spans | | ms to measure it | us a span |\n|---:|---:|---|---:|---:|")
    for annotators, spans, heap in ITEMS:
        answers = marked(annotators, spans, heap=heap)
        times = max(1, 400 // (annotators * spans))
        spent = []
        for _ in range(ROUNDS):
            watch = Stopwatch()
            for _ in range(times):
                measure(answers)
            spent.append(watch.read(times).microseconds)
        each = median(spent)
        print(f"| {annotators} | {spans} | {'one heap' if heap else ''} ", end="")
        print(f"| {each / 1000:.1f} | {each / sum(map(len, answers)):.0f} |")


if __name__ == "__main__":
    main()
