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


class Disputed(NamedTuple):
    """An item: how far its labels differ, how many there are, and how often each was given."""

    item: str
    degree: float
    labels: int
    counts: Mapping[str, int]


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
    return _entropy(tuple(sorted(counts.values())))


@lru_cache(maxsize=4096)
def _entropy(counts: tuple[int, ...]) -> float:
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


def most_disputed(
    items: Iterable[tuple[str, Mapping[str, int]]], most: int, degree: Degree = entropy
) -> tuple[list[Disputed], int]:
    """The most disputed of these items with how often each label was given to them, and how many more are disputed.

    The highest degree comes first, then the item with more labels, then the smaller id. An item whose labels are all
    equal is not disputed. However many items there are, no more than `most` are held.

    >>> given = [("i1", {"yes": 2, "no": 1}), ("i2", {"yes": 5}), ("i3", {"no": 1, "yes": 1}), ("i4", {"no": 2, "yes": 2})]
    >>> found, more = most_disputed(given, 2)
    >>> [(item.item, item.degree) for item in found], more
    ([('i4', 1.0), ('i3', 1.0)], 1)
    """
    count = 0

    def disputed() -> Iterator[Disputed]:
        nonlocal count
        for item, counts in items:
            if len(counts) > 1:
                count += 1
                yield Disputed(item, degree(counts), sum(counts.values()), counts)

    found = heapq.nsmallest(most, disputed(), key=lambda item: (-item.degree, -item.labels, item.item))
    return found, count - len(found)
