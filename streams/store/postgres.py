"""The shared store: PostgreSQL, for workers on several machines.

Rows travel as arrays, a table's in one statement. A commit is one transaction whose first statement is the compare-and-set
on the home, which also locks it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast

from detectors.keys import AnnotationKey, ItemKey
from detectors.records import AnnotationRecord
from streams.errors import Refused
from streams.store.base import Batch, Conflict, Key, Row, StoreFailed, Value, by_length
from streams.store.rows import annotation_record, annotation_row
from streams.store.tables import (
    ANNOTATIONS,
    ANSWERS,
    CLOCKS,
    HOMES,
    MIGRATIONS,
    PAIRS,
    PROJECTS,
    REVIEWS,
    SCHEMA_VERSION,
    SCOPES,
    TABLES,
    TASKS,
    VIEWS,
    WATCHES,
    Table,
    fresh_home,
)

try:
    import psycopg
    from psycopg import conninfo
except ImportError:
    raise Refused(
        "expected psycopg for a store in PostgreSQL, found it missing: pip install 'kappawatch[postgresql]'"
    ) from None

SCAN: Final = 1000
"""So many rows are read at a time."""

LOCK: Final = 0x6B617070
"""The advisory lock that workers take to set up or migrate one after the other."""

_CONNECTION: Final[Mapping[str, object]] = {
    "connect_timeout": 10,
    "application_name": "kappawatch",
    "client_encoding": "UTF8",
    # A server that vanished without a word is noticed within a minute.
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 50_000,
}

_SESSION: Final[Mapping[str, str]] = {
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    # A worker that was stopped in the middle of a commit must not keep its home locked.
    "idle_in_transaction_session_timeout": "10s",
    # Every statement goes by key. Statistics that are behind a growing table must not talk the planner into reading it all;
    # for the same reason look-ups are lateral subqueries, which OFFSET 0 keeps from becoming joins.
    "enable_seqscan": "off",
    "jit": "off",
}

_TYPES: Final = {"integer": "bigint", "real": "double precision", "text": 'text COLLATE "C"', "bytes": "bytea"}
_ARRAYS: Final = {"integer": "bigint[]", "real": "double precision[]", "text": "text[]", "bytes": "bytea[]"}
_OVERWRITTEN: Final = (HOMES, PROJECTS, TASKS, CLOCKS, SCOPES, PAIRS, WATCHES)
"""Rows that change again and again find room for the next version in their page."""

_NAMING: Final = (REVIEWS, CLOCKS, SCOPES, PAIRS, WATCHES, ANSWERS)
"""The tables whose keys, and so whose indexes, name annotators."""

_INDEXES: Final = (
    "CREATE INDEX annotations_by_annotation ON annotations (annotation, project, home)",
    "CREATE INDEX annotations_by_item ON annotations (item, task, project, home)",
)

_FIND_ANNOTATIONS: Final = """
    WITH named AS (
        SELECT found.* FROM unnest(%s::text[], %s::text[]) AS wanted (project, annotation), LATERAL (
            SELECT * FROM annotations AS a
            WHERE a.home = %s AND a.project = wanted.project AND a.annotation = wanted.annotation OFFSET 0
        ) AS found
    ), places AS (
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (project, task, item)
        UNION SELECT project, task, item FROM named WHERE item IS NOT NULL
    )
    SELECT found.* FROM places, LATERAL (
        SELECT * FROM annotations AS a
        WHERE a.home = %s AND a.project = places.project AND a.task = places.task AND a.item = places.item OFFSET 0
    ) AS found
    UNION ALL SELECT * FROM named WHERE item IS NULL
