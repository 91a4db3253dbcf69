"""Sums of products: what the interval of a figure needs that is a function of sums over items."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

UNIT: Final = "1"
"""The quantity that is 1 for every item, so that its product with another is the other."""

_BETWEEN: Final = "\x1d"
"""Stands between the parts of a name; no class contains it."""

_PRECISION: Final = 120
"""Coefficients are rounded to multiples of 2^-120: quantities are multiples of 2^-40 at the finest."""


def products(group: str, values: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    r"""What an item adds to a group of quantities: 1, each of them, and all products of two, but those that are 0.

    >>> [(name.replace("\x1d", " "), n) for name, n in products("g", {"x": 3, "y": 5})]
    [('g 1 1', 1), ('g 1 x', 3), ('g 1 y', 5), ('g x x', 9), ('g x y', 15), ('g y y', 25)]
    """
    names = [UNIT, *sorted(values)]
    numbers = [1, *[values[name] for name in names[1:]]]
    for place, (one, n) in enumerate(zip(names, numbers, strict=True)):
        begin = group + _BETWEEN + one + _BETWEEN
        for other, m in zip(names[place:], numbers[place:], strict=True):
            if n and m:
                yield begin + other, n * m


def totals(group: str, values: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The same without the products of two: the sums can be read then, but have no error."""
    begin = group + _BETWEEN + UNIT + _BETWEEN
    yield begin + UNIT, 1
    for name, n in values.items():
        yield begin + name, n


class Products:
    r"""The sums of a group of quantities and of their products, over the items that have them.

    >>> found = Products({"g\x1d1\x1d1": 2, "g\x1d1\x1dx": 8, "g\x1dx\x1dx": 34}, "g")
    >>> found.items, found.total("x"), found.error({"x": Fraction(1, 2), UNIT: Fraction(-2)})
    (2, 8, 1.0)
    """

    __slots__ = ("_sums", "items")

    def __init__(self, sums: Mapping[str, int], group: str) -> None:
        begin = group + _BETWEEN
        self._sums: dict[tuple[str, str], int] = {}
        for name, n in sums.items():
            if name.startswith(begin):
                one, _, other = name[len(begin) :].partition(_BETWEEN)
                self._sums[one, other] = n
        self.items = self._sums.get((UNIT, UNIT), 0)
        if self.items < 0:
            raise ValueError("expected counts above 0, found a negative one: more was retracted than added")

    def total(self, name: str) -> int:
        """The sum of a quantity."""
        return self._sums.get((UNIT, name), 0)

    def names(self) -> list[str]:
        """The quantities, but for `UNIT`, in order."""
        return sorted(other for one, other in self._sums if one == UNIT and other != UNIT)

    def error(self, coefficients: Mapping[str, Fraction | float]) -> float:
        """The standard error of a sum over items of linear functions of the quantities whose mean is 0.

        Root of n/(n - 1) times the sum of their squares, from integers: nothing is lost where nearly all cancels. nan for
        fewer than two items.
        """
        if self.items < 2:
            return math.nan
        whole = {name: round(Fraction(factor) * (1 << _PRECISION)) for name, factor in coefficients.items()}
        squares = 0
        for (one, other), n in self._sums.items():
            term = whole.get(one, 0) * whole.get(other, 0) * n
            squares += term if one == other else 2 * term
        variance = Fraction(max(squares, 0) * self.items, (1 << 2 * _PRECISION) * (self.items - 1))
        return math.sqrt(variance)
