"""The event contract: six types of event as msgspec structs, from which the committed JSON Schema is generated.

The fold reads these structs directly through the Protocols of `detectors.protocols`; nothing is converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EARLIEST = 631_152_000_000_000  # 1990-01-01, microseconds UTC
LATEST = 4_102_444_800_000_000  # 2100-01-01

LONGEST_ID = 256
LONGEST_LABEL = 1024
LONGEST_TEXT = 1024
MOST_PARTS = 1000  # of one label: choices, boxes, spans
LONGEST_DURATION_MS = 30 * 86_400_000
INT63 = 2**63 - 1

DEFAULT_TASK: Final = "label"
DEFAULT_REVIEW_STAGE: Final = "review"
FULL_WEIGHT: Final = 1.0

Identifier = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Choice = Annotated[str, Meta(max_length=LONGEST_LABEL)]
Integer = Annotated[int, Meta(ge=-INT63, le=INT63)]
Time = Annotated[datetime, Meta(tz=True)]
Offset = Annotated[int, Meta(ge=0, le=INT63)]


def microseconds(time: datetime) -> int:
    """Microseconds since 1970 UTC of a time with an offset.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (time - EPOCH) // MICROSECOND


def from_microseconds(at: int) -> datetime:
    """The time in UTC, from microseconds since 1970.

    >>> from_microseconds(1000005).isoformat()
    '1970-01-01T00:00:01.000005+00:00'
    """
    return EPOCH + timedelta(microseconds=at)


def _by_value(number: Any) -> Any:
    """A float that is a whole number within 63 bits as an integer, so that 1, 1.0 and 1e0 are spelled alike."""
    if isinstance(number, float) and number.is_integer() and abs(number) <= INT63:
        return int(number)
    return number


class Box(Struct, frozen=True, omit_defaults=True, rename={"label": "class"}):
    """A rectangle `[x, y, width, height]` in pixels and its class."""

    bbox: Annotated[list[Integer | float], Meta(min_length=4, max_length=4)]
    label: Choice | None = None

    def plain(self) -> Box:
        """The same box with numbers spelled by their value."""
        return Box([_by_value(number) for number in self.bbox], self.label)


class Span(Struct, frozen=True, omit_defaults=True):
    """A stretch of text `[start, end)` in characters and its type."""

    start: Offset
    end: Offset
    type: Choice | None = None


class Shape(Struct, frozen=True, omit_defaults=True):
    """A label that is an object: boxes, or spans, or the preferred one of a pair, or a tie."""

    boxes: Annotated[list[Box], Meta(max_length=MOST_PARTS)] | UnsetType = UNSET
    spans: Annotated[list[Span], Meta(max_length=MOST_PARTS)] | UnsetType = UNSET
    chosen: Identifier | UnsetType = UNSET
    rejected: Identifier | UnsetType = UNSET
    tie: bool | UnsetType = UNSET

    def plain(self) -> Shape:
        """The same label with numbers spelled by their value; a tie that is denied says nothing."""
        boxes = self.boxes if self.boxes is UNSET else [box.plain() for box in self.boxes]
        return msgspec.structs.replace(self, boxes=boxes, tie=self.tie or UNSET)

    @property
    def shape(self) -> str:
        """The label type that it has: boxes, spans or preference."""
        if self.boxes is not UNSET:
            return "boxes"
        return "spans" if self.spans is not UNSET else "preference"

    @property
    def parts(self) -> int:
        """How many boxes or spans there are."""
        return len(self.boxes or ()) + len(self.spans or ())

    def text(self) -> str:
        """One spelling for equal labels; the order of boxes and spans does not matter."""
        if self.boxes is not UNSET:
            return ";".join(sorted(_canonical(box.plain()).decode() for box in self.boxes))
        if self.spans is not UNSET:
            return ";".join(sorted(_canonical(span).decode() for span in self.spans))
        return _canonical(self.plain()).decode()


Label = Choice | bool | Integer | float | Annotated[list[Choice], Meta(max_length=MOST_PARTS)] | Shape
SliceValue = Choice | bool | Integer | float


def _plain(label: Label | None) -> Label | None:
    return label.plain() if isinstance(label, Shape) else cast("Label | None", _by_value(label))


class Prelabel(Struct, frozen=True, omit_defaults=True):
    """What a model had suggested before the annotator answered."""

    label: Label
    model: Identifier | None = None
    confidence: float | None = None

    def plain(self) -> Prelabel:
        """The same suggestion with numbers spelled by their value."""
        return Prelabel(cast("Label", _plain(self.label)), self.model, _by_value(self.confidence))


class Answer(Struct, frozen=True, omit_defaults=True):
    """One accepted answer of a gold item."""

    label: Label
    weight: Annotated[float, Meta(ge=0)] = FULL_WEIGHT

    def plain(self) -> Answer:
        """The same answer with numbers spelled by their value, and the default weight left out."""
        label = cast("Label", _plain(self.label))
        return Answer(label) if self.weight == FULL_WEIGHT else Answer(label, _by_value(self.weight))


