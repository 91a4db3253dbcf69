"""Bytes to `Event | DeadLetter`: a total function. Whatever arrives, it answers and never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec
import numpy as np
from msgspec import UNSET, Struct

from streams.events import (
    EARLIEST,
    EVENT_TYPES,
    LATEST,
    LONGEST_ID,
    LONGEST_LABEL,
    Annotation,
    Erasure,
    Event,
    Gold,
    Integer,
    Review,
    Shape,
    Text,
    microseconds,
)
from streams.nesting import elements, nests_deeper
from streams.sharing import Words

LONGEST_MESSAGE: Final = 1 << 20
LONGEST_KEPT: Final = 64 << 10
MOST_EVENTS: Final = 1000
DEEPEST: Final = 64  # levels of nesting; the contract's own fields have five, the rest is for fields that are ignored

REASONS: Final[Mapping[str, str]] = {
    "array_size": "an array of 1 to 1,000 events",
    "bad_time": "a time with its offset, from 1990 to 2099, such as 2026-01-05T09:00:00Z",
    "control_character": "text without control characters and lone surrogates",
    "empty": "an event; the message has none",
    "invalid_json": "one JSON object, or an array of them, in one line",
    "missing_field": "the field that the path names",
    "not_at_home": "the partition that the project's key gives",
    "out_of_range": "a number within the field's bounds",
    "too_large": "at most 1 MB",
    "too_long": "ids of at most 256 bytes, labels of at most 1,024",
    "type_not_accepted": "a type that this topic carries",
    "unknown_contract": "version 1 of the contract",
    "unknown_type": "annotation, retraction, gold, review, context or erasure",
    "unknown_value": "one of the words that the field may have",
    "unparsable": "JSON that nests less deeply",
    "wrong_shape": "a label of exactly one form",
    "wrong_type": "the type that the schema gives the field",
}
"""The closed list of reasons for which an event is refused, and what would have been right."""


class DeadLetter(Struct, frozen=True):
    """A refused event: why, where in it, and its original bytes (at most 64 KiB, with their length and SHA-256)."""

    reason: str
    path: str
    value: bytes
    length: int
    sha256: str

    @classmethod
    def of(cls, value: bytes, reason: str, path: str) -> DeadLetter:
        """Refuse these bytes."""
        return cls(reason, path, bytes(value[:LONGEST_KEPT]), len(value), hashlib.sha256(value).hexdigest())


class _Stated(Struct, frozen=True):
    contract: Integer | Text = 1


# Of msgspec's messages only the kind and the path are used: they may quote values, and a value may be a gold answer.
_VALIDATION: Final = (
    (re.compile(r"^Invalid value .* - at `\$\.type`$", re.DOTALL), "unknown_type"),
    (re.compile(r"^Object missing required field `(?P<field>\w+)`"), "missing_field"),
    (re.compile(r"^Invalid enum value "), "unknown_value"),
    (re.compile(r"^Invalid RFC3339 |^Expected `datetime`"), "bad_time"),
    (re.compile(r"^Expected `(str|array|object)` of length <= "), "too_long"),
    (re.compile(r"^Expected `str` of length >= "), "empty"),
    (re.compile(r"^Expected `array` of length >= "), "wrong_shape"),
    (re.compile(r"^Expected `(int|float)` [<>]= |^(Number|Integer value) out of range"), "out_of_range"),
)
_PATH: Final = re.compile(r" (?:at|in) `(\$[^`]*)`$")

# An ordinary event leaves a few brackets when the bytes that need no second look are taken out: its own, a slice's.
_PLAIN: Final = bytes(set(range(0x7F)) - set(b"{[\\"))
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_RAW_CONTROL: Final = re.compile("[\x7f-\x9f\ufffe\uffff]")
_ESCAPED_CONTROL: Final = re.compile(r"\\(?:[bfnrt]|u00[0189]|u007[fF]|u[fF]{3}[eEfF])")

_decode_event = msgspec.json.Decoder(Event).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_stated = msgspec.json.Decoder(_Stated).decode


class Parser:
    """The parser of one topic; `accept` names the event types that the topic may carry (all where it is None).

    >>> list(Parser().parse(b'{"type": "annotation"}'))[0].reason
    'missing_field'
    """

    def __init__(self, accept: frozenset[str] | None = None) -> None:
        self._refused = tuple(kind for name, kind in EVENT_TYPES.items() if accept is not None and name not in accept)
        self._words = Words()

    def parse(self, value: bytes | None) -> Iterator[Event | DeadLetter]:
        """The events of one message, in order; each element of an array is accepted or refused by itself."""
        if value is None:
            yield DeadLetter.of(b"", "empty", "$")
        elif len(value) > LONGEST_MESSAGE:
            yield DeadLetter.of(value, "too_large", "$")
        elif value[:1] == b"{" or value.lstrip(b" \t\r\n")[:1] != b"[":
            yield self.parse_event(value)
        else:
            yield from self._parse_array(value)

    def parse_event(self, raw: bytes) -> Event | DeadLetter:
        """One event from its bytes, or why it is refused."""
        try:
            unusual = raw.translate(None, _PLAIN)
            if len(unusual) > DEEPEST and nests_deeper(raw, DEEPEST):
                return DeadLetter.of(raw, "unparsable", "$")
            event = _decode_event(raw)
            fault = self._fault(event, raw, unusual)
        except msgspec.ValidationError as error:
            fault = ("unknown_contract", "$.contract") if _other_contract(raw) else _explain(str(error))
        except msgspec.DecodeError:
            fault = ("invalid_json" if raw.strip(b" \t\r\n") else "empty", "$")
        except Exception:  # noqa: BLE001 - a parser of hostile bytes is total: any other failure is a reason too
            fault = ("unparsable", "$")
        return event if fault is None else DeadLetter.of(raw, *fault)

    def parse_plain(self, values: Sequence[bytes | None]) -> list[Event] | None:
        """The events of these messages if each is one event and `parse` would plainly say so; None: ask it of each.

        This is the same answer in half the time: what calls for a closer look at a message is looked for in all at once.
        Labels of many parts and erasures are not plain.

        >>> parser, event = Parser(), b'{"type":"gold","id":"g","source":"s","time":"2026-01-05T09:00:00Z",'
        >>> event += b'"project":"p","item":"i","accepted":[]}'
        >>> parser.parse_plain([event, event]) == [*parser.parse(event), *parser.parse(event)]
        True
        >>> parser.parse_plain([event, None]), parser.parse_plain([event, b"[" + event + b"]"])
        (None, None)
        """
        try:
            texts = cast("Sequence[bytes]", values)
            events = list(map(_decode_event, texts)) if _all_plain(texts) else None
        except Exception:  # noqa: BLE001 - `parse` says what is wrong with which of them
            return None
        if events is None:
            return None
        for event in events:
            if event.contract != 1 or not 1990 < event.time.year < 2099:
                return None
            # A word as label is what its type says; most labels are.
            if event.__class__ is Annotation and event.label.__class__ is str and event.prelabel is None:
                continue
            if isinstance(event, Erasure) or isinstance(getattr(event, "label", None), Shape) or _label_fault(event):
                return None
        if self._refused and any(isinstance(event, self._refused) for event in events):
            return None
        self._words.share(events, sum(map(len, texts)))
        return events

    def _parse_array(self, value: bytes) -> Iterator[Event | DeadLetter]:
        try:
            found = _cut(value)
        except msgspec.DecodeError:
            yield DeadLetter.of(value, "invalid_json", "$")
            return
        except Exception:  # noqa: BLE001 - as above
            found = None
        if found is None:
            yield DeadLetter.of(value, "unparsable", "$")
            return
        if not 0 < len(found) <= MOST_EVENTS:
            yield DeadLetter.of(value, "array_size", "$")
            return
        for index, element in enumerate(found):
            outcome = self.parse_event(bytes(element))
            if isinstance(outcome, DeadLetter):
                outcome = msgspec.structs.replace(outcome, path=f"$[{index}]{outcome.path[1:]}")
            yield outcome

    def _fault(self, event: Event, raw: bytes, unusual: bytes) -> tuple[str, str] | None:
        """What the structs' types cannot say: (reason, path), or None."""
        if event.contract != 1 and _major(event.contract) != "1":
            return "unknown_contract", "$.contract"
        if not 1990 < event.time.year < 2099 and not EARLIEST <= microseconds(event.time) < LATEST:
            return "bad_time", "$.time"
        if isinstance(event, self._refused):
            return "type_not_accepted", "$.type"
        if unusual.strip(b"{["):
            if _may_hold_control_character(raw.decode()):
                path = _control_character(event, "$")
                if path is not None:
                    return "control_character", path
            path = _too_many_bytes(event)
            if path is not None:
                return "too_long", path
        # A word as label is what its type says; most labels are.
        if event.__class__ is Annotation and event.label.__class__ is str and event.prelabel is None:
            return None
        return _label_fault(event)


