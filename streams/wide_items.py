"""Items that show so many classes that the fold does not keep all their products, whole, read from the stored annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detectors.agreement.wide import FEWEST_CLASSES
from detectors.item import Item
from detectors.keys import ItemKey, TaskKey
from streams.events import Shape
from streams.store import Store, rows
from streams.store.tables import GOLD
from streams.stored_items import stored_annotations


def wide_items(store: Store, home: int, tasks: Mapping[TaskKey, str]) -> dict[TaskKey, list[Item]]:
    """Of each of these tasks, with its label type, the items that may have too many categories; without tasks nothing is read.

    All annotations are read twice: for the numbers of the classes of each item, then for the items that have enough.
    """
    found: dict[TaskKey, list[Item]] = {key: [] for key in tasks}
    if not tasks:
        return found
    numbers: dict[str | None, int] = {}
    classes: dict[ItemKey, set[int]] = {}
    for record in stored_annotations(store, home):
        key = record.item
        if key is not None and key[:2] in tasks and record.in_force and record.event is not None:
            held = classes.setdefault(key, set())
            held.update(numbers.setdefault(name, len(numbers)) for name in _classes(record.event.label))
    items = {key: Item(key) for key, held in classes.items() if len(held) >= FEWEST_CLASSES[tasks[key[:2]]]}
    if items:
        for record in stored_annotations(store, home):
            if record.item in items:
                items[record.item].records[record.key] = record
        for key, gold in map(rows.gold_event, store.scan(GOLD, home)):
            if key in items:
                items[key].gold = gold
    for key, item in items.items():
        found[key[:2]].append(item)
    return found


def _classes(label: object) -> Iterator[str | None]:
    """The class of each part of a label, None for a part without one."""
    if isinstance(label, Shape):
        yield from (box.label for box in label.boxes or ())
        yield from (span.type for span in label.spans or ())
