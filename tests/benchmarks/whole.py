"""The whole worker, in one process: Faust, parsing, fold, store, metrics. Run by `worker`.

Time counts from the moment at which the homes of the partitions were loaded to the commit of the last event.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from functools import partial

from faust.types.tuples import TP

from streams.chunks import Chunk, Following
from streams.garbage import collect_rarely
from streams.homes import Rules
from streams.metrics import WorkerMetrics
from streams.owner import Owner
from streams.settings import HttpSettings, KafkaSettings, Settings, StoreSettings
from streams.store import Store, open_store
from streams.worker import Worker
from tests.benchmarks.stopwatch import Measured, Stopwatch


class MeasuredOwner(Owner):
    """Notes what it took until so many events were committed, and says so."""

    def __init__(
        self,
        connect: Callable[[], Store],
        rules: Callable[[Store], Rules],
        metrics: WorkerMetrics,
        events: int,
        done: Callable[[], None],
    ) -> None:
        super().__init__(connect, rules, metrics)
        self.measured: Measured | None = None
        self._events = events
        self._done = done
        self._stopwatch = Stopwatch()

    def positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Load the homes; from here on time counts."""
        found = super().positions(partitions)
        if not any(self.covered.values()):
            self._stopwatch.start()
        return found

    def take_in(self, chunk: Chunk, *, gone: bool = False) -> Following:
        """Take in a chunk; with the last one the time is read."""
        following = super().take_in(chunk, gone=gone)
        if self.measured is None and sum(self.covered.values()) >= self._events:
            self.measured = self._stopwatch.read(self._events)
            self._done()
        return following


async def work(bootstrap: str, topic: str, url: str, events: int) -> Measured:
    """Take in so many events from the start of the topic, with the default configuration."""
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap, topics=(topic,), group=f"benchmark-{topic}"),
        store=StoreSettings(url),
        http=HttpSettings("127.0.0.1:0"),
    )
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    owner = MeasuredOwner(
        partial(open_store, url),
        worker._make_rules,
        worker.metrics,
        events,
        lambda: loop.call_soon_threadsafe(worker.stop) and None,
    )
    worker._owner = owner
    await worker.run()
    if owner.measured is None:
        raise RuntimeError(f"expected {events} events, found the worker stopped at {owner.covered}")
    return owner.measured


if __name__ == "__main__":
    collect_rarely()
    asyncio.run(work(*sys.argv[1:4], int(sys.argv[4]))).say()
