"""The embedded store: SQLite in WAL mode, for one machine.

Annotations, whose ids may be random, are appended in pages, and `RowIndex` finds them; all other tables are clustered by their
key. A commit is one `BEGIN IMMEDIATE` transaction whose first statement is the compare-and-set on the home.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from itertools import starmap
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from detectors.keys import AnnotationKey, ItemKey
from detectors.records import AnnotationRecord
from streams.errors import Refused
from streams.store import pages
from streams.store.base import Batch, Conflict, Key, Row, StoreFailed, Value, by_length
from streams.store.index import Entries, Prefixes, RowIndex, entries, marks, merged
from streams.store.pages import Page
from streams.store.rows import annotation_row
from streams.store.tables import (
    ANNOTATIONS,
    GOLD,
    HOMES,
    MIGRATIONS,
    SCHEMA_VERSION,
    TABLES,
    VIEWS,
    Table,
    first_row,
    fresh_home,
)

BUSY_SECONDS: Final = 5.0
"""How long to wait for another process that writes."""

APPLICATION: Final = 0x6B617070
"""What SQLite's `application_id` of a store says: "kapp"."""

RUN: Final = 100_000
"""So many annotations make a run of the index that is written; those that came after the last one are read at opening."""

SCAN: Final = 1000
"""So many rows are read at a time."""

LARGEST_VACUUM: Final = 256 << 20
"""A file of more bytes is not written anew to take deleted content out of it; here it takes a second or two."""

_PRAGMAS: Final[Mapping[str, object]] = {
    "journal_mode": "WAL",
    # A power cut may take back the last commits, rows and position alike: the log gives them again.
    "synchronous": "NORMAL",
    # Checkpoints of 32 MB: a page that every commit changes is copied once for hundreds of them.
    "wal_autocheckpoint": 4000,
    "secure_delete": "FAST",
}
_PAGE: Final = 8192  # rows of up to 2 kB stay in one piece
_TYPES: Final = {"integer": "INTEGER", "real": "REAL", "text": "TEXT", "bytes": "BLOB"}
_RUNS: Final = (
    "CREATE TABLE annotation_runs (home INTEGER, last_row INTEGER, annotations BLOB, items BLOB, "
    "PRIMARY KEY (home, last_row))"
)
_PAGES_OF: Final = (
    "SELECT first, rows FROM annotation_pages WHERE first IN "
    "(SELECT (SELECT max(first) FROM annotation_pages WHERE first <= wanted.value) FROM json_each(?) AS wanted)"
)
_PAGES_FROM: Final = (
    "SELECT first, rows FROM annotation_pages "
    "WHERE first >= coalesce((SELECT max(first) FROM annotation_pages WHERE first <= ?1), ?1) AND first < ?2 ORDER BY first"
)


