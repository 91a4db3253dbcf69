"""The monitor of one home: a pure fold of events into statistics, detectors and alarms. No I/O, no clock.

A chunk of events passes through it one way, and a store fills in between what memory does not hold:

    needs(events) -> [look up] -> hold -> receive(events) -> lacks() -> [look up] -> hold -> settle()

`receive` changes annotations and gold, `settle` lets the statistics see one net change an item, and the detectors
each answer in order. `take_changes` hands over what to write. Where a chunk ends makes no difference, but to the order in
which the alarms of several annotators are told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, repeat
from operator import attrgetter
from typing import NamedTuple, TypeAlias, TypeVar

from detectors.alarms import Alarm, AlarmBook, Cause
from detectors.config import TaskConfig
from detectors.item import (
    MOST_ANNOTATORS,
    NOTHING,
    Contribution,
    Each,
    Item,
    ItemKey,
    Pair,
    Place,
    Twos,
    Whole,
    contribute,
    contribution,
    pairs_of,
    verdicts,
)
from detectors.labels import LABEL_TYPES, Fit
from detectors.panes import PANE, bound_name, merged_name
from detectors.protocols import Annotation, Context, Erasure, Event, Gold, Retraction, Review
from detectors.records import AnnotationRecord, precedes
from detectors.scope import Scope
from detectors.shelf import Shelf
from detectors.signals import SIGNALS
from detectors.watch import KEPT_ANSWERS, Answer, AnswerKey, Revision, Watch, WatchKey, revised
from detectors.watermark import Clocks, merged_to

AnnotationKey = tuple[str, str]  # project, annotation
ReviewKey = tuple[str, str, str, str]  # project, annotation, reviewer, stage
ContextKey = tuple[str, str]  # project, id
ClockKey = tuple[str, str]  # project, annotator
TaskKey = tuple[str, str]  # project, task


class ScopeKey(NamedTuple):
    """A scope: one value of a dimension, in one task."""

    project: str
    task: str
    dimension: str
    value: str


class PairKey(NamedTuple):
    """Two annotators, a before b, and the label type they are compared on."""

    project: str
    task: str
    label_type: str
    a: str
    b: str


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
        self.new: list[tuple[AnnotationKey, ItemKey | None, AnnotationRecord]] = []
        """Annotations that are here for the first time; those that the chunk also changed are among the changed ones too."""
        self.annotations: dict[AnnotationKey, tuple[ItemKey | None, AnnotationRecord]] = {}
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


_WatchName: TypeAlias = tuple[str, str, str, str]
"""A `WatchKey`, which as a plain tuple is made faster."""

_Signal: TypeAlias = tuple[str, int, float | None, Event, bool]
"""Something to tell a watch: the annotation, its time, the observation (None: it no longer counts); the event that says
so; whether the watch knows the annotation already."""


T = TypeVar("T", bound=Hashable)


class _Moves(NamedTuple):
    """What a chunk's items bring to the statistics of a task, and what they take away."""

    fresh: Contribution
    """Of items that brought nothing before: nearly all."""
    new: Contribution
    old: Contribution

    def wholes(self) -> Iterator[tuple[Whole, int]]:
        """Each with how often it is to be added; those of many items are counted, so that each comes once."""
        return iter(_counted(self.fresh.wholes + self.new.wholes, self.old.wholes).items())

    def each(self) -> Iterator[tuple[Each, int]]:
        """As these seldom repeat, all as they are, but what is taken away and brought again."""
        return chain(zip(self.fresh.each, repeat(1)), _counted(self.new.each, self.old.each).items())

    def twos(self) -> Iterator[tuple[Twos, int]]:
        """The same of pairs."""
        return chain(zip(self.fresh.twos, repeat(1)), _counted(self.new.twos, self.old.twos).items())


