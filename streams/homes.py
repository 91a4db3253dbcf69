"""A home: partition p of every consumed topic, with one state that one transaction moves forward.

A chunk of one topic passes through `process`: skip what the position covers, parse, fold, commit. What the fold has
changed, the messages to send and the position are written together, guarded by a compare-and-set on the home's
version: either all of it happened, or none. Whatever goes wrong, the home is thrown away and loaded again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol, cast

import msgspec

from detectors.alarms import Alarm, Cause
from detectors.changes import Changes, Erased, Lacks, Needs, TaskCounts
from detectors.config import TaskConfig
from detectors.keys import ItemKey, TaskKey
from detectors.monitor import Monitor
from detectors.records import AnnotationRecord
from detectors.signals import SIGNALS
from detectors.watch import Answer, Watch, WatchKey
from streams.closing import Closing
from streams.dead_letters import Origin
from streams.erasing import Erasing
from streams.events import Erasure, Event, Shape
from streams.merging import Merging
from streams.outbox import FORWARDED, Outbox
from streams.parsing import DeadLetter, Parser, raw_events
from streams.privacy import Privacy
from streams.rebuilding import Rebuilding
from streams.steps import Step
from streams.store import rows
from streams.store.base import Batch, Row, Store
from streams.store.tables import (
    ALARMS,
    ANSWERS,
    CLOCKS,
    CONTEXTS,
    DEAD_LETTERS,
    ERASURES,
    GOLD,
    JOURNAL,
    OUTBOX,
    PAIRS,
    PROJECTS,
    REVIEWS,
    SCOPES,
    TASKS,
    WATCHES,
)

MOST_EVENTS: Final = 15_000
"""A transaction takes in at most this many events, or fewer that are more work, so that it takes seconds at most."""

PART: Final = 10
"""A box or a span of a label is as much work as so many events: what was drawn is compared with what others drew."""

SLICE: Final = 500
"""So many messages are parsed together, if they are plain; one that is not makes its slice be parsed one by one."""

STEP: Final = 5000
"""Erasures and rebuilds go through the stored annotations in steps of this many, each a transaction."""


class Record(Protocol):
    """A message of the log, as aiokafka gives it."""

    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What all homes of a store share.

    `home_of` gives the partition a project lives on; `parsers` one parser a consumed topic.
    """

    configure: Callable[[str, str], TaskConfig]
    privacy: Privacy
    home_of: Callable[[str], int]
    parsers: Mapping[str, Parser]
    alerts_topic: str
    dead_letters_topic: str
    capacity: int = 200_000
    letters_kept_seconds: float = 14 * 86_400.0
    """Dead letters leave the store after this, as they leave their topic."""
    publishes: bool = True
    """Whether there is anyone to send messages to; a replay has no broker."""
    clock: Callable[[], float] = time.time