"""


class PostgresStore:
    """A store in one schema of a PostgreSQL database: the first of the search path."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._options = _options(url)
        self._name = "PostgreSQL store {host}:{port}/{dbname}".format_map(
            {"host": "local", "port": 5432, "dbname": self._options.get("user", "")} | self._options
        )
        self._read_only = read_only
        self._open: psycopg.Connection[Any] | None = None
        self._closed = False
        with self._failing():
            self._open = self._connect()

    # -- opening ------------------------------------------------------------------------------------------------------

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(**self._options, autocommit=True)
        try:
            self._begin(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)",
            _columns(_SESSION.items(), ("text", "text")),
        )
        if self._read_only:
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            version = self._version(connection)
            if version != SCHEMA_VERSION:
                raise Refused(
                    f"expected a store of schema version {SCHEMA_VERSION}, found {version} in the {self._name}: start a "
                    "worker on it once, it sets up and migrates stores"
                )
        elif self._version(connection) < SCHEMA_VERSION:
            self._migrate(connection)

    def _version(self, connection: psycopg.Connection[Any]) -> int:
        """The schema version, 0 where there are no tables yet."""
        encoding, found = cast(
            "tuple[str, list[str]]",
            connection.execute(
                "SELECT current_setting('server_encoding'), array(SELECT relname::text FROM pg_class "
                "WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s::text[]) ORDER BY 1)",
                (_array("text", [*(table.name for table in TABLES), *VIEWS]),),
            ).fetchone(),
        )
        if encoding != "UTF8":
            raise Refused(
                f"expected a database with the encoding UTF8, found {encoding} in the {self._name}: CREATE DATABASE ... "
                "ENCODING 'UTF8' TEMPLATE template0"
            )
        if not found:
            return 0
        row = None
        if "meta" in found and "homes" in found:
            row = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
        if row is None:
            raise Refused(
                f"expected a store of kappawatch or none, found other tables named {', '.join(found)} in the {self._name}: "
                "give kappawatch a database or a schema of its own (?options=-csearch_path%3Dkappawatch); nothing was changed"
            )
        version = int(row[0])
        if version > SCHEMA_VERSION:
            raise Refused(
                f"expected a store of schema version {SCHEMA_VERSION} or below, found {version} in the {self._name}: run "
                "the kappawatch that wrote it, or a newer one; nothing was changed"
            )
        if version and not MIGRATIONS.keys() >= {*range(version, SCHEMA_VERSION)}:
            raise Refused(
                f"expected a store of schema version {SCHEMA_VERSION}, found {version} in the {self._name}, from which no way leads: "
                "begin a new store, which reads the log from its start; nothing was changed"
            )
        return version

    def _migrate(self, connection: psycopg.Connection[Any]) -> None:
        with connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            for statement in _statements(self._version(connection)):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO meta VALUES ('schema_version', %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (str(SCHEMA_VERSION),),
            )

    # -- failing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """A database that is away, full, or gave way to another transaction is `StoreFailed`; a mistake of ours stays one."""
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            self._drop()
            raise Refused(f"{self._name}: {self._say(error)}: grant it to the user of store.url") from None
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
            self._drop()
            raise StoreFailed(f"{self._name}: {self._say(error)}") from None

    def _say(self, error: psycopg.Error) -> str:
        """The message in a line, without what may quote a row or the password."""
        text = " ".join((error.diag.message_primary or str(error)).split())
        for secret in (self._options.get("password"), os.environ.get("PGPASSWORD")):
            if secret:
                text = text.replace(str(secret), "***")
        return text

    def _drop(self) -> None:
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        if self._open is None:
            if self._closed or self._read_only:
                raise StoreFailed(f"{self._name}: the connection is closed")
            self._open = self._connect()
        return self._open

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection[Any]]:
        with self._failing(), self._connection.transaction():
            yield self._connection

    # -- homes --------------------------------------------------------------------------------------------------------

    def open_home(self, home: int) -> Row:
        with self._failing():
            if not self._read_only:
                marks = ", ".join("%s" for _ in HOMES.columns)
                self._connection.execute(f"INSERT INTO homes VALUES ({marks}) ON CONFLICT DO NOTHING", fresh_home(home))
            found: Row | None = self._connection.execute("SELECT * FROM homes WHERE home = %s", (home,)).fetchone()
            return fresh_home(home) if found is None else found

    def close_home(self, home: int) -> None:
        """Memory holds nothing of a home."""

    def homes(self) -> list[int]:
        with self._failing():
            return [home for (home,) in self._connection.execute("SELECT home FROM homes ORDER BY home")]

    # -- reading ------------------------------------------------------------------------------------------------------

    def find_annotations(
        self, home: int, annotations: Iterable[AnnotationKey], items: Iterable[ItemKey]
    ) -> list[AnnotationRecord]:
        names = _columns(set(annotations), ("text",) * 2)
        places = _columns(set(items), ("text",) * 3)
        with self._failing():
            found = self._connection.execute(_FIND_ANNOTATIONS, (*names, home, *places, home)).fetchall()
        return list(map(annotation_record, found))

    def find(self, table: Table, home: int, keys: Iterable[Key]) -> list[Row]:
        rows: list[Row] = []
        with self._failing():
            for length, group in by_length(keys).items():
                types = [table.columns[name] for name in table.key[1 : 1 + length]]
                rows += self._connection.execute(_find(table, length), (*_columns(group, types), home))
        return rows

    def scan(self, table: Table, home: int, *key: Value) -> Iterator[Row]:
        place: Key = ()
        while True:
            with self._failing():
                rows = self._connection.execute(
                    _scan(table, len(key), after=bool(place)), (home, *key, *place, SCAN)
                ).fetchall()
            yield from rows
            if len(rows) < SCAN:
                return
            place = rows[-1][1 + len(key) : len(table.key)]

    def scan_annotations(self, home: int, after: int, limit: int) -> list[AnnotationRecord]:
        query = "SELECT * FROM annotations WHERE home = %s AND row > %s ORDER BY row LIMIT %s"
        with self._failing():
            found = self._connection.execute(query, (home, after, limit)).fetchall()
        return list(map(annotation_record, found))

    def count(self, table: Table, home: int) -> int:
        with self._failing():
            row = self._connection.execute(f"SELECT count(*) FROM {table.name} WHERE home = %s", (home,)).fetchone()
        return int(cast("tuple[int]", row)[0])

    # -- writing ------------------------------------------------------------------------------------------------------

    def commit(self, seen: int, home_row: Row, batch: Batch) -> None:
        home, _, *values = cast("tuple[int, ...]", home_row)
        annotations = [annotation_row(home, record) for record in batch.annotations]
        deletes, upserts = dict(batch.deletes), dict(batch.upserts)
        if batch.vacated:
            deletes[ANNOTATIONS] = [(home, row) for row in batch.vacated]
        if annotations:
            upserts[ANNOTATIONS] = annotations
        with self._transaction() as connection:
            if connection.execute(_claim(), (seen + 1, *values, home, seen)).rowcount != 1:
                raise Conflict(f"home {home}: another worker wrote version {seen + 1}")
            _write(connection, upserts, deletes)

    def amend(self, batch: Batch) -> None:
        with self._transaction() as connection:
            _write(connection, batch.upserts, batch.deletes)

    def scrub(self) -> None:
        with self._failing():
            connection = self._connection
            connection.execute("SET statement_timeout = 0")
            connection.execute("SET lock_timeout = 0")
            connection.execute("VACUUM (INDEX_CLEANUP OFF) annotations, dead_letters, outbox")
            connection.execute(f"VACUUM (INDEX_CLEANUP ON) {', '.join(table.name for table in _NAMING)}")
            for name in ("statement_timeout", "lock_timeout"):
                connection.execute(f"SET {name} = '{_SESSION[name]}'")

    # -- settings -----------------------------------------------------------------------------------------------------

    def meta(self, name: str) -> str | None:
        with self._failing():
            row = self._connection.execute("SELECT value FROM meta WHERE name = %s", (name,)).fetchone()
            return None if row is None else str(row[0])

    def settle(self, name: str, value: str) -> str:
        with self._failing():
            self._connection.execute("INSERT INTO meta VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, value))
        return self.meta(name) or value

    def close(self) -> None:
        self._closed = True
        self._drop()


def _options(url: str) -> dict[str, Any]:
    """What the address says, and our own wishes where it says nothing."""
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise Refused(
            "store.url: expected postgresql://USER@HOST:PORT/DATABASE, found an address that cannot be read (it is not shown, "
            "as it may hold a password): characters like @ : / % in a name or password are written as %40 %3A %2F %25"
        ) from None
    return {**_CONNECTION, **given}


# -- statements -------------------------------------------------------------------------------------------------------


def _statements(version: int) -> Iterator[str]:
    """From a schema version to the present one; 0 has nothing."""
    if version:
        for step in range(version, SCHEMA_VERSION):
            yield from (_create(part) if isinstance(part, Table) else part for part in MIGRATIONS[step])
        return
    yield from map(_create, TABLES)
    yield from _INDEXES
    for name, query in VIEWS.items():
        yield f"CREATE VIEW {name} AS {query}"


def _create(table: Table) -> str:
    columns = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in table.columns.items())
    room = " WITH (fillfactor = 50)" if table in _OVERWRITTEN else ""
    return f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({', '.join(table.key)})){room}"


