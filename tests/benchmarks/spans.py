"""What an item with spans costs each time it changes: `python -m tests.benchmarks.spans`.

Annotators mark names in a text: they miss one in twenty, move an end by a character, or take another type. Where all lie on
one heap, every two spans overlap: the dearest items that there can be. A change measures the item twice, as it was and as
it is. Prints the median of some rounds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from detectors.agreement.spans.marks import Mark, Marks, marks
from detectors.agreement.spans.measure import measure, measure_groups
from tests.benchmarks.shapes import print_table


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


def between(answers: Sequence[Marks], vendors: Sequence[int]) -> object:
    """What each two vendors have in common."""
    groups = [
        [marks for marks, vendor in zip(answers, vendors, strict=True) if vendor == n] for n in sorted({*vendors})
    ]
    return measure_groups(groups)


def main() -> None:
    """Print the table."""
    print_table("spans", "span", marked, measure, between)


if __name__ == "__main__":
    main()
