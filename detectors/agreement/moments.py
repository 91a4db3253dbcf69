"""The state of agreement of numbers that are no categories: exact sums, whatever the numbers are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from detectors.agreement.coefficient import Estimate
from detectors.agreement.measured import MeasuredCoefficient
from detectors.agreement.measures import Measure

PLACES = 12
"""Numbers are whole multiples of 10^-12."""

NAMES: Final = ("n", "a", "b", "d", "aa", "ab", "ad", "bb", "bd", "dd")
"""The quantities of an item: 1, a, b, d and all products of two of a, b, d.

Of an item with the m labels x its kind is "m" and m, a is the sum of x, b that of x^2, and d = m b - a^2. Of an annotator
who gave x, against k others who gave y, it is "k" and k, a = k x + sum y, b = k x^2 + sum y^2, d = sum (x - y)^2. Of a
group of j who gave x, against k others, it is "k" and j k, a = k sum x + j sum y, b = k sum x^2 + j sum y^2, and d the sum
of (x - y)^2 over all j k pairs.
"""


def units(key: str) -> int:
    """The number that a label's key spells, in units of 10^-12.

    >>> units("2.5"), units("-1")
    (2500000000000, -1000000000000)
    """
    return int(Decimal(key).scaleb(PLACES))


def item_moment(numbers: Sequence[int]) -> Measure:
    """What an item with these labels adds; nothing if it has only one."""
    m = len(numbers)
    if m < 2:
        return ()
    a, b = sum(numbers), sum([x * x for x in numbers])
    return _moment(f"m{m}", a, b, m * b - a * a)


def moment_against(own: int, numbers: Sequence[int], a: int, b: int) -> Measure:
    """What one of an item's labels adds against the others; a and b are the sums of all and of their squares."""
    k = len(numbers) - 1
    if not k:
        return ()
    others, squares = a - own, b - own * own
    d = k * own * own - 2 * own * others + squares
    return _moment(f"k{k}", k * own + others, k * own * own + squares, d)


def moment_between(one: Sequence[int], other: Sequence[int]) -> Measure:
    """What an item adds as two groups see it, the labels of one against those of the other; neither is empty.

    >>> moment_between([3], [4, 5]) == moment_against(3, [3, 4, 5], 12, 50)
    True
    """
    j, k = len(one), len(other)
    x, y = sum(one), sum(other)
    xx, yy = sum([number * number for number in one]), sum([number * number for number in other])
    return _moment(f"k{j * k}", k * x + j * y, k * xx + j * yy, k * xx - 2 * x * y + j * yy)


def _moment(kind: str, a: int, b: int, d: int) -> Measure:
    return tuple(zip(_names(kind), (1, a, b, d, a * a, a * b, a * d, b * b, b * d, d * d), strict=True))


@lru_cache(maxsize=4096)
def _names(kind: str) -> tuple[str, ...]:
    return tuple([f"{kind} {name}" for name in NAMES])


def alpha_of_moments(sums: Mapping[str, int]) -> Estimate | None:
    r"""Krippendorff's alpha of numbers, with the squared difference as distance, from sums.

    $$ \alpha = 1 - \frac{n - 1}{2 (n \sum x^2 - (\sum x)^2)} \sum_i \frac{2 d_i}{m_i - 1}, \qquad
       d_i = m_i \sum x^2 - \left(\sum x\right)^2 $$

    over the n labels of the pairable items: `alpha_interval` without a list of the numbers. The influence of an item is
    linear in 1, a, b and d (`NAMES`), so the sums of their products give the same standard error. All is exact, and
    rounded at the end. None where all numbers are equal.

    >>> from detectors.agreement.measures import Sums
    >>> state = Sums()
    >>> for first, second in (("1", "2"), ("5", "5"), ("7", "6"), ("1", "1")):
    ...     state.update(item_moment([units(first), units(second)]))
    >>> alpha_of_moments(state.sums)  # doctest: +ELLIPSIS
    Estimate(value=0.96022727..., error=0.02297..., degrees=3)

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43
    """
    kinds = [_Kind.of(kind, sums) for kind in sorted({name.partition(" ")[0] for name in sums})]
    if any(kind.items < 0 for kind in kinds):
        raise ValueError("expected counts above 0, found a negative one: more was retracted than added")
    items, labels = sum(kind.items for kind in kinds), sum(kind.items * kind.size for kind in kinds)
    mean = sum((kind.part * kind.a for kind in kinds), _NONE) / labels
    square = sum((kind.part * kind.b for kind in kinds), _NONE) / labels
    expected = 2 * (square - mean * mean)
    if not expected:
        return None
    uncorrected = sum((kind.size * kind.share * kind.d for kind in kinds), _NONE) / (labels * expected)
    observed = uncorrected * Fraction(labels - 1, labels)
    variance = 0.0
    for kind in kinds:
        # The linearised value of an item less their mean is c0 + ca a + cb b + cd d.
        relative = Fraction(kind.size * items, labels)
        by_label = 2 * uncorrected * relative
        c0 = (relative - 1) * observed + uncorrected - by_label * (1 - square / expected)
        cb = by_label / (kind.whole * expected)
        variance += kind.squares(c0, -2 * mean * cb, cb, -relative * kind.share / expected)
    error = math.sqrt(variance / (items * (items - 1))) if items > 1 else math.nan
    return Estimate(float(1 - observed), error, items - 1)


_NONE = Fraction(0)


class _Kind(NamedTuple):
    """The sums of the items of one kind."""

    size: int
    """Labels that an item counts for."""
    whole: int
    """What a and b are divided by to be means."""
    share: Fraction
    """What d is multiplied by to be the mean squared difference of a pair of labels."""
    items: int
    a: int
    b: int
    d: int
    aa: int
    ab: int
    ad: int
    bb: int
    bd: int
    dd: int

    @classmethod
    def of(cls, kind: str, sums: Mapping[str, int]) -> _Kind:
        n = int(kind[1:])
        held = [sums.get(name, 0) for name in _names(kind)]
        if kind.startswith("m"):
            return cls(n, n, Fraction(2, n * (n - 1)), *held)
        return cls(2, 2 * n, Fraction(1, n), *held)

    @property
    def part(self) -> Fraction:
        """What a and b are multiplied by to be sums over the labels that an item counts for."""
        return Fraction(self.size, self.whole)

    def squares(self, *factors: Fraction) -> float:
        """The sum over items of (c0 + ca a + cb b + cd d)^2: of integers over one denominator, rounded once."""
        unit = math.lcm(*(factor.denominator for factor in factors))
        c0, ca, cb, cd = (factor.numerator * (unit // factor.denominator) for factor in factors)
        whole = c0 * c0 * self.items + ca * ca * self.aa + cb * cb * self.bb + cd * cd * self.dd
        whole += 2 * (
            c0 * (ca * self.a + cb * self.b + cd * self.d) + ca * (cb * self.ab + cd * self.ad) + cb * cd * self.bd
        )
        return whole / (unit * unit)


MOMENTS: Final = (
    MeasuredCoefficient("alpha", frozenset({"interval"}), -1.0, alpha_of_moments),
    MeasuredCoefficient("alpha_interval", frozenset({"interval", "ratio"}), -1.0, alpha_of_moments),
)