@cache
def _claim() -> str:
    columns = ", ".join(f"{name} = %s" for name in HOMES.values)
    return f"UPDATE homes SET {columns} WHERE home = %s AND version = %s"


@cache
def _find(table: Table, length: int) -> str:
    """The rows under keys of this many columns, which come as arrays, of a home."""
    names = table.key[1 : 1 + length]
    arrays = _unnest(table, names)
    same = "".join(f" AND t.{name} = wanted.{name}" for name in names)
    rows = f"SELECT * FROM {table.name} AS t WHERE t.home = %s{same} OFFSET 0"
    return f"SELECT found.* FROM {arrays}, LATERAL ({rows}) AS found"


@cache
def _scan(table: Table, length: int, *, after: bool) -> str:
    """The next rows of a home under a key of this many columns, if `after` those beyond a place."""
    rest = table.key[1 + length :]
    same = "".join(f" AND {name} = %s" for name in table.key[1 : 1 + length])
    beyond = f" AND ({', '.join(rest)}) > ({', '.join('%s' for _ in rest)})" if after else ""
    order = f" ORDER BY {', '.join(rest)}" if rest else ""
    return f"SELECT * FROM {table.name} WHERE home = %s{same}{beyond}{order} LIMIT %s"


@cache
def _delete(table: Table, length: int) -> str:
    return f"DELETE FROM {table.name} WHERE {' AND '.join(f'{name} = %s' for name in table.key[:length])}"


