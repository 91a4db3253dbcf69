"""The statistics of a scope: a task, or one value of a dimension. A commutative group over integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from detectors.agreement.measures import add
from detectors.item import Addition, Share

TallyState: TypeAlias = tuple[int, int, int, int, Mapping[str, int], Mapping[str, int]]
"""Labels, pairable items, answers, correct ones; items by pattern; sums by name."""


class Tally:
    """What a scope counts of one label type: labels, pairable items, gold answers, item patterns, and sums.

    Labels that are categories have patterns, others what they measure. All are integers that add up, so a retraction is
    an addition of -1 and order never matters.
    """

    __slots__ = ("answers", "correct", "labels", "pairable", "patterns", "sums")

    def __init__(
        self,
        labels: int = 0,
        pairable: int = 0,
        answers: int = 0,
        correct: int = 0,
        patterns: Mapping[str, int] | None = None,
        sums: Mapping[str, int] | None = None,
    ) -> None:
        self.labels = labels
        self.pairable = pairable
        self.answers = answers
        self.correct = correct
        self.patterns: dict[str, int] = dict(patterns or {})
        self.sums: dict[str, int] = dict(sums or {})

    def update(self, share: Share, weight: int = 1) -> None:
        """Add one item's share; a negative weight retracts it."""
        _, labels, pairable, answers, correct, seen = share
        self.labels += weight * labels
        self.pairable += weight * pairable
        if answers:
            self.answers += weight * answers
            self.correct += weight * correct
        if isinstance(seen, str):
            patterns = self.patterns
            count = patterns.get(seen, 0) + weight
            if count:
                patterns[seen] = count
            else:
                patterns.pop(seen, None)
        elif seen is not None:
            add(self.sums, seen, weight)

    def merge(self, other: Tally, weight: int = 1) -> None:
        """Add, or remove, another tally."""
        self.labels += weight * other.labels
        self.pairable += weight * other.pairable
        self.answers += weight * other.answers
        self.correct += weight * other.correct
        # Tuples, for a tally may be merged with itself.
        add(self.patterns, tuple(other.patterns.items()), weight)
        add(self.sums, tuple(other.sums.items()), weight)

    def copy(self) -> Tally:
        """An equal tally that shares no state with this one."""
        return Tally(*self.state())

    def state(self) -> TallyState:
        """All of it, as plain values."""
        return self.labels, self.pairable, self.answers, self.correct, self.patterns, self.sums

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.state() == other.state()

    __hash__ = None  # type: ignore[assignment]

    @property
    def empty(self) -> bool:
        """Whether nothing is counted."""
        return not (self.labels or self.pairable or self.answers or self.correct or self.patterns or self.sums)


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

    def update(self, addition: Addition, weight: int = 1) -> None:
        """Add what one item adds; a negative weight retracts it."""
        annotations, items, unfit, shares = addition
        self.annotations += weight * annotations
        self.items += weight * items
        if unfit:
            self.unfit += weight * unfit
        for share in shares:
            held = self.tallies.get(share[0])
            if held is None:
                held = self.tallies[share[0]] = Tally()
            held.update(share, weight)

    def merge(self, other: Scope, weight: int = 1) -> None:
        """Add, or remove, another scope."""
        self.annotations += weight * other.annotations
        self.items += weight * other.items
        self.unfit += weight * other.unfit
        for label_type, added in other.tallies.items():
            held = self.tallies.get(label_type)
            if held is None:
                held = self.tallies[label_type] = Tally()
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
