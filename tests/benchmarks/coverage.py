"""How often the nominal 95 % intervals of agreement hold the true figure: seeded simulations.

    python -m tests.benchmarks.coverage [--repetitions N]

A population is a distribution of item patterns, enumerated: how items are (some kinds of them are more frequent), how
many labels they have, and how annotators err. So the true figure is that of the population itself, and a sample of items
is a multinomial draw. For alpha_ordinal a Poisson bootstrap, whose weights are hashed from the pattern and the
replicate, is measured beside the linearisation. A test runs a part of it.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from detectors.agreement import COEFFICIENTS, Scale, Table, agreement, item_pattern
from detectors.agreement.coefficient import Estimate, student_quantile
from detectors.agreement.patterns import set_key
from detectors.reading import Reading

ITEMS = (30, 100, 400)
SINGLE = (1, 2, 3, 4, 5)
"""Numbers of labels of items, all as frequent; with 1 some cannot agree."""
PAIRED = (2, 3, 4, 5)


@dataclass(frozen=True)
class Population:
    """Items of kinds with these shares; an annotator errs with probability `error`, as `kinds` and `near` say.

    An error is any label by the shares of the kinds; with `near`, one of the two next to the true one.
    """

    name: str
    label_type: str
    kinds: tuple[float, ...]
    error: float
    sizes: tuple[int, ...] = PAIRED
    near: bool = False

    @property
    def labels(self) -> list[str]:
        """The declared labels; sets next to each other are one within the other."""
        if self.label_type == "multilabel":
            return [set_key(names) for names in ("", "a", "ab", "b", "bc")][: len(self.kinds)]
        return [str(label + 1) for label in range(len(self.kinds))]

    @property
    def scale(self) -> Scale | None:
        """Their order."""
        return Scale.of(self.label_type, self.labels) if self.label_type == "ordinal" else None

    def given(self) -> NDArray[np.float64]:
        """By kind and label: the probability that an annotator gives the label."""
        q = len(self.kinds)
        wrong = np.tile(self.kinds, (q, 1))
        if self.near:
            wrong = np.array([[float(abs(kind - label) == 1) for label in range(q)] for kind in range(q)])
            wrong /= wrong.sum(axis=1, keepdims=True)
        return np.asarray(self.error * wrong + (1.0 - self.error) * np.eye(q))

    def patterns(self) -> dict[str, float]:
        """The probability of each pattern of an item."""
        found: defaultdict[str, float] = defaultdict(float)
        for m in self.sizes:
            for labels, chances in self.drawn(self.given(), m):
                found[item_pattern(labels)] += float(np.dot(self.kinds, chances)) / len(self.sizes)
        return dict(found)

    def drawn(self, given: NDArray[np.float64], m: int) -> Iterator[tuple[list[str], NDArray[np.float64]]]:
        """What m annotators may say of an item, in any order, and by kind of item how probable it is."""
        for labels in combinations_with_replacement(range(len(given)), m):
            tally = np.bincount(labels, minlength=len(given))
            ways = math.factorial(m) / math.prod(math.factorial(int(n)) for n in tally)
            yield [self.labels[label] for label in labels], ways * np.prod(given**tally, axis=1)

    def read(self, counts: Mapping[str, int]) -> dict[str, tuple[float, float, float]]:
        """What is defined of these counts, with its limits."""
        return {
            name: (r.value, r.low, r.high)
            for name, r in self.readings(counts).items()
            if r.value is not None and r.low is not None and r.high is not None
        }

    def readings(self, counts: Mapping[str, int]) -> dict[str, Reading]:
        """The figures of these counts."""
        return agreement(counts, self.label_type, len(self.kinds), self.scale)

    def truth(self) -> dict[str, float]:
        """The figures of the population, by 10^9 items."""
        counts = {pattern: round(share * 10**9) for pattern, share in self.patterns().items()}
        return {name: value for name, (value, _, _) in self.read({p: n for p, n in counts.items() if n}).items()}


EVEN, SKEWED, FIVE = (0.25,) * 4, (0.55, 0.25, 0.15, 0.05), (0.1, 0.2, 0.3, 0.25, 0.15)

POPULATIONS = (
    Population("nominal, even, poor", "nominal", EVEN, 0.6),
    Population("nominal, even, fair", "nominal", EVEN, 0.3),
    Population("nominal, skewed, fair", "nominal", SKEWED, 0.3),
    Population("nominal, skewed, good", "nominal", SKEWED, 0.15),
    Population("nominal, skewed, fair, some single", "nominal", SKEWED, 0.3, SINGLE),
    Population("ordinal, any error", "ordinal", FIVE, 0.4),
    Population("ordinal, near errors", "ordinal", FIVE, 0.4, near=True),
    Population("ordinal, near errors, some single", "ordinal", FIVE, 0.4, SINGLE, near=True),
    Population("sets, any error", "multilabel", FIVE, 0.4),
    Population("sets, near errors", "multilabel", FIVE, 0.4, near=True),
    Population("sets, near errors, some single", "multilabel", FIVE, 0.4, SINGLE, near=True),
)


class Coverage(NamedTuple):
    """How often an interval held the truth, over how many samples, and the mean of its width."""

    share: float
    n: int
    width: float

    @property
    def error(self) -> float:
        """The standard error of the share."""
        return math.sqrt(self.share * (1.0 - self.share) / max(1, self.n))


def coverage(population: Population, items: int, repetitions: int, *, bootstrap: bool = False) -> dict[str, Coverage]:
    """By coefficient; samples where it is undefined do not count. The seed is of the arguments alone."""
    patterns, truth = population.patterns(), population.truth()
    names, shares = list(patterns), np.array(list(patterns.values()))
    seed = hashlib.sha256(f"{population.name} {items}".encode()).digest()[:8]
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    held: defaultdict[str, int] = defaultdict(int)
    n: defaultdict[str, int] = defaultdict(int)
    width: defaultdict[str, float] = defaultdict(float)
    for sample in rng.multinomial(items, shares / shares.sum(), size=repetitions):
        counts = {names[place]: int(sample[place]) for place in np.flatnonzero(sample)}
        readings = population.read(counts)
        if bootstrap and "alpha_ordinal" in readings:
            readings["alpha_ordinal, bootstrap"] = poisson_bootstrap(population, counts, "alpha_ordinal")
        for name, (_, low, high) in readings.items():
            held[name] += low <= truth[name.partition(",")[0]] <= high
            n[name] += 1
            width[name] += high - low
    return {name: Coverage(held[name] / n[name], n[name], width[name] / n[name]) for name in n}


REPLICATES = 200


def poisson_bootstrap(population: Population, counts: Mapping[str, int], name: str) -> tuple[float, float, float]:
    """The value with the limits of Student's t and the standard deviation of the replicates.

    In replicate b a pattern that n items show has the weight Poisson(n), by the quantile of a number that is hashed from
    the pattern and b: a function of the state alone.
    """
    value = population.read(counts)[name][0]
    weights = {pattern: stats.poisson.ppf(uniforms(pattern), n).astype(int).tolist() for pattern, n in counts.items()}
    found = []
    for replicate in range(REPLICATES):
        drawn = {pattern: each[replicate] for pattern, each in weights.items() if each[replicate]}
        estimate = COEFFICIENTS[name].estimate(Table.of(drawn, population.scale), len(population.kinds))
        if isinstance(estimate, Estimate):
            found.append(estimate.value)
    n = sum(count for pattern, count in counts.items() if "\x1f" in pattern)
    half = student_quantile(n - 1) * float(np.std(found, ddof=1))
    return value, max(-1.0, value - half), min(1.0, value + half)


@lru_cache(maxsize=4096)
def uniforms(pattern: str) -> NDArray[np.float64]:
    """A number between 0 and 1 for each replicate."""
    seed = hashlib.sha256(pattern.encode()).digest()[:16]
    return np.random.default_rng(int.from_bytes(seed, "big")).random(REPLICATES)


def lines(repetitions: int, bootstrap: int) -> Iterator[str]:
    """A row of figures for each population, number of items and coefficient."""
    yield "| population | coefficient | true | " + " | ".join(f"{items} items (width)" for items in ITEMS) + " |"
    yield "|---|---|---" + "|---" * len(ITEMS) + "|"
    for population in POPULATIONS:
        truth = population.truth()
        found = [coverage(population, items, repetitions) for items in ITEMS]
        if bootstrap and population.label_type == "ordinal":
            for items, each in zip(ITEMS, found, strict=True):
                name = "alpha_ordinal, bootstrap"
                each[name] = coverage(population, items, bootstrap, bootstrap=True)[name]
        for name in found[0]:
            cells = [f"{each[name].share:.3f} ({each[name].width:.3f})" for each in found]
            yield f"| {population.name} | {name} | {truth[name.partition(',')[0]]:.3f} | {' | '.join(cells)} |"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=4000, help="samples a population and number of items")
    parser.add_argument("--bootstrap", type=int, default=0, help="samples that are bootstrapped too")
    arguments = parser.parse_args()
    for line in lines(arguments.repetitions, arguments.bootstrap):
        print(line)


if __name__ == "__main__":
    main()
