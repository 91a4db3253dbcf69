"""Watermarks: up to where in event time a project's labels can be taken to have come.

They are read off the events alone. A single wrong clock, or two, cannot move the watermark ahead of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from heapq import nlargest
from itertools import islice
from typing import Final

from detectors.panes import DAY, hours_before

AGREEING: Final = 3
"""So many annotators must have come to a moment for it to be past."""

MINUTE: Final = 60 * 10**6
"""In microseconds."""


def reached(latest: Iterable[int]) -> int:
    """The moment that three annotators have come to: the third-highest of their latest times, the lowest if they are fewer.

    In microseconds since 1970 UTC; 0 without an annotator.

    >>> reached([50, 10, 40, 30]), reached([20, 10]), reached([])
    (30, 10, 0)
    """
    highest = nlargest(AGREEING, latest)
    return highest[-1] if highest else 0


def hours_over(moment: int, lateness: int) -> int:
    """How many hours, counted as panes are, have ended at the watermark: this many minutes before the moment.

    >>> hours_over(1767600000 * 10**6, 0) - hours_over(1767600000 * 10**6, 1)  # 2026-01-05T08:00:00Z
    1
    """
    return max(0, hours_before(moment - lateness * MINUTE))


def merged_to(moment: int, lateness: int, days: int) -> int:
    """The hour below which hours are merged into days: the beginning of a day, so many days or more before the watermark.

    >>> merged_to(1767600000 * 10**6, 0, 1) % 24, merged_to(0, 60, 35)  # 2026-01-05T08:00:00Z
    (0, 0)
    >>> hours_over(1767600000 * 10**6, 0) - merged_to(1767600000 * 10**6, 0, 1)
    32
    """
    return max(0, hours_over(moment, lateness) // DAY - days) * DAY


class Clocks:
    """Of each project the latest time of each annotator: maxima, so that neither order nor repetition matters."""

    __slots__ = ("_highest", "_latest")

    def __init__(self) -> None:
        self._latest: dict[str, dict[str, int]] = {}
        self._highest: dict[str, dict[str, int]] = {}
        """The few who have come furthest."""

    def hear(self, project: str, annotator: str, at: int) -> bool:
        """Take a time of the annotator's; whether it is the latest."""
        latest = self._latest.setdefault(project, {})
        if at <= latest.get(annotator, 0):
            return False
        latest[annotator] = at
        highest = self._highest.setdefault(project, {})
        highest[annotator] = at
        if len(highest) > AGREEING:
            del highest[min(highest, key=highest.__getitem__)]
        return True

    def forget(self, project: str, annotator: str) -> bool:
        """Take the annotator's times away; whether there were any."""
        latest = self._latest.get(project, {})
        if latest.pop(annotator, None) is None:
            return False
        self._highest[project] = dict(islice(sorted(latest.items(), key=_by_time), AGREEING))
        return True

    @property
    def projects(self) -> Collection[str]:
        """Those that anyone was heard of in."""
        return self._latest.keys()

    def latest(self, project: str) -> Mapping[str, int]:
        """The latest time of each annotator of the project."""
        return self._latest.get(project, {})

    def reached(self, project: str) -> int:
        """The moment that three annotators of the project have come to."""
        return reached(self._highest.get(project, {}).values())

    def agreed(self, project: str) -> int:
        """The same, and 0 while they are fewer: nobody's arrival brings it back, only that somebody is forgotten."""
        highest = self._highest.get(project, {})
        return reached(highest.values()) if len(highest) == AGREEING else 0


def _by_time(latest: tuple[str, int]) -> int:
    return -latest[1]
