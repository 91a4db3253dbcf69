"""The parser is total: whatever arrives gives events or dead letters with a reason, and no reason quotes a value."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.events import EVENT_TYPES, Annotation, Event, json_schema
from streams.nesting import elements, nests_deeper
from streams.parsing import DEEPEST, LONGEST_KEPT, LONGEST_MESSAGE, MOST_EVENTS, REASONS, DeadLetter, Parser
from tests.strategies import Fields, events

BASE: Fields = {"id": "e", "source": "s", "time": "2024-03-01T12:00:00Z", "project": "p"}
EVENTS: dict[str, Fields] = {
    "annotation": {**BASE, "type": "annotation", "item": "i", "annotator": "a", "label": "x"},
    "retraction": {**BASE, "type": "retraction", "annotation": "a1"},
    "gold": {**BASE, "type": "gold", "item": "i", "accepted": [{"label": "x"}]},
    "review": {**BASE, "type": "review", "annotation": "a1", "reviewer": "r", "verdict": "fix"},
    "context": {**BASE, "type": "context", "kind": "tool", "value": "v2"},
    "erasure": {**BASE, "type": "erasure", "annotator": "a"},
}
GOOD = json.dumps(EVENTS["annotation"]).encode()


def parse(message: bytes | None) -> list[Event | DeadLetter]:
    return list(Parser().parse(message))


def outcome(message: bytes | None) -> Any:
    """The one event, or (reason, path)."""
    (one,) = parse(message)
    return (one.reason, one.path) if isinstance(one, DeadLetter) else one


def event(kind: str = "annotation", /, **fields: object) -> bytes:
    return json.dumps({**EVENTS[kind], **fields}).encode()


def raw(field: str, text: str | bytes, kind: str = "annotation") -> bytes:
    """An event with this field spelled as given."""
    spelled = text if isinstance(text, bytes) else text.encode()
    return event(kind, **{field: "@here@"}).replace(b'"@here@"', spelled)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def boxes(*numbers: object) -> str:
    return json.dumps({"boxes": [{"bbox": [0, 0, 1, 1]}, {"bbox": list(numbers)}]})


REFUSED: list[tuple[str, bytes | None, str, str]] = [
    # what is no event at all
    ("null value", None, "empty", "$"),
    ("no bytes", b"", "empty", "$"),
    ("white space", b" \r\n\t", "empty", "$"),
    ("a form feed", b"\x0c", "invalid_json", "$"),
    ("bytes", b"\xff\x00\xfe", "invalid_json", "$"),
    ("truncated", GOOD[:-1], "invalid_json", "$"),
    ("trailing garbage", GOOD + b"x", "invalid_json", "$"),
    ("two events", GOOD + b"\n" + GOOD, "invalid_json", "$"),
    ("trailing NUL", GOOD + b"\x00", "invalid_json", "$"),
    ("byte order mark", b"\xef\xbb\xbf" + GOOD, "invalid_json", "$"),
    ("byte order mark before an array", b"\xef\xbb\xbf[" + GOOD + b"]", "invalid_json", "$"),
    ("UTF-16", GOOD.decode().encode("utf-16"), "invalid_json", "$"),
    ("comment", b"/* x */" + GOOD, "invalid_json", "$"),
    ("single quotes", GOOD.replace(b'"', b"'"), "invalid_json", "$"),
    ("a number", b"5", "wrong_type", "$"),
    ("a string", b'"x"', "wrong_type", "$"),
    ("null in JSON", b"null", "wrong_type", "$"),
    ("an empty object", b"{}", "missing_field", "$.type"),
    ("a byte beyond 1 MiB", b" " * (LONGEST_MESSAGE - len(GOOD) + 1) + GOOD, "too_large", "$"),
    # RecursionError
    ("objects without end", b'{"a":' * 100_000, "unparsable", "$"),
    ("arrays without end", b"[" * 100_000, "unparsable", "$"),
    ("unknown field too deep", raw("x_unknown", nested(100_000)), "unparsable", "$"),
    ("unknown field one level too deep", raw("x_unknown", nested(DEEPEST)), "unparsable", "$"),
    ("label too deep", raw("label", b'{"boxes":' * 100_000 + b"0" + b"}" * 100_000), "unparsable", "$"),
    # UnicodeDecodeError
    ("not UTF-8", raw("label", b'"\xff"'), "unparsable", "$"),
    ("UTF-8 cut short", raw("label", b'"\xe4\xbd"'), "unparsable", "$"),
    ("overlong UTF-8", raw("label", b'"\xc0\x80"'), "unparsable", "$"),
    ("surrogate in UTF-8", raw("label", b'"\xed\xa0\x80"'), "unparsable", "$"),
    ("unknown field not UTF-8", raw("x_unknown", b'"\xff"'), "unparsable", "$"),
    ("unknown name not UTF-8", GOOD[:-1] + b', "\xff": 1}', "unparsable", "$"),
    ("slice name not UTF-8", raw("slice", b'{"\xff": 1}'), "unparsable", "$"),
    # time
    *(
        (f"time {time}", event(time=time), "bad_time", "$.time")
        for time in (
            "2024-03-01T12:00:00", "2024-03-01 12:00:00", "2024-03-01", "12:00:00Z", "", "now", "20240301T120000Z",
            "2024-03-01T12:00Z", "2024-03-01T12:00:00+24:00", "2024-03-01T12:00:00 CET", "2024-02-30T12:00:00Z", "2024-03-01T24:00:00Z",
            "2016-12-31T23:59:60Z", "2024-03-01T12:00:00,5Z", "٢٠٢٤-03-01T12:00:00Z", "-2024-03-01T12:00:00Z", "+12024-03-01T12:00:00Z",
            "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "1989-12-31T23:59:59.999999Z",
            "1990-01-01T00:00:00+00:01", "2100-01-01T00:00:00Z", "2099-12-31T23:59:59-00:01", "2099-12-31T23:59:59.9999999Z",
            "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.9999999Z", 1_709_294_400, 1e300, None, True, [], {},
        )
    ),
    # numbers
    *(
        (f"label {text[:20]} of {len(text)}", raw("label", text), "out_of_range", "$.label")
        for text in (
            "9" * 30, "-" + "9" * 30, "9" * 5_000, "9223372036854775808", "-9223372036854775808", "18446744073709551616",
            "1e999", "-1e999", "1" + "0" * 400 + ".5",
        )
    ),
    *(
        (f"label {text}", raw("label", text), "invalid_json", "$")
        for text in ("NaN", "nan", "Infinity", "-Infinity", "inf", "01", "+1", ".5", "1.", "0x1F", "1_000", "1e", "--1", "True", "undefined")
    ),
    ("revision of 30 digits", raw("revision", "9" * 30), "out_of_range", "$.revision"),
    ("revision of 64 bits", event(revision=2**63), "out_of_range", "$.revision"),
    ("version of 30 digits", raw("version", "9" * 30, "gold"), "out_of_range", "$.version"),
    ("contract of 30 digits", raw("contract", "9" * 30), "out_of_range", "$.contract"),
    ("slice value of 30 digits", raw("slice", '{"k": ' + "9" * 30 + "}"), "out_of_range", "$.slice[...]"),
    ("weight beyond floats", raw("accepted", '[{"label": "x", "weight": 1e999}]', "gold"), "out_of_range", "$.accepted[0].weight"),
    ("weight below 0", event("gold", accepted=[{"label": "x", "weight": -0.5}]), "out_of_range", "$.accepted[0].weight"),
    ("confidence beyond floats", raw("prelabel", '{"label": 1, "confidence": -1e999}'), "out_of_range", "$.prelabel.confidence"),
    ("box beyond 63 bits", raw("label", boxes(0, 0, 1, 10**30)), "out_of_range", "$.label.boxes[1].bbox[3]"),
    ("span beyond 63 bits", event(label={"spans": [{"start": 0, "end": 2**63}]}), "out_of_range", "$.label.spans[0].end"),
    ("negative duration", event(duration_ms=-1), "out_of_range", "$.duration_ms"),
    ("a month and a bit", event(duration_ms=30 * 86_400_000 + 1), "out_of_range", "$.duration_ms"),
    ("duration of 30 digits", raw("duration_ms", "9" * 30), "out_of_range", "$.duration_ms"),
    ("half a millisecond", event(duration_ms=0.5), "wrong_type", "$.duration_ms"),
    # text
    *(
        (f"{place} {character!r}", make(text), "control_character", path)
        for character in ("\x00", "\x08", "\t", "\n", "\x1b", "\x1e", "\x1f", "\x7f", "\x80", "\x85", "\x9f", "\ufffe", "\uffff")
        for place, make, path, spell in (
            ("escaped in label", lambda text: event(label=text), "$.label", True),
            ("raw in label", lambda text: raw("label", f'"{text}"'), "$.label", False),
            ("in id", lambda text: event(id=text), "$.id", True),
            ("in slice value", lambda text: event(slice={"k": text}), "$.slice[...]", True),
            ("in slice name", lambda text: event(slice={text: 1}), "$.slice[...]", True),
            ("in choice", lambda text: event(label=["x", text]), "$.label[1]", True),
            ("in class", lambda text: event(label={"boxes": [{"bbox": [0, 0, 1, 1], "class": text}]}), "$.label.boxes[0].class", True),
            ("in accepted", lambda text: event("gold", accepted=[{"label": "x"}, {"label": text}]), "$.accepted[1].label", True),
        )
        if spell or character >= "\x7f"  # JSON itself forbids the raw ones below
        for text in (f"a{character}b",)
    ),
    *(
        (f"raw {number:#x}", raw("label", b'"a%cb"' % number), "invalid_json", "$")
        for number in range(0x20)
    ),
    *(
        (f"surrogate {text}", raw("label", f'"{text}"'), "invalid_json", "$")
        for text in (r"\ud800", r"\udfff", r"\ud800x", r"\udc00\ud800", r"\ud800\u0041", r"\ud800\ud800", r"\uD83D")
    ),
    ("surrogate in an unknown field", raw("x_unknown", r'"\ud800"'), "invalid_json", "$"),
    ("bad escape", raw("label", r'"\x41"'), "invalid_json", "$"),
    ("long id", event(id="i" * 257), "too_long", "$.id"),
    ("long project", event(project="é" * 257), "too_long", "$.project"),
    ("long label", event(label="x" * 1025), "too_long", "$.label"),
    ("long choice", event(label=["x", "x" * 1025]), "too_long", "$.label[1]"),
    ("long contract", event(contract="1." + "0" * 1023), "too_long", "$.contract"),
    ("long slice name", event(slice={"k" * 257: 1}), "too_long", "$.slice"),
    ("long value", event("context", value="v" * 1025), "too_long", "$.value"),
    ("empty id", event(id=""), "empty", "$.id"),
    ("empty annotation", event("retraction", annotation=""), "empty", "$.annotation"),
    ("empty slice name", event(slice={"": 1}), "empty", "$.slice"),
    ("many choices", event(label=["x"] * 1001), "too_long", "$.label"),
    ("many boxes", event(label={"boxes": [{"bbox": [0, 0, 1, 1]}] * 1001}), "too_long", "$.label.boxes"),
    ("many answers", event("gold", accepted=[{"label": "x"}] * 101), "too_long", "$.accepted"),
    ("many slices", event(slice={f"k{number}": 1 for number in range(33)}), "too_long", "$.slice"),
    ("long order", event(order=["A"] * 1001), "too_long", "$.order"),
    # types of events, contracts
    ("unknown type", event(type="annotations"), "unknown_type", "$.type"),
    ("empty type", event(type=""), "unknown_type", "$.type"),
    ("type 5", event(type=5), "wrong_type", "$.type"),
    ("two types", GOOD[:-1] + b', "type": "erasure"}', "unknown_type", "$.type"),
    *(
        (f"contract {contract!r}", event(contract=contract), "unknown_contract", "$.contract")
        for contract in (2, 0, -1, "2", "2.0", "0.9", "", "1x", "v1", " 1", "10", ".1")
    ),
    ("contract 2 of another shape", event(contract=2, type="vote", label=None, item=7), "unknown_contract", "$.contract"),
    ("contract 2 without fields", b'{"contract": "2.1"}', "unknown_contract", "$.contract"),
    ("contract 1.0", raw("contract", "1.0"), "wrong_type", "$.contract"),
    ("contract null", event(contract=None), "wrong_type", "$.contract"),
    ("unknown stage", event(stage="audit"), "unknown_value", "$.stage"),
    ("unknown verdict", event("review", verdict="RFC3339 `datetime` out of range"), "unknown_value", "$.verdict"),
    ("unknown kind", event("context", kind="weather"), "unknown_value", "$.kind"),
    # labels
    ("no label", event(label=None), "missing_field", "$.label"),
    ("no label, not skipped", event(label=None, skipped=False), "missing_field", "$.label"),
    ("prelabel without label", event(prelabel={"model": "m"}), "missing_field", "$.prelabel.label"),
    ("prelabel null label", event(prelabel={"label": None}), "wrong_type", "$.prelabel.label"),
    ("answer without label", event("gold", accepted=[{"label": 1}, {"weight": 1}]), "missing_field", "$.accepted[1].label"),
    ("mixed list", event(label=["x", 1]), "wrong_type", "$.label[1]"),
    ("list of lists", event(label=[["x"]]), "wrong_type", "$.label[0]"),
    ("no form", event(label={}), "wrong_shape", "$.label"),
    ("unknown form", event(label={"polygon": [1, 2]}), "wrong_shape", "$.label"),
    ("free text", event(label={"text": "The cat sits."}), "wrong_shape", "$.label"),
    ("two forms", event(label={"boxes": [], "spans": []}), "wrong_shape", "$.label"),
    ("tie and pair", event(label={"tie": True, "chosen": "A", "rejected": "B"}), "wrong_shape", "$.label"),
    ("no tie", event(label={"tie": False}), "wrong_shape", "$.label"),
    ("half a pair", event(label={"chosen": "A"}), "wrong_shape", "$.label"),
    ("other half of a pair", event(label={"rejected": "A"}), "wrong_shape", "$.label"),
    ("chosen is rejected", event(label={"chosen": "A", "rejected": "A"}), "wrong_shape", "$.label.rejected"),
    ("boxes null", event(label={"boxes": None}), "wrong_type", "$.label.boxes"),
    ("box null", event(label={"boxes": [None]}), "wrong_type", "$.label.boxes[0]"),
    ("box without bbox", event(label={"boxes": [{"class": "car"}]}), "missing_field", "$.label.boxes[0].bbox"),
    ("bbox null", event(label={"boxes": [{"bbox": None}]}), "wrong_type", "$.label.boxes[0].bbox"),
    ("bbox of 3", event(label={"boxes": [{"bbox": [0, 0, 1]}]}), "wrong_shape", "$.label.boxes[0].bbox"),
    ("bbox of 5", event(label={"boxes": [{"bbox": [0, 0, 1, 1, 1]}]}), "too_long", "$.label.boxes[0].bbox"),
    ("bbox of text", event(label={"boxes": [{"bbox": [0, 0, 1, "1"]}]}), "wrong_type", "$.label.boxes[0].bbox[3]"),
    ("negative width", event(label={"boxes": [{"bbox": [0, 0, -1, 1]}]}), "out_of_range", "$.label.boxes[0].bbox"),
    ("negative height", raw("label", boxes(0, 0, 1, -0.5)), "out_of_range", "$.label.boxes[1].bbox"),
    ("class 5", event(label={"boxes": [{"bbox": [0, 0, 1, 1], "class": 5}]}), "wrong_type", "$.label.boxes[0].class"),
    ("span without end", event(label={"spans": [{"start": 0}]}), "missing_field", "$.label.spans[0].end"),
    ("span backwards", event(label={"spans": [{"start": 0, "end": 1}, {"start": 5, "end": 2}]}), "out_of_range", "$.label.spans[1].end"),
    ("span before the text", event(label={"spans": [{"start": -1, "end": 2}]}), "out_of_range", "$.label.spans[0].start"),
    ("span of floats", event(label={"spans": [{"start": 0.5, "end": 2}]}), "wrong_type", "$.label.spans[0].start"),
    ("shape in prelabel", event(prelabel={"label": {"tie": False}}), "wrong_shape", "$.prelabel.label"),
    ("shape in review", event("review", label={}), "wrong_shape", "$.label"),
    ("shape in gold", event("gold", accepted=[{"label": {"tie": True}}, {"label": {}}]), "wrong_shape", "$.accepted[1].label"),
    # arrays
    ("empty array", b"[]", "array_size", "$"),
    ("empty array in white space", b" \n[ ] ", "array_size", "$"),
    ("1,001 events", b"[" + b",".join([GOOD] * (MOST_EVENTS + 1)) + b"]", "array_size", "$"),
    ("500,000 numbers", b"[" + b"1," * 499_999 + b"1]", "array_size", "$"),
    ("1,001 deep ones", b"[" + b",".join([nested(100)] * (MOST_EVENTS + 1)) + b"]", "array_size", "$"),
    ("array beyond 1 MiB", b"[" + b"1," * 600_000 + b"1]", "too_large", "$"),
    ("array cut short", b"[" + GOOD + b",", "invalid_json", "$"),
    ("array with garbage inside", b"[" + GOOD + b", {]", "invalid_json", "$"),
    ("array and garbage", b"[" + GOOD + b"] x", "invalid_json", "$"),
    ("two arrays", b"[" + GOOD + b"][" + GOOD + b"]", "invalid_json", "$"),
    ("deep array cut short", b"[" + nested(100) + b"," + GOOD, "unparsable", "$"),
    ("deep array and garbage", b"[" + nested(100) + b"] x", "unparsable", "$"),
    ("array in an array", b"[[" + GOOD + b"]]", "wrong_type", "$[0]"),
    ("null in an array", b"[null]", "wrong_type", "$[0]"),
    ("nothing in an array", b"[{}]", "missing_field", "$[0].type"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "reason", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused(message: bytes | None, reason: str, path: str) -> None:
    assert outcome(message) == (reason, path)


def test_every_reason_of_a_parser_has_a_case() -> None:
    cases = {reason for _, _, reason, _ in REFUSED}
    assert sorted(cases | {"not_at_home", "type_not_accepted"}) == list(REASONS)


def test_the_document_page_says_what_every_reason_expects():
    page = (Path(__file__).parents[2] / "docs" / "document.md").read_text(encoding="utf-8")
    listed = page.partition("Why an event is refused")[2]
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", listed, re.MULTILINE)) == REASONS


ACCEPTED: list[tuple[str, bytes]] = [
    *((kind, event(kind)) for kind in EVENTS),
    ("white space around", b" \r\n\t" + GOOD + b"\n"),
    ("1 MiB", b" " * (LONGEST_MESSAGE - len(GOOD)) + GOOD),
    ("unknown fields", event(x_unknown={"a": [None, True, "\n\x85"]})),
    ("unknown number beyond floats", raw("x_unknown", "1e999")),
    ("unknown field as deep as allowed", raw("x_unknown", nested(DEEPEST - 1))),
    ("brackets in text", event(label="[{" * 500)),
    ("brackets in an unknown text", event(x_unknown='"[{' * 50_000)),
    ("a box with all levels", event(label={"boxes": [{"bbox": [0, 0, 0, 0], "class": "car"}] * 1000})),
    ("first moment", event(time="1990-01-01T00:00:00Z")),
    ("first moment elsewhere", event(time="1989-12-31T12:00:00-12:00")),
    ("last moment", event(time="2099-12-31T23:59:59.999999Z")),
    ("last moment elsewhere", event(time="2100-01-01T13:59:59.999999+14:00")),
    ("nanoseconds", event(time="2024-03-01T12:00:00.123456789Z")),
    ("longest id", event(id="😀" * 64)),
    ("longest label", event(label="x" * 1024)),
    ("empty label", event(label="")),
    ("63 bits", event(label=2**63 - 1, revision=-(2**63) + 1)),
    ("largest float", event(label=1.7976931348623157e308)),
    ("smallest float", raw("label", "1e-999")),
    ("zero weight", event("gold", accepted=[{"label": "x", "weight": 0}])),
    ("no answers", event("gold", accepted=[])),
    ("longest duration", event(duration_ms=30 * 86_400_000)),
    ("skipped", event(label=None, skipped=True)),
    ("skipped with a label", event(skipped=True)),
    ("most choices", event(label=["x"] * 1000)),
    ("no choices", event(label=[])),
    ("no boxes", event(label={"boxes": []})),
    ("empty span", event(label={"spans": [{"start": 3, "end": 3}]})),
    ("pair", event(label={"chosen": "A", "rejected": "B"})),
    ("pair, no tie", event(label={"chosen": "A", "rejected": "B", "tie": False})),
    ("tie", event(label={"tie": True})),
    ("emoji escaped", raw("label", r'"\ud83d\ude00"')),
    ("quote, slash, backslash", raw("label", r'"\"\/\\"')),
    ("escaped backslash before n", raw("label", r'"\\n"')),
    ("no-break space, soft hyphen", event(label="\xa0\xad")),
    ("private use and last allowed", event(label="\ue000\ufffd")),
    ("contract 1.9", event(contract="1.9")),
]


@pytest.mark.parametrize("message", [case[1] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_accepted(message: bytes) -> None:
    assert isinstance(outcome(message), Event)


def test_numbers_of_one_value_are_one_label() -> None:
    labels = [outcome(raw("label", text)).label for text in ("1", "1.0", "1e0", "10e-1", "1.000")]
    assert labels == [1] * 5
    assert not any(isinstance(label, bool) for label in labels)


def test_booleans_stay_booleans() -> None:
    assert [outcome(event(label=value)).label for value in (True, False, 1, 0)] == [True, False, 1, 0]
    assert outcome(event(label=True)).label is True
    assert outcome(event(label=False)).label is False


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert outcome(GOOD[:-1] + b', "label": "y"}').label == "y"
    assert outcome(b'{"label": "y", ' + GOOD[1:]).label == "x"
    assert outcome(b'{"label": 5e999, ' + GOOD[1:]) == ("out_of_range", "$.label")
    assert isinstance(outcome(GOOD[:-1] + b', "type": "annotation"}'), Annotation)


# Arrays


def test_elements_of_an_array_are_refused_singly() -> None:
    bad = event(label={"tie": False})
    page = b"[" + b" , ".join([GOOD, event("gold"), GOOD, bad, raw("label", b'"\xff"'), b"7", GOOD]) + b"]"
    outcomes = parse(page)
    refused = [(one.reason, one.path, one.value) for one in outcomes if isinstance(one, DeadLetter)]
    assert [isinstance(one, Event) for one in outcomes] == [True, True, True, False, False, False, True]
    assert refused == [
        ("wrong_shape", "$[3].label", bad),
        ("unparsable", "$[4]", raw("label", b'"\xff"')),
        ("wrong_type", "$[5]", b"7"),
    ]


def test_an_element_without_end_takes_no_other_with_it() -> None:
    deep = raw("x_unknown", nested(100_000))
    page = b'[{"id": "],["}, ' + b",".join([GOOD, deep, event("erasure")]) + b" ]"
    outcomes = parse(page)
    assert [one.path if isinstance(one, DeadLetter) else type(one).__name__ for one in outcomes] == [
        "$[0].type", "Annotation", "$[2]", "Erasure",
    ]  # fmt: skip
    assert isinstance(outcomes[2], DeadLetter)
    assert (outcomes[2].length, outcomes[2].value) == (len(deep), deep[:LONGEST_KEPT])


def test_thousand_events_in_order() -> None:
    page = b"[" + b",".join(event(id=f"e{number}") for number in range(MOST_EVENTS)) + b"]"
    assert [one.id for one in parse(page) if isinstance(one, Event)] == [f"e{number}" for number in range(MOST_EVENTS)]


# What a dead letter holds


def test_dead_letter_holds_the_original_bytes() -> None:
    message = event(label=None)
    (letter,) = parse(message)
    assert letter == DeadLetter("missing_field", "$.label", message, len(message), hashlib.sha256(message).hexdigest())


def test_dead_letter_keeps_the_beginning_of_a_long_message() -> None:
    message = b"{" + b"x" * (2 * LONGEST_MESSAGE)
    (letter,) = parse(message)
    assert isinstance(letter, DeadLetter)
    assert (letter.value, letter.length) == (message[: 64 << 10], len(message))
    assert letter.sha256 == hashlib.sha256(message).hexdigest()


# Types that a topic accepts


@pytest.mark.parametrize("accepted", EVENT_TYPES)
def test_topic_accepts_only_its_types(accepted: str) -> None:
    parser = Parser(frozenset({accepted}))
    for kind in EVENT_TYPES:
        (one,) = parser.parse(event(kind))
        if kind == accepted:
            assert isinstance(one, EVENT_TYPES[kind])
        else:
            assert isinstance(one, DeadLetter)
            assert (one.reason, one.path) == ("type_not_accepted", "$.type")


def test_refused_type_in_an_array() -> None:
    outcomes = list(Parser(frozenset({"gold"})).parse(b"[" + event("gold") + b"," + GOOD + b"]"))
    assert [(one.reason, one.path) for one in outcomes if isinstance(one, DeadLetter)] == [
        ("type_not_accepted", "$[1].type")
    ]
    assert len(outcomes) == 2


# Every field


SCHEMA = json_schema()
FIELDS = [(kind, name) for kind in EVENTS for name in SCHEMA["$defs"][kind.capitalize()]["properties"]]
PROBES: list[object] = [
    None, True, False, 0, 5, -5, 5.5, 10**30, "", "x", "true", "annotate", "accept", "tool", "2024-03-01T12:00:00Z", "x" * 300,
    "x" * 1100, [], [1], ["x"], [None], [{}], {}, {"x": 1}, {"x": "x"}, {"x": None}, {"": 1}, {"label": "x"}, [{"label": "x"}],
    [{"label": "x", "weight": "1"}], {"boxes": [{"bbox": [0, 0, 1, 1]}]}, {"boxes": 1}, {"tie": 1}, ["x"] * 1001,
]  # fmt: skip


REQUIRED = [(kind, name) for kind in EVENTS for name in SCHEMA["$defs"][kind.capitalize()]["required"]]


@pytest.mark.parametrize(("kind", "name"), [*REQUIRED, ("annotation", "label")])
def test_missing_field(kind: str, name: str) -> None:
    fields = {key: value for key, value in EVENTS[kind].items() if key != name}
    assert outcome(json.dumps(fields).encode()) == ("missing_field", f"$.{name}")


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_values_of_every_field_are_judged_as_the_schema_says(kind: str, name: str) -> None:
    """What the schema refuses is refused at the field; the schema takes a little more than the parser, named here."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    judged = Counter[bool]()
    for value in (*PROBES, EVENTS[kind].get(name, "x")):
        found = outcome(event(kind, **{name: value}))
        valid = validator.is_valid({**EVENTS[kind], name: value})
        judged[valid] += 1
        if not valid:
            assert found[0] in REASONS, value
            assert re.match(rf"\$\.{name}(?:$|[.\[])", found[1]), (value, found)
        elif not isinstance(found, Event):
            assert found in {
                ("missing_field", "$.label"),  # null for a label: only of a skip
                ("out_of_range", f"$.{name}"),  # 10^30 is a number to a schema
                ("wrong_shape", f"$.{name}"),  # an object of no form
                ("unknown_contract", "$.contract"),
                ("bad_time", "$.time"),
            }, (value, found)
    assert judged[True] >= 1
    assert judged[False] >= 9
    assert judged.total() == len(PROBES) + 1


