"""The panes of a task as a transaction that is not written yet leaves them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, cast

from detectors.changes import Changes
from detectors.keys import ScopeKey, TaskKey
from detectors.monitor import Monitor
from detectors.panes import PANE, hour_of, hours_in, merged_name, pane_name
from detectors.scope import Scope
from streams.store import rows
from streams.store.base import Store
from streams.store.tables import SCOPES

MOST_LOOKED_UP: Final = 1000
"""Where a bound moves over more hours than this, those with a pane are read from the store."""


class Host(Protocol):
    """What panes are found in."""

    @property
    def number(self) -> int: ...
    @property
    def store(self) -> Store: ...
    @property
    def monitor(self) -> Monitor: ...


def names(home: Host, task: TaskKey) -> set[str]:
    """The panes that the store has."""
    return {cast("str", row[4]) for row in home.store.scan(SCOPES, home.number, *task, PANE)}


def names_between(home: Host, task: TaskKey, first: int, last: int, bound: str = "") -> set[str]:
    """The panes with an hour from the first up to, but not with, the last that the store may have.

    Of few hours these are all there could be, where those below the bound are merged.
    """
    if last - first <= MOST_LOOKED_UP:
        return {merged_name(pane_name(hour), bound) for hour in range(first, last)}
    return {name for name in names(home, task) if hour_of(name) < last and first < hour_of(name) + hours_in(name)}


def changed_names(changes: Changes) -> dict[TaskKey, set[str]]:
    """The panes that a transaction changes."""
    changed: dict[TaskKey, set[str]] = {}
    for key in changes.scopes:
        if key.dimension == PANE:
            changed.setdefault((key.project, key.task), set()).add(key.value)
    return changed


def find(home: Host, changes: Changes, task: TaskKey, wanted: Iterable[str]) -> dict[str, Scope]:
    """Those of these panes that there are, as the changes leave them."""
    shelf = home.monitor.scopes
    keys = [ScopeKey(*task, PANE, name) for name in wanted]
    missing = shelf.missing(key for key in keys if key not in changes.scopes)
    stored = dict(rows.scope(row) for row in home.store.find(SCOPES, home.number, missing)) if missing else {}
    held = {key.value: changes.scopes.get(key) or shelf.find(key) or stored.get(key) for key in keys}
    return {name: scope for name, scope in held.items() if scope is not None}
