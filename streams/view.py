"""The document for people, in a terminal: all of it, or the overview that the demo refreshes every second.

Worst comes first: by the upper end of the 95 % interval, so that a few unlucky answers do not put anyone on top.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from detectors.reasons import ALL_CLASSES, NOT_AVAILABLE, NOT_DECLARED
from streams.parsing import REASONS

Document = Mapping[str, Any]

COEFFICIENT_NAMES: Final = {
    "percent": "percent agreement",
    "percent_pairs": "percent of pairs",
    "alpha": "Krippendorff's alpha",
    "alpha_nominal": "alpha, nominal",
    "alpha_ordinal": "alpha, ordinal",
    "alpha_interval": "alpha, interval",
    "alpha_ratio": "alpha, ratio",
    "alpha_jaccard": "alpha, Jaccard",
    "scott_pi": "Scott's pi",
    "fleiss_kappa": "Fleiss' kappa",
    "conger_kappa": "Conger's kappa",
    "ac1": "Gwet's AC1",
    "ac2": "Gwet's AC2",
    "brennan_prediger": "Brennan-Prediger",
    "kendall_w": "Kendall's W",
    "kendall_tau_b": "Kendall's tau-b",
    "span_f1": "span F1",
    "span_f1_untyped": "span F1, untyped",
    "overlap_f1": "overlap F1",
    "character_f1": "character F1",
    "boundary_similarity": "boundary similarity",
    "match_rate": "boxes matched",
    "mean_iou": "mean IoU",
    "iou_alpha": "alpha, 1 - IoU",
    "iou_mean": "IoU",
    "iou_variance": "IoU variance",
}
NOTHING_THERE: Final = {"boxes": "missed", "spans": "unmarked"}
SAME_AS: Final = {
    "alpha_nominal": "alpha",
    "alpha_ordinal": "alpha",
    "alpha_interval": "alpha",
    "alpha_ratio": "alpha",
    "scott_pi": "fleiss_kappa",
}
"""Coefficients that are left out where they say the same as another."""
OUTCOMES: Final = ("applied", "duplicates", "erased", "dead_letters", "forwarded")

WORST: Final = {"annotator": 5, "class": 12}
"""How many values of a dimension are shown; of others, `OTHERS`."""
OTHERS: Final = 3
WORST_PAIRS: Final = 5
MOST_CONFUSED: Final = 5
MOST_DISPUTED: Final = 5
WINDOWS: Final = 31
WORST_ANNOTATORS: Final = 5
REFUSALS: Final = 10
ALARMS: Final = 25
OVERVIEW_ALARMS: Final = 6

HEAD_LINES: Final = 4
"""Lines of the screen that are not the overview's: two above it, a blank one, and the one that the cursor is on."""

ROOMY: Final = 97
"""Columns from which there is room for everything; for intervals, and for the number of answers."""
INTERVALS_FROM: Final = 77
ANSWERS_FROM: Final = 52
ALPHA_INTERVAL: Final = 16
GOLD_INTERVAL: Final = 12
SHORTEST_PLOT: Final = 12
LONGEST_PLOT: Final = 24

QUIET: Final = "dim"
HEADING: Final = "bold"
BAD: Final = "bold red"
SEVERITIES: Final = {"critical": "bold red", "warning": "bold yellow", "info": "bold cyan"}


# ------------------------------------------------------------------------------------------------------------ figures


def percent(value: float) -> str:
    """A ratio in percent."""
    return f"{100 * value:.1f} %"


def _ratio(value: float) -> str:
    return f"{value:.3f}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def _figure(reading: Document, form: Callable[[float], str]) -> Text:
    value = reading.get("value")
    return Text("-", QUIET) if value is None else Text(form(value))


