"""The monitor of one home: a pure fold of events into statistics, detectors and alarms. No I/O, no clock.

A chunk of events passes through it one way, and a store fills in between what memory does not hold:

    needs(events) -> [look up] -> hold -> receive(events) -> lacks() -> [look up] -> hold -> settle()

`receive` changes annotations and gold, `settle` lets the statistics see one net change an item, and the detectors
each answer in order. `take_changes` hands over what to write. Where a chunk ends makes no difference, but to the order in
which the alarms of several annotators are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import groupby
from operator import attrgetter

from detectors.changes import Changes, Counts, Erased, Lacks, Needs, TaskCounts
from detectors.config import TaskConfig
from detectors.counters import Counters, Moves
from detectors.item import MOST_ANNOTATORS, NOTHING, Contribution, Item, contribute, contribution, verdicts
from detectors.keys import AnnotationKey, ContextKey, ItemKey, PairKey, ReviewKey, ScopeKey, TaskKey
from detectors.labels import LABEL_TYPES, Fit
from detectors.panes import bound_name
from detectors.protocols import Annotation, Context, Erasure, Event, Gold, Retraction, Review
from detectors.records import AnnotationRecord, precedes
from detectors.scope import Scope
from detectors.shelf import Shelf
from detectors.watch import Answer, Revision, Watch, WatchKey
from detectors.watching import Watching
from detectors.watermark import Clocks, merged_to


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
        self._erasure_hash = erasure_hash
        self._capacity = capacity
        self.items: Shelf[ItemKey, Item] = Shelf()
        self.records: dict[AnnotationKey, AnnotationRecord] = {}
        self._counters = Counters()
        self._watching = Watching(configure, pseudonym)
        self.scopes: Shelf[ScopeKey, Scope] = self._counters.scopes
        self.pairs: Shelf[PairKey, dict[str, int]] = self._counters.pairs
        self.watches: Shelf[WatchKey, Watch] = self._watching.watches
        self.alarms = self._watching.alarms
        self.tasks: dict[TaskKey, TaskCounts] = {}
        self.erased: set[Erased] = set()
        self.clocks = Clocks()
        self._fits: dict[TaskKey, Fit] = {}
        self._reviews: dict[ReviewKey, Review] = {}
        self._contexts: dict[ContextKey, Context] = {}
        self._touched: list[Item] = []
        self._moves: dict[TaskKey, Moves] = {}
        self._seen: list[Annotation] = []
        self._untimed: list[Annotation] = []
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
            item.records[record.key] = self.records[record.name] = record

    def hold_withdrawn(self, record: AnnotationRecord) -> None:
        """Take the retraction of an annotation that was never delivered."""
        self._undelivered.add(record.name)
        self.records[record.name] = record

    def hold_review(self, review: Review) -> None:
        """Take a review as a store has it."""
        self._reviews[_review_key(review)] = review

    def hold_context(self, context: Context) -> None:
        """Take a context as a store has it."""
        self._contexts[context.project, context.id] = context

    def hold_answers(self, key: WatchKey, answers: dict[int, Answer]) -> None:
        """Take the kept answers of a watch, by number."""
        self._watching.hold_answers(key, answers)

    # -- receiving ----------------------------------------------------------------------------------------------

    def receive(self, events: Iterable[Event]) -> None:
        """Let the events change annotations, gold, reviews and contexts, and note who must be told."""
        applied: list[str] = []
        for kind, run in groupby(events, attrgetter("__class__")):
            if kind.__name__ == "Annotation":
                self._annotations(run, applied)  # type: ignore[arg-type]
            else:
                handle = self._HANDLERS[kind.__name__]
                for event in run:
                    self._count(event.project, handle(self, event))
        for project, times in Counter(applied).items():
            self._counts(project).applied += times

    def _counts(self, project: str) -> Counts:
        counts = self._changes.counts.get(project)
        if counts is None:
            counts = self._changes.counts[project] = Counts()
        return counts

    def _count(self, project: str, outcome: bool | None) -> None:
        """Count an event: whether it was applied, for others are duplicates; None if it is of an erased person."""
        counts = self._counts(project)
        if outcome:
            counts.applied += 1
        elif outcome is None:
            counts.erased += 1
        else:
            counts.duplicates += 1

    def _annotations(self, events: Iterable[Annotation], applied: list[str]) -> None:
        """Take annotations, of which nearly all are new; of these the projects are noted among the applied ones."""
        items, records, new, seen, erased = self.items.rows, self.records, self._changes.new, self._seen, self.erased
        for event in events:
            project, key = event.project, event.key
            if erased and self._is_erased(project, event.annotator):
                self._count(project, None)
                continue
            name = project, key
            held = records.get(name)
            if held is not None:
                self._count(project, self._deliver(event, held))
                continue
            # For keys that are tuples, a plain tuple does and is made faster.
            item: Item | None = items.get((project, event.task, event.item))  # type: ignore[call-overload]
            if item is None or item.before is None:
                item = self._touch(project, event.task, event.item)
            record = records[name] = item.records[key] = AnnotationRecord(name, item.key, event)
            new.append(record)
            seen.append(event)
            applied.append(project)
            if item.gold is not None:
                self._tell_first(event, item)

    def _deliver(self, event: Annotation, record: AnnotationRecord) -> bool:
        """Take another delivery of an annotation; whether it is the highest now."""
        project, key = record.name
        self._untimed.append(event)
        old_key, item_key = record.item, ItemKey(project, event.task, event.item)
        old = None if old_key is None else self._touch(*old_key)
        highest, changed = record.deliver(event)
        if not highest:
            if changed:
                self._keep(record, old_key)
            return False
        if old_key != item_key:
            self._vacate(record)
            if old is not None:
                del old.records[key]
                self._tell(event, old)
        item = self._touch(*item_key)
        item.records[key] = record
        self._keep(record, item_key)
        if old is None and record.in_force:
            self._seen.append(event)
        self._tell(event, item)
        return True

    def _retraction(self, event: Retraction) -> bool:
        name = event.project, event.annotation
        record = self.records.get(name) or AnnotationRecord(name)
        item = None if record.item is None else self._touch(*record.item)
        if not record.withdraw(event.revision, event.at):
            return False
        self._keep(record, record.item)
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
        "Retraction": _retraction,
        "Gold": _gold,
        "Review": _review,
        "Context": _context,
        "Erasure": _erasure,
    }

    def forget(self, project: str, annotation: str, annotators: Iterable[str]) -> None:
        """Withdraw the deliveries of erased annotators from one annotation: a bounded step of an erasure."""
        record = self.records[project, annotation]
        item_key = record.item
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
        self._keep(record, moved)
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
                self._watching.revise(watch, Revision(key, at, value, known))

    def reconfigure(self, key: TaskKey, dropped: Collection[str]) -> None:
        """The task's configuration is another one now; what was observed of the dropped signals is forgotten."""
        self._fits.pop(key, None)
        self._watching.reconfigure(key, dropped)

    def drop_statistics(self, tasks: Collection[TaskKey]) -> None:
        """Forget the statistics of these tasks, which a rebuild begins anew."""
        self._counters.drop(tasks)

    def clear_unfounded(self, key: WatchKey) -> None:
        """Clear the watch's alarm if its history, as it was revised, does not bear it out; the watch is held."""
        self._watching.clear_unfounded(key)

    def drop_watches(self, project: str, annotator: str, at: int) -> None:
        """Forget what was observed of an erased annotator, in every task, and clear the alarms about it."""
        for task in sorted(task for of, task in self.tasks if of == project):
            self._watching.drop((project, task), annotator, at)

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

    def _keep(self, record: AnnotationRecord, item: ItemKey | None) -> None:
        """Note that a record was changed, and what it labels now."""
        record.item = item
        if item is None:
            self._undelivered.add(record.name)
        self.records[record.name] = self._changes.annotations[record.name] = record

    def _vacate(self, record: AnnotationRecord) -> None:
        """Give up the record's row: rows are found by their item, so a record that moves is written anew."""
        if record.row:
            self._changes.vacated.append(record.row)
            record.row = 0

    def _is_erased(self, project: str, annotator: str) -> bool:
        return Erased(project, self._erasure_hash(project, annotator)) in self.erased

    # -- what the detectors will see ------------------------------------------------------------------------------

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
        self._watching.note(name, (event.key, event.at, float(wrong), event, False))

    def _tell(self, event: Event, item: Item) -> None:
        """Note the answers to gold that this event made right or wrong, or took back."""
        if item.gold is None:
            return
        project, task, _ = item.key
        for at, key, annotator, value, known in sorted(self._recount(item), key=_withdrawn_first):
            self._watching.note((project, task, "gold_errors", annotator), (key, at, value, event, known))

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
        # How long an answer took is a fact of the moment it was first seen; later edits do not change it.
        self._untimed += self._watching.time(self._seen)
        self._seen.clear()
        moves = self._moves = self._moved()
        lacks = Lacks(set(), set(), set(), set())
        for task, moved in moves.items():
            scopes, pairs = self._counters.lacks(task, moved, self._bound(task))
            lacks.scopes.update(scopes)
            lacks.pairs.update(pairs)
        self._watching.lacks(lacks)
        return lacks

    def settle(self) -> None:
        """Let statistics see each item's net change, and detectors each answer in order."""
        for task, moves in self._moves.items():
            self._know_task(*task)
            more = self._counters.apply(task, moves, self._bound(task))
            if more:
                self._task(*task).annotators += more
        self._moves = {}
        for item in self._touched:
            item.before = None
        self._used += [item.key for item in self._touched]
        self._touched.clear()
        self._hear()
        for task in self._watching.tasks():
            self._know_task(*task)
        self._watching.settle()

    def hear(self, annotations: Iterable[Annotation]) -> None:
        """Take the times of annotations that were received before: a rebuild finds clocks again."""
        self._untimed += annotations

    def _hear(self) -> None:
        """Let the annotators' clocks come to what they sent; most of it is by annotator already."""
        for (project, _, _, annotator), timed in self._watching.durations.items():
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

    def _moved(self) -> dict[TaskKey, Moves]:
        """What the touched items change in the statistics of their tasks."""
        moves: dict[TaskKey, Moves] = {}
        for item in self._touched:
            project, task, _ = item.key
            moved = moves.get((project, task))
            if moved is None:
                moved = moves[project, task] = Moves(Contribution(), Contribution(), Contribution())
            before = item.before
            if not before:
                contribute(item, self.fit(project, task), moved.fresh)
                continue
            after = contribution(item, self.fit(project, task))
            if before != after:
                moved.old.extend(before)
                moved.new.extend(after)
        return {task: moved for task, moved in moves.items() if any(moved)}

    def _bound(self, task: TaskKey) -> str:
        """The name of the hour below which the task's hours are merged."""
        counts = self.tasks.get(task)
        return bound_name(counts.merged_to) if counts is not None else ""

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

    def alarmed(self, key: WatchKey) -> bool:
        """Whether this watch's cause has an open alarm."""
        return self._watching.alarmed(key)

    # -- handing over ---------------------------------------------------------------------------------------------

    def take_changes(self) -> Changes:
        """What the chunk changed, once; then memory is trimmed to its capacity."""
        changes, self._changes = self._changes, Changes()
        self._counters.take(changes)
        self._watching.take(changes)
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
        self._counters.merge_panes(task, to, panes, changes)

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
                held = self.records.get(name)
                if held is not None and held.item is None:
                    del self.records[name]
            self._undelivered.clear()


_time = attrgetter("time")


def _withdrawn_first(signal: tuple[int, str, str, float | None, bool]) -> tuple[bool, int, str, str]:
    return signal[3] is not None, signal[0], signal[1], signal[2]


def _annotations_by(item: Item, annotator: str) -> int:
    return sum(record.event is not None and record.event.annotator == annotator for record in item.records.values())


def _review_key(review: Review) -> ReviewKey:
    return review.project, review.annotation, review.reviewer, review.stage
