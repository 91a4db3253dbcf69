"""The unit of change: an item with its annotations and its gold, and what it adds to the statistics.

An edit, a deletion, late or corrected gold and an erasure are one code path: the item's old contribution leaves,
its new one enters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, groupby
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from detectors.agreement.measures import Measure
from detectors.agreement.patterns import BY_SIZE, against_others, item_pattern, pair_pattern, sized_pattern
from detectors.between import BETWEEN_VENDORS, between_vendors, pair_name
from detectors.keys import ItemKey
from detectors.labels import LABEL_TYPES, Fit, level_of
from detectors.labels.base import Measuring
from detectors.panes import PANE, pane_name, pane_of
from detectors.protocols import Annotation, Gold
from detectors.records import AnnotationRecord
from detectors.repeats import REPEATS, repeats

MOST_ANNOTATORS = 1000
"""Of an item's annotators the first this many by (time, annotation) count."""

MOST_PAIRED = 50
"""Items with more annotators than this (a test that everybody takes) count no pairs: a thousand have half a million."""

LONGEST_CLASS = 1024
"""Bytes of UTF-8; a key with a longer name (a set of very many labels) is of no class."""

MOST_REMEMBERED = 6
LONGEST_REMEMBERED = 256
"""Labels, and characters of them all; how items with more look is computed each time, so that memory stays bounded."""


# An item makes a score of these; plain tuples are made five times as fast as named ones.

Share: TypeAlias = tuple[str, int, int, int, int, str | Measure | None]
"""What an item adds to one tally of a scope: label type; labels, pairable items, answers, correct ones; and its pattern.

Labels that are no categories have what they measure in place of the pattern, or None.
"""

Place: TypeAlias = tuple[str, str]
"""Which scope of a task: a dimension and its value."""

Addition: TypeAlias = tuple[int, int, int, tuple[Share, ...]]
"""What an item adds to a scope: annotations, items, unfit labels; a share a label type."""

Whole: TypeAlias = tuple[tuple[Place, ...], Addition]
"""The scopes to each of which an item adds this."""

Each: TypeAlias = tuple[tuple[str, ...], tuple[Addition, ...]]
"""Annotators, and what an item adds to the scope of each."""

Pair: TypeAlias = tuple[str, str, str]
"""A label type and two annotators, the one with the smaller id first."""

Twos: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A label type, annotators in order of their ids, and what an item adds to the confusion of each two of them: a pattern."""


class Contribution:
    """All that items add to their task's statistics."""

    __slots__ = ("each", "twos", "wholes")

    def __init__(self) -> None:
        self.wholes: list[Whole] = []
        self.each: list[Each] = []
        self.twos: list[Twos] = []

    def extend(self, other: Contribution) -> None:
        """Add what other items contribute."""
        self.wholes += other.wholes
        self.each += other.each
        self.twos += other.twos

    def by_place(self) -> Iterator[tuple[Place, Addition]]:
        """Each scope that an item enters, and what it adds there."""
        for places, addition in self.wholes:
            for place in places:
                yield place, addition
        for annotators, additions in self.each:
            for annotator, addition in zip(annotators, additions, strict=True):
                yield ("annotator", annotator), addition

    def by_pair(self) -> Iterator[tuple[Pair, str]]:
        """Each two annotators who are compared on an item, and what it adds to their confusion."""
        for twos in self.twos:
            yield from pairs_of(twos)

    def __bool__(self) -> bool:
        return bool(self.wholes)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Contribution)
            and self.wholes == other.wholes
            and self.each == other.each
            and self.twos == other.twos
        )

    __hash__ = None  # type: ignore[assignment]


def pairs_of(twos: Twos) -> Iterator[tuple[Pair, str]]:
    """Each two of these annotators, and what an item adds to their confusion.

    >>> list(pairs_of(("nominal", ("ann", "bob"), ("yes no",))))
    [(('nominal', 'ann', 'bob'), 'yes no')]
    """
    kind, annotators, patterns = twos
    return zip(((kind, a, b) for a, b in combinations(annotators, 2)), patterns, strict=True)


NOTHING = Contribution()


Counted: TypeAlias = tuple[str, str, str, Annotation]
"""A label that counts: its type, the annotator, its key, and the annotation (the annotator's latest, not skipped)."""

Accepted: TypeAlias = frozenset[tuple[str, str]]
"""The accepted answers of an item: label types and keys."""


class Key(NamedTuple):
    """The gold of an item as its task reads it."""

    accepted: Accepted
    label_class: str | None


