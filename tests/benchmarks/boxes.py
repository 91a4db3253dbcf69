"""What an item with boxes costs each time it changes: `python -m tests.benchmarks.boxes`.

Annotators draw the objects of a picture, some pixels off, and miss one in twenty. Where all lie on one heap, every two
boxes could be the same object: the dearest items that there can be. A change measures the item twice, as it was and as it
is; where its annotations differ in batch or vendor, each of these once more, and the pairs of vendors. Prints the median of
some rounds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from detectors.agreement.boxes import measure, measure_groups
from detectors.agreement.boxes.geometry import Rectangle
from tests.benchmarks.shapes import print_table


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
    """Print the table."""
    print_table(
        "objects",
        "box",
        drawn,
        lambda answers: measure(answers, 0.5),
        lambda answers, vendors: measure_groups(answers, vendors, 0.5),
    )


if __name__ == "__main__":
    main()