@dataclass(slots=True)
class Totals:
    """The home's event counts; received = the sum of all others."""

    received: int = 0
    dead_letters: int = 0
    forwarded: int = 0
    projects: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """applied, duplicates, erased by project."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Dead letters by reason."""
    raised: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Alarms raised by project, task and kind."""


@dataclass(slots=True)
class Outcome:
    """What one transaction did, for metrics and logs."""

    events: list[Event]
    refused: list[DeadLetter]
    changes: Changes


@dataclass(slots=True)
class _Taken:
    """What a transaction takes in: so many messages; their events, and what becomes of the strays among them."""

    messages: int = 0
    work: int = 0
    erases: bool = False
    events: list[Event] = field(default_factory=list)
    refused: list[DeadLetter] = field(default_factory=list)
    strays: int = 0
    """Refused, or sent on."""
    batch: Batch = field(default_factory=Batch)


class Home:
    """One home, as one worker holds it from the version it has read."""

    def __init__(self, number: int, store: Store, rules: Rules) -> None:
        self.number = number
        self.store = store
        self._rules = rules
        self.pseudonym = rules.privacy.pseudonym
        self._rebuilding = Rebuilding(self, rules.configure)
        self._erasing = Erasing(self, rules.privacy.erasure_hash)
        self.configure = self._rebuilding.configuration
        self._merging = Merging(self)
        self._closing = Closing(self, self.configure, self._rebuilding.is_under_way)
        row = cast("Sequence[object]", store.open_home(number))
        (
            _,
            self.version,
            positions,
            received,
            dead_letters,
            forwarded,
            self._next_row,
            self._next_letter,
            next_message,
            reasons,
        ) = cast("tuple[int, int, str, int, int, int, int, int, int, str]", row)
        self.positions: dict[str, int] = msgspec.json.decode(positions)
        self.totals = Totals(received, dead_letters, forwarded, reasons=msgspec.json.decode(reasons))
        self.monitor = Monitor(
            self.configure, rules.privacy.pseudonym, rules.privacy.erasure_hash, capacity=rules.capacity
        )
        self.outbox = Outbox(number, next_message, publishes=rules.publishes)
        self._prune_at = 0.0
        self._up_to_date = False
        self._load()

    # -- loading ------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        home, store, monitor = self.number, self.store, self.monitor
        for row in store.scan(PROJECTS, home):
            _, project, *counts = row
            self.totals.projects[cast("str", project)] = cast("tuple[int, int, int]", tuple(counts))
        for row in store.scan(TASKS, home):
            _, project, task, *counts = cast("tuple[str, str, str, int]", tuple(row[:8]))
            monitor.tasks[project, task] = TaskCounts(*cast("list[int]", [*counts, row[-1]]))
            self._rebuilding.load((project, task), row[8:-1])
        for row in store.scan(ALARMS, home):
            alarm = rows.alarm(row)
            self._count_raised(alarm)
            if alarm.cleared_at is None:
                monitor.alarms.hold(alarm)
        for row in store.scan(ERASURES, home):
            _, project, hashed, at, scanned_to, done = cast("tuple[int, str, str, int, int, int]", row)
            monitor.erased.add(Erased(project, hashed))
            if not done:
                self._erasing.add(Erased(project, hashed), at, scanned_to)
        for row in store.scan(CLOCKS, home):
            monitor.clocks.hear(*rows.clock(row))
        self._closing.committed(monitor.clocks.projects)
        for row in store.scan(OUTBOX, home):
            self.outbox.load(row)
        self._fill_shelves()

    def _prune_letters(self, batch: Batch) -> None:
        """Drop the dead letters that are older than they are kept; looks once an hour."""
        now = self._rules.clock()
        if now < self._prune_at:
            return
        self._prune_at = now + 3600.0
        oldest = now - self._rules.letters_kept_seconds
        for row in self.store.scan(DEAD_LETTERS, self.number):
            if cast("int", row[-1]) >= oldest:
                break
            batch.drop(DEAD_LETTERS, row[:2])

    def _fill_shelves(self) -> None:
        """Load the statistics if they fit, so that nothing need be looked up; a fresh home is complete by itself."""
        home, store, monitor, capacity = self.number, self.store, self.monitor, self._rules.capacity
        if self.version == 0:
            for shelf in (monitor.items, monitor.scopes, monitor.pairs, monitor.watches):
                shelf.complete = True
            return
        if store.count(SCOPES, home) <= capacity:
            monitor.scopes.rows.update(rows.scope(row) for row in store.scan(SCOPES, home))
            monitor.scopes.complete = True
        if store.count(PAIRS, home) <= capacity:
            monitor.pairs.rows.update(rows.pair(row) for row in store.scan(PAIRS, home))
            monitor.pairs.complete = True
        if store.count(WATCHES, home) <= capacity:
            for row in store.scan(WATCHES, home):
                self._hold_watch(row)
            monitor.watches.complete = True

    def _hold_watch(self, row: Row) -> None:
        key = _watch_key(row)
        state, alarmed = rows.watch_state(row), self.monitor.alarmed(key)
        watch = Watch.load(key, state, lambda: self._answers(key).values(), alarmed=alarmed)
        self.monitor.watches.rows[key] = watch

    def _answers(self, key: WatchKey) -> dict[int, Answer]:
        return dict(rows.answer(row) for row in self.store.scan(ANSWERS, self.number, *key))

    def _hold_needs(self, needs: Needs) -> None:
        home, store, monitor = self.number, self.store, self.monitor
        if needs.annotations or needs.items:
            self._hold_annotations(store.find_annotations(home, needs.annotations, needs.items), needs.items)
        for row in store.find(REVIEWS, home, needs.reviews) if needs.reviews else ():
            monitor.hold_review(rows.review_event(row))
        for row in store.find(CONTEXTS, home, needs.contexts) if needs.contexts else ():
            monitor.hold_context(rows.context_event(row))

    def _hold_annotations(self, found: Iterable[AnnotationRecord], wanted: Iterable[ItemKey]) -> None:
        monitor = self.monitor
        items: dict[ItemKey, list[AnnotationRecord]] = {}
        for record in found:
            item = record.item
            if item is None:
                monitor.hold_withdrawn(record)
            elif item not in monitor.items.rows:
                items.setdefault(item, []).append(record)
        gold = dict(
            rows.gold_event(row)
            for row in self.store.find(GOLD, self.number, {*items, *wanted} - monitor.items.rows.keys())
        )
        for key in {*items, *gold}:
            monitor.hold_item(key, items.get(key, ()), gold.get(key))

    def _hold_lacks(self, lacks: Lacks) -> None:
        home, store, monitor = self.number, self.store, self.monitor
        if lacks.scopes:
            monitor.scopes.rows.update(rows.scope(row) for row in store.find(SCOPES, home, lacks.scopes))
        if lacks.pairs:
            monitor.pairs.rows.update(rows.pair(row) for row in store.find(PAIRS, home, lacks.pairs))
        for row in store.find(WATCHES, home, lacks.watches) if lacks.watches else ():
            self._hold_watch(row)
        for key in lacks.answers:
            monitor.hold_answers(key, self._answers(key))

    # -- processing ---------------------------------------------------------------------------------------------

    def position(self, topic: str) -> int:
        """The last offset of the topic that the state covers; -1 if none."""
        return self.positions.get(topic, -1)

    def process(self, topic: str, records: Sequence[Record]) -> Iterator[Outcome]:
        """Take in the records above the position, in one transaction or, if they hold very many events, in several.

        Erasures end their transaction: what follows finds the people gone, wherever a chunk ends. Those of one transaction
        are done in one pass. Unfinished work comes first: an event that was folded into half-rebuilt statistics would count
        twice.
        """
        self.finish_work()
        position = self.position(topic)
        pending = [record for record in records if record.offset > position]
        while pending:
            taken = self._take(topic, pending)
            yield self._transact(topic, taken, pending[0].offset, pending[taken.messages - 1].offset)
            del pending[: taken.messages]

    def _take(self, topic: str, pending: Sequence[Record]) -> _Taken:
        """As many of the pending messages as one transaction takes in."""
        taken, parser = _Taken(), self._rules.parsers[topic]
        for begin in range(0, len(pending), SLICE):
            records = pending[begin : begin + SLICE]
            if taken.erases or not self._take_plain(taken, parser, records):
                for record in records:
                    if taken.work >= MOST_EVENTS or not self._take_one(taken, parser, topic, record):
                        return taken
            if taken.work >= MOST_EVENTS:
                break
        return taken

    def _take_plain(self, taken: _Taken, parser: Parser, records: Sequence[Record]) -> bool:
        """Take all of these messages, if they are plain events of projects that live here."""
        if taken.work + len(records) > MOST_EVENTS:
            return False
        events = parser.parse_plain([record.value for record in records])
        if events is None or not all(map(self._lives_here, {event.project for event in events})):
            return False
        taken.events += events
        taken.messages += len(records)
        taken.work += len(records)
        return True

    def _take_one(self, taken: _Taken, parser: Parser, topic: str, record: Record) -> bool:
        """Take one message, unless it must wait for the erasures before it."""
        outcomes = list(parser.parse(record.value))
        erasures = sum(outcome.__class__ is Erasure for outcome in outcomes)
        if taken.erases and erasures < len(outcomes):
            return False
        taken.erases = taken.erases or erasures > 0
        taken.messages += 1
        for element, outcome in enumerate(outcomes):
            taken.work += 1 + PART * _parts(outcome)
            self._admit(taken, topic, record, element, outcome)
        return True

    def _admit(self, taken: _Taken, topic: str, record: Record, element: int, outcome: Event | DeadLetter) -> None:
        """Take in an event, or send it to where it belongs."""
        if isinstance(outcome, DeadLetter):
            taken.strays += 1
            self._refuse(taken, outcome, topic, record.offset, element)
        elif self._lives_here(outcome.project):
            taken.events.append(outcome)
        elif any(name == FORWARDED for name, _ in record.headers):
            taken.strays += 1
            letter = DeadLetter.of(_raw(record, element), "not_at_home", _path(record, element))
            self._refuse(taken, letter, topic, record.offset, element)
        else:
            taken.strays += 1
            self._forward(taken.batch, topic, record, element, outcome.project)

    def _lives_here(self, project: str) -> bool:
        return project in self.totals.projects or self._rules.home_of(project) == self.number

    def _transact(self, topic: str, taken: _Taken, first: int, last: int) -> Outcome:
        home, batch = self.number, taken.batch
        # With the tombstone the person's clock goes.
        batch.erases = taken.erases
        self.totals.received += len(taken.events) + taken.strays
        changes = self._fold(taken.events)
        self._count(batch, changes)
        self._prune_letters(batch)
        self.positions[topic] = last
        batch.put(JOURNAL, (home, self.version + 1, topic, first, last))
        self.commit(batch, changes)
        while taken.erases and (step := self._unfinished()) is not None:
            changes.scopes.update(step.changes.scopes)
            changes.tasks.update(step.changes.tasks)
        return Outcome(taken.events, taken.refused, changes)

    def _fold(self, events: Sequence[Event]) -> Changes:
        monitor = self.monitor
        needs = monitor.needs(events)
        if needs:
            self._hold_needs(needs)
        monitor.receive(events)
        self.settle()
        return monitor.take_changes()

    def settle(self) -> None:
        """Let statistics and detectors see what was received or revised."""
        monitor = self.monitor
        lacks = monitor.lacks()
        if lacks:
            self._hold_lacks(lacks)
        monitor.settle()

    def _count(self, batch: Batch, changes: Changes) -> None:
        projects = self.totals.projects
        for project, counts in changes.counts.items():
            applied, duplicates, erased = projects.get(project, (0, 0, 0))
            projects[project] = held = (
                applied + counts.applied,
                duplicates + counts.duplicates,
                erased + counts.erased,
            )
            batch.put(PROJECTS, (self.number, project, *held))

    def commit(self, batch: Batch, changes: Changes, whole: Collection[TaskKey] = ()) -> None:
        """Write the batch, and all that was changed, in one transaction: the home's next version.

        Of the tasks that are `whole` every closed hour is read anew: they were rebuilt, or are read in another way now.
        """
        version = self.version + 1
        self._merging.add_to(changes)
        self._closing.write(batch, changes, whole)
        self._next_row = rows.write_changes(
            batch, self.number, version, changes, self._next_row, self._rules.privacy.pseudonym
        )
        for task, counts in changes.tasks.items():
            self._put_task(batch, task, counts)
        for alarm in changes.messages:
            if alarm.state == "raised":
                self._count_raised(alarm)
            self.outbox.alert(batch, self._rules.alerts_topic, alarm)
        self.store.commit(
            self.version,
            (
                self.number,
                self.version,
                msgspec.json.encode(self.positions, order="sorted").decode(),
                self.totals.received,
                self.totals.dead_letters,
                self.totals.forwarded,
                self._next_row,
                self._next_letter,
                self.outbox.next_number,
                rows.to_json(self.totals.reasons),
            ),
            batch,
        )
        self.version = version
        self._closing.committed({project for project, _ in changes.clocks})
        self.outbox.committed()
        for erased, at in changes.erased:
            self._erasing.add(erased, at)
        self.monitor.trim()

    def _count_raised(self, alarm: Alarm) -> None:
        raised, cause = self.totals.raised, (alarm.cause.project, alarm.cause.task, alarm.cause.kind)
        raised[cause] = raised.get(cause, 0) + 1

    def _put_task(self, batch: Batch, key: TaskKey, counts: TaskCounts) -> None:
        batch.put(
            TASKS,
            (
                self.number,
                *key,
                counts.annotators,
                counts.passed,
                counts.failed,
                counts.passed_retracted,
                counts.failed_retracted,
                *self._rebuilding.columns(key),
                counts.merged_to,
            ),
        )

    # -- strays -----------------------------------------------------------------------------------------------

    def _refuse(self, taken: _Taken, letter: DeadLetter, topic: str, offset: int, element: int) -> None:
        batch = taken.batch
        taken.refused.append(letter)
        self.totals.dead_letters += 1
        self.totals.reasons[letter.reason] = self.totals.reasons.get(letter.reason, 0) + 1
        number = self._next_letter
        self._next_letter += 1
        batch.put(
            DEAD_LETTERS,
            (
                self.number,
                number,
                letter.reason,
                letter.path,
                topic,
                offset,
                element,
                letter.value,
                letter.length,
                letter.sha256,
                int(self._rules.clock()),
            ),
        )
        self.outbox.refuse(batch, self._rules.dead_letters_topic, letter, self._origin(topic, offset), element)

    def _forward(self, batch: Batch, topic: str, record: Record, element: int, project: str) -> None:
        self.totals.forwarded += 1
        origin, partition = self._origin(topic, record.offset), self._rules.home_of(project)
        self.outbox.forward(batch, topic, _raw(record, element), origin, element, partition=partition, project=project)

    def _origin(self, topic: str, offset: int) -> Origin:
        return Origin(topic, self.number, offset)

    # -- work between chunks --------------------------------------------------------------------------------------

    def step(self) -> Step | None:
        """Take a step of what is unfinished; None if all is done.

        The order is that of the events: erasures are finished under the configuration that they came under. A rebuild for
        a new version of the code goes first: an erasure takes from statistics what our version has put there.
        """
        if self._up_to_date:
            return None
        step = self._unfinished() or self._rebuilding.adopt()
        self._up_to_date = step is None
        return step

    def _unfinished(self) -> Step | None:
        """A step of a rebuild, or of the erasures."""
        return self._rebuilding.refresh() or self._erasing.step()

    def finish_work(self, progress: Callable[[str, int], None] = lambda _, __: None) -> None:
        """Finish erasures and rebuilds, and take over a changed configuration, in bounded steps."""
        while (step := self.step()) is not None:
            progress(step.what, step.row)

    def rebuild_all(self, progress: Callable[[str, int], None] = lambda _, __: None) -> None:
        """Rebuild every task, outdated or not."""
        self._rebuilding.distrust()
        self._up_to_date = False
        self.finish_work(progress)

    def annotations_after(self, row: int) -> tuple[list[AnnotationRecord], bool]:
        """The next stored annotations beyond a row, as many as a step has; and whether they are the last."""
        found = self.store.scan_annotations(self.number, row, STEP)
        return found, len(found) < STEP

    def hold_items(self, items: Iterable[ItemKey]) -> None:
        """Load the items that memory does not hold."""
        missing = self.monitor.items.missing(items)
        if missing:
            self._hold_annotations(self.store.find_annotations(self.number, (), missing), missing)

    def clear_unfounded(self, tasks: Collection[TaskKey]) -> None:
        """Clear the alarms of these tasks that revised histories do not bear out."""
        monitor = self.monitor
        suspects = {cause for cause in monitor.alarms.open if (cause.project, cause.task) in tasks}
        for place in sorted({cause[:3] for cause in suspects if SIGNALS[cause.kind].corrected}):
            for row in self.store.scan(WATCHES, self.number, *place):
                if Cause(*place, cast("str", row[5])) in suspects:
                    key = _watch_key(row)
                    if monitor.watches.missing([key]):
                        self._hold_watch(row)
                    monitor.clear_unfounded(key)


def _watch_key(row: Row) -> WatchKey:
    return WatchKey(*cast("tuple[str, str, str, str]", tuple(row[1:5])))


_raw_events = lru_cache(maxsize=1)(raw_events)
"""The last message cut into its events: the events of one array come here one after the other."""


def _raw(record: Record, element: int) -> bytes:
    """The original bytes of one event of a message."""
    return _raw_events(record.value or b"")[element]


def _path(record: Record, element: int) -> str:
    value = record.value or b""
    return f"$[{element}].project" if value.lstrip(b" \t\r\n")[:1] == b"[" else "$.project"


def _parts(outcome: Event | DeadLetter) -> int:
    """How many boxes or spans the label has."""
    label = getattr(outcome, "label", None)
    return label.parts if isinstance(label, Shape) else 0
