"""Events for tests, with everything that a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from detectors.config import TaskConfig
from streams.events import Annotation, Answer, Context, Erasure, Event, Gold, Retraction, Review, Shape, encode

PROJECT: Final = "news"
NOON: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


def time(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def at(seconds: float) -> int:
    """The same in microseconds since 1970 UTC."""
    return round((NOON.timestamp() + seconds) * 1_000_000)


def annotation(annotator: str, item: str, label: Any = None, seconds: float = 0, **fields: Any) -> Annotation:
    """An annotation; its id is made of annotator and item, and without a label it is a skip."""
    fields = {"id": f"{annotator}-{item}", "project": PROJECT, "skipped": label is None, **fields}
    return Annotation(source="tool", time=time(seconds), annotator=annotator, item=item, label=label, **fields)


def retraction(annotation_id: str, seconds: float = 0, revision: int | None = None, **fields: Any) -> Retraction:
    """The withdrawal of an annotation."""
    fields = {"id": f"retract-{annotation_id}", "project": PROJECT, **fields}
    return Retraction(source="tool", time=time(seconds), annotation=annotation_id, revision=revision, **fields)


def gold(item: str, *accepted: Any, seconds: float = 0, weights: Iterable[float] = (), **fields: Any) -> Gold:
    """The accepted answers of an item; none withdraws them."""
    fields = {"id": f"gold-{item}", "project": PROJECT, **fields}
    if weights:
        answers = [Answer(label, weight) for label, weight in zip(accepted, weights, strict=True)]
    else:
        answers = [Answer(label) for label in accepted]
    return Gold(source="tool", time=time(seconds), item=item, accepted=answers, **fields)


def review(annotation_id: str, reviewer: str, seconds: float = 0, **fields: Any) -> Review:
    """A reviewer's verdict."""
    fields = {"id": f"review-{annotation_id}-{reviewer}", "project": PROJECT, "verdict": "accept", **fields}
    return Review(source="tool", time=time(seconds), annotation=annotation_id, reviewer=reviewer, **fields)


def context(name: str, seconds: float = 0, **fields: Any) -> Context:
    """A change around the work."""
    fields = {"project": PROJECT, "kind": "guideline", "value": "v2", **fields}
    return Context(source="tool", time=time(seconds), id=name, **fields)


def erasure(annotator: str, seconds: float = 0, **fields: Any) -> Erasure:
    """Forget this annotator."""
    fields = {"id": f"erase-{annotator}", "project": PROJECT, **fields}
    return Erasure(source="tool", time=time(seconds), annotator=annotator, **fields)


def boxes(*bboxes: list[float]) -> Shape:
    """A label of boxes."""
    from streams.events import Box

    return Shape(boxes=[Box(bbox) for bbox in bboxes])


def preference(chosen: str, rejected: str) -> Shape:
    """A label that prefers one over another."""
    return Shape(chosen=chosen, rejected=rejected)


def messages(events: Iterable[Event]) -> list[bytes]:
    """The events as the log carries them."""
    return [encode(event) for event in events]


def configured(**fields: Any) -> Callable[[str, str], TaskConfig]:
    """Every task configured like this."""
    config = TaskConfig(**fields)
    return lambda _project, _task: config
