"""How often the intervals of boxes hold the truth: `python -m tests.benchmarks.coverage_of_boxes`.

A population is 8,000 items with one to five objects, of which some are harder than others, and two to four annotators, who
miss objects, mistake classes, draw beside, and now and then draw what is not there. Its figures are the truth; samples of
its items, with replacement, give the intervals. Prints a Markdown table; one standard error of a share is 0.005.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from detectors.agreement import Sums, agreement_of_sums
from detectors.agreement.boxes import BOXES, measure
from detectors.agreement.boxes.geometry import Rectangle
from detectors.agreement.measures import Measure, by_class
from detectors.reading import Reading

ITEMS = 8000
SIZES = (30, 100, 400)


@dataclass(frozen=True, slots=True)
class Population:
    """How badly annotators work: shares missed and mistaken, and pixels beside."""

    name: str
    missed: float
    mistaken: float
    beside: float

    def item(self, chance: random.Random) -> Measure:
        """What an item adds."""
        hard = chance.choice((0.5, 1.0, 2.0))
        objects = [
            (chance.uniform(0, 400), chance.uniform(0, 400), chance.choice("aab"))
            for _ in range(chance.choice((1, 1, 2, 3, 5)))
        ]
        drawn = []
        for _ in range(chance.choice((2, 3, 3, 4))):
            boxes = []
            for x, y, name in objects:
                if chance.random() >= self.missed * hard:
                    seen = chance.choice("abc") if chance.random() < self.mistaken * hard else name
                    dx, dy = chance.gauss(0, self.beside * hard), chance.gauss(0, self.beside * hard)
                    boxes.append(Rectangle(x + dx, y + dy, 40, 40 + chance.gauss(0, self.beside), seen))
            if chance.random() < 0.05:
                boxes.append(Rectangle(chance.uniform(0, 400), chance.uniform(0, 400), 40, 40, "a"))
            drawn.append(boxes)
        return measure(drawn, 0.5).whole


POPULATIONS = (Population("fair", 0.05, 0.1, 2.0), Population("poor", 0.2, 0.2, 6.0))


def readings(items: Sequence[Measure]) -> dict[str, Reading]:
    """All figures of these items, and those of the class a."""
    state = Sums()
    for item in items:
        state.update(item)
    whole = agreement_of_sums(state.sums, "boxes", len(items))
    of_class = agreement_of_sums(by_class(state.sums).get("a", {}), "boxes", len(items), of_class=True)
    return {each.name: (of_class if each.of_classes else whole)[each.name] for each in BOXES}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=2000)
    repetitions = parser.parse_args().repetitions
    chance = random.Random(7)
    columns = " | ".join(f"{size} items" for size in SIZES)
    print(f"| population | figure | true | {columns} |\n|---|---|---:|{'---:|' * len(SIZES)}")
    for population in POPULATIONS:
        items = [population.item(chance) for _ in range(ITEMS)]
        truth = {name: reading.value for name, reading in readings(items).items()}
        held: dict[int, Counter[str]] = {size: Counter() for size in SIZES}
        for size, counts in held.items():
            for _ in range(repetitions):
                for name, (_, low, high, _, _) in readings(chance.choices(items, k=size)).items():
                    true = truth[name]
                    counts[name] += low is not None and high is not None and true is not None and low <= true <= high
        for name, true in truth.items():
            shares = " | ".join(f"{held[size][name] / repetitions:.3f}" for size in SIZES)
            print(f"| {population.name} | `{name}` | {true:.3f} | {shares} |")


if __name__ == "__main__":
    main()
