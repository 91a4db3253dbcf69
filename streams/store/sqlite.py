"""The embedded store: SQLite in WAL mode, for one machine.

Rows that are keyed by random ids are appended and found through `RowIndex`; all other tables are clustered by their
key. A commit is one `BEGIN IMMEDIATE` transaction whose first statement is the compare-and-set on the home.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from streams.errors import Refused
from streams.store.base import Batch, Conflict, Key, Row, StoreFailed, Value
from streams.store.index import RUN, RowIndex, Run, checksum
from streams.store.tables import ANNOTATIONS, GOLD, HOMES, SCHEMA_VERSION, TABLES, VIEWS, Table

BUSY_SECONDS: Final = 5.0
_TYPES: Final = {"integer": "INTEGER", "real": "REAL", "text": "TEXT", "bytes": "BLOB"}
_RUNS: Final = (
    "CREATE TABLE IF NOT EXISTS annotation_runs (home INTEGER, kind TEXT, last_row INTEGER, checksums BLOB, rows BLOB)"
)

T = TypeVar("T")


class SqliteStore:
    """A store in one SQLite file, or in memory.

    >>> store = SqliteStore(":memory:")
    >>> store.homes()
    []
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self._path = str(path)
        self._read_only = read_only
        self._indexes: dict[int, _Indexes] = {}
        self._connection = self._guard(self._connect)

    def _connect(self) -> sqlite3.Connection:
        memory = self._path == ":memory:"
        if not memory and not self._read_only:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        mode = "memory" if memory else "ro" if self._read_only else "rwc"
        target = ":memory:" if memory else f"{Path(self._path).absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(
            target, uri=not memory, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        if not self._read_only:
            _until_unlocked(lambda: connection.execute("PRAGMA journal_mode = WAL"))
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        _until_unlocked(lambda: self._migrate(connection))
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise Refused(
                f"the store {self._path} has schema version {version}, this kappawatch knows up to {SCHEMA_VERSION}: "
                "run the version that wrote it, or a newer one; nothing was changed"
            )
        if version == SCHEMA_VERSION or self._read_only:
            return
        connection.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            columns = ", ".join(f'"{name}" {_TYPES[kind]}' for name, kind in table.columns.items())
            key = ", ".join(f'"{name}"' for name in table.key)
            connection.execute(
                f'CREATE TABLE IF NOT EXISTS "{table.name}" ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID'
            )
        connection.execute(_RUNS)
        for name, query in VIEWS.items():
            connection.execute(f'CREATE VIEW IF NOT EXISTS "{name}" AS {query}')
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")

    def _guard(self, work: Callable[[], T]) -> T:
        """Do it; a database that is away, locked, full or broken is `StoreFailed`, and nothing was written."""
        try:
            return work()
        except sqlite3.Error as error:
            connection = getattr(self, "_connection", None)
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StoreFailed(f"SQLite store {self._path}: {error}") from error
        except OSError as error:
            raise StoreFailed(f"SQLite store {self._path}: {error}") from error

    def open_home(self, home: int) -> Row:
        def work() -> Row:
            if not self._read_only:
                self._connection.execute(
                    "INSERT INTO homes VALUES (?, 0, '{}', 0, 0, 0, 1, 1, 1, '{}') ON CONFLICT DO NOTHING", (home,)
                )
            self._indexes[home] = _Indexes(self._connection, home)
            row: Row = self._connection.execute("SELECT * FROM homes WHERE home = ?", (home,)).fetchone()
            return row

        return self._guard(work)

    def close_home(self, home: int) -> None:
        self._indexes.pop(home, None)

    def find_annotations(
        self, home: int, annotations: Iterable[tuple[str, str]], items: Iterable[tuple[str, str, str]]
    ) -> list[Row]:
        def work() -> list[Row]:
            index = self._indexes[home]
            wanted, wanted_items = set(annotations), set(items)
            found = self._rows(home, index.annotations.find([checksum(*key) for key in wanted]))
            named = [row for row in found if (row[2], row[3]) in wanted]
            wanted_items.update((str(row[2]), str(row[4]), str(row[5])) for row in named if row[5] is not None)
            rows = {row[1]: row for row in named}
            for row in self._rows(home, index.items.find([checksum(*key) for key in wanted_items])):
                if (row[2], row[4], row[5]) in wanted_items:
                    rows[row[1]] = row
            return list(rows.values())

        return self._guard(work)

    def _rows(self, home: int, numbers: Iterable[int]) -> list[Row]:
        execute = self._connection.execute
        query = "SELECT * FROM annotations WHERE home = ? AND row = ?"
        found = (execute(query, (home, number)).fetchone() for number in sorted(set(numbers)))
        return [row for row in found if row is not None]

    def find(self, table: Table, home: int, keys: Iterable[Key]) -> list[Row]:
        def work() -> list[Row]:
            wanted = keys
            if table is GOLD:
                known = self._indexes[home].gold
                wanted = [key for key in keys if checksum(*map(str, key)) in known]
            rows: list[Row] = []
            for key in wanted:
                where = _where(table, 1 + len(key))
                rows.extend(self._connection.execute(f"SELECT * FROM {table.name} WHERE {where}", (home, *key)))
            return rows

        return self._guard(work)

    def scan(self, table: Table, home: int, *key: Value) -> Iterator[Row]:
        def work() -> sqlite3.Cursor:
            where, order = _where(table, 1 + len(key)), ", ".join(f'"{name}"' for name in table.key)
            return self._connection.execute(
                f"SELECT * FROM {table.name} WHERE {where} ORDER BY {order}", (home, *key)
            )

        return iter(self._guard(lambda: work().fetchall()))

    def scan_annotations(self, home: int, after: int, limit: int) -> list[Row]:
        query = "SELECT * FROM annotations WHERE home = ? AND row > ? ORDER BY row LIMIT ?"
        return self._guard(lambda: self._connection.execute(query, (home, after, limit)).fetchall())

    def count(self, table: Table, home: int) -> int:
        query = f"SELECT count(*) FROM {table.name} WHERE home = ?"
        return int(self._guard(lambda: self._connection.execute(query, (home,)).fetchone())[0])

    def homes(self) -> list[int]:
        return [row[0] for row in self._guard(lambda: self._connection.execute("SELECT home FROM homes ORDER BY home").fetchall())]

    def commit(self, seen: int, home_row: Row, batch: Batch) -> None:
        def work() -> None:
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            columns = ", ".join(f'"{name}" = ?' for name in HOMES.values)
            home, _, *rest = home_row
            done = connection.execute(
                f"UPDATE homes SET {columns} WHERE home = ? AND version = ?", (seen + 1, *rest, home, seen)
            )
            if done.rowcount != 1:
                connection.execute("ROLLBACK")
                raise Conflict(f"home {home}: another worker wrote version {seen + 1}")
            self._write(batch)
            index = self._indexes[int(home)]  # type: ignore[arg-type]
            index.add(batch)
            index.save_runs(connection)
            connection.execute("COMMIT")

        self._guard(work)

    def amend(self, batch: Batch) -> None:
        def work() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            self._write(batch)
            self._connection.execute("COMMIT")

        self._guard(work)

    def _write(self, batch: Batch) -> None:
        for table, keys in batch.deletes.items():
            for key in keys:
                self._connection.execute(f"DELETE FROM {table.name} WHERE {_where(table, len(key))}", key)
        for table, rows in batch.upserts.items():
            self._connection.executemany(_upsert(table), rows)

    def meta(self, name: str) -> str | None:
        row = self._guard(
            lambda: self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        )
        return None if row is None else str(row[0])

    def close(self) -> None:
        self._connection.close()


