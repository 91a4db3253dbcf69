"""The events as the core sees them: Protocols that any event source's own types satisfy, so nothing is converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol


class AcceptedAnswer(Protocol):
    """One accepted answer of a gold item; it counts as right if its weight is above 0."""

    @property
    def label(self) -> object: ...
    @property
    def weight(self) -> float: ...


class Event(Protocol):
    """What every event carries; `at` is its time in microseconds since 1970 UTC."""

    @property
    def id(self) -> str: ...
    @property
    def project(self) -> str: ...
    @property
    def time(self) -> datetime:
        """The same, with its offset: `at` is computed from it."""
        ...

    @property
    def at(self) -> int: ...
    def canonical(self) -> bytes:
        """The content in one fixed spelling: equal content, equal bytes; the last part of the order."""
        ...


class Annotation(Event, Protocol):
    """Someone labelled an item, or skipped it."""

    @property
    def key(self) -> str:
        """The annotation's id in the tool; the event's id where the tool has none."""
        ...

    @property
    def item(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def annotator(self) -> str: ...
    @property
    def label(self) -> object: ...
    @property
    def revision(self) -> int: ...
    @property
    def duration_ms(self) -> int | None: ...
    @property
    def stage(self) -> str: ...
    @property
    def batch(self) -> str | None: ...
    @property
    def vendor(self) -> str | None: ...
    @property
    def guideline(self) -> str | None: ...
    @property
    def slice(self) -> Mapping[str, str | bool | int | float] | None: ...
    @property
    def skipped(self) -> bool: ...


class Retraction(Event, Protocol):
    """An annotation is withdrawn: for good without a revision, up to (revision, time) with one."""

    @property
    def annotation(self) -> str: ...
    @property
    def revision(self) -> int | None: ...


class Gold(Event, Protocol):
    """The accepted answers of an item; none withdraws them."""

    @property
    def item(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def accepted(self) -> Sequence[AcceptedAnswer]: ...
    @property
    def version(self) -> int: ...


class Review(Event, Protocol):
    """A reviewer's verdict on an annotation."""

    @property
    def annotation(self) -> str: ...
    @property
    def reviewer(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def revision(self) -> int: ...


class Context(Event, Protocol):
    """Something changed around the work."""


class Erasure(Event, Protocol):
    """Forget this annotator."""

    @property
    def annotator(self) -> str: ...