class SqliteStore:
    """A store in one SQLite file, or in memory.

    >>> store = SqliteStore(":memory:")
    >>> store.homes()
    []
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self._path = str(path)
        self._in_memory = self._path == ":memory:"
        self._read_only = read_only
        self._indexes: dict[int, _HomeIndex] = {}
        self._open: sqlite3.Connection | None = None
        self._inode = 0
        with self._failing():
            self._open = self._connect()
            if not self._in_memory:
                self._inode = Path(self._path).stat().st_ino

    # -- opening ------------------------------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        if self._in_memory:
            target = ":memory:"
        else:
            path = Path(self._path).absolute()
            if self._read_only and not path.exists():
                raise StoreFailed(f"SQLite store {self._path}: no such file; a worker creates it")
            path.parent.mkdir(parents=True, exist_ok=True)
            target = f"{path.as_uri()}?mode={'ro' if self._read_only else 'rwc'}"
        connection = sqlite3.connect(
            target, uri=not self._in_memory, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._begin(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Refuse what is not ours before anything is touched, then set up or migrate."""
        version = _until_unlocked(lambda: self._version(connection))
        connection.execute("PRAGMA cache_size = -65536")  # 64 MiB
        if self._read_only:
            if version != SCHEMA_VERSION:
                raise Refused(
                    f"expected a store of schema version {SCHEMA_VERSION}, found {version} in {self._path}: start a worker "
                    "on it once, it sets up and migrates stores"
                )
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM meta")
            return
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        for name, value in _PRAGMAS.items():
            _until_unlocked(partial(connection.execute, f"PRAGMA {name} = {value}"))
        if version < SCHEMA_VERSION:
            self._migrate(connection)

    def _version(self, connection: sqlite3.Connection) -> int:
        """The schema version, 0 for an empty file."""
        try:
            version, application, tables = connection.execute(
                "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
                "FROM pragma_user_version, pragma_application_id"
            ).fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise
            raise Refused(
                f"expected a SQLite database in {self._path}, found a file of another kind: name another file; "
                "nothing was changed"
            ) from None
        if tables and application != APPLICATION:
            raise Refused(
                f"expected a store of kappawatch in {self._path}, found another program's database: name another file; "
                "nothing was changed"
            )
        if version > SCHEMA_VERSION:
            raise Refused(
                f"expected a store of schema version {SCHEMA_VERSION} or below, found {version} in {self._path}: run the "
                "kappawatch that wrote it, or a newer one; nothing was changed"
            )
        if version and not MIGRATIONS.keys() >= {*range(version, SCHEMA_VERSION)}:
            raise Refused(
                f"expected a store of schema version {SCHEMA_VERSION}, found {version} in {self._path}, from which no way leads: "
                "begin a new store, which reads the log from its start; nothing was changed"
            )
        return int(version)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(self._version(connection)):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    # -- failing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """A database that is away, locked, full or damaged is `StoreFailed`; a mistake of ours stays what it is."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise StoreFailed(f"SQLite store {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
            raise StoreFailed(f"SQLite store {self._path}: {error}") from error

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            raise StoreFailed(f"SQLite store {self._path}: it is closed")
        return self._open

    @contextmanager
    def _transaction(self, *, erases: bool = False) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        with self._failing():
            if not self._in_memory and Path(self._path).stat().st_ino != self._inode:
                raise StoreFailed(f"SQLite store {self._path}: the file was replaced while it was open")
            connection.execute("BEGIN IMMEDIATE")
            try:
                if erases:
                    connection.execute("PRAGMA secure_delete = ON")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            finally:
                if erases:
                    connection.execute(f"PRAGMA secure_delete = {_PRAGMAS['secure_delete']}")

    # -- homes --------------------------------------------------------------------------------------------------------

    def open_home(self, home: int) -> Row:
        self.close_home(home)
        with self._failing():
            if not self._read_only:
                marks = ", ".join("?" for _ in HOMES.columns)
                self._connection.execute(f"INSERT INTO homes VALUES ({marks}) ON CONFLICT DO NOTHING", fresh_home(home))
            # The version goes first: what another worker writes while the rest is read, makes the commit fail.
            found: Row | None = self._connection.execute("SELECT * FROM homes WHERE home = ?", (home,)).fetchone()
            self._index(home)
        return fresh_home(home) if found is None else found

    def close_home(self, home: int) -> None:
        self._indexes.pop(home, None)

    def _index(self, home: int) -> _HomeIndex:
        index = self._indexes.get(home)
        if index is None:
            index = self._indexes[home] = _HomeIndex(self._connection, home)
        return index

    def homes(self) -> list[int]:
        with self._failing():
            return [home for (home,) in self._connection.execute("SELECT home FROM homes ORDER BY home")]

    # -- reading ------------------------------------------------------------------------------------------------------

    def find_annotations(
        self, home: int, annotations: Iterable[AnnotationKey], items: Iterable[ItemKey]
    ) -> list[AnnotationRecord]:
        with self._failing():
            index = self._index(home)
            wanted, places = set(annotations), set(items)
            looked_at = index.find_annotations(wanted)
            candidates = self._annotations(looked_at)
            named = [record for record in candidates if record.name in wanted]
            places.update(record.item for record in named if record.item is not None)
            candidates += self._annotations(set(index.find_items(places)).difference(looked_at))
            return [record for record in candidates if record.name in wanted or record.item in places]

    def _annotations(self, rows: Iterable[int]) -> list[AnnotationRecord]:
        """Those of the annotations in these rows that there are."""
        found = (page.find(row) for page, on_it in _pages(self._connection, rows) for row in on_it)
        return [record for record in found if record is not None]

    def find(self, table: Table, home: int, keys: Iterable[Key]) -> list[Row]:
        with self._failing():
            rows: list[Row] = []
            for length, group in by_length(keys).items():
                # Most items have no gold, which the index knows.
                wanted = self._index(home).with_gold(group) if table is GOLD and length == len(GOLD.key) - 1 else group
                rows += self._connection.execute(_find(table, length), (json.dumps(wanted, ensure_ascii=False), home))
            return rows

    def scan(self, table: Table, home: int, *key: Value) -> Iterator[Row]:
        if table is ANNOTATIONS:
            after = 0
            while found := self.scan_annotations(home, after, SCAN):
                yield from (annotation_row(home, record) for record in found)
                after = found[-1].row
            return
        place: Key = ()
        width = len(table.key)
        while True:
            with self._failing():
                rows = self._connection.execute(
                    _scan(table, len(key), bool(place)), (home, *key, *place, SCAN)
                ).fetchall()
            yield from rows
            if len(rows) < SCAN:
                return
            place = rows[-1][1 + len(key) : width]

    def scan_annotations(self, home: int, after: int, limit: int) -> list[AnnotationRecord]:
        begin, found = max(first_row(home), after + 1), []
        with self._failing(), closing(self._connection.execute(_PAGES_FROM, (begin, first_row(home + 1)))) as cursor:
            for first, text in cursor:
                found += Page(first, text).since(begin)
                if len(found) >= limit:
                    break
        return found[:limit]

    def count(self, table: Table, home: int) -> int:
        with self._failing():
            query = f"SELECT count(*) FROM {table.name} WHERE home = ?"
            return int(self._connection.execute(query, (home,)).fetchone()[0])

    # -- writing ------------------------------------------------------------------------------------------------------

    def commit(self, seen: int, home_row: Row, batch: Batch) -> None:
        home, _, *values = cast("tuple[int, ...]", home_row)
        with self._failing():
            index = self._index(home)
        appended = [record for record in batch.annotations if record.row > index.last_row]
        edits = bool(batch.vacated) or len(appended) < len(batch.annotations)
        news = index.news(batch.upserts.get(GOLD, ()))
        # A page that is written anew frees others, on which the old text would stay.
        with self._transaction(erases=batch.erases or edits) as connection:
            if connection.execute(_claim(), (seen + 1, *values, home, seen)).rowcount != 1:
                raise Conflict(f"home {home}: another worker wrote version {seen + 1}")
            _write(connection, batch)
            if edits:
                _edit(connection, batch, index.last_row)
            for text, part in pages.paged(appended):
                connection.execute("INSERT INTO annotation_pages VALUES (?, ?)", (part[0].row, text))
                news.add(part)  # now, while the processor has all of it at hand
            run = index.run_with(news)
            if run is not None:
                connection.execute("INSERT INTO annotation_runs VALUES (?, ?, ?, ?)", (home, *run))
        index.take_in(news, saved=run is not None)

    def amend(self, batch: Batch) -> None:
        with self._transaction() as connection:
            _write(connection, batch)

    def scrub(self) -> None:
        with self._failing():
            connection = self._connection
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            if pages * _PAGE <= LARGEST_VACUUM:
                # Pages that were split keep old bytes where no row is, whatever `secure_delete` says. Where there is no room
                # for a copy of the file, zeroed rows have to do.
                with suppress(sqlite3.OperationalError):
                    connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # -- settings -----------------------------------------------------------------------------------------------------

    def meta(self, name: str) -> str | None:
        with self._failing():
            row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

    def settle(self, name: str, value: str) -> str:
        with self._failing():
            self._connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
        return self.meta(name) or value

    def close(self) -> None:
        connection, self._open = self._open, None
        self._indexes.clear()
        if connection is not None:
            connection.close()


