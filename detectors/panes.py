"""Panes: an item counts in the hour of its latest annotation.

A pane is a scope like any other, so edits and late labels correct it exactly: an item that gets a label leaves its pane and
enters that of the label.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from detectors.protocols import Annotation

PANE: Final = "pane"
"""The dimension whose values are hours."""

_HOUR: Final = timedelta(hours=1)
_MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""Hours are counted from here, so that whole days begin at midnight UTC and whole weeks on Mondays."""


def pane_of(annotations: Iterable[Annotation]) -> int:
    """The hour of the latest of these annotations."""
    return (max([annotation.time for annotation in annotations]) - _MONDAY) // _HOUR


@lru_cache(maxsize=4096)
def pane_name(hour: int) -> str:
    """The value of the dimension.

    >>> pane_name(0), pane_name(25)
    ('1970-01-05T00', '1970-01-06T01')
    """
    return begin(hour).strftime("%Y-%m-%dT%H")


def hour_of(name: str) -> int:
    """The hour with this name.

    >>> hour_of(pane_name(490_000))
    490000
    """
    return (datetime.strptime(name + "+0000", "%Y-%m-%dT%H%z") - _MONDAY) // _HOUR


def begin(hour: int) -> datetime:
    """When an hour begins."""
    return _MONDAY + hour * _HOUR
