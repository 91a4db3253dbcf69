"""What one worker owns: the store, and the homes of the partitions that Kafka has assigned to it.

One thread uses it, one call after the other. Whatever goes wrong, memory is thrown away and loaded again by the next
call: nothing that was folded or read before a failure, a conflict or a new assignment is ever used after it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import TypeVar, cast

import numpy as np
from faust.types.tuples import TP

from detectors.records import AnnotationRecord
from detectors.watching import took_time
from streams.chunks import Chunk, Following, follows
from streams.delivery import settled
from streams.events import Event, Review
from streams.histograms import Floats
from streams.homes import Home, Outcome, Rules
from streams.metrics import WorkerMetrics
from streams.outbox import Message
from streams.readings import Readings
from streams.steps import Step
from streams.store import Conflict, Store, StoreFailed
from streams.store.tables import HOMES

T = TypeVar("T")


class Owner:
    """The homes that one worker holds.

    `connect` opens the store, `rules` gives what its homes share. `covered` has the first offset that the store does
    not cover yet of each partition.
    """

    def __init__(self, connect: Callable[[], Store], rules: Callable[[Store], Rules], metrics: WorkerMetrics) -> None:
        self.covered: dict[TP, int] = {}
        self._connect = connect
        self._make_rules = rules
        self._metrics = metrics
        self._store: Store | None = None
        self._rules: Rules | None = None
        self._homes: dict[int, Home] = {}
        self._readings: dict[int, Readings] = {}

    def use(self, work: Callable[[Store], T]) -> T:
        """Do something with the store."""
        with self._guard():
            return work(self._opened())

    def positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """The last offset that the state covers of each of these partitions, whose homes are loaded; -1 if none."""
        found = {}
        for tp in partitions:
            with self._guard(tp.partition):
                found[tp] = self._position(self._home(tp.partition), tp)
        return found

    def take_in(self, chunk: Chunk, *, gone: bool = False) -> Following:
        """Take in what the state does not cover yet of a chunk that follows on it; of another one nothing.

        `gone` says that the broker was asked and the log was not cut.
        """
        with self._guard(chunk.partition):
            home = self._home(chunk.partition)
            following = follows(chunk, self._position(home, chunk.tp))
            if following is Following.GONE and gone:
                following = Following.ON
            if following is Following.ON:
                self._process(home, chunk)
                self._position(home, chunk.tp)
            return following

    def step(self, number: int) -> Step | None:
        """Take a step of the home's unfinished erasures and rebuilds; None if all is done."""
        with self._guard(number):
            return self._step(self._home(number))

    def unsent(self, number: int) -> Sequence[Message]:
        """The messages that a held home has yet to publish, in order."""
        home = self._homes.get(number)
        return () if home is None else tuple(home.outbox.unsent)

    def settle(self, number: int, dealt: Sequence[Message], refused: Iterable[Message]) -> None:
        """Strike off messages that were published, and mark those that the broker refuses for good."""
        with self._guard(number):
            self._opened().amend(settled(number, dealt, refused))
        home = self._homes.get(number)
        if home is not None:
            numbers = {message.number for message in dealt}
            home.outbox.unsent = [message for message in home.outbox.unsent if message.number not in numbers]

    def show(self, number: int) -> bool:
        """Take a slice of a held home's readings for the metrics; whether there is more to take."""
        readings = self._readings.get(number)
        if readings is None:
            return False
        with self._guard(number):
            self._metrics.homes[number] = readings.take()
        return readings.pending

    def discard(self, numbers: Iterable[int] | None = None) -> None:
        """Forget what memory holds of these homes, or of all, and what is shown of them."""
        for number in list(self._homes) if numbers is None else numbers:
            if self._homes.pop(number, None) is not None and self._store is not None:
                self._store.close_home(number)
            self._readings.pop(number, None)
            self._metrics.homes.pop(number, None)

    def close(self) -> None:
        """Forget everything and let go of the store; the next call opens it again."""
        self.discard()
        store, self._store, self._rules = self._store, None, None
        if store is not None:
            store.close()

    def _opened(self) -> Store:
        if self._store is None:
            self._store = self._connect()
        return self._store

    def _home(self, number: int) -> Home:
        home = self._homes.get(number)
        if home is None:
            store = self._opened()
            if self._rules is None:
                self._rules = self._make_rules(store)
            home = self._homes[number] = Home(number, store, self._rules)
            self._readings[number] = Readings(home)
        return home

    def _position(self, home: Home, tp: TP) -> int:
        position = home.position(tp.topic)
        self.covered[tp] = position + 1
        return position

    @contextmanager
    def _guard(self, number: int | None = None) -> Iterator[None]:
        """After an error of the store a fresh connection, after any other a fresh home."""
        try:
            yield
        except StoreFailed:
            self.close()
            raise
        except BaseException:
            if number is not None:
                self.discard([number])
            raise

    def _step(self, home: Home) -> Step | None:
        step = home.step()
        if step is not None:
            self._readings[home.number].note_all()
        return step

    def _process(self, home: Home, chunk: Chunk) -> None:
        try:
            while self._step(home) is not None:
                pass
            began = time.perf_counter()
            for outcome in home.process(chunk.topic, chunk.records):
                now = time.perf_counter()
                self._metrics.commits.observe(now - began)
                self._note(home.number, outcome)
                began = now
        except (StoreFailed, Conflict):
            raise
        except Exception as error:
            if self._is_stale(home):
                raise Conflict(f"home {home.number}: another worker wrote to it while it was read") from error
            raise

    def _is_stale(self, home: Home) -> bool:
        """Whether rows may have been looked up that do not belong to the version that memory was built from."""
        return all(row[1] != home.version for row in self._opened().scan(HOMES, home.number))

    def _note(self, number: int, outcome: Outcome) -> None:
        metrics, now, changes = self._metrics, time.time(), outcome.changes
        self._readings[number].note(changes)
        times, durations = _times(outcome.events), _durations(changes.new)
        metrics.delays.observe_all(_lengths(times), np.maximum(now - _flat(times), 0.0))
        metrics.durations.observe_all(_lengths(durations), _flat(durations) / 1000.0)
        for project in changes.counts:
            metrics.stamp("kappawatch_last_event_timestamp_seconds", now, (project,))
            metrics.review(project)
        for review in cast("Iterable[Review]", changes.reviews.values()):
            metrics.review(review.project, review.verdict)
        metrics.set("kappawatch_heartbeat_timestamp_seconds", now, ("commit",))


def _times(events: Iterable[Event]) -> Mapping[str, Sequence[float]]:
    """The events' times by project, in seconds since 1970."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    seconds = datetime.timestamp
    for event in events:
        found[event.project].append(seconds(event.time))
    return found


def _durations(new: Iterable[AnnotationRecord]) -> Mapping[str, Sequence[int]]:
    """How long the annotations took that say so, by project, in milliseconds; reviews and skipped items are left out."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for record in new:
        event = record.event
        if event is not None and event.duration_ms and took_time(event):
            found[event.project].append(event.duration_ms)
    return found


def _lengths(found: Mapping[str, Sequence[float]]) -> Mapping[str, int]:
    return {project: len(values) for project, values in found.items()}


def _flat(found: Mapping[str, Sequence[float]]) -> Floats:
    return np.array(list(chain.from_iterable(found.values())), np.float64)