def _interval(reading: Document, form: Callable[[float], str]) -> Text:
    low, high = reading.get("low"), reading.get("high")
    if low is None or high is None:
        return Text(_name(reading.get("why", "")) if reading.get("value") is None else "", QUIET)
    low, high = (form(end).removesuffix(" %").removesuffix(" s") for end in (low, high))
    return Text(f"[{low}, {high}]", QUIET)


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


def _times(moments: Sequence[tuple[str, object, str]], *, brief: bool) -> str:
    """RFC 3339 times to the second, between a word before and one after; unless brief, a day where it is a new one.

    >>> _times([("since", "2026-01-05T08:00:15Z", ""), ("raised", "2026-01-05T08:00:23.4Z", "")], brief=False)
    'since 2026-01-05 08:00:15, raised 08:00:23 UTC'
    """
    parts = []
    day = None
    for word, text, remark in moments:
        try:
            time = datetime.fromisoformat(str(text)).astimezone(UTC)
        except ValueError:
            parts.append(f"{word} {_name(text)}{remark}")
            continue
        new_day = not brief and time.date() != day
        day = time.date()
        parts.append(f"{word} {time:{'%Y-%m-%d ' if new_day else ''}%H:%M:%S}{remark}")
    return f"{', '.join(parts)} UTC"


class _Named(NamedTuple):
    """A name in a line: it gives way where there is no room for all of the line."""

    text: str
    style: str = ""


_Part = str | tuple[str, str] | _Named


