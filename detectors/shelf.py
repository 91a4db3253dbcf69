"""Rows of one kind that memory holds: the part of the state with keys, of which there may be more than fit."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shelf(Generic[K, V]):
    """What memory holds of one kind of row, least recently used first, and which of it a store does not know yet.

    `complete` says that a key which is not here does not exist, so that nothing need be looked up.
    """

    __slots__ = ("changed", "complete", "rows")

    def __init__(self) -> None:
        self.rows: dict[K, V] = {}
        self.changed: set[K] = set()
        self.complete = False

    def find(self, key: Hashable) -> V | None:
        """The row whose key equals this one: for keys that are tuples, a plain tuple does and is made faster."""
        return self.rows.get(key)  # type: ignore[arg-type]

    def missing(self, keys: Iterable[K]) -> set[K]:
        """Those of the keys that must be looked up."""
        return set() if self.complete else {key for key in keys if key not in self.rows}

    def trim(self, capacity: int, used: Iterable[K]) -> list[tuple[K, V]]:
        """Put the used rows at the end, then drop the oldest above the capacity: the rows that were dropped."""
        if len(self.rows) <= capacity:
            return []
        rows = self.rows
        for key in used:
            if key in rows:
                rows[key] = rows.pop(key)
        self.complete = False
        oldest = list(islice(rows, len(rows) - capacity))
        return [(key, rows.pop(key)) for key in oldest]
