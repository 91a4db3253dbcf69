"""What is kept of one annotation and of one gold item: functions of the set of events received, in any order.

Both are join semilattices: delivering the same events in another order, or more than once, gives the same record.
"""

from __future__ import annotations

from collections.abc import Iterable

from detectors.keys import AnnotationKey, ItemKey
from detectors.protocols import Annotation, Event

FOREVER = (1 << 63, 1 << 63)
"""A withdrawal above every (revision, time): that of a retraction without a revision."""

MOST_DELIVERIES = 100
"""Distinct deliveries kept of one annotation, or a few less; beyond it each annotator's highest, lowest and latest stay, and the
lowest of the others."""


class AnnotationRecord:
    """The deliveries of one annotation, and up to where they are withdrawn.

    `name` is its project and its id there, `item` what it labels: None if it was never delivered, but a retraction of it was.
    `event` is the highest delivery by (revision, time, id, canonical bytes), `earlier` the lower distinct ones in
    order, `withdrawn` the highest (revision, time) withdrawn so far, `row` the place that a store gave it.
    """

    __slots__ = ("earlier", "event", "item", "name", "row", "withdrawn")

    def __init__(
        self,
        name: AnnotationKey,
        item: ItemKey | None = None,
        event: Annotation | None = None,
        earlier: tuple[Annotation, ...] = (),
        withdrawn: tuple[int, int] | None = None,
        row: int = 0,
    ) -> None:
        self.name = name
        self.item = item
        self.event = event
        self.earlier = earlier
        self.withdrawn = withdrawn
        self.row = row

    @property
    def key(self) -> str:
        """The annotation's id."""
        return self.name[1]

    @property
    def in_force(self) -> bool:
        """Whether the annotation counts: it was delivered, and its highest delivery is not withdrawn."""
        event = self.event
        if event is None:
            return False
        return self.withdrawn is None or (event.revision, event.at) > self.withdrawn

    def deliver(self, event: Annotation) -> tuple[bool, bool]:
        """Take one delivery: (it is the highest now, the record changed)."""
        held = self.event
        if held is None:
            self.event = event
            return True, True
        if precedes(held, event):
            self.earlier = _kept((*self.earlier, held), event)
            self.event = event
            return True, True
        before = self.earlier
        place = len(before)
        while place and precedes(event, before[place - 1]):
            place -= 1
        if not precedes(event, held) or (place and not precedes(before[place - 1], event)):
            return False, False
        self.earlier = _kept((*before[:place], event, *before[place:]), held)
        return False, self.earlier != before

    def withdraw(self, revision: int | None, at: int) -> bool:
        """Take a retraction: for good without a revision, else of all that is not above it; whether it changed."""
        bound = FOREVER if revision is None else (revision, at)
        if self.withdrawn is not None and bound <= self.withdrawn:
            return False
        self.withdrawn = bound
        return True

    def forget(self, annotator: str) -> None:
        """Drop this annotator's deliveries."""
        left = [event for event in self.deliveries() if event.annotator != annotator]
        self.event = left[-1] if left else None
        self.earlier = tuple(left[:-1])

    @property
    def first(self) -> Annotation | None:
        """The first submission: the lowest delivery."""
        return self.earlier[0] if self.earlier else self.event

    @property
    def edits(self) -> int:
        """How many distinct deliveries came after the first."""
        return len(self.earlier)

    def deliveries(self) -> tuple[Annotation, ...]:
        """All that are kept, in order."""
        return self.earlier if self.event is None else (*self.earlier, self.event)


def precedes(one: Event, other: Event) -> bool:
    """Whether one delivery is below the other by (revision or version, time, id, canonical bytes)."""
    first, second = _but_content(one), _but_content(other)
    return first < second or (first == second and one.canonical() < other.canonical())


def _but_content(event: Event) -> tuple[int, int, str]:
    """The order without its last part, which is seldom needed and costs most; a context has no number."""
    number: int = getattr(event, "revision", 0) or getattr(event, "version", 0)
    return number, event.at, event.id


def _kept(earlier: Iterable[Annotation], highest: Annotation) -> tuple[Annotation, ...]:
    """All earlier deliveries, or what must stay of very many: each annotator's highest, lowest and latest, and low others.

    Three places are an annotator's whether these are three or one: so the room for others only shrinks as deliveries come, and
    what is kept does not depend on their order.
    """
    deliveries = tuple(earlier)
    if 4 * (len(deliveries) + 1) <= MOST_DELIVERIES:
        return deliveries
    edges: dict[str, list[Annotation]] = {}
    for event in (*deliveries, highest):
        edge = edges.setdefault(event.annotator, [event, event, event])
        edge[1] = event
        if event.time >= edge[2].time:
            edge[2] = event
    spared = {id(event) for edge in edges.values() for event in edge}
    room = MOST_DELIVERIES - 3 * len(edges)
    kept = []
    for event in deliveries:
        if id(event) in spared:
            kept.append(event)
        elif room > 0:
            room -= 1
            kept.append(event)
    return tuple(kept)
