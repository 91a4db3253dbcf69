"""How often the nominal 95 % intervals of Kendall's W, tau-b and Conger's kappa hold the true figure: seeded simulations.

    python -m tests.benchmarks.coverage_of_annotators [--repetitions N]

All annotators label all items, each alone. The true figures of labels are those of the enumerated population, or follow from
the annotators' errors. Beside the bootstrap of W and tau-b stand what else could be had of the same items: the quantiles of its
replicates, the jackknife over items, and the linearisation, whose derivatives are differences. Conger's kappa is that of
60 annotators, of whom no confusions are kept: its linearisation, as irrCAC has it. A test runs a part of it.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.agreement import RankedItems, Scale, Who, against_others, agreement, item_pattern, pair_pattern
from detectors.agreement.bootstrap import bootstrapped, poisson_weights
from detectors.agreement.coefficient import student_quantile
from detectors.agreement.ranked_items import weighted
from detectors.item import MOST_PAIRED
from detectors.reading import Reading
from tests.benchmarks.coverage import EVEN, FIVE, SKEWED, Coverage, Population

ITEMS = (10, 30, 100)
NAMES = ("kendall_w", "kendall_tau_b")
LOWEST = {"kendall_w": 0.0, "kendall_tau_b": -1.0}

Found: TypeAlias = dict[str, tuple[float, float]]
"""By figure and method: the limits of a sample."""
Integers: TypeAlias = NDArray[np.int64]


class Ranked(NamedTuple):
    """Annotators who rank items by labels that err as `Population` says, or with normal errors of this deviation."""

    name: str
    annotators: int
    labels: Population | None = None
    noise: float = 0.0

    def truth(self) -> dict[str, float]:
        """W and tau-b of the population."""
        m = self.annotators
        if self.labels is None:
            r = 1.0 / (1.0 + self.noise**2)
            return {
                "kendall_w": (1.0 + (m - 1) * 6.0 / math.pi * math.asin(r / 2.0)) / m,
                "kendall_tau_b": 2.0 / math.pi * math.asin(r),
            }
        given, kinds = self.labels.given(), np.array(self.labels.kinds)
        places = np.array(list(product(range(len(kinds)), repeat=m)))
        shares = (kinds[:, None] * np.prod(given[:, places], axis=2)).sum(axis=0)
        return {name: float(found[0]) for name, found in zip(NAMES, weighted(places, shares[:, None]), strict=True)}

    def sample(self, rng: np.random.Generator, items: int) -> Integers:
        """The places of so many items, by annotator."""
        if self.labels is None:
            seen = rng.normal(size=(items, 1)) + self.noise * rng.normal(size=(items, self.annotators))
            return np.asarray(seen.argsort(axis=0).argsort(axis=0))
        kinds = rng.choice(len(self.labels.kinds), size=items, p=self.labels.kinds)
        below = self.labels.given().cumsum(axis=1)[kinds]
        return np.asarray((rng.random((items, self.annotators, 1)) > below[:, None, :-1]).sum(axis=2))

    def read(self, rng: np.random.Generator, items: int, number: int) -> Found:
        """The intervals of a sample."""
        places = self.sample(rng, items)
        people = [f"n{annotator}" for annotator in range(self.annotators)]
        given = [(f"{number} {item}", dict(zip(people, map(str, row), strict=True))) for item, row in enumerate(places)]
        ranked = RankedItems.of(given, people, Scale.of("ordinal", [str(place) for place in range(places.max() + 1)]))
        blocks = [weighted(ranked.places, ranked.rows.sums(weights)) for weights in poisson_weights(ranked.items)]
        replicates = np.concatenate(blocks, axis=1)
        found: Found = {}
        for row, (name, values) in enumerate(zip(NAMES, weighted(places, _weights(items)), strict=True)):
            if math.isfinite(values[0]):
                reading = bootstrapped(Reading(float(values[0]), None, None, items), replicates[row], LOWEST[name])
                if reading.low is not None and reading.high is not None:
                    found[name] = reading.low, reading.high
                found |= _others(name, values, replicates[row])
        return found


STEP = 1e-4


def _weights(items: int) -> NDArray[np.float64]:
    """Of all items, without each, and with a little more and less of each: these are columns."""
    each = np.eye(items)
    return np.hstack([np.ones((items, 1)), 1.0 - each, 1.0 + STEP * each, 1.0 - STEP * each])


def _others(name: str, values: NDArray[np.float64], replicates: NDArray[np.float64]) -> Found:
    """The limits by other methods of a figure with these values under `_weights`."""
    value, (without, more, less) = float(values[0]), np.split(values[1:], 3)
    n, left = len(without), without[np.isfinite(without)]
    influence = (more - less) / (2.0 * STEP)
    errors = {
        "jackknife": math.sqrt((n - 1) / n * float(np.square(left - left.mean()).sum())),
        "linearised": math.sqrt(n / (n - 1) * float(np.square(influence).sum())),
    }
    low, high = np.quantile(replicates[np.isfinite(replicates)], (0.025, 0.975)).tolist()
    found = {f"{name}, quantiles": (low, high)}
    for method, error in errors.items():
        half = student_quantile(n - 1) * error
        found[f"{name}, {method}"] = max(LOWEST[name], value - half), min(1.0, value + half)
    return found


class Crowd(NamedTuple):
    """Annotators who err each with a probability of its own about `error`, by the shares of the kinds.

    All label all items, or so many of them as `sizes` says, each number as frequent.
    """

    name: str
    annotators: int
    kinds: tuple[float, ...]
    error: float
    sizes: tuple[int, ...] = ()

    def given(self) -> NDArray[np.float64]:
        """By annotator, kind and label: the probability of the label."""
        errors = self.error * np.linspace(0.5, 1.5, self.annotators)[:, None, None]
        return np.asarray(errors * np.array(self.kinds) + (1.0 - errors) * np.eye(len(self.kinds)))

    def truth(self) -> dict[str, float]:
        """Conger's kappa of the population."""
        given, kinds = self.given(), np.array(self.kinds)
        shares = np.einsum("k,akc->ac", kinds, given)
        observed, chance = (
            np.mean([float(of[a, b]) for a, b in combinations(range(self.annotators), 2)])
            for of in (np.einsum("k,akc,bkc->ab", kinds, given, given), shares @ shares.T)
        )
        return {"conger_kappa": float((observed - chance) / (1.0 - chance))}

    def read(self, rng: np.random.Generator, items: int, _number: int) -> Found:
        """The interval of a sample."""
        kinds = rng.choice(len(self.kinds), size=items, p=self.kinds)
        below = self.given().cumsum(axis=2)[:, kinds, :-1]
        labels = (rng.random((self.annotators, items, 1)) > below).sum(axis=2).astype(str).T.tolist()
        people = [f"n{annotator}" for annotator in range(self.annotators)]
        answers = [dict(zip(people, row, strict=True)) for row in labels]
        if self.sizes:
            sizes = rng.choice(self.sizes, size=items).tolist()
            answers = [
                {people[place]: row[people[place]] for place in sorted(rng.permutation(self.annotators)[:size])}
                for row, size in zip(answers, sizes, strict=True)
            ]
        counts = Counter(item_pattern(row.values()) for row in answers)
        reading = agreement(counts, "nominal", len(self.kinds), None, _who(answers))["conger_kappa"]
        if reading.low is None or reading.high is None:
            return {}
        return {"conger_kappa": (reading.low, reading.high)}


