"""The document for people, in a terminal: all of it, or the overview that the demo refreshes every second.

Worst comes first: by the upper end of the 95 % interval, so that a few unlucky answers do not put anyone on top.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

Document = Mapping[str, Any]

COEFFICIENT_NAMES: Final = {
    "percent": "percent agreement",
    "alpha": "Krippendorff's alpha",
    "fleiss_kappa": "Fleiss' kappa",
    "ac1": "Gwet's AC1",
    "brennan_prediger": "Brennan-Prediger",
}
OUTCOMES: Final = ("applied", "duplicates", "erased", "dead_letters", "forwarded")

WORST: Final = {"annotator": 5, "class": 12}
"""How many values of a dimension are shown; of others, `OTHERS`."""
OTHERS: Final = 3
WORST_PAIRS: Final = 5
WORST_ANNOTATORS: Final = 5
REFUSALS: Final = 10

PLOT_FROM: Final = 92
"""Columns from which intervals are drawn, and from which they are written at all."""
INTERVALS_FROM: Final = 62

QUIET: Final = "dim"
HEADING: Final = "bold"
BAD: Final = "bold red"
SEVERITIES: Final = {"critical": "bold red", "warning": "bold yellow", "info": "bold cyan"}


# ------------------------------------------------------------------------------------------------------------ figures


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def _figure(reading: Document, form: Callable[[float], str]) -> Text:
    value = reading.get("value")
    return Text("–", QUIET) if value is None else Text(form(value))


def _interval(reading: Document, form: Callable[[float], str]) -> Text:
    low, high = reading.get("low"), reading.get("high")
    if low is None or high is None:
        return Text(_name(reading.get("why", "")) if reading.get("value") is None else "", QUIET)
    if form is _percent:
        return Text(f"[{100 * low:.1f}, {100 * high:.1f}]", QUIET)
    return Text(f"[{form(low)}, {form(high)}]", QUIET)


def interval_text(reading: Document, form: Callable[[float], str] = _ratio) -> str:
    """A reading in a line: value and interval, or why there is none.

    >>> interval_text({"value": 0.8125, "low": 0.79, "high": 0.83, "n": 40})
    '0.812 [0.790, 0.830]'
    >>> interval_text({"value": None, "low": None, "high": None, "n": 0, "why": "no answer"})
    'undefined (no answer)'
    """
    if reading.get("value") is None:
        return f"undefined ({reading.get('why') or 'no value'})"
    return f"{_figure(reading, form)} {_interval(reading, form)}".rstrip()


@dataclass(frozen=True, slots=True)
class _Plot:
    """An interval drawn on a scale from 0 to 1; what is below 0 ends at the edge, with an arrow."""

    reading: Document
    width: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        track, line, point, beyond = ("-", "=", "o", "<") if options.ascii_only else ("┈", "━", "●", "◂")
        value = self.reading.get("value")
        cells = [(track, QUIET)] * self.width
        if value is not None:
            low = self.reading["low"] if self.reading.get("low") is not None else value
            high = self.reading["high"] if self.reading.get("high") is not None else value
            for cell in range(self._cell(low), self._cell(high) + 1):
                cells[cell] = (line, "cyan")
            cells[self._cell(value)] = (beyond if value < 0 else point, "bold cyan")
        yield Text.assemble(*cells, no_wrap=True)

    def _cell(self, value: float) -> int:
        return max(0, min(self.width - 1, math.floor(value * self.width)))


def _name(text: object) -> str:
    """A name from an event, without what could move the cursor or reverse the line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(text))


def _clock(time: object) -> str:
    """The time of day of an RFC 3339 time.

    >>> _clock("2026-01-05T08:00:23.483333Z")
    '08:00:23'
    """
    try:
        return f"{datetime.fromisoformat(str(time)):%H:%M:%S}"
    except ValueError:
        return _name(time)


