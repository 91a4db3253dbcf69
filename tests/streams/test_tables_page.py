"""docs/tables.md lists every table and column and none that there is not, and its examples answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from streams.store import open_store
from streams.store.sqlite import LARGEST_VACUUM
from streams.store.tables import TABLES, VIEWS
from tests.streams.store_homes import campaign, fold_in_cuts
from tests.streams.tables_page import PAGE, examples, tables, views

pytestmark = pytest.mark.docs


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("tables") / "kappawatch.db"
    store = open_store(f"sqlite:///{path}")
    fold_in_cuts(campaign(0, 2000), store, Random(0), capacity=10**6, longest=500)
    store.close()
    connection = sqlite3.connect(f"file:{Path(path)}?mode=ro", uri=True)
    yield connection
    connection.close()


def test_every_table_and_column_is_listed_in_order_with_its_type_and_key():
    listed = tables()
    assert set(listed) == {table.name for table in TABLES}
    for table in TABLES:
        expected = [(name, kind, name in table.key) for name, kind in table.columns.items()]
        assert listed[table.name] == expected, table.name


def test_every_view_and_column_is_listed(database: sqlite3.Connection):
    listed = views()
    assert set(listed) == set(VIEWS)
    for name, columns in listed.items():
        assert [column[0] for column in database.execute(f"SELECT * FROM {name}").description] == columns, name


def test_the_page_knows_all_tables_of_the_database(database: sqlite3.Connection):
    there = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    assert there - set(tables()) - set(views()) == {"annotation_pages", "annotation_runs"}
    assert "`annotation_pages`" in PAGE
    assert "`annotation_runs`" in PAGE


def test_the_number_of_examples():
    assert {name: len(examples(name)) for name in ("sql", "sqlite", "postgresql")} == {
        "sql": 16,
        "sqlite": 2,
        "postgresql": 5,
    }


@pytest.mark.parametrize("statement", [*examples("sql"), *examples("sqlite")])
def test_an_example_answers(database: sqlite3.Connection, statement: str):
    assert database.execute(statement).fetchall()


def test_the_example_of_conservation_finds_no_difference(database: sqlite3.Connection):
    (statement,) = [example for example in examples("sql") if "AS difference" in example]
    ((received, difference),) = database.execute(statement)
    assert received > 2000
    assert difference == 0


def test_the_size_that_is_rewritten_is_the_one_of_the_code():
    assert f"up to {LARGEST_VACUUM >> 20} MiB" in PAGE
