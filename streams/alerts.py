"""The message of the `alerts` topic: the document's alarm object with its state and sequence."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from detectors.alarms import Alarm
from streams.events import from_microseconds


class Alert(Struct, frozen=True):
    """What the monitor says of one alarm; of the messages with one id, readers keep the highest sequence.

    The subject is a pseudonym; times are RFC 3339 in UTC.
    """

    id: str
    kind: str
    project: str
    task: str
    subject: str
    severity: str
    raised_at: str
    cleared_at: str | None
    evidence: dict[str, Any]
    state: str
    sequence: int


def rfc3339(at: int) -> str:
    """A time in UTC, from microseconds since 1970.

    >>> rfc3339(1_000_000)
    '1970-01-01T00:00:01Z'
    """
    return from_microseconds(at).isoformat().replace("+00:00", "Z")


def alert(alarm: Alarm) -> Alert:
    """The alert of an alarm as it is now."""
    cause = alarm.cause
    return Alert(
        alarm.id,
        cause.kind,
        cause.project,
        cause.task,
        cause.subject,
        alarm.severity,
        rfc3339(alarm.raised_at),
        None if alarm.cleared_at is None else rfc3339(alarm.cleared_at),
        {name: rfc3339(value) if name == "since" else value for name, value in alarm.evidence.items()},  # type: ignore[arg-type]
        alarm.state,
        alarm.sequence,
    )


def alert_message(alarm: Alarm) -> bytes:
    """The alert's bytes: equal alarms, equal bytes."""
    return msgspec.json.encode(alert(alarm), order="deterministic")


def json_schema() -> dict[str, Any]:
    """The JSON Schema of an alert, generated from the struct; the committed file equals it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kappawatch alert, contract 1",
        **msgspec.json.schema(Alert),
    }