@dataclass(frozen=True, slots=True, init=False)
class _Line:
    """One line, never wrapped: where there is no room for all, its names are shortened in their middle."""

    parts: tuple[_Part, ...]

    def __init__(self, *parts: _Part) -> None:
        object.__setattr__(self, "parts", parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ellipsis = "..." if options.ascii_only else "…"
        room = options.max_width - sum(_cells(part) for part in self.parts if not isinstance(part, _Named))
        names = sorted(_cells(part) for part in self.parts if isinstance(part, _Named))
        longest = max(names, default=0)
        for place, cells in enumerate(names):
            # A short name leaves what it does not need to the longer ones.
            if cells > (share := max(room // (len(names) - place), 0)):
                longest = share
                break
            room -= cells
        yield Text.assemble(
            *(
                (shortened(part.text, longest, ellipsis), part.style) if isinstance(part, _Named) else part
                for part in self.parts
            ),
            no_wrap=True,
            overflow="crop",
        )

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, sum(map(_cells, self.parts)))


def _cells(part: _Part) -> int:
    return cell_len(part if isinstance(part, str) else part[0])


def shortened(name: str, width: int, ellipsis: str = "…") -> str:
    """A name in so many columns: its beginning and its end, since either may be what differs.

    >>> shortened("annotator-0017-of-vendor-b", 15), shortened("ada", 15)
    ('annotat…endor-b', 'ada')
    """
    if cell_len(name) <= width:
        return name
    kept = max(0, width - len(ellipsis))
    tail = ""
    for character in reversed(name):
        if cell_len(character + tail) > kept // 2:
            break
        tail = character + tail
    return (set_cell_size(name, kept - cell_len(tail)) + ellipsis[:width]) + tail


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
    "gold_errors": _Kind("gold accuracy", percent, "answers"),
    "log_duration": _Kind("time an item", _seconds, "items"),
}
_OTHER_KIND: Final = _Kind("level", lambda value: f"{value:.4g}", "observations")


def alarm_numbers(alarm: Document, *, brief: bool = False) -> str:
    """What an alarm's detector saw: before the change, and since then; brief, in fewer words.

    >>> alarm_numbers({"kind": "gold_errors", "evidence": {
    ...     "before": 0.98, "before_low": 0.95, "before_high": 0.99, "before_n": 120,
    ...     "after": 0.5, "after_low": 0.3, "after_high": 0.7, "after_n": 20}})
    'gold accuracy 98.0 % [95.0, 99.0] before (120 answers), 50.0 % [30.0, 70.0] since (20)'
    >>> alarm_numbers({"kind": "gold_errors", "evidence": {
    ...     "before": 0.98, "before_low": 0.95, "before_high": 0.99, "before_n": 120, "after": 0.5, "after_n": 20}}, brief=True)
    'gold accuracy 98.0 % [95.0, 99.0] of 120, since 50.0 % of 20'
    """
    evidence = alarm.get("evidence") or {}
    kind = _KINDS.get(alarm.get("kind", ""), _OTHER_KIND)
    latest = evidence.get("now") or {}
    before = _level(latest, "before") or _level(evidence, "before")
    since = _level(latest, "after") or _level(evidence, "after")
    parts = []
    if before is not None:
        count = f"of {before['n']:,}" if brief else f"before ({before['n']:,} {kind.of})"
        parts.append(f"{interval_text(before, kind.form)} {count}")
    if since is not None:
        level = interval_text(since, kind.form)
        parts.append(f"since {level} of {since['n']:,}" if brief else f"{level} since ({since['n']:,})")
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
    return Text.assemble(*_headline(alarm))


def _headline(alarm: Document, *, brief: bool = False) -> list[_Part]:
    evidence = alarm.get("evidence") or {}
    severity = alarm.get("severity", "")
    over = alarm.get("cleared_at") is not None
    times = [("since", evidence["since"], "")] if evidence.get("since") else []
    if not (brief and times):
        times.append(("raised", alarm.get("raised_at"), ""))
    if over:
        times.append(("cleared", alarm["cleared_at"], f" ({_name(evidence.get('cleared') or 'over')})"))
    return [
        (f"{_name(severity):8}", QUIET if over else SEVERITIES.get(severity, "bold")),
        _Named(_name(alarm.get("subject")), "" if over else "bold"),
        f"  {_name(alarm.get('kind'))}  ",
        _Named(_name(alarm.get("project"))),
        "/",
        _Named(_name(alarm.get("task"))),
        "  ",
        (_times(times, brief=brief), QUIET),
    ]


def _alarms(alarms: Iterable[Document]) -> Iterator[RenderableType]:
    for alarm in alarms:
        yield alarm_headline(alarm)
        numbers = alarm_numbers(alarm)
        if numbers:
            yield Padding(Text(numbers), (0, 0, 0, 8), expand=False)
        action = (alarm.get("evidence") or {}).get("action")
        if action and alarm.get("cleared_at") is None:
            yield Padding(Text(_name(action), QUIET), (0, 0, 0, 8), expand=False)


def _alarms_in_two_lines(alarms: Iterable[Document], width: int) -> Iterator[RenderableType]:
    for alarm in alarms:
        yield _Line(*_headline(alarm, brief=True))
        numbers = alarm_numbers(alarm, brief=width < ROOMY)
        indent = 8 if width >= ROOMY else 2
        if numbers:
            yield Padding(Text(numbers, no_wrap=True, overflow="ellipsis"), (0, 0, 0, indent), expand=False)


def _by_urgency(alarms: Iterable[Document]) -> list[Document]:
    """Open ones first, the newest of them first."""
    newest = sorted(alarms, key=lambda alarm: str(alarm.get("raised_at")), reverse=True)
    return sorted(newest, key=lambda alarm: alarm.get("cleared_at") is not None)


# ------------------------------------------------------------------------------------------------------------- tables


class _Grid:
    """A table with columns as wide as in the other tables; where there is no room for all, some are left out."""

    NAMES = 24

    def __init__(self, width: int, names: str, plot: int = 0) -> None:
        self.roomy = width >= ROOMY
        self._interval = width >= INTERVALS_FROM
        self._plot = plot if plot >= SHORTEST_PLOT else 0
        gap = 2 if self.roomy or not self._interval else 1
        self.table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style=QUIET)
        # The only column that may be narrower than what is in it: `_Line` shortens names, nothing cuts figures.
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

    def row(self, name: _Line, *cells: Sequence[RenderableType]) -> None:
        self.table.add_row(name, *(part for cell in cells for part in ([cell] if isinstance(cell, str) else cell)))

    def cells(self, reading: Document, form: Callable[[float], str]) -> list[RenderableType]:
        return [_figure(reading, form), *([_interval(reading, form)] if self._interval else [])]

    def drawn(self, reading: Document) -> list[RenderableType]:
        return [_Plot(reading, self._plot)] if self._plot else []