def _all_plain(values: Sequence[bytes]) -> bool:
    """Whether no message calls for a closer look: ASCII, nothing escaped, not longer than may be, no deep nesting."""
    joined = b"".join(values)
    longest = max(map(len, values))
    if longest > LONGEST_MESSAGE or not joined.isascii() or b"\\" in joined or b"\x7f" in joined:
        return False
    # "[" and "{" differ in the bit of 32. No message has so many that lie further apart than the longest message is long.
    (opening,) = np.nonzero((np.frombuffer(joined, np.uint8) | 32) == ord("{"))
    return not bool(np.any(opening[DEEPEST:] - opening[:-DEEPEST] < longest)) if len(opening) > DEEPEST else True


def raw_events(value: bytes) -> Sequence[bytes]:
    """The original bytes of each event of a message, as `Parser.parse` takes them.

    >>> raw_events(b'[{"a": 1}, 2]')
    [b'{"a": 1}', b'2']
    """
    if value.lstrip(b" \t\r\n")[:1] != b"[":
        return [value]
    return [bytes(element) for element in _cut(value) or ()]


def _cut(value: bytes) -> Sequence[bytes | msgspec.Raw] | None:
    """The elements of an array; one that nests too deep for the decoder is cut at its own commas."""
    return elements(value, MOST_EVENTS) if nests_deeper(value, DEEPEST) else _decode_array(value)


