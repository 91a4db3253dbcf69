"""The items that annotators disagree on most, read from the stored annotations: the fold keeps nothing for it.

An item's annotations may lie anywhere in the store. Of labels that are compared by being equal or not (`_Counted`) every item
is in memory until all were met, but of an annotation only two small numbers: who gave it and what was given. Only items with
different labels on which somebody labelled twice, or more people than count, are looked at again, with times and ids.

Labels of parts, such as boxes, are compared whole (`_Compared`). The first reading counts each item's annotations; the next
one holds an item's labels, packed, until all are there. Of items for which there is no room the labels are held by another
reading: memory is bounded, and where an item's annotations lie near each other two readings are all.
"""

from __future__ import annotations

import argparse
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from detectors.agreement.disputed import Degree, Disputed, differing, entropy, most_disputed, variance
from detectors.config import TaskConfig
from detectors.item import MOST_ANNOTATORS, latest_by_annotator
from detectors.keys import TaskKey
from detectors.labels import LABEL_TYPES, Fit
from detectors.labels.base import CompoundType, DisputedType
from detectors.reasons import NOT_AVAILABLE
from streams.arguments import whole
from streams.events import Annotation, Label
from streams.store import Store
from streams.stored_items import annotations_in_force

MOST_DISPUTED: Final = 20
MOST_ASKED: Final = 1000
NUMBERS: Final = frozenset({"interval", "ratio"})
NO_LABEL: Final = 0
"""What was given by who skipped, or whose label does not count in the task."""

MOST_HELD: Final = 64_000_000
"""Bytes of labels that are held at a time, of all tasks together."""

A_LABEL: Final = 300
"""Bytes that it takes to hold a label, besides its own: who gave it, when, and its id."""

_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Label).decode


class _Items(Protocol):
    """The items of a task while the store's annotations are read, once or more."""

    def first(self, item: str, annotator: int, event: Annotation) -> None:
        """An annotation in the first reading."""
        ...

    def after_first(self) -> None:
        """All annotations were met."""
        ...

    @property
    def wanting(self) -> bool:
        """Whether there has to be another reading."""
        ...

    def again(self, item: str, annotator: int, event: Annotation) -> None:
        """An annotation in another reading."""
        ...

    def after_again(self) -> None:
        """All annotations were met once more."""
        ...

    def ranked(self, most: int) -> dict[str, Any]:
        """This part of the task's document."""
        ...


class _Given(NamedTuple):
    """As much of an annotation as it takes to tell whether it counts."""

    annotator: int
    at: int
    key: str
    label: int


class _Counted:
    """Items whose labels are equal or not: what was given, annotator and label as numbers, one after the other."""

    def __init__(self, config: TaskConfig, label_type: str, name: str, degree: Degree) -> None:
        self._fit = Fit(config)
        self._label_type = label_type
        self._name = name
        self._degree = degree
        kind = LABEL_TYPES[label_type]
        self._text: Callable[[str], str] = kind.text if isinstance(kind, CompoundType) else str
        self._labels: dict[str, int] = {}
        self._given: dict[str, array[int]] = {}
        self._repeated: dict[str, list[_Given]] = {}
        self.wanting = False

    def _label(self, event: Annotation) -> int:
        """The number of what was given."""
        fit = None if event.skipped else self._fit(event.label)
        if fit is None or fit[0] != self._label_type:
            return NO_LABEL
        return self._labels.setdefault(fit[1], len(self._labels) + 1)

    def first(self, item: str, annotator: int, event: Annotation) -> None:
        given = self._given.get(item)
        if given is None:
            given = self._given[item] = array("I")
        given.extend((annotator, self._label(event)))

    def after_first(self) -> None:
        """Let go of items that are not disputed, and put those aside of whose labels not all may count."""
        for item in list(self._given):
            given = self._given[item]
            if len({*given[1::2]} - {NO_LABEL}) < 2:
                del self._given[item]
                continue
            people = given[::2]
            if len({*people}) < len(people) or len(people) > MOST_ANNOTATORS:
                del self._given[item]
                self._repeated[item] = []
        self.wanting = bool(self._repeated)

    def again(self, item: str, annotator: int, event: Annotation) -> None:
        given = self._repeated.get(item)
        if given is not None:
            given.append(_Given(annotator, event.at, event.key, self._label(event)))

    def after_again(self) -> None:
        self.wanting = False

    def ranked(self, most: int) -> dict[str, Any]:
        keys = dict(enumerate(self._labels, 1))
        found, cut = most_disputed(differing(self._counts(keys), self._degree), most)
        return {
            "disputed": [
                {
                    "item": each.item,
                    "labels": each.labels,
                    self._name: each.degree,
                    "counts": {self._text(key): n for key, n in _most_frequent_first(each.counts)},
                }
                for each in found
            ],
            "disputed_cut": cut,
        }

    def _counts(self, keys: Mapping[int, str]) -> Iterator[tuple[str, Mapping[str, int]]]:
        """How often each label was given to each item."""
        once: Iterable[tuple[str, Sequence[int]]] = ((item, given[1::2]) for item, given in self._given.items())
        again = ((item, [each.label for each in latest_by_annotator(given)]) for item, given in self._repeated.items())
        for item, labels in chain(once, again):
            yield item, Counter([keys[label] for label in labels if label != NO_LABEL])


class _Held(NamedTuple):
    """An annotation with its label, packed; without one it is a skip."""

    annotator: str
    at: int
    key: str
    label: bytes


class _Room:
    """How many bytes of labels are held."""

    def __init__(self) -> None:
        self.taken = 0


