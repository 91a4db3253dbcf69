"""Forgetting people: their deliveries are withdrawn from the stored annotations in bounded steps, and nothing else stays.

One pass serves all who wait. Of a person a keyed hash remains, by which later events are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from detectors.changes import Changes, Erased
from detectors.keys import AnnotationKey, ItemKey
from detectors.records import AnnotationRecord
from streams.steps import Host, Step
from streams.store.base import Batch
from streams.store.tables import DEAD_LETTERS, ERASURES, OUTBOX, REVIEWS


@dataclass(slots=True)
class _Waiting:
    """Somebody who is to be forgotten: when that was asked for, and up to which row nothing is left of the person."""

    erased: Erased
    at: int
    scanned_to: int


class Erasing:
    """The erasures of one home that are not finished. `hash_of` gives what stays of an erased annotator of a project."""

    def __init__(self, home: Host, hash_of: Callable[[str, str], str]) -> None:
        self._home = home
        self._hash_of = hash_of
        self._waiting: list[_Waiting] = []

    def add(self, erased: Erased, at: int, scanned_to: int = 0) -> None:
        """Let somebody wait to be forgotten; the tombstone is stored."""
        self._waiting.append(_Waiting(erased, at, scanned_to))

    def step(self) -> Step | None:
        """Forget those whom the next annotations name, of all who wait at the same row; None if nobody waits."""
        if not self._waiting:
            return None
        home = self._home
        scanned_to = min(person.scanned_to for person in self._waiting)
        people = {person.erased: person for person in self._waiting if person.scanned_to == scanned_to}
        found, last = home.annotations_after(scanned_to)
        batch = Batch(erases=True)
        self._forget(people, found)
        home.settle()
        if last:
            projects = {erased.project for erased in people}
            home.clear_unfounded([key for key in home.monitor.tasks if key[0] in projects])
            self._drop_what_was_said(people, batch)
        if found:
            scanned_to = found[-1].row
        for person in people.values():
            person.scanned_to = scanned_to
        self._put(batch, people.values(), done=False)
        changes = home.monitor.take_changes()
        home.commit(batch, changes)
        if last:
            home.store.scrub()
            batch = Batch()
            self._put(batch, people.values(), done=True)
            home.commit(batch, Changes())
            self._waiting = [person for person in self._waiting if person.erased not in people]
        what = "an erasure" if len(people) == 1 else f"{len(people)} erasures"
        return Step(f"home {home.number}: {what}", scanned_to, changes)

    def _put(self, batch: Batch, people: Iterable[_Waiting], *, done: bool) -> None:
        for person in people:
            batch.put(ERASURES, (self._home.number, *person.erased, person.at, person.scanned_to, int(done)))

    # -- annotations ----------------------------------------------------------------------------------------------

    def _forget(self, people: dict[Erased, _Waiting], found: Sequence[AnnotationRecord]) -> None:
        """Withdraw the people's deliveries from these annotations, in order, and forget what was observed of them."""
        monitor = self._home.monitor
        named = list(self._naming(people, found))
        self._home.hold_items({item for _, items, _ in named for item in items})
        observed: dict[tuple[str, str], int] = {}
        for (project, annotation), _, deliverers in named:
            monitor.forget(project, annotation, deliverers)
            observed.update(((project, name), person.at) for name, person in deliverers.items())
        for (project, annotator), at in observed.items():
            monitor.drop_watches(project, annotator, at)

    def _naming(
        self, people: dict[Erased, _Waiting], found: Sequence[AnnotationRecord]
    ) -> Iterator[tuple[AnnotationKey, set[ItemKey], dict[str, _Waiting]]]:
        """The annotations that one of the people delivered: project and id, items of the deliveries, and by whom."""
        projects = {erased.project for erased in people}
        for record in found:
            project, item = record.name[0], record.item
            if project not in projects or item is None:
                continue
            deliveries = [event for event in (*record.earlier, record.event) if event is not None]
            deliverers = {
                event.annotator: people[erased]
                for event in deliveries
                if (erased := Erased(project, self._hash_of(project, event.annotator))) in people
            }
            if deliverers:
                items = {item, *(ItemKey(project, event.task, event.item) for event in deliveries)}
                yield record.name, items, deliverers

    # -- what was said, or refused --------------------------------------------------------------------------------

    def _drop_what_was_said(self, people: dict[Erased, _Waiting], batch: Batch) -> None:
        """Drop the people's reviews, and refused messages that name them."""
        store, number = self._home.store, self._home.number
        for project in sorted({erased.project for erased in people}):
            for row in store.scan(REVIEWS, number, project):
                if Erased(project, self._hash_of(project, cast("str", row[3]))) in people:
                    batch.drop(REVIEWS, row[:5])
        value, state = DEAD_LETTERS.names.index("value"), OUTBOX.names.index("state")
        for row in store.scan(DEAD_LETTERS, number):
            if self._names_any(people, row[value]):
                batch.drop(DEAD_LETTERS, row[:2])
        value = OUTBOX.names.index("value")
        for row in store.scan(OUTBOX, number):
            # What is unsent will be gone as soon as it is sent.
            if row[state] == "failed" and self._names_any(people, row[value]):
                batch.drop(OUTBOX, row[:2])

    def _names_any(self, people: dict[Erased, _Waiting], value: object) -> bool:
        """Whether a message can be read, and names one of the people as annotator or reviewer.

        One that does not say its project may be of any.
        """
        try:
            found = json.loads(bytes(cast("bytes", value)))
            for event in found if isinstance(found, list) else [found]:
                if not isinstance(event, dict):
                    continue
                project = event.get("project")
                projects = [project] if isinstance(project, str) else {erased.project for erased in people}
                names = (event.get("annotator"), event.get("reviewer"))
                if any(self._is_one(people, place, name) for place in projects for name in names):
                    return True
        except (ValueError, RecursionError):  # no JSON, or cut off
            return False
        return False

    def _is_one(self, people: dict[Erased, _Waiting], project: str, name: object) -> bool:
        """Whether a name that a refused message gives in this project is that of one of the people."""
        if not isinstance(name, str | int):
            return False
        try:
            return Erased(project, self._hash_of(project, str(name))) in people
        except UnicodeEncodeError:  # of letters that no id can have
            return False