class _Event(Struct, frozen=True, omit_defaults=True, tag_field="type", kw_only=True, gc=False):
    id: Identifier
    source: Identifier
    time: Time
    project: Identifier
    contract: Integer | Text = 1

    @property
    def at(self) -> int:
        """The event's time in microseconds since 1970 UTC."""
        return (self.time - EPOCH) // MICROSECOND

    def canonical(self) -> bytes:
        """The content in one fixed spelling: equal content, equal bytes, and they parse to the same content again.

        Time is in UTC, defaults and empty mappings are left out, numbers are spelled by their value (1, 1.0 and 1e0
        as 1), keys have one order; left out too are the minor version of the contract, and an annotation's id that is
        the event's own. The order of a list is content, and so is true against "true".
        """
        return _canonical(msgspec.structs.replace(self, **self._plain()))

    def _plain(self) -> dict[str, object]:
        return {"time": self.time.astimezone(UTC), "contract": 1}


def _default(value: str, default: str) -> str:
    """The default itself where the value equals it: msgspec leaves out a default that is the same object."""
    return default if value == default else value


Stage = Literal["annotate", "review", "adjudicate", "model"]


class Annotation(_Event, frozen=True, tag="annotation"):
    """Someone labelled an item, or skipped it."""

    item: Identifier
    annotator: Identifier
    label: Label | None = None
    task: Identifier = DEFAULT_TASK
    annotation: Identifier | None = None
    revision: Integer = 0
    duration_ms: Annotated[int, Meta(ge=0, le=LONGEST_DURATION_MS)] | None = None
    stage: Stage = "annotate"
    batch: Identifier | None = None
    vendor: Identifier | None = None
    guideline: Identifier | None = None
    session: Identifier | None = None
    slice: Annotated[dict[Identifier, SliceValue], Meta(max_length=32)] | None = None
    prelabel: Prelabel | None = None
    order: Annotated[list[Identifier], Meta(max_length=MOST_PARTS)] | None = None
    skipped: bool = False

    @property
    def key(self) -> str:
        """The annotation's id in the tool; the event's id where the tool has none."""
        return self.annotation or self.id

    def _plain(self) -> dict[str, object]:
        return {
            **super()._plain(),
            "label": _plain(self.label),
            "task": _default(self.task, DEFAULT_TASK),
            "annotation": None if self.annotation == self.id else self.annotation,
            "slice": {name: _by_value(value) for name, value in self.slice.items()} if self.slice else None,
            "prelabel": self.prelabel and self.prelabel.plain(),
            "order": self.order or None,
        }


class Retraction(_Event, frozen=True, tag="retraction"):
    """An annotation is withdrawn: for good without a revision, up to (revision, time) with one."""

    annotation: Identifier
    revision: Integer | None = None


class Gold(_Event, frozen=True, tag="gold"):
    """The accepted answers of an item; an empty list withdraws them."""

    item: Identifier
    accepted: Annotated[list[Answer], Meta(max_length=100)]
    task: Identifier = DEFAULT_TASK
    authority: Text | None = None
    version: Integer = 0

    def _plain(self) -> dict[str, object]:
        accepted = [answer.plain() for answer in self.accepted]
        return {**super()._plain(), "accepted": accepted, "task": _default(self.task, DEFAULT_TASK)}


class Review(_Event, frozen=True, tag="review"):
    """A reviewer's verdict on an annotation."""

    annotation: Identifier
    reviewer: Identifier
    verdict: Literal["accept", "fix", "reject"]
    label: Label | None = None
    category: Text | None = None
    cause: Text | None = None
    stage: Identifier = DEFAULT_REVIEW_STAGE
    revision: Integer = 0

    def _plain(self) -> dict[str, object]:
        stage = _default(self.stage, DEFAULT_REVIEW_STAGE)
        return {**super()._plain(), "label": _plain(self.label), "stage": stage}


class Context(_Event, frozen=True, tag="context"):
    """Something changed around the work: a guideline, vendor, tool, model, training or taxonomy."""

    kind: Literal["guideline", "vendor", "tool", "model", "training", "taxonomy"]
    value: Text
    scope: Text | dict[Identifier, Text] | None = None

    def _plain(self) -> dict[str, object]:
        return {**super()._plain(), "scope": self.scope or None}


class Erasure(_Event, frozen=True, tag="erasure"):
    """Forget this annotator."""

    annotator: Identifier


Event = Annotation | Retraction | Gold | Review | Context | Erasure
EVENT_TYPES: Mapping[str, type[Event]] = {
    "annotation": Annotation,
    "retraction": Retraction,
    "gold": Gold,
    "review": Review,
    "context": Context,
    "erasure": Erasure,
}

_canonical = msgspec.json.Encoder(order="deterministic").encode
encode = msgspec.json.Encoder().encode


def json_schema() -> dict[str, Any]:
    """The JSON Schema of an event, generated from the structs; the committed file equals it."""
    schema = msgspec.json.schema(Event)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kappawatch event, contract 1",
        **schema,
    }