# Nothing of a value is in a reason or a path


CANARY = "c4n4ry"
BROKEN: list[object] = [
    CANARY, CANARY * 300, f"{CANARY}\x00", f"{CANARY}\x85", f"` at `$.{CANARY}`", f"{CANARY}` - at `$.type`", f"RFC3339 {CANARY}",
    [CANARY], [CANARY, 1], [CANARY * 300], [f"{CANARY}\n"], [[CANARY]], {CANARY: CANARY}, {CANARY: {CANARY: CANARY}}, {CANARY: f"{CANARY}\x00"},
    {f"{CANARY}\x00": 1}, {CANARY * 300: 1}, {"label": {CANARY: 1}}, {"label": f"{CANARY}\x00"}, {"label": CANARY, "confidence": CANARY},
    [{"label": CANARY, "weight": CANARY}], [{"label": f"{CANARY}\x7f"}], [{CANARY: 1}], {"chosen": CANARY}, {"chosen": CANARY, "rejected": CANARY},
    {"boxes": CANARY}, {"boxes": [{"bbox": CANARY}]}, {"boxes": [{"bbox": [CANARY] * 4}]}, {"boxes": [{"bbox": [1, 2, 3, 4], "class": [CANARY]}]},
    {"spans": [{"start": CANARY}]}, {"spans": [{"start": 0, "end": 1, "type": f"{CANARY}\x1f"}]}, {"tie": CANARY},
    {f"k{number}{CANARY}": CANARY for number in range(40)},
]  # fmt: skip


