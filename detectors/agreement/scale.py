"""How far labels are apart: the order of a task's categories, their numbers, and the weights of partial agreement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from detectors.agreement.arrays import Booleans, Floats, Integers, in_order, sums
from detectors.agreement.differing import differing_pairs

Distance = Callable[[Floats, Floats], Floats]
"""How far two places are apart, for arrays of them."""

_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,9}|-?(0|[1-9][0-9]{0,9})\.[0-9]{0,11}[1-9]")
"""As `detectors.labels.numbers` spells them: other spellings are names, so that no two labels are one number."""


def squared(a: Floats, b: Floats) -> Floats:
    """The interval metric, and that of quadratic weights."""
    return np.square(a - b)


def absolute(a: Floats, b: Floats) -> Floats:
    """The metric of linear weights."""
    return np.abs(a - b)


def between_ranks(a: Floats, b: Floats) -> Floats:
    """The metric of Gwet's ordinal weights: of t steps between two ranks, t(t + 1)/2."""
    steps = np.abs(a - b)
    return steps * (steps + 1.0) / 2.0


def relative(a: Floats, b: Floats) -> Floats:
    """The ratio metric of numbers that are not negative: ((a - b)/(a + b))^2, and 0 between zeros."""
    whole = a + b
    return np.square((a - b) / np.where(whole > 0, whole, 1.0))


WEIGHTS: Final[Mapping[str, Distance]] = MappingProxyType(
    {"quadratic": squared, "linear": absolute, "ordinal": between_ranks}
)
"""What may be configured: how disagreement grows with distance. The weight of agreement is 1 - distance/largest."""


@dataclass(frozen=True)
class Scale:
    r"""The categories of a task in order: declared ones, or those seen where numbers need no declaration.

    Weights are by `number`, or by rank where `ranked`; Gwet's ordinal ones are by rank always.

    >>> Scale.of("ordinal", ["low", "mid", "high"]).number
    (1.0, 2.0, 3.0)
    >>> Scale.of("ordinal", ["low", "mid", "high"]).numbers
    False
    >>> Scale.of("interval", None, ["10", "2.5"]).labels
    ('2.5', '10')
    >>> Scale.of("ordinal", None, ["low", "high"]) is None
    True
    """

    labels: tuple[str, ...]
    """The categories, in order."""
    number: tuple[float, ...]
    """The number that each of them is; where some is none, their ranks from 1."""
    numbers: bool
    """Whether all of them are numbers."""
    ranked: bool
    weights: str = "quadratic"

    @classmethod
    def of(
        cls, level: str, declared: Sequence[str] | None, seen: Iterable[str] = (), weights: str = "quadratic"
    ) -> Scale | None:
        """The scale of a task; None where nothing says in which order its labels are."""
        labels = tuple(seen if declared is None else declared)
        numbers = all(_NUMBER.fullmatch(label) for label in labels)
        if numbers and (declared is None or level != "ordinal"):
            labels = tuple(sorted(set(labels), key=lambda label: (float(label), label)))
        elif declared is None:
            return None
        number = tuple(map(float, labels)) if numbers else tuple(float(n + 1) for n in range(len(labels)))
        return cls(labels, number, numbers, ranked=level == "ordinal" and declared is not None, weights=weights)

    def holding(self, labels: Iterable[str]) -> Scale | None:
        """This scale; where it lacks labels, as a stage or an old configuration may have them, one by number with them.

        None where some are no numbers.
        """
        labels = set(labels)
        if self.rank.keys() >= labels:
            return self
        return Scale.of("interval", None, {*self.labels, *labels}, self.weights)

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The place of each category in the order, from 0."""
        return {label: place for place, label in enumerate(self.labels)}

    @cached_property
    def steps(self) -> Mapping[str, int]:
        """The place of each category as an integer: its rank where weights are by rank, or its number times 10^12."""
        if self.ranked or not self.numbers:
            return self.rank
        return {label: int(Decimal(label).scaleb(12)) for label in self.labels}

    @property
    def by_rank(self) -> bool:
        """Whether weights are by rank rather than by number."""
        return self.ranked or self.weights == "ordinal"

    @property
    def largest(self) -> float:
        """The distance of the first category to the last, where agreement has weight 0."""
        first, last = (0.0, len(self.labels) - 1.0) if self.by_rank else (min(self.number), max(self.number))
        return float(WEIGHTS[self.weights](np.array([first]), np.array([last]))[0])

    def mean_distance(self) -> float:
        """The mean over all ordered pairs of categories, equal ones included, of distance/largest."""
        return _mean_distance(self)


@lru_cache(maxsize=1024)
def _mean_distance(scale: Scale) -> float:
    q = len(scale.labels)
    places = np.arange(q, dtype=np.float64) if scale.by_rank else np.sort(np.array(scale.number))
    steps = places - places[0]
    # Of ordered pairs: the sum of their squared, and of their absolute differences.
    squares = 2.0 * (q * float(np.square(steps).sum()) - float(steps.sum()) ** 2)
    absolutes = 2.0 * float(((2.0 * np.arange(q) + 1.0 - q) * steps).sum())
    whole = {"quadratic": squares, "linear": absolutes, "ordinal": (squares + absolutes) / 2.0}[scale.weights]
    return whole / (q * q * scale.largest)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The labels of a table, in the order of a scale, and the pairs of different labels of each of its rows."""

    scale: Scale
    rank: Integers
    """By label: its place in the order, from 0."""
    number: Floats
    """By label: its number, or its rank from 1 where labels are none."""
    row: Integers
    """By unordered pair of different labels: the row."""
    first: Integers
    second: Integers
    """By pair: the two labels."""
    part: Floats
    """By pair: its share of all the pairs of its row."""

    @classmethod
    def of(
        cls, scale: Scale, names: Sequence[str], row: Integers, label: Integers, other: Booleans, pairs: Integers
    ) -> Placed:
        """Place labels by their names, which are in order.

        `row`, `label` and `other` are what a `Table` decodes, `pairs` is by row.
        """
        rank = np.fromiter((scale.rank[name] for name in names), np.int64, len(names))
        differing = differing_pairs(row, label, other, pairs)
        number = np.array(scale.number, np.float64)[rank]
        return cls(scale, rank, number, *differing)

    def by_row(self, places: Floats, distance: Distance, rows: int) -> Floats:
        """The mean distance of the pairs of labels of each row; `places` is by label."""
        return sums(self.row, self.part * distance(places[self.first], places[self.second]), rows)

    def by_numbers(self, distance: Distance, rows: int) -> Floats:
        """The mean distance of the numbers of the pairs of labels of each row."""
        return self.by_row(self.number, distance, rows)

    def by_weights(self, rows: int) -> Floats:
        """The mean of distance/largest of the pairs of labels of each row, under the weights of the scale."""
        places = self.rank.astype(np.float64) if self.scale.by_rank else self.number
        return self.by_row(places, WEIGHTS[self.scale.weights], rows) / self.scale.largest


def mean_distances(places: Floats, shares: Floats, distance: Distance) -> Floats:
    """For each label its mean distance to a label drawn by the shares."""
    if distance is squared:
        apart = np.square(places - in_order(shares * places))
        return np.asarray(apart + in_order(shares * apart))
    block = max(1, 10**6 // max(1, len(places)))
    blocks = [places[start : start + block, None] for start in range(0, len(places), block)]
    return np.concatenate([in_order(distance(some, places) * shares) for some in blocks])
