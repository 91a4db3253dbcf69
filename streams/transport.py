"""Faust's transport, changed in one respect: a stream event is a fetched chunk of one partition, not one message.

Per message Faust costs twenty times what decoding does. The position is held by the store, so records that Faust
loses between a rebalance and the agent are simply read again: after every assignment the partitions are sought to the
store's position + 1, and again when a chunk does not continue it (`streams.chunks`).

The classes below override internals of one version of Faust and of aiokafka, which are checked when this module is imported.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, Protocol, cast

import faust
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from streams.chunks import Chunk, Cursors

VERSIONS: Final = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}
DAYS: Final = 30 * 86_400.0
FETCH_MILLISECONDS: Final = 500
"""How long the broker holds a fetch back that has nothing to answer; aiokafka's own default."""
COMMIT_SECONDS: Final = 2.0
"""A worker that stops while the broker is away would wait for its last commit as long as the broker is away."""

for _package, _expected in VERSIONS.items():
    if version(_package) != _expected:
        raise ImportError(
            f"expected {_package} {_expected}, found {version(_package)}: the chunk transport overrides internals of that "
            "version; install the versions of the lock"
        )


class Keeper(Protocol):
    """Who keeps the positions."""

    @property
    def covered(self) -> Mapping[TP, int]:
        """The first offset of each partition that the store does not cover yet."""
        ...

    async def assigned(self, partitions: Collection[TP]) -> None:
        """These partitions, all of them, are ours now: forget what memory holds, and read on from the store's positions."""
        ...

    async def revoked(self, partitions: Collection[TP]) -> None:
        """These partitions were taken away: forget what memory holds of them."""
        ...


class ChunkSchema(faust.Schema):  # type: ignore[type-arg]
    """Hands the chunk to the agent as it is."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """A chunk has no key."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """The chunk itself."""
        return message.value


class _Fetched(OrderedDict[Any, Any]):
    """What aiokafka holds until it is asked for, by partition: records as they are read off the wire.

    To make each into another that also names its topic would take longer than to read it.
    """

    def __setitem__(self, tp: Any, fetched: Any) -> None:
        if isinstance(fetched, FetchResult):
            fetched._partition_records._consumer_record = _as_read
        super().__setitem__(tp, fetched)


def _as_read(_: object, record: Any) -> Any:
    return record


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    consumer: ChunkConsumer

    async def on_start(self) -> None:
        """Begin to read; nothing is fetched before there is an assignment."""
        await super().on_start()
        self._ensure_consumer()._fetcher._records = _Fetched()

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Round robin would split a home's topics between workers; aborted transactions are not events.
        consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        consumer._isolation_level = "read_committed"
        # What is asked of the broker waits behind the fetch: with Faust's 1.5 s every rebalance would take seconds.
        consumer._fetch_max_wait_ms = FETCH_MILLISECONDS
        return consumer

    async def _fetch_records(  # type: ignore[override]
        self, consumer: Any, active: Collection[TP], **options: Any
    ) -> Mapping[TP, list[Chunk]]:
        # Faust does not ask: without this, a worker whose group coordinator died is idle for ever, silently.
        consumer._coordinator.check_errors()
        # Faust's set changes while the fetch waits, and an empty one would mean all partitions.
        partitions = set(active)
        fetched = await super()._fetch_records(consumer, partitions, **options) if partitions else {}
        cut = self.consumer.cursors.cut
        return {TP(*tp): cut(TP(*tp), records) for tp, records in fetched.items()}

    async def _seek_wait(self, consumer: Any, partitions: Mapping[TP, int]) -> None:
        for tp, offset in partitions.items():
            try:
                consumer.seek(tp, offset)
            except IllegalStateError:
                continue  # revoked meanwhile
            self.consumer.cursors.seek(tp, offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Where these are read on after another assignment is not known."""
        self.consumer.cursors.forget(revoked)
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """These are read on from their committed offsets, whatever was sought since they were revoked."""
        self.consumer.cursors.forget(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Only lag displays read the committed offset; failing to write it must not end the worker, as it does in Faust."""
        consumer = self._ensure_consumer()
        held = {tp: offset for tp in consumer.assignment() if (offset := offsets.get(TP(*tp))) is not None}
        try:
            await asyncio.wait_for(consumer.commit(held), COMMIT_SECONDS)
        except (KafkaError, TimeoutError) as error:
            self.log.debug("offsets not committed: %s", error)
            return False
        return True

    async def on_thread_stop(self) -> None:
        """Stop reading; aiokafka lets the cancellation of a fetch out, and would end the thread in disorder."""
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            await self._ensure_consumer()._client.close()

    async def partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions these topics have now."""
        client = self._ensure_consumer()._client
        if not await client.force_metadata_update():
            raise KafkaError("the broker did not answer")
        return {topic: len(client.cluster.partitions_for_topic(topic) or ()) for topic in topics}

    def on_crash(self, msg: str, *fmt: Any, **_: Any) -> None:
        """Whoever started the thread is told, and logs it; Faust also prints it."""


class _NoOffsets(dict[TP, None]):
    """Faust drops what lies below the last offset it has handed on; the store's position alone decides that."""

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: object) -> None:
        pass


