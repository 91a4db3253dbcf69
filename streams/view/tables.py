"""Tables whose columns stand below one another, and what a scope is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streams.view.figures import HEADING, QUIET, Document, Plot, bounds_text, percent, ratio, upper_end, value_text
from streams.view.lines import Line

OUTCOMES: Final = ("applied", "duplicates", "erased", "dead_letters", "forwarded")

ROOMY: Final = 97
"""Columns from which there is room for everything; for intervals, and for the number of answers."""
INTERVALS_FROM: Final = 77
ANSWERS_FROM: Final = 52
ALPHA_INTERVAL: Final = 16
GOLD_INTERVAL: Final = 12
SHORTEST_PLOT: Final = 12
LONGEST_PLOT: Final = 24


class Grid:
    """A table with columns as wide as in the other tables; where there is no room for all, some are left out."""

    NAMES = 24

    def __init__(self, width: int, names: str, plot: int = 0) -> None:
        self.roomy = width >= ROOMY
        self._interval = width >= INTERVALS_FROM
        self._plot = plot if plot >= SHORTEST_PLOT else 0
        gap = 2 if self.roomy or not self._interval else 1
        self.table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style=QUIET)
        # The only column that may be narrower than what is in it: `Line` shortens names, nothing cuts figures.
        self.table.add_column(names, min_width=min(self.NAMES, width // 3))

    def number(self, heading: str, least: int) -> None:
        self.table.add_column(heading, justify="right", no_wrap=True, min_width=least)

    def reading(self, heading: str, interval: int, most: int | None = None) -> None:
        """A value, and where there is room its interval, in a column this wide; at most, for why there is none."""
        self.table.add_column(heading, justify="right", no_wrap=True, min_width=7)
        if self._interval:
            self.table.add_column(
                "95 % interval", no_wrap=True, overflow="ellipsis", min_width=interval, max_width=most
            )

    def plot(self) -> None:
        """The interval drawn, where there is room."""
        if self._plot:
            self.table.add_column(f"0{'1':>{self._plot - 1}}", no_wrap=True, width=self._plot)

    def row(self, name: Line, *cells: Sequence[RenderableType]) -> None:
        self.table.add_row(name, *(part for cell in cells for part in ([cell] if isinstance(cell, str) else cell)))

    def cells(self, reading: Document, form: Callable[[float], str]) -> list[RenderableType]:
        return [value_text(reading, form), *([bounds_text(reading, form)] if self._interval else [])]

    def drawn(self, reading: Document) -> list[RenderableType]:
        return [Plot(reading, self._plot)] if self._plot else []


def indented(*parts: RenderableType) -> RenderableType:
    """These parts, one below the other, two columns in."""
    return Padding(Group(*parts), (0, 0, 0, 2), expand=False)


def events_line(events: Document, width: int = ROOMY) -> Text:
    """Conservation: what was received is the sum of all outcomes; where it is narrow, of those that there were."""
    outcomes = OUTCOMES if width >= ROOMY else [each for each in OUTCOMES if events.get(each) or each == "applied"]
    parts = " + ".join(f"{outcome.replace('_', ' ')} {events.get(outcome, 0):,}" for outcome in outcomes)
    return Text.assemble((f"received {events.get('received', 0):,}", HEADING), (f" = {parts}", QUIET))


def tasks_of(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Project, task and figures of each task."""
    for project, held in document.get("projects", {}).items():
        for task, figures in held.get("tasks", {}).items():
            yield project, task, figures


def scopes_grid(width: int, names: str, plot: int = 0) -> Grid:
    """A table of scopes: agreement and gold of each."""
    grid = Grid(width, names, plot)
    if grid.roomy:
        grid.number("annotations", 6)
    grid.reading("alpha", ALPHA_INTERVAL if grid.roomy else 14, most=ALPHA_INTERVAL)
    grid.plot()
    grid.reading("gold", GOLD_INTERVAL, most=14)
    if width >= ANSWERS_FROM:
        grid.number("answers", 7)
    return grid


def scope_row(grid: Grid, width: int, name: Line, held: Document, figure: str = "alpha") -> None:
    """Add a scope to such a table, its agreement by this figure."""
    alpha = held.get("agreement", {}).get(figure, {})
    accuracy = held.get("gold", {}).get("accuracy", {})
    grid.row(
        name,
        [f"{held['annotations']:,}" if "annotations" in held else ""] if grid.roomy else [],
        grid.cells(alpha, ratio),
        grid.drawn(alpha),
        grid.cells(accuracy, percent),
        [f"{accuracy.get('n', 0):,}"] if width >= ANSWERS_FROM else [],
    )


def ranked(values: Iterable[tuple[str, Document]], figure: str, *, by_gold: bool) -> list[tuple[str, Document]]:
    """The values by agreement, or by gold, the lowest first."""

    def key(held: Document) -> tuple[float, float]:
        gold = upper_end(held.get("gold", {}).get("accuracy", {}))
        alpha = upper_end(held.get("agreement", {}).get(figure, {}))
        return (gold, alpha) if by_gold else (alpha, gold)

    return sorted(values, key=lambda value: (key(value[1]), value[0]))