class _Compared:
    """Items whose labels are compared whole, as soon as all of an item's are there."""

    def __init__(self, config: TaskConfig, label_type: str, kind: DisputedType, most: int, room: _Room) -> None:
        self._fit = Fit(config)
        self._label_type = label_type
        self._likeness = kind.likeness
        self._difference = kind.differing(config)
        self._most = most
        self._expected: dict[str, int] = {}
        """How many annotations each item has that is yet to be compared."""
        self._held: dict[str, list[_Held]] = {}
        self._postponed: set[str] = set()
        self._room = room
        self._found: list[Disputed] = []
        self._cut = 0

    def first(self, item: str, annotator: int, event: Annotation) -> None:
        self._expected[item] = self._expected.get(item, 0) + 1

    def after_first(self) -> None:
        for item in [item for item, n in self._expected.items() if n == 1]:
            del self._expected[item]

    @property
    def wanting(self) -> bool:
        return bool(self._expected)

    def again(self, item: str, annotator: int, event: Annotation) -> None:
        expected = self._expected.get(item)
        if expected is None or item in self._postponed:
            return
        held = self._held.get(item)
        if held is None:
            if self._room.taken > MOST_HELD:
                self._postponed.add(item)
                return
            held = self._held[item] = []
        label = b"" if event.skipped else _pack(event.label)
        held.append(_Held(event.annotator, event.at, event.key, label))
        self._room.taken += A_LABEL + len(label)
        if len(held) == expected:
            self._compare(item)

    def after_again(self) -> None:
        """What had no room is expected by the next reading; what was met is done, whatever became of the store."""
        for item in list(self._held):
            self._compare(item)
        for item in self._expected.keys() - self._postponed:
            del self._expected[item]
        self._postponed.clear()

    def _compare(self, item: str) -> None:
        del self._expected[item]
        held = self._held.pop(item)
        self._room.taken -= sum([A_LABEL + len(each.label) for each in held])
        given = []
        for each in latest_by_annotator(held):
            label = _unpack(each.label) if each.label else None
            fit = None if label is None else self._fit(label)
            if fit is not None and fit[0] == self._label_type:
                given.append((each.annotator, fit[1], label))
        given.sort(key=_annotator)
        difference = self._difference(given) if len(given) > 1 else None
        if difference is not None:
            self._found.append(Disputed(item, difference.degree, len(given), difference.counts, difference.likeness))
            if len(self._found) >= 2 * self._most + 1000:
                self._rank(self._most)

    def _rank(self, most: int) -> None:
        self._found, cut = most_disputed(self._found, most)
        self._cut += cut

    def ranked(self, most: int) -> dict[str, Any]:
        self._rank(most)
        return {
            "disputed": [
                {
                    "item": each.item,
                    "labels": each.labels,
                    "entropy": each.degree,
                    self._likeness: each.likeness,
                    "counts": dict(_most_frequent_first(each.counts)),
                }
                for each in self._found
            ],
            "disputed_cut": self._cut,
        }


def _annotator(given: tuple[str, str, object]) -> str:
    return given[0]


def _most_frequent_first(counts: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda of: (-of[1], of[0]))


def _items(config: TaskConfig, label_type: str, most: int, room: _Room) -> _Items | None:
    """How the items of a task are looked at; None where nothing says how far its labels differ."""
    kind = LABEL_TYPES[label_type]
    if label_type in Fit(config).categorical:
        return _Counted(config, label_type, "entropy", entropy)
    if label_type in NUMBERS:
        return _Counted(config, label_type, "variance", variance)
    return _Compared(config, label_type, kind, most, room) if isinstance(kind, DisputedType) else None


def disputed(
    store: Store, home: int, tasks: Mapping[TaskKey, tuple[TaskConfig, str | None]], most: int
) -> dict[TaskKey, dict[str, Any]]:
    """Of each of these tasks of a home, with its configuration and label type, the most disputed items."""
    found: dict[TaskKey, dict[str, Any]] = {}
    looked_at: dict[TaskKey, _Items] = {}
    room = _Room()
    for key, (config, label_type) in tasks.items():
        items = None if label_type is None else _items(config, label_type, most, room)
        if items is not None:
            looked_at[key] = items
        elif label_type is None:
            found[key] = {"disputed": [], "disputed_cut": 0}
        else:
            found[key] = {"disputed": None, "disputed_cut": None, "disputed_why": NOT_AVAILABLE}
    if looked_at:
        _read(store, home, looked_at)
    return found | {key: items.ranked(most) for key, items in looked_at.items()}


def _read(store: Store, home: int, tasks: Mapping[TaskKey, _Items]) -> None:
    people: dict[str, int] = {}
    for items, item, event in annotations_in_force(store, home, tasks):
        items.first(item, people.setdefault(event.annotator, len(people)), event)
    for items in tasks.values():
        items.after_first()
    while again := {key: items for key, items in tasks.items() if items.wanting}:
        for items, item, event in annotations_in_force(store, home, again):
            items.again(item, people.setdefault(event.annotator, len(people)), event)
        for items in again.values():
            items.after_again()


def add_disputed_argument(parser: argparse.ArgumentParser) -> None:
    """The option --disputed."""
    parser.add_argument(
        "--disputed",
        metavar="N",
        type=whole(0, MOST_ASKED),
        default=MOST_DISPUTED,
        help=f"of each task the N most disputed items (default: {MOST_DISPUTED}); 0 spares reading all annotations, "
        "and leaves out the intervals that need them",
    )