class _News:
    """What a batch adds to a home's index."""

    def __init__(self, zero: int, last_row: int, gold: Iterable[Row]) -> None:
        self._zero = zero
        self.last_row = last_row
        self.gold = marks(_by_task(cast("tuple[str, str, str]", row[1:4]) for row in gold))
        self._prefixes = Prefixes()
        self._annotations: tuple[list[int], list[int]] = ([], [])
        self._items: tuple[list[int], list[int]] = ([], [])

    def add(self, annotations: Sequence[AnnotationRecord]) -> None:
        """Take in annotations of new rows."""
        zero, prefixes, crc32 = self._zero, self._prefixes, zlib.crc32
        (names, rows), (items, placed) = self._annotations, self._items
        last, checksum = None, 0
        for record in annotations:
            row = record.row - zero
            project, name = record.name
            names.append(crc32(name.encode(), prefixes[project]))
            rows.append(row)
            item = record.item
            if item is not None:
                if item is not last:  # neighbours often label one item
                    project, task, name = last = item
                    checksum = crc32(name.encode(), prefixes[project, task])
                items.append(checksum)
                placed.append(row)
        self.last_row = annotations[-1].row

    def annotations(self) -> Entries:
        """The entries of annotations by id."""
        return entries(*self._annotations)

    def items(self) -> Entries:
        """The entries of annotations by item."""
        return entries(*self._items)


