"""What an item with boxes costs each time it changes: `python -m tests.benchmarks.boxes`.

Annotators draw the objects of a picture, some pixels off, and miss one in twenty. Where all lie on one heap, every two
boxes could be the same object: the dearest items that there can be. A change measures the item twice, as it was and as it
is; where its annotations differ in batch or vendor, each of these once more. Prints the median of some rounds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median

from detectors.agreement.boxes import measure
from detectors.agreement.boxes.geometry import Rectangle
from tests.benchmarks.stopwatch import Stopwatch

ITEMS = (
    (2, 1, False), (3, 5, False), (5, 10, False), (5, 50, False), (3, 300, False), (2, 1000, False), (200, 1, False),
    (200, 10, False), (200, 10, True), (2, 1000, True),
)  # fmt: skip
"""Annotators, objects, and whether these lie on one heap."""

ROUNDS = 5


def drawn(annotators: int, objects: int, *, heap: bool, seed: int = 1) -> Sequence[Sequence[Rectangle]]:
    """What the annotators of one picture drew."""
    chance = random.Random(seed)
    wide = 1.0 if heap else 70.0 * objects**0.5
    places = [
        (chance.uniform(0, wide), chance.uniform(0, wide), f"class {chance.randrange(5)}") for _ in range(objects)
    ]
    return [
        [
            Rectangle(x + chance.uniform(-3, 3), y + chance.uniform(-3, 3), 40 + chance.uniform(-4, 4), 40.0, name)
            for x, y, name in places
            if chance.random() < 0.95
        ]
        for _ in range(annotators)
    ]


def main() -> None:
    """Print a table."""
    print("| annotators | objects | | ms to measure it | us a box |\n|---:|---:|---|---:|---:|")
    for annotators, objects, heap in ITEMS:
        answers = drawn(annotators, objects, heap=heap)
        times = max(1, 400 // (annotators * objects))
        spent = []
        for _ in range(ROUNDS):
            watch = Stopwatch()
            for _ in range(times):
                measure(answers, 0.5)
            spent.append(watch.read(times).microseconds)
        boxes = sum(map(len, answers))
        each = median(spent)
        print(f"| {annotators} | {objects} | {'one heap' if heap else ''} | {each / 1000:.1f} | {each / boxes:.0f} |")


if __name__ == "__main__":
    main()
