"""The unit of change: an item with its annotations and its gold, and what it adds to the statistics.

An edit, a deletion, late or corrected gold and an erasure are one code path: the item's old contribution leaves,
its new one enters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, combinations
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from detectors.agreement.patterns import LABEL, against_others, item_pattern, pair_pattern
from detectors.labels import LABEL_TYPES, Fit
from detectors.protocols import Annotation, Gold
from detectors.records import AnnotationRecord

MOST_ANNOTATORS = 1000
"""Of an item's annotators the first this many by (time, annotation) count."""

CATEGORICAL = frozenset(name for name, label_type in LABEL_TYPES.items() if label_type.categorical)

LONGEST_REMEMBERED = 256
"""Characters; how items with a longer pattern look is computed each time, so that memory stays bounded."""


class ItemKey(NamedTuple):
    """Where an item lives."""

    project: str
    task: str
    item: str


# An item makes a score of these; plain tuples are made five times as fast as named ones.

Share: TypeAlias = tuple[str, int, int, int, int, str | None]
"""What an item adds to one tally of a scope: label type; labels, pairable items, answers, correct ones; pattern."""

Place: TypeAlias = tuple[str, str]
"""Which scope of a task: a dimension and its value."""

Delta: TypeAlias = tuple[Place, int, int, int, tuple[Share, ...]]
"""What an item adds to one scope: the place; annotations, items, unfit labels; a share a label type."""

PairDelta: TypeAlias = tuple[tuple[str, str, str], str]
"""What an item adds to the confusion of two annotators: label type, a, b (a before b); the pattern."""


class Contribution(NamedTuple):
    """All that an item adds to its task's statistics."""

    scopes: tuple[Delta, ...] = ()
    pairs: tuple[PairDelta, ...] = ()


NOTHING = Contribution()


Slices: TypeAlias = Mapping[str, str | bool | int | float]
"""Names and values of an annotation's slices."""

Counted: TypeAlias = tuple[Annotation, str, str]
"""An annotation that counts (the latest of its annotator, not skipped, with a label that fits), its label type and key."""

Accepted: TypeAlias = frozenset[tuple[str, str]]
"""The accepted answers of an item: label types and keys."""


class Key(NamedTuple):
    """The gold of an item as its task reads it."""

    accepted: Accepted
    label_class: str | None


class Item:
    """All that is known of one item."""

    __slots__ = ("before", "gold", "key", "records", "verdicts")

    def __init__(self, key: ItemKey) -> None:
        self.key = key
        self.records: dict[str, AnnotationRecord] = {}
        self.gold: Gold | None = None
        self.before: Contribution | None = None
        """What it contributed before the chunk that is being taken in; None if that does not touch it."""
        self.verdicts: dict[str, tuple[Annotation, bool]] | None = None

    def in_force(self) -> list[Annotation]:
        """The annotations in force, repeats and skips included."""
        return [
            record.event
            for record in self.records.values()
            if record.event is not None and (record.withdrawn is None or record.in_force)
        ]

    def latest(self, stage: str) -> Sequence[Annotation]:
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


def _latest(annotations: Sequence[Annotation]) -> Sequence[Annotation]:
    latest = {annotation.annotator: annotation for annotation in annotations}
    if len(latest) == len(annotations) <= MOST_ANNOTATORS:
        return annotations
    latest.clear()
    for annotation in annotations:
        other = latest.setdefault(annotation.annotator, annotation)
        if other is not annotation and (other.at, other.key) < (annotation.at, annotation.key):
            latest[annotation.annotator] = annotation
    if len(latest) <= MOST_ANNOTATORS:
        return list(latest.values())
    return sorted(latest.values(), key=lambda annotation: (annotation.at, annotation.key))[:MOST_ANNOTATORS]


def counted(annotations: Sequence[Annotation], fit: Fit) -> tuple[list[Counted], int]:
    """The latest annotations that count, and how many of them carry a label that does not fit."""
    found: list[Counted] = []
    unfit = 0
    for annotation in annotations:
        if annotation.skipped:
            continue
        label = fit(annotation.label)
        if label is None:
            unfit += 1
        else:
            found.append((annotation, label[0], label[1]))
    return found, unfit


