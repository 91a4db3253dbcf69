"""What the statistics of each task follow, a configuration and a version of the code, and how they come to follow others.

Statistics are a cache of the annotations: of a task that follows another version of the code than ours they are dropped
and computed anew; so are those of which merged days are to be hours again, as an erasure or another configuration took the
bound back. A changed configuration is more than that, since detectors, alarms and the counts of gold answers are no cache. It is an edit of every item at once: answers are judged under the former configuration and under the new one, and
what differs is corrected. A store's order of events tells when it was made (the table `adoptions`), so that a refold of
the log makes it at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import cast

from detectors.changes import Changes
from detectors.config import TaskConfig
from detectors.fingerprint import fingerprint
from detectors.keys import ItemKey, TaskKey
from detectors.labels import Fit
from detectors.records import AnnotationRecord
from streams.steps import Host, Step
from streams.store import rows
from streams.store.base import Batch, Row, Store, Value
from streams.store.tables import ADOPTIONS, ANSWERS, PAIRS, SCOPES, TASKS, WATCHES

NOT_BEGUN = -1


@dataclass(slots=True)
class _Task:
    """What one task's statistics follow.

    While they are rebuilt, `rebuilt_to` is the last row that was met, and `former` the configuration that the answers
    beyond it were judged under, if it is another one.
    """

    configuration: TaskConfig
    fingerprint: str
    former: TaskConfig | None = None
    rebuilt_to: int = NOT_BEGUN
    former_fit: Fit | None = field(default=None, repr=False)

    @property
    def revises(self) -> bool:
        """Whether answers to gold were watched before; a signal that is switched on begins afresh."""
        return self.former is not None and "gold_errors" in self.former.detectors


class Rebuilding:
    """The rebuilds of one home. `configure` gives the configuration that a task should follow."""

    def __init__(self, home: Host, configure: Callable[[str, str], TaskConfig]) -> None:
        self._home = home
        self._configure = configure
        self._tasks: dict[TaskKey, _Task] = {}

    def load(self, key: TaskKey, columns: Sequence[Value]) -> None:
        """Take a task as its row has it."""
        configuration, former, print_, rebuilt_to = cast("tuple[str, str | None, str, int]", tuple(columns))
        task = self._tasks[key] = _Task(rows.configuration(configuration), print_, rebuilt_to=rebuilt_to)
        if former is not None:
            task.former = rows.configuration(former)

    def columns(self, key: TaskKey) -> Row:
        """What a task's row says of this."""
        task = self._tasks.get(key)
        if task is None:
            configuration = self._configure(*key)
            task = self._tasks[key] = _Task(configuration, fingerprint(configuration))
        former = None if task.former is None else rows.configuration_text(task.former)
        return rows.configuration_text(task.configuration), former, task.fingerprint, task.rebuilt_to

    def configuration(self, project: str, task: str) -> TaskConfig:
        """The configuration that a task follows; a task that is not kept yet will follow ours."""
        held = self._tasks.get((project, task))
        return self._configure(project, task) if held is None else held.configuration

    def is_under_way(self, key: TaskKey) -> bool:
        """Whether the task's statistics are not whole yet."""
        task = self._tasks.get(key)
        return task is not None and task.rebuilt_to != NOT_BEGUN

    # -- beginning ------------------------------------------------------------------------------------------------

    def distrust(self) -> None:
        """Take all statistics for outdated."""
        for key, task in self._tasks.items():
            # Those that another configuration will rebuild need not be rebuilt before.
            if fingerprint(self._configure(*key)) == fingerprint(task.configuration):
                task.fingerprint = ""

    def refresh(self) -> Step | None:
        """A step of a rebuild that has begun, or of one that our version of the code, or an erasure, makes necessary."""
        if not self._under_way():
            outdated = [key for key, task in self._tasks.items() if self._is_outdated(key, task)]
            if not outdated:
                return None
            self._begin(outdated)
        return self._step()

    def _is_outdated(self, key: TaskKey, task: _Task) -> bool:
        """Whether statistics are of something else, or of days that are no longer to be merged."""
        monitor = self._home.monitor
        counts = monitor.tasks.get(key)
        goes_back = counts is not None and monitor.to_merge(key) < counts.merged_to
        return goes_back or task.fingerprint != fingerprint(task.configuration)

    def adopt(self) -> Step | None:
        """Let the tasks follow our configuration from here on, if theirs is another one; nothing else is unfinished."""
        home, batch = self._home, Batch()
        changed: list[TaskKey] = []
        rebuilt: list[TaskKey] = []
        for key, task in sorted(self._tasks.items()):
            configuration = self._configure(*key)
            texts = rows.configuration_text(task.configuration), rows.configuration_text(configuration)
            if texts[0] == texts[1]:
                continue
            changed.append(key)
            batch.put(ADOPTIONS, (home.number, home.version + 1, *key, *texts))
            dropped = {*task.configuration.detectors} - {*configuration.detectors}
            for signal in sorted(dropped):
                batch.drop(WATCHES, (home.number, *key, signal))
                batch.drop(ANSWERS, (home.number, *key, signal))
            home.monitor.reconfigure(key, dropped)
            if fingerprint(configuration) != task.fingerprint:
                task.former = task.configuration
            task.configuration = configuration
            if self._is_outdated(key, task):
                rebuilt.append(key)
        if not changed:
            return None
        changes = self._begin(rebuilt, changed, batch)
        if rebuilt:
            return self._step()
        return Step(f"home {home.number}: another configuration of {len(changed)} tasks", 0, changes)

    def _begin(
        self, rebuilt: Collection[TaskKey], changed: Collection[TaskKey] = (), batch: Batch | None = None
    ) -> Changes:
        """Drop the statistics of these tasks; from here on they are unfinished until every annotation was seen."""
        home, batch = self._home, Batch() if batch is None else batch
        monitor = home.monitor
        for key in rebuilt:
            batch.drop(SCOPES, (home.number, *key))
            batch.drop(PAIRS, (home.number, *key))
            task = self._tasks[key]
            task.fingerprint = fingerprint(task.configuration)
            task.rebuilt_to = 0
            counts = monitor.tasks[key]
            counts.annotators, counts.merged_to = 0, monitor.to_merge(key)
        monitor.drop_statistics(rebuilt)
        changes = monitor.take_changes()
        changes.tasks.update((key, monitor.tasks[key]) for key in (*rebuilt, *changed))
        home.commit(batch, changes, [key for key in changed if key not in rebuilt])
        return changes

    # -- going through the annotations ----------------------------------------------------------------------------

    def _under_way(self) -> dict[TaskKey, _Task]:
        return {key: task for key, task in self._tasks.items() if task.rebuilt_to != NOT_BEGUN}

    def _step(self) -> Step:
        home, under_way = self._home, self._under_way()
        scanned_to = min(task.rebuilt_to for task in under_way.values())
        tasks = {key: task for key, task in under_way.items() if task.rebuilt_to == scanned_to}
        found, last = home.annotations_after(scanned_to)
        self._add_items(tasks, found)
        home.settle()
        if last:
            home.clear_unfounded([key for key, task in tasks.items() if task.revises])
        if found:
            scanned_to = found[-1].row
        for task in tasks.values():
            task.rebuilt_to = scanned_to
            if last:
                task.rebuilt_to, task.former, task.former_fit = NOT_BEGUN, None, None
        changes = home.monitor.take_changes()
        changes.tasks.update((key, home.monitor.tasks[key]) for key in tasks)
        home.commit(Batch(), changes, tasks.keys() if last else ())
        return Step(f"home {home.number}: a rebuild of {len(tasks)} tasks", scanned_to, changes)

    def _add_items(self, tasks: Mapping[TaskKey, _Task], found: Sequence[AnnotationRecord]) -> None:
        """Add the items whose first row is among these: each item is added once, whole."""
        numbers: dict[ItemKey, int] = {}
        for record in found:
            if record.item is not None and record.item[:2] in tasks:
                numbers.setdefault(record.item, record.row)
        monitor = self._home.monitor
        monitor.hear(chain.from_iterable(record.deliveries() for record in found))
        self._home.hold_items(numbers)
        for key, number in numbers.items():
            if min(record.row for record in monitor.items.rows[key].records.values()) == number:
                monitor.touch(key)
                followed = tasks[key[:2]]
                if followed.former is not None:
                    if followed.former_fit is None:
                        followed.former_fit = Fit(followed.former)
                    monitor.rejudge(key, followed.former_fit, revise=followed.revises)


# -- what a store says of it --------------------------------------------------------------------------------------------


def followed(store: Store) -> dict[TaskKey, TaskConfig]:
    """The configuration that the statistics of each stored task follow."""
    place = TASKS.names.index("configuration")
    return {
        (str(row[1]), str(row[2])): rows.configuration(str(row[place]))
        for home in store.homes()
        for row in store.scan(TASKS, home)
    }


def following(store: Store, otherwise: Callable[[str, str], TaskConfig]) -> Callable[[str, str], TaskConfig]:
    """The same as a function; `otherwise` has the configuration of a task that is not stored."""
    held = followed(store)
    return lambda project, task: held.get((project, task)) or otherwise(project, task)


def adoptions(store: Store, home: int) -> Iterator[tuple[int, TaskKey, TaskConfig, TaskConfig]]:
    """In order: the home's version that a changed configuration made, the task, the former configuration and the new."""
    for row in store.scan(ADOPTIONS, home):
        _, version, project, task, former, configuration = cast("tuple[int, int, str, str, str, str]", row)
        yield version, (project, task), rows.configuration(former), rows.configuration(configuration)
