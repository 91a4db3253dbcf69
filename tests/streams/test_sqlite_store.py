"""The SQLite store keeps the contract, in a file and in memory, and gets over what happens to files and disks."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from detectors.keys import ItemKey
from streams.errors import Refused
from streams.store import Batch, Conflict, Store, StoreFailed, open_store, sqlite
from streams.store.pages import ROOM
from streams.store.sqlite import SqliteStore
from streams.store.tables import ANNOTATIONS, GOLD, PAIRS, SCHEMA_VERSION, SCOPES, Table
from tests.streams.store_contract import (
    SharedStoreContract,
    StoreContract,
    annotation,
    annotations_of_all_kinds,
    batch,
    gold,
    home_row,
    names,
    pair,
    row_of,
    rows_of,
)

ROOT = Path(__file__).resolve().parents[2]


class File:
    """A SQLite file."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.opened: list[SqliteStore] = []

    def open(self, *, read_only: bool = False) -> SqliteStore:
        store = SqliteStore(self.path, read_only=read_only)
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[File]:
    file = File(tmp_path / "kappawatch.db")
    yield file
    file.close()


@pytest.fixture
def store(database: File) -> SqliteStore:
    """A store with an annotation, at version 1."""
    store = database.open()
    store.open_home(0)
    store.commit(0, home_row(0), Batch(annotations=[annotation(1, "a1", "i")]))
    return store


class TestInAFile(SharedStoreContract):
    @pytest.fixture
    def store(self, database: File) -> Store:
        opened = database.open()
        opened.open_home(0)
        return opened


class TestWithShortRuns(TestInAFile):
    """Runs of the index that are so short that every test writes some."""

    @pytest.fixture(autouse=True)
    def short_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite, "RUN", 3)


class TestInMemory(StoreContract):
    @pytest.fixture
    def database(self) -> Iterator[File]:
        file = File(":memory:")
        yield file
        file.close()


# -- the index --------------------------------------------------------------------------------------------------------


def test_runs_of_the_index_are_written_and_only_what_came_later_is_read(
    database: File, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "RUN", 100)
    store = database.open()
    store.open_home(0)
    for version in range(25):
        rows = [annotation(10 * version + n, f"a{10 * version + n}", f"i{n}") for n in range(1, 11)]
        store.commit(version, home_row(0), Batch(annotations=rows))
    runs = "SELECT home, last_row, length(annotations), length(items) FROM annotation_runs"
    assert store._connection.execute(runs).fetchall() == [(0, 100, 800, 800), (0, 200, 800, 800)]
    read: list[str] = []
    store._connection.set_trace_callback(read.append)
    store.open_home(0)
    assert any("BETWEEN 201 AND" in statement for statement in read)
    assert names(store.find_annotations(0, [("p", "a7"), ("p", "a208")], [])) == sorted(
        f"a{10 * version + n}" for version in range(25) for n in (7, 8)
    )


def test_a_failed_commit_leaves_the_index_as_it_was(store: SqliteStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "RUN", 2)
    with pytest.raises(OverflowError):
        store.commit(1, home_row(0), Batch({GOLD: [gold("i", 2**63)]}, annotations=[annotation(2, "a2", "i")]))
    assert names(store.find_annotations(0, [("p", "a2")], [("p", "t", "i")])) == ["a1"]
    assert store.find(GOLD, 0, [("p", "t", "i")]) == []
    store.commit(1, home_row(0), Batch(annotations=[annotation(2, "b2", "i")]))
    for _ in range(2):
        assert names(store.find_annotations(0, [("p", "a2"), ("p", "b2")], [])) == ["a1", "b2"]
        store.open_home(0)


@pytest.mark.parametrize("table", [ANNOTATIONS, PAIRS, GOLD], ids=lambda table: table.name)
def test_a_scan_takes_twice_the_steps_for_twice_the_rows(database: File, table: Table):
    """And not four times: each page is sought, not counted off."""
    store = database.open()
    store.open_home(0)
    steps = []
    for version in (0, 1):
        made = range(10_000 * version, 10_000 * version + 10_000)
        if table is ANNOTATIONS:
            changes = Batch(annotations=[annotation(n + 1, f"a{n}", f"i{n}") for n in made])
        else:
            changes = batch(table, [pair(f"a{n}", "b") if table is PAIRS else gold(f"i{n}") for n in made])
        store.commit(version, home_row(0), changes)
        ticks: list[None] = []
        store._connection.set_progress_handler(partial(ticks.append, None), 100)
        assert sum(1 for _ in store.scan(table, 0)) == 10_000 * version + 10_000
        store._connection.set_progress_handler(None, 0)
        steps.append(len(ticks))
    assert 1.8 < steps[1] / steps[0] < 2.2


