"""The unit of change: an item with its annotations and its gold, and what it adds to the statistics.

An edit, a deletion, late or corrected gold and an erasure are one code path: the item's old contribution leaves,
its new one enters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from detectors.agreement.patterns import against_others, item_pattern
from detectors.labels import LABEL_TYPES, Fit
from detectors.protocols import Annotation, Gold
from detectors.records import AnnotationRecord

MOST_ANNOTATORS = 1000
"""Of an item's annotators the first this many by (time, annotation) count."""


class ItemKey(NamedTuple):
    """Where an item lives."""

    project: str
    task: str
    item: str


class Share(NamedTuple):
    """What an item adds to one tally of a scope: to one label type's labels, answers and patterns."""

    label_type: str
    labels: int
    pairable: int
    answers: int
    correct: int
    pattern: str | None


class Delta(NamedTuple):
    """What an item adds to one scope: a dimension and its value."""

    dimension: str
    value: str
    annotations: int
    items: int
    unfit: int
    shares: tuple[Share, ...]


class PairDelta(NamedTuple):
    """What an item adds to the confusion of two annotators, a before b."""

    label_type: str
    a: str
    b: str
    pattern: str


class Contribution(NamedTuple):
    """All that an item adds to its task's statistics."""

    scopes: tuple[Delta, ...] = ()
    pairs: tuple[PairDelta, ...] = ()


NOTHING = Contribution()


class Counted(NamedTuple):
    """An annotation that counts: the latest of its annotator, not skipped, with a label that fits."""

    annotation: Annotation
    label_type: str
    key: str


class Key(NamedTuple):
    """The gold of an item as its task reads it."""

    accepted: frozenset[tuple[str, str]]
    label_class: str | None


class Item:
    """All that is known of one item."""

    __slots__ = ("gold", "key", "records", "verdicts")

    def __init__(self, key: ItemKey) -> None:
        self.key = key
        self.records: dict[str, AnnotationRecord] = {}
        self.gold: Gold | None = None
        self.verdicts: dict[str, tuple[Annotation, bool]] | None = None

    def in_force(self) -> list[Annotation]:
        """The annotations in force, repeats and skips included."""
        return [record.event for record in self.records.values() if record.event is not None and record.in_force]

    def latest(self, stage: str) -> list[Annotation]:
        """Each annotator's latest annotation of this stage by (time, annotation); a skip is one without a label."""
        return _latest([annotation for annotation in self.in_force() if annotation.stage == stage])

    def key_of(self, fit: Fit) -> Key | None:
        """The gold in force; None where there is none or it is withdrawn."""
        if self.gold is None or not self.gold.accepted:
            return None
        answers = [(fit(answer.label), answer.weight) for answer in self.gold.accepted]
        best = max(answers, key=lambda answer: answer[1])[0]
        accepted = frozenset(label for label, weight in answers if label is not None and weight > 0)
        return Key(accepted, None if best is None else best[1])


def _latest(annotations: Sequence[Annotation]) -> list[Annotation]:
    latest: dict[str, Annotation] = {}
    for annotation in annotations:
        other = latest.setdefault(annotation.annotator, annotation)
        if other is not annotation and (other.at, other.key) < (annotation.at, annotation.key):
            latest[annotation.annotator] = annotation
    if len(latest) <= MOST_ANNOTATORS:
        return list(latest.values())
    return sorted(latest.values(), key=lambda annotation: (annotation.at, annotation.key))[:MOST_ANNOTATORS]


def counted(annotations: Sequence[Annotation], fit: Fit) -> tuple[list[Counted], int]:
    """The latest annotations that count, and how many of them carry a label that does not fit."""
    found = []
    unfit = 0
    for annotation in annotations:
        if annotation.skipped:
            continue
        label = fit(annotation.label)
        if label is None:
            unfit += 1
        else:
            found.append(Counted(annotation, *label))
    return found, unfit


def verdicts(item: Item, fit: Fit) -> dict[str, tuple[Annotation, bool]]:
    """Which answers of the item are wrong, by annotation; empty without gold in force."""
    key = item.key_of(fit)
    if key is None:
        return {}
    answers, _ = counted(item.latest("annotate"), fit)
    return {
        answer.annotation.key: (answer.annotation, (answer.label_type, answer.key) not in key.accepted)
        for answer in answers
        if LABEL_TYPES[answer.label_type].answers
    }


def contribution(item: Item, fit: Fit) -> Contribution:
    """What the item adds to the statistics of its task."""
    in_force = item.in_force()
    if not in_force:
        return NOTHING
    scopes: list[Delta] = []
    annotated = in_force
    for annotation in in_force:
        if annotation.stage != "annotate":
            annotated = [other for other in in_force if other.stage == "annotate"]
            scopes.extend(_other_stages(in_force, fit))
            break
    if not annotated:
        return Contribution(tuple(scopes))
    labels, unfit = counted(_latest(annotated), fit)
    key = item.key_of(fit)
    whole = _shares(labels, key)
    scopes.append(Delta("gold_item", "false" if key is None else "true", len(annotated), 1, unfit, whole))
    if key is not None and key.label_class is not None:
        answered = tuple(Share(s.label_type, 0, 0, s.answers, s.correct, None) for s in whole if s.answers)
        if answered:
            scopes.append(Delta("class", key.label_class, 0, 0, 0, answered))
    _by_attributes(scopes, annotated, labels, key, whole)
    _by_annotator(scopes, annotated, labels, key)
    return Contribution(tuple(scopes), _pairs(labels))