def test_no_reason_and_no_path_quotes_a_value() -> None:
    refusals = Counter[str]()
    for kind, name in FIELDS:
        for value in BROKEN:
            for ascii_only in (True, False):
                message = json.dumps({**EVENTS[kind], name: value}, ensure_ascii=ascii_only).encode()
                for spelled in (message, b"[" + message + b"]", message[:-1], message + message):
                    for one in parse(spelled):
                        if isinstance(one, DeadLetter):
                            refusals[one.reason] += 1
                            assert CANARY not in one.reason + one.path
                            assert one.reason in REASONS
    assert refusals.total() > 10_000
    assert len(refusals) >= 10


def test_names_of_unknown_fields_are_not_quoted() -> None:
    for message in (event(**{CANARY: "\x00"}, label=None), GOOD[:-1] + f', "{CANARY}": '.encode() + b'"\xff"}'):
        (letter,) = parse(message)
        assert isinstance(letter, DeadLetter)
        assert CANARY not in letter.reason + letter.path


# Many at once


def test_nothing_refused_is_plain() -> None:
    compared = 0
    for _, message, reason, _ in REFUSED:
        assert Parser().parse_plain([GOOD, message, GOOD]) is None, reason
        compared += 1
    assert compared == len(REFUSED) > 100


def test_plain_events_are_those_that_are_parsed_one_by_one() -> None:
    plain = 0
    for _, message in ACCEPTED:
        found = Parser().parse_plain([GOOD, message, GOOD])
        if found is not None:
            assert found == [outcome(GOOD), outcome(message), outcome(GOOD)]
            plain += 1
    assert len(ACCEPTED) > plain > len(ACCEPTED) / 2