class Item:
    """All that is known of one item."""

    __slots__ = ("_read", "before", "gold", "key", "records", "verdicts")

    def __init__(self, key: ItemKey) -> None:
        self.key = key
        self.records: dict[str, AnnotationRecord] = {}
        self.gold: Gold | None = None
        self.before: Contribution | None = None
        """What it contributed before the chunk that is being taken in; None if that does not touch it."""
        self.verdicts: dict[str, tuple[Annotation, bool]] | None = None
        self._read: tuple[Gold, Fit, Key | None] | None = None

    def in_force(self, stage: str) -> list[Annotation]:
        """The annotations of this stage in force, repeats and skips included."""
        return [
            event
            for record in self.records.values()
            if (event := record.event) is not None
            and event.stage == stage
            and (record.withdrawn is None or record.in_force)
        ]

    def latest(self, stage: str) -> Sequence[Annotation]:
        """Each annotator's latest annotation of this stage by (time, annotation); a skip is one without a label."""
        return latest_by_annotator(self.in_force(stage))

    def key_of(self, fit: Fit) -> Key | None:
        """The gold in force; None where there is none or it is withdrawn."""
        gold, read = self.gold, self._read
        if gold is None:
            return None
        if read is None or read[0] is not gold or read[1] is not fit:
            read = self._read = gold, fit, _key_of(gold, fit)
        return read[2]


def _key_of(gold: Gold, fit: Fit) -> Key | None:
    if not gold.accepted:
        return None
    answers = [(fit(answer.label), answer.weight) for answer in gold.accepted]
    best = max(answers, key=lambda answer: answer[1])[0]
    accepted = frozenset(label for label, weight in answers if label is not None and weight > 0)
    named = best is not None and len(best[1].encode()) <= LONGEST_CLASS
    return Key(accepted, best[1] if named and best is not None else None)


class Given(Protocol):
    """By whom and when an annotation was given."""

    @property
    def annotator(self) -> Hashable: ...
    @property
    def at(self) -> int: ...
    @property
    def key(self) -> str: ...


AnyGiven = TypeVar("AnyGiven", bound=Given)


def latest_by_annotator(annotations: Sequence[AnyGiven]) -> Sequence[AnyGiven]:
    """Each annotator's latest of an item's annotations by (time, annotation); of too many people those of the first."""
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
    """The labels that count of these annotations, in order, and how many do not fit."""
    found: list[Counted] = []
    unfit = 0
    words = fit.words
    for annotation in latest_by_annotator(annotations):
        if annotation.skipped:
            continue
        given = annotation.label
        label = words.get(given) if given.__class__ is str else None
        if label is None:
            label = fit(given)
        if label is None:
            unfit += 1
        else:
            found.append((label[0], annotation.annotator, label[1], annotation))
    found.sort()
    return found, unfit


def verdicts(item: Item, fit: Fit) -> dict[str, tuple[Annotation, bool]]:
    """Which answers of the item are wrong, by annotation; empty without gold in force."""
    key = item.key_of(fit)
    if key is None:
        return {}
    answers, _ = counted(item.in_force("annotate"), fit)
    return {
        annotation.key: (annotation, (label_type, label) not in key.accepted)
        for label_type, _, label, annotation in answers
        if LABEL_TYPES[label_type].answers
    }


def contribution(item: Item, fit: Fit) -> Contribution:
    """What the item adds to the statistics of its task."""
    found = Contribution()
    contribute(item, fit, found)
    return found


def contribute(item: Item, fit: Fit, to: Contribution) -> None:
    """Add what the item adds to the statistics of its task to what others do."""
    annotated = item.in_force("annotate")
    n = len(annotated)
    if n < len(item.records):
        _by_stage(item, fit, to.wholes)
    if not annotated:
        return
    labels, unfit = counted(annotated, fit)
    key = item.key_of(fit)
    accepted = None if key is None else key.accepted
    looks = _looks(labels, accepted, fit)
    whole = _whole(looks, n)
    repeated = repeats(annotated, fit) if len(labels) < n and _repeat(annotated) else {}
    hour = pane_of(annotated)
    if unfit or repeated:
        task = (n, 1, unfit, (*whole[3], *[_of_sums(REPEATS, measure) for measure in repeated.values()]))
    else:
        task = whole
    if _alike(annotated):
        first = annotated[0]
        slices: tuple[tuple[str, Any], ...] = tuple(first.slice.items()) if first.slice else ()
        places = _places(key is not None, hour, first.vendor, first.batch, first.guideline, slices)
        if task is whole:
            to.wholes.append((places, whole))
        else:
            to.wholes += [(places[:2], task), (places[2:], whole)]
    else:
        to.wholes.append((_task_places(key is not None, hour), task))
        _by_attributes(annotated, labels, accepted, fit, to.wholes)
        _between_vendors(labels, fit, to.wholes)
    if key is not None and key.label_class is not None:
        answered = tuple((kind, 0, 0, answers, right, None) for kind, _, _, answers, right, _ in whole[3] if answers)
        if answered:
            to.wholes.append(((("class", key.label_class),), (0, 0, 0, answered)))
    _by_annotator(annotated, looks, repeated, to.each)
    to.twos += [(look.kind, people, look.pairs) for people, look in looks if look.pairs]


