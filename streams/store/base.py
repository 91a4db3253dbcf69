"""What a store is: rows by home, written in one transaction that a compare-and-set guards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from detectors.keys import AnnotationKey, ItemKey
from detectors.records import AnnotationRecord
from streams.store.tables import Table

Value = int | float | str | bytes | None
Row = Sequence[Value]
"""A row's values in the order of its table's columns."""

Key = Sequence[Value]
"""A row's key columns in order, `home` first; for a range of rows, the first of them."""


class Conflict(Exception):
    """Another worker has written to this home: what memory holds of it is stale."""


class StoreFailed(Exception):
    """The database or its disk is away, or refused a write; trying again later may help."""


def by_length(keys: Iterable[Key]) -> dict[int, list[Key]]:
    """The distinct keys by their number of columns, which is what a statement is made for.

    >>> by_length([("p", "t"), ("p",), ("p", "t")])
    {2: [('p', 't')], 1: [('p',)]}
    """
    groups: dict[int, list[Key]] = {}
    for key in dict.fromkeys(map(tuple, keys)):
        groups.setdefault(len(key), []).append(key)
    return groups


@dataclass(slots=True)
class Batch:
    """Rows of one home to delete, then rows to write, in one transaction. Of rows with one key the last counts.

    Annotations are written by `Store.commit` alone, each in the row of its record. New rows are above all that the home had,
    and follow one another; other rows are written over. Those of `vacated` rows are deleted before.

    `erases` says that what is deleted or written over must not be found in the database's files any more; `Store.scrub`
    sees to what earlier transactions have left there.
    """

    upserts: dict[Table, list[Row]] = field(default_factory=dict)
    deletes: dict[Table, list[Key]] = field(default_factory=dict)
    annotations: list[AnnotationRecord] = field(default_factory=list)
    vacated: list[int] = field(default_factory=list)
    erases: bool = False

    def put(self, table: Table, row: Row) -> None:
        """Write a row."""
        self.upserts.setdefault(table, []).append(row)

    def drop(self, table: Table, key: Key) -> None:
        """Delete the rows that begin with this key."""
        self.deletes.setdefault(table, []).append(key)


class Store(Protocol):
    """A database that holds the homes.

    Any method may raise `StoreFailed`; the next call tries again, with a new connection where the old one is lost. `commit`
    raises `Conflict` where the home's version is not the one seen. After either of them, nothing that memory holds of a
    home is to be trusted: `open_home` begins again. A store is used by one thread at a time. A store opened for reading only
    shows the state of the moment at which it was opened, whatever is written meanwhile.
    """

    def open_home(self, home: int) -> Row:
        """The home's row, created at version 0 if there is none, with whatever the store keeps in memory of it."""
        ...

    def close_home(self, home: int) -> None:
        """Forget what memory holds of the home."""
        ...

    def find_annotations(
        self, home: int, annotations: Iterable[AnnotationKey], items: Iterable[ItemKey]
    ) -> list[AnnotationRecord]:
        """The annotations of these keys, and all of each one's item and of these items.

        Each is answered once, in no order that means anything.
        """
        ...

    def find(self, table: Table, home: int, keys: Iterable[Key]) -> list[Row]:
        """The rows of a table but annotations that begin with these keys (without the home), in no order that means anything."""
        ...

    def scan(self, table: Table, home: int, *key: Value) -> Iterator[Row]:
        """All rows of a home that begin with this key, in the order of the key, some thousand in memory at a time.

        Texts are in the order of their UTF-8 bytes. Rows that are written or deleted meanwhile may be met or not. Annotations
        are scanned whole only.
        """
        ...

    def scan_annotations(self, home: int, after: int, limit: int) -> list[AnnotationRecord]:
        """At most `limit` annotations in rows above `after`, in that order."""
        ...

    def count(self, table: Table, home: int) -> int:
        """How many rows a home has."""
        ...

    def homes(self) -> list[int]:
        """The homes that the store holds, in order."""
        ...

    def commit(self, seen: int, home_row: Row, batch: Batch) -> None:
        """Write a home's row, which becomes version seen + 1, and the batch: all of it, or nothing."""
        ...

    def amend(self, batch: Batch) -> None:
        """Write rows that are not part of any home's state (the outbox's progress, settings of the store)."""
        ...

    def scrub(self) -> None:
        """Take what was deleted out of the database's files, as far as the database can: the end of an erasure."""
        ...

    def meta(self, name: str) -> str | None:
        """A setting of the store."""
        ...

    def settle(self, name: str, value: str) -> str:
        """The setting of this name, which is this value from now on if there is none: the first of several workers wins."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
