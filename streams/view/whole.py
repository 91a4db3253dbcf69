"""All of a document: events, each task's figures, alarms, dead letters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from detectors.reasons import ALL_CLASSES, NOT_AVAILABLE, NOT_DECLARED
from streams.parsing import REASONS
from streams.view.alarms import by_urgency, in_full
from streams.view.figures import BAD, HEADING, QUIET, Document, bounds_text, percent, printable, ratio, upper_end
from streams.view.lines import Line, Named
from streams.view.tables import (
    ALPHA_INTERVAL,
    LONGEST_PLOT,
    Grid,
    events_line,
    indented,
    ranked,
    scope_row,
    scopes_grid,
    tasks_of,
)

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

WORST: Final = {"annotator": 5, "class": 12}
"""How many values of a dimension are shown; of others, `OTHERS`."""
OTHERS: Final = 3
WORST_PAIRS: Final = 5
MOST_CONFUSED: Final = 5
MOST_DISPUTED: Final = 5
WINDOWS: Final = 31
REFUSALS: Final = 10
ALARMS: Final = 25


def render_document(document: Document) -> RenderableType:
    """All of the document: events, each task's figures, alarms, dead letters."""
    return _Whole(document)


@dataclass(frozen=True, slots=True)
class _Whole:
    document: Document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        document, width = self.document, options.max_width
        yield Text.assemble(("Events ", HEADING), events_line(document.get("events", {})))
        tasks = list(tasks_of(document))
        if not tasks:
            yield Text("\nNo annotation is in force.", QUIET)
        for project, task, figures in tasks:
            yield Text()
            yield from _task(project, task, figures, width - 2)
        yield Text()
        alarms = by_urgency(document.get("alarms", []))
        open_alarms = sum(alarm.get("cleared_at") is None for alarm in alarms)
        heading = f"Alarms: {open_alarms} open, {len(alarms) - open_alarms} cleared" if alarms else "No alarms"
        yield Rule(Text(heading, HEADING), align="left", style=QUIET)
        if alarms:
            yield indented(*in_full(alarms[:ALARMS]))
            if len(alarms) > ALARMS:
                yield indented(Text(f"and {len(alarms) - ALARMS:,} more, in --format json", QUIET))
        refused = document.get("events", {}).get("dead_letters", 0)
        letters = document.get("dead_letters", [])
        if letters or refused:
            yield Text()
            yield Rule(Text(f"Dead letters: {max(refused, len(letters)):,}", HEADING), align="left", style=QUIET)
            yield indented(*_refusals(letters, refused))


