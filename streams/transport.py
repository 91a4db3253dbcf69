"""Faust's transport, changed in one respect: a stream event is a fetched chunk of one partition, not one message.

Per message Faust costs twenty times what decoding does. The position is held by the store, so records that Faust
loses between a rebalance and the agent are simply read again: after every assignment the partitions are sought to the
store's position + 1, and the agent asks for a rewind when a chunk does not continue it.

The classes below override internals of one version of Faust, which is checked when this module is imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, NamedTuple, Protocol

import faust
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

FAUST_VERSION: Final = "0.15.3"
MOST_RECORDS: Final = 1000
MOST_BYTES: Final = 1 << 20

if version("faust-streaming") != FAUST_VERSION:
    raise ImportError(
        f"expected faust-streaming {FAUST_VERSION}, found {version('faust-streaming')}: the chunk transport overrides "
        "internals of that version; install the versions of the lock"
    )


class Chunk(NamedTuple):
    """Records of one partition in order; `reads` says how often it had been rewound when they were fetched."""

    topic: str
    partition: int
    reads: int
    records: Sequence[Any]


class Positions(Protocol):
    """Who holds the positions."""

    async def assigned(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """These partitions were assigned: forget what memory holds of all homes; answer where to read on."""
        ...

    async def revoked(self, partitions: Iterable[TP]) -> None:
        """These partitions were taken away."""
        ...


class ChunkSchema(faust.Schema):  # type: ignore[misc]
    """Hands the chunk to the agent as it is."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """A chunk has no key."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """The chunk itself."""
        return message.value


class _ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Round robin would split a home's topics between workers; aborted transactions are not events.
        consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        consumer._isolation_level = "read_committed"
        return consumer

    async def _fetch_records(self, consumer: Any, *args: Any, **options: Any) -> Any:
        # Faust does not ask: without this, a worker whose group coordinator died is idle for ever, silently.
        consumer._coordinator.check_errors()
        return await super()._fetch_records(consumer, *args, **options)


class ChunkConsumer(driver.Consumer):  # type: ignore[misc]
    """The consumer that yields chunks."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.reads: dict[TP, int] = defaultdict(int)
        super().__init__(*args, **options)

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Also tell the holder of the positions."""
        for tp in revoked:
            self.reads[tp] += 1
        await self.transport.positions.revoked(revoked)
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        """After every assignment: read on where the store's positions end."""
        await super().perform_seek()
        assigned = {tp for tp in self.assignment() if tp.topic in self.transport.topics}
        for tp in assigned:
            self.reads[tp] += 1
        await self.rewind(await self.transport.positions.assigned(assigned))

    async def rewind(self, offsets: Mapping[TP, int]) -> None:
        """Read these partitions again from these offsets; chunks fetched before are known by their `reads`."""
        for tp in offsets:
            self.reads[tp] += 1
        if offsets:
            await self.seek_wait(offsets)
        # Faust drops what lies below the last offset it has handed on.
        self._read_offset.update(dict.fromkeys(offsets))

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """The next chunks of all active partitions."""
        reads = dict(self.reads)
        records, active = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        for tp, fetched in records.items():
            if active is not None and tp not in active:
                continue
            for chunk in _chunks(fetched):
                last = chunk[-1]
                yield (
                    tp,
                    ConsumerMessage(
                        last.topic,
                        last.partition,
                        last.offset,
                        last.timestamp / 1000.0,
                        last.timestamp_type,
                        last.headers,
                        None,
                        Chunk(tp.topic, tp.partition, reads.get(tp, 0), chunk),
                        None,
                        0,
                        len(chunk),
                        tp,
                        generation_id=self.app.consumer_generation_id,
                    ),
                )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets between chunks are not gaps: only whole chunks are acknowledged."""

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: it feeds lag displays, nothing else reads it."""
        acked = self._acked[tp]
        if not acked:
            return None
        last: int = acked[-1]
        acked.clear()
        self._acked_index[tp].clear()
        return last + 1


class ChunkTransport(driver.Transport):  # type: ignore[misc]
    """The transport of the worker's Faust app."""

    Consumer = ChunkConsumer
    positions: Positions
    topics: frozenset[str] = frozenset()


def _chunks(records: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Runs of at most 1,000 records and, unless one record is larger, 1 MiB."""
    start = size = 0
    for place, record in enumerate(records):
        length = len(record.value or b"")
        if place > start and (place - start == MOST_RECORDS or size + length > MOST_BYTES):
            yield records[start:place]
            start, size = place, 0
        size += length
    if start < len(records):
        yield records[start:]


def create_app(
    options: Mapping[str, Any],
    topics: Sequence[str],
    positions: Positions,
    process: Callable[[Chunk], Awaitable[None]],
) -> Any:
    """The Faust app: one agent that hands each chunk on and, when it is dealt with, acknowledges it."""
    app = faust.App(
        **options,
        version=1,
        autodiscover=False,
        broker_max_poll_interval=300.0,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=2 << 20,
        broker_max_poll_records=20_000,
        stream_buffer_maxsize=8,
        # A chunk in flight may outlive its assignment: the compare-and-set refuses it, so nothing waits for it.
        stream_wait_empty=False,
        stream_processing_timeout=86_400.0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    transport = ChunkTransport(app.conf.broker_consumer, app)
    transport.positions = positions
    transport.topics = frozenset(topics)
    app.transport = transport

    @app.agent(app.topic(*topics, schema=ChunkSchema()), concurrency=1)  # type: ignore[untyped-decorator]
    async def watch(stream: Any) -> None:
        async for chunk in stream:
            await process(chunk)

    return app
