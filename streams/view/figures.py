"""Figures, intervals, names and times in words, and an interval drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

Document = Mapping[str, Any]

QUIET: Final = "dim"
HEADING: Final = "bold"
BAD: Final = "bold red"


def percent(value: float) -> str:
    """A ratio in percent."""
    return f"{100 * value:.1f} %"


def ratio(value: float) -> str:
    """A ratio with three decimals."""
    return f"{value:.3f}"


def seconds(value: float) -> str:
    """Seconds, with a decimal where there are few."""
    return f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def value_text(reading: Document, form: Callable[[float], str]) -> Text:
    """The value of a reading, or a dash."""
    value = reading.get("value")
    return Text("-", QUIET) if value is None else Text(form(value))


def bounds_text(reading: Document, form: Callable[[float], str]) -> Text:
    """The interval of a reading, or why there is no value."""
    low, high = reading.get("low"), reading.get("high")
    if low is None or high is None:
        return Text(printable(reading.get("why", "")) if reading.get("value") is None else "", QUIET)
    low, high = (form(end).removesuffix(" %").removesuffix(" s") for end in (low, high))
    return Text(f"[{low}, {high}]", QUIET)


def interval_text(reading: Document, form: Callable[[float], str] = ratio) -> str:
    """A reading in a line: value and interval, or why there is none.

    >>> interval_text({"value": 0.8125, "low": 0.79, "high": 0.83, "n": 40})
    '0.812 [0.790, 0.830]'
    >>> interval_text({"value": None, "low": None, "high": None, "n": 0, "why": "no answer"})
    'undefined (no answer)'
    """
    if reading.get("value") is None:
        return f"undefined ({reading.get('why') or 'no value'})"
    return f"{value_text(reading, form)} {bounds_text(reading, form)}".rstrip()


@dataclass(frozen=True, slots=True)
class Plot:
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


def printable(text: object) -> str:
    """A name from an event, without what could move the cursor or reverse the line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(text))


def times_text(moments: Sequence[tuple[str, object, str]], *, brief: bool) -> str:
    """RFC 3339 times to the second, between a word before and one after; unless brief, a day where it is a new one.

    >>> times_text([("since", "2026-01-05T08:00:15Z", ""), ("raised", "2026-01-05T08:00:23.4Z", "")], brief=False)
    'since 2026-01-05 08:00:15, raised 08:00:23 UTC'
    """
    parts = []
    day = None
    for word, text, remark in moments:
        try:
            time = datetime.fromisoformat(str(text)).astimezone(UTC)
        except ValueError:
            parts.append(f"{word} {printable(text)}{remark}")
            continue
        new_day = not brief and time.date() != day
        day = time.date()
        parts.append(f"{word} {time:{'%Y-%m-%d ' if new_day else ''}%H:%M:%S}{remark}")
    return f"{', '.join(parts)} UTC"


def upper_end(reading: Document) -> float:
    """What readings are ranked by: the upper end of the interval; undefined ones come last."""
    high = reading.get("high")
    if high is None:
        high = reading.get("value")
    return math.inf if high is None else float(high)