def _upper(reading: Document) -> float:
    """What readings are ranked by: the upper end of the interval; undefined ones come last."""
    high = reading.get("high")
    if high is None:
        high = reading.get("value")
    return math.inf if high is None else float(high)


# ------------------------------------------------------------------------------------------------------------- alarms


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an alarm's numbers are said."""

    what: str
    form: Callable[[float], str]
    of: str


_KINDS: Final = {
    "gold_errors": _Kind("gold accuracy", _percent, "answers"),
    "log_duration": _Kind("time for an item", _seconds, "items"),
}
_OTHER_KIND: Final = _Kind("level", lambda value: f"{value:.4g}", "observations")


def alarm_numbers(alarm: Document) -> str:
    """What an alarm's detector saw: before the change, and since then.

    >>> alarm_numbers({"kind": "gold_errors", "evidence": {
    ...     "before": 0.98, "before_low": 0.95, "before_high": 0.99, "before_n": 120,
    ...     "after": 0.5, "after_low": 0.3, "after_high": 0.7, "after_n": 20}})
    'gold accuracy 98.0 % [95.0, 99.0] in 120 answers before, 50.0 % [30.0, 70.0] in 20 answers since'
    """
    evidence = alarm.get("evidence") or {}
    kind = _KINDS.get(alarm.get("kind", ""), _OTHER_KIND)
    latest = evidence.get("now") or {}
    parts = [
        f"{interval_text(reading, kind.form)} in {reading['n']:,} {kind.of} {when}"
        for reading, when in (
            (_level(latest, "before") or _level(evidence, "before"), "before"),
            (_level(latest, "after") or _level(evidence, "after"), "since"),
        )
        if reading is not None
    ]
    return f"{kind.what} {', '.join(parts)}" if parts else ""


def _level(evidence: Document, name: str) -> dict[str, Any] | None:
    if evidence.get(name) is None:
        return None
    return {
        "value": evidence[name],
        "low": evidence.get(f"{name}_low"),
        "high": evidence.get(f"{name}_high"),
        "n": evidence.get(f"{name}_n") or 0,
    }


def alarm_headline(alarm: Document) -> Text:
    """Who, where, since when and whether it is over."""
    evidence = alarm.get("evidence") or {}
    severity = alarm.get("severity", "")
    over = alarm.get("cleared_at") is not None
    times = [f"since {_clock(evidence['since'])}"] if evidence.get("since") else []
    times.append(f"raised {_clock(alarm.get('raised_at'))}")
    if over:
        times.append(f"cleared {_clock(alarm['cleared_at'])} ({_name(evidence.get('cleared') or 'over')})")
    return Text.assemble(
        (f"{_name(severity):8}", QUIET if over else SEVERITIES.get(severity, "bold")),
        (_name(alarm.get("subject")), "" if over else "bold"),
        (f"  {_name(alarm.get('kind'))}  {_name(alarm.get('project'))}/{_name(alarm.get('task'))}  "),
        (", ".join(times), QUIET),
    )


def _alarms(alarms: Iterable[Document], *, actions: bool) -> Iterator[RenderableType]:
    for alarm in alarms:
        yield alarm_headline(alarm)
        numbers = alarm_numbers(alarm)
        if numbers:
            yield Padding(Text(numbers), (0, 0, 0, 8))
        action = (alarm.get("evidence") or {}).get("action")
        if actions and action and alarm.get("cleared_at") is None:
            yield Padding(Text(_name(action), QUIET), (0, 0, 0, 8))


def _by_urgency(alarms: Iterable[Document]) -> list[Document]:
    """Open ones first, the newest of them first."""
    newest = sorted(alarms, key=lambda alarm: str(alarm.get("raised_at")), reverse=True)
    return sorted(newest, key=lambda alarm: alarm.get("cleared_at") is not None)


# ------------------------------------------------------------------------------------------------------------- tables


