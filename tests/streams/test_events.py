"""The structs of the event contract: derived values, and the canonical spelling that decides ties."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from streams.events import EARLIEST, EVENT_TYPES, LATEST, Event, from_microseconds, microseconds
from streams.parsing import DeadLetter, Parser
from tests.strategies import PROJECTS, SPELLINGS, TASKS, Fields, event_sets, events, spell

BASE: Fields = {"id": "e", "source": "s", "time": "2024-03-01T12:00:00Z", "project": "p"}
ANNOTATION: Fields = {**BASE, "type": "annotation", "item": "i", "annotator": "a", "label": "x"}
GOLD: Fields = {**BASE, "type": "gold", "item": "i", "accepted": [{"label": "x"}]}
REVIEW: Fields = {**BASE, "type": "review", "annotation": "a1", "reviewer": "r", "verdict": "accept"}
CONTEXT: Fields = {**BASE, "type": "context", "kind": "tool", "value": "v2"}
RETRACTION: Fields = {**BASE, "type": "retraction", "annotation": "a1"}


def parsed(fields: Fields, **more: object) -> Event:
    return read(json.dumps({**fields, **more}).encode())


def read(message: bytes) -> Event:
    (event,) = Parser().parse(message)
    assert not isinstance(event, DeadLetter), event
    return event


@given(st.integers(EARLIEST, LATEST - 1))
def test_microseconds_there_and_back(at: int) -> None:
    assert microseconds(from_microseconds(at)) == at


def test_limits_of_time_are_whole_years() -> None:
    assert from_microseconds(EARLIEST) == datetime(1990, 1, 1, tzinfo=UTC)
    assert from_microseconds(LATEST) == datetime(2100, 1, 1, tzinfo=UTC)


def test_time_is_microseconds_whatever_the_offset() -> None:
    assert parsed(ANNOTATION, time="2024-03-01T17:30:00.000001+05:30").at == 1_709_294_400_000_001


def test_annotation_without_an_id_of_its_own_has_the_event_s() -> None:
    assert parsed(ANNOTATION).key == "e"
    assert parsed(ANNOTATION, annotation="a7").key == "a7"


# One content, many spellings

SAME: list[tuple[Fields, Fields]] = [
    (ANNOTATION, {"time": "2024-03-01T14:00:00.000+02:00"}),
    (ANNOTATION, {"time": "2024-03-01 12:00:00z"}),
    (ANNOTATION, {"task": "label", "revision": 0, "stage": "annotate", "skipped": False}),
    (ANNOTATION, {"batch": None, "slice": None, "prelabel": None, "order": None, "annotation": None}),
    (ANNOTATION, {"annotation": "e"}),
    (ANNOTATION, {"slice": {}, "order": []}),
    (ANNOTATION, {"contract": 1}),
    (ANNOTATION, {"contract": "1"}),
    (ANNOTATION, {"contract": "1.7"}),
    (ANNOTATION, {"unheard": {"of": [1]}}),
    ({**ANNOTATION, "label": 1}, {"label": 1.0}),
    ({**ANNOTATION, "label": 0}, {"label": -0.0}),
    ({**ANNOTATION, "label": 10**15}, {"label": 1e15}),
    ({**ANNOTATION, "slice": {"level": 2}}, {"slice": {"level": 2.0}}),
    ({**ANNOTATION, "prelabel": {"label": 2}}, {"prelabel": {"label": 2.0, "model": None, "confidence": None}}),
    ({**ANNOTATION, "prelabel": {"label": "x", "confidence": 1}}, {"prelabel": {"confidence": 1.0, "label": "x"}}),
    (
        {**ANNOTATION, "label": {"boxes": [{"bbox": [1, 2, 3, 4]}]}},
        {"label": {"boxes": [{"bbox": [1.0, 2, 3e0, 4], "class": None}]}},
    ),
    ({**ANNOTATION, "label": {"chosen": "A", "rejected": "B"}}, {"label": {"rejected": "B", "tie": False, "chosen": "A"}}),
    ({**BASE, "type": "annotation", "item": "i", "annotator": "a", "skipped": True}, {"label": None}),
    (GOLD, {"accepted": [{"label": "x", "weight": 1}], "task": "label", "version": 0, "authority": None}),
    (GOLD, {"accepted": [{"label": "x", "weight": 1.0}]}),
    ({**GOLD, "accepted": [{"label": 3, "weight": 2}]}, {"accepted": [{"weight": 2.0, "label": 3.0}]}),
    ({**GOLD, "accepted": [{"label": 3, "weight": 0}]}, {"accepted": [{"weight": -0.0, "label": 3.0}]}),
    (REVIEW, {"stage": "review", "revision": 0, "label": None, "category": None, "cause": None}),
    ({**REVIEW, "label": 4}, {"label": 4.0}),
    (CONTEXT, {"scope": None}),
    (CONTEXT, {"scope": {}}),
    (RETRACTION, {"revision": None}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "respelled"), SAME)
def test_equal_content_has_equal_canonical_bytes(fields: Fields, respelled: Fields) -> None:
    assert parsed(fields).canonical() == parsed(fields, **respelled).canonical()


DIFFERENT: list[tuple[Fields, Fields]] = [
    *(
        (ANNOTATION, {name: f"{ANNOTATION[name]}2"})
        for name in ("id", "source", "project", "item", "annotator", "label")
    ),
    *((ANNOTATION, {name: "other"}) for name in ("task", "annotation", "batch", "vendor", "guideline", "session")),
    (ANNOTATION, {"time": "2024-03-01T12:00:00.000001Z"}),
    (ANNOTATION, {"time": "2024-03-01T12:00:00+01:00"}),
    (ANNOTATION, {"revision": 1}),
    (ANNOTATION, {"stage": "review"}),
    (ANNOTATION, {"duration_ms": 0}),
    (ANNOTATION, {"skipped": True}),
    (ANNOTATION, {"slice": {"lang": "de"}}),
    (ANNOTATION, {"prelabel": {"label": "x"}}),
    (ANNOTATION, {"order": ["A", "B"]}),
    ({**ANNOTATION, "label": True}, {"label": "true"}),
    ({**ANNOTATION, "label": 1}, {"label": "1"}),
    ({**ANNOTATION, "label": 1}, {"label": True}),
    ({**ANNOTATION, "label": 2**53}, {"label": 2**53 + 1}),
    ({**ANNOTATION, "label": ["a", "b"]}, {"label": ["b", "a"]}),
    ({**ANNOTATION, "label": []}, {"label": {"boxes": []}}),
    ({**ANNOTATION, "label": {"boxes": []}}, {"label": {"spans": []}}),
    ({**ANNOTATION, "slice": {"paid": True}}, {"slice": {"paid": 1}}),
    (GOLD, {"accepted": []}),
    (GOLD, {"accepted": [{"label": "x", "weight": 0}]}),
    (REVIEW, {"stage": "audit"}),
    (RETRACTION, {"revision": 0}),
]


@pytest.mark.parametrize(("fields", "other"), DIFFERENT)
def test_different_content_has_different_canonical_bytes(fields: Fields, other: Fields) -> None:
    assert parsed(fields).canonical() != parsed(fields, **other).canonical()


@given(events(), SPELLINGS)
def test_any_spelling_has_the_same_canonical_bytes(fields: Fields, spelling: int) -> None:
    plain, other = read(spell(fields, 0)), read(spell(fields, spelling))
    assert plain.canonical() == other.canonical()
    assert (plain.at, plain.id, type(plain)) == (other.at, other.id, type(other))


@given(events(), SPELLINGS)
def test_canonical_bytes_parse_to_the_same_content(fields: Fields, spelling: int) -> None:
    event = read(spell(fields, spelling))
    again = read(event.canonical())
    assert again.canonical() == event.canonical()
    assert read(again.canonical()) == again
    for name in again.__struct_fields__:
        if name not in {"annotation", "contract", "slice", "scope", "order"}:  # may be left out, see below
            assert getattr(again, name) == getattr(event, name), name
    if fields["type"] == "annotation":
        assert again.key == event.key
        assert (again.slice or {}) == (event.slice or {})
        assert (again.order or []) == (event.order or [])
    elif fields["type"] != "context":
        assert getattr(again, "annotation", None) == getattr(event, "annotation", None)
    else:
        assert (again.scope or None) == (event.scope or None)


CANONICAL = (Path(__file__).parent / "data" / "canonical-1.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("line", CANONICAL)
def test_canonical_bytes_never_change(line: bytes) -> None:
    """They decide ties, so a store folded by one version and a rebuild by the next must see the same."""
    fields = json.loads(line)
    assert {read(spell(fields, spelling)).canonical() for spelling in range(20)} == {line}


def test_frozen_canonical_bytes_have_every_field() -> None:
    frozen = {(type(read(line)), name) for line in CANONICAL for name in json.loads(line)}
    fields = {(kind, name) for kind in EVENT_TYPES.values() for name in (*kind.__struct_encode_fields__, "type")}
    assert fields - frozen == {(kind, "contract") for kind in EVENT_TYPES.values()}


# What the strategies are for


def test_event_sets_collide() -> None:
    """Each case that the contract's rules are about happens many times in a few hundred sets."""
    seen: Counter[str] = Counter()

    @seed(7)
    @settings(
        max_examples=400, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(event_sets(tasks=TASKS, min_size=10))
    def look(messages: list[bytes]) -> None:
        seen.update(_cases([read(message) for message in messages]))

    look()
    expected = {
        "annotation", "retraction", "gold", "review", "context", "erasure", "edit", "tie but for content", "repeat",
        "moved to another item", "moved to another task", "moved to another annotator", "final retraction",
        "retraction up to a revision", "retraction first", "late gold", "gold corrected", "gold withdrawn", "label with skip",
        "review of an edited annotation", "review of nothing", "erased later", "erased first", "skip", "stage", "unfit", "sent again",
    }  # fmt: skip
    assert set(seen) == expected
    assert {case: count for case, count in seen.items() if count < 10} == {}


def test_event_sets_of_several_projects() -> None:
    names: Counter[str] = Counter()

    @settings(max_examples=20, database=None)
    @given(event_sets(projects=("one", "two"), max_size=10))
    def look(messages: list[bytes]) -> None:
        names.update(json.loads(message)["project"] for message in messages)

    look()
    assert set(names) == {"one", "two"}
    assert PROJECTS == ("news",)


def _cases(sent: list[Any]) -> set[str]:
    """The cases that one list of events holds."""
    cases: set[str] = set()
    annotations: dict[str, Any] = {}
    gone: set[str] = set()
    erased: set[str] = set()
    keys: dict[tuple[str, str], Any] = {}
    worked: set[tuple[str, str, str]] = set()
    contents: set[bytes] = set()
    for event in sent:
        kind = type(event).__name__.lower()
        cases.add(kind)
        if event.canonical() in contents:
            cases.add("sent again")
        contents.add(event.canonical())
        if kind == "annotation":
            before = annotations.get(event.key)
            if before is not None and before.canonical() != event.canonical():
                cases.add("edit")
                cases |= {
                    f"moved to another {name}"
                    for name in ("item", "task", "annotator")
                    if getattr(before, name) != getattr(event, name)
                }
                if (before.revision, before.at, before.id) == (event.revision, event.at, event.id):
                    cases.add("tie but for content")
            if before is None and (event.task, event.item, event.annotator) in worked:
                cases.add("repeat")
            flags = {
                "retraction first": event.key in gone,
                "erased first": event.annotator in erased,
                "skip": event.skipped and event.label is None,
                "label with skip": event.skipped and event.label is not None,
                "stage": event.stage != "annotate",
                "unfit": event.task == "label" and not isinstance(event.label, str | bool | None),
            }
            cases |= {case for case, holds in flags.items() if holds}
            annotations[event.key] = event
            worked.add((event.task, event.item, event.annotator))
        elif kind == "retraction":
            cases.add("final retraction" if event.revision is None else "retraction up to a revision")
            gone.add(event.annotation)
        elif kind == "gold":
            before = keys.get((event.task, event.item))
            if before is not None and before.canonical() != event.canonical():
                cases.add("gold corrected")
            if not event.accepted:
                cases.add("gold withdrawn")
            if any((task, item) == (event.task, event.item) for task, item, _ in worked):
                cases.add("late gold")
            keys[event.task, event.item] = event
        elif kind == "review":
            cases.add("review of an edited annotation" if event.annotation in annotations else "review of nothing")
        elif kind == "erasure":
            if any(annotator == event.annotator for _, _, annotator in worked):
                cases.add("erased later")
            erased.add(event.annotator)
    return cases
