"""The items that annotators disagree on most, read from the stored annotations: the fold keeps nothing for it.

An item's annotations may lie anywhere in the store, so every item is in memory until all were met, but of an annotation
only two small numbers: who gave it and what was given. Only items with different labels on which somebody labelled twice,
or more people than count, are looked at again, with times and ids.
"""

from __future__ import annotations

import argparse
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from detectors.agreement.disputed import Degree, entropy, most_disputed, variance
from detectors.config import TaskConfig
from detectors.item import MOST_ANNOTATORS, latest_by_annotator
from detectors.labels import LABEL_TYPES, Fit
from detectors.labels.base import CompoundType
from detectors.monitor import TaskKey
from detectors.reasons import NOT_AVAILABLE
from streams.arguments import whole
from streams.store import Store
from streams.stored_items import stored_annotations

MOST_DISPUTED: Final = 20
MOST_ASKED: Final = 1000
NUMBERS: Final = frozenset({"interval", "ratio"})
NO_LABEL: Final = 0
"""What was given by who skipped, or whose label does not count in the task."""


class _Given(NamedTuple):
    """As much of an annotation as it takes to tell whether it counts."""

    annotator: int
    at: int
    key: str
    label: int


class _Items:
    """The items of a task, and what was given to each: annotator and label as numbers, one after the other."""

    def __init__(self, config: TaskConfig, label_type: str) -> None:
        self._fit = Fit(config)
        self._label_type = label_type
        self._text: Callable[[str], str] = str
        kind = LABEL_TYPES[label_type]
        if isinstance(kind, CompoundType):
            self._text = kind.text
        self.measure: tuple[str, Degree] | None = None
        if label_type in self._fit.categorical:
            self.measure = "entropy", entropy
        elif label_type in NUMBERS:
            self.measure = "variance", variance
        self._labels: dict[str, int] = {}
        self._given: dict[str, array[int]] = {}
        self.repeated: dict[str, list[_Given]] = {}

    def label(self, label: object) -> int:
        """The number of what was given."""
        fit = self._fit(label)
        if fit is None or fit[0] != self._label_type:
            return NO_LABEL
        return self._labels.setdefault(fit[1], len(self._labels) + 1)

    def add(self, item: str, annotator: int, label: int) -> None:
        """Note what was given to an item."""
        given = self._given.get(item)
        if given is None:
            given = self._given[item] = array("I")
        given.extend((annotator, label))

    def narrow(self) -> None:
        """Let go of items that are not disputed, and put those aside of whose labels not all may count."""
        for item in list(self._given):
            given = self._given[item]
            if len({*given[1::2]} - {NO_LABEL}) < 2:
                del self._given[item]
                continue
            people = given[::2]
            if len({*people}) < len(people) or len(people) > MOST_ANNOTATORS:
                del self._given[item]
                self.repeated[item] = []

    def ranked(self, most: int) -> dict[str, Any]:
        """This part of the task's document."""
        if self.measure is None:
            return {"disputed": None, "disputed_cut": None, "disputed_why": NOT_AVAILABLE}
        name, degree = self.measure
        keys = dict(enumerate(self._labels, 1))
        found, cut = most_disputed(self._counts(keys), most, degree)
        return {
            "disputed": [
                {
                    "item": each.item,
                    "labels": each.labels,
                    name: each.degree,
                    "counts": {
                        self._text(key): n for key, n in sorted(each.counts.items(), key=lambda of: (-of[1], of[0]))
                    },
                }
                for each in found
            ],
            "disputed_cut": cut,
        }

    def _counts(self, keys: Mapping[int, str]) -> Iterator[tuple[str, Mapping[str, int]]]:
        """How often each label was given to each item."""
        once: Iterable[tuple[str, Sequence[int]]] = ((item, given[1::2]) for item, given in self._given.items())
        again = ((item, [each.label for each in latest_by_annotator(given)]) for item, given in self.repeated.items())
        for item, labels in chain(once, again):
            yield item, Counter([keys[label] for label in labels if label != NO_LABEL])


def disputed(
    store: Store, home: int, tasks: Mapping[TaskKey, tuple[TaskConfig, str | None]], most: int
) -> dict[TaskKey, dict[str, Any]]:
    """Of each of these tasks of a home, with its configuration and label type, the most disputed items."""
    found = {key: _Items(config, label_type) for key, (config, label_type) in tasks.items() if label_type is not None}
    compared = {key: items for key, items in found.items() if items.measure is not None}
    if compared:
        _note_all(store, home, compared)
    nothing: dict[str, Any] = {"disputed": [], "disputed_cut": 0}
    return {key: found[key].ranked(most) if key in found else nothing for key in tasks}


def _note_all(store: Store, home: int, tasks: Mapping[TaskKey, _Items]) -> None:
    people: dict[str, int] = {}
    for items, item, event in _in_force(store, home, tasks):
        annotator = people.setdefault(event.annotator, len(people))
        items.add(item, annotator, NO_LABEL if event.skipped else items.label(event.label))
    for items in tasks.values():
        items.narrow()
    again = {key: items for key, items in tasks.items() if items.repeated}
    if not again:
        return
    for items, item, event in _in_force(store, home, again):
        given = items.repeated.get(item)
        if given is not None:
            label = NO_LABEL if event.skipped else items.label(event.label)
            given.append(_Given(people[event.annotator], event.at, event.key, label))


def _in_force(store: Store, home: int, tasks: Mapping[TaskKey, _Items]) -> Iterator[tuple[_Items, str, Any]]:
    """The annotations in force of these tasks, of the stage that agreement is about."""
    for _, item, record in stored_annotations(store, home):
        items = None if item is None else tasks.get(item[:2])
        if item is not None and items is not None and record.in_force:
            event = record.event
            if event is not None and event.stage == "annotate":
                yield items, item.item, event


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
