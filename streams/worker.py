"""The worker: Faust brings chunks, homes take them in, the outbox is published, and only then is a chunk acknowledged.

All work on the state happens in one thread of its own, one step at a time; the event loop never waits for a database.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faust.types.tuples import TP

from streams import site
from streams.delivery import publish, settled
from streams.errors import Refused, Unavailable
from streams.events import microseconds
from streams.homes import Home, Message, Outcome, Rules
from streams.http import serve
from streams.kafka import faust_options, partition_for, producer_options
from streams.logs import configure
from streams.metrics import WorkerMetrics
from streams.parsing import Parser
from streams.readings import Readings
from streams.settings import Settings, add_config_argument, load_settings
from streams.store import Conflict, Store, StoreFailed, open_store
from streams.topics import Cluster
from streams.transport import Chunk, create_app

log = logging.getLogger(__name__)

T = TypeVar("T")

SNAPSHOT_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 2.0
LONGEST_PAUSE: Final = 30.0
IDLE_SECONDS: Final = 120.0
"""A worker that has lag and has made no step for so long, while broker and store answer, ends itself to be restarted."""


class Worker:
    """One worker process: the homes that Kafka assigns to it, and what it says of them."""

    def __init__(self, settings: Settings, *, adopt: bool = False) -> None:
        self.settings = settings
        self.metrics = _metrics(settings)
        self.address = ""
        self._adopt = adopt
        self._store: Store | None = None
        self._rules: Rules | None = None
        self._state = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._lock = asyncio.Lock()
        self._homes: dict[int, Home] = {}
        self._readings: dict[int, Readings] = {}
        self._rereads: dict[TP, int] = {}
        self._unready: dict[str, str] = {"assignment": "no partitions assigned yet"}
        self._stopped = asyncio.Event()
        self._fatal: Exception | None = None
        self._progress = time.monotonic()
        self._seen: tuple[object, ...] = ()
        self._app: Any = None
        self._producer: Any = None

    # -- running --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until `stop`; raises what ended it if that was not `stop`."""
        http = await serve(self.settings.http, self.metrics, self.not_ready)
        self.address = http.address
        log.info("listening on http://%s (/metrics, /healthz, /readyz)", http.address)
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._begin()
            tasks = [asyncio.create_task(self._watch(look)) for look in (self._snapshot, self._look)]
            await self._stopped.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end()
            await http.close()
        if self._fatal is not None:
            raise self._fatal

    def stop(self, error: Exception | None = None) -> None:
        """End; with an error, `run` raises it."""
        self._fatal = self._fatal or error
        self._stopped.set()

    async def _begin(self) -> None:
        await self._retry("store", self._open_store)
        counts = await self._retry("broker", self._partition_counts)
        partitions = await self._retry("store", lambda: self._in_state(site.check_partitions, self._opened(), counts))
        self._rules = await self._retry("store", lambda: self._in_state(self._make_rules, partitions))
        self._producer = await self._retry("broker", self._start_producer)
        self._app = create_app(faust_options(self.settings), self.settings.kafka.topics, self, self.process)
        await self._app.start()

    async def _end(self) -> None:
        if self._app is not None:
            await self._app.stop()
        if self._producer is not None:
            await self._producer.stop()
        if self._store is not None:
            await self._in_state(self._store.close)
        self._state.shutdown(wait=False, cancel_futures=True)

    async def _open_store(self) -> None:
        def work() -> Store:
            store = open_store(self.settings.store.url)
            try:
                site.check_configuration(store, self.settings, adopt=self._adopt)
            except BaseException:
                store.close()
                raise
            return store

        if self._store is None:
            self._store = await self._in_state(work)

    def _opened(self) -> Store:
        if self._store is None:
            raise StoreFailed("the store is not open")
        return self._store

    def _make_rules(self, partitions: int) -> Rules:
        kafka = self.settings.kafka
        days = kafka.dead_letters_retention_days
        return Rules(
            configure=self.settings.task_config,
            privacy=site.privacy(self._opened(), self.settings),
            home_of=partial(partition_for, count=partitions),
            parsers={topic: Parser(self.settings.accepts(topic)) for topic in kafka.topics},
            alerts_topic=kafka.alerts_topic,
            dead_letters_topic=kafka.dead_letters_topic,
            capacity=self.settings.memory.items,
            letters_kept_seconds=days * 86_400.0 if days >= 0 else math.inf,
        )

    async def _partition_counts(self) -> dict[str, int]:
        """The consumed topics' partition counts; a topic that is missing is refused, for we never create one."""
        kafka = self.settings.kafka
        found = await asyncio.to_thread(lambda: Cluster(self.settings, 10.0).partitions())
        missing = [topic for topic in (*kafka.topics, kafka.alerts_topic, kafka.dead_letters_topic) if topic not in found]
        if missing:
            raise Refused(
                f"expected the topics {', '.join(missing)} on {kafka.bootstrap_servers}, found none of that name: "
                "create them with `kappawatch topics create`"
            )
        return {topic: found[topic] for topic in kafka.topics}

    async def _start_producer(self) -> Any:
        producer = AIOKafkaProducer(**producer_options(self.settings))
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _in_state(self, work: Callable[..., T], *args: Any) -> T:
        """Do it in the state's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._state, partial(work, *args))

    async def _retry(self, what: str, work: Callable[[], Any]) -> Any:
        """Try for ever, with longer and longer pauses, while the environment is away."""
        pause = 0.2
        while not self._stopped.is_set():
            try:
                result = await work()
            except (StoreFailed, KafkaError, Unavailable, OSError) as error:
                self._away(what, error)
                await self._pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._back(what)
                return result
        raise asyncio.CancelledError

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return

    def _away(self, what: str, error: Exception) -> None:
        if what == "store":
            self.metrics.add("kappawatch_store_errors_total")
        message = f"{what} away: {error}" if str(error) else f"{what} away: {type(error).__name__}"
        log.warning("%s; trying again", message)
        self._unready[what] = message

    def _back(self, what: str) -> None:
        if self._unready.pop(what, None) is not None:
            log.info("%s: back", what)

    def not_ready(self) -> Sequence[str]:
        """Why the worker is not ready; empty if it is."""
        return [*self._unready.values()]

    # -- positions ------------------------------------------------------------------------------------------------

    async def assigned(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """These partitions are ours: load their homes anew, and answer where to read on."""
        tps = list(partitions)
        async with self._lock:
            self._discard_all()
            self._rereads.clear()
            try:
                positions = await self._in_state(self._positions, tps)
                self._back("store")
            except StoreFailed as error:
                # The chunks that come will not continue the position, and be read again then.
                self._away("store", error)
                self._reopen()
                return {}
            except Refused as error:
                self.stop(error)
                return {}
        await self._check_bounds(tps, positions)
        self._unready.pop("assignment", None)
        log.info("assigned %d partitions", len(tps))
        return {tp: position + 1 for tp, position in positions.items()}

    def _positions(self, tps: Sequence[TP]) -> dict[TP, int]:
        return {tp: self._home(tp.partition).position(tp.topic) for tp in tps}

    async def revoked(self, partitions: Iterable[TP]) -> None:
        """These partitions are no longer ours: forget their homes."""
        async with self._lock:
            for number in {tp.partition for tp in partitions}:
                self._discard(number)

    async def _check_bounds(self, tps: Sequence[TP], positions: Mapping[TP, int]) -> None:
        """A position outside the log stops the worker: reading on would lose events, or count others twice."""
        consumer = self._app.consumer
        try:
            first = await consumer.earliest_offsets(*tps)
            ends = await consumer.highwaters(*tps)
        except KafkaError as error:
            log.warning("the log's bounds are not known yet: %s", type(error).__name__)
            return
        for tp in tps:
            try:
                _check_bounds(tp, positions[tp], first[tp], ends[tp])
            except Refused as error:
                self.stop(error)

    def _home(self, number: int) -> Home:
        """The home, loaded if it is not; unfinished erasures and rebuilds are finished first."""
        home = self._homes.get(number)
        if home is None:
            if self._rules is None:
                raise StoreFailed("the store is not open")
            home = Home(number, self._opened(), self._rules)
            if home.pending_work():
                self._unready["rebuild"] = f"home {number} is being rebuilt"
                try:
                    home.finish_work(lambda what, row: log.info("%s, up to row %d", what, row))
                finally:
                    self._unready.pop("rebuild", None)
            self._homes[number] = home
            self._readings[number] = Readings(home)
        return home

    def _discard(self, number: int) -> None:
        if self._homes.pop(number, None) is not None and self._store is not None:
            self._store.close_home(number)
        self._readings.pop(number, None)
        self.metrics.homes.pop(number, None)

    def _discard_all(self) -> None:
        for number in list(self._homes):
            self._discard(number)

    def _reopen(self) -> None:
        """After a failure: a fresh connection with the next use."""
        self._discard_all()
        store, self._store = self._store, None
        if store is not None:
            self._state.submit(store.close)

    # -- chunks ---------------------------------------------------------------------------------------------------

    async def process(self, chunk: Chunk) -> None:
        """Deal with one chunk; raises nothing, for an exception out of an agent would lose it."""
        tp = TP(chunk.topic, chunk.partition)
        pause = 0.2
        while not self._stopped.is_set() and chunk.reads == self._app.consumer.reads[tp]:
            try:
                await self._open_store()
                async with self._lock:
                    if chunk.reads != self._app.consumer.reads[tp]:
                        return
                    done = await self._take_in(tp, chunk)
                if not done:
                    return
                self._back("store")
                await self._deliver(chunk.partition)
                self._progress = time.monotonic()
                return
            except Conflict as error:
                log.info("%s; loading it again", error)
                self.metrics.add("kappawatch_conflicts_total")
                self.metrics.add("kappawatch_rereads_total", ("conflict",))
                self._discard(chunk.partition)
                await self._rewind(chunk.partition)
                return
            except StoreFailed as error:
                self._away("store", error)
                self._reopen()
                await self._pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Refused as error:
                self.stop(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the chunk must not be acknowledged
                log.error("a chunk could not be dealt with", exc_info=error)
                self._discard(chunk.partition)
                self.stop(error)
        if self._stopped.is_set():
            # Not acknowledged: the agent waits here until it is cancelled.
            await asyncio.Event().wait()

    async def _take_in(self, tp: TP, chunk: Chunk) -> bool:
        home = await self._in_state(self._home, tp.partition)
        position = home.position(tp.topic)
        first = chunk.records[0].offset
        if 0 <= position < first - 1 and not await self._gap_is_real(tp, position, first):
            return False
        self._rereads.pop(tp, None)
        await self._in_state(self._transact, home, tp.topic, chunk.records)
        return True

    async def _gap_is_real(self, tp: TP, position: int, first: int) -> bool:
        """The first time the partition is read again; a gap that stays was made by the broker, or by a cut."""
        if self._rereads.get(tp) != position:
            self._rereads[tp] = position
            self.metrics.add("kappawatch_rereads_total", ("gap",))
            log.info("a chunk begins at %d, expected %d; reading again", first, position + 1, extra={"topic": tp.topic, "partition": tp.partition})
            await self._app.consumer.rewind({tp: position + 1})
            return False
        begins = (await self._app.consumer.earliest_offsets(tp))[tp]
        _check_bounds(tp, position, begins, first)
        log.warning(
            "offsets %d to %d are gone from the log (compaction or transaction markers); going on",
            position + 1,
            first - 1,
            extra={"topic": tp.topic, "partition": tp.partition},
        )
        return True

    def _transact(self, home: Home, topic: str, records: Sequence[Any]) -> None:
        began = time.perf_counter()
        for outcome in home.process(topic, records):
            self.metrics.commits.observe(time.perf_counter() - began)
            self._note(home.number, outcome)
            began = time.perf_counter()

    def _note(self, home: int, outcome: Outcome) -> None:
        self._readings[home].note(outcome.changes)
        now = time.time()
        delays = self.metrics.delays
        for event in outcome.events:
            self.metrics.delay(event.project, now - microseconds(event.time) / 1e6)
        for project in outcome.changes.counts:
            self.metrics.set("kappawatch_last_event_timestamp_seconds", now, (project,))
        self.metrics.set("kappawatch_heartbeat_timestamp_seconds", now, ("commit",))
        del delays

    async def _rewind(self, number: int) -> None:
        """Read all topics of a home again from the store's positions."""
        tps = [tp for tp in self._app.consumer.assignment() if tp.partition == number]
        async with self._lock:
            positions = await self._retry("store", lambda: self._in_state(self._positions, tps))
        await self._app.consumer.rewind({tp: position + 1 for tp, position in positions.items()})

    # -- messages -------------------------------------------------------------------------------------------------

    async def _deliver(self, number: int) -> None:
        """Publish the home's outbox; tries until the broker has taken it all, or the home is no longer held."""
        pause = 0.2
        while (home := self._homes.get(number)) is not None and home.unsent and not self._stopped.is_set():
            failed: set[int] = set()

            def refuse(message: Message, error: Exception, failed: set[int] = failed) -> None:
                failed.add(message.number)
                self.metrics.add("kappawatch_outbox_failed_total", (message.topic,))
                log.error("the broker refuses message %s for %s: %s", message.id, message.topic, type(error).__name__)

            async with self._lock:
                waiting = list(home.unsent)
                dealt = await publish(self._producer, waiting, refuse)
                await self._in_state(self._opened().amend, settled(number, dealt, failed))
                del home.unsent[: len(dealt)]
            if len(dealt) == len(waiting):
                self._back("broker")
                return
            self._unready["broker"] = "broker away: messages wait in the outbox"
            await self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    # -- looking after it -------------------------------------------------------------------------------------------

    async def _watch(self, look: Callable[[], Any]) -> None:
        while True:
            try:
                await look()
            except (KafkaError, StoreFailed, OSError) as error:
                log.debug("%s: %s", look.__name__, type(error).__name__)
            await asyncio.sleep(SNAPSHOT_SECONDS if look == self._snapshot else LOOK_SECONDS)

    async def _snapshot(self) -> None:
        """Take each home's readings, between commits, and send what an earlier owner left in the outbox."""
        for number in list(self._homes):
            async with self._lock:
                readings = self._readings.get(number)
                if readings is not None:
                    self.metrics.homes[number] = await self._in_state(readings.take)
            await self._deliver(number)
        self.metrics.set("kappawatch_outbox_pending", sum(len(home.unsent) for home in list(self._homes.values())))
        self.metrics.set("kappawatch_ready", float(not self._unready))
        self.metrics.set("kappawatch_heartbeat_timestamp_seconds", time.time(), ("snapshot",))

    async def _look(self) -> None:
        """Learn the lag, and whether it grows without progress."""
        consumer = self._app.consumer
        tps = [tp for tp in consumer.assignment() if tp.topic in self.settings.kafka.topics]
        places: list[tuple[str, str]] = []
        lag = 0
        try:
            ends = await asyncio.wait_for(consumer.highwaters(*tps), 10.0) if tps else {}
        except (KafkaError, TimeoutError) as error:
            self._away("broker", error)
            return
        self._back("broker")
        for tp, end in ends.items():
            position = await consumer.position(tp) or 0
            place = (tp.topic, str(tp.partition))
            places.append(place)
            self.metrics.set("kappawatch_partition_end_offset", float(end), place)
            self.metrics.set("kappawatch_partition_position", float(position), place)
            lag += max(0, end - position)
        for name in ("kappawatch_partition_end_offset", "kappawatch_partition_position"):
            self.metrics.drop(name, places)
        self.metrics.set("kappawatch_heartbeat_timestamp_seconds", time.time(), ("consumer",))
        self._judge_progress(lag, (tuple(sorted(ends)), self._progress))

    def _judge_progress(self, lag: int, seen: tuple[object, ...]) -> None:
        if not lag or seen != self._seen:
            self._seen = seen
            self._still_since = time.monotonic()
            self._unready.pop("lag", None)
            return
        still = time.monotonic() - self._still_since
        if still > IDLE_SECONDS / 4:
            self._unready["lag"] = f"a lag of {lag} messages and no progress for {still:.0f} s"
        if still > IDLE_SECONDS and not {"store", "broker"} & self._unready.keys():
            self.stop(Unavailable(f"{self._unready['lag']}, though broker and store answer: ending, to be restarted"))


