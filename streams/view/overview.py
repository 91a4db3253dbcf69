"""The overview that the demo refreshes every second: projects, the worst annotators, the open alarms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from streams.view.alarms import by_urgency, in_two_lines
from streams.view.figures import BAD, HEADING, QUIET, Document, printable, upper_end
from streams.view.lines import Line, Named
from streams.view.tables import LONGEST_PLOT, ranked, scope_row, scopes_grid, tasks_of

WORST_ANNOTATORS: Final = 5
OVERVIEW_ALARMS: Final = 6
HEAD_LINES: Final = 4
"""Lines of the screen that are not the overview's: two above it, a blank one, and the one that the cursor is on."""


def worst_annotators(document: Document) -> list[tuple[str, str, Document]]:
    """All annotators, the lowest by gold first: project, name and figures of each."""
    projects: dict[int, str] = {}
    people: list[tuple[str, Document]] = []
    for project, _, figures in tasks_of(document):
        for name, held in (figures.get("by", {}).get("annotator") or {}).items():
            projects[id(held)] = project
            people.append((name, held))
    return [(projects[id(held)], name, held) for name, held in ranked(people, "alpha", by_gold=True)]


def render_overview(document: Document) -> RenderableType:
    """What a QA lead looks at: projects, the worst annotators, the open alarms; fits a screen."""
    return _Overview(document)


@dataclass(frozen=True, slots=True)
class _Overview:
    document: Document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        tasks = list(tasks_of(self.document))
        people = worst_annotators(self.document)
        alarms = by_urgency(self.document.get("alarms", []))
        wanted = (len(tasks), min(len(people), WORST_ANNOTATORS), min(len(alarms), OVERVIEW_ALARMS))
        lines = (options.height or console.height) - HEAD_LINES - 5  # three headings, two blank lines
        shown_tasks, shown_people, shown_alarms = _shares(lines, wanted, (1, 1, 2))

        yield self._of_tasks(tasks, shown_tasks, width)
        yield Text()
        yield self._of_annotators(people[:shown_people], width)
        yield Text()
        if not alarms:
            yield Text("no alarms", QUIET)
            return
        is_open = sum(alarm.get("cleared_at") is None for alarm in alarms)
        only = f"; {shown_alarms} shown" if len(alarms) > shown_alarms else ""
        yield Text(f"alarms: {is_open:,} open, {len(alarms) - is_open:,} cleared{only}", HEADING)
        yield from in_two_lines(alarms[:shown_alarms], width)

    def _of_tasks(self, tasks: Sequence[tuple[str, str, Document]], shown: int, width: int) -> RenderableType:
        """All tasks by name; where there is no room for all, the lowest by agreement."""
        heading = "project / task"
        if len(tasks) > shown:
            heading = f"lowest {shown} of {len(tasks):,} tasks"
            tasks = sorted(tasks, key=lambda each: upper_end(each[2].get("agreement", {}).get("alpha", {})))[:shown]
        grid = scopes_grid(width, heading, plot=min(LONGEST_PLOT, width - 99))
        for project, task, figures in tasks:
            scope_row(grid, width, Line(Named(printable(project)), " / ", Named(printable(task))), figures)
        return grid.table

    def _of_annotators(self, people: Iterable[tuple[str, str, Document]], width: int) -> RenderableType:
        grid = scopes_grid(width, "lowest annotators", plot=min(LONGEST_PLOT, width - 99))
        alarmed = {
            (alarm.get("project"), alarm.get("subject"))
            for alarm in self.document.get("alarms", [])
            if alarm.get("cleared_at") is None
        }
        for project, name, held in people:
            style = BAD if (project, name) in alarmed else ""
            scope_row(grid, width, Line(Named(printable(name), style), "  ", Named(printable(project), QUIET)), held)
        return grid.table


def _shares(lines: int, wanted: Sequence[int], heights: Sequence[int]) -> list[int]:
    """How many of each kind a screen has room for: of each its turn, at least one, until the lines are used up.

    >>> _shares(15, (3, 5, 2), (1, 1, 2)), _shares(15, (50, 5, 6), (1, 1, 2)), _shares(0, (3, 5, 2), (1, 1, 2))
    ([3, 5, 2], [5, 4, 3], [1, 1, 1])
    """
    shares = [min(1, count) for count in wanted]
    lines -= sum(share * height for share, height in zip(shares, heights, strict=True))
    while True:
        waiting = [kind for kind, count in enumerate(wanted) if shares[kind] < count and heights[kind] <= lines]
        if not waiting:
            return shares
        kind = min(waiting, key=shares.__getitem__)
        shares[kind] += 1
        lines -= heights[kind]