def _indented(*parts: RenderableType) -> RenderableType:
    return Padding(Group(*parts), (0, 0, 0, 2), expand=False)


def events_line(events: Document, width: int = ROOMY) -> Text:
    """Conservation: what was received is the sum of all outcomes; where it is narrow, of those that there were."""
    outcomes = OUTCOMES if width >= ROOMY else [each for each in OUTCOMES if events.get(each) or each == "applied"]
    parts = " + ".join(f"{outcome.replace('_', ' ')} {events.get(outcome, 0):,}" for outcome in outcomes)
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
            yield _indented(*_alarms(alarms[:ALARMS]))
            if len(alarms) > ALARMS:
                yield _indented(Text(f"and {len(alarms) - ALARMS:,} more, in --format json", QUIET))
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
    over_time = _over_time(figures, width)
    if over_time is not None:
        yield Text()
        yield _indented(over_time)
    worst = _worst_values(figures, width)
    if worst is not None:
        yield Text()
        yield _indented(worst, *_cut(figures))
    pairs = _worst_pairs(figures.get("pairs", []), figures.get("pairs_cut", 0), width)
    if pairs is not None:
        yield Text()
        yield _indented(pairs)
    confused = _confused(figures.get("confused", []), figures.get("confused_cut", 0), width)
    if confused is not None:
        yield Text()
        yield _indented(confused)
    disputed = _disputed(figures, width)
    if disputed is not None:
        yield Text()
        yield _indented(disputed)


def _readings(figures: Document, width: int) -> RenderableType:
    agreement = figures.get("agreement", {})
    rows = [
        (COEFFICIENT_NAMES.get(name, _name(name)), reading, _ratio)
        for name, reading in agreement.items()
        if name == "alpha"
        or (
            reading.get("why") not in {NOT_AVAILABLE, NOT_DECLARED}
            and reading != agreement.get(SAME_AS.get(name, ""), None)
        )
    ]
    rows.append(("gold accuracy", figures.get("gold", {}).get("accuracy", {}), percent))
    repeats = figures.get("repeats", {})
    if repeats.get("pairs"):
        rows.append(("equal repeats", repeats["equal"], percent))
    interval = max(ALPHA_INTERVAL, *(cell_len(_interval(reading, form).plain) for _, reading, form in rows))
    grid = _Grid(width, "", plot=min(LONGEST_PLOT, width - 47 - interval))
    grid.reading("value", ALPHA_INTERVAL)
    grid.plot()
    grid.number("n", 8)
    for name, reading, form in rows:
        grid.row(_Line(name), grid.cells(reading, form), grid.drawn(reading), f"{reading.get('n', 0):,}")
    return grid.table


def _scopes(width: int, names: str, plot: int = 0) -> _Grid:
    grid = _Grid(width, names, plot)
    if grid.roomy:
        grid.number("annotations", 6)
    grid.reading("alpha", ALPHA_INTERVAL if grid.roomy else 14, most=ALPHA_INTERVAL)
    grid.plot()
    grid.reading("gold", GOLD_INTERVAL, most=14)
    if width >= ANSWERS_FROM:
        grid.number("answers", 7)
    return grid


