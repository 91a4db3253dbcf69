"""Windows of time: sums of panes, computed when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from detectors.panes import DAY
from detectors.scope import Scope


class Window(NamedTuple):
    """The hours from `start` up to, but not with, `end`, and what they add up to; open if it ends beyond the watermark."""

    start: int
    end: int
    open: bool
    scope: Scope


def windows(
    panes: Mapping[int, Scope], length: int | None, every: int, over: int, merged_to: int = 0
) -> Iterator[Window]:
    """The windows of so many hours, one of which ends every so many hours, that hold anything, in order.

    Windows end at multiples of `every` hours since a Monday. With equal numbers they do not overlap; with a smaller
    `every` they slide, and each is the one before, plus the hours that enter, less those that leave. Without a length
    all begin with the first hour. So many hours are over: a window that ends later is open.

    The panes that begin below `merged_to`, which is the beginning of a day, are days. A window that cuts days is widened to
    the whole of them; of windows that are one then there is one.

    The scope of a window is the next one's, changed: who keeps one copies it.

    >>> made = windows({5: Scope(3, 1), 30: Scope(2, 1)}, 24, 24, over=40)
    >>> [(window.start, window.end, window.scope.annotations, window.open) for window in made]
    [(0, 24, 3, False), (24, 48, 2, True)]
    """
    if every < 1 or (length is not None and length < every):
        raise ValueError(f"expected windows of at least the hours between two of them, found {length} and {every}")
    hours = sorted(panes)
    if not hours:
        return
    running, entered, left = Scope(), 0, 0
    end, last, before = (hours[0] // every + 1) * every, _last_hour(hours[-1], merged_to), None
    while True:
        start, until = _widened(hours[0] if length is None else end - length, end, merged_to)
        while entered < len(hours) and hours[entered] < until:
            running.merge(panes[hours[entered]])
            entered += 1
        while left < len(hours) and hours[left] < start:
            running.merge(panes[hours[left]], -1)
            left += 1
        if not running.empty and (start, until) != before:
            before = start, until
            yield Window(start, until, until > over, running)
        if last < end:
            return
        end += every
        if left == entered:
            # Nothing is held: years without anything are passed over at once.
            end = max(end, (hours[entered] // every + 1) * every)


def _last_hour(begun: int, merged_to: int) -> int:
    """The last hour of a pane that begins with this one."""
    return begun + DAY - 1 if begun < merged_to else begun


def _widened(start: int, end: int, merged_to: int) -> tuple[int, int]:
    """A window that cuts no day; the bound itself is between two days."""
    return (
        start // DAY * DAY if start < merged_to else start,
        -(-end // DAY) * DAY if end < merged_to else end,
    )