# -- the pages of annotations -----------------------------------------------------------------------------------------


def test_the_view_shows_all_that_annotations_say(database: File):
    """To the letter what a table of rows would hold: times in microseconds, labels and events as they were written."""
    store = database.open()
    store.open_home(0)
    made = annotations_of_all_kinds()
    store.commit(0, home_row(0), Batch(annotations=made))
    store.commit(1, home_row(0), Batch(vacated=[2, 50]))
    store.open_home(5)
    store.commit(0, home_row(5), Batch(annotations=[annotation(7, "a", "i", home=5)]))
    shown = store._connection.execute("SELECT * FROM annotations ORDER BY row").fetchall()
    expected = [*(row_of(each) for each in made if each.row not in (2, 50)), row_of(annotation(7, "a", "i", home=5))]
    assert shown == expected
    assert [*map(type, shown[0])] == [*map(type, expected[0])]
    columns = [column[0] for column in store._connection.execute("SELECT * FROM annotations").description]
    assert columns == list(ANNOTATIONS.columns)


def test_a_page_has_as_many_annotations_as_there_is_room_for(database: File):
    store = database.open()
    store.open_home(0)
    for version, length in enumerate((0, 900)):
        rows = range(1 + 300 * version, 301 + 300 * version)
        made = [annotation(n, f"a{n}", "i", label="x" * length) for n in rows]
        store.commit(version, home_row(0), Batch(annotations=made))
    pages = store._connection.execute("SELECT first, json_array_length(rows), length(rows) FROM annotation_pages")
    found = pages.fetchall()
    assert [first for first, _, _ in found] == [1 + sum(count for _, count, _ in found[:n]) for n in range(len(found))]
    assert sum(count for _, count, _ in found) == 600
    lengths = sorted(length for _, _, length in found)
    assert lengths[2] > 0.8 * ROOM, "but the last of each commit"
    assert lengths[-1] < 1.05 * ROOM


def test_pages_of_which_nothing_is_left_are_deleted(database: File):
    store = database.open()
    store.open_home(0)
    for version in range(50):
        store.commit(version, home_row(0), Batch(annotations=[annotation(version + 1, f"a{version}", "i")]))
    store.commit(50, home_row(0), Batch(vacated=list(range(1, 50))))
    assert store._connection.execute("SELECT first FROM annotation_pages").fetchall() == [(50,)]
    assert names(store.find_annotations(0, [("p", "a3")], [ItemKey("p", "t", "i")])) == ["a49"]
    store.commit(51, home_row(0), Batch(vacated=[50]))
    store.open_home(0)
    store.commit(52, home_row(0), Batch(annotations=[annotation(51, "b", "i")]))
    assert names(store.scan_annotations(0, 0, 9)) == ["b"]


@pytest.mark.parametrize("numbers", [(1, 2, 4), (2, 1), (3, 3)])
def test_new_rows_that_do_not_follow_one_another_are_a_mistake_and_write_nothing(
    database: File, numbers: tuple[int, ...]
):
    store = database.open()
    store.open_home(0)
    with pytest.raises(ValueError, match="expected rows that follow one another"):
        store.commit(0, home_row(0), Batch(annotations=[annotation(n, f"a{n}", "i") for n in numbers]))
    assert store.count(ANNOTATIONS, 0) == 0
    assert store.open_home(0)[1] == 0


def test_an_edit_of_a_row_that_is_not_stored_is_a_mistake_and_writes_nothing(store: SqliteStore):
    store.commit(1, home_row(0), Batch(annotations=[annotation(2, "a2", "i"), annotation(3, "a3", "i")]))
    store.commit(2, home_row(0), Batch(vacated=[1]))
    with pytest.raises(ValueError, match=r"expected annotations in rows that are stored, or above 3, found \[1\]"):
        store.commit(3, home_row(0), Batch(annotations=[annotation(1, "b", "i"), annotation(2, "b", "i")]))
    assert names(store.scan_annotations(0, 0, 9)) == ["a2", "a3"]


# -- files and disks --------------------------------------------------------------------------------------------------


def test_the_folder_of_a_store_is_made(tmp_path: Path):
    SqliteStore(tmp_path / "new" / "folder" / "kappawatch.db").close()
    assert (tmp_path / "new" / "folder" / "kappawatch.db").exists()