_KEYS: Final = (
    "id",
    "source",
    "project",
    "task",
    "item",
    "annotation",
    "annotator",
    "batch",
    "vendor",
    "guideline",
    "session",
    "reviewer",
    "stage",
)
"""The fields by which rows are found: a database bounds its keys in bytes, so these have at most 256 bytes of UTF-8."""


def _too_many_bytes(event: Event) -> str | None:
    """The path of the first id above 256 bytes of UTF-8, or label or slice value above 1,024; lengths are characters."""
    for name in _KEYS:
        value = getattr(event, name, None)
        if isinstance(value, str) and len(value.encode()) > LONGEST_ID:
            return f"$.{name}"
    for name, part in (getattr(event, "slice", None) or {}).items():
        if len(name.encode()) > LONGEST_ID or (isinstance(part, str) and len(part.encode()) > LONGEST_LABEL):
            return "$.slice[...]"
    if isinstance(event, Gold):
        for index, answer in enumerate(event.accepted):
            if _long_label(answer.label):
                return f"$.accepted[{index}].label"
    elif _long_label(getattr(event, "label", None)):
        return "$.label"
    return None


def _long_label(label: object) -> bool:
    if isinstance(label, str):
        return len(label.encode()) > LONGEST_LABEL
    if isinstance(label, list):
        return any(len(part.encode()) > LONGEST_LABEL for part in label)
    if isinstance(label, Shape):
        pair = (label.chosen, label.rejected)
        return any(isinstance(option, str) and len(option.encode()) > LONGEST_ID for option in pair)
    return False


def _major(contract: int | str) -> str:
    return str(contract).split(".")[0]


def _other_contract(raw: bytes) -> bool:
    """Whether an event that this contract cannot read says that it follows another one."""
    try:
        return _major(_decode_stated(raw).contract) != "1"
    except Exception:  # noqa: BLE001 - as above
        return False


def _label_fault(event: Event) -> tuple[str, str] | None:
    if isinstance(event, Annotation):
        if event.label is None:
            if not event.skipped:
                return "missing_field", "$.label"
        elif isinstance(event.label, Shape):
            return _shape_fault(event.label, "$.label")
        if event.prelabel is not None and isinstance(event.prelabel.label, Shape):
            return _shape_fault(event.prelabel.label, "$.prelabel.label")
    elif isinstance(event, Gold):
        for index, answer in enumerate(event.accepted):
            if isinstance(answer.label, Shape):
                fault = _shape_fault(answer.label, f"$.accepted[{index}].label")
                if fault is not None:
                    return fault
    elif isinstance(event, Review) and isinstance(event.label, Shape):
        return _shape_fault(event.label, "$.label")
    return None


def _shape_fault(label: Shape, path: str) -> tuple[str, str] | None:
    """An object label has exactly one form: boxes, spans, chosen with rejected, or a tie."""
    boxes, spans, tie = label.boxes is not UNSET, label.spans is not UNSET, label.tie is True
    pair = label.chosen is not UNSET and label.rejected is not UNSET
    half = (label.chosen is not UNSET) != (label.rejected is not UNSET)
    if half or boxes + spans + tie + pair != 1:
        return "wrong_shape", path
    if pair and label.chosen == label.rejected:
        return "wrong_shape", f"{path}.rejected"
    if label.boxes is not UNSET:
        for index, box in enumerate(label.boxes):
            if box.bbox[2] < 0 or box.bbox[3] < 0:
                return "out_of_range", f"{path}.boxes[{index}].bbox"
    if label.spans is not UNSET:
        for index, span in enumerate(label.spans):
            if span.end < span.start:
                return "out_of_range", f"{path}.spans[{index}].end"
    return None


def _may_hold_control_character(text: str) -> bool:
    """Whether a closer look is needed: escapes and unknown fields can make this a false alarm, never miss one."""
    return bool(_RAW_CONTROL.search(text) or ("\\" in text and _ESCAPED_CONTROL.search(text)))


def _control_character(value: object, path: str) -> str | None:
    """The path of the first string that holds a control character or a lone surrogate; keys are never quoted."""
    parts: Iterable[tuple[str, object]] = ()
    if isinstance(value, str):
        return path if _CONTROL.search(value) else None
    if isinstance(value, Struct):
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        parts = ((f"{path}.{spelled}", getattr(value, name)) for spelled, name in names)
    elif isinstance(value, dict):
        parts = ((f"{path}[...]", part) for pair in value.items() for part in pair)
    elif isinstance(value, list):
        parts = ((f"{path}[{index}]", part) for index, part in enumerate(value))
    return next((found for name, part in parts if (found := _control_character(part, name))), None)


def _explain(message: str) -> tuple[str, str]:
    """Reason and path from msgspec's message."""
    where = _PATH.search(message)
    path = where[1] if where else "$"
    for pattern, reason in _VALIDATION:
        found = pattern.search(message)
        if found:
            if reason == "missing_field":
                path = f"{path}.{found['field']}"
            return reason, path
    return "wrong_type", path
