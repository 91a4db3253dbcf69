"""Alarms: who, where, since when, and what the detector saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from streams.view.figures import QUIET, Document, interval_text, percent, printable, seconds, times_text
from streams.view.lines import Line, Named, Part
from streams.view.tables import ROOMY

SEVERITIES: Final = {"critical": "bold red", "warning": "bold yellow", "info": "bold cyan"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an alarm's numbers are said."""

    what: str
    form: Callable[[float], str]
    of: str


_KINDS: Final = {
    "gold_errors": _Kind("gold accuracy", percent, "answers"),
    "log_duration": _Kind("time an item", seconds, "items"),
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


def _headline(alarm: Document, *, brief: bool = False) -> list[Part]:
    evidence = alarm.get("evidence") or {}
    severity = alarm.get("severity", "")
    over = alarm.get("cleared_at") is not None
    times = [("since", evidence["since"], "")] if evidence.get("since") else []
    if not (brief and times):
        times.append(("raised", alarm.get("raised_at"), ""))
    if over:
        times.append(("cleared", alarm["cleared_at"], f" ({printable(evidence.get('cleared') or 'over')})"))
    return [
        (f"{printable(severity):8}", QUIET if over else SEVERITIES.get(severity, "bold")),
        Named(printable(alarm.get("subject")), "" if over else "bold"),
        f"  {printable(alarm.get('kind'))}  ",
        Named(printable(alarm.get("project"))),
        "/",
        Named(printable(alarm.get("task"))),
        "  ",
        (times_text(times, brief=brief), QUIET),
    ]


def in_full(alarms: Iterable[Document]) -> Iterator[RenderableType]:
    """Each alarm with what its detector saw and, while it is open, what to do."""
    for alarm in alarms:
        yield alarm_headline(alarm)
        numbers = alarm_numbers(alarm)
        if numbers:
            yield Padding(Text(numbers), (0, 0, 0, 8), expand=False)
        action = (alarm.get("evidence") or {}).get("action")
        if action and alarm.get("cleared_at") is None:
            yield Padding(Text(printable(action), QUIET), (0, 0, 0, 8), expand=False)


def in_two_lines(alarms: Iterable[Document], width: int) -> Iterator[RenderableType]:
    """Each alarm in two lines of this width."""
    for alarm in alarms:
        yield Line(*_headline(alarm, brief=True))
        numbers = alarm_numbers(alarm, brief=width < ROOMY)
        indent = 8 if width >= ROOMY else 2
        if numbers:
            yield Padding(Text(numbers, no_wrap=True, overflow="ellipsis"), (0, 0, 0, indent), expand=False)


def by_urgency(alarms: Iterable[Document]) -> list[Document]:
    """Open ones first, the newest of them first."""
    newest = sorted(alarms, key=lambda alarm: str(alarm.get("raised_at")), reverse=True)
    return sorted(newest, key=lambda alarm: alarm.get("cleared_at") is not None)
