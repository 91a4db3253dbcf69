"""The state of agreement of labels that are no categories: named integers that add up over items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

Measure: TypeAlias = tuple[tuple[str, int], ...]
"""What an item adds: integers by name. They are exact, or quantities that were rounded once, to multiples of 2^-40.

A name that ends with the separator `OF` and a class is of that class (`of_class`).
"""

OF: Final = "\x1f"
"""Stands between the name of a quantity and the class that it is of."""

COUNT: Final = "count"
"""The quantity whose sum for a class is how many labels of the class there are."""

ONE: Final = 1 << 40
"""The unit in which computed quantities are rounded: 1 is written as this."""


class Sums:
    """The sums of what items add, by name: a commutative group (`detectors.statistic.Statistic`) over integers.

    >>> state = Sums()
    >>> state.update((("items", 1), ("overlap", 3)))
    >>> state.update((("items", 1), ("overlap", -3)))
    >>> state.sums
    {'items': 2}
    """

    __slots__ = ("sums",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, sums: Mapping[str, int] | None = None) -> None:
        self.sums: dict[str, int] = {name: n for name, n in (sums or {}).items() if n}

    def update(self, x: Measure, weight: int = 1) -> None:
        """Add what an item adds; a negative weight retracts it."""
        add(self.sums, x, weight)

    def merge(self, other: Sums, weight: int = 1) -> None:
        """Add the sums of another state; a negative weight removes them."""
        # A tuple, for a state may be merged with itself.
        add(self.sums, tuple(other.sums.items()), weight)

    def copy(self) -> Sums:
        """An equal state that shares nothing with this one."""
        return Sums(self.sums)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same sums."""
        return isinstance(other, Sums) and self.sums == other.sums


def add(sums: dict[str, int], measure: Measure, weight: int) -> None:
    """Add named integers to sums; what becomes 0 leaves no trace."""
    for name, n in measure:
        found = sums.get(name, 0) + weight * n
        if found:
            sums[name] = found
        else:
            sums.pop(name, None)


def of_class(name: str, label_class: str) -> str:
    """The name of a quantity of a class."""
    return name + OF + label_class


def by_class(sums: Mapping[str, int]) -> dict[str, dict[str, int]]:
    r"""The sums of each class, by the names of the quantities.

    >>> by_class({"items": 3, "count\x1fcar": 2, "overlap\x1fcar": 5, "count\x1fbus": 1})
    {'car': {'count': 2, 'overlap': 5}, 'bus': {'count': 1}}
    """
    found: dict[str, dict[str, int]] = {}
    for name, n in sums.items():
        quantity, separator, label_class = name.partition(OF)
        if separator:
            found.setdefault(label_class, {})[quantity] = n
    return found
