"""Between the core's objects and the rows of a store, both ways.

An event is kept whole, as JSON, beside the columns that SQL readers ask for most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct

from detectors.alarms import Alarm, Cause
from detectors.changes import Changes
from detectors.config import TaskConfig
from detectors.keys import ItemKey, PairKey, ScopeKey, TaskKey
from detectors.panes import begin, day_name, hour_of, hours_before, hours_in, pane_name
from detectors.reading import Reading
from detectors.records import AnnotationRecord
from detectors.scope import Scope, Tally, TallyState
from detectors.watch import Answer, Watch
from streams.events import Annotation, Context, Gold, Review
from streams.store.base import Batch, Row
from streams.store.tables import (
    ALARMS,
    ANSWERS,
    CLOCKS,
    CONTEXTS,
    ERASURES,
    GOLD,
    PAIRS,
    REVIEWS,
    SCOPES,
    WATCHES,
)

_encode = msgspec.json.encode
_ordered = msgspec.json.Encoder(order="deterministic").encode
_annotation = msgspec.json.Decoder(Annotation).decode
_annotations = msgspec.json.Decoder(tuple[Annotation, ...]).decode
_gold = msgspec.json.Decoder(Gold).decode
_review = msgspec.json.Decoder(Review).decode
_context = msgspec.json.Decoder(Context).decode
_history = msgspec.json.Decoder(tuple[tuple[str, int], ...]).decode
_confusion = msgspec.json.Decoder(dict[str, int]).decode
_configuration = msgspec.json.Decoder(TaskConfig).decode


class _StoredTally(Struct, frozen=True, array_like=True, gc=False):
    """A tally as a column has it: sums as text, for they are longer than the integers of other programs."""

    labels: int
    pairable: int
    answers: int
    correct: int
    patterns: dict[str, int]
    sums: dict[str, str]

    def tally(self) -> Tally:
        """The tally itself."""
        sums = {name: int(text) for name, text in self.sums.items()}
        return Tally(self.labels, self.pairable, self.answers, self.correct, self.patterns, sums)


_tallies = msgspec.json.Decoder(dict[str, _StoredTally]).decode


def to_json(value: object) -> str:
    """One spelling for equal values."""
    return _ordered(value).decode()


def configuration_text(configuration: TaskConfig) -> str:
    """A task's configuration as a column has it: equal texts, equal meaning (True is not 1).

    >>> configuration_text(TaskConfig(labels=(True, 1, "a"), detectors=()))
    '{"label_type":null,"labels":[true,1,"a"],"unknown":"unfit","weights":"quadratic","iou":0.5,"inclusive_pixels":false,"detectors":[],"lateness_minutes":60,"hourly_days":35}'
    """
    return _encode(configuration).decode()


def configuration(text: str) -> TaskConfig:
    """The configuration of a column.

    >>> configuration(configuration_text(TaskConfig(labels=(True, 1.5, "a")))) == TaskConfig(labels=(True, 1.5, "a"))
    True
    """
    return _configuration(text)


def annotation_row(home: int, record: AnnotationRecord) -> Row:
    """The row of an annotation, or of the retraction of one that was never delivered."""
    event: Annotation | None = record.event  # type: ignore[assignment]
    item = record.item
    earlier = _encode(record.earlier).decode() if record.earlier else None
    withdrawn = None if record.withdrawn is None else "{} {}".format(*record.withdrawn)
    if event is None or item is None:
        return home, record.row, *record.name, None, None, None, None, None, None, earlier, withdrawn
    return (
        home,
        record.row,
        *record.name,
        item.task,
        item.item,
        event.annotator,
        _encode(event.label).decode(),
        event.at,
        _encode(event).decode(),
        earlier,
        withdrawn,
    )


def annotation_record(row: Row) -> AnnotationRecord:
    """The annotation of a row."""
    _, number, project, key, task, item, _, _, _, event, earlier, withdrawn = cast("tuple[Any, ...]", row)
    return AnnotationRecord(
        (project, key),
        None if item is None else ItemKey(project, task, item),
        None if event is None else _annotation(event),
        () if earlier is None else _annotations(earlier),
        None if withdrawn is None else cast("tuple[int, int]", tuple(map(int, withdrawn.split()))),
        number,
    )


def gold_event(row: Row) -> tuple[ItemKey, Gold]:
    """The gold of a row, and its item."""
    _, project, task, item, _, _, event = cast("tuple[Any, ...]", row)
    return ItemKey(project, task, item), _gold(event)


def review_event(row: Row) -> Review:
    """The review of a row."""
    return _review(cast("str", row[-1]))


def context_event(row: Row) -> Context:
    """The context of a row."""
    return _context(cast("str", row[-1]))


def scope_row(home: int, key: ScopeKey, scope: Scope) -> Row:
    """The row of a scope; answers and correct are sums over its label types."""
    annotations, items, unfit, tallies = scope.state()
    answers = sum(state[2] for state in tallies.values())
    correct = sum(state[3] for state in tallies.values())
    stored = {name: _with_texts(state) if state[-1] else state for name, state in tallies.items()}
    return home, *key, annotations, items, unfit, answers, correct, to_json(stored)


def _with_texts(state: TallyState) -> tuple[object, ...]:
    *counts, sums = state
    return *counts, {name: str(n) for name, n in sums.items()}


def scope(row: Row) -> tuple[ScopeKey, Scope]:
    """The scope of a row."""
    _, project, task, dimension, value, annotations, items, unfit, _, _, tallies = cast("tuple[Any, ...]", row)
    counts = {name: stored.tally() for name, stored in _tallies(tallies).items()}
    return ScopeKey(project, task, dimension, value), Scope(annotations, items, unfit, counts)


def reading_rows(home: int, task: TaskKey, pane: str, readings: Mapping[str, Reading]) -> list[Row]:
    """The rows of what a closed pane says, in order, never corrected."""
    start, hours = begin(hour_of(pane)), hours_in(pane)
    return [
        (home, *task, start, name, *map(_real, (said.value, said.low, said.high)), said.n, said.why or None, 0, hours)
        for name, said in sorted(readings.items())
    ]


def corrected(row: Row, corrections: int) -> Row:
    """The row of a reading that was corrected so often."""
    return (*but_for_corrections(row)[:-1], corrections, row[-1])


def but_for_corrections(row: Row) -> Row:
    """What a row of readings says."""
    return (*row[:-2], row[-1])


def corrections(row: Row) -> tuple[int, int]:
    """How often a reading was corrected, and how many hours it is of."""
    return cast("tuple[int, int]", tuple(row[-2:]))


def correction(row: Row) -> tuple[str, int, int]:
    """The task of a row of readings, the begin of the pane, and how often what it says was corrected."""
    return cast("str", row[2]), cast("int", row[3]), corrections(row)[0]


def pane_read(row: Row) -> str:
    """The pane of a row of readings."""
    hour = pane_name(hours_before(cast("int", row[3])))
    return hour if corrections(row)[1] == 1 else day_name(hour)


def _real(value: float | None) -> float | None:
    return None if value is None else float(value)


def pair_row(home: int, key: PairKey, confusion: dict[str, int]) -> Row:
    """The row of a pair of annotators."""
    return home, *key, sum(confusion.values()), to_json(confusion)


def pair(row: Row) -> tuple[PairKey, dict[str, int]]:
    """The pair of a row: its key and its confusion counts."""
    _, project, task, label_type, a, b, _, confusion = cast("tuple[Any, ...]", row)
    return PairKey(project, task, label_type, a, b), _confusion(confusion)


def clock(row: Row) -> tuple[str, str, int]:
    """Of a row the project, the annotator, and the latest time."""
    _, project, annotator, latest = cast("tuple[int, str, str, int]", tuple(row))
    return project, annotator, latest


def answer(row: Row) -> tuple[int, Answer]:
    """The answer of a row, and its number."""
    number, annotation, at, value = cast("tuple[Any, ...]", row[5:])
    return number, Answer(annotation, at, value)


def watch_state(row: Row) -> dict[str, Any]:
    """The stored state of a watch."""
    return cast("dict[str, Any]", msgspec.json.decode(cast("str", row[-1])))


def alarm_row(home: int, alarm: Alarm, version: int) -> Row:
    """The row of an alarm; `version` is the home's version that raised it, or changed it last."""
    cause = alarm.cause
    return (
        home,
        alarm.id,
        *(cause.project, cause.task, cause.kind, cause.subject),
        alarm.severity,
        alarm.raised_at,
        alarm.cleared_at,
        to_json(alarm.evidence),
        alarm.state,
        alarm.sequence,
        alarm.seen,
        to_json(alarm.history),
        version,
    )


