"""Doubles of the state protocol, each whole but for one part; where nothing goes wrong, none of them is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streams.chunks import Chunk, Following
from streams.homes import Home
from streams.owner import Owner
from streams.store import Batch, Row
from streams.store.sqlite import SqliteStore
from streams.store.tables import HOMES


class Unchecked:
    """Mixed into a store: the compare-and-set is off, and who writes last wins."""

    def commit(self: Any, seen: int, home_row: Row, batch: Batch) -> None:
        held = next(iter(self.scan(HOMES, home_row[0])))[1]
        if isinstance(self, SqliteStore) and batch.annotations:
            # A page that is there already would give the stale writer away.
            last = self._index(home_row[0]).last_row
            rows = [(record.row,) for record in batch.annotations if record.row > last]
            self._connection.executemany("DELETE FROM annotation_pages WHERE first = ?", rows)
        super().commit(held, (home_row[0], held, *home_row[2:]), batch)  # type: ignore[misc]


class PositionFirst:
    """Mixed into a store: the position has a transaction of its own, before the rows."""

    def commit(self: Any, seen: int, home_row: Row, batch: Batch) -> None:
        held = next(iter(self.scan(HOMES, home_row[0])))
        if held[1] == seen:
            position = Batch()
            position.put(HOMES, (*held[:2], home_row[2], *held[3:]))
            self.amend(position)
        super().commit(seen, home_row, batch)  # type: ignore[misc]


class Gullible(Owner):
    """The gap check is off: every chunk follows."""

    def take_in(self, chunk: Chunk, *, gone: bool = False) -> Following:
        return super().take_in(chunk._replace(since=0), gone=True)


class Keeping(Owner):
    """Memory is kept over a reassignment, and only version and position are read anew."""

    def discard(self, numbers: Iterable[int] | None = None) -> None:
        for number in list(self._homes) if numbers is None else numbers:
            home = self._homes.get(number)
            if home is not None:
                fresh = Home(number, home.store, home._rules)
                fresh.monitor = home.monitor
                self._homes[number] = fresh

    def close(self) -> None:
        self._homes.clear()
        super().close()


class Greedy(Owner):
    """The skip is off: what was read again is taken in again."""

    def take_in(self, chunk: Chunk, *, gone: bool = False) -> Following:
        home = self._home(chunk.partition)
        position = home.positions.get(chunk.topic, -1)
        if chunk.since <= position + 1:
            home.positions[chunk.topic] = min(position, chunk.records[0].offset - 1)
        return super().take_in(chunk, gone=gone)


class Silent(Owner):
    """What a former owner left unsent is forgotten."""

    def _home(self, number: int) -> Home:
        loaded = number not in self._homes
        home = super()._home(number)
        if loaded:
            home.outbox.unsent.clear()
        return home


STORES = {"compare-and-set off": Unchecked, "position in a transaction of its own": PositionFirst}
OWNERS = {
    "gap check off": Gullible,
    "memory kept over a reassignment": Keeping,
    "skip off": Greedy,
    "outbox not taken over": Silent,
}