class ChunkConsumer(driver.Consumer):
    """The consumer that yields chunks."""

    transport: ChunkTransport
    _thread: _ConsumerThread

    def __init__(self, *args: Any, **options: Any) -> None:
        self.cursors = Cursors()
        super().__init__(*args, **options)
        self._read_offset: Any = _NoOffsets()

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Also tell the keeper of the positions."""
        await self.transport.keeper.revoked(revoked)
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        """After every assignment: read on where the store's positions end, not where the committed offsets are."""
        await self.transport.keeper.assigned(self.assignment())

    async def partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions these topics have now, as the broker says."""
        counts: dict[str, int] = await self._thread.call_thread(self._thread.partition_counts, topics)
        return counts

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """The next chunks of all active partitions."""
        fetched, _ = await self._wait_next_records(timeout)
        for tp, chunks in (fetched or {}).items():
            for chunk in chunks:
                if self.should_stop or not self.flow_active:
                    return
                yield tp, self._message(tp, chunk)

    def _message(self, tp: TP, chunk: Chunk) -> ConsumerMessage:
        last = chunk.records[-1]
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1000.0,
            timestamp_type=last.timestamp_type,
            headers=None,
            key=None,
            value=cast("Any", chunk),
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=len(chunk.records),
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets between chunks are not gaps: only whole chunks are acknowledged."""

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: what the store covers, whatever else was acknowledged."""
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self.transport.keeper.covered.get(tp)


class ChunkTransport(driver.Transport):
    """The transport of the worker's Faust app."""

    Consumer = ChunkConsumer
    keeper: Keeper


class _App(faust.App):
    """An app that writes nothing to the disk: it has no tables."""

    def _create_directories(self) -> None:
        """None, for the working directory is not ours."""


def create_app(
    options: Mapping[str, Any], topics: Sequence[str], keeper: Keeper, process: Callable[[Chunk], Awaitable[None]]
) -> Any:
    """The Faust app: one agent that hands each chunk on and, when it is dealt with, acknowledges it."""
    app = _App(
        **options,
        version=1,
        autodiscover=False,
        # A worker waits for its database as long as it takes; Faust would leave the group, and not come back.
        broker_max_poll_interval=DAYS,
        broker_commit_livelock_soft_timeout=DAYS,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 << 20,
        consumer_metadata_max_age_ms=60_000,  # how soon a changed partition count is noticed
        broker_max_poll_records=100_000,
        stream_buffer_maxsize=8,
        # A chunk in flight may outlive its assignment: the compare-and-set refuses it, so nothing waits for it.
        stream_wait_empty=False,
        stream_processing_timeout=DAYS,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    transport = ChunkTransport(app.conf.broker_consumer, app)
    transport.keeper = keeper
    app.transport = transport

    @app.agent(app.topic(*topics, schema=ChunkSchema()), concurrency=1)
    async def watch(stream: Any) -> None:
        async for chunk in stream:
            await process(chunk)

    return app
