"""Bytes to `Event | DeadLetter`: a total function. Whatever arrives, it answers and never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from streams.events import (
    EARLIEST,
    EVENT_TYPES,
    LATEST,
    Annotation,
    Event,
    Gold,
    Review,
    Shape,
    microseconds,
)

LONGEST_MESSAGE: Final = 1 << 20
LONGEST_KEPT: Final = 64 << 10
MOST_EVENTS: Final = 1000

REASONS: Final = (
    "array_size",
    "bad_time",
    "control_character",
    "empty",
    "invalid_json",
    "missing_field",
    "not_at_home",
    "out_of_range",
    "too_large",
    "too_long",
    "type_not_accepted",
    "unknown_contract",
    "unknown_type",
    "unparsable",
    "wrong_shape",
    "wrong_type",
)
"""The closed list of reasons for which an event is refused."""


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


# Of msgspec's messages only the kind and the path are used: they may quote values, and a value may be a gold answer.
_VALIDATION = (
    (re.compile(r"^Invalid value .* at `\$\.type`$", re.S), "unknown_type"),
    (re.compile(r"^Object missing required field `type`$"), "unknown_type"),
    (re.compile(r"^Object missing required field `(?P<field>\w+)`"), "missing_field"),
    (re.compile(r"RFC3339|`datetime`|timezone"), "bad_time"),
    (re.compile(r"^Expected `str` of length <="), "too_long"),
    (re.compile(r"^Expected `(array|object)` of (at most )?length"), "too_long"),
    (re.compile(r"^Expected `str` of length >="), "empty"),
    (re.compile(r"[<>]= |out of range|[Ii]nteger value"), "out_of_range"),
)
_PATH = re.compile(r" at `(\$[^`]*)`$", re.S)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

_decode_event = msgspec.json.Decoder(Event).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Parser:
    """The parser of one topic; `accept` names the event types that the topic may carry (all where it is None).

    >>> list(Parser().parse(b'{"type": "annotation"}'))[0].reason
    'missing_field'
    """

    def __init__(self, accept: frozenset[str] | None = None) -> None:
        self._refused = tuple(kind for name, kind in EVENT_TYPES.items() if accept is not None and name not in accept)

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
            event = _decode_event(raw)
            fault = self._fault(event, raw)
        except msgspec.ValidationError as error:
            return DeadLetter.of(raw, *_explain(str(error)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return DeadLetter.of(raw, "invalid_json" if raw.strip() else "empty", "$")
        except Exception:  # noqa: BLE001 - a parser of hostile bytes is total: any other failure is a reason too
            return DeadLetter.of(raw, "unparsable", "$")
        return event if fault is None else DeadLetter.of(raw, *fault)

    def _parse_array(self, value: bytes) -> Iterator[Event | DeadLetter]:
        try:
            elements = _decode_array(value)
        except Exception:  # noqa: BLE001 - as above
            yield DeadLetter.of(value, "invalid_json", "$")
            return
        if not 0 < len(elements) <= MOST_EVENTS:
            yield DeadLetter.of(value, "array_size", "$")
            return
        for index, element in enumerate(elements):
            outcome = self.parse_event(bytes(element))
            if isinstance(outcome, DeadLetter):
                outcome = msgspec.structs.replace(outcome, path=f"$[{index}]{outcome.path[1:]}")
            yield outcome

    def _fault(self, event: Event, raw: bytes) -> tuple[str, str] | None:
        """What the structs' types cannot say: (reason, path), or None."""
        if event.contract != 1 and str(event.contract).split(".")[0] != "1":
            return "unknown_contract", "$.contract"
        if not EARLIEST <= microseconds(event.time) < LATEST:
            return "bad_time", "$.time"
        if isinstance(event, self._refused):
            return "type_not_accepted", "$.type"
        if not raw.isascii() or b"\\" in raw or b"\x7f" in raw:
            path = _control_character(msgspec.to_builtins(event), "$")
            if path is not None:
                return "control_character", path
        return _label_fault(event)


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


def _control_character(value: object, path: str) -> str | None:
    """The path of the first string that holds a control character or a lone surrogate."""
    if isinstance(value, str):
        return path if _CONTROL.search(value) else None
    if isinstance(value, dict):
        for name, part in value.items():
            found = f"{path}[...]" if _CONTROL.search(name) else _control_character(part, f"{path}.{name}")
            if found is not None:
                return found
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found = _control_character(part, f"{path}[{index}]")
            if found is not None:
                return found
    return None


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