@pytest.mark.parametrize(
    "message",
    [
        event("erasure"),
        event(label={"boxes": []}),
        b"[" + GOOD + b"]",
        raw("x_unknown", nested(DEEPEST)),
        event(label="é"),
        event(time="2099-01-01T00:00:00Z"),
    ],
)
def test_what_calls_for_a_closer_look_is_not_plain(message: bytes) -> None:
    assert Parser().parse_plain([GOOD] * 500) == [outcome(GOOD)] * 500
    assert Parser().parse_plain([GOOD] * 499 + [message]) is None


def test_plain_events_are_of_the_topic_s_types() -> None:
    assert Parser(frozenset({"gold"})).parse_plain([event("gold"), GOOD]) is None
    assert Parser(frozenset({"gold", "annotation"})).parse_plain([event("gold"), GOOD]) is not None


def test_no_messages_are_nothing_plain() -> None:
    assert Parser().parse_plain([]) is None


@given(st.lists(st.sampled_from([one for _, one in ACCEPTED] + [one[1] for one in REFUSED if one[1]]), min_size=1))
def test_a_slice_is_plain_or_not_but_never_another(messages: list[bytes]) -> None:
    found = Parser().parse_plain(messages)
    assert found is None or [[one] for one in found] == [parse(message) for message in messages]