class _HomeIndex:
    """What memory keeps of a home to find its rows: annotations by id and by item, and which items have gold.

    Rows are numbered from the home's first. Two entries of 8 bytes an annotation.
    """

    def __init__(self, connection: sqlite3.Connection, home: int) -> None:
        self._zero = self.last_row = self._saved_row = first_row(home) - 1
        runs: tuple[list[Entries], list[Entries]] = ([], [])
        for last_row, *blobs in connection.execute(
            "SELECT last_row, annotations, items FROM annotation_runs WHERE home = ? ORDER BY last_row", (home,)
        ):
            self.last_row = self._saved_row = last_row
            for kind, blob in zip(runs, blobs, strict=True):
                kind.append(np.frombuffer(blob, np.uint64))
        self._annotations, self._items = (RowIndex(merged(kind)) for kind in runs)
        self._gold = RowIndex()
        news = self.news(connection.execute("SELECT home, project, task, item FROM gold WHERE home = ?", (home,)))
        pages_after = "SELECT first, rows FROM annotation_pages WHERE first BETWEEN ? AND ? ORDER BY first"
        for page in starmap(Page, connection.execute(pages_after, (self.last_row + 1, first_row(home + 1) - 1))):
            news.add(page.since(page.first))
            news.last_row = page.last
        self.take_in(news, saved=False)

    def news(self, gold: Iterable[Row]) -> _News:
        """What is new, to begin with this gold."""
        return _News(self._zero, self.last_row, gold)

    def run_with(self, news: _News) -> tuple[int, bytes, bytes] | None:
        """The run to write beside these news, if there is enough for one: its last row, and its entries."""
        if news.last_row - self._saved_row < RUN:
            return None
        saved = self._saved_row - self._zero
        annotations = merged((self._annotations.after(saved), news.annotations()))
        items = merged((self._items.after(saved), news.items()))
        return news.last_row, annotations.tobytes(), items.tobytes()

    def take_in(self, news: _News, *, saved: bool) -> None:
        """Know of the news, which are in the database now; `saved` says that its runs cover them."""
        self.last_row = news.last_row
        if saved:
            self._saved_row = news.last_row
        self._annotations.add(news.annotations())
        self._items.add(news.items())
        self._gold.add(news.gold)

    def find_annotations(self, keys: Iterable[AnnotationKey]) -> list[int]:
        """The rows that may be these annotations."""
        return [self._zero + row for row in self._annotations.find(keys)]

    def find_items(self, keys: Iterable[ItemKey]) -> list[int]:
        """The rows that may be of these items."""
        return [self._zero + row for row in self._items.find(_by_task(keys))]

    def with_gold(self, keys: Iterable[Key]) -> list[Key]:
        """Those of these (project, task, item) that may have gold."""
        keys = list(keys)
        held = self._gold.may_hold(_by_task(cast("list[tuple[str, str, str]]", keys)))
        return [key for key, has_gold in zip(keys, held, strict=True) if has_gold]