def _scope(grid: _Grid, width: int, name: _Line, held: Document, figure: str = "alpha") -> None:
    alpha = held.get("agreement", {}).get(figure, {})
    accuracy = held.get("gold", {}).get("accuracy", {})
    grid.row(
        name,
        [f"{held['annotations']:,}" if "annotations" in held else ""] if grid.roomy else [],
        grid.cells(alpha, _ratio),
        grid.drawn(alpha),
        grid.cells(accuracy, percent),
        [f"{accuracy.get('n', 0):,}"] if width >= ANSWERS_FROM else [],
    )


def _over_time(figures: Document, width: int) -> RenderableType | None:
    """Windows in the order of time, and what counts less the older it is; earlier windows are in the JSON."""
    windows, decayed = figures.get("windows") or (), figures.get("decayed")
    if not windows and not decayed:
        return None
    grid = _scopes(width, "up to")
    total = len(windows) + figures.get("windows_cut", 0)
    shown = windows[-WINDOWS:]
    grid.row(_Line((f"time  the latest {WINDOWS} of {total:,}" if total > WINDOWS else "time", HEADING)))
    for window in shown:
        end = window["end"].removesuffix(":00:00Z").replace("T", " ") + "h"
        times = window.get("corrections")
        marks = (" open" if window["open"] else "") + (f" \N{MULTIPLICATION SIGN}{times:,}" if times else "")
        _scope(grid, width, _Line("  ", end, (marks, QUIET)), window)
    if any(window.get("corrections") for window in shown):
        grid.row(_Line("  ", ("\N{MULTIPLICATION SIGN}n: corrected n times", QUIET)))
    if decayed:
        _scope(grid, width, _Line("  ", "now", (f" half-life {decayed['half_life_hours']:,} h", QUIET)), decayed)
    return grid.table


def _worst_values(figures: Document, width: int) -> RenderableType | None:
    """The lowest values of each dimension: of annotators by gold, of everything else by agreement.

    A dimension with one value that all annotations have says nothing that the task does not.
    """
    grid = _scopes(width, "lowest of")
    by = figures.get("by", {})
    for dimension in (*WORST, *sorted(by.keys() - WORST.keys() - {"cut"})):
        values = by.get(dimension) or {}
        whole = figures.get("annotations")
        if not values or (len(values) == 1 and all(held.get("annotations") == whole for held in values.values())):
            continue
        shown = WORST.get(dimension, OTHERS)
        figure = _figure_of(values.values())
        heading = _name(dimension.removeprefix("slice."))
        if figure != "alpha":
            heading += f" by {COEFFICIENT_NAMES.get(figure, figure)}"
        elif len(values) > shown:
            heading += f"  {shown} of {len(values):,}"
        grid.row(_Line((heading, HEADING)))
        for value, held in _ranked(values.items(), figure, by_gold=dimension == "annotator")[:shown]:
            _scope(grid, width, _Line("  ", _Named(_name(value))), held, figure)
    return grid.table if grid.table.row_count else None


def _figure_of(values: Iterable[Document]) -> str:
    """What a dimension's values are told apart by: alpha, or where it has no meaning, as for types of spans, another."""
    for held in values:
        agreement = held.get("agreement", {})
        if agreement.get("alpha", {}).get("why") not in {NOT_AVAILABLE, ALL_CLASSES}:
            return "alpha"
        for name, reading in agreement.items():
            if reading.get("value") is not None:
                return str(name)
    return "alpha"


def _ranked(values: Iterable[tuple[str, Document]], figure: str, *, by_gold: bool) -> list[tuple[str, Document]]:
    def key(held: Document) -> tuple[float, float]:
        gold = _upper(held.get("gold", {}).get("accuracy", {}))
        alpha = _upper(held.get("agreement", {}).get(figure, {}))
        return (gold, alpha) if by_gold else (alpha, gold)

    return sorted(values, key=lambda value: (key(value[1]), value[0]))


def _cut(figures: Document) -> Iterator[RenderableType]:
    cut = {name: count for name, count in (figures.get("by", {}).get("cut") or {}).items() if count}
    if cut:
        parts = ", ".join(f"{count:,} of {_name(name)}" for name, count in sorted(cut.items()))
        yield Text(f"values left out of the document: {parts}", QUIET)


