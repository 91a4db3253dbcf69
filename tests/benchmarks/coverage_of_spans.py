"""How often the 95 % intervals of the figures of spans hold the truth.

    python -m tests.benchmarks.coverage_of_spans --repetitions 2000

A population is 3,000 made texts, of which samples are drawn with replacement: the truth is the figure of all of them. Two
to four annotators mark each text; they miss spans, move an end by a character, take another type, or see what is not there.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from detectors.agreement.measures import Sums
from detectors.agreement.spans.figures import SPANS
from detectors.agreement.spans.marks import Mark, Marks, marks
from detectors.agreement.spans.measure import measure

ITEMS = (30, 100, 400)
TEXTS = 3000
FIGURES = [figure for figure in SPANS if not figure.of_classes]


class Population(NamedTuple):
    """How annotators mark: spans of a text, how often each mistake is made, and how often a text has nothing to mark."""

    name: str
    most: int
    mistakes: float
    empty: float

    def texts(self) -> list[tuple[tuple[str, int], ...]]:
        """What each text adds."""
        rng = random.Random(self.name)
        return [tuple(measure(self._annotators(rng)).whole.items()) for _ in range(TEXTS)]

    def _annotators(self, rng: random.Random) -> list[Marks]:
        seen = [] if rng.random() < self.empty else self._spans(rng, rng.randint(1, self.most))
        return [marks(self._as_seen(rng, seen)) for _ in range(rng.choice((2, 3, 3, 4)))]

    def _as_seen(self, rng: random.Random, seen: list[Mark]) -> Iterator[Mark]:
        for kind, start, end in seen:
            if rng.random() >= self.mistakes:
                own = rng.choice("abc") if rng.random() < self.mistakes else kind
                yield Mark(own, start, end + (rng.random() < self.mistakes))
        if rng.random() < self.mistakes:
            yield from self._spans(rng, 1)

    @staticmethod
    def _spans(rng: random.Random, n: int) -> list[Mark]:
        starts = sorted(rng.sample(range(0, 300, 20), n))
        return [Mark(rng.choice("aaabbc"), start, start + rng.randint(1, 18)) for start in starts]


POPULATIONS = (
    Population("names, good", 8, 0.05, 0.1),
    Population("names, fair", 8, 0.2, 0.1),
    Population("errors, few and poor", 3, 0.4, 0.5),
)


def coverage(population: Population, items: int, repetitions: int) -> dict[str, tuple[float, float]]:
    """By figure the truth, and the share of samples whose interval holds it."""
    texts = population.texts()
    whole = Sums()
    for text in texts:
        whole.update(text)
    truth = {figure.name: figure.reading(whole.sums, 1).value for figure in FIGURES}
    rng = random.Random(f"{population.name} {items}")
    held: defaultdict[str, int] = defaultdict(int)
    n: defaultdict[str, int] = defaultdict(int)
    for _ in range(repetitions):
        sums = Sums()
        for place, weight in Counter(rng.choices(range(TEXTS), k=items)).items():
            sums.update(texts[place], weight)
        for figure in FIGURES:
            _, low, high, *_ = figure.reading(sums.sums, 1)
            if low is not None and high is not None:
                held[figure.name] += low <= truth[figure.name] <= high
                n[figure.name] += 1
    return {name: (truth[name], held[name] / n[name]) for name in n}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2000, help="samples a population and number of items")
    repetitions = parser.parse_args().repetitions
    print("| population | figure | true | " + " | ".join(f"{items} items" for items in ITEMS) + " |")
    print("|---|---|---:" + "|---:" * len(ITEMS) + "|")
    for population in POPULATIONS:
        found = [coverage(population, items, repetitions) for items in ITEMS]
        for name, (truth, _) in found[0].items():
            cells = " | ".join(f"{each[name][1]:.3f}" for each in found)
            print(f"| {population.name} | `{name}` | {truth:.3f} | {cells} |")


if __name__ == "__main__":
    main()