class Monitor:
    """The fold of one home.

    `configure` gives a task's configuration, `pseudonym` the name under which an annotator may be shown,
    `erasure_hash` the keyed hash that stays of an erased one; `capacity` bounds each kind of row held in memory.
    """

    def __init__(
        self,
        configure: Callable[[str, str], TaskConfig],
        pseudonym: Callable[[str, str], str],
        erasure_hash: Callable[[str, str], str],
        capacity: int = 200_000,
    ) -> None:
        self._configure = configure
        self._pseudonym = pseudonym
        self._erasure_hash = erasure_hash
        self._capacity = capacity
        self.items: Shelf[ItemKey, Item] = Shelf()
        self.records: dict[AnnotationKey, tuple[ItemKey | None, AnnotationRecord]] = {}
        self.scopes: Shelf[ScopeKey, Scope] = Shelf()
        self.pairs: Shelf[PairKey, dict[str, int]] = Shelf()
        self.watches: Shelf[WatchKey, Watch] = Shelf()
        self.tasks: dict[TaskKey, TaskCounts] = {}
        self.alarms = AlarmBook()
        self.erased: set[Erased] = set()
        self.clocks = Clocks()
        self._fits: dict[TaskKey, Fit] = {}
        self._histories: dict[WatchKey, dict[int, Answer]] = {}
        self._reviews: dict[ReviewKey, Review] = {}
        self._contexts: dict[ContextKey, Context] = {}
        self._touched: list[Item] = []
        self._moves: dict[TaskKey, _Moves] = {}
        self._durations: defaultdict[_WatchName, list[Annotation]] = defaultdict(list)
        self._untimed: list[Annotation] = []
        self._signals: defaultdict[_WatchName, list[_Signal]] = defaultdict(list)
        self._corrected: set[_WatchName] = set()
        self._revisions: dict[WatchKey, list[Revision]] = {}
        self._used: list[ItemKey] = []
        self._undelivered: set[AnnotationKey] = set()
        self._changes = Changes()

    # -- looking up ---------------------------------------------------------------------------------------------

    def needs(self, events: Collection[Event]) -> Needs:
        """What of these events' subjects memory does not hold."""
        needs = Needs(set(), set(), set(), set())
        items, records, complete = self.items.rows, self.records, self.items.complete
        if complete and {kind.__name__ for kind in {event.__class__ for event in events}}.isdisjoint(
            {"Review", "Context"}
        ):
            return needs
        for event in events:
            kind = event.__class__.__name__
            if kind == "Review":
                needs.reviews.add(_review_key(event))  # type: ignore[arg-type]
            elif kind == "Context":
                needs.contexts.add((event.project, event.id))
            elif complete:
                continue
            elif kind == "Annotation":
                annotation: Annotation = event  # type: ignore[assignment]
                name = annotation.project, annotation.key
                if name not in records:
                    needs.annotations.add(name)
                item = annotation.project, annotation.task, annotation.item
                if item not in items:
                    needs.items.add(ItemKey(*item))
            elif kind == "Gold":
                gold: Gold = event  # type: ignore[assignment]
                item = gold.project, gold.task, gold.item
                if item not in items:
                    needs.items.add(ItemKey(*item))
            elif kind == "Retraction":
                retraction: Retraction = event  # type: ignore[assignment]
                name = retraction.project, retraction.annotation
                if name not in records:
                    needs.annotations.add(name)
        return needs

    def hold_item(self, key: ItemKey, records: Iterable[AnnotationRecord], gold: Gold | None) -> None:
        """Take an item as a store has it: all its annotations and its gold."""
        item = self.items.rows[key] = Item(key)
        item.gold = gold
        for record in records:
            item.records[record.key] = record
            self.records[key.project, record.key] = (key, record)

    def hold_withdrawn(self, project: str, record: AnnotationRecord) -> None:
        """Take the retraction of an annotation that was never delivered."""
        self._undelivered.add((project, record.key))
        self.records[project, record.key] = (None, record)

    def hold_review(self, review: Review) -> None:
        """Take a review as a store has it."""
        self._reviews[_review_key(review)] = review

    def hold_context(self, context: Context) -> None:
        """Take a context as a store has it."""
        self._contexts[context.project, context.id] = context

    def hold_answers(self, key: WatchKey, answers: dict[int, Answer]) -> None:
        """Take the kept answers of a watch, by number."""
        self._histories[key] = answers

    # -- receiving ----------------------------------------------------------------------------------------------

    def receive(self, events: Iterable[Event]) -> None:
        """Let the events change annotations, gold, reviews and contexts, and note who must be told."""
        counts: dict[str, Counts] = self._changes.counts
        kind, handle = None, self._HANDLERS["Annotation"]
        for event in events:
            if event.__class__ is not kind:
                kind = event.__class__
                handle = self._HANDLERS[kind.__name__]
            outcome = handle(self, event)
            count = counts.get(event.project)
            if count is None:
                count = counts[event.project] = Counts()
            if outcome:
                count.applied += 1
            elif outcome is None:
                count.erased += 1
            else:
                count.duplicates += 1

    def _annotation(self, event: Annotation) -> bool | None:
        project = event.project
        if self.erased and self._is_erased(project, event.annotator):
            return None
        key = event.key
        name = project, key
        held = self.records.get(name)
        if held is None:
            item = self._touch(project, event.task, event.item)
            record = item.records[key] = AnnotationRecord(key, event)
            self.records[name] = item.key, record
            self._changes.new.append((name, item.key, record))
            self._first_seen(event)
            if item.gold is not None:
                self._tell_first(event, item)
            return True
        self._untimed.append(event)
        old_key, record = held
        item_key = ItemKey(project, event.task, event.item)
        old = None if old_key is None else self._touch(*old_key)
        highest, changed = record.deliver(event)
        if not highest:
            if changed:
                self._keep(project, old_key, record)
            return False
        if old_key != item_key:
            self._vacate(record)
            if old is not None:
                del old.records[key]
                self._tell(event, old)
        item = self._touch(*item_key)
        item.records[key] = record
        self._keep(project, item_key, record)
        if old is None and record.in_force:
            self._first_seen(event)
        self._tell(event, item)
        return True

    def _retraction(self, event: Retraction) -> bool:
        held = self.records.get((event.project, event.annotation))
        if held is None:
            held = None, AnnotationRecord(event.annotation)
        item_key, record = held
        item = None if item_key is None else self._touch(*item_key)
        if not record.withdraw(event.revision, event.at):
            return False
        self._keep(event.project, item_key, record)
        if item is not None:
            self._tell(event, item)
        return True

    def _gold(self, event: Gold) -> bool:
        item = self._touch(event.project, event.task, event.item)
        if item.gold is not None and not precedes(item.gold, event):
            return False
        if item.verdicts is None:
            item.verdicts = verdicts(item, self.fit(event.project, event.task))
        item.gold = event
        self._changes.gold[item.key] = event
        self._tell(event, item)
        return True

    def _review(self, event: Review) -> bool | None:
        if self.erased and self._is_erased(event.project, event.reviewer):
            return None
        key = _review_key(event)
        held = self._reviews.get(key)
        if held is not None and not precedes(held, event):
            return False
        self._reviews[key] = self._changes.reviews[key] = event
        return True

    def _context(self, event: Context) -> bool:
        key = (event.project, event.id)
        held = self._contexts.get(key)
        if held is not None and not precedes(held, event):
            return False
        self._contexts[key] = self._changes.contexts[key] = event
        return True

    def _erasure(self, event: Erasure) -> bool:
        tombstone = Erased(event.project, self._erasure_hash(event.project, event.annotator))
        if tombstone in self.erased:
            return False
        self.erased.add(tombstone)
        if self.clocks.forget(event.project, event.annotator):
            self._changes.clocks[event.project, event.annotator] = None
        self._changes.erased.append((tombstone, event.at))
        return True

    _HANDLERS: dict[str, Callable[..., bool | None]] = {  # noqa: RUF012 - methods by the name of the event's type
        "Annotation": _annotation,
        "Retraction": _retraction,
        "Gold": _gold,
        "Review": _review,
        "Context": _context,
        "Erasure": _erasure,
    }

    def forget(self, project: str, annotation: str, annotators: Iterable[str]) -> None:
        """Withdraw the deliveries of erased annotators from one annotation: a bounded step of an erasure."""
        item_key, record = self.records[project, annotation]
        if item_key is None:
            return
        touched = {item_key: self._touch(*item_key)}
        for annotator in annotators:
            record.forget(annotator)
        del touched[item_key].records[annotation]
        moved = None
        if record.event is not None:
            moved = ItemKey(project, record.event.task, record.event.item)
            touched[moved] = self._touch(*moved)
            touched[moved].records[annotation] = record
        self._keep(project, moved, record)
        if moved != item_key:
            self._vacate(record)
        if record.event is None and record.withdrawn is None:
            # Nothing is stored of it: with this id it would be new, to a home that was loaded anew and to this one.
            del self.records[project, annotation]
            self._undelivered.discard((project, annotation))
        for item in touched.values():
            self._revise(item)

    def rejudge(self, key: ItemKey, former: Fit, *, revise: bool) -> None:
        """Judge an item's answers anew that were judged as `former` reads labels; `revise` what detectors know of them."""
        item = self.items.rows[key]
        item.verdicts = verdicts(item, former)
        if revise:
            self._revise(item)
        else:
            self._recount(item)

    def _revise(self, item: Item) -> None:
        """Judge an item's answers anew where no event says so: what detectors know is corrected, nothing is raised."""
        project, task, _ = item.key
        changed = self._recount(item)
        if not changed or "gold_errors" not in self._configure(project, task).detectors:
            return
        for at, key, annotator, value, known in sorted(changed, key=_withdrawn_first):
            if not (self.erased and self._is_erased(project, annotator)):
                watch = WatchKey(project, task, "gold_errors", annotator)
                self._revisions.setdefault(watch, []).append(Revision(key, at, value, known))

    def reconfigure(self, key: TaskKey, dropped: Collection[str]) -> None:
        """The task's configuration is another one now; what was observed of the dropped signals is forgotten."""
        self._fits.pop(key, None)
        for name in [name for name in self.watches.rows if name[:2] == key and name.signal in dropped]:
            del self.watches.rows[name]
        for cause in sorted(self.alarms.open):
            if (cause.project, cause.task) == key and cause.kind in dropped:
                self.alarms.clear(cause, self.alarms.open[cause].history[-1][1], "unwatched", {})

    def drop_statistics(self, tasks: Collection[TaskKey]) -> None:
        """Forget the statistics of these tasks, which a rebuild begins anew."""
        dropped = {*tasks}
        for key in [key for key in self.scopes.rows if key[:2] in dropped]:
            del self.scopes.rows[key]
        for pair in [pair for pair in self.pairs.rows if pair[:2] in dropped]:
            del self.pairs.rows[pair]

    def clear_unfounded(self, key: WatchKey) -> None:
        """Clear the watch's alarm if its history, as it was revised, does not bear it out; the watch is held."""
        cause, watch = self._cause(key), self.watches.rows[key]
        alarm = self.alarms.open.get(cause)
        if alarm is not None and not watch.detector.drifted:
            self.alarms.clear(cause, max(alarm.raised_at, watch.last), "corrected", self._evidence(watch))

    def drop_watches(self, project: str, annotator: str, at: int) -> None:
        """Forget what was observed of an erased annotator, in every task, and clear the alarms about it."""
        for task in sorted(task for of, task in self.tasks if of == project):
            for signal in SIGNALS:
                self._drop_watch(WatchKey(project, task, signal, annotator), at)

    def _drop_watch(self, key: WatchKey, at: int) -> None:
        self.watches.rows.pop(key, None)
        self.watches.changed.discard(key)
        self._changes.watches[key] = None
        cause = self._cause(key)
        if cause in self.alarms.open:
            self.alarms.clear(cause, at, "erased", {})

    def fit(self, project: str, task: str) -> Fit:
        """How the task reads labels."""
        fit = self._fits.get((project, task))
        if fit is None:
            fit = self._fits[project, task] = Fit(self._configure(project, task))
        return fit

    def touch(self, key: ItemKey) -> None:
        """Count an item that memory holds as changed: a rebuild adds it to statistics that start at nothing."""
        item = self.items.rows[key]
        item.verdicts = None
        if item.before is None:
            self._touched.append(item)
        item.before = NOTHING

    def _touch(self, project: str, task: str, name: str) -> Item:
        """The item; its contribution as it was before this chunk is kept at the first touch."""
        items = self.items.rows
        # For keys that are tuples, a plain tuple does and is made faster.
        item: Item | None = items.get((project, task, name))  # type: ignore[call-overload]
        if item is None:
            key = ItemKey(project, task, name)
            item = items[key] = Item(key)
        if item.before is None:
            self._touched.append(item)
            if item.records:
                item.before = contribution(item, self.fit(project, task))
            else:
                item.before = NOTHING
            if item.gold is not None and item.verdicts is None:
                item.verdicts = verdicts(item, self.fit(project, task))
        return item

    def _keep(self, project: str, item: ItemKey | None, record: AnnotationRecord) -> None:
        name = project, record.key
        if item is None:
            self._undelivered.add(name)
        self.records[name] = self._changes.annotations[name] = item, record

    def _vacate(self, record: AnnotationRecord) -> None:
        """Give up the record's row: rows are found by their item, so a record that moves is written anew."""
        if record.row:
            self._changes.vacated.append(record.row)
            record.row = 0

    def _is_erased(self, project: str, annotator: str) -> bool:
        return Erased(project, self._erasure_hash(project, annotator)) in self.erased

    # -- what the detectors will see ------------------------------------------------------------------------------

    def _first_seen(self, event: Annotation) -> None:
        """How long an answer took is a fact of the moment it was first seen; later edits do not change it."""
        if event.duration_ms and event.stage == "annotate" and not event.skipped:
            self._durations[event.project, event.task, "log_duration", event.annotator].append(event)
        else:
            self._untimed.append(event)

    def _tell_first(self, event: Annotation, item: Item) -> None:
        """Note a new annotation's answer to gold; where nobody's other answer can change, only this one is judged."""
        judged = item.verdicts
        if judged is None or len(item.records) > MOST_ANNOTATORS or _annotations_by(item, event.annotator) > 1:
            self._tell(event, item)
            return
        project, task, _ = item.key
        fit = self.fit(project, task)
        key, label = item.key_of(fit), None if event.skipped or event.stage != "annotate" else fit(event.label)
        if key is None or label is None or not LABEL_TYPES[label[0]].answers:
            return
        wrong = label not in key.accepted
        judged[event.key] = (event, wrong)
        self._task(project, task).answered(wrong=wrong)
        name = project, task, "gold_errors", event.annotator
        self._signals[name].append((event.key, event.at, float(wrong), event, False))

    def _tell(self, event: Event, item: Item) -> None:
        """Note the answers to gold that this event made right or wrong, or took back."""
        if item.gold is None:
            return
        project, task, _ = item.key
        for at, key, annotator, value, known in sorted(self._recount(item), key=_withdrawn_first):
            name = project, task, "gold_errors", annotator
            self._signals[name].append((key, at, value, event, known))
            if known:
                self._corrected.add(name)

    def _recount(self, item: Item) -> list[tuple[int, str, str, float | None, bool]]:
        """Judge the item's answers anew and count what changed: (time, annotation, annotator, wrong or None, known)."""
        signals: list[tuple[int, str, str, float | None, bool]] = []
        if item.gold is None:
            return signals
        project, task, _ = item.key
        before = item.verdicts or {}
        after = item.verdicts = verdicts(item, self.fit(project, task))
        if before == after:
            return signals
        counts = self._task(project, task)
        for key, (annotation, wrong) in before.items():
            if key not in after or after[key][0].annotator != annotation.annotator:
                counts.retracted(wrong=wrong)
                signals.append((annotation.at, key, annotation.annotator, None, True))
        for key, (annotation, wrong) in after.items():
            known = key in before and before[key][0].annotator == annotation.annotator
            if not known or before[key][1] != wrong:
                if known:
                    counts.retracted(wrong=before[key][1])
                counts.answered(wrong=wrong)
                signals.append((annotation.at, key, annotation.annotator, float(wrong), known))
        return signals

    # -- settling -------------------------------------------------------------------------------------------------

    def lacks(self) -> Lacks:
        """What of the statistics and detectors to be changed memory does not hold."""
        moves = self._moves = self._moved()
        lacks = Lacks(set(), set(), set(), set())
        if not self.scopes.complete or not self.pairs.complete:
            for task, moved in moves.items():
                places = {place for (places, _), _ in moved.wholes() for place in places}
                places.update(("annotator", annotator) for (people, _), _ in moved.each() for annotator in people)
                merged = self._merged(*task)
                lacks.scopes.update(self.scopes.missing([_scope_key(*task, place, merged) for place in places]))
                pairs = {pair for twos, _ in moved.twos() for pair, _ in pairs_of(twos)}
                lacks.pairs.update(self.pairs.missing([PairKey(*task, *pair) for pair in pairs]))
        if not self.watches.complete:
            lacks.watches.update(self.watches.missing([WatchKey(*name) for name in (*self._durations, *self._signals)]))
            lacks.watches.update(self.watches.missing(self._revisions))
        lacks.answers.update(WatchKey(*name) for name in self._corrected if name not in self._histories)
        lacks.answers.update(self._revisions)
        return lacks

    def settle(self) -> None:
        """Let statistics see each item's net change, and detectors each answer in order."""
        for task, moves in self._moves.items():
            self._know_task(*task)
            self._apply(*task, moves)
        self._moves = {}
        for item in self._touched:
            item.before = None
        self._used += [item.key for item in self._touched]
        self._touched.clear()
        self._hear()
        for name, timed in self._durations.items():
            watch = self._watch(name)
            if watch is not None:
                self._observe_durations(watch, timed)
        self._durations.clear()
        for name, signals in self._signals.items():
            watch = self._watch(name)
            if watch is not None:
                self._observe(watch, signals)
        self._signals.clear()
        self._corrected.clear()
        for key, revisions in self._revisions.items():
            self._revise_watch(key, revisions)
        self._revisions.clear()
        self._histories.clear()

    def hear(self, annotations: Iterable[Annotation]) -> None:
        """Take the times of annotations that were received before: a rebuild finds clocks again."""
        self._untimed += annotations

    def _hear(self) -> None:
        """Let the annotators' clocks come to what they sent; most of it is by annotator already."""
        for (project, _, _, annotator), timed in self._durations.items():
            last = max([annotation.time for annotation in timed])
            latest = timed[-1] if timed[-1].time == last else max(timed, key=_time)
            self._hear_one(project, annotator, latest.at)
        if self._untimed:
            in_order = sorted(self._untimed, key=_time)
            highest = {(annotation.project, annotation.annotator): annotation for annotation in in_order}
            for (project, annotator), annotation in highest.items():
                self._hear_one(project, annotator, annotation.at)
            self._untimed.clear()

    def _hear_one(self, project: str, annotator: str, at: int) -> None:
        if not (self.erased and self._is_erased(project, annotator)) and self.clocks.hear(project, annotator, at):
            self._changes.clocks[project, annotator] = at

    def _moved(self) -> dict[TaskKey, _Moves]:
        """What the touched items change in the statistics of their tasks."""
        moves: dict[TaskKey, _Moves] = {}
        for item in self._touched:
            project, task, _ = item.key
            moved = moves.get((project, task))
            if moved is None:
                moved = moves[project, task] = _Moves(Contribution(), Contribution(), Contribution())
            before = item.before
            if not before:
                contribute(item, self.fit(project, task), moved.fresh)
                continue
            after = contribution(item, self.fit(project, task))
            if before != after:
                moved.old.extend(before)
                moved.new.extend(after)
        return {task: moved for task, moved in moves.items() if any(moved)}

    def _apply(self, project: str, task: str, moves: _Moves) -> None:
        scopes: dict[Place, Scope] = {}
        merged = self._merged(project, task)
        for (places, addition), times in moves.wholes():
            for place in places:
                scope = scopes.get(place)
                if scope is None:
                    scope = scopes[place] = self._scope(_scope_key(project, task, place, merged))
                scope.update(addition, times)
        self._apply_each(project, task, moves)
        confusions: dict[Pair, dict[str, int]] = {}
        for (kind, people, patterns), times in moves.twos():
            for (a, b), pattern in zip(combinations(people, 2), patterns, strict=True):
                pair = kind, a, b
                confusion = confusions.get(pair)
                if confusion is None:
                    confusion = confusions[pair] = self._pair(PairKey(project, task, *pair))
                count = confusion.get(pattern, 0) + times
                if count:
                    confusion[pattern] = count
                else:
                    del confusion[pattern]

    def _apply_each(self, project: str, task: str, moves: _Moves) -> None:
        scopes: dict[str, Scope] = {}
        were = 0
        for (people, additions), times in moves.each():
            for annotator, addition in zip(people, additions, strict=True):
                scope = scopes.get(annotator)
                if scope is None:
                    scope = scopes[annotator] = self._scope(ScopeKey(project, task, "annotator", annotator))
                    were += scope.annotations > 0
                scope.update(addition, times)
        are = sum(scope.annotations > 0 for scope in scopes.values())
        if are != were:
            self._task(project, task).annotators += are - were

    def _scope(self, key: ScopeKey) -> Scope:
        self.scopes.changed.add(key)
        scope = self.scopes.rows.get(key)
        if scope is None:
            scope = self.scopes.rows[key] = Scope()
        return scope

    def _merged(self, project: str, task: str) -> str:
        """The bound below which the task's hours are merged, by its name."""
        counts = self.tasks.get((project, task))
        return bound_name(counts.merged_to) if counts is not None else ""

    def _pair(self, key: PairKey) -> dict[str, int]:
        self.pairs.changed.add(key)
        patterns = self.pairs.rows.get(key)
        if patterns is None:
            patterns = self.pairs.rows[key] = {}
        return patterns

    def _know_task(self, project: str, task: str) -> None:
        """Every task that anything is kept of has its row: by it a rebuild and an erasure find what there is."""
        if (project, task) not in self.tasks:
            self._task(project, task)

    def _task(self, project: str, task: str) -> TaskCounts:
        key = (project, task)
        counts = self.tasks.get(key)
        if counts is None:
            counts = self.tasks[key] = TaskCounts()
        self._changes.tasks[key] = counts
        return counts

    def _watch(self, name: _WatchName) -> Watch | None:
        """The watch of this name; None where the task does not watch this signal."""
        project, task, signal, _ = name
        self._know_task(project, task)
        if signal not in self._configure(project, task).detectors:
            return None
        watch = self.watches.find(name)
        if watch is None:
            key = WatchKey(*name)
            watch = self.watches.rows[key] = Watch.fresh(key)
        self.watches.changed.add(watch.key)
        return watch

    def _observe_durations(self, watch: Watch, annotations: Iterable[Annotation]) -> None:
        """Tell a watch how long these took, in order."""
        seen: list[Annotation] = []
        last = None
        for annotation in annotations:
            # Answers sent on one page share a time, and each has an even share of the page's duration.
            time = annotation.time
            if time != last:
                seen.append(annotation)
                last = time
        if seen[0].at == watch.last:
            del seen[0]
        durations = [(annotation.duration_ms or 0) / 1000 for annotation in seen]
        begin, cause = 0, self._cause_of(watch)
        while begin < len(seen):
            alarmed = cause in self.alarms.open
            news = durations[begin : begin + 1] if alarmed else durations[begin:]
            begin += watch.observe_until(news, lambda place, begin=begin: seen[begin + place].at)  # type: ignore[misc]
            if alarmed or watch.detector.drift_detected:
                self._judge(watch, cause, seen[begin - 1])

    def _observe(self, watch: Watch, signals: Iterable[_Signal]) -> None:
        """Tell a watch of answers, in order."""
        cause = self._cause_of(watch)
        for annotation, at, value, event, known in signals:
            if known:
                self._correct(watch, annotation, value, event)
            elif value is not None:
                watch.observe(value, at)
                self._keep_answer(watch, Answer(annotation, at, value))
                if cause in self.alarms.open or watch.detector.drift_detected:
                    self._judge(watch, cause, event)

    def _cause_of(self, watch: Watch) -> Cause:
        """The cause of the watch's alarms, which is asked for at every chunk."""
        if watch.cause is None:
            watch.cause = self._cause(watch.key)
        return watch.cause

    def _keep_answer(self, watch: Watch, answer: Answer) -> None:
        key = watch.key
        watch.answers += 1
        self._changes.answers[AnswerKey(*key, watch.answers)] = answer
        history = self._histories.get(key)
        if history is not None:
            history[watch.answers] = answer
        if watch.answers > KEPT_ANSWERS:
            self._changes.answers[AnswerKey(*key, watch.answers - KEPT_ANSWERS)] = None
            if history is not None:
                history.pop(watch.answers - KEPT_ANSWERS, None)

    def _correct(self, watch: Watch, annotation: str, value: float | None, event: Event) -> None:
        """History was corrected: the detector is rebuilt without raising anything, and may clear what no longer holds."""
        key = watch.key
        history = self._histories.setdefault(key, {})
        number = next((n for n, answer in history.items() if answer.annotation == annotation), None)
        if number is None:
            return
        if value is None:
            del history[number]
            self._changes.answers[AnswerKey(*key, number)] = None
        else:
            corrected = history[number]._replace(value=value)
            history[number] = self._changes.answers[AnswerKey(*key, number)] = corrected
        cause = self._cause(key)
        watch.rebuild((history[number] for number in sorted(history)), alarmed=cause in self.alarms.open)
        if cause in self.alarms.open and not watch.detector.drifted:
            self.alarms.clear(cause, event.at, "corrected", self._evidence(watch))

    def _revise_watch(self, key: WatchKey, revisions: Sequence[Revision]) -> None:
        """Revise a history: the detector is rebuilt from it, in the order of time, and raises and clears nothing yet."""
        history = self._histories.get(key, {})
        found = revised(history.values(), revisions)
        if found is None:
            return
        answers, added = found
        watch = self.watches.find(key)
        if watch is None:
            watch = self.watches.rows[key] = Watch.fresh(key)
        self.watches.changed.add(key)
        watch.answers += added
        numbered = dict(enumerate(answers, watch.answers - len(answers) + 1))
        for number in history.keys() | numbered.keys():
            if history.get(number) != numbered.get(number):
                self._changes.answers[AnswerKey(*key, number)] = numbered.get(number)
        watch.since = watch.last = 0
        watch.rebuild(answers, alarmed=self._cause(key) in self.alarms.open)

    def _judge(self, watch: Watch, cause: Cause, event: Event) -> None:
        """Raise, renew or clear the alarm of this watch's cause."""
        detector = watch.detector
        if cause not in self.alarms.open:
            if detector.drift_detected:
                description = SIGNALS[watch.key.signal]
                evidence = {
                    "signal": description.name,
                    "detector": detector.name,
                    "since": watch.since,
                    **self._evidence(watch),
                    "candidate_causes": list(description.causes),
                    "action": description.action,
                }
                self.alarms.open_alarm(cause, description.severity, event.at, event.id, evidence)
        elif detector.recovered:
            self.alarms.clear(cause, event.at, "recovered", self._evidence(watch))
        else:
            self.alarms.observe(cause, event.at, lambda: self._evidence(watch))

    def _evidence(self, watch: Watch) -> dict[str, object]:
        return dict(watch.detector.evidence())

    def alarmed(self, key: WatchKey) -> bool:
        """Whether this watch's cause has an open alarm."""
        return self._cause(key) in self.alarms.open

    def _cause(self, key: WatchKey) -> Cause:
        return Cause(key.project, key.task, key.signal, self._pseudonym(key.project, key.annotator))

    # -- handing over ---------------------------------------------------------------------------------------------

    def take_changes(self) -> Changes:
        """What the chunk changed, once; then memory is trimmed to its capacity."""
        changes, self._changes = self._changes, Changes()
        for key in self.scopes.changed:
            scope: Scope | None = self.scopes.rows[key]
            if scope is not None and scope.empty:
                del self.scopes.rows[key]
                scope = None
            changes.scopes[key] = scope
        for pair in self.pairs.changed:
            patterns: dict[str, int] | None = self.pairs.rows[pair]
            if not patterns:
                del self.pairs.rows[pair]
                patterns = None
            changes.pairs[pair] = patterns
        for watch in self.watches.changed:
            changes.watches[watch] = self.watches.rows[watch]
        changes.alarms, changes.messages = self.alarms.take()
        return changes

    def to_merge(self, task: TaskKey) -> int:
        """The hour below which the task's hours are to be merged, by its configuration and the annotators' clocks."""
        config = self._configure(*task)
        return merged_to(self.clocks.agreed(task[0]), config.lateness_minutes, config.hourly_days)

    def merge_panes(self, task: TaskKey, to: int, panes: Mapping[str, Scope], changes: Changes) -> None:
        """Let the task's items of before this hour count by the day; `panes` are all their hours that there are."""
        counts = self.tasks[task]
        counts.merged_to = to
        changes.tasks[task] = counts
        days: dict[ScopeKey, Scope] = {}
        for name, hour in panes.items():
            day = _scope_key(*task, (PANE, name), bound_name(to))
            days.setdefault(day, Scope()).merge(hour)
            key = ScopeKey(*task, PANE, name)
            self.scopes.rows.pop(key, None)
            changes.scopes[key] = None
        self.scopes.rows.update(days)
        changes.scopes.update(days)

    def trim(self) -> None:
        """Forget what the chunk alone needed, and the least recently used rows above the capacity."""
        self._reviews.clear()
        self._contexts.clear()
        capacity = self._capacity
        self.scopes.trim(capacity, self.scopes.changed)
        self.pairs.trim(capacity, self.pairs.changed)
        self.watches.trim(capacity, self.watches.changed)
        for shelf in (self.scopes, self.pairs, self.watches):
            shelf.changed.clear()
        for key, item in self.items.trim(capacity, self._used):
            for annotation in item.records:
                del self.records[key.project, annotation]
        self._used.clear()
        if len(self._undelivered) > capacity:
            # Retractions of what never comes are rows too: from here on they are looked up.
            self.items.complete = False
        if not self.items.complete:
            for name in self._undelivered:
                if self.records.get(name, (name, None))[0] is None:
                    del self.records[name]
            self._undelivered.clear()


_time = attrgetter("time")


def _counted(new: Iterable[T], old: Sequence[T]) -> dict[T, int]:
    """How often each is to be added, if not 0."""
    counts = Counter(new)
    if old:
        counts.subtract(old)
        return {move: times for move, times in counts.items() if times}
    return counts


def _scope_key(project: str, task: str, place: Place, merged: str) -> ScopeKey:
    """The scope that stands for this place, where hours below the bound are merged into days."""
    dimension, value = place
    return ScopeKey(project, task, dimension, merged_name(value, merged) if dimension == PANE else value)


def _withdrawn_first(signal: tuple[int, str, str, float | None, bool]) -> tuple[bool, int, str, str]:
    return signal[3] is not None, signal[0], signal[1], signal[2]


def _annotations_by(item: Item, annotator: str) -> int:
    return sum(record.event is not None and record.event.annotator == annotator for record in item.records.values())


def _review_key(review: Review) -> ReviewKey:
    return review.project, review.annotation, review.reviewer, review.stage
