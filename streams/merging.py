"""Merging hours: panes that are older than `hourly_days` are added up into days, so that their number stays bounded.

Below a bound, which follows the watermark, items count by the day. The bound of a task is a function of its configuration and
of the annotators' clocks, so its panes are a function of the annotations. It goes back only where somebody is erased, or
another configuration says so: in which hour of a day an item was only its annotations tell, so the task is rebuilt then
(`streams.rebuilding`). Its row has the bound that its panes follow meanwhile.
"""

from __future__ import annotations

from detectors.changes import Changes
from detectors.keys import TaskKey
from detectors.panes import hour_of, hours_in
from streams import stored_panes


class Merging:
    """The merged days of one home."""

    def __init__(self, home: stored_panes.Host) -> None:
        self._home = home

    def add_to(self, changes: Changes) -> None:
        """Add to the changes what is to be merged after them."""
        monitor = self._home.monitor
        moved = {project for project, _ in changes.clocks}
        tasks = dict.fromkeys(changes.tasks)
        if moved:
            tasks.update(dict.fromkeys(task for task in monitor.tasks if task[0] in moved))
        for task in tasks:
            bound = monitor.to_merge(task)
            if bound > monitor.tasks[task].merged_to:
                hours = stored_panes.find(self._home, changes, task, self._hours(changes, task, bound))
                monitor.merge_panes(task, bound, hours, changes)

    def _hours(self, changes: Changes, task: TaskKey, bound: int) -> set[str]:
        """The hours below the bound that may have panes."""
        names = stored_panes.names_between(self._home, task, self._home.monitor.tasks[task].merged_to, bound)
        names |= stored_panes.changed_names(changes).get(task, set())
        return {name for name in names if hours_in(name) == 1 and hour_of(name) < bound}
