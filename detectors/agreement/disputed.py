"""Which items annotators disagree on most."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from detectors.agreement.moments import PLACES, units

DIGITS: Final = 12
"""Decimal places of an entropy: counts in one proportion have one entropy, whatever rounding errors they meet."""


class Difference(NamedTuple):
    """How far the labels of an item differ that are lists of parts, such as boxes.

    `degree` is the mean entropy of what annotators say of each place, `likeness` how much they have in common, between 0
    and 1: of two items of one degree the less alike is more disputed. `counts` is how often each answer was given.
    """

    degree: float
    likeness: float
    counts: Mapping[str, int]


class Disputed(NamedTuple):
    """An item: how far its labels differ, how many there are, how often each was given, and of parts how alike they are."""

    item: str
    degree: float
    labels: int
    counts: Mapping[str, int]
    likeness: float | None = None


Degree = Callable[[Mapping[str, int]], float]
"""How far labels differ, from how often each was given; at least two were, and not all are equal."""


def entropy(counts: Mapping[str, int]) -> float:
    r"""Shannon's entropy of the shares of an item's labels, in bits, rounded to 12 places.

    $$ H = -\sum_k \frac{r_k}{n} \log_2 \frac{r_k}{n} $$

    for labels that were given $r_k$ times, n in all. 0 where all are equal, 1 for two labels given equally often, and
    $\log_2 k$ for k of them: more different labels are more disagreement. Undefined without a label.

    >>> entropy({"yes": 2, "no": 1}), entropy({"yes": 3, "no": 3}), entropy({"yes": 1, "no": 1, "maybe": 2})
    (0.918295834054, 1.0, 1.5)

    References
    ----------
    Shannon, C. E. (1948). A mathematical theory of communication. Bell System Technical Journal 27(3), 379-423.
    https://doi.org/10.1002/j.1538-7305.1948.tb01338.x
    """
    return entropy_of_counts(tuple(sorted(counts.values())))


@lru_cache(maxsize=4096)
def entropy_of_counts(counts: tuple[int, ...]) -> float:
    """The same from the counts alone, in order.

    >>> entropy_of_counts((1, 2))
    0.918295834054
    """
    n = sum(counts)
    # Adding 0 makes of a negative zero the ordinary one.
    return round(math.log2(n) - math.fsum(r * math.log2(r) for r in counts) / n, DIGITS) + 0.0


def variance(counts: Mapping[str, int]) -> float:
    r"""The sample variance of an item's numbers, in squares of their unit: half the mean squared difference of two of them.

    $$ s^2 = \frac{n \sum x^2 - (\sum x)^2}{n (n - 1)} $$

    Exact, and rounded once. Undefined for fewer than two labels.

    >>> variance({"1": 1, "3": 1}), variance({"0.5": 2, "2": 1})
    (2.0, 0.75)
    """
    numbers = [(units(key), r) for key, r in counts.items()]
    n = sum(r for _, r in numbers)
    total, squares = sum(r * x for x, r in numbers), sum(r * x * x for x, r in numbers)
    return float(Fraction(n * squares - total * total, n * (n - 1) * 10 ** (2 * PLACES)))


def mean_entropy(places: Mapping[tuple[int, ...], int]) -> float:
    """The mean entropy of places, in bits, rounded to 12 places: how many there are whose answers have these counts, in order.

    >>> mean_entropy({(1, 2): 1, (3,): 2})
    0.306098611351
    """
    n = sum(places.values())
    return round(math.fsum(entropy_of_counts(counts) * held for counts, held in places.items()) / n, DIGITS)


def differing(items: Iterable[tuple[str, Mapping[str, int]]], degree: Degree = entropy) -> Iterator[Disputed]:
    """The disputed of these items with how often each label was given to them: those whose labels are not all equal."""
    for item, counts in items:
        if len(counts) > 1:
            yield Disputed(item, degree(counts), sum(counts.values()), counts)


def most_disputed(disputed: Iterable[Disputed], most: int) -> tuple[list[Disputed], int]:
    """The most disputed of these items, and how many more there are.

    The highest degree comes first, then the less alike, then the item with more labels, then the smaller id. However many
    items there are, no more than `most` are held.

    >>> given = [("i1", {"yes": 2, "no": 1}), ("i2", {"yes": 5}), ("i3", {"no": 1, "yes": 1}), ("i4", {"no": 2, "yes": 2})]
    >>> found, more = most_disputed(differing(given), 2)
    >>> [(item.item, item.degree) for item in found], more
    ([('i4', 1.0), ('i3', 1.0)], 1)
    """
    count = 0

    def counted() -> Iterator[Disputed]:
        nonlocal count
        for item in disputed:
            count += 1
            yield item

    found = heapq.nsmallest(most, counted(), key=_rank)
    return found, count - len(found)


def _rank(item: Disputed) -> tuple[float, float, int, str]:
    return -item.degree, item.likeness or 0.0, -item.labels, item.item
