"""The reading end of the transport: what it knows of a partition's place is forgotten whenever aiokafka moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchError, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
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


def fetched(messages: Sequence[bytes]) -> FetchResult:
    """What aiokafka makes of a fetch of these messages, which its consumer has not asked for yet."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 16)
    for offset, value in enumerate(messages):
        batch.append(offset, 1_700_000_000_000 + offset, b"project", value, [("kappawatch-id", value)])
    tp = TopicPartition(*PLACE)
    records = PartitionRecords(tp, MemoryRecords(bytes(batch.build())), [], 0, None, None, True, 1)
    state = SimpleNamespace(paused=False, position=0, consumed_to=lambda _: None)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    return FetchResult(tp, assignment=assignment, partition_records=records, backoff=0)


def test_records_come_as_they_are_read(thread: _ConsumerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the worker asks of a record is on it; making another of it is what reading a topic costs most."""
    wrapped = fetched([b"one", b"two"]).getall()
    assert {type(record) for record in wrapped} == {ConsumerRecord}, "or there is nothing to spare any more"

    async def start(thread: _ConsumerThread) -> None:
        thread._consumer = SimpleNamespace(_fetcher=SimpleNamespace(_records={}))

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_start", start)
    asyncio.run(thread.on_start())
    held = thread._ensure_consumer()._fetcher._records
    held[PLACE] = fetched([b"one", b"two"])
    held[TP("annotations", 1)] = FetchError(error=OSError(), backoff=0)
    records = held[PLACE].getall()
    assert not {type(record) for record in records} & {ConsumerRecord}
    for mine, its in zip(records, wrapped, strict=True):
        for name in ("offset", "timestamp", "timestamp_type", "value"):
            assert getattr(mine, name) == getattr(its, name), name
        assert tuple(mine.headers) == its.headers