def _who(answers: Sequence[Mapping[str, str]]) -> Who:
    """What the fold keeps of these items, each its labels by annotator, and those that have too many to be in confusions."""
    own: defaultdict[str, Counter[str]] = defaultdict(Counter)
    pairs: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in answers:
        labels = list(row.values())
        for place, (annotator, label) in enumerate(row.items()):
            own[annotator][against_others(label, labels[:place] + labels[place + 1 :])] += 1
        for a, b in combinations(row, 2) if len(row) <= MOST_PAIRED else ():
            pairs[a, b][pair_pattern(row[a], row[b])] += 1
    return Who(own, pairs, [row for row in answers if len(row) > MOST_PAIRED])


POPULATIONS: Sequence[Ranked | Crowd] = (
    Ranked("5 labels, near errors, 3 annotators", 3, Population("", "ordinal", FIVE, 0.4, near=True)),
    Ranked("5 labels, good, 4 annotators", 4, Population("", "ordinal", FIVE, 0.15)),
    Ranked("5 labels, fair, 3 annotators", 3, Population("", "ordinal", FIVE, 0.4)),
    Ranked("5 labels, poor, 5 annotators", 5, Population("", "ordinal", FIVE, 0.8)),
    Ranked("no ties, good, 3 annotators", 3, noise=0.4),
    Ranked("no ties, poor, 6 annotators", 6, noise=2.0),
    Crowd("nominal, even, fair, 60 annotators", 60, EVEN, 0.3),
    Crowd("nominal, skewed, good, 60 annotators", 60, SKEWED, 0.15),
)


def coverage(population: Ranked | Crowd, items: int, repetitions: int) -> dict[str, Coverage]:
    """By figure and method; samples where one is undefined do not count. The seed is of the arguments alone."""
    truth = population.truth()
    rng = np.random.default_rng(
        int.from_bytes(hashlib.sha256(f"{population.name} {items}".encode()).digest()[:8], "big")
    )
    held: defaultdict[str, int] = defaultdict(int)
    n: defaultdict[str, int] = defaultdict(int)
    width: defaultdict[str, float] = defaultdict(float)
    for number in range(repetitions):
        for name, (low, high) in population.read(rng, items, number).items():
            held[name] += low <= truth[name.partition(",")[0]] <= high
            n[name] += 1
            width[name] += high - low
    return {name: Coverage(held[name] / n[name], n[name], width[name] / n[name]) for name in sorted(n)}


def lines(repetitions: int) -> Iterator[str]:
    """A row of figures for each population and figure; then of each method the lowest and the mean share."""
    heads = " | ".join(f"{items} items" for items in ITEMS)
    yield f"| population | figure | true | {heads} |"
    yield "|---|---|---" + "|---" * len(ITEMS) + "|"
    shares: defaultdict[str, list[list[float]]] = defaultdict(list)
    for population in POPULATIONS:
        truth = population.truth()
        found = [coverage(population, items, repetitions) for items in ITEMS]
        for name in found[-1]:
            figure, _, method = name.partition(", ")
            if isinstance(population, Ranked):
                shares[f"{figure} | {method or 'bootstrap'}"].append([each[name].share for each in found])
            if not method:
                cells = " | ".join(f"{each[name].share:.3f}" for each in found)
                yield f"| {population.name} | {name} | {truth[name]:.3f} | {cells} |"
    yield ""
    yield f"| figure | method | {heads} |"
    yield "|---|---" + "|---" * len(ITEMS) + "|"
    for name, rows in sorted(shares.items()):
        cells = " | ".join(f"{min(column):.3f}, {sum(column) / len(column):.3f}" for column in zip(*rows, strict=True))
        yield f"| {name} | {cells} |"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000, help="samples a population and number of items")
    for line in lines(parser.parse_args().repetitions):
        print(line, flush=True)


if __name__ == "__main__":
    main()