def alarm(row: Row) -> Alarm:
    """The alarm of a row."""
    _, name, project, task, kind, subject, severity, raised, cleared, evidence, state, sequence, seen, said, _ = cast(
        "tuple[Any, ...]", row
    )
    cause = Cause(project, task, kind, subject)
    history = _history(said)
    return Alarm(name, cause, severity, raised, cleared, msgspec.json.decode(evidence), state, sequence, seen, history)


def write_changes(
    batch: Batch, home: int, version: int, changes: Changes, next_row: int, pseudonym: Callable[[str, str], str]
) -> int:
    """Put what a chunk changed into the batch; answers the next free row number.

    `pseudonym` gives the name under which a project's annotator is shown.
    """
    batch.vacated += changes.vacated
    annotations = batch.annotations
    new = changes.new
    if changes.annotations:
        new = [record for record in new if record.name not in changes.annotations]
    for row, record in enumerate(new, next_row):
        record.row = row
    annotations += new
    next_row += len(new)
    for record in changes.annotations.values():
        if record.event is None and record.withdrawn is None:
            if record.row:
                batch.vacated.append(record.row)
            continue
        if not record.row:
            record.row = next_row
            next_row += 1
        annotations.append(record)
    for item_key, gold in changes.gold.items():
        event = cast("Gold", gold)
        batch.put(GOLD, (home, *item_key, event.version, event.at, _encode(event).decode()))
    for review_key, reviewed in changes.reviews.items():
        review = cast("Review", reviewed)
        batch.put(REVIEWS, (home, *review_key, review.verdict, review.at, _encode(review).decode()))
    for context_key, noted in changes.contexts.items():
        context = cast("Context", noted)
        batch.put(CONTEXTS, (home, *context_key, context.kind, context.value, context.at, _encode(context).decode()))
    for erased, at in changes.erased:
        batch.put(ERASURES, (home, erased.project, erased.hash, at, 0, 0))
    for (project, annotator), latest in changes.clocks.items():
        if latest is None:
            batch.drop(CLOCKS, (home, project, annotator))
        else:
            batch.put(CLOCKS, (home, project, annotator, latest))
    for scope_key, held in changes.scopes.items():
        if held is None:
            batch.drop(SCOPES, (home, *scope_key))
        else:
            batch.put(SCOPES, scope_row(home, scope_key, held))
    for pair_key, confusion in changes.pairs.items():
        if confusion is None:
            batch.drop(PAIRS, (home, *pair_key))
        else:
            batch.put(PAIRS, pair_row(home, pair_key, confusion))
    _write_watches(batch, home, changes, pseudonym)
    for changed in changes.alarms:
        batch.put(ALARMS, alarm_row(home, changed, version))
    return next_row


def _write_watches(batch: Batch, home: int, changes: Changes, pseudonym: Callable[[str, str], str]) -> None:
    for key, watch in changes.watches.items():
        if watch is None:
            batch.drop(WATCHES, (home, *key))
            batch.drop(ANSWERS, (home, *key))
        else:
            batch.put(WATCHES, watch_row(home, key, pseudonym(key.project, key.annotator), watch))
    for answer_key, held in changes.answers.items():
        if held is None:
            batch.drop(ANSWERS, (home, *answer_key))
        else:
            batch.put(ANSWERS, (home, *answer_key, *held))


def watch_row(home: int, key: tuple[str, ...], pseudonym: str, watch: Watch) -> Row:
    """The row of a watch, with the name that alarms have for its annotator."""
    return home, *key, pseudonym, watch.answers, to_json(watch.dump())
