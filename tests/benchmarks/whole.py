"""The whole worker, in one process: Faust, parsing, fold, store, metrics. Run by `worker`.

Time counts from the moment at which partitions were assigned and their homes loaded to the commit of the last event.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from faust.types.tuples import TP

from streams.homes import Home
from streams.settings import HttpSettings, KafkaSettings, Settings, StoreSettings
from streams.worker import Worker
from tests.benchmarks.stopwatch import Measured, Stopwatch


class MeasuredWorker(Worker):
    """A worker that stops once it has committed so many events, and knows what they took."""

    def __init__(self, settings: Settings, events: int) -> None:
        super().__init__(settings)
        self.measured: Measured | None = None
        self._watch_ = Stopwatch()
        self._expected = events
        self._committed = 0

    async def assigned(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Load the homes; from here on time counts."""
        offsets = await super().assigned(partitions)
        self._watch_.start()
        return offsets

    def _transact(self, home: Home, topic: str, records: Sequence[Any]) -> None:
        super()._transact(home, topic, records)
        self._committed += len(records)
        if self._committed == self._expected:
            self.measured = self._watch_.read(self._committed)
            asyncio.run_coroutine_threadsafe(self._done(), self._loop)

    async def run(self) -> None:
        """Work until all is committed."""
        self._loop = asyncio.get_running_loop()
        await super().run()

    async def _done(self) -> None:
        self.stop()


def settings(bootstrap: str, topic: str, url: str) -> Settings:
    """The default configuration but for addresses and names."""
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap, topics=(topic,), group=f"benchmark-{topic}"),
        store=StoreSettings(url),
        http=HttpSettings("127.0.0.1:0"),
    )


async def work(bootstrap: str, topic: str, url: str, events: int) -> Measured:
    """Take in so many events from the start of the topic."""
    worker = MeasuredWorker(settings(bootstrap, topic, url), events)
    await worker.run()
    if worker.measured is None:
        raise RuntimeError(f"expected {events} events, found the worker stopped after {worker._committed}")
    return worker.measured


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:4], int(sys.argv[4]))).say()