class _Indexes:
    """What memory keeps of a home to find its rows: annotations by id and by item, and which items have gold."""

    def __init__(self, connection: sqlite3.Connection, home: int) -> None:
        self._home = home
        runs: dict[str, list[Run]] = {"annotation": [], "item": []}
        last = 0
        for kind, last_row, checksums, rows in connection.execute(
            "SELECT kind, last_row, checksums, rows FROM annotation_runs WHERE home = ?", (home,)
        ):
            runs[kind].append(Run(checksums, rows))
            last = max(last, last_row)
        self.annotations = RowIndex(runs["annotation"])
        self.items = RowIndex(runs["item"])
        self._last_row = last
        for row in connection.execute("SELECT * FROM annotations WHERE home = ? AND row > ?", (home, last)):
            self._append(row)
        self.gold = {
            checksum(*key)
            for key in connection.execute("SELECT project, task, item FROM gold WHERE home = ?", (home,))
        }

    def add(self, batch: Batch) -> None:
        """Note the rows that a batch appends."""
        for row in batch.upserts.get(ANNOTATIONS, ()):
            if int(row[1]) > self._last_row:  # type: ignore[arg-type]
                self._append(row)
        for row in batch.upserts.get(GOLD, ()):
            self.gold.add(checksum(str(row[1]), str(row[2]), str(row[3])))

    def _append(self, row: Row) -> None:
        _, number, project, annotation, task, item, *_ = row
        self._last_row = int(number)  # type: ignore[arg-type]
        self.annotations.add(checksum(project, annotation), self._last_row)  # type: ignore[arg-type]
        if item is not None:
            self.items.add(checksum(project, task, item), self._last_row)  # type: ignore[arg-type]

    def save_runs(self, connection: sqlite3.Connection) -> None:
        """Write the newest entries as sorted runs once there are enough."""
        if self.annotations.tail_size < RUN:
            return
        for kind, index in (("annotation", self.annotations), ("item", self.items)):
            run = index.cut()
            connection.execute(
                "INSERT INTO annotation_runs VALUES (?, ?, ?, ?, ?)",
                (self._home, kind, self._last_row, run.checksums, run.rows),
            )


def _where(table: Table, parts: int) -> str:
    return " AND ".join(f'"{name}" = ?' for name in table.key[:parts])


def _upsert(table: Table) -> str:
    marks = ", ".join("?" for _ in table.columns)
    return f"INSERT OR REPLACE INTO {table.name} VALUES ({marks})"


def _until_unlocked(work: Callable[[], object]) -> None:
    """SQLite refuses to change the journal mode at once while another holds the lock, whatever the timeout."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            work()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
