"""The reading end of the transport: what it knows of a partition's place is forgotten whenever aiokafka moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP

from streams.chunks import Chunk, Cursors, Following, follows
from streams.transport import _ConsumerThread

PLACE = TP("annotations", 0)


class Reader:
    """aiokafka's part: an assignment begins at the committed offset, a seek moves it."""

    def __init__(self, committed: int) -> None:
        self.committed = self.position = committed
        self._coordinator = SimpleNamespace(check_errors=lambda: None)

    def seek(self, _: TP, offset: int) -> None:
        self.position = offset

    def fetch(self) -> Mapping[TP, Sequence[Any]]:
        records = [SimpleNamespace(offset=self.position + n, value=b"x") for n in range(3)]
        self.position += 3
        return {PLACE: records}


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> _ConsumerThread:
    async def nothing(*_: object) -> None:
        """Faust tells the worker."""

    async def fetch(_: object, reader: Reader, *__: object, **___: object) -> Mapping[TP, Sequence[Any]]:
        return reader.fetch()

    for name in ("on_partitions_revoked", "on_partitions_assigned"):
        monkeypatch.setattr(driver.AIOKafkaConsumerThread, name, nothing)
    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_fetch_records", fetch)
    made = _ConsumerThread.__new__(_ConsumerThread)
    made.consumer = SimpleNamespace(cursors=Cursors())
    return made


def test_a_seek_between_two_assignments_is_not_where_the_second_is_read_on(thread: _ConsumerThread) -> None:
    """A seek for an assignment may come when the next one is being made, which begins at the committed offset."""

    async def rebalance() -> list[Chunk]:
        reader = Reader(committed=5)
        await thread.on_partitions_revoked({PLACE})
        await thread._seek_wait(reader, {PLACE: 9})
        reader.position = reader.committed
        await thread.on_partitions_assigned({PLACE}, 7)
        found = await thread._fetch_records(reader, {PLACE})
        await thread._seek_wait(reader, {PLACE: 9})
        return [*found[PLACE], *(await thread._fetch_records(reader, {PLACE}))[PLACE]]

    early, late = asyncio.run(rebalance())
    assert follows(early, 8) is Following.ON, "its records lie below the position: the log was not made anew"
    assert follows(late, 8) is Following.ON
    assert early.reads != late.reads, "the worker drops what was fetched before its seek"
    assert late.records[0].offset == 9


def test_an_offset_below_the_one_that_was_sought_means_another_log(thread: _ConsumerThread) -> None:
    async def read() -> list[Chunk]:
        reader = Reader(committed=0)
        await thread.on_partitions_assigned({PLACE}, 1)
        await thread._seek_wait(reader, {PLACE: 9})
        reader.position = 2
        return [*(await thread._fetch_records(reader, {PLACE}))[PLACE]]

    [chunk] = asyncio.run(read())
    assert follows(chunk, 8) is Following.BACK
