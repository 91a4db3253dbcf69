"""The labels of whole items, by annotator, read from the stored annotations: what intervals need that the fold does not keep.

An item's annotations may lie anywhere in the store, so every item is in memory until all were met, but of an annotation only
two small numbers: who gave it and what was given. Only items on which somebody labelled twice, or more people than count,
are looked at again, with times and ids.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from detectors.config import TaskConfig
from detectors.item import MOST_ANNOTATORS, latest_by_annotator
from detectors.keys import TaskKey
from detectors.labels import Fit
from detectors.protocols import Annotation
from streams.store import Store
from streams.stored_items import annotations_in_force

NO_LABEL: Final = 0
"""What was given by who skipped, or whose label does not count in the task."""

Labels: TypeAlias = list[tuple[str, Mapping[str, str]]]
"""Items, each with its counting labels by annotator."""


class Wanted(NamedTuple):
    """Of a task the items with at least `fewest` labels of this type are wanted."""

    config: TaskConfig
    label_type: str
    fewest: int


class _Given(NamedTuple):
    """As much of an annotation as it takes to tell whether it counts."""

    annotator: int
    at: int
    key: str
    label: int


class _Items:
    """The items of a task, and what was given to each: annotator and label as numbers, one after the other."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._fit = Fit(wanted.config)
        self._people: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._given: dict[str, array[int]] = {}
        self.repeated: dict[str, list[_Given]] = {}

    def _numbers(self, event: Annotation) -> tuple[int, int]:
        """Who gave the annotation, and what."""
        fit = None if event.skipped else self._fit(event.label)
        counts = fit is not None and fit[0] == self._wanted.label_type
        label = self._labels.setdefault(fit[1], len(self._labels) + 1) if counts and fit is not None else NO_LABEL
        return self._people.setdefault(event.annotator, len(self._people)), label

    def add(self, item: str, event: Annotation) -> None:
        """Note what was given to an item."""
        given = self._given.get(item)
        if given is None:
            given = self._given[item] = array("I")
        given.extend(self._numbers(event))

    def narrow(self) -> None:
        """Let go of items that too few people labelled, and put those aside of whose labels not all may count."""
        for item, given in list(self._given.items()):
            people = {*given[::2]}
            if len(people) < self._wanted.fewest:
                del self._given[item]
            elif len(people) < len(given) // 2 or len(people) > MOST_ANNOTATORS:
                del self._given[item]
                self.repeated[item] = []

    def add_again(self, item: str, event: Annotation) -> None:
        """Note what was given to an item that was put aside."""
        given = self.repeated.get(item)
        if given is not None:
            annotator, label = self._numbers(event)
            given.append(_Given(annotator, event.at, event.key, label))

    def whole(self) -> Labels:
        """The items that are wanted."""
        once = ((item, zip(given[::2], given[1::2], strict=True)) for item, given in self._given.items())
        latest = ((item, latest_by_annotator(given)) for item, given in self.repeated.items())
        again = ((item, ((each.annotator, each.label) for each in given)) for item, given in latest)
        people, keys = dict(enumerate(self._people)), dict(enumerate(self._labels, 1))
        found: Labels = []
        for item, given in (*once, *again):
            labels = {people[who]: keys[label] for who, label in given if label != NO_LABEL}
            if len(labels) >= self._wanted.fewest:
                found.append((item, labels))
        return found


def stored_labels(store: Store, home: int, tasks: Mapping[TaskKey, Wanted]) -> dict[TaskKey, Labels]:
    """The wanted items of these tasks of a home, in no order that means anything; without tasks nothing is read."""
    found = {key: _Items(wanted) for key, wanted in tasks.items()}
    if found:
        for items, item, event in annotations_in_force(store, home, found):
            items.add(item, event)
    for items in found.values():
        items.narrow()
    again = {key: items for key, items in found.items() if items.repeated}
    if again:
        for items, item, event in annotations_in_force(store, home, again):
            items.add_again(item, event)
    return {key: items.whole() for key, items in found.items()}