def _shares(labels: Sequence[Counted], key: Key | None) -> tuple[Share, ...]:
    """One share a label type; nearly always there is just one."""
    if not labels:
        return ()
    kind = labels[0].label_type
    for label in labels:
        if label.label_type != kind:
            kinds = sorted({other.label_type for other in labels})
            return tuple(_share(kind, [other for other in labels if other.label_type == kind], key) for kind in kinds)
    return (_share(kind, labels, key),)


def _share(kind: str, labels: Sequence[Counted], key: Key | None) -> Share:
    label_type = LABEL_TYPES[kind]
    keys = [label.key for label in labels]
    n = len(keys)
    answers = correct = 0
    if key is not None and label_type.answers:
        answers = n
        correct = sum((kind, label) in key.accepted for label in keys)
    pattern = item_pattern(keys) if label_type.categorical else None
    return Share(kind, n, int(n > 1), answers, correct, pattern)


def _other_stages(in_force: Sequence[Annotation], fit: Fit) -> list[Delta]:
    stages = sorted({annotation.stage for annotation in in_force} - {"annotate"})
    deltas = []
    for stage in stages:
        annotations = [annotation for annotation in in_force if annotation.stage == stage]
        labels, unfit = counted(_latest(annotations), fit)
        deltas.append(Delta("stage", stage, len(annotations), 1, unfit, _shares(labels, None)))
    return deltas


def _by_attributes(
    scopes: list[Delta],
    annotated: Sequence[Annotation],
    labels: Sequence[Counted],
    key: Key | None,
    whole: tuple[Share, ...],
) -> None:
    """Each value's annotations among themselves; where all have the same values, that is the whole item."""
    first = annotated[0]
    if all(_alike(annotation, first) for annotation in annotated):
        n = len(annotated)
        scopes.extend([Delta(dimension, value, n, 1, 0, whole) for dimension, value in _attributes(first)])
        return
    members: dict[tuple[str, str], int] = {}
    for annotation in annotated:
        for place in _attributes(annotation):
            members[place] = members.get(place, 0) + 1
    attributes = [(label, _attributes(label.annotation)) for label in labels]
    for place, n in sorted(members.items()):
        own = [label for label, places in attributes if place in places]
        scopes.append(Delta(*place, n, 1, 0, _shares(own, key)))


def _alike(one: Annotation, other: Annotation) -> bool:
    return (
        one.vendor == other.vendor
        and one.batch == other.batch
        and one.guideline == other.guideline
        and one.slice == other.slice
    )


def _attributes(annotation: Annotation) -> list[tuple[str, str]]:
    """The dimensions that an annotation's own fields name, with their values."""
    fields = (("vendor", annotation.vendor), ("batch", annotation.batch), ("guideline", annotation.guideline))
    places = [(dimension, value) for dimension, value in fields if value is not None]
    if annotation.slice:
        places.extend((f"slice.{name}", _slice_value(value)) for name, value in annotation.slice.items())
    return places


def _slice_value(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else format(value, ".12g")


def _by_annotator(
    scopes: list[Delta], annotated: Sequence[Annotation], labels: Sequence[Counted], key: Key | None
) -> None:
    """Each annotator against the others on the same item."""
    shares: dict[str, tuple[Share, ...]] = {}
    keys: dict[str, list[str]] = {}
    for label in labels:
        keys.setdefault(label.label_type, []).append(label.key)
    known: dict[tuple[str, str], tuple[Share, ...]] = {}
    for annotation, kind, own in labels:
        share = known.get((kind, own))
        if share is None:
            share = known[kind, own] = (_share_of_one(kind, own, keys[kind], key),)
        shares[annotation.annotator] = share
    counts: dict[str, int] = {}
    for annotation in annotated:
        counts[annotation.annotator] = counts.get(annotation.annotator, 0) + 1
    for annotator, n in counts.items():
        scopes.append(Delta("annotator", annotator, n, 1, 0, shares.get(annotator, ())))


def _share_of_one(kind: str, own: str, labels: Sequence[str], key: Key | None) -> Share:
    label_type = LABEL_TYPES[kind]
    answers = int(key is not None and label_type.answers)
    correct = int(bool(answers) and key is not None and (kind, own) in key.accepted)
    pattern = None
    if label_type.categorical:
        others = list(labels)
        others.remove(own)
        pattern = against_others(own, others)
    return Share(kind, 1, int(len(labels) > 1), answers, correct, pattern)


def _pairs(labels: Sequence[Counted]) -> tuple[PairDelta, ...]:
    if len(labels) < 2:
        return ()
    by_annotator = sorted(
        (label.annotation.annotator, label.key, label.label_type)
        for label in labels
        if LABEL_TYPES[label.label_type].categorical
    )
    pairs = []
    for place, (a, label_a, kind) in enumerate(by_annotator):
        for b, label_b, other_kind in by_annotator[place + 1 :]:
            if kind == other_kind:
                pairs.append(PairDelta(kind, a, b, f"{label_a}\x1f{label_b}"))
    return tuple(pairs)
