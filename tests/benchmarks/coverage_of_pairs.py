"""How often the nominal 95 % intervals hold the true figure where annotators are told apart: seeded simulations.

    python -m tests.benchmarks.coverage_of_pairs [--repetitions N]

Two annotators, one against the others of its items, and one vendor against another, on the items of
`tests.benchmarks.coverage`; the second annotator, the one, and the second vendor err half as often again, so both sides use
the labels differently. Conger's kappa is that of tasks of 3 to 8 annotators, each of whom errs in a measure of its own. Of
each figure the shares are printed, and then the lowest and the highest of its populations. A test runs a part of it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.agreement import against_others, between_groups, pair_agreement, pair_pattern
from detectors.reading import Reading
from tests.benchmarks import coverage, coverage_of_annotators
from tests.benchmarks.coverage import EVEN, ITEMS, PAIRED, SINGLE, SKEWED, Coverage, Population
from tests.benchmarks.coverage_of_annotators import Crowd

SAME: Final = frozenset({"alpha_nominal", "scott_pi"})
"""Figures that are `alpha`, of nominal labels, and `fleiss_kappa`, always."""

Floats: TypeAlias = NDArray[np.float64]


class Unequal(Population):
    """Items of a population that two sides label, of which one errs half as often again."""

    @classmethod
    def of(cls, population: Population) -> Unequal:
        """The same items."""
        return cls(**{each.name: getattr(population, each.name) for each in fields(population)})

    def worse(self) -> Floats:
        """By kind and label: the probability that the side that errs more gives the label."""
        return replace(self, error=1.5 * self.error).given()

    def of_sides(self, one: int, other: int) -> Iterator[tuple[list[str], list[str], float]]:
        """What so many of the worse side and so many of the other say of an item, and how probable it is."""
        rest = list(self.drawn(self.given(), other))
        for labels, chances in self.drawn(self.worse(), one):
            for others, of_others in rest:
                yield labels, others, float(np.dot(self.kinds, chances * of_others))


class Pair(Unequal):
    """Two annotators, on items that both labelled."""

    def patterns(self) -> dict[str, float]:
        return {pair_pattern(*a, *b): chance for a, b, chance in self.of_sides(1, 1)}

    def readings(self, counts: Mapping[str, int]) -> dict[str, Reading]:
        return pair_agreement(counts, self.label_type, self.scale)


class OneAgainstOthers(Unequal):
    """An annotator against the others of each item."""

    def patterns(self) -> dict[str, float]:
        found: defaultdict[str, float] = defaultdict(float)
        for m in self.sizes:
            for (own,), others, chance in self.of_sides(1, m - 1):
                found[against_others(own, others)] += chance / len(self.sizes)
        return dict(found)


class TwoVendors(Unequal):
    """A vendor against another, who share the annotators of an item as evenly as they can."""

    def patterns(self) -> dict[str, float]:
        found: defaultdict[str, float] = defaultdict(float)
        for m in self.sizes:
            for labels, others, chance in self.of_sides(m // 2, m - m // 2):
                found[between_groups(labels, others)] += chance / len(self.sizes)
        return dict(found)


EVERY: Final = [each for each in coverage.POPULATIONS if each.sizes == PAIRED]

POPULATIONS: Final[Mapping[str, Iterable[Population | Crowd]]] = {
    "a pair of annotators": [Pair.of(each) for each in EVERY],
    "an annotator and the others": [OneAgainstOthers.of(each) for each in EVERY],
    "an annotator and the others, some alone": [
        OneAgainstOthers.of(each) for each in coverage.POPULATIONS if each.sizes == SINGLE
    ],
    "two vendors": [TwoVendors.of(each) for each in EVERY],
    "a task": [
        Crowd("nominal, even, poor, 3 annotators", 3, EVEN, 0.6),
        Crowd("nominal, skewed, fair, 3 annotators", 3, SKEWED, 0.3),
        Crowd("nominal, skewed, good, 5 annotators", 5, SKEWED, 0.15),
        Crowd("nominal, even, fair, 8 annotators", 8, EVEN, 0.3),
        Crowd("nominal, skewed, fair, 2 to 5 of 5 annotators", 5, SKEWED, 0.3, PAIRED),
        Crowd("nominal, skewed, good, 2 to 5 of 8 annotators", 8, SKEWED, 0.15, PAIRED),
    ],
    "a task, some alone": [Crowd("nominal, skewed, fair, 1 to 5 of 8 annotators", 8, SKEWED, 0.3, SINGLE)],
}
"""By what they are figures of."""


def measured(population: Population | Crowd, items: int, repetitions: int) -> dict[str, Coverage]:
    """By figure."""
    if isinstance(population, Crowd):
        return coverage_of_annotators.coverage(population, items, repetitions)
    found = coverage.coverage(population, items, repetitions)
    return {name: each for name, each in found.items() if name not in SAME}


def lines(repetitions: int) -> Iterator[str]:
    """A row of figures for each population and figure; then of each figure the lowest and the highest share."""
    heads = " | ".join(f"{items} items" for items in ITEMS)
    yield f"| of | population | figure | true | {heads} |"
    yield "|---|---|---|---:" + "|---:" * len(ITEMS) + "|"
    shares: defaultdict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for what, populations in POPULATIONS.items():
        for population in populations:
            truth = population.truth()
            found = [measured(population, items, repetitions) for items in ITEMS]
            for name in found[-1]:
                row = [each[name].share for each in found]
                shares[what, name].append(row)
                cells = " | ".join(f"{share:.3f}" for share in row)
                yield f"| {what} | {population.name} | `{name}` | {truth[name]:.3f} | {cells} |"
    yield ""
    yield f"| of | figure | populations | {heads} |"
    yield "|---|---|---:" + "|---:" * len(ITEMS) + "|"
    for (what, name), rows in shares.items():
        cells = " | ".join(_range(column) for column in zip(*rows, strict=True))
        yield f"| {what} | `{name}` | {len(rows)} | {cells} |"


def _range(shares: Sequence[float]) -> str:
    return f"{min(shares):.3f} to {max(shares):.3f}" if len(shares) > 1 else f"{shares[0]:.3f}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2000, help="samples a population and number of items")
    for line in lines(parser.parse_args().repetitions):
        print(line, flush=True)


if __name__ == "__main__":
    main()
