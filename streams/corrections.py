"""How often the readings of closed hours and days were corrected, added up over stretches of time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate

from streams.store import rows
from streams.store.base import Store
from streams.store.tables import READINGS


class Corrections:
    """The corrections of one task, by the begin of the hour or the day (microseconds since 1970 UTC).

    >>> found = Corrections({10: 1, 20: 2, 30: 4})
    >>> found.between(10, 30), found.between(0, 99), found.between(11, 12)
    (3, 7, 0)
    """

    def __init__(self, by_start: Mapping[int, int]) -> None:
        self._starts = sorted(by_start)
        self._sums = [0, *accumulate(by_start[start] for start in self._starts)]

    def between(self, start: int, end: int) -> int:
        """How often those were corrected that begin from `start` up to, but not with, `end`."""
        return self._sums[bisect_left(self._starts, end)] - self._sums[bisect_left(self._starts, start)]


NOTHING_CORRECTED = Corrections({})


def corrections(store: Store, home: int, project: str) -> dict[str, Corrections]:
    """Those of each task of a project that has a closed hour."""
    found: dict[str, dict[int, int]] = {}
    for row in store.scan(READINGS, home, project):
        task, start, times = rows.correction(row)
        found.setdefault(task, {})[start] = times
    return {task: Corrections(by_start) for task, by_start in found.items()}
