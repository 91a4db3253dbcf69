"""The PostgreSQL store keeps the contract on a real server, and gets over whatever happens to the server or the line."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from urllib.parse import quote

import psycopg
import pytest

from detectors.panes import PANE, hours_in
from streams.errors import Refused
from streams.store import Batch, Conflict, Store, StoreFailed, open_store, postgres
from streams.store.postgres import PostgresStore
from streams.store.tables import GOLD, JOURNAL, PAIRS, READINGS, SCHEMA_VERSION, TASKS
from tests.made_events import configured
from tests.servers.postgres import PostgreSQL
from tests.streams.store_contract import SharedStoreContract, annotation, batch, gold, home_row, names, pair, rows_of
from tests.streams.store_homes import (
    ALL_BUT_CONTEXTS,
    campaign,
    compared,
    differences,
    fold_in_cuts,
    stretched,
    without_cuts,
)
from tests.streams.store_homes import rows_of as homes_rows_of
from tests.streams.tables_page import examples

pytestmark = pytest.mark.integration


class Address:
    """A PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opened: list[PostgresStore] = []

    def open(self, *, read_only: bool = False) -> Store:
        store = PostgresStore(self.url, read_only=read_only)
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Address]:
    address = Address(postgresql_url)
    yield address
    address.close()


@pytest.fixture
def store(database: Address) -> Store:
    store = database.open()
    store.open_home(0)
    store.commit(0, home_row(0), Batch(annotations=[annotation(1, "a1", "i")]))
    return store


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """What the last of these statements answers, on a connection of their own."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = None
        for statement in statements:
            cursor = connection.execute(statement)
        return [] if cursor is None or cursor.description is None else cursor.fetchall()


END_ALL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class TestContract(SharedStoreContract):
    @pytest.fixture
    def store(self, database: Address) -> Store:
        opened = database.open()
        opened.open_home(0)
        return opened


@pytest.mark.parametrize(("seed", "slower"), [(0, 1), (1, 1), (2, 20_000)])
def test_homes_leave_the_rows_that_they_leave_in_sqlite(database: Address, seed: int, slower: int):
    """In the same cuts all rows of all tables; and, but for what tells of the cuts, those of one go. Where it is slower, of days."""
    messages, daily = stretched(campaign(seed, 2000), slower), configured(hourly_days=1)
    store, other, whole = database.open(), open_store("sqlite://"), open_store("sqlite://")
    fold_in_cuts(messages, store, Random(seed), configure=daily)
    fold_in_cuts(messages, other, Random(seed), configure=daily)
    fold_in_cuts(messages, whole, Random(seed), longest=10**9, capacity=10**6, configure=daily)
    days = [row for row in homes_rows_of(store)["scopes"] if row[3] == PANE and hours_in(row[4]) > 1]
    assert (len(days) > 10) is (slower > 1)
    assert differences(homes_rows_of(store), homes_rows_of(other)) == []
    assert differences(without_cuts(homes_rows_of(store)), without_cuts(homes_rows_of(whole))) == []
    assert compared(homes_rows_of(store), ALL_BUT_CONTEXTS if slower == 1 else ["scopes", "readings"]) > 2500


# -- the server goes away ---------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Store], object]] = {
    "open_home": lambda store: store.open_home(0),
    "find_annotations": lambda store: store.find_annotations(0, [("p", "a1")], []),
    "find": lambda store: store.find(GOLD, 0, [("p", "t", "i")]),
    "scan": lambda store: list(store.scan(GOLD, 0)),
    "scan_annotations": lambda store: store.scan_annotations(0, 0, 5),
    "count": lambda store: store.count(GOLD, 0),
    "homes": lambda store: store.homes(),
    "commit": lambda store: store.commit(1, home_row(0), Batch(annotations=[annotation(2, "a2", "i")])),
    "amend": lambda store: store.amend(batch(GOLD, [gold("i")])),
    "scrub": lambda store: store.scrub(),
    "meta": lambda store: store.meta("name"),
    "settle": lambda store: store.settle("name", "value"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_lost_connection_is_said_once_then_there_is_a_new_one(store: Store, database: Address, call: str):
    before = rows_of(store)
    run(database.url, END_ALL)
    with pytest.raises(StoreFailed, match=r"^PostgreSQL store 127\.0\.0\.1:\d+/test_\w+: "):
        CALLS[call](store)
    assert rows_of(store) == before
    CALLS[call](store)


def test_a_server_that_stopped_is_said_until_it_is_back(store: Store, postgresql: PostgreSQL):
    before = rows_of(store)
    postgresql.kill()
    for _ in range(3):
        for call in CALLS.values():
            with pytest.raises(StoreFailed):
                call(store)
    with pytest.raises(StoreFailed, match="connection failed"):
        open_store(postgresql.url)
    postgresql.start()
    assert rows_of(store) == before
    CALLS["commit"](store)
    assert store.open_home(0)[1] == 2


def test_a_connection_that_ends_while_it_commits_has_written_nothing(store: Store, database: Address):
    """The server ends it in a trigger that runs at COMMIT."""
    run(
        database.url,
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()",
    )
    before = rows_of(store)
    with pytest.raises(StoreFailed):
        store.commit(1, home_row(0), Batch({PAIRS: [pair("a", "b")], JOURNAL: [(0, 2, "events", 0, 1)]}))
    assert rows_of(store) == before


class Line:
    """A line to the server that, once told so, takes a COMMIT to it and falls silent before the answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.cut_after_commit = False
        self._silent = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(one, other, one is client), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, upward: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if upward and self.cut_after_commit and b"COMMIT" in data:
                    self._silent = True  # before the server can answer
                elif not upward and self._silent:
                    self._silent = False
                    break  # it has committed, and nobody is told
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()