def _worst_pairs(pairs: Sequence[Document], cut: int, width: int) -> RenderableType | None:
    if not pairs:
        return None
    grid = _Grid(width, "lowest of")
    grid.reading("kappa", ALPHA_INTERVAL)
    grid.number("items", 8)
    heading = f"pairs  {WORST_PAIRS} of {len(pairs):,}" if len(pairs) > WORST_PAIRS else "pairs"
    if cut:
        heading += f" ({cut:,} with fewer items left out)"
    grid.row(_Line((heading, HEADING)))
    kappas = [(_kappa(pair), pair) for pair in pairs]
    lowest = sorted(kappas, key=lambda found: (_upper(found[0]), found[1]["a"], found[1]["b"]))[:WORST_PAIRS]
    for kappa, pair in lowest:
        name = _Line("  ", _Named(_name(pair["a"])), " and ", _Named(_name(pair["b"])))
        grid.row(name, grid.cells(kappa, _ratio), f"{pair['items']:,}")
    return grid.table


def _confused(confused: Sequence[Document], cut: int, width: int) -> RenderableType | None:
    if not confused:
        return None
    grid = _Grid(width, "most confused")
    grid.number("pairs", 8)
    grid.number("items", 8)
    total = len(confused) + cut
    heading = f"labels  {MOST_CONFUSED} of {total:,}" if total > MOST_CONFUSED else "labels"
    grid.row(_Line((heading, HEADING)))
    for found in confused[:MOST_CONFUSED]:
        name = _Line("  ", _Named(_name(found["a"])), " and ", _Named(_name(found["b"])))
        grid.row(name, f"{found['pairs']:,}", f"{found['items']:,}")
    return grid.table


def _kappa(pair: Document) -> Document:
    """How a pair agrees: where labels have an order, one step apart is not as bad as three."""
    weighted: Document = pair.get("weighted_kappa_quadratic", {})
    return pair["cohen_kappa"] if weighted.get("value") is None else weighted


def _refusals(letters: Sequence[Document], refused: int) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    table.add_column("", justify="right", no_wrap=True)
    for heading in ("reason", "at", "expected", "for example"):
        table.add_column(heading, overflow="fold")
    reasons = Counter((letter.get("reason", ""), letter.get("path", "")) for letter in letters)
    examples: dict[tuple[str, str], str] = {}
    for letter in letters:
        examples.setdefault((letter.get("reason", ""), letter.get("path", "")), letter.get("where", ""))
    for (reason, path), count in reasons.most_common(REFUSALS):
        cells = (_name(reason), _name(path), REASONS.get(reason, ""))
        table.add_row(f"{count:,}", *map(Text, cells), Text(_name(examples[reason, path]), QUIET))
    if reasons:
        yield table
    if len(reasons) > REFUSALS:
        yield Text(f"and {len(reasons) - REFUSALS:,} more reasons and paths", QUIET)
    if refused > len(letters):
        yield Text(f"counted of the {len(letters):,} that the document holds", QUIET)


def _disputed(figures: Document, width: int) -> RenderableType | None:
    """The most disputed items, each with the labels that it was given most often."""
    disputed = figures.get("disputed")
    if not disputed:
        return None
    measures = [name for name in ("entropy", "variance", "mean_iou", "span_f1") if name in disputed[0]]
    grid = _Grid(width, "most disputed")
    for measure in measures:
        grid.number(COEFFICIENT_NAMES.get(measure, measure), 8)
    grid.number("labels", 8)
    total = len(disputed) + figures.get("disputed_cut", 0)
    heading = f"items  {MOST_DISPUTED} of {total:,}" if total > MOST_DISPUTED else "items"
    grid.row(_Line((heading, HEADING)))
    for found in disputed[:MOST_DISPUTED]:
        counts = ", ".join(f"{_answer(label, figures)} {n:,}" for label, n in found["counts"].items())
        name = _Line("  ", _Named(_name(found["item"])), "  ", _Named(counts, QUIET))
        grid.row(name, [f"{found[measure]:,.3f}" for measure in measures], f"{found['labels']:,}")
    return grid.table