def _by_task(items: Iterable[tuple[str, str, str]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys of the index for these (project, task, item)."""
    return ((item[:2], item[2]) for item in items)


# -- statements -------------------------------------------------------------------------------------------------------


def _statements(version: int) -> Iterator[str]:
    """From a schema version to the present one; 0 has nothing."""
    if version:
        for step in range(version, SCHEMA_VERSION):
            yield from (_create(part) if isinstance(part, Table) else part for part in MIGRATIONS[step])
        return
    for table in TABLES:
        if table is ANNOTATIONS:
            yield from (pages.TABLE, pages.VIEW)
            continue
        yield _create(table)
    yield _RUNS
    for name, query in VIEWS.items():
        yield f"CREATE VIEW {name} AS {query}"


def _create(table: Table) -> str:
    columns = [f'"{name}" {_TYPES[kind]}' for name, kind in table.columns.items()]
    return f"CREATE TABLE {table.name} ({', '.join(columns)}, PRIMARY KEY ({', '.join(table.key)})) WITHOUT ROWID"


@cache
def _claim() -> str:
    columns = ", ".join(f"{name} = ?" for name in HOMES.values)
    return f"UPDATE homes SET {columns} WHERE home = ? AND version = ?"


@cache
def _find(table: Table, length: int) -> str:
    """The rows of a home under keys of this many columns, which come as JSON."""
    names = enumerate(table.key[1 : 1 + length])
    same = "".join(f" AND t.{name} = json_extract(wanted.value, '$[{place}]')" for place, name in names)
    return f"SELECT t.* FROM json_each(?) AS wanted CROSS JOIN {table.name} AS t ON t.home = ?{same}"


@cache
def _scan(table: Table, length: int, after: bool) -> str:
    """The next rows of a home under a key of this many columns, if `after` those beyond a place."""
    conditions = [f"{name} = ?" for name in table.key[: 1 + length]]
    rest = table.key[1 + length :]
    if after:
        conditions.append(f"({', '.join(rest)}) > ({', '.join('?' for _ in rest)})")
    order = f" ORDER BY {', '.join(rest)}" if rest else ""
    return f"SELECT * FROM {table.name} WHERE {' AND '.join(conditions)}{order} LIMIT ?"


@cache
def _delete(table: Table, length: int) -> str:
    return f"DELETE FROM {table.name} WHERE {' AND '.join(f'{name} = ?' for name in table.key[:length])}"


@cache
def _upsert(table: Table) -> str:
    return f"INSERT OR REPLACE INTO {table.name} VALUES ({', '.join('?' for _ in table.columns)})"


def _write(connection: sqlite3.Connection, batch: Batch) -> None:
    for table, keys in batch.deletes.items():
        for length, group in by_length(keys).items():
            connection.executemany(_delete(table, length), group)
    for table, rows in batch.upserts.items():
        connection.executemany(_upsert(table), rows)


def _pages(connection: sqlite3.Connection, rows: Iterable[int]) -> Iterator[tuple[Page, list[int]]]:
    """The pages that these rows are on, each with those of the rows that are."""
    wanted = sorted(rows)
    for page in starmap(Page, connection.execute(_PAGES_OF, (json.dumps(wanted),))):
        yield page, wanted[bisect_left(wanted, page.first) : bisect_right(wanted, page.last)]


def _edit(connection: sqlite3.Connection, batch: Batch, last_row: int) -> None:
    """Delete and write over annotations that are stored."""
    changed: dict[int, AnnotationRecord | None] = dict.fromkeys(batch.vacated)
    changed |= {record.row: record for record in batch.annotations if record.row <= last_row}
    for page, rows in list(_pages(connection, changed)):
        for row in rows:
            page.put(row, changed.pop(row))
        text = page.text()
        if text is None:
            connection.execute("DELETE FROM annotation_pages WHERE first = ?", (page.first,))
        else:
            connection.execute("UPDATE annotation_pages SET rows = ? WHERE first = ?", (text, page.first))
    if any(changed.values()):
        raise ValueError(f"expected annotations in rows that are stored, or above {last_row}, found {sorted(changed)}")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _until_unlocked(work: Callable[[], Any]) -> Any:
    """SQLite refuses some things at once while another process holds the lock, whatever the timeout."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
