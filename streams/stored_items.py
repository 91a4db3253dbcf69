"""The items of a home as a batch sees them: from the stored annotations and gold alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from detectors.item import Item, ItemKey
from streams.store import Store, rows
from streams.store.base import StoredAnnotation
from streams.store.tables import GOLD

STEP: Final = 10_000


def stored_annotations(store: Store, home: int) -> Iterator[StoredAnnotation]:
    """A home's annotations in the order of their rows, some thousand in memory at a time."""
    after = 0
    while found := store.scan_annotations(home, after, STEP):
        yield from found
        after = found[-1][2].row


def stored_items(store: Store, home: int) -> Collection[Item]:
    """Every item of a home, whole. An item's annotations may lie far apart, so all are in memory."""
    items: dict[ItemKey, Item] = {}
    for _, key, record in stored_annotations(store, home):
        if key is not None:
            items.setdefault(key, Item(key)).records[record.key] = record
    for key, gold in map(rows.gold_event, store.scan(GOLD, home)):
        if key in items:
            items[key].gold = gold
    return items.values()
