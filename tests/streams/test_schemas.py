"""The committed JSON Schemas are current, the event's never takes anything back, and what the parser takes is valid."""

from __future__ import annotations

import copy
import gzip
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given

from streams.events import json_schema
from streams.parsing import DeadLetter, Parser
from streams.schemas.__main__ import FOLDER, SCHEMAS, main, text
from tests.strategies import SPELLINGS, Fields, events, spell
from tests.streams.compatibility import incompatible_changes

Schema = dict[str, Any]
FROZEN = json.loads((Path(__file__).parent / "data" / "event-contract-1.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("name", SCHEMAS)
def test_committed_schema_is_current(name: str) -> None:
    committed = (FOLDER / name).read_text(encoding="utf-8")
    assert committed == text(name), "the structs changed: run `python -m streams.schemas` and commit the result"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name]())


def test_every_committed_schema_has_a_line() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(SCHEMAS)


def test_command_writes_the_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.schemas.__main__.FOLDER", tmp_path)
    assert main() == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {n: text(n) for n in SCHEMAS}


def test_contract_1_takes_nothing_back() -> None:
    assert incompatible_changes(FROZEN, json_schema()) == []


def nodes(schema: Schema, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every object inside."""
    yield path
    for name, part in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if isinstance(part, dict | list):
            yield from nodes(part, (*path, name))


def at(schema: Schema, path: tuple[str | int, ...]) -> Any:
    for name in path:
        schema = schema[name]
    return schema


def narrowed() -> Iterator[tuple[str, Schema]]:
    """Every single step backwards from contract 1: (what it is, the schema after it)."""
    for path in nodes(FROZEN):
        node = at(FROZEN, path)
        if not isinstance(node, dict) or "discriminator" in path:
            continue

        def changed(change: Callable[[Any], object], path: tuple[str | int, ...] = path) -> Schema:
            schema = copy.deepcopy(FROZEN)
            change(at(schema, path))
            return schema

        for name in node.get("properties", {}):
            yield f"removed {name}", changed(lambda part, name=name: part["properties"].pop(name))
            if name not in node.get("required", []):
                yield f"required {name}", changed(lambda part, name=name: part["required"].append(name))
        for name in ("maxLength", "maxItems", "maxProperties", "maximum"):
            if name in node:
                yield f"lower {name}", changed(lambda part, name=name: part.update({name: part[name] - 1}))
        for name in ("minLength", "minItems", "minimum"):
            if name in node:
                yield f"higher {name}", changed(lambda part, name=name: part.update({name: part[name] + 1}))
        for value in node.get("enum", []):
            yield f"no {value}", changed(lambda part, value=value: part["enum"].remove(value))
        for number, part in enumerate(node.get("anyOf", [])):
            # An integer is a number too: leaving its alternative out where numbers are taken only widens.
            if part.get("type") != "integer" or {"type": "number"} not in node["anyOf"]:
                yield f"no {part}", changed(lambda part, number=number: part["anyOf"].pop(number))
        if "default" in node:
            yield "another default", changed(lambda part: part.update(default="another"))
            yield "no default", changed(lambda part: part.pop("default"))
        if node.get("type") == "string":
            yield "a pattern", changed(lambda part: part.update(pattern="^[a-z]+$"))
            yield "a number", changed(lambda part: part.update(type="number"))
            yield "a list of values", changed(lambda part: part.update(enum=["a", "b"]))
        if node.get("type") == "object" and "properties" in node:
            yield "no unknown fields", changed(lambda part: part.update(additionalProperties=False))


def test_every_step_backwards_is_refused() -> None:
    steps = list(narrowed())
    missed = [what for what, schema in steps if not incompatible_changes(FROZEN, schema)]
    assert missed == []
    assert len(steps) > 400, "the comparison has lost its cases"


def widened(change: Callable[[Schema], object]) -> Schema:
    schema = copy.deepcopy(FROZEN)
    change(schema["$defs"])
    return schema


@pytest.mark.parametrize(
    "later",
    [
        widened(lambda defs: defs["Annotation"]["properties"].update(tool={"type": "string"})),
        widened(lambda defs: defs["Annotation"]["properties"]["item"].update(maxLength=1024)),
        widened(lambda defs: defs["Annotation"]["properties"]["stage"]["enum"].append("audit")),
        widened(lambda defs: defs["Annotation"]["required"].remove("annotator")),
        widened(lambda defs: defs["Annotation"]["properties"]["revision"].update(type="number")),
        widened(lambda defs: defs["Span"]["properties"]["type"]["anyOf"].append({"type": "boolean"})),
        {**FROZEN, "anyOf": [*FROZEN["anyOf"], {"type": "object", "properties": {"type": {"enum": ["probe"]}}}]},
    ],
    ids=[
        "field added",
        "longer",
        "value added",
        "no longer required",
        "integer to number",
        "type added",
        "event added",
    ],
)
def test_step_forwards_is_allowed(later: Schema) -> None:
    assert later != FROZEN
    assert incompatible_changes(FROZEN, later) == []


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        (("$defs", "Gold", "properties"), lambda part: part.pop("version"), "$.version: removed"),
        (("$defs", "Gold", "required"), lambda part: part.append("authority"), "$.authority: newly required"),
        (("$defs", "Answer", "required"), lambda part: part.append("weight"), "$.accepted[].weight: newly required"),
        (("$defs", "Box", "properties", "bbox"), lambda part: part.update(maxItems=3), "bbox: narrowed by maxItems"),
        (("anyOf",), lambda part: part.pop(), "('object', 'erasure') is no longer taken"),
    ],
)
def test_refusal_says_what_and_where(path: tuple[str, ...], change: Callable[[Any], object], said: str) -> None:
    schema = copy.deepcopy(FROZEN)
    change(at(schema, path))
    found = incompatible_changes(FROZEN, schema)
    assert any(said in line for line in found), found


@given(events(), SPELLINGS)
def test_generated_events_are_valid(fields: Fields, seed: int) -> None:
    message = spell(fields, seed)
    VALIDATOR.validate(json.loads(message))
    event = Parser().parse_event(message)
    assert not isinstance(event, DeadLetter)
    VALIDATOR.validate(msgspec.json.decode(event.canonical()))


@pytest.mark.shared
def test_published_annotations_that_are_accepted_are_valid(shared_data: Path) -> None:
    """Every tenth of each form; all with KAPPAWATCH_HYPOTHESIS=deep, which takes a minute."""
    every = 1 if os.environ.get("KAPPAWATCH_HYPOTHESIS") == "deep" else 10
    parser = Parser()
    accepted, refused, forms, valid = 0, Counter[tuple[str, str]](), Counter[frozenset[str]](), 0
    for path in sorted(shared_data.glob("*.jsonl.gz")):
        with gzip.open(path) as lines:
            for line in lines:
                event = parser.parse_event(line)
                if isinstance(event, DeadLetter):
                    refused[event.reason, event.path] += 1
                    continue
                accepted += 1
                value = json.loads(line)
                form = frozenset(value)
                if forms[form] % every == 0:
                    VALIDATOR.validate(value)
                    valid += 1
                forms[form] += 1
    assert accepted + refused.total() == 112_757
    assert refused == {("wrong_type", "$.label.boxes[0].bbox"): 18}, "the boxes without a box, and nothing else"
    assert valid >= accepted // every