def verdicts(item: Item, fit: Fit) -> dict[str, tuple[Annotation, bool]]:
    """Which answers of the item are wrong, by annotation; empty without gold in force."""
    key = item.key_of(fit)
    if key is None:
        return {}
    answers, _ = counted(item.latest("annotate"), fit)
    return {
        annotation.key: (annotation, (label_type, label) not in key.accepted)
        for annotation, label_type, label in answers
        if LABEL_TYPES[label_type].answers
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
    accepted = None if key is None else key.accepted
    looks = _looks(labels, accepted)
    whole = _whole(looks)
    scopes.append((("gold_item", "false" if key is None else "true"), len(annotated), 1, unfit, whole))
    if key is not None and key.label_class is not None:
        answered = tuple((kind, 0, 0, answers, correct, None) for kind, _, _, answers, correct, _ in whole if answers)
        if answered:
            scopes.append((("class", key.label_class), 0, 0, 0, answered))
    _by_attributes(scopes, annotated, labels, accepted, whole)
    _by_annotator(scopes, annotated, labels, looks)
    return Contribution(tuple(scopes), _pairs(labels))


class Look(NamedTuple):
    """How the labels of one type enter a scope: all together, and each of them against the others."""

    whole: tuple[Share]
    own: dict[str, tuple[Share]]


def _looks(labels: Sequence[Counted], accepted: Accepted | None) -> dict[str, Look]:
    """A look a label type; nearly always there is just one."""
    looks: dict[str, Look] = {}
    while labels:
        kind = labels[0][1]
        keys = [key for _, other, key in labels if other == kind]
        looks[kind] = _look(kind, keys, accepted)
        labels = () if len(keys) == len(labels) else [label for label in labels if label[1] != kind]
    return looks


def _shares(labels: Sequence[Counted], accepted: Accepted | None) -> tuple[Share, ...]:
    return _whole(_looks(labels, accepted))


def _whole(looks: Mapping[str, Look]) -> tuple[Share, ...]:
    return tuple([share for look in looks.values() for share in look.whole])


def _look(kind: str, labels: Sequence[str], accepted: Accepted | None) -> Look:
    if kind not in CATEGORICAL:
        return _look_of(kind, labels, accepted, None)
    pattern = item_pattern(labels)
    if len(pattern) > LONGEST_REMEMBERED:
        return _look_of(kind, labels, accepted, pattern)
    return _remembered_look(kind, pattern, accepted)


@lru_cache(maxsize=4096)
def _remembered_look(kind: str, pattern: str, accepted: Accepted | None) -> Look:
    """Most items look like others: three labels out of five can be given in 35 ways."""
    return _look_of(kind, pattern.split(LABEL), accepted, pattern)


def _look_of(kind: str, labels: Sequence[str], accepted: Accepted | None, pattern: str | None) -> Look:
    n = len(labels)
    pairable = int(n > 1)
    answers = int(accepted is not None and LABEL_TYPES[kind].answers)
    correct = {label: int(bool(answers) and (kind, label) in (accepted or ())) for label in labels}
    own: dict[str, tuple[Share]] = {}
    for label, right in correct.items():
        seen = None
        if pattern is not None:
            others = list(labels)
            others.remove(label)
            seen = against_others(label, others)
        own[label] = ((kind, 1, pairable, answers, right, seen),)
    return Look(((kind, n, pairable, n * answers, sum(correct[label] for label in labels), pattern),), own)


def _other_stages(in_force: Sequence[Annotation], fit: Fit) -> list[Delta]:
    stages = sorted({annotation.stage for annotation in in_force} - {"annotate"})
    deltas: list[Delta] = []
    for stage in stages:
        annotations = [annotation for annotation in in_force if annotation.stage == stage]
        labels, unfit = counted(_latest(annotations), fit)
        deltas.append((("stage", stage), len(annotations), 1, unfit, _shares(labels, None)))
    return deltas


_ATTRIBUTES = tuple((name, attrgetter(name)) for name in ("vendor", "batch", "guideline"))


def _by_attributes(
    scopes: list[Delta],
    annotated: Sequence[Annotation],
    labels: Sequence[Counted],
    accepted: Accepted | None,
    whole: tuple[Share, ...],
) -> None:
    """Each value's annotations among themselves; where all have the same value, that is the whole item."""
    n = len(annotated)
    for dimension, attribute in _ATTRIBUTES:
        values = list(map(attribute, annotated))
        first = values[0]
        if values.count(first) == n:
            if first is not None:
                scopes.append(((dimension, first), n, 1, 0, whole))
            continue
        labelled = values if len(labels) == n else [attribute(label[0]) for label in labels]
        for value in dict.fromkeys(values):
            if value is not None:
                own = [label for label, other in zip(labels, labelled, strict=True) if other == value]
                scopes.append(((dimension, value), values.count(value), 1, 0, _shares(own, accepted)))
    slices = [annotation.slice for annotation in annotated]
    if any(slices):
        _by_slices(scopes, slices, labels, accepted, whole)


def _by_slices(
    scopes: list[Delta],
    slices: Sequence[Slices | None],
    labels: Sequence[Counted],
    accepted: Accepted | None,
    whole: tuple[Share, ...],
) -> None:
    n = len(slices)
    first = slices[0]
    # Only strings are compared as they are: True equals 1, but is another value of a slice.
    if first and slices.count(first) == n and set(map(type, first.values())) == {str}:
        scopes.extend([(("slice." + name, str(value)), n, 1, 0, whole) for name, value in first.items()])
        return
    places = [_slice_places(values) for values in slices]
    for place in dict.fromkeys(chain.from_iterable(places)):
        own = [label for label in labels if place in _slice_places(label[0].slice)]
        scopes.append((place, sum(place in others for others in places), 1, 0, _shares(own, accepted)))


def _slice_places(values: Slices | None) -> list[Place]:
    return [("slice." + name, _slice_value(value)) for name, value in values.items()] if values else []


def _slice_value(value: str | bool | int | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    # Numbers compare by value, and no two of them share a name.
    return str(int(value)) if value == int(value) else repr(value)


def _by_annotator(
    scopes: list[Delta], annotated: Sequence[Annotation], labels: Sequence[Counted], looks: Mapping[str, Look]
) -> None:
    """Each annotator against the others on the same item."""
    shares = {annotation.annotator: looks[kind].own[key] for annotation, kind, key in labels}
    if len(shares) == len(annotated):
        scopes.extend([(("annotator", annotator), 1, 1, 0, share) for annotator, share in shares.items()])
        return
    for annotator, n in Counter(annotation.annotator for annotation in annotated).items():
        scopes.append((("annotator", annotator), n, 1, 0, shares.get(annotator, ())))


def _pairs(labels: Sequence[Counted]) -> tuple[PairDelta, ...]:
    given = sorted([(kind, annotation.annotator, key) for annotation, kind, key in labels if kind in CATEGORICAL])
    return tuple(
        [
            ((kind, a, b), pair_pattern(label_a, label_b))
            for (kind, a, label_a), (other_kind, b, label_b) in combinations(given, 2)
            if kind == other_kind
        ]
    )