def test_a_place_where_no_file_can_be_is_a_failure(tmp_path: Path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "kappawatch.db", tmp_path, Path("/proc/kappawatch.db")):
        with pytest.raises(StoreFailed, match=f"^SQLite store {place}: "):
            SqliteStore(place)
    with pytest.raises(StoreFailed, match="no such file; a worker creates it"):
        SqliteStore(tmp_path / "missing.db", read_only=True)
    assert not (tmp_path / "missing.db").exists()


def test_a_database_that_another_process_has_locked_is_a_failure_until_it_is_free(
    store: SqliteStore, database: File, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    impatient = database.open()
    impatient.open_home(0)
    changes = Batch(annotations=[annotation(2, "a2", "i")])
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for write in (
        lambda: impatient.commit(1, home_row(0), changes),
        lambda: impatient.amend(changes),
        lambda: impatient.settle("name", "value"),
        lambda: impatient.open_home(1),
    ):
        with pytest.raises(StoreFailed, match="database is locked"):
            write()
    assert names(impatient.find_annotations(0, [("p", "a1")], [])) == ["a1"]
    other.execute("ROLLBACK")
    other.close()
    impatient.commit(1, home_row(0), changes)
    assert names(store.scan_annotations(0, 0, 9)) == ["a1", "a2"]


def test_a_full_database_is_a_failure_that_writes_nothing_until_there_is_room(store: SqliteStore):
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    before = rows_of(store)
    changes = Batch({PAIRS: [pair("a", "b")]}, annotations=[annotation(n, f"a{n}" * 50, "i") for n in range(2, 2000)])
    for _ in range(2):
        with pytest.raises(StoreFailed, match="full"):
            store.commit(1, home_row(0), changes)
        assert rows_of(store) == before
        assert store.open_home(0)[1] == 1
    store._connection.execute("PRAGMA max_page_count = 1000000")
    store.commit(1, home_row(0), changes)
    assert store.count(ANNOTATIONS, 0) == 1999


def script(text: str, path: Path, *args: object) -> list[str]:
    """A program that begins with a store on this path and what tests need."""
    head = (
        "import resource, signal, sys\nfrom streams.store import StoreFailed\nfrom streams.store.sqlite import SqliteStore\n"
        "from streams.store.tables import ANNOTATIONS\nfrom tests.streams.store_contract import *\n"
        "from tests.streams.store_contract import annotation, batch, home_row, names\nstore = SqliteStore(sys.argv[1])\n"
    )
    return [sys.executable, "-c", head + textwrap.dedent(text), str(path), *map(str, args)]


def test_a_disk_that_is_full_is_a_failure_that_writes_nothing_until_there_is_room(tmp_path: Path):
    program = """
        store.open_home(0)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        version = 0
        while version < 100:
            rows = [annotation(100 * version + n, f"a{100 * version + n}", "i") for n in range(1, 101)]
            try:
                store.commit(version, home_row(0), Batch(annotations=rows))
                version += 1
            except StoreFailed as failure:
                print(failure)
                break
        assert 0 < version < 100, version
        assert store.open_home(0)[1] == version
        assert store.count(ANNOTATIONS, 0) == 100 * version
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        store.commit(version, home_row(0), Batch(annotations=rows))
        assert store.count(ANNOTATIONS, 0) == 100 * version + 100
        assert names(store.find_annotations(0, [rows[0].name], []))[0] == "a1"
    """
    done = subprocess.run(
        script(program, tmp_path / "k.db"), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "SQLite store" in done.stdout


def test_a_file_that_was_replaced_is_a_failure_and_not_written_to(store: SqliteStore, database: File):
    path = Path(database.path)
    path.rename(path.with_name("old.db"))
    for _ in range(2):
        with pytest.raises(StoreFailed, match="No such file"):
            store.commit(1, home_row(0), Batch())
    fresh = database.open()
    assert fresh.open_home(0)[1] == 0
    with pytest.raises(StoreFailed, match="the file was replaced while it was open"):
        store.commit(1, home_row(0), Batch())
    assert fresh.open_home(0)[1] == 0


def test_a_damaged_file_is_a_failure(store: SqliteStore, database: File):
    store.commit(1, home_row(0), batch(PAIRS, [pair(f"a{n}", "b") for n in range(5000)]))
    store.close()
    path = Path(database.path)
    content = bytearray(path.read_bytes())
    content[8192 * 20 :] = os.urandom(len(content) - 8192 * 20)
    path.write_bytes(content)
    with pytest.raises(StoreFailed, match="malformed"):
        rows_of(database.open())


def test_a_closed_store_is_a_failure(store: SqliteStore):
    store.close()
    store.close()
    with pytest.raises(StoreFailed, match="it is closed"):
        store.open_home(0)


def test_a_killed_worker_leaves_whole_transactions(tmp_path: Path):
    """Killed at any moment: as many rows as the version says, an index that finds them, and a home to go on with."""
    program = """
        home = store.open_home(0)
        version = home[1]
        print("ready", flush=True)
        while True:
            rows = [annotation(50 * version + n, f"a{50 * version + n}", f"i{version}") for n in range(1, 51)]
            store.commit(version, home_row(0), Batch(annotations=rows))
            version += 1
            if version % 20 == 0:
                print(version, flush=True)
    """
    program = "from streams.store import sqlite\nsqlite.RUN = 500\n" + textwrap.dedent(program)
    path, seen = tmp_path / "k.db", 0
    for kill in range(5):
        worker = subprocess.Popen(script(program, path), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            for _ in range(kill):
                worker.stdout.readline()
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            worker.stdout.close()
        store = SqliteStore(path)
        version = store.open_home(0)[1]
        assert version >= seen
        seen = version
        assert [record.row for record in store.scan_annotations(0, 0, 10**6)] == list(range(1, 50 * version + 1))
        for number in range(0, version, 7):
            found = store.find_annotations(0, [("p", f"a{50 * number + 1}")], [])
            assert names(found) == sorted(f"a{50 * number + n}" for n in range(1, 51))
        store.close()
    assert seen > 20


# -- what is refused at the start, with nothing touched ---------------------------------------------------------------


def digest(folder: Path) -> dict[str, str]:
    """The databases; beside them SQLite notes who reads."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.db")}


def foreign(path: Path, *statements: str) -> None:
    with sqlite3.connect(path, isolation_level=None) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["CREATE TABLE meta (name, value)"], "found another program's database"),
        (["CREATE TABLE notes (text)", f"PRAGMA user_version = {SCHEMA_VERSION}"], "found another program's database"),
        (["CREATE TABLE notes (text)", "PRAGMA journal_mode = WAL"], "found another program's database"),
        (
            [f"PRAGMA application_id = {sqlite.APPLICATION}", "CREATE TABLE x (y)", "PRAGMA user_version = 99"],
            "found 99 in",
        ),
    ],
)
def test_a_database_that_is_not_ours_or_newer_is_refused(
    tmp_path: Path, statements: list[str], message: str, read_only: bool
):
    foreign(tmp_path / "k.db", *statements)
    before = digest(tmp_path)
    with pytest.raises(Refused, match=f"expected a store of .*{message}.*nothing was changed"):
        SqliteStore(tmp_path / "k.db", read_only=read_only)
    assert digest(tmp_path) == before


def test_a_newer_store_is_refused(store: SqliteStore, database: File, tmp_path: Path):
    store._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    store.close()
    before = digest(tmp_path)
    for read_only in (False, True):
        with pytest.raises(Refused, match=f"schema version {SCHEMA_VERSION} or below, found {SCHEMA_VERSION + 1} in"):
            database.open(read_only=read_only)
    assert digest(tmp_path) == before


@pytest.mark.parametrize("content", [b"not a database", b"{}" * 5000, b"SQLite format 2\x00" + bytes(500)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "k.db").write_bytes(content)
    with pytest.raises(Refused, match="found a file of another kind"):
        SqliteStore(tmp_path / "k.db")
    assert (tmp_path / "k.db").read_bytes() == content


def test_a_reader_does_not_set_up_an_empty_file(tmp_path: Path):
    (tmp_path / "k.db").touch()
    with pytest.raises(Refused, match=r"found 0 in .*start a worker"):
        SqliteStore(tmp_path / "k.db", read_only=True)
    assert digest(tmp_path) == {"k.db": hashlib.sha256().hexdigest()}


def test_an_older_store_is_migrated_once(store: SqliteStore, database: File, monkeypatch: pytest.MonkeyPatch):
    store.commit(1, home_row(0), batch(GOLD, [gold("i")]))
    steps = {SCHEMA_VERSION: ("ALTER TABLE gold ADD COLUMN extra text", "UPDATE gold SET extra = 'new'")}
    monkeypatch.setattr(sqlite, "MIGRATIONS", steps)
    monkeypatch.setattr(sqlite, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with pytest.raises(Refused, match="start a worker"):
        database.open(read_only=True)
    for _ in range(2):
        assert list(database.open().scan(GOLD, 0)) == [(*gold("i"), "new")]
    assert list(database.open(read_only=True).scan(GOLD, 0)) == [(*gold("i"), "new")]


def test_an_older_store_that_nothing_migrates_is_refused(store: SqliteStore, database: File):
    before = rows_of(store)
    store._connection.execute("PRAGMA user_version = 1")
    for read_only in (False, True):
        with pytest.raises(Refused, match=f"schema version {SCHEMA_VERSION}, found 1 in .*: begin a new store"):
            database.open(read_only=read_only)
    store._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    assert rows_of(database.open()) == before


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    store: SqliteStore, database: File, monkeypatch: pytest.MonkeyPatch
):
    before = rows_of(store)
    steps = {SCHEMA_VERSION: ("DROP TABLE gold", "ALTER TABLE missing ADD COLUMN x")}
    monkeypatch.setattr(sqlite, "MIGRATIONS", steps)
    monkeypatch.setattr(sqlite, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with pytest.raises(StoreFailed, match="no such table"):
        database.open()
    monkeypatch.undo()
    assert rows_of(database.open()) == before


# -- erasure ----------------------------------------------------------------------------------------------------------

PERSON = "ada.lovelace@example.org"


@pytest.mark.parametrize("vacuum", [True, False])
def test_of_an_erased_person_no_byte_is_left_in_the_files(
    database: File, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vacuum: bool
):
    """Where the file is too large to be written anew, what was deleted is overwritten, but for what page splits left."""
    store = database.open()
    store.open_home(0)
    if vacuum:
        store._connection.execute("PRAGMA secure_delete = OFF")  # all that was ever moved leaves a copy
    else:
        monkeypatch.setattr(sqlite, "LARGEST_VACUUM", 0)
    people = [PERSON, *(f"person {n}" for n in range(300))]
    for version in range(60):
        rows = []
        for n in range(1, 101):
            person, label = people[(version * n) % 40], "x" * (version * n % 300)
            rows.append(annotation(100 * version + n, f"a{100 * version + n}", f"i{n}", annotator=person, label=label))
        for n in range(1, 100 * version, 37):  # changed again and again, to longer and to shorter ones
            person, label = people[n % 40], "y" * (version * n % 900)
            rows.append(annotation(n, f"a{n}", f"i{n}", annotator=person, label=label))
        pairs = [pair(*sorted((PERSON, people[version * n % 299])), version) for n in range(1, 20)]
        scope = (0, "p", "t", "annotator", PERSON, 1, 1, 0, 0, 0, "{}" * version * 80)
        store.commit(version, home_row(0), Batch({PAIRS: pairs, SCOPES: [scope]}, annotations=rows))
    assert count_of(PERSON, tmp_path) > 100
    for record in store.scan_annotations(0, 0, 10**6):
        if record.event.annotator == PERSON:
            store.commit(version + 1, home_row(0), Batch(vacated=[record.row], erases=True))
            version += 1
    keys = [row[:6] for row in store.scan(PAIRS, 0) if PERSON in row[4:6]]
    gone = {PAIRS: keys, SCOPES: [(0, "p", "t", "annotator", PERSON)]}
    store.commit(version + 1, home_row(0), Batch(deletes={**gone}, erases=True))
    store.scrub()
    assert count_of(PERSON, tmp_path) <= (0 if vacuum else 5)
    assert store._connection.execute("PRAGMA secure_delete").fetchone() == (2,)
    assert store.count(ANNOTATIONS, 0) > 5000


def count_of(text: str, folder: Path) -> int:
    return sum(path.read_bytes().count(text.encode()) for path in folder.iterdir())


def test_a_file_that_cannot_be_written_anew_is_no_failure(database: File, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    store = database.open()
    store.open_home(0)
    store.commit(0, home_row(0), Batch(annotations=[annotation(1, "a1", "i")]))
    reader = sqlite3.connect(database.path, isolation_level=None)
    cursor = reader.execute("BEGIN").execute("SELECT * FROM annotations")
    store.commit(1, home_row(0), Batch(vacated=[1], erases=True))
    store.scrub()
    assert len(cursor.fetchall()) == 1
    reader.close()
    store.commit(2, home_row(0), Batch())


# -- addresses --------------------------------------------------------------------------------------------------------


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for url, file in (("sqlite:///a b.db", "a b.db"), (f"sqlite:///{tmp_path}/c%.db", "c%.db"), ("sqlite://", None)):
        store = open_store(url)
        store.open_home(0)
        with pytest.raises(Conflict):
            store.commit(1, home_row(0), Batch())
        store.close()
        assert file is None or (tmp_path / file).exists()
    with pytest.raises(Refused, match="found 'mysql'"):
        open_store("mysql://me:secret@host/qa")