class _Grid:
    """A table whose columns depend on the room: some are left out on a narrow terminal."""

    def __init__(self, width: int, names: str, *, least: int = 0) -> None:
        self.width = width
        self.plot = 24 if width >= PLOT_FROM + 8 else 16
        self.table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
        self.table.add_column(names, no_wrap=True, overflow="ellipsis", min_width=min(least, width // 3))

    def number(self, heading: str) -> None:
        self.table.add_column(heading, justify="right", no_wrap=True)

    def reading(self, heading: str, *, plot: bool = False, count: str = "") -> None:
        self.table.add_column(heading, justify="right", no_wrap=True, min_width=6)
        if self.width >= INTERVALS_FROM:
            self.table.add_column("95 % interval", no_wrap=True)
        if plot and self.width >= PLOT_FROM:
            self.table.add_column(f"0{'1':>{self.plot - 1}}", no_wrap=True, width=self.plot)
        if count:
            self.number(count)

    def cells(
        self, reading: Document, form: Callable[[float], str], *, plot: bool = False, count: bool = False
    ) -> list[RenderableType]:
        cells: list[RenderableType] = [_figure(reading, form)]
        if self.width >= INTERVALS_FROM:
            cells.append(_interval(reading, form))
        if plot and self.width >= PLOT_FROM:
            cells.append(_Plot(reading, self.plot))
        if count:
            cells.append(f"{reading.get('n', 0):,}")
        return cells


def _indented(*parts: RenderableType) -> RenderableType:
    return Padding(Group(*parts), (0, 0, 0, 2))


def events_line(events: Document) -> Text:
    """Conservation: what was received is the sum of all outcomes."""
    parts = " + ".join(f"{outcome.replace('_', ' ')} {events.get(outcome, 0):,}" for outcome in OUTCOMES)
    return Text.assemble((f"received {events.get('received', 0):,}", HEADING), (f" = {parts}", QUIET))


def _tasks(document: Document) -> Iterator[tuple[str, str, Document]]:
    for project, held in document.get("projects", {}).items():
        for task, figures in held.get("tasks", {}).items():
            yield project, task, figures


# --------------------------------------------------------------------------------------------------- the whole document


def render_document(document: Document) -> RenderableType:
    """All of the document: events, each task's figures, alarms, dead letters."""
    return _Whole(document)


@dataclass(frozen=True, slots=True)
class _Whole:
    document: Document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        document, width = self.document, options.max_width
        yield Text.assemble(("Events ", HEADING), events_line(document.get("events", {})))
        tasks = list(_tasks(document))
        if not tasks:
            yield Text("\nNo annotation is in force.", QUIET)
        for project, task, figures in tasks:
            yield Text()
            yield from _task(project, task, figures, width - 2)
        yield Text()
        alarms = _by_urgency(document.get("alarms", []))
        open_alarms = sum(alarm.get("cleared_at") is None for alarm in alarms)
        heading = f"Alarms: {open_alarms} open, {len(alarms) - open_alarms} cleared" if alarms else "No alarms"
        yield Rule(Text(heading, HEADING), align="left", style=QUIET)
        if alarms:
            yield _indented(*_alarms(alarms, actions=True))
        refused = document.get("events", {}).get("dead_letters", 0)
        letters = document.get("dead_letters", [])
        if letters or refused:
            yield Text()
            yield Rule(Text(f"Dead letters: {max(refused, len(letters)):,}", HEADING), align="left", style=QUIET)
            yield _indented(*_refusals(letters, refused))


def _task(project: str, task: str, figures: Document, width: int) -> Iterator[RenderableType]:
    title = Text.assemble((_name(project), HEADING), (" / ", QUIET), (_name(task), HEADING))
    yield Rule(title, align="left", style=QUIET)
    unfit = figures.get("unfit", 0)
    yield _indented(
        Text.assemble(
            f"{figures.get('annotations', 0):,} annotations on {figures.get('items', 0):,} items, ",
            f"{figures.get('pairable_items', 0):,} of them pairable, by {figures.get('annotators', 0):,} annotators",
            (f"; {figures.get('label_type') or 'no label yet'}", QUIET),
            (f"; {unfit:,} unfit", BAD) if unfit else "",
        ),
        Text(),
        _readings(figures, width),
    )
    worst = _worst_values(figures, width)
    if worst is not None:
        yield Text()
        yield _indented(worst, *_cut(figures))
    pairs = _worst_pairs(figures.get("pairs", []), width)
    if pairs is not None:
        yield Text()
        yield _indented(pairs)


def _readings(figures: Document, width: int) -> RenderableType:
    grid = _Grid(width, "", least=24)
    grid.reading("value", plot=True, count="n")
    for name, reading in figures.get("agreement", {}).items():
        cells = grid.cells(reading, _ratio, plot=True, count=True)
        grid.table.add_row(Text(COEFFICIENT_NAMES.get(name, _name(name))), *cells)
    accuracy = figures.get("gold", {}).get("accuracy", {})
    grid.table.add_row(Text("gold accuracy"), *grid.cells(accuracy, _percent, plot=True, count=True))
    return grid.table


def _worst_values(figures: Document, width: int) -> RenderableType | None:
    """The lowest values of each dimension: of annotators by gold, of everything else by agreement."""
    grid = _Grid(width, "lowest of", least=24)
    grid.number("annotations")
    grid.reading("alpha")
    grid.reading("gold", count="answers")
    by = figures.get("by", {})
    order = [*WORST, *sorted(by.keys() - WORST.keys() - {"cut"})]
    some = False
    for dimension in order:
        values = by.get(dimension) or {}
        if not values:
            continue
        some = True
        shown = WORST.get(dimension, OTHERS)
        ranked = _ranked(values.items(), by_gold=dimension == "annotator")[:shown]
        heading = f"{_name(dimension.removeprefix('slice.'))}"
        grid.table.add_row(
            Text(f"{heading}" + (f"  {shown} of {len(values):,}" if len(values) > shown else ""), HEADING)
        )
        for value, held in ranked:
            grid.table.add_row(
                Text(f"  {_name(value)}"),
                f"{held.get('annotations', 0):,}",
                *grid.cells(held.get("agreement", {}).get("alpha", {}), _ratio),
                *grid.cells(held.get("gold", {}).get("accuracy", {}), _percent, count=True),
            )
    return grid.table if some else None


def _ranked(values: Iterable[tuple[str, Document]], *, by_gold: bool) -> list[tuple[str, Document]]:
    def key(held: Document) -> tuple[float, float]:
        gold = _upper(held.get("gold", {}).get("accuracy", {}))
        alpha = _upper(held.get("agreement", {}).get("alpha", {}))
        return (gold, alpha) if by_gold else (alpha, gold)

    return sorted(values, key=lambda value: (key(value[1]), value[0]))


def _cut(figures: Document) -> Iterator[RenderableType]:
    cut = {name: count for name, count in (figures.get("by", {}).get("cut") or {}).items() if count}
    if cut:
        parts = ", ".join(f"{count:,} of {_name(name)}" for name, count in sorted(cut.items()))
        yield Text(f"values left out of the document: {parts}", QUIET)


def _worst_pairs(pairs: Sequence[Document], width: int) -> RenderableType | None:
    if not pairs:
        return None
    shown = f"pairs  {WORST_PAIRS} of {len(pairs):,}" if len(pairs) > WORST_PAIRS else "pairs"
    grid = _Grid(width, f"lowest {shown}", least=24)
    grid.reading("Cohen's kappa", count="items")
    for pair in sorted(pairs, key=lambda pair: (_upper(pair["cohen_kappa"]), pair["a"], pair["b"]))[:WORST_PAIRS]:
        cells = grid.cells({**pair["cohen_kappa"], "n": pair["items"]}, _ratio, count=True)
        grid.table.add_row(Text(f"  {_name(pair['a'])} and {_name(pair['b'])}"), *cells)
    return grid.table


def _refusals(letters: Sequence[Document], refused: int) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    table.add_column("", justify="right", no_wrap=True)
    for heading in ("reason", "at", "for example"):
        table.add_column(heading, overflow="fold")
    reasons = Counter((letter.get("reason", ""), letter.get("path", "")) for letter in letters)
    examples = {(letter.get("reason", ""), letter.get("path", "")): letter.get("where", "") for letter in letters}
    for (reason, path), count in reasons.most_common(REFUSALS):
        table.add_row(f"{count:,}", Text(_name(reason)), Text(_name(path)), Text(_name(examples[reason, path]), QUIET))
    if reasons:
        yield table
    if len(reasons) > REFUSALS:
        yield Text(f"and {len(reasons) - REFUSALS:,} more reasons and paths", QUIET)
    if refused > len(letters):
        yield Text(f"counted of the {len(letters):,} that the document holds", QUIET)


# -------------------------------------------------------------------------------------------------------- the overview


def render_overview(document: Document) -> RenderableType:
    """What a QA lead looks at: projects, the worst annotators, the open alarms; fits a screen."""
    return _Overview(document)


@dataclass(frozen=True, slots=True)
class _Overview:
    document: Document
    room_for_alarms: int = 4

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        document, width = self.document, options.max_width
        projects = _Grid(width, "project / task", least=24)
        projects.number("annotations" if width >= INTERVALS_FROM else "labels")
        projects.reading("alpha", plot=True)
        projects.reading("gold", count="answers")
        for project, task, figures in _tasks(document):
            projects.table.add_row(
                Text(f"{_name(project)} / {_name(task)}"),
                f"{figures.get('annotations', 0):,}",
                *projects.cells(figures.get("agreement", {}).get("alpha", {}), _ratio, plot=True),
                *projects.cells(figures.get("gold", {}).get("accuracy", {}), _percent, count=True),
            )
        yield projects.table
        yield Text()
        yield self._worst_annotators(width)
        yield Text()
        alarms = _by_urgency(document.get("alarms", []))
        if not alarms:
            yield Text("no alarms", QUIET)
            return
        is_open = sum(alarm.get("cleared_at") is None for alarm in alarms)
        yield Text(f"alarms: {is_open} open, {len(alarms) - is_open} cleared", HEADING)
        yield from _alarms(alarms[: self.room_for_alarms], actions=False)
        if len(alarms) > self.room_for_alarms:
            yield Text(f"and {len(alarms) - self.room_for_alarms:,} more", QUIET)

    def _worst_annotators(self, width: int) -> RenderableType:
        grid = _Grid(width, "lowest annotators", least=24)
        grid.number("annotations" if width >= INTERVALS_FROM else "labels")
        grid.reading("alpha", plot=True)
        grid.reading("gold", count="answers")
        people = [
            (name, project, held)
            for project, _, figures in _tasks(self.document)
            for name, held in (figures.get("by", {}).get("annotator") or {}).items()
        ]
        alarmed = {
            (alarm.get("project"), alarm.get("subject"))
            for alarm in self.document.get("alarms", [])
            if alarm.get("cleared_at") is None
        }
        place = {id(held): (name, project) for name, project, held in people}
        ranked = _ranked([(name, held) for name, _, held in people], by_gold=True)[:WORST_ANNOTATORS]
        for name, held in ranked:
            project = place[id(held)][1]
            grid.table.add_row(
                Text.assemble((_name(name), BAD if (project, name) in alarmed else ""), (f"  {_name(project)}", QUIET)),
                f"{held.get('annotations', 0):,}",
                *grid.cells(held.get("agreement", {}).get("alpha", {}), _ratio, plot=True),
                *grid.cells(held.get("gold", {}).get("accuracy", {}), _percent, count=True),
            )
        return grid.table