# Text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.booleans())
@example("\x7f", False)
@example("\\n", True)
@example("\\u0000", False)
@example('"\\"', True)
@example("\U000f0000\U0010fffd", True)
def test_text_is_refused_exactly_for_control_characters(text: str, ascii_only: bool) -> None:
    message = json.dumps({**EVENTS["annotation"], "label": text}, ensure_ascii=ascii_only).encode()
    control = any(character < " " or "\x7f" <= character <= "\x9f" or character in "\ufffe\uffff" for character in text)
    found = outcome(message)
    if control:
        assert found == ("control_character", "$.label")
    else:
        assert found.label == text


# Depth


def called_from(frames: int, message: bytes) -> list[Event | DeadLetter]:
    return parse(message) if frames == 0 else called_from(frames - 1, message)


@pytest.mark.parametrize("depth", [1, DEEPEST - 2, DEEPEST - 1, DEEPEST, 300, 800, 980, 5_000])
def test_answer_does_not_depend_on_the_caller_s_stack(depth: int) -> None:
    inside = raw("x_unknown", nested(depth))
    for message in (inside, b"[" + inside + b"," + GOOD + b"]", inside[:-1], inside.replace(b'"label"', b'"lable"')):
        assert called_from(700, message) == called_from(0, message)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{},:"\\ \n[]{}ü', max_size=6),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text('[]{},"\\', max_size=3), inside, max_size=3),
    max_leaves=30,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict | list):
        parts = list(value.values()) if isinstance(value, dict) else value
        return 1 + max(map(depth_of, parts), default=0)
    return 0


