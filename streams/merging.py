"""Merging hours: panes that are older than `hourly_days` are added up into days, so that their number stays bounded.

Every transaction leaves the panes of a task as a function of its annotations and of the bound that its row has: the first
hour that is not merged. What is counted later in an hour below it counts in the day. The bound follows the watermark and
never goes back with it: an item's hour cannot be told from its day.
"""

from __future__ import annotations

from collections.abc import Callable

from detectors.config import TaskConfig
from detectors.monitor import Changes, TaskKey
from detectors.panes import hour_of, hours_in
from detectors.watermark import merged_to
from streams import stored_panes
from streams.store.base import Batch
from streams.store.tables import SCOPES


class Merging:
    """The merged days of one home. `configure` gives the configuration that a task follows."""

    def __init__(self, home: stored_panes.Host, configure: Callable[[str, str], TaskConfig]) -> None:
        self._home = home
        self._configure = configure

    def write(self, batch: Batch, changes: Changes) -> None:
        """Add to the changes what is to be merged after them; the batch has the statistics that are dropped before."""
        monitor = self._home.monitor
        moved = {project for project, _ in changes.clocks}
        tasks = dict.fromkeys(changes.tasks)
        if moved:
            tasks.update(dict.fromkeys(task for task in monitor.tasks if task[0] in moved))
        for task in tasks:
            config = self._configure(*task)
            agreed = max(monitor.clocks.agreed(task[0]), changes.agreed.get(task[0], 0))
            bound = merged_to(agreed, config.lateness_minutes, config.hourly_days)
            if bound > monitor.tasks[task].merged_to:
                dropped = (self._home.number, *task) in batch.deletes.get(SCOPES, ())
                names = set() if dropped else self._hours(changes, task, bound)
                monitor.merge_panes(task, bound, stored_panes.find(self._home, changes, task, names), changes)

    def _hours(self, changes: Changes, task: TaskKey, bound: int) -> set[str]:
        """The hours below the bound that may have panes."""
        names = stored_panes.names_between(self._home, task, self._home.monitor.tasks[task].merged_to, bound)
        names |= stored_panes.changed_names(changes).get(task, set())
        return {name for name in names if hours_in(name) == 1 and hour_of(name) < bound}
