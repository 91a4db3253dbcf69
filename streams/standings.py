"""How the annotators of a home's tasks stand, and how gold of each class is answered, for the metrics.

Of a task they are read whole once, and then only what a commit changed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Final

from detectors.keys import ScopeKey, TaskKey
from detectors.scope import Scope
from detectors.standing import Standing, standings
from streams.homes import Home
from streams.store import rows
from streams.store.tables import SCOPES

ANNOTATOR: Final = "annotator"
CLASS: Final = "class"

MOST_HELD: Final = 100_000
"""Annotators and keys that are remembered of all tasks together, about 30 MB; above it, those of a task whose turn is longest
ago are forgotten, and read whole again when the task changes."""


@dataclass(slots=True)
class Standings:
    """What is known of one task; `work` is how many patterns were read to bring it up to date."""

    label_type: str | None
    annotators: dict[str, Standing] = field(default_factory=dict)
    classes: dict[str, Scope] = field(default_factory=dict)
    changed: set[ScopeKey] = field(default_factory=set)
    work: int = 0

    def __len__(self) -> int:
        return len(self.annotators) + len(self.classes)


class StandingsOfTasks:
    """What is known of a home's tasks, up to date when it is asked for."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._held: dict[TaskKey, Standings] = {}
        self._size = 0

    def note(self, key: ScopeKey) -> None:
        """Remember that a scope changed."""
        if key.dimension in (ANNOTATOR, CLASS):
            held = self._held.get(key[:2])
            if held is not None:
                held.changed.add(key)

    def keep(self, tasks: Container[TaskKey] = ()) -> None:
        """Forget all tasks but these."""
        for task in [task for task in self._held if task not in tasks]:
            self._size -= len(self._held.pop(task))

    def of(self, task: TaskKey, label_type: str | None) -> Standings:
        """Those of a task, whose labels are of this type."""
        held = self._held.pop(task, None)
        if held is not None:
            self._size -= len(held)
        if held is None or held.label_type != label_type:
            held = Standings(label_type)
            found = self._all(task)
        else:
            found = find_scopes(self._home, held.changed)
            for key in held.changed - found.keys():
                (held.annotators if key.dimension == ANNOTATOR else held.classes).pop(key.value, None)
            held.changed.clear()
        people = {key.value: scope for key, scope in found.items() if key.dimension == ANNOTATOR}
        held.annotators.update(standings(people, label_type))
        held.classes.update((key.value, scope) for key, scope in found.items() if key.dimension == CLASS)
        held.work = sum(1 + len(tally.patterns) for scope in found.values() for tally in scope.tallies.values())
        self._held[task] = held
        self._size += len(held)
        while self._size > MOST_HELD and len(self._held) > 1:
            self._size -= len(self._held.pop(next(iter(self._held))))
        return held

    def _all(self, task: TaskKey) -> dict[ScopeKey, Scope]:
        home = self._home
        return {
            key: scope
            for dimension in (ANNOTATOR, CLASS)
            for key, scope in map(rows.scope, home.store.scan(SCOPES, home.number, *task, dimension))
        }


def find_scopes(home: Home, keys: Iterable[ScopeKey]) -> dict[ScopeKey, Scope]:
    """Those of the scopes that there are, from memory or in one query from the store."""
    held = home.monitor.scopes
    keys = list(keys)
    found = {key: held.rows[key] for key in keys if key in held.rows}
    missing = held.missing(keys)
    if missing:
        found.update(map(rows.scope, home.store.find(SCOPES, home.number, missing)))
    return {key: scope for key, scope in found.items() if not scope.empty}
