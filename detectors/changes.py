"""What a chunk needs, lacks and changes: the rows between the fold and a store."""

from __future__ import annotations

from typing import NamedTuple

from detectors.alarms import Alarm
from detectors.keys import AnnotationKey, ClockKey, ContextKey, ItemKey, PairKey, ReviewKey, ScopeKey, TaskKey
from detectors.protocols import Context, Gold, Review
from detectors.records import AnnotationRecord
from detectors.scope import Scope
from detectors.watch import Answer, AnswerKey, Watch, WatchKey


class Needs(NamedTuple):
    """What must be looked up before a chunk can be received."""

    annotations: set[AnnotationKey]
    items: set[ItemKey]
    reviews: set[ReviewKey]
    contexts: set[ContextKey]

    def __bool__(self) -> bool:
        return any(self[:])


class Lacks(NamedTuple):
    """What must be looked up before a chunk can be settled."""

    scopes: set[ScopeKey]
    pairs: set[PairKey]
    watches: set[WatchKey]
    answers: set[WatchKey]

    def __bool__(self) -> bool:
        return any(self[:])


class Erased(NamedTuple):
    """A tombstone: the keyed hash of a person whose events no longer count."""

    project: str
    hash: str


class TaskCounts:
    """Of a task: annotators with an annotation in force, and answers to gold as they came and were taken back.

    `merged_to` is the hour below which its items count by the day.
    """

    __slots__ = ("annotators", "failed", "failed_retracted", "merged_to", "passed", "passed_retracted")

    def __init__(
        self,
        annotators: int = 0,
        passed: int = 0,
        failed: int = 0,
        passed_retracted: int = 0,
        failed_retracted: int = 0,
        merged_to: int = 0,
    ) -> None:
        self.annotators = annotators
        self.passed = passed
        self.failed = failed
        self.passed_retracted = passed_retracted
        self.failed_retracted = failed_retracted
        self.merged_to = merged_to

    def answered(self, *, wrong: bool) -> None:
        """Count an answer to gold."""
        if wrong:
            self.failed += 1
        else:
            self.passed += 1

    def retracted(self, *, wrong: bool) -> None:
        """Count an answer to gold that was taken back."""
        if wrong:
            self.failed_retracted += 1
        else:
            self.passed_retracted += 1


class Counts:
    """Outcomes of one project's events."""

    __slots__ = ("applied", "duplicates", "erased")

    def __init__(self) -> None:
        self.applied = self.duplicates = self.erased = 0


class Changes:
    """What a settled chunk changed, for a store to write in one transaction. A None is a row to delete."""

    __slots__ = (
        "alarms",
        "annotations",
        "answers",
        "clocks",
        "contexts",
        "counts",
        "erased",
        "gold",
        "messages",
        "new",
        "pairs",
        "reviews",
        "scopes",
        "tasks",
        "vacated",
        "watches",
    )

    def __init__(self) -> None:
        self.new: list[AnnotationRecord] = []
        """Annotations that are here for the first time; those that the chunk also changed are among the changed ones too."""
        self.annotations: dict[AnnotationKey, AnnotationRecord] = {}
        self.vacated: list[int] = []
        self.gold: dict[ItemKey, Gold] = {}
        self.reviews: dict[ReviewKey, Review] = {}
        self.contexts: dict[ContextKey, Context] = {}
        self.erased: list[tuple[Erased, int]] = []
        self.clocks: dict[ClockKey, int | None] = {}
        self.scopes: dict[ScopeKey, Scope | None] = {}
        self.tasks: dict[TaskKey, TaskCounts] = {}
        self.pairs: dict[PairKey, dict[str, int] | None] = {}
        self.watches: dict[WatchKey, Watch | None] = {}
        self.answers: dict[AnswerKey, Answer | None] = {}
        self.alarms: list[Alarm] = []
        self.messages: list[Alarm] = []
        self.counts: dict[str, Counts] = {}
