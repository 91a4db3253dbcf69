"""Alarms: one a cause, raised by a detector's evidence and cleared by evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

Evidence = Mapping[str, object]


class Cause(NamedTuple):
    """What an alarm is about; one cause has at most one open alarm. The subject is a pseudonym."""

    project: str
    task: str
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: its times are microseconds since 1970 UTC, `sequence` counts its messages from 1.

    `state` is raised, updated or cleared; `seen` is how many observations of the cause came since it was raised;
    `history` holds the state and the time of each message so far.
    """

    id: str
    cause: Cause
    severity: str
    raised_at: int
    cleared_at: int | None
    evidence: Evidence
    state: str
    sequence: int
    seen: int = 0
    history: tuple[tuple[str, int], ...] = ()


def alarm_id(cause: Cause, event: str, at: int) -> str:
    """The id of the alarm that this event raised: equal logs give equal ids. Events of one id differ in their time.

    >>> alarm_id(Cause("p", "label", "gold_errors", "v1-x"), "e-1", 0)
    '074405644b8d24f7'
    """
    return hashlib.sha256("\x1f".join((*cause, event, str(at))).encode()).hexdigest()[:16]


class AlarmBook:
    """The open alarms of a home, and what changed since `take` was last called."""

    FIRST_UPDATE = 32
    """An open alarm says how things went on after this many observations, then after twice as many, and so on."""

    def __init__(self) -> None:
        self.open: dict[Cause, Alarm] = {}
        self._changed: dict[str, Alarm] = {}
        self._messages: list[Alarm] = []

    def hold(self, alarm: Alarm) -> None:
        """Take back an open alarm from a store."""
        self.open[alarm.cause] = alarm

    def open_alarm(self, cause: Cause, severity: str, at: int, event: str, evidence: Evidence) -> None:
        """Open an alarm, unless its cause has one."""
        if cause not in self.open:
            alarm = Alarm(alarm_id(cause, event, at), cause, severity, at, None, evidence, "raised", 0)
            self._say(alarm, "raised", at)

    def observe(self, cause: Cause, at: int, evidence: Callable[[], Evidence]) -> None:
        """Note one more observation of an open alarm's cause; at each doubling its evidence is renewed."""
        alarm = self.open[cause]
        alarm = replace(alarm, seen=alarm.seen + 1)
        if alarm.seen >= self.FIRST_UPDATE and alarm.seen & (alarm.seen - 1) == 0:
            self._say(replace(alarm, evidence={**alarm.evidence, "now": evidence()}), "updated", at)
        else:
            self.open[cause] = self._changed[alarm.id] = alarm

    def clear(self, cause: Cause, at: int, why: str, evidence: Evidence) -> None:
        """Clear the cause's alarm; why is recovered, corrected, erased or unwatched."""
        alarm = self.open[cause]
        evidence = {**alarm.evidence, "cleared": why, "now": evidence}
        self._say(replace(alarm, cleared_at=at, evidence=evidence), "cleared", at)
        del self.open[cause]

    def take(self) -> tuple[list[Alarm], list[Alarm]]:
        """What changed since the last call: the alarms as they now are, and the messages about them in order."""
        changed, self._changed = self._changed, {}
        messages, self._messages = self._messages, []
        return list(changed.values()), messages

    def _say(self, alarm: Alarm, state: str, at: int) -> None:
        alarm = replace(alarm, state=state, sequence=alarm.sequence + 1, history=(*alarm.history, (state, at)))
        self.open[alarm.cause] = self._changed[alarm.id] = alarm
        self._messages.append(alarm)
