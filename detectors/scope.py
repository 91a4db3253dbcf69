"""The statistics of a scope: a task, or one value of a dimension. A commutative group over integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from detectors.agreement import Moments, PatternCounts
from detectors.item import NUMBERS, AnnotatorDelta, Delta, Share

TallyState: TypeAlias = tuple[int, int, int, int, Mapping[str, int | str]]
"""Labels, pairable items, answers, correct ones; items by pattern, or for numbers the sums by kind of item, as text."""


class Tally:
    """What a scope counts of one label type: labels, pairable items, gold answers and item patterns.

    All are integers that add up, so a retraction is an addition of -1 and order never matters.
    """

    __slots__ = ("answers", "correct", "labels", "pairable", "patterns")

    def __init__(
        self,
        labels: int = 0,
        pairable: int = 0,
        answers: int = 0,
        correct: int = 0,
        patterns: Mapping[str, Any] | None = None,
    ) -> None:
        self.labels = labels
        self.pairable = pairable
        self.answers = answers
        self.correct = correct
        self.patterns: dict[str, int] = dict(patterns or {})

    def update(self, share: Share, weight: int = 1) -> None:
        """Add one item's share; a negative weight retracts it."""
        _, labels, pairable, answers, correct, pattern = share
        self.labels += weight * labels
        self.pairable += weight * pairable
        if answers:
            self.answers += weight * answers
            self.correct += weight * correct
        if pattern is not None:
            patterns = self.patterns
            count = patterns.get(pattern, 0) + weight
            if count:
                patterns[pattern] = count
            else:
                patterns.pop(pattern, None)

    def merge(self, other: Tally, weight: int = 1) -> None:
        """Add, or remove, another tally."""
        self.labels += weight * other.labels
        self.pairable += weight * other.pairable
        self.answers += weight * other.answers
        self.correct += weight * other.correct
        merged = PatternCounts(self.patterns)
        merged.merge(PatternCounts(other.patterns), weight)
        self.patterns = merged.counts

    def copy(self) -> Tally:
        """An equal tally that shares no state with this one."""
        return type(self)(*self.state())

    def state(self) -> TallyState:
        """All of it, as plain values."""
        return self.labels, self.pairable, self.answers, self.correct, self.patterns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.state() == other.state()

    __hash__ = None  # type: ignore[assignment]

    @property
    def empty(self) -> bool:
        """Whether nothing is counted."""
        return not (self.labels or self.pairable or self.answers or self.correct or self.patterns)


class NumberTally(Tally):
    """The tally of numbers: where the task declares which there are, patterns; else moments."""

    __slots__ = ("moments",)

    def __init__(
        self,
        labels: int = 0,
        pairable: int = 0,
        answers: int = 0,
        correct: int = 0,
        patterns: Mapping[str, Any] | None = None,
    ) -> None:
        found = patterns or {}
        super().__init__(
            labels, pairable, answers, correct, {key: n for key, n in found.items() if not isinstance(n, str)}
        )
        self.moments = Moments.read({key: text for key, text in found.items() if isinstance(text, str)})

    def update(self, share: Share, weight: int = 1) -> None:
        """Add one item's share; a negative weight retracts it."""
        kind, labels, pairable, answers, correct, seen = share
        if isinstance(seen, tuple):
            self.moments.update(seen, weight)
            seen = None
        super().update((kind, labels, pairable, answers, correct, seen), weight)

    def merge(self, other: Tally, weight: int = 1) -> None:
        """Add, or remove, another tally."""
        super().merge(other, weight)
        if isinstance(other, NumberTally):
            self.moments.merge(other.moments, weight)

    def state(self) -> TallyState:
        """All of it, as plain values: beside patterns, the sums of each kind of item as text."""
        return *super().state()[:4], {**self.patterns, **self.moments.texts()}

    @property
    def empty(self) -> bool:
        """Whether nothing is counted."""
        return super().empty and not self.moments.sums


def tally(label_type: str, *state: Any) -> Tally:
    """The tally of labels of this type, with this state."""
    return (NumberTally if label_type in NUMBERS else Tally)(*state)


class Scope:
    """The counts of one scope: annotations in force, items with at least one, unfit labels, and a tally a label type."""

    __slots__ = ("annotations", "items", "tallies", "unfit")

    def __init__(
        self, annotations: int = 0, items: int = 0, unfit: int = 0, tallies: Mapping[str, Tally] | None = None
    ) -> None:
        self.annotations = annotations
        self.items = items
        self.unfit = unfit
        self.tallies: dict[str, Tally] = dict(tallies or {})

    def update(self, delta: Delta | AnnotatorDelta, weight: int = 1) -> None:
        """Add what one item adds; a negative weight retracts it."""
        _, annotations, items, unfit, shares = delta
        self.annotations += weight * annotations
        self.items += weight * items
        if unfit:
            self.unfit += weight * unfit
        for share in shares:
            held = self.tallies.get(share[0])
            if held is None:
                held = self.tallies[share[0]] = tally(share[0])
            held.update(share, weight)

    def merge(self, other: Scope, weight: int = 1) -> None:
        """Add, or remove, another scope."""
        self.annotations += weight * other.annotations
        self.items += weight * other.items
        self.unfit += weight * other.unfit
        for label_type, added in other.tallies.items():
            held = self.tallies.get(label_type)
            if held is None:
                held = self.tallies[label_type] = tally(label_type)
            held.merge(added, weight)

    def copy(self) -> Scope:
        """An equal scope that shares no state with this one."""
        tallies = {name: held.copy() for name, held in self.tallies.items()}
        return Scope(self.annotations, self.items, self.unfit, tallies)

    def state(self) -> tuple[int, int, int, dict[str, TallyState]]:
        """All of it, as plain values; tallies that count nothing are left out, so equal sums are equal states."""
        tallies = {name: held.state() for name, held in self.tallies.items() if not held.empty}
        return self.annotations, self.items, self.unfit, tallies

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and self.state() == other.state()

    __hash__ = None  # type: ignore[assignment]

    @property
    def empty(self) -> bool:
        """Whether nothing is counted."""
        return not (self.annotations or self.items or self.unfit) and all(t.empty for t in self.tallies.values())
