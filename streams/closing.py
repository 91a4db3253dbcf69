"""Closing hours: what a task's items of an hour say is written down once its end is at or below the watermark.

Every transaction leaves the table `readings` with the readings of all closed hours, so as a function of what the other
tables hold; but for tasks whose rebuild is unfinished, which get theirs at its end. Most transactions concern no closed hour; a late label, an edit or an erasure concerns the hours of its items.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final, Protocol, cast

from detectors.closed import readings
from detectors.config import TaskConfig
from detectors.monitor import Changes, Monitor, ScopeKey, TaskKey
from detectors.panes import PANE, begin, hour_of, pane_name
from detectors.scope import Scope
from detectors.watermark import hours_over
from streams.store import rows
from streams.store.base import Batch, Row, Store
from streams.store.tables import READINGS, SCOPES

MOST_LOOKED_UP: Final = 1000
"""Where the watermark moves over more hours than this, those with a pane are read from the store."""


class Host(Protocol):
    """What closing needs of its home."""

    @property
    def number(self) -> int: ...
    @property
    def store(self) -> Store: ...
    @property
    def monitor(self) -> Monitor: ...


class Closing:
    """The closed hours of one home.

    `configure` gives the configuration that a task follows, `unfinished` says whether its statistics are being rebuilt:
    its readings stay as they are meanwhile.
    """

    def __init__(
        self, home: Host, configure: Callable[[str, str], TaskConfig], unfinished: Callable[[TaskKey], bool]
    ) -> None:
        self._home = home
        self._configure = configure
        self._unfinished = unfinished
        self._reached: dict[str, int] = {}
        """What each project's annotators had come to by the last commit."""

    def committed(self, projects: Iterable[str]) -> None:
        """The store knows of the clocks of these projects."""
        clocks = self._home.monitor.clocks
        self._reached.update((project, clocks.reached(project)) for project in projects)

    def write(self, batch: Batch, changes: Changes, whole: Collection[TaskKey] = ()) -> None:
        """Put into the batch what the changes make of closed hours; of the tasks that are `whole` again all are read anew."""
        changed: dict[TaskKey, set[str]] = {task: set() for task in whole}
        for key in changes.scopes:
            if key.dimension == PANE:
                changed.setdefault((key.project, key.task), set()).add(key.value)
        moved = {project for project, _ in changes.clocks}
        if moved:
            for task in self._home.monitor.tasks:
                if task[0] in moved:
                    changed.setdefault(task, set())
        for task, names in changed.items():
            if not self._unfinished(task):
                self._write_task(batch, changes, task, names, whole=task in whole)

    def _write_task(self, batch: Batch, changes: Changes, task: TaskKey, changed: set[str], *, whole: bool) -> None:
        project, lateness = task[0], self._configure(*task).lateness_minutes
        before = hours_over(self._reached.get(project, 0), lateness)
        after = hours_over(self._home.monitor.clocks.reached(project), lateness)
        over = pane_name(max(before, after))
        concerned = {name for name in changed if name < over}
        if whole:
            concerned = changed | self._panes(task) | self._read(task)
        elif before != after:
            concerned |= self._between(task, *sorted((before, after)))
        if concerned:
            self._write_hours(batch, changes, task, concerned, pane_name(after))

    def _between(self, task: TaskKey, first: int, last: int) -> set[str]:
        """The hours from the first up to the last that may have a pane."""
        if last - first <= MOST_LOOKED_UP:
            return set(map(pane_name, range(first, last)))
        begins, ends = pane_name(first), pane_name(last)
        return {name for name in self._panes(task) if begins <= name < ends}

    def _panes(self, task: TaskKey) -> set[str]:
        return {cast("str", row[4]) for row in self._home.store.scan(SCOPES, self._home.number, *task, PANE)}

    def _read(self, task: TaskKey) -> set[str]:
        """The hours that have readings."""
        return {rows.hour_read(row) for row in self._home.store.scan(READINGS, self._home.number, *task)}

    def _write_hours(self, batch: Batch, changes: Changes, task: TaskKey, names: Collection[str], over: str) -> None:
        """Write the readings of these hours, where they are closed and differ from what is stored; drop others."""
        home, config = self._home, self._configure(*task)
        scopes = self._scopes(changes, task, [name for name in names if name < over])
        starts = {begin(hour_of(name)): name for name in names}
        held: dict[int, list[Row]] = {}
        for row in home.store.find(READINGS, home.number, [(*task, start) for start in starts]):
            held.setdefault(cast("int", row[3]), []).append(row)
        for start, name in starts.items():
            pane, stored = scopes.get(name), sorted(map(tuple, held.get(start, ())))
            corrections = cast("int", stored[0][-1]) + 1 if stored else 0
            expected = [] if pane is None else rows.reading_rows(home.number, task, name, readings(config, pane))
            if [row[:-1] for row in stored] == expected:
                continue
            if stored:
                batch.drop(READINGS, stored[0][:4])
            for row in expected:
                batch.put(READINGS, (*row, corrections))

    def _scopes(self, changes: Changes, task: TaskKey, names: Iterable[str]) -> dict[str, Scope]:
        """The panes of these hours, as the changes leave them."""
        home, shelf = self._home, self._home.monitor.scopes
        keys = [ScopeKey(*task, PANE, name) for name in names]
        missing = shelf.missing(key for key in keys if key not in changes.scopes)
        found = dict(rows.scope(row) for row in home.store.find(SCOPES, home.number, missing)) if missing else {}
        held = {key.value: changes.scopes.get(key) or shelf.find(key) or found.get(key) for key in keys}
        return {name: scope for name, scope in held.items() if scope is not None}
