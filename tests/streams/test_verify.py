"""`verify` finds whatever is not as it should be: each value of each table, changed, missing or too many."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import pytest
from aiokafka.errors import KafkaConnectionError

from streams import cli, site
from streams.errors import Unavailable
from streams.homes import Home
from streams.settings import Settings, load_settings, read_settings
from streams.store import Row, Store, open_store
from streams.store.tables import (
    ADOPTIONS,
    ANNOTATIONS,
    CLOCKS,
    HOMES,
    JOURNAL,
    META,
    OUTBOX,
    PAIRS,
    READINGS,
    SCOPES,
    TABLES,
    TASKS,
    Table,
)
from streams.verify import (
    FOLDED,
    NOT_FOLDED,
    Refold,
    Report,
    Span,
    _Log,
    _verify_logs,
    journal,
    verify_log,
    verify_statistics,
)
from tests.made_campaign import campaign
from tests.made_events import annotation, erasure, messages
from tests.streams.folding import TOPIC, Record, default_task, fold, rules

LATER = [annotation(f"n{number}", "later", "a", 5 * 3600) for number in range(3)]
SENT = [*campaign(items=60), *messages([*LATER, erasure("n3", 10**6)])]


@pytest.fixture(scope="module")
def store() -> Store:
    """A store with rows in every table, some of its memory thrown away on the way."""
    return fold(SENT, chunk=100, capacity=50, restarts=True)


@pytest.fixture(scope="module")
def refold(store: Store) -> Refold:
    """The same log folded anew, in the order that the journal tells."""
    return folded_by(store)


def folded_by(store: Store) -> Refold:
    refold = Refold(store, 0, rules())
    for transaction in journal(store, 0):
        assert isinstance(transaction, Span)
        topic, first, last = transaction
        assert topic == TOPIC
        refold.process(topic, [Record(offset, SENT[offset]) for offset in range(first, last + 1)])
    return refold


def differences(store: Store, refold: Refold) -> list[tuple[str, tuple[object, ...]]]:
    report = Report()
    refold.compare(report, store, 0)
    return [(difference.table, difference.key) for difference in report.differences]


def statistical(store: Store) -> list[tuple[str, tuple[object, ...]]]:
    report = Report()
    verify_statistics(report, store, 0, default_task)
    return [(difference.table, difference.key) for difference in report.differences]


@contextmanager
def tampered(store: Store, statement: str, values: tuple[object, ...] = ()) -> Iterator[int]:
    """The store with a row changed behind its back; how many rows it was."""
    connection: sqlite3.Connection = store._connection  # type: ignore[attr-defined]
    connection.execute("BEGIN")
    try:
        yield connection.execute(statement, values).rowcount
    finally:
        connection.execute("ROLLBACK")


def where(table: Table) -> str:
    return " AND ".join(f'"{name}" IS ?' for name in table.key)


def compared() -> list[Table]:
    return [*FOLDED, HOMES]


def test_every_table_is_compared_but_four_that_tell_of_the_way() -> None:
    assert {table.name for table in TABLES} - {table.name for table in compared()} == {
        "meta", "outbox", "journal", "adoptions",
    }  # fmt: skip
    assert len(compared()) == 16
    assert len(TABLES) == 20
    assert {META, OUTBOX, JOURNAL, ADOPTIONS}.isdisjoint(compared())


def test_an_untouched_store_is_equal(store: Store, refold: Refold) -> None:
    report = Report()
    refold.compare(report, store, 0)
    assert report.differences == []
    assert report.compared.keys() == {table.name for table in compared()}
    assert all(count > 0 for count in report.compared.values()), "there is something in every table"
    assert report.compared["annotations"] > 200
    assert sum(report.compared.values()) > 500
    assert statistical(store) == []


def examples(store: Store, table: Table, column: str) -> Iterator[tuple[Row, object]]:
    """Rows to tamper with, the first and the last, and another value for the column."""
    found = list(store.scan(table, 0))
    for row in {0: found[0], 1: found[-1]}.values():
        held = row[table.names.index(column)]
        if held is None:
            yield row, 7 if table.columns[column] == "integer" else "7"
        elif isinstance(held, bytes):
            yield row, held + b" "
        else:
            yield row, held + 1 if isinstance(held, int | float) else f"{held} "


IN_ROWS = [table for table in compared() if table is not ANNOTATIONS]
COLUMNS = [(table, column) for table in IN_ROWS for column in table.values]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{table.name}.{column}" for table, column in COLUMNS])
def test_each_changed_value_is_found(store: Store, refold: Refold, table: Table, column: str) -> None:
    for row, other in examples(store, table, column):
        key = row[: len(table.key)]
        statement = f'UPDATE {table.name} SET "{column}" = ? WHERE {where(table)}'
        with tampered(store, statement, (other, *key)) as changed:
            assert changed == 1
            expected = [] if column in NOT_FOLDED.get(table, ()) else [(table.name, tuple(key))]
            assert differences(store, refold) == expected


def on_its_page(store: Store, row: Row) -> tuple[int, str]:
    """Where an annotation is kept: the page, and the place on it."""
    connection: sqlite3.Connection = store._connection  # type: ignore[attr-defined]
    ((first,),) = connection.execute("SELECT max(first) FROM annotation_pages WHERE first <= ?", (row[1],))
    return first, f"$[{row[1] - first}]"


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("[0].project", '"other"'),
        ("[0].id", '"other"'),
        ("[0].source", '"other"'),
        ("[0].time", '"2026-01-05T08:00:00.000009Z"'),
        ("[0].task", '"other"'),
        ("[0].item", '"other"'),
        ("[0].annotator", '"other"'),
        ("[0].label", '"other"'),
        ("[0].revision", "99"),
        ("[1]", "[]"),
        ("[2]", "[7,7]"),
    ],
)
def test_each_changed_part_of_an_annotation_is_found(store: Store, refold: Refold, part: str, other: str) -> None:
    delivered = [row for row in store.scan(ANNOTATIONS, 0) if row[9] is not None]
    edited = [row for row in delivered if row[10] is not None]
    for row in (edited[0], edited[-1]) if part == "[1]" else (delivered[0], delivered[-1]):
        first, place = on_its_page(store, row)
        statement = "UPDATE annotation_pages SET rows = json_set(rows, ?, json(?)) WHERE first = ?"
        with tampered(store, statement, (place + part, other, first)) as changed:
            assert changed == 1
            assert differences(store, refold) == [("annotations", tuple(row[:2]))]


def test_an_annotation_too_few_or_too_many_is_found(store: Store, refold: Refold) -> None:
    rows = list(store.scan(ANNOTATIONS, 0))
    first, place = on_its_page(store, rows[len(rows) // 2])
    statement = "UPDATE annotation_pages SET rows = json_set(rows, ?, json('null')) WHERE first = ?"
    with tampered(store, statement, (place, first)):
        assert differences(store, refold) == [("annotations", tuple(rows[len(rows) // 2][:2]))]
    first, place = on_its_page(store, rows[-1])
    statement = "UPDATE annotation_pages SET rows = json_insert(rows, '$[#]', json_extract(rows, ?)) WHERE first = ?"
    with tampered(store, statement, (place, first)):
        (found,) = differences(store, refold)
        assert found[0] == "annotations"
        assert found[1] > tuple(rows[-1][:2])


def test_what_is_not_compared_tells_of_the_way_alone() -> None:
    ignored = {f"{table.name}.{column}" for table, columns in NOT_FOLDED.items() for column in columns}
    assert ignored == {
        "alarms.version", "dead_letters.refused_at", "erasures.scanned_to", "readings.corrections", "tasks.fingerprint",
        "tasks.former", "tasks.rebuilt_to", "homes.version", "homes.next_message",
    }  # fmt: skip
    assert len(COLUMNS) - len(ignored) >= 60


@pytest.mark.parametrize("table", IN_ROWS[:-1], ids=lambda table: table.name)
def test_a_missing_row_is_found(store: Store, refold: Refold, table: Table) -> None:
    found = list(store.scan(table, 0))
    key = found[len(found) // 2][: len(table.key)]
    with tampered(store, f"DELETE FROM {table.name} WHERE {where(table)}", tuple(key)) as changed:
        assert changed == 1
        assert differences(store, refold) == [(table.name, tuple(key))]


def test_the_oldest_dead_letters_may_be_gone(store: Store, refold: Refold) -> None:
    """The store drops them after a while; one from the middle is missed."""
    with tampered(store, "DELETE FROM dead_letters WHERE number <= 2"):
        assert differences(store, refold) == []
    with tampered(store, "DELETE FROM dead_letters"):
        assert differences(store, refold) == []
    with tampered(store, "DELETE FROM dead_letters WHERE number = 3"):
        assert [name for name, _ in differences(store, refold)] == ["dead_letters"]


@pytest.mark.parametrize("table", IN_ROWS[:-1], ids=lambda table: table.name)
def test_a_row_too_many_is_found(store: Store, refold: Refold, table: Table) -> None:
    row = list(list(store.scan(table, 0))[-1])
    place = len(table.key) - 1
    row[place] = row[place] + 1 if isinstance(row[place], int) else f"{row[place]} "
    marks = ", ".join("?" for _ in row)
    with tampered(store, f"INSERT INTO {table.name} VALUES ({marks})", tuple(row)):
        assert differences(store, refold) == [(table.name, tuple(row[: len(table.key)]))]


# -- statistics from the annotations alone --------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [SCOPES, READINGS, PAIRS, CLOCKS, TASKS], ids=lambda table: table.name)
def test_each_statistic_is_recomputed(store: Store, table: Table) -> None:
    found = 0
    for column in table.values:
        if (table is TASKS and column not in {"annotators", "merged_to"}) or column in NOT_FOLDED.get(table, ()):
            continue  # how answers came and went is for the log to tell
        for row, other in examples(store, table, column):
            key = row[: len(table.key)]
            with tampered(store, f'UPDATE {table.name} SET "{column}" = ? WHERE {where(table)}', (other, *key)):
                assert statistical(store) == [(table.name, tuple(key))]
                found += 1
    assert found >= 2


@pytest.mark.parametrize("table", [SCOPES, READINGS, PAIRS, CLOCKS], ids=lambda table: table.name)
def test_a_statistic_too_few_is_found(store: Store, table: Table) -> None:
    key = next(store.scan(table, 0))[: len(table.key)]
    with tampered(store, f"DELETE FROM {table.name} WHERE {where(table)}", tuple(key)):
        assert statistical(store) == [(table.name, tuple(key))]


def test_a_task_without_its_row_is_found(store: Store) -> None:
    with tampered(store, "DELETE FROM tasks WHERE task = 'label'"):
        assert statistical(store) == [("tasks", (0, "news", "label"))]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE annotation_pages SET rows = replace(rows, ?, ?)", "UPDATE gold SET event = replace(event, ?, ?)"],
)
def test_statistics_of_other_events_are_found(store: Store, statement: str) -> None:
    """Whoever changes what was said changes what must be counted."""
    with tampered(store, statement, ('"label":"a"', '"label":"b"')) as changed:
        assert changed > 10
        assert {name for name, _ in statistical(store)} >= {"scopes"}


# -- the journal's order ----------------------------------------------------------------------------------------------------


def test_another_journal_is_another_fold(store: Store) -> None:
    """A range of the log that the journal does not tell of is missed in the counts and wherever it mattered."""
    last = max(row[1] for row in store.scan(JOURNAL, 0))  # type: ignore[type-var]
    with tampered(store, "DELETE FROM journal WHERE version = ?", (last,)):
        shorter = folded_by(store)
    found = {name for name, _ in differences(store, shorter)}
    assert {"homes", "projects"} <= found


def test_many_rows_are_recomputed_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.stored_items.STEP", 7)
    assert statistical(store) == []


# -- the log itself -----------------------------------------------------------------------------------------------------------


class Log:
    """A log as verify reads it, in memory; `begins_at` is where it was cut."""

    begins_at = 0

    def __init__(self, _settings: Settings, home: int) -> None:
        assert home == 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def begins(self, topic: str) -> int:
        assert topic == TOPIC
        return self.begins_at

    async def read(self, topic: str, first: int, last: int) -> list[Record]:
        assert topic == TOPIC
        return [Record(offset, SENT[offset]) for offset in range(first, last + 1)]


def verified(store: Store, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.setattr("streams.verify._Log", Log)
    report = Report()
    asyncio.run(verify_log(report, store, load_settings(None, {}), rules(), 0))
    return report


def test_the_log_is_folded_anew_and_compared(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    report = verified(store, monkeypatch)
    assert (report.differences, report.notes) == ([], [])
    assert len(report.compared) == 16
    with tampered(store, "UPDATE watches SET answers = answers + 1"):
        found = verified(store, monkeypatch).differences
    assert {difference.table for difference in found} == {"watches"}


def test_a_log_that_was_cut_is_said_and_not_compared(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Log, "begins_at", 7)
    report = verified(store, monkeypatch)
    assert report.notes == ["home 0: the log of events no longer holds the offsets from 0; only statistics compared"]
    assert (report.compared, report.differences) == ({}, [])


def test_a_last_record_that_was_compacted_away_ends_where_it_stood() -> None:
    """Of the records that the broker gives, those beyond it are for the next transaction."""
    log = _Log(load_settings(None, {}), 0)
    log._consumers[TOPIC] = Compacted([0, 1, 4, 5, 6, 9])
    read = lambda first, last: [record.offset for record in asyncio.run(log.read(TOPIC, first, last))]  # noqa: E731
    assert [read(0, 2), read(3, 3), read(4, 4), read(5, 7), read(8, 8), read(9, 9)] == [
        [0, 1],
        [],
        [4],
        [5, 6],
        [],
        [9],
    ]


class Consumer:
    """A consumer of a broker that is away, or of one that gives nothing."""

    left_open: ClassVar[list[object]] = []

    def __init__(self, **_: object) -> None:
        self.left_open.append(self)

    async def start(self) -> None:
        raise KafkaConnectionError("Unable to bootstrap")

    async def stop(self) -> None:
        self.left_open.remove(self)


class Silent(Consumer):
    async def start(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("consumer", "found"),
    [
        (Consumer, "expected to read the log of home 0, found KafkaConnectionError: Unable to bootstrap; check"),
        (
            Silent,
            "expected to read the log of home 0 to its end within 0.05 s, found more to read, or no answer; check",
        ),
    ],
)
def test_a_broker_that_is_away_is_said_to_be_and_nothing_stays_open(
    monkeypatch: pytest.MonkeyPatch, consumer: type[Consumer], found: str
) -> None:
    monkeypatch.setattr("streams.verify.AIOKafkaConsumer", consumer)
    store = fold(SENT[:5])
    settings = read_settings({"kafka": {"bootstrap_servers": "127.0.0.1:1"}}, {})
    site.privacy(store, settings)
    with pytest.raises(Unavailable) as error:
        asyncio.run(_verify_logs(Report(), store, settings, 0.05, [0]))
    assert str(error.value).startswith(f"Kafka at 127.0.0.1:1: {found}")
    assert str(error.value).endswith("--no-log compares the statistics with the stored annotations only")
    assert Consumer.left_open == []


class Compacted:
    """A consumer of a log with holes, which fetches up to three records at a time."""

    def __init__(self, offsets: list[int]) -> None:
        self.offsets = offsets
        self.place = -1

    def seek(self, _tp: object, offset: int) -> None:
        self.place = offset

    async def position(self, _tp: object) -> int:
        return self.place

    async def getmany(self, *, timeout_ms: int) -> dict[str, list[Record]]:
        assert timeout_ms > 0
        left = [offset for offset in self.offsets if offset >= self.place]
        assert left, "it would wait for ever"
        self.place = left[:3][-1] + 1
        return {"any": [Record(offset, b"") for offset in left[:3]]}


# -- the command --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/kappawatch.db"
    store = open_store(url)
    site.privacy(store, load_settings(None, {}))
    fold(campaign(items=60), store=store)
    store.close()
    return url


@pytest.fixture
def run(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("KAPPAWATCH_CONFIG", raising=False)
    monkeypatch.setenv("KAPPAWATCH_STORE__URL", url)

    def command(*words: str) -> SimpleNamespace:
        code = cli.main(("verify", *words))
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return command


def change(url: str, statement: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_equal_is_code_0(run: Any) -> None:
    done = run("--no-log")
    assert done.code == 0
    assert done.out.endswith("all that was compared is equal\n")
    assert "note: the log was not read; only statistics compared\n" in done.out
    assert "scopes" in done.out


def test_a_difference_is_code_1_and_shown(run: Any, url: str) -> None:
    change(
        url,
        "UPDATE scopes SET annotations = annotations + 1 WHERE dimension = 'vendor' AND value = 'acme' AND task = 'tags'",
    )
    done = run("--no-log")
    assert done.code == 1
    assert "DIFFERENT scopes 0/shapes/tags/vendor/acme" in done.out
    assert "1 rows differ" in done.out


def test_of_very_many_differences_some_are_shown_and_all_are_counted(run: Any, url: str) -> None:
    change(url, "UPDATE scopes SET items = items + 1")
    done = run("--no-log")
    count = len([line for line in done.out.splitlines() if line.startswith("DIFFERENT")])
    assert (done.code, count) == (1, 20)
    assert int(done.out.rsplit("\n", 2)[1].split()[0]) > 50


@pytest.mark.parametrize(
    ("unfinished", "found"),
    [
        ("UPDATE tasks SET rebuilt_to = 7", "a rebuild"),
        ("INSERT INTO erasures VALUES (0, 'news', 'h', 1, 1, 0)", "an erasure"),
    ],
)
def test_a_store_in_the_middle_of_work_is_refused(run: Any, url: str, unfinished: str, found: str) -> None:
    change(url, unfinished)
    done = run("--no-log")
    assert (done.code, done.out) == (2, "")
    assert f"found {found} of home 0 under way" in done.err


def test_the_configuration_is_the_stores_own(run: Any, tmp_path: Path) -> None:
    """Whoever verifies with another one asks whether the store is right, not whether it is ours."""
    config = tmp_path / "other.toml"
    config.write_text('[projects.news.tasks.label]\nlabels = ["a"]\n', encoding="utf-8")
    assert run("--no-log", "--config", str(config)).code == 0


def test_no_store_is_code_3(run: Any, url: str) -> None:
    Path(url.removeprefix("sqlite:///")).unlink()
    assert run("--no-log").code == 3


def test_a_refold_is_a_home_of_its_own(refold: Refold) -> None:
    assert isinstance(refold._home, Home)
    assert refold._home.outbox.unsent == []