class Look(NamedTuple):
    """How the labels of one type enter a scope: all together, and in their order each of them against the others.

    `pairs` has the pattern of each two of them where labels are categories, and they are not too many.
    """

    kind: str
    whole: Addition
    own: tuple[Addition, ...]
    pairs: tuple[str, ...]


Group: TypeAlias = tuple[tuple[str, ...], Look]
"""The annotators who gave the labels of one type, and how these look."""


def _looks(labels: Sequence[Counted], accepted: Accepted | None, fit: Fit) -> Sequence[Group]:
    """The labels by type; nearly always there is just one."""
    if not labels:
        return ()
    kind = labels[0][0]
    if kind == labels[-1][0]:
        return ((tuple([label[1] for label in labels]), _look(kind, labels, accepted, fit)),)
    groups = [list(group) for _, group in groupby(labels, itemgetter(0))]
    return [looks for group in groups for looks in _looks(group, accepted, fit)]


def _repeat(annotated: Sequence[Annotation]) -> bool:
    """Whether anyone's labels are to be compared with the own earlier ones; not where many label, as in a test."""
    people = len({annotation.annotator for annotation in annotated})
    return people < len(annotated) and people <= MOST_ANNOTATORS


def _of_sums(name: str, measure: Measure) -> Share:
    return name, 0, 0, 0, 0, measure


def _whole(looks: Sequence[Group], annotations: int) -> Addition:
    """What the labels of all types add to a scope that so many annotations have."""
    if len(looks) == 1 and looks[0][1].whole[0] == annotations:
        return looks[0][1].whole
    return annotations, 1, 0, tuple([share for _, look in looks for share in look.whole[3]])


def _look(kind: str, given: Sequence[Counted], accepted: Accepted | None, fit: Fit) -> Look:
    labels = tuple([label for _, _, label, _ in given])
    if kind not in fit.categorical:
        look = _look_of(kind, labels, accepted, categorical=False)
        measuring = fit.measuring.get(kind)
        return look if measuring is None else _measured(look, given, measuring)
    if len(labels) > MOST_REMEMBERED or len("".join(labels)) > LONGEST_REMEMBERED:
        return _look_of(kind, labels, accepted, categorical=True)
    return _remembered_look(kind, labels, accepted)


@lru_cache(maxsize=16_384)
def _remembered_look(kind: str, labels: tuple[str, ...], accepted: Accepted | None) -> Look:
    """Most items look like others: three labels out of five can be given in 125 ways."""
    return _look_of(kind, labels, accepted, categorical=True)


def _look_of(kind: str, labels: Sequence[str], accepted: Accepted | None, *, categorical: bool) -> Look:
    n = len(labels)
    pairable = int(n > 1)
    answers = int(accepted is not None and LABEL_TYPES[kind].answers)
    correct = {label: int(bool(answers) and (kind, label) in (accepted or ())) for label in labels}
    own: dict[str, Addition] = {}
    for label, right in correct.items():
        seen = None
        if categorical:
            others = list(labels)
            others.remove(label)
            seen = against_others(label, others)
        own[label] = (1, 1, 0, ((kind, 1, pairable, answers, right, seen),))
    pattern = item_pattern(labels) if categorical else None
    whole = (kind, n, pairable, n * answers, sum([correct[label] for label in labels]), pattern)
    pairs = _pairs(kind, labels) if categorical and n <= MOST_PAIRED else ()
    return Look(kind, (n, 1, 0, (whole,)), tuple([own[label] for label in labels]), pairs)


