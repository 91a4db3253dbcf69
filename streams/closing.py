"""Closing hours: what a task's items of an hour say is written down once its end is at or below the watermark.

Every transaction leaves the table `readings` with the readings of all closed hours, so as a function of what the other
tables hold; but for tasks whose rebuild is unfinished, which get theirs at its end. Hours that are merged into a day have one
reading of the day. Most transactions concern no closed hour; a late label, an edit or an erasure concerns the hours of its
items.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import cast

from detectors.changes import Changes
from detectors.closed import readings
from detectors.config import TaskConfig
from detectors.keys import TaskKey
from detectors.panes import DAY, HOUR, begin, bound_name, hour_of, hours_in, pane_name
from detectors.watermark import hours_over
from streams import stored_panes
from streams.store import rows
from streams.store.base import Batch, Row
from streams.store.tables import READINGS


class Closing:
    """The closed hours of one home.

    `configure` gives the configuration that a task follows, `unfinished` says whether its statistics are being rebuilt:
    its readings stay as they are meanwhile.
    """

    def __init__(
        self,
        home: stored_panes.Host,
        configure: Callable[[str, str], TaskConfig],
        unfinished: Callable[[TaskKey], bool],
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
        for task, names in stored_panes.changed_names(changes).items():
            changed.setdefault(task, set()).update(names)
        moved = {project for project, _ in changes.clocks}
        if moved:
            for task in self._home.monitor.tasks:
                if task[0] in moved:
                    changed.setdefault(task, set())
        for task, names in changed.items():
            if not self._unfinished(task):
                self._write_task(batch, changes, task, names, whole=task in whole)

    def _write_task(self, batch: Batch, changes: Changes, task: TaskKey, changed: set[str], *, whole: bool) -> None:
        home, project, lateness = self._home, task[0], self._configure(*task).lateness_minutes
        before = hours_over(self._reached.get(project, 0), lateness)
        after = hours_over(home.monitor.clocks.reached(project), lateness)
        over = pane_name(max(before, after))
        concerned = {name for name in changed if name < over}
        if whole:
            concerned = changed | stored_panes.names(home, task) | self._read(task)
        elif before != after:
            first, last = sorted((before, after))
            bound = bound_name(home.monitor.tasks[task].merged_to)
            concerned |= stored_panes.names_between(home, task, first, last, bound)
        if concerned:
            self._write_readings(batch, changes, task, concerned, after)

    def _read(self, task: TaskKey) -> set[str]:
        """The panes that have readings."""
        return {rows.pane_read(row) for row in self._home.store.scan(READINGS, self._home.number, *task)}

    def _write_readings(self, batch: Batch, changes: Changes, task: TaskKey, names: Collection[str], over: int) -> None:
        """Write the readings of these panes, where they are closed and differ from what is stored; drop others."""
        home, config = self._home, self._configure(*task)
        closed = [name for name in names if hour_of(name) + hours_in(name) <= over]
        # A day and its first hour begin together: there is one of them.
        expected = {
            begin(hour_of(name)): rows.reading_rows(home.number, task, name, readings(config, pane))
            for name, pane in stored_panes.find(home, changes, task, closed).items()
        }
        starts = {begin(hour_of(name)) for name in names}
        held: dict[int, list[Row]] = {}
        for row in home.store.find(READINGS, home.number, [(*task, start) for start in starts]):
            held.setdefault(cast("int", row[3]), []).append(row)
        for start in starts:
            said, stored = expected.get(start, []), sorted(map(tuple, held.get(start, ())))
            if list(map(rows.but_for_corrections, stored)) == list(map(rows.but_for_corrections, said)):
                continue
            if stored:
                batch.drop(READINGS, stored[0][:4])
            if said:
                corrections = _corrections(held, said[0])
                for row in said:
                    batch.put(READINGS, rows.corrected(row, corrections))


def _corrections(held: Mapping[int, Sequence[Row]], said: Row) -> int:
    """How often what was held of this reading's pane was corrected, this time included; a day has what its hours had."""
    start, (_, hours) = cast("int", said[3]), rows.corrections(said)
    found = [rows.corrections(held[hour][0]) for hour in range(start, start + DAY * HOUR, HOUR) if hour in held]
    if start in held and rows.corrections(held[start][0])[1] == hours:
        return rows.corrections(held[start][0])[0] + 1
    return sum(times for times, of in found if of == 1) if hours == DAY else 0