def _metrics(settings: Settings) -> WorkerMetrics:
    """The worker's metrics with every counter begun at 0: `increase` does not see a counter's first value."""
    metrics = WorkerMetrics()
    for reason in ("conflict", "gap"):
        metrics.add("kappawatch_rereads_total", (reason,), 0)
    kafka = settings.kafka
    for topic in (kafka.alerts_topic, kafka.dead_letters_topic, *kafka.topics):
        metrics.add("kappawatch_outbox_failed_total", (topic,), 0)
    return metrics


def _check_bounds(tp: TP, position: int, begins: int, end: int) -> None:
    where = f"topic {tp.topic}, partition {tp.partition}"
    if 0 <= position < begins - 1:
        raise Refused(
            f"{where}: the store covers offsets up to {position}, but the log now begins at {begins}: "
            f"{begins - position - 1} messages were deleted before they were read. Restore them, or begin a new store; "
            "and let the topic keep its messages longer (retention). Nothing was changed"
        )
    if position + 1 > end:
        raise Refused(
            f"{where}: the store covers offsets up to {position}, but the log ends at {end}: it is not the log that this "
            "store was built from. Point the store at its own log, or begin a new store. Nothing was changed"
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kappawatch worker`."""
    add_config_argument(parser)
    parser.add_argument(
        "--adopt", action="store_true", help="take over this [projects] configuration and rebuild the changed tasks"
    )


def run(args: argparse.Namespace) -> int:
    """Run `kappawatch worker` until SIGINT or SIGTERM."""
    settings = load_settings(args.config, os.environ)
    configure(settings.log.level, settings.log.format)
    return asyncio.run(_run(settings, adopt=args.adopt))


async def _run(settings: Settings, *, adopt: bool) -> int:
    worker = Worker(settings, adopt=adopt)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    task = asyncio.ensure_future(worker.run())
    stopped = asyncio.ensure_future(worker._stopped.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    try:
        await asyncio.wait_for(task, 30.0)
    except asyncio.CancelledError:
        return 0
    return 0
