"""One annotator's signal in one task: its detector, and the answers it was fed, so that history can be corrected."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from detectors.alarms import Cause
from detectors.drift import DETECTORS, SequentialDetector

KEPT_ANSWERS = 1000
"""Of a corrected signal, the last this many answers are kept."""


class WatchKey(NamedTuple):
    """Whose signal, in which task."""

    project: str
    task: str
    signal: str
    annotator: str


class AnswerKey(NamedTuple):
    """The place of one answer in its watch."""

    project: str
    task: str
    signal: str
    annotator: str
    number: int


class Answer(NamedTuple):
    """One observation: of which annotation, when (microseconds since 1970 UTC), and the number."""

    annotation: str
    at: int
    value: float


class Revision(NamedTuple):
    """What a watch must know of an annotation by now: no answer any more (value None), or this one.

    `known` says that the watch was told of the annotation before.
    """

    annotation: str
    at: int
    value: float | None
    known: bool


def revised(answers: Iterable[Answer], revisions: Iterable[Revision]) -> list[Answer] | None:
    """The answers after these revisions in the order of time; None where nothing is revised.

    The last `KEPT_ANSWERS` stay; what was known, but has left by now, stays away. Taken in several parts the same
    revisions give the same answers.

    >>> revised([Answer("b", 2, 0.0)], [Revision("b", 2, 1.0, True), Revision("a", 1, 0.0, False)])
    [Answer(annotation='a', at=1, value=0.0), Answer(annotation='b', at=2, value=1.0)]
    """
    kept = {answer.annotation: answer for answer in answers}
    order = sorted((answer.at, answer.annotation) for answer in kept.values())
    nothing = True
    for annotation, at, value, known in revisions:
        held = kept.get(annotation)
        if held is None:
            if known or value is None:
                continue
            kept[annotation] = Answer(annotation, at, value)
            insort(order, (at, annotation))
            if len(order) > KEPT_ANSWERS:
                del kept[order.pop(0)[1]]
        elif value is None:
            del kept[annotation]
            del order[bisect_left(order, (held.at, annotation))]
        else:
            kept[annotation] = held._replace(value=value)
        nothing = False
    return None if nothing else [kept[annotation] for _, annotation in order]


class Watch:
    """A detector, whose signal it reads, and how many answers it was given a number for.

    `since` is the time of the first answer after the change that the detector is now pointing at, `last` that of the
    last observation; `cause` is that of its alarms, once it was asked for.
    """

    __slots__ = ("answers", "cause", "detector", "key", "last", "since")

    def __init__(
        self, key: WatchKey, detector: SequentialDetector, answers: int = 0, since: int = 0, last: int = 0
    ) -> None:
        self.key = key
        self.detector = detector
        self.answers = answers
        self.since = since
        self.last = last
        self.cause: Cause | None = None

    @classmethod
    def fresh(cls, key: WatchKey) -> Watch:
        """A watch that has seen nothing."""
        return cls(key, DETECTORS[key.signal]())

    def observe(self, value: float, at: int) -> None:
        """Give the detector one observation."""
        quiet = self.detector.quiet
        self.detector.update(value)
        if quiet:
            self.since = at
        self.last = at

    def observe_until(self, values: Sequence[float], at: Callable[[int], int]) -> int:
        """Give the detector observations, none beyond the first at which it detects or recovers: how many it took.

        `at` gives the time of the observation in this place.
        """
        taken, quiet = self.detector.update_until(values)
        if quiet is not None:
            self.since = at(quiet)
        self.last = at(taken - 1)
        return taken

    def dump(self) -> dict[str, object]:
        """The state as plain values."""
        return {
            "detector": self.detector.name,
            "version": self.detector.version,
            "answers": self.answers,
            "since": self.since,
            "last": self.last,
            "state": self.detector.dump(),
        }

    @classmethod
    def load(
        cls, key: WatchKey, state: Mapping[str, object], answers: Callable[[], Iterable[Answer]], *, alarmed: bool
    ) -> Watch:
        """The watch of a stored state; a detector of another version is fed the stored answers again."""
        factory = DETECTORS[key.signal]
        number, since, last = state["answers"], state["since"], state["last"]
        if not isinstance(number, int) or not isinstance(since, int) or not isinstance(last, int):
            raise TypeError(f"expected integers for answers, since and last in a stored watch, found {state!r}")
        if state["detector"] == factory.name and state["version"] == factory.version:
            return cls(key, factory.load(state["state"]), number, since, last)
        watch = cls(key, factory(), number, since, last)
        watch.rebuild(answers(), alarmed=alarmed)
        return watch

    def rebuild(self, answers: Iterable[Answer], *, alarmed: bool) -> None:
        """Feed the corrected answers to a fresh detector; without an open alarm it may come close, not raise one."""
        self.detector = type(self.detector)()
        for answer in answers:
            self.observe(answer.value, answer.at)
            if self.detector.drift_detected and not alarmed:
                self.detector.rearm()
