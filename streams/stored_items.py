"""The items of a home as a batch sees them: from the stored annotations and gold alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeVar

from detectors.item import Item
from detectors.keys import ItemKey, TaskKey
from detectors.records import AnnotationRecord
from streams.events import Annotation
from streams.store import Store, rows
from streams.store.tables import GOLD

STEP: Final = 10_000


def stored_annotations(store: Store, home: int) -> Iterator[AnnotationRecord]:
    """A home's annotations in the order of their rows, some thousand in memory at a time."""
    after = 0
    while found := store.scan_annotations(home, after, STEP):
        yield from found
        after = found[-1].row


T = TypeVar("T")


def annotations_in_force(store: Store, home: int, tasks: Mapping[TaskKey, T]) -> Iterator[tuple[T, str, Annotation]]:
    """Of these tasks the annotations in force, of the stage that agreement is about: what stands for the task, item, annotation."""
    for record in stored_annotations(store, home):
        item = record.item
        held = None if item is None else tasks.get(item[:2])
        if item is not None and held is not None and record.in_force:
            event: Any = record.event
            if event is not None and event.stage == "annotate":
                yield held, item.item, event


def stored_items(store: Store, home: int) -> Collection[Item]:
    """Every item of a home, whole. An item's annotations may lie far apart, so all are in memory."""
    items: dict[ItemKey, Item] = {}
    for record in stored_annotations(store, home):
        key = record.item
        if key is not None:
            items.setdefault(key, Item(key)).records[record.key] = record
    for key, gold in map(rows.gold_event, store.scan(GOLD, home)):
        if key in items:
            items[key].gold = gold
    return items.values()