def test_a_commit_in_doubt_is_a_failure_and_loading_the_home_tells_what_became_of_it(
    database: Address, postgresql: PostgreSQL
):
    line = Line(postgresql.port)
    address = Address(database.url.replace(f":{postgresql.port}/", f":{line.listener.getsockname()[1]}/"))
    store = address.open()
    store.open_home(0)
    line.cut_after_commit = True
    with pytest.raises(StoreFailed):
        store.commit(0, home_row(0), Batch(annotations=[annotation(1, "a1", "i")]))
    line.cut_after_commit = False
    with pytest.raises(Conflict):
        store.commit(0, home_row(0), Batch(annotations=[annotation(1, "again", "i")]))
    assert store.open_home(0)[1] == 1
    assert names(store.scan_annotations(0, 0, 9)) == ["a1"]
    address.close()
    line.close()


# -- the server refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("40001", "serialization failure"),
        ("40P01", "deadlock"),
        ("53100", "disk full"),
        ("53200", "out of memory"),
        ("57014", "statement timeout"),
        ("55P03", "lock timeout"),
        ("25006", "a server that only reads"),
        ("58030", "disk error"),
    ],
)
def test_what_may_pass_is_a_failure_and_writes_nothing(store: Store, database: Address, state: str, what: str):
    run(
        database.url,
        f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'gone wrong' USING ERRCODE = '{state}', "
        "DETAIL = 'secret label'; END$$",
        "CREATE TRIGGER fail BEFORE INSERT ON gold FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    before = rows_of(store)
    changes = Batch({PAIRS: [pair("a", "b")], GOLD: [gold("i")], JOURNAL: [(0, 2, "events", 0, 1)]})
    with pytest.raises(StoreFailed) as failure:
        store.commit(1, home_row(0), changes)
    assert str(failure.value).endswith(": gone wrong"), what
    assert rows_of(store) == before
    run(database.url, "DROP TRIGGER fail ON gold")
    store.commit(1, home_row(0), changes)
    assert store.count(PAIRS, 0) == 1


def test_two_statements_that_wait_for_each_other_end_with_a_failure(database: Address, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "_SESSION", {**postgres._SESSION, "lock_timeout": "200ms"})
    store = database.open()
    store.open_home(0)
    with psycopg.connect(database.url) as other:
        other.execute("SELECT * FROM homes WHERE home = 0 FOR UPDATE")
        with pytest.raises(StoreFailed, match="lock timeout"):
            store.commit(0, home_row(0), batch(GOLD, [gold("i")]))
    store.commit(0, home_row(0), batch(GOLD, [gold("i")]))


def test_a_worker_that_stops_in_the_middle_of_a_commit_does_not_keep_the_home(
    database: Address, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(postgres, "_SESSION", {**postgres._SESSION, "idle_in_transaction_session_timeout": "300ms"})
    stopped, store = database.open(), database.open()
    store.open_home(0)
    stopped._connection.execute("BEGIN")
    stopped._connection.execute("UPDATE homes SET version = 1 WHERE home = 0 AND version = 0")
    store.commit(0, home_row(0), batch(GOLD, [gold("i")]))  # waits for the server to end the other's transaction
    with pytest.raises(StoreFailed):
        stopped.commit(0, home_row(0), Batch())
    with pytest.raises(Conflict):
        stopped.commit(0, home_row(0), Batch())


def test_a_mistake_of_ours_is_not_taken_for_a_server_that_is_away(store: Store):
    for row in ((0, 2, "events", 2**63, 0), (0, 2, "a\x00b", 0, 0)):
        with pytest.raises(psycopg.DataError):
            store.commit(1, home_row(0), batch(JOURNAL, [row]))
    store.commit(1, home_row(0), Batch())


# -- what is refused at the start, with nothing touched ---------------------------------------------------------------

TABLES_THERE = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"


def test_a_newer_schema_version_is_refused(database: Address):
    database.open().close()
    run(
        database.url,
        f"UPDATE meta SET value = '{SCHEMA_VERSION + 1}' WHERE name = 'schema_version'",
        "DROP TABLE journal",
    )
    before = run(database.url, TABLES_THERE), run(database.url, "SELECT * FROM meta")
    for read_only in (False, True):
        with pytest.raises(
            Refused, match=f"schema version {SCHEMA_VERSION} or below, found {SCHEMA_VERSION + 1}.*nothing was"
        ):
            database.open(read_only=read_only)
    assert (run(database.url, TABLES_THERE), run(database.url, "SELECT * FROM meta")) == before


def test_an_older_schema_version_that_nothing_migrates_is_refused(database: Address):
    database.open().close()
    run(database.url, "UPDATE meta SET value = '1' WHERE name = 'schema_version'", "DROP TABLE journal")
    before = run(database.url, TABLES_THERE), run(database.url, "SELECT * FROM meta")
    for read_only in (False, True):
        with pytest.raises(Refused, match=f"schema version {SCHEMA_VERSION}, found 1 in .*: begin a new store"):
            database.open(read_only=read_only)
    assert (run(database.url, TABLES_THERE), run(database.url, "SELECT * FROM meta")) == before


@pytest.mark.parametrize(
    "table", ["meta (a text)", "homes (home int)", "alarms (x int)", "meta (name text, value text)"]
)
def test_tables_of_another_program_are_refused(database: Address, table: str):
    run(database.url, f"CREATE TABLE {table}")
    name, _, _ = table.partition(" ")
    with pytest.raises(Refused, match=f"found other tables named {name} .*nothing was changed"):
        database.open()
    assert run(database.url, TABLES_THERE) == [(name,)]


def test_an_empty_database_is_not_set_up_by_a_reader(database: Address):
    with pytest.raises(Refused, match=r"found 0 .*start a worker"):
        database.open(read_only=True)
    assert run(database.url, TABLES_THERE) == []


def test_an_older_store_is_migrated_once_by_the_first_worker(database: Address, monkeypatch: pytest.MonkeyPatch):
    store = database.open()
    store.open_home(0)
    store.commit(0, home_row(0), batch(GOLD, [gold("i")]))
    steps = {SCHEMA_VERSION: ("ALTER TABLE gold ADD COLUMN extra text", "UPDATE gold SET extra = 'new'")}
    monkeypatch.setattr(postgres, "MIGRATIONS", steps)
    monkeypatch.setattr(postgres, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    for _ in range(2):
        assert list(database.open().scan(GOLD, 0)) == [(*gold("i"), "new")]
    assert run(database.url, "SELECT value FROM meta WHERE name = 'schema_version'") == [(str(SCHEMA_VERSION + 1),)]


def test_a_store_of_the_schema_before_is_given_the_tables_that_are_new(database: Address):
    database.open().close()
    columns = (
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation::text "
        "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped "
        "ORDER BY c.relname, a.attnum"
    )
    fresh = run(database.url, TABLES_THERE), run(database.url, columns)
    run(
        database.url,
        "DROP TABLE clocks",
        "DROP TABLE readings",
        "ALTER TABLE tasks DROP COLUMN merged_to",
        "UPDATE meta SET value = '2' WHERE name = 'schema_version'",
    )
    database.open().close()
    assert (run(database.url, TABLES_THERE), run(database.url, columns)) == fresh


def test_a_store_that_had_no_days_has_merged_none_and_its_readings_are_of_hours(database: Address):
    store = database.open()
    store.open_home(0)
    task, reading = (
        (0, "p", "t", *[0] * 5, "{}", None, "f", -1, 0),
        (0, "p", "t", 0, "alpha", 0.5, 0.1, 0.9, 7, None, 3, 1),
    )
    store.commit(0, home_row(0), batch(TASKS, [task]))
    store.commit(1, home_row(0), batch(READINGS, [reading]))
    store.close()
    run(
        database.url,
        "ALTER TABLE readings DROP COLUMN hours",
        "ALTER TABLE tasks DROP COLUMN merged_to",
        "UPDATE meta SET value = '3' WHERE name = 'schema_version'",
    )
    store = database.open()
    assert list(store.scan(TASKS, 0)) == [task]
    assert list(store.scan(READINGS, 0)) == [reading]
    store.commit(2, home_row(0), batch(READINGS, [(*reading[:-2], 4, 24)]))
    assert list(store.scan(READINGS, 0)) == [(*reading[:-2], 4, 24)]


def test_a_migration_that_fails_leaves_the_store_as_it_was(database: Address, monkeypatch: pytest.MonkeyPatch):
    database.open().close()
    before = run(database.url, TABLES_THERE)
    monkeypatch.setattr(postgres, "MIGRATIONS", {SCHEMA_VERSION: ("DROP TABLE gold", "SELECT 1/0")})
    monkeypatch.setattr(postgres, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with pytest.raises(psycopg.DataError):
        database.open()
    assert run(database.url, TABLES_THERE) == before


def test_a_database_of_another_encoding_is_refused(postgresql: PostgreSQL):
    run(postgresql.url, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    try:
        with pytest.raises(Refused, match="encoding UTF8, found LATIN1"):
            PostgresStore(postgresql.url.replace("/postgres", "/latin"))
    finally:
        postgresql.drop_database("latin")


def test_texts_are_in_the_order_of_their_bytes_whatever_the_database_says(postgresql: PostgreSQL):
    run(postgresql.url, "CREATE DATABASE english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    store = PostgresStore(postgresql.url.replace("/postgres", "/english"))
    try:
        texts = ["B", "a", "é", "_", "Z", "e", "b", "-", "f", "\U0001f600", "\uffff"]
        store.amend(batch(GOLD, [gold(text) for text in texts]))
        assert [row[3] for row in store.scan(GOLD, 0)] == sorted(texts, key=str.encode)
        assert store._connection.execute("SELECT 'B' < 'a'").fetchone() == (False,)
    finally:
        store.close()
        postgresql.drop_database("english")


def test_a_user_without_the_right_to_create_tables_is_told_so(postgresql: PostgreSQL, database: Address):
    run(database.url, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    try:
        with pytest.raises(Refused, match=r"permission denied for schema public: grant it to the user of store\.url"):
            PostgresStore(database.url.replace("kappawatch@", "guest@"))
    finally:
        run(database.url, "DROP ROLE guest")


def test_a_store_may_have_a_schema_of_its_own(database: Address):
    run(database.url, "CREATE TABLE meta (of text, another text)", "CREATE SCHEMA kappa")
    other = Address(f"{database.url}?options=-csearch_path%3Dkappa,public")
    store = other.open()
    store.open_home(0)
    store.commit(0, home_row(0), batch(GOLD, [gold("i")]))
    assert run(database.url, "SELECT item FROM kappa.gold") == [("i",)]
    other.close()


# -- the password -----------------------------------------------------------------------------------------------------

PASSWORD = "tr0ub4dor & 3@x"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:{password}@127.0.0.1:1/qa",
        "postgresql://me:{password}@127.0.0.1:{port}/nowhere",
        "postgresql://me@127.0.0.1:{port}/nowhere?password={password}",
        "postgresql://me:{raw}@127.0.0.1:{port}/qa",
        "postgresql://me:{password}@[::1/qa",
        "postgresql://me:{password}@127.0.0.1:{port}/qa?nonsense={password}",
    ],
)
def test_no_message_holds_the_password(postgresql: PostgreSQL, url: str):
    url = url.format(password=quote(PASSWORD, safe=""), raw=PASSWORD, port=postgresql.port)
    with pytest.raises((StoreFailed, Refused)) as failure:
        open_store(url)
    said = "".join(traceback.format_exception(failure.value.with_traceback(None)))
    assert len(said) > 50
    for secret in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD), "tr0ub4dor", "dor & 3"):
        assert secret not in said


# -- how it asks ------------------------------------------------------------------------------------------------------


def test_a_look_up_is_one_statement_however_many_keys(store: PostgresStore, monkeypatch: pytest.MonkeyPatch):
    connection, asked = store._connection, []
    execute = connection.execute
    monkeypatch.setattr(connection, "execute", lambda *args: asked.append(args) or execute(*args))
    store.find_annotations(0, [("p", f"a{n}") for n in range(2000)], [("p", "t", f"i{n}") for n in range(2000)])
    store.find(GOLD, 0, [("p", "t", f"i{n}") for n in range(2000)])
    assert len(asked) == 2


@pytest.mark.parametrize("analyzed", [False, True])
def test_look_ups_and_writes_go_by_index_whatever_the_planner_knows(database: Address, analyzed: bool):
    """The first plans are made on empty tables, of which the planner knows nothing."""
    store = database.open()
    assert isinstance(store, PostgresStore)
    store.open_home(0)
    store.find_annotations(0, [("p", "a1")], [("p", "t", "i")])
    rows = [annotation(n, f"a{n}", f"i{n // 3}") for n in range(1, 5000)]
    store.commit(0, home_row(0), Batch({GOLD: [gold(f"i{n}") for n in range(3000)]}, annotations=rows))
    if analyzed:
        run(database.url, "ANALYZE")
    keys = postgres._columns([("p", f"a{n}") for n in range(4000)], ("text", "text"))
    places = postgres._columns([("p", "t", f"i{n}") for n in range(4000)], ("text",) * 3)
    statements = [
        (postgres._FIND_ANNOTATIONS, (*keys, 0, *places, 0), "annotations_by_item"),
        (postgres._FIND_ANNOTATIONS, (*keys, 0, *places, 0), "annotations_by_annotation"),
        (postgres._find(GOLD, 3), (*places, 0), "gold_pkey"),
        (postgres._delete(GOLD, 4), (0, "p", "t", "i5"), "gold_pkey"),
        (postgres._scan(GOLD, 0, after=True), (0, "p", "t", "i5", 10), "gold_pkey"),
    ]
    for statement, values, index in statements:
        plan = "\n".join(row[0] for row in store._connection.execute(f"EXPLAIN {statement}", values))
        assert re.search(rf"Index Scan (using|on) {index} ", plan)
        assert "Seq Scan" not in plan
        assert "Materialize" not in plan


def test_a_session_gives_up_in_time(store: PostgresStore):
    for name, value in postgres._SESSION.items():
        assert store._connection.execute(f"SHOW {name}").fetchone() == (value.replace("60s", "1min"),)
    assert {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} <= set(postgres._SESSION)
    assert "0" not in postgres._SESSION.values()


def test_scrubbing_leaves_no_dead_rows(store: Store, database: Address):
    store.commit(1, home_row(0), Batch(vacated=[1], erases=True))
    run(database.url, "CREATE EXTENSION pgstattuple")
    count = "SELECT dead_tuple_count FROM pgstattuple('annotations')"
    assert run(database.url, count) == [(1,)]
    store.scrub()
    assert run(database.url, count) == [(0,)]
    assert store._connection.execute("SHOW statement_timeout").fetchone() == ("1min",)


def test_the_examples_of_the_page_answer_as_they_do_in_sqlite(database: Address, tmp_path: Path):
    """docs/tables.md: what it says for both, what is for PostgreSQL alone, and that a reader does not get at the key."""
    store, other = database.open(), open_store(f"sqlite:///{tmp_path}/k.db")
    for each in (store, other):
        each.settle("privacy_key", "secret")
        fold_in_cuts(campaign(0, 2000), each, Random(0), capacity=10**6, longest=500)
    other.close()
    with psycopg.connect(database.url, autocommit=True) as connection, sqlite3.connect(tmp_path / "k.db") as embedded:
        for statement in examples("sql"):
            answer = plain(connection.execute(statement.replace("%", "%%"), ()))
            assert answer
            assert answer == plain(embedded.execute(statement))
        try:
            for statement in examples("postgresql"):
                cursor = connection.execute(statement)
                assert cursor.description is None or cursor.fetchall()
            with psycopg.connect(database.url.replace("kappawatch@", "reader@")) as reader:
                assert reader.execute("SELECT count(*) FROM pseudonyms").fetchone() != (0,)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute("SELECT * FROM meta")
        finally:
            connection.execute("DROP OWNED BY reader; DROP ROLE reader")


def plain(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """Rows with numbers of one kind; SQLite has no decimal ones."""
    return [[float(value) if isinstance(value, Decimal) else value for value in row] for row in rows]
