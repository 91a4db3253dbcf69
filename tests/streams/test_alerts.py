"""The message of the alerts topic is the document's alarm object with its state and sequence, under a pseudonym."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from detectors.alarms import Alarm, Cause
from streams.alerts import Alert, alert, alert_message, json_schema, rfc3339
from streams.document import document
from streams.store import Store, rows
from streams.store.tables import ALARMS, OUTBOX
from tests.made_campaign import campaign
from tests.streams.folding import PRIVACY, default_task, fold

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
PEOPLE = {PRIVACY.pseudonym("news", f"n{number}"): f"n{number}" for number in range(6)}


@pytest.fixture(scope="module")
def store() -> Store:
    return fold(campaign(), chunk=100)


@pytest.fixture(scope="module")
def sent(store: Store) -> list[tuple[str, str | None, bytes]]:
    """Of each message on the alerts topic: id, Kafka key, value."""
    found = store.scan(OUTBOX, 0)
    return [(str(row[2]), row[5], row[6]) for row in found if row[3] == "alerts"]  # type: ignore[misc]


def test_every_message_is_valid_and_keyed_by_project(sent: list[tuple[str, str | None, bytes]]) -> None:
    assert len(sent) >= 15
    for name, key, value in sent:
        message = json.loads(value)
        VALIDATOR.validate(message)
        assert key == message["project"] == "news"
        assert name == f"{message['id']}-{message['sequence']}", "the id is deterministic"
    assert len({name for name, _, _ in sent}) == len(sent)


def test_sequences_are_unbroken_from_raised_on(sent: list[tuple[str, str | None, bytes]]) -> None:
    by_alarm: dict[str, list[dict[str, Any]]] = {}
    for _, _, value in sent:
        message = json.loads(value)
        by_alarm.setdefault(message["id"], []).append(message)
    for messages in by_alarm.values():
        assert [message["sequence"] for message in messages] == list(range(1, len(messages) + 1))
        states = [message["state"] for message in messages]
        assert states[0] == "raised"
        assert set(states[1:-1]) <= {"updated"}
        assert all((message["cleared_at"] is not None) == (message["state"] == "cleared") for message in messages)
    assert {"raised", "updated", "cleared"} <= {states["state"] for parts in by_alarm.values() for states in parts}


def test_the_last_message_is_the_documents_alarm(store: Store, sent: list[tuple[str, str | None, bytes]]) -> None:
    last: dict[str, dict[str, Any]] = {}
    for _, _, value in sent:
        message = json.loads(value)
        last[message["id"]] = message
    alarms = document(store, default_task, PRIVACY)["alarms"]
    assert {alarm["id"] for alarm in alarms} == last.keys()
    for alarm in alarms:
        said = dict(last[alarm["id"]])
        assert (said.pop("state"), said.pop("sequence")) != (None, None)
        erased = said["evidence"].get("cleared") == "erased"
        assert said["subject"] in PEOPLE
        assert alarm["subject"] == (said["subject"] if erased else PEOPLE[said["subject"]])
        assert {**said, "subject": alarm["subject"]} == alarm


def test_no_message_has_an_annotators_id(sent: list[tuple[str, str | None, bytes]]) -> None:
    for _, _, value in sent:
        texts = [part for part in walk(json.loads(value)) if isinstance(part, str)]
        assert not set(texts) & set(PEOPLE.values())


def walk(value: Any) -> list[Any]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(inner for part in parts for inner in walk(part))]


def test_the_tables_evidence_is_that_of_the_message(store: Store) -> None:
    """What was stored and read again says the same, byte for byte."""
    for row in store.scan(ALARMS, 0):
        alarm = rows.alarm(row)
        said = alert(alarm)
        assert msgspec.json.decode(alert_message(alarm), type=Alert) == said
        assert isinstance(row[-1], int)
        assert rows.alarm_row(0, alarm, row[-1]) == tuple(row)


def made(**evidence: object) -> Alarm:
    return Alarm("a1", Cause("news", "label", "gold_errors", "v1-x"), "warning", 1_000_000, None, evidence, "raised", 1)


def test_equal_alarms_give_equal_bytes() -> None:
    one = alert_message(made(n=3, errors=2, since=5))
    assert one == alert_message(made(since=5, errors=2, n=3))
    assert json.loads(one)["evidence"]["since"] == "1970-01-01T00:00:00.000005Z"


def test_the_schema_can_refuse() -> None:
    message = json.loads(alert_message(made(n=3)))
    VALIDATOR.validate(message)
    for name in message:
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate({key: part for key, part in message.items() if key != name})
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**message, "sequence": "1"})


@pytest.mark.parametrize(
    ("at", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.000001Z"), (1_714_564_800_000_000, "2024-05-01T12:00:00Z")],
)
def test_times_are_in_utc_to_the_microsecond(at: int, text: str) -> None:
    assert rfc3339(at) == text
