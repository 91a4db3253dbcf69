"""The worker: Faust brings chunks, homes take them in, the outbox is published, and only then is a chunk acknowledged.

All work on the state happens in one thread of its own, one step after the other (`streams.owner`); the event loop never
waits for a database. What the environment refuses is tried again, for ever; meanwhile the worker is not ready and says
why.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

from aiokafka.errors import IllegalStateError, KafkaError
from faust.types.tuples import TP

from streams import site
from streams.chunks import Chunk, Following
from streams.delivery import Delivery
from streams.errors import Refused, Unavailable
from streams.homes import Rules
from streams.http import serve
from streams.kafka import faust_options, partition_for, producer_options
from streams.logs import configure, describe
from streams.metrics import WorkerMetrics
from streams.owner import Owner
from streams.parsing import Parser
from streams.settings import Settings, add_config_argument, load_settings
from streams.store import Conflict, Store, StoreFailed, open_store
from streams.topics import Cluster
from streams.transport import create_app

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 15.0
BROKER_SECONDS: Final = 10.0
"""For the broker's answer to a question; then it is asked again."""
HANDOVER_SECONDS: Final = 5.0
"""How long a rebalance waits for memory to be thrown away or loaded; both go on without it."""
REREAD_SECONDS: Final = 10.0
"""A partition with lag whose position has not moved for so long is read again: its last chunk may be lost."""
IDLE_SECONDS: Final = 120.0
"""A worker that has lag and has made no step for so long, while broker and store answer, ends itself to be restarted."""
SHOW_SECONDS: Final = 2.0
"""How long the readings for the metrics rest; a scrape comes every ten seconds or more."""
SLICES: Final = 8
"""Slices of a home's readings in one round; the state thread folds between them."""
FAREWELL_SECONDS: Final = 4.0
STOP_SECONDS: Final = 8.0
"""After this a worker that was asked to stop ends at once, whatever a library waits for: nothing is lost by that."""


class _Stopped(Exception):
    """The worker was asked to stop."""


class _Stall(NamedTuple):
    """A position that does not move, since when, and for how many seconds that is borne."""

    covered: int
    since: float
    patience: float