def _pairs(kind: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The pattern of each two of the labels."""
    if level_of(kind) in BY_SIZE:
        size = len(labels)
        return tuple([sized_pattern(*two, size) for two in combinations(labels, 2)])
    return tuple([pair_pattern(*two) for two in combinations(labels, 2)])


def _measured(look: Look, labels: Sequence[Counted], measuring: Measuring) -> Look:
    """The look of labels that are measured."""
    found = measuring([(annotator, key, annotation.label) for _, annotator, key, annotation in labels])
    own = [_with_measure(addition, seen) for addition, seen in zip(look.own, found.own, strict=True)]
    return Look(look.kind, _with_measure(look.whole, found.whole), tuple(own), look.pairs)


def _with_measure(addition: Addition, measure: Measure) -> Addition:
    annotations, items, unfit, (share,) = addition
    return annotations, items, unfit, ((*share[:5], measure or None),)


def _by_stage(item: Item, fit: Fit, to: list[Whole]) -> None:
    """The labels of each other stage among themselves."""
    stages = {record.event.stage for record in item.records.values() if record.event is not None}
    for stage in sorted(stages - {"annotate"}):
        annotations = item.in_force(stage)
        if annotations:
            labels, unfit = counted(annotations, fit)
            shares = _whole(_looks(labels, None, fit), len(annotations))[3]
            to.append(((("stage", stage),), (len(annotations), 1, unfit, shares)))


def _task_places(has_gold: bool, hour: int) -> tuple[Place, Place]:
    """The scopes that make up the task: one way by gold, another by time."""
    return ("gold_item", "true" if has_gold else "false"), (PANE, pane_name(hour))


def _alike(annotated: Sequence[Annotation]) -> bool:
    """Whether the annotations differ in no attribute, so that each attribute's scope sees the whole item."""
    first = annotated[0]
    vendor, batch, guideline, slices = first.vendor, first.batch, first.guideline, first.slice
    for other in annotated:
        if (
            other.batch != batch
            or other.vendor != vendor
            or other.guideline != guideline
            or (other.slice != slices and other is not first)
        ):
            return False
    # True equals 1, but is another value of a slice.
    return not slices or {value.__class__ for value in slices.values()} == {str}


@lru_cache(maxsize=4096)
def _places(
    has_gold: bool,
    hour: int,
    vendor: str | None,
    batch: str | None,
    guideline: str | None,
    slices: tuple[tuple[str, str], ...],
) -> tuple[Place, ...]:
    """The scopes that see a whole item: most items have the attributes of the one before."""
    return (
        *_task_places(has_gold, hour),
        *_named(vendor, batch, guideline),
        *[("slice." + name, value) for name, value in slices],
    )


def _by_attributes(
    annotated: Sequence[Annotation], labels: Sequence[Counted], accepted: Accepted | None, fit: Fit, to: list[Whole]
) -> None:
    """Of each value of an attribute the annotations that have it among themselves."""
    members = Counter([place for annotation in annotated for place in _attributes(annotation)])
    labelled = [(label, _attributes(label[3])) for label in labels]
    seen: dict[tuple[str, ...], Sequence[Group]] = {}
    for place, n in members.items():
        own = [label for label, places in labelled if place in places]
        # Where people differ in one attribute, all others show the same labels: these are looked at once.
        people = tuple([annotator for _, annotator, _, _ in own])
        if people not in seen:
            seen[people] = _looks(own, accepted, fit)
        to.append(((place,), _whole(seen[people], n)))


def _between_vendors(labels: Sequence[Counted], fit: Fit, to: list[Whole]) -> None:
    """Of each two vendors the labels of one against those of the other."""
    if len({label[3].vendor for label in labels}) < 2:
        return
    for (a, b), compared in between_vendors(labels, fit).items():
        shares = tuple([(kind, n, 1, 0, 0, seen or None) for kind, n, seen in compared])
        to.append((((BETWEEN_VENDORS, pair_name(a, b)),), (sum([n for _, n, _ in compared]), 1, 0, shares)))


def _attributes(annotation: Annotation) -> list[Place]:
    """The dimensions that an annotation's own fields name, with their values."""
    slices = annotation.slice or {}
    return [
        *_named(annotation.vendor, annotation.batch, annotation.guideline),
        *[("slice." + name, _slice_value(value)) for name, value in slices.items()],
    ]


def _named(vendor: str | None, batch: str | None, guideline: str | None) -> list[Place]:
    fields = ("vendor", vendor), ("batch", batch), ("guideline", guideline)
    return [(dimension, value) for dimension, value in fields if value is not None]


def _slice_value(value: str | bool | int | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    # Numbers compare by value, and no two of them share a name.
    return str(int(value)) if value == int(value) else repr(value)


def _by_annotator(
    annotated: Sequence[Annotation], looks: Sequence[Group], repeated: Mapping[str, Measure], to: list[Each]
) -> None:
    """Each annotator against the others on the same item, and against the own earlier labels."""
    if sum([len(people) for people, _ in looks]) == len(annotated):
        to += [(people, look.own) for people, look in looks]
        return
    shares: dict[str, tuple[Share, ...]] = {
        annotator: addition[3] for people, look in looks for annotator, addition in zip(people, look.own, strict=True)
    }
    for annotator, measure in repeated.items():
        shares[annotator] = (*shares.get(annotator, ()), _of_sums(REPEATS, measure))
    counts = Counter([annotation.annotator for annotation in annotated])
    to.append((tuple(counts), tuple([(n, 1, 0, shares.get(annotator, ())) for annotator, n in counts.items()])))