def _task(project: str, task: str, figures: Document, width: int) -> Iterator[RenderableType]:
    title = Text.assemble((printable(project), HEADING), (" / ", QUIET), (printable(task), HEADING))
    yield Rule(title, align="left", style=QUIET)
    unfit = figures.get("unfit", 0)
    yield indented(
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
        yield indented(over_time)
    worst = _worst_values(figures, width)
    if worst is not None:
        yield Text()
        yield indented(worst, *_cut(figures))
    pairs = _worst_pairs(figures.get("pairs", []), figures.get("pairs_cut", 0), width)
    if pairs is not None:
        yield Text()
        yield indented(pairs)
    confused = _confused(figures.get("confused", []), figures.get("confused_cut", 0), width)
    if confused is not None:
        yield Text()
        yield indented(confused)
    disputed = _disputed(figures, width)
    if disputed is not None:
        yield Text()
        yield indented(disputed)


def _readings(figures: Document, width: int) -> RenderableType:
    agreement = figures.get("agreement", {})
    rows = [
        (COEFFICIENT_NAMES.get(name, printable(name)), reading, ratio)
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
    interval = max(ALPHA_INTERVAL, *(cell_len(bounds_text(reading, form).plain) for _, reading, form in rows))
    grid = Grid(width, "", plot=min(LONGEST_PLOT, width - 47 - interval))
    grid.reading("value", ALPHA_INTERVAL)
    grid.plot()
    grid.number("n", 8)
    for name, reading, form in rows:
        grid.row(Line(name), grid.cells(reading, form), grid.drawn(reading), f"{reading.get('n', 0):,}")
    return grid.table


def _over_time(figures: Document, width: int) -> RenderableType | None:
    """Windows in the order of time, and what counts less the older it is; earlier windows are in the JSON."""
    windows, decayed = figures.get("windows") or (), figures.get("decayed")
    if not windows and not decayed:
        return None
    grid = scopes_grid(width, "up to")
    total = len(windows) + figures.get("windows_cut", 0)
    shown = windows[-WINDOWS:]
    grid.row(Line((f"time  the latest {WINDOWS} of {total:,}" if total > WINDOWS else "time", HEADING)))
    for window in shown:
        end = window["end"].removesuffix(":00:00Z").replace("T", " ") + "h"
        times = window.get("corrections")
        marks = (" open" if window["open"] else "") + (f" \N{MULTIPLICATION SIGN}{times:,}" if times else "")
        scope_row(grid, width, Line("  ", end, (marks, QUIET)), window)
    if any(window.get("corrections") for window in shown):
        grid.row(Line("  ", ("\N{MULTIPLICATION SIGN}n: corrected n times", QUIET)))
    if decayed:
        scope_row(grid, width, Line("  ", "now", (f" half-life {decayed['half_life_hours']:,} h", QUIET)), decayed)
    return grid.table


def _worst_values(figures: Document, width: int) -> RenderableType | None:
    """The lowest values of each dimension: of annotators by gold, of everything else by agreement.

    A dimension with one value that all annotations have says nothing that the task does not.
    """
    grid = scopes_grid(width, "lowest of")
    by = figures.get("by", {})
    for dimension in (*WORST, *sorted(by.keys() - WORST.keys() - {"cut"})):
        values = by.get(dimension) or {}
        whole = figures.get("annotations")
        if not values or (len(values) == 1 and all(held.get("annotations") == whole for held in values.values())):
            continue
        shown = WORST.get(dimension, OTHERS)
        figure = _figure_of(values.values())
        heading = printable(dimension.removeprefix("slice."))
        if figure != "alpha":
            heading += f" by {COEFFICIENT_NAMES.get(figure, figure)}"
        elif len(values) > shown:
            heading += f"  {shown} of {len(values):,}"
        grid.row(Line((heading, HEADING)))
        for value, held in ranked(values.items(), figure, by_gold=dimension == "annotator")[:shown]:
            scope_row(grid, width, Line("  ", Named(printable(value))), held, figure)
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


def _cut(figures: Document) -> Iterator[RenderableType]:
    cut = {name: count for name, count in (figures.get("by", {}).get("cut") or {}).items() if count}
    if cut:
        parts = ", ".join(f"{count:,} of {printable(name)}" for name, count in sorted(cut.items()))
        yield Text(f"values left out of the document: {parts}", QUIET)


def _worst_pairs(pairs: Sequence[Document], cut: int, width: int) -> RenderableType | None:
    if not pairs:
        return None
    grid = Grid(width, "lowest of")
    grid.reading("kappa", ALPHA_INTERVAL)
    grid.number("items", 8)
    heading = f"pairs  {WORST_PAIRS} of {len(pairs):,}" if len(pairs) > WORST_PAIRS else "pairs"
    if cut:
        heading += f" ({cut:,} with fewer items left out)"
    grid.row(Line((heading, HEADING)))
    kappas = [(_kappa(pair), pair) for pair in pairs]
    lowest = sorted(kappas, key=lambda found: (upper_end(found[0]), found[1]["a"], found[1]["b"]))[:WORST_PAIRS]
    for kappa, pair in lowest:
        name = Line("  ", Named(printable(pair["a"])), " and ", Named(printable(pair["b"])))
        grid.row(name, grid.cells(kappa, ratio), f"{pair['items']:,}")
    return grid.table


def _confused(confused: Sequence[Document], cut: int, width: int) -> RenderableType | None:
    if not confused:
        return None
    grid = Grid(width, "most confused")
    grid.number("pairs", 8)
    grid.number("items", 8)
    total = len(confused) + cut
    heading = f"labels  {MOST_CONFUSED} of {total:,}" if total > MOST_CONFUSED else "labels"
    grid.row(Line((heading, HEADING)))
    for found in confused[:MOST_CONFUSED]:
        name = Line("  ", Named(printable(found["a"])), " and ", Named(printable(found["b"])))
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
        cells = (printable(reason), printable(path), REASONS.get(reason, ""))
        table.add_row(f"{count:,}", *map(Text, cells), Text(printable(examples[reason, path]), QUIET))
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
    grid = Grid(width, "most disputed")
    for measure in measures:
        grid.number(COEFFICIENT_NAMES.get(measure, measure), 8)
    grid.number("labels", 8)
    total = len(disputed) + figures.get("disputed_cut", 0)
    heading = f"items  {MOST_DISPUTED} of {total:,}" if total > MOST_DISPUTED else "items"
    grid.row(Line((heading, HEADING)))
    for found in disputed[:MOST_DISPUTED]:
        counts = ", ".join(f"{_answer(label, figures)} {n:,}" for label, n in found["counts"].items())
        name = Line("  ", Named(printable(found["item"])), "  ", Named(counts, QUIET))
        grid.row(name, [f"{found[measure]:,.3f}" for measure in measures], f"{found['labels']:,}")
    return grid.table


def _answer(label: str, figures: Document) -> str:
    """What was given, in words: of boxes and spans the document has a list of what is at one place."""
    nothing = NOTHING_THERE.get(figures.get("label_type", ""))
    if nothing is None:
        return printable(label)
    return " + ".join(["no class" if name is None else printable(name) for name in json.loads(label)]) or nothing
