"""Panes: an item counts in the hour of its latest annotation, or in the day if that is long ago.

A pane is a scope like any other, so edits and late labels correct it exactly: an item that gets a label leaves its pane and
enters that of the label. Of a task all hours below a bound, which is the beginning of a day, are merged into days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date
from functools import lru_cache
from typing import Final

import numpy as np

from detectors.protocols import Annotation

PANE: Final = "pane"
"""The dimension whose values are hours and days."""

HOUR: Final = 3600 * 10**6
"""In microseconds."""

DAY: Final = 24
"""In hours."""

_MONDAY: Final = 4 * 24
"""1970 began on a Thursday. Hours are counted from its first Monday, so that whole weeks begin on Mondays."""

_FIRST_DAY: Final = date(1970, 1, 5).toordinal()
_LENGTH_OF_A_DAY: Final = len("1970-01-05")


def pane_of(annotations: Iterable[Annotation]) -> int:
    """The hour of the latest of these annotations, since Monday, 5 January 1970 UTC."""
    latest = max([annotation.time for annotation in annotations])
    if latest.tzinfo is not UTC:
        latest = latest.astimezone(UTC)
    return (latest.toordinal() - _FIRST_DAY) * 24 + latest.hour


@lru_cache(maxsize=4096)
def pane_name(hour: int) -> str:
    """The value of the dimension.

    >>> pane_name(0), pane_name(25)
    ('1970-01-05T00', '1970-01-06T01')
    """
    return str(np.datetime64(hour + _MONDAY, "h"))


def hour_of(name: str) -> int:
    """The hour with this name; of a day the first.

    >>> hour_of(pane_name(490_000)), hour_of("1970-01-06")
    (490000, 24)
    """
    return int(np.datetime64(name, "h").astype(np.int64)) - _MONDAY


def hours_in(name: str) -> int:
    """How many hours the pane of this name is of.

    >>> hours_in("1970-01-06T01"), hours_in("1970-01-06")
    (1, 24)
    """
    return DAY if len(name) == _LENGTH_OF_A_DAY else 1


def day_name(hour: str) -> str:
    """The day that an hour is in.

    >>> day_name("1970-01-06T01")
    '1970-01-06'
    """
    return hour[:_LENGTH_OF_A_DAY]


def merged_name(hour: str, bound: str) -> str:
    """The pane in which an hour's items count where all hours below the bound are merged; an empty bound merges none.

    >>> merged_name("1970-01-06T01", "1970-01-07T00"), merged_name("1970-01-07T00", "1970-01-07T00")
    ('1970-01-06', '1970-01-07T00')
    """
    return day_name(hour) if hour < bound else hour


def bound_name(merged_to: int) -> str:
    """The bound below which hours are merged, as `merged_name` takes it; 0 merges none.

    >>> bound_name(24), bound_name(0)
    ('1970-01-06T00', '')
    """
    return pane_name(merged_to) if merged_to else ""


def begin(hour: int) -> int:
    """When an hour begins, in microseconds since 1970 UTC."""
    return (hour + _MONDAY) * HOUR


def hours_before(at: int) -> int:
    """The hour in which this moment is, so how many have ended before; microseconds since 1970 UTC.

    >>> hours_before(begin(490_000)), hours_before(begin(490_000) - 1)
    (490000, 489999)
    """
    return at // HOUR - _MONDAY