class Worker:
    """One worker process: the homes that Kafka assigns to it, and what it says of them.

    `on_stop` is called once, when the worker begins to end.
    """

    def __init__(
        self, settings: Settings, *, adopt: bool = False, on_stop: Callable[[Exception | None], None] = lambda _: None
    ) -> None:
        self.settings = settings
        self.metrics = _metrics(settings)
        self.address = ""
        self._adopt = adopt
        self._on_stop = on_stop
        self._owner = Owner(partial(open_store, settings.store.url), self._make_rules, self.metrics)
        self._delivery = Delivery(partial(producer_options, settings))
        self._publishing = asyncio.Lock()
        self._state = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._partitions = 0
        self._assigned: frozenset[TP] = frozenset()
        self._handover: asyncio.Task[None] | None = None
        self._unready: dict[str, str] = {"assignment": "no partitions assigned yet"}
        self._stopped = asyncio.Event()
        self._fatal: Exception | None = None
        self._progress = self._still_since = time.monotonic()
        self._seen: object = None
        self._stalls: dict[TP, _Stall] = {}
        self._app: Any = None

    @property
    def covered(self) -> Mapping[TP, int]:
        """The first offset of each partition that the store does not cover yet."""
        return self._owner.covered

    # -- running --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until `stop`; raises what ended it if that was not `stop`."""
        http = await serve(self.settings.http, self.metrics, self.not_ready)
        self.address = http.address
        log.info("listening on http://%s (/metrics, /healthz, /readyz)", http.address)
        looks = ((self._tend, 1.0), (self._show, SHOW_SECONDS), (self._look, 2.0))
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._begin()
            tasks = [asyncio.create_task(self._watch(look, seconds)) for look, seconds in looks]
            await self._read()
        except _Stopped:
            pass
        except Refused as error:
            self.stop(error)
        finally:
            self.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end()
            await http.close()
        if self._fatal is not None:
            raise self._fatal

    def stop(self, error: Exception | None = None) -> None:
        """End; with an error, `run` raises it."""
        if not self._stopped.is_set():
            self._fatal = error
            self._stopped.set()
            self._on_stop(error)

    async def _begin(self) -> None:
        """Check everything that can be checked before anything is written."""
        await self._retry("store", lambda: self._in_state(self._owner.use, lambda _: None))
        counts = await self._retry("broker", self._find_topics)
        await self._retry("store", lambda: self._in_state(self._owner.use, partial(self._check, counts)))

    async def _find_topics(self) -> dict[str, int]:
        """The consumed topics' partition counts; a topic that is missing is refused, for we never create one."""
        kafka = self.settings.kafka
        found = await asyncio.to_thread(lambda: Cluster(self.settings, BROKER_SECONDS / 2).partitions())
        wanted = (*kafka.topics, kafka.alerts_topic, kafka.dead_letters_topic)
        missing = [topic for topic in wanted if topic not in found]
        if missing:
            raise Refused(
                f"{self.settings.origin}: expected the topics {', '.join(wanted)} on {kafka.bootstrap_servers}, found "
                f"no {', '.join(missing)}: create what is missing with `kappawatch topics create`"
            )
        return {topic: found[topic] for topic in kafka.topics}

    def _check(self, counts: dict[str, int], store: Store) -> None:
        """Compare the store with the topics and with our configuration; only who adopts one writes it, and once."""
        self._partitions = site.check_partitions(store, counts)
        site.check_configuration(store, self.settings, adopt=self._adopt)
        self._adopt = False

    def _make_rules(self, store: Store) -> Rules:
        kafka = self.settings.kafka
        return Rules(
            configure=self.settings.task_config,
            privacy=site.privacy(store, self.settings),
            home_of=partial(partition_for, count=self._partitions),
            parsers={topic: Parser(self.settings.accepts(topic)) for topic in kafka.topics},
            alerts_topic=kafka.alerts_topic,
            dead_letters_topic=kafka.dead_letters_topic,
            capacity=self.settings.memory.items,
            letters_kept_seconds=kafka.dead_letters_kept_seconds,
        )

    async def _read(self) -> None:
        """Let Faust read until we stop; where it cannot begin, or gives up, it is begun anew."""
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            self._app = create_app(faust_options(self.settings), self.settings.kafka.topics, self, self.process)
            began = time.monotonic()
            try:
                await self._app.start()
                await self._until_stopped(self._app.wait_until_stopped())
                reason = self._app.crash_reason
            except Exception as error:  # noqa: BLE001 - whatever Faust cannot bear, reading begins anew
                reason = error
            if not self._stopped.is_set():
                await self._stop_reading(BROKER_SECONDS)
                self._away("reading", reason or RuntimeError("Faust stopped"))
                pause = FIRST_PAUSE if time.monotonic() - began > 60 else pause
                pause = await self._pause(pause)

    async def _stop_reading(self, seconds: float) -> None:
        self._unready["assignment"] = "no partitions assigned"
        self._assigned = frozenset()
        if self._handover is not None:
            self._handover.cancel()
        if self._app is not None:
            await _at_most(seconds, self._app.stop())

    async def _end(self) -> None:
        await asyncio.gather(
            self._stop_reading(FAREWELL_SECONDS),
            _at_most(FAREWELL_SECONDS, self._delivery.close()),
            _at_most(FAREWELL_SECONDS, self._in_state(self._owner.close)),
        )
        self._state.shutdown(wait=False, cancel_futures=True)

    # -- waiting and trying again ---------------------------------------------------------------------------------

    async def _in_state(self, work: Callable[..., T], *args: Any) -> T:
        """Do it in the state's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._state, partial(work, *args))

    async def _retry(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """Try for ever, with longer and longer pauses, while the environment is away."""
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                result = await work()
            except (StoreFailed, KafkaError, Unavailable, OSError, TimeoutError, Conflict) as error:
                self._away(what, error)
                pause = await self._pause(pause)
            else:
                self._back(what)
                return result
        raise _Stopped

    async def _pause(self, seconds: float) -> float:
        """Wait so long, or until we stop; how long to wait the next time."""
        await self._until_stopped(asyncio.sleep(seconds))
        return min(2 * seconds, LONGEST_PAUSE)

    async def _until_stopped(self, waiting: Awaitable[Any]) -> None:
        futures = {asyncio.ensure_future(waiting), asyncio.ensure_future(self._stopped.wait())}
        try:
            await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in futures:
                future.cancel()

    def _away(self, what: str, error: BaseException) -> None:
        if what == "store":
            self.metrics.add("kappawatch_store_errors_total")
        message = f"{what} away: {str(error) or describe(error)}"
        level = logging.DEBUG if self._unready.get(what) == message else logging.WARNING
        log.log(level, "%s; trying again", message)
        self._unready[what] = message

    def _back(self, what: str) -> None:
        if self._unready.pop(what, None) is not None:
            log.info("%s: back", what)

    def not_ready(self) -> Sequence[str]:
        """Why the worker is not ready; empty if it is."""
        return [*self._unready.values()]

    # -- assignments ----------------------------------------------------------------------------------------------

    async def assigned(self, partitions: Collection[TP]) -> None:
        """These partitions are ours: load their homes anew, and read on from the store's positions."""
        self._assigned = frozenset(partitions)
        if self._handover is not None:
            self._handover.cancel()
        forgotten = asyncio.ensure_future(self._in_state(self._owner.discard))
        self._handover = asyncio.create_task(self._take_over(self._assigned, forgotten))
        await asyncio.wait([self._handover], timeout=HANDOVER_SECONDS)

    async def revoked(self, partitions: Collection[TP]) -> None:
        """These partitions are no longer ours: forget their homes."""
        numbers = {tp.partition for tp in partitions}
        forgotten = asyncio.ensure_future(self._in_state(self._owner.discard, numbers))
        await asyncio.wait([forgotten], timeout=HANDOVER_SECONDS)

    async def _take_over(self, partitions: frozenset[TP], forgotten: Awaitable[None]) -> None:
        consumer = self._app.consumer
        try:
            await forgotten
            counts = await self._retry(
                "broker", lambda: self._ask(consumer.partition_counts(self.settings.kafka.topics))
            )
            await self._retry("store", lambda: self._in_state(self._owner.use, partial(self._check, counts)))
            await self._retry("store", lambda: self._in_state(self._owner.positions, partitions))
            await self._retry("broker", lambda: self._check_bounds(partitions))
            await self._retry("broker", lambda: self._seek(partitions))
            for number in {tp.partition for tp in partitions}:
                await self._retry("store", partial(self._finish_work, number))
        except _Stopped:
            return
        except Refused as error:
            self.stop(error)
        except Exception as error:  # noqa: BLE001 - nobody waits for this task
            self._give_up("the homes of an assignment could not be loaded", error)
        self._back("assignment")
        self._back("reading")
        log.info("assigned %d partitions", len(partitions))

    async def _ask(self, answer: Awaitable[T]) -> T:
        """The broker's answer, if it comes in time."""
        try:
            return await asyncio.wait_for(answer, BROKER_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"no answer within {BROKER_SECONDS:.0f} s") from None

    async def _seek(self, partitions: Collection[TP]) -> None:
        """Read these on from where the store's positions end."""
        offsets = {tp: self.covered[tp] for tp in partitions if tp in self.covered}
        await self._ask(self._app.consumer.seek_wait(offsets))

    async def _check_bounds(self, partitions: Collection[TP]) -> None:
        """Refuse a position outside the log: reading on would lose events, or take in those of another log."""
        consumer = self._app.consumer
        if not partitions:
            return
        first, ends = await asyncio.gather(
            self._ask(consumer.earliest_offsets(*partitions)), self._ask(consumer.highwaters(*partitions))
        )
        for tp in partitions:
            _check_bounds(tp, self.covered[tp], first[tp], ends[tp])

    def _give_up(self, what: str, error: Exception) -> None:
        """End on an error that is our own fault: trying again would only repeat it."""
        log.error("%s", what, exc_info=error)
        self.stop(
            Unavailable(
                f"{what} ({describe(error)}): a fault of kappawatch; the log says where. Nothing of it was stored"
            )
        )

    # -- chunks ---------------------------------------------------------------------------------------------------

    async def process(self, chunk: Chunk) -> None:
        """Deal with one chunk; raises nothing, for an exception out of an agent would lose it."""
        pause = FIRST_PAUSE
        while not self._stopped.is_set() and self._is_current(chunk):
            try:
                if await self._take_in(chunk):
                    await self._deliver(chunk.partition)
                return
            except Conflict:
                log.info("home %d was written by another worker; beginning again from the store", chunk.partition)
                self.metrics.add("kappawatch_conflicts_total")
            except StoreFailed as error:
                self._away("store", error)
            except (KafkaError, OSError, TimeoutError) as error:
                self._away("broker", error)
            except Refused as error:
                self.stop(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the chunk must not be acknowledged
                first, last = chunk.records[0].offset, chunk.records[-1].offset
                self._give_up(f"{_where(chunk.tp)}: offsets {first} to {last} could not be taken in", error)
            pause = await self._pause(pause)
        if self._stopped.is_set():
            # Not acknowledged: the agent waits here until it is cancelled.
            await asyncio.Event().wait()

    def _is_current(self, chunk: Chunk) -> bool:
        """Whether its partition was neither sought nor revoked since the chunk was fetched."""
        return bool(self._app.consumer.cursors.reads.get(chunk.tp) == chunk.reads)

    async def _take_in(self, chunk: Chunk) -> bool:
        """Whether the state covers the chunk now; if not, it will be read again."""
        await self._finish_work(chunk.partition)
        if self._stopped.is_set():
            return False
        following = await self._in_state(self._owner.take_in, chunk)
        if following is Following.GONE:
            await self._check_gap(chunk)
            following = await self._in_state(partial(self._owner.take_in, chunk, gone=True))
        self._back("store")
        if following is Following.BACK:
            self._refuse_other_log(chunk)
        if following is Following.LOST:
            self.metrics.add("kappawatch_rereads_total", ("gap",))
            log.info(
                "a chunk was read on from %d, expected %d; reading again",
                chunk.since,
                self.covered[chunk.tp],
                extra={"topic": chunk.topic, "partition": chunk.partition},
            )
            await self._seek([chunk.tp])
            return False
        self._progress = time.monotonic()
        return True

    async def _check_gap(self, chunk: Chunk) -> None:
        """Believe a gap in the log that the broker made; one that a cut made is refused."""
        tp, first, expected = chunk.tp, chunk.records[0].offset, self.covered[chunk.tp]
        begins = (await self._ask(self._app.consumer.earliest_offsets(tp)))[tp]
        _check_bounds(tp, expected, begins, first)
        log.warning(
            "offsets %d to %d are gone from the log (compaction or transaction markers); going on",
            expected,
            first - 1,
            extra={"topic": tp.topic, "partition": tp.partition},
        )

    def _refuse_other_log(self, chunk: Chunk) -> NoReturn:
        raise Refused(
            f"{_where(chunk.tp)}: expected the log to go on at {chunk.since}, found that it had ended before and now holds "
            f"{chunk.records[0].offset}: it was deleted and made anew. {_REMEDY}"
        )

    async def _finish_work(self, number: int) -> None:
        """Finish the home's erasures and rebuilds, a step at a time so that other homes are served between."""
        began = said = time.monotonic()
        try:
            while (step := await self._in_state(self._owner.step, number)) is not None and not self._stopped.is_set():
                self._progress = now = time.monotonic()
                self._unready["work"] = f"{step.what} has come to row {step.row}"
                if now - said > 10:
                    said = now
                    log.info("%s has come to row %d after %.0f s", step.what, step.row, now - began)
        finally:
            self._unready.pop("work", None)

    # -- messages -------------------------------------------------------------------------------------------------

    async def _deliver(self, number: int) -> None:
        """Publish the home's outbox; tries until the broker has taken it all, or the home is no longer held."""
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            async with self._publishing:
                waiting = await self._in_state(self._owner.unsent, number)
                if not waiting:
                    break
                dealt = await self._delivery.publish(waiting)
                for message in dealt.refused:
                    self.metrics.add("kappawatch_outbox_failed_total", (message.topic,))
                await self._in_state(self._owner.settle, number, *dealt)
            if len(dealt.messages) < len(waiting):
                self._unready["outbox"] = (
                    f"broker away: {len(waiting) - len(dealt.messages)} messages wait in the outbox"
                )
                pause = await self._pause(pause)
        self._back("outbox")

    # -- looking after it -------------------------------------------------------------------------------------------

    async def _watch(self, look: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await look()
            except Conflict:
                log.info("a home was written by another worker; beginning again from the store")
                self.metrics.add("kappawatch_conflicts_total")
            except StoreFailed as error:
                self._away("store", error)
            except (KafkaError, OSError, TimeoutError) as error:
                self._away("broker", error)
            except Exception as error:
                # A fault in looking must not end the work.
                log.error("%s failed", look.__name__, exc_info=error)
            await asyncio.sleep(seconds)

    async def _tend(self) -> None:
        """Keep the assigned homes in memory, whether chunks come or not, and send what an earlier owner left unsent."""
        await self._in_state(self._owner.use, lambda store: store.meta(site.PARTITIONS))
        if self._handover is None or not self._handover.done():
            return
        await self._in_state(self._owner.positions, self._assigned)
        self._back("store")
        for number in {tp.partition for tp in self._assigned}:
            await self._finish_work(number)
            await self._deliver(number)

    async def _show(self) -> None:
        """Take the readings of each home for the metrics, between commits."""
        unsent = 0
        for number in sorted({tp.partition for tp in self._assigned}):
            for _ in range(SLICES):
                # Chunks come between the slices of a home that has many tasks to read.
                if not await self._in_state(self._owner.show, number):
                    break
            unsent += len(await self._in_state(self._owner.unsent, number))
        self.metrics.set("kappawatch_outbox_pending", unsent)
        self.metrics.set("kappawatch_ready", float(not self._unready))
        self.metrics.set("kappawatch_heartbeat_timestamp_seconds", time.time(), ("snapshot",))

    async def _look(self) -> None:
        """Learn the lag, and whether it grows without progress."""
        partitions = sorted(self._assigned)
        consumer = self._app.consumer
        ends = await self._ask(consumer.highwaters(*partitions)) if partitions else {}
        self._back("broker")
        lag = 0
        for tp, end in ends.items():
            try:
                position = await self._position(tp)
            except IllegalStateError:
                continue  # revoked meanwhile
            place = (tp.topic, str(tp.partition))
            self.metrics.set("kappawatch_partition_end_offset", float(end), place)
            self.metrics.set("kappawatch_partition_position", float(position), place)
            lag += max(0, end - position)
            await self._reread_stalled(tp, position < end)
        for name in ("kappawatch_partition_end_offset", "kappawatch_partition_position"):
            self.metrics.drop(name, [(tp.topic, str(tp.partition)) for tp in partitions])
        self.metrics.set("kappawatch_heartbeat_timestamp_seconds", time.time(), ("consumer",))
        self._judge_progress(lag, (partitions, self._progress))

    async def _position(self, tp: TP) -> int:
        """The next offset to take in: the store's, or past the control records that the fetch has skipped behind it."""
        consumer = self._app.consumer
        covered = self.covered.get(tp, 0)
        if covered != consumer.cursors.next(tp):
            return covered
        return max(covered, await self._ask(consumer.position(tp)) or 0)

    async def _reread_stalled(self, tp: TP, lags: bool) -> None:
        """Read a partition again that does not move, with more patience each time: it may only be slow."""
        covered, now = self.covered.get(tp, 0), time.monotonic()
        stall = self._stalls.get(tp)
        if stall is None or not lags or self._environment_is_away() or stall.covered != covered:
            self._stalls[tp] = _Stall(covered, now, REREAD_SECONDS)
        elif now - stall.since > stall.patience:
            self._stalls[tp] = _Stall(covered, now, 2 * stall.patience)
            self.metrics.add("kappawatch_rereads_total", ("stall",))
            log.info(
                "nothing came from %d on; reading again", covered, extra={"topic": tp.topic, "partition": tp.partition}
            )
            await self._seek([tp])

    def _environment_is_away(self) -> bool:
        return bool({"store", "broker", "outbox", "reading", "work"} & self._unready.keys())

    def _judge_progress(self, lag: int, seen: object) -> None:
        if not lag or seen != self._seen:
            self._seen = seen
            self._still_since = time.monotonic()
            self._unready.pop("lag", None)
            return
        still = time.monotonic() - self._still_since
        if still > IDLE_SECONDS / 4:
            self._unready["lag"] = f"a lag of {lag} messages and no progress for {still:.0f} s"
        if still > IDLE_SECONDS and not self._environment_is_away():
            self.stop(Unavailable(f"{self._unready['lag']}, though broker and store answer: ending, to be restarted"))


_REMEDY: Final = (
    "Point the store at its own log, or begin a new store and let it read the log from its start. Nothing was changed"
)


def _where(tp: TP) -> str:
    return f"topic {tp.topic}, partition {tp.partition}"


def _check_bounds(tp: TP, expected: int, begins: int, end: int) -> None:
    """Refuse a log that does not hold the offset that the store expects next."""
    if 0 < expected < begins:
        raise Refused(
            f"{_where(tp)}: expected the log to hold offset {expected}, found that it begins at {begins}: "
            f"{begins - expected} messages were deleted before they were read. Restore them, or begin a new store; "
            "and let the topic keep its messages longer (retention). Nothing was changed"
        )
    if expected > end:
        raise Refused(
            f"{_where(tp)}: expected a log of at least {expected} messages, which the store has taken in, found one that "
            f"ends at {end}: it is not the log that this store was built from. {_REMEDY}"
        )


async def _at_most(seconds: float, work: Awaitable[Any]) -> None:
    """Wait for work, but not longer; it is left alone then."""
    done, _ = await asyncio.wait([asyncio.ensure_future(work)], timeout=seconds)
    for future in done:
        if not future.cancelled() and future.exception() is not None:
            log.debug("while ending: %s", future.exception())


def _metrics(settings: Settings) -> WorkerMetrics:
    """The worker's metrics with every counter begun at 0: `increase` does not see a counter's first value."""
    metrics = WorkerMetrics()
    for reason in ("gap", "stall"):
        metrics.add("kappawatch_rereads_total", (reason,), 0)
    kafka = settings.kafka
    for topic in (kafka.alerts_topic, kafka.dead_letters_topic, *kafka.topics):
        metrics.add("kappawatch_outbox_failed_total", (topic,), 0)
    return metrics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kappawatch worker`."""
    add_config_argument(parser)
    parser.add_argument(
        "--adopt", action="store_true", help="take over this [projects] configuration and rebuild the changed tasks"
    )


def run(args: argparse.Namespace) -> int:
    """Run `kappawatch worker` until SIGINT or SIGTERM."""
    settings = load_settings(args.config, os.environ)
    # The files that it names are read before anything is touched.
    faust_options(settings)
    site.check_key(settings)
    configure(settings.log.level, settings.log.format)
    asyncio.run(_run(settings, adopt=args.adopt))
    return 0


async def _run(settings: Settings, *, adopt: bool) -> None:
    worker = Worker(settings, adopt=adopt, on_stop=_limit_stopping)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()


def _limit_stopping(error: Exception | None) -> None:
    """End the process some seconds from now, even if a library waits for a broker or a database that does not answer."""

    def end() -> None:
        log.warning("stopping took longer than %.0f s; ending at once", STOP_SECONDS)
        if error is not None:
            log.error("%s", error)
        os._exit(0 if error is None else 2 if isinstance(error, Refused) else 3)

    limit = threading.Timer(STOP_SECONDS, end)
    limit.daemon = True
    limit.start()