@given(JSON_VALUES, st.integers(0, 8))
def test_depth_is_that_of_the_value(value: object, limit: int) -> None:
    assert nests_deeper(json.dumps(value).encode(), limit) == (depth_of(value) > limit)


@given(st.lists(JSON_VALUES, min_size=1, max_size=6), st.sampled_from([None, 0, 3]))
def test_elements_are_those_of_the_array(values: list[object], indent: int | None) -> None:
    text = json.dumps(values, indent=indent).encode()
    found = elements(text, 1000)
    assert found is not None
    assert [json.loads(one) for one in found] == values
    assert elements(text[:-1], 1000) is None
    assert elements(text + b"x", 1000) is None


def test_elements_stop_at_one_too_many() -> None:
    assert elements(b"[" + b"1," * 100 + b"1]", 10) == [b"1"] * 11


@given(st.binary(max_size=200) | st.text('[]{},:"\\u0', max_size=60).map(str.encode))
def test_any_bytes_have_a_depth_and_elements_or_none(text: bytes) -> None:
    assert nests_deeper(text, 200) is False
    found = elements(text, 1000)
    assert found is None or all(isinstance(one, bytes) for one in found)


@given(events())
def test_generated_events_are_accepted(fields: Fields) -> None:
    assert isinstance(outcome(json.dumps(fields).encode()), EVENT_TYPES[fields["type"]])