@cache
def _upsert(table: Table) -> str:
    key = ", ".join(table.key)
    values = ", ".join(f"{name} = excluded.{name}" for name in table.values)
    rows = f"SELECT * FROM {_unnest(table, table.names)}"
    return f"INSERT INTO {table.name} {rows} ON CONFLICT ({key}) DO UPDATE SET {values}"


def _unnest(table: Table, names: Sequence[str]) -> str:
    arrays = ", ".join(f"%s::{_ARRAYS[table.columns[name]]}" for name in names)
    return f"unnest({arrays}) AS wanted ({', '.join(names)})"


def _write(
    connection: psycopg.Connection[Any], upserts: Mapping[Table, list[Row]], deletes: Mapping[Table, list[Key]]
) -> None:
    with connection.pipeline():
        for table, keys in deletes.items():
            for length, group in by_length(keys).items():
                connection.cursor().executemany(_delete(table, length), group)
        for table, rows in upserts.items():
            width = len(table.key)
            last = {tuple(row[:width]): row for row in rows}
            connection.execute(_upsert(table), _columns(last.values(), tuple(table.columns.values())))


def _columns(rows: Iterable[Sequence[Value]], types: Sequence[str]) -> list[str]:
    """Rows as one array a column."""
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    return [_array(kind, column) for kind, column in zip(types, columns, strict=True)]


def _array(kind: str, values: Iterable[Any]) -> str:
    r"""Values as PostgreSQL reads an array, ten times as fast as psycopg writes a list.

    >>> _array("text", ['a "b"', None]), _array("integer", [1, None]), _array("bytes", [b"ab"])
    ('{"a \\"b\\"",NULL}', '{1,NULL}', '{"\\\\x6162"}')
    """
    if kind == "text":
        parts = ['"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' if v is not None else "NULL" for v in values]
    elif kind == "bytes":
        parts = [f'"\\\\x{v.hex()}"' if v is not None else "NULL" for v in values]
    else:
        spell = "{:d}".format if kind == "integer" else repr
        parts = [spell(v) if v is not None else "NULL" for v in values]
    return "{" + ",".join(parts) + "}"
