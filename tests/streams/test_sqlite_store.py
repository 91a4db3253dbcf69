"""The SQLite store keeps the contract, in a file and in memory, and says what is wrong with a file or a disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.store import Store, sqlite
from streams.store.sqlite import SqliteStore
from tests.streams.store_contract import SharedStoreContract, StoreContract


class File:
    """A SQLite file."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.opened: list[SqliteStore] = []

    def open(self, *, read_only: bool = False) -> Store:
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


class TestInAFile(SharedStoreContract):
    pass


class TestInMemory(StoreContract):
    @pytest.fixture
    def database(self) -> Iterator[File]:
        file = File(":memory:")
        yield file
        file.close()


class TestWithShortRuns(SharedStoreContract):
    """Runs of the index that are so short that every test writes some."""

    @pytest.fixture(autouse=True)
    def short_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite, "RUN", 3)