def _answer(label: str, figures: Document) -> str:
    """What was given, in words: of boxes and spans the document has a list of what is at one place."""
    nothing = NOTHING_THERE.get(figures.get("label_type", ""))
    if nothing is None:
        return _name(label)
    return " + ".join(["no class" if name is None else _name(name) for name in json.loads(label)]) or nothing


# -------------------------------------------------------------------------------------------------------- the overview


def worst_annotators(document: Document) -> list[tuple[str, str, Document]]:
    """All annotators, the lowest by gold first: project, name and figures of each."""
    projects: dict[int, str] = {}
    people: list[tuple[str, Document]] = []
    for project, _, figures in _tasks(document):
        for name, held in (figures.get("by", {}).get("annotator") or {}).items():
            projects[id(held)] = project
            people.append((name, held))
    return [(projects[id(held)], name, held) for name, held in _ranked(people, "alpha", by_gold=True)]


def render_overview(document: Document) -> RenderableType:
    """What a QA lead looks at: projects, the worst annotators, the open alarms; fits a screen."""
    return _Overview(document)


@dataclass(frozen=True, slots=True)
class _Overview:
    document: Document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        tasks = list(_tasks(self.document))
        people = worst_annotators(self.document)
        alarms = _by_urgency(self.document.get("alarms", []))
        wanted = (len(tasks), min(len(people), WORST_ANNOTATORS), min(len(alarms), OVERVIEW_ALARMS))
        lines = (options.height or console.height) - HEAD_LINES - 5  # three headings, two blank lines
        shown_tasks, shown_people, shown_alarms = _shares(lines, wanted, (1, 1, 2))

        yield self._tasks(tasks, shown_tasks, width)
        yield Text()
        yield self._annotators(people[:shown_people], width)
        yield Text()
        if not alarms:
            yield Text("no alarms", QUIET)
            return
        is_open = sum(alarm.get("cleared_at") is None for alarm in alarms)
        only = f"; {shown_alarms} shown" if len(alarms) > shown_alarms else ""
        yield Text(f"alarms: {is_open:,} open, {len(alarms) - is_open:,} cleared{only}", HEADING)
        yield from _alarms_in_two_lines(alarms[:shown_alarms], width)

    def _tasks(self, tasks: Sequence[tuple[str, str, Document]], shown: int, width: int) -> RenderableType:
        """All tasks by name; where there is no room for all, the lowest by agreement."""
        heading = "project / task"
        if len(tasks) > shown:
            heading = f"lowest {shown} of {len(tasks):,} tasks"
            tasks = sorted(tasks, key=lambda each: _upper(each[2].get("agreement", {}).get("alpha", {})))[:shown]
        grid = _scopes(width, heading, plot=min(LONGEST_PLOT, width - 99))
        for project, task, figures in tasks:
            _scope(grid, width, _Line(_Named(_name(project)), " / ", _Named(_name(task))), figures)
        return grid.table

    def _annotators(self, people: Iterable[tuple[str, str, Document]], width: int) -> RenderableType:
        grid = _scopes(width, "lowest annotators", plot=min(LONGEST_PLOT, width - 99))
        alarmed = {
            (alarm.get("project"), alarm.get("subject"))
            for alarm in self.document.get("alarms", [])
            if alarm.get("cleared_at") is None
        }
        for project, name, held in people:
            style = BAD if (project, name) in alarmed else ""
            _scope(grid, width, _Line(_Named(_name(name), style), "  ", _Named(_name(project), QUIET)), held)
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
