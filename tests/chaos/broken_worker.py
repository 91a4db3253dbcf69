"""A worker with one part of the state protocol broken, struck where that part matters: `broken_worker PART BLOW worker ...`.

PART is a double of `tests.streams.doubles`, or "intact". BLOW is one of `BLOWS`, or "none": the worker strikes itself, so
that the blow falls neither a moment too early nor too late. Chunks are small, so that there are many.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from faust.types.tuples import TP

from streams import chunks, cli, transport, worker
from streams.store import Batch, Row, postgres, sqlite
from streams.store.tables import HOMES, SCOPES
from tests.streams.doubles import OWNERS, STORES

MOST_RECORDS = 40
REREAD_SECONDS = 2.0
COMMITS = 3
"""So many commits of a home come before the one at which a worker stops; that one has statistics to write."""
LOST = 3
"""Of so many chunks of a partition one is lost, the first time it is fetched."""
AGAIN, BACK = 60, 50
"""Each time so many messages of a partition are covered, it is read again from so far back."""

STOPPED = "stopped at a commit\n"
WENT_ON = "went on\n"


class Stopping:
    """Mixed into a store: stops its process at a commit; where the position has one of its own, between the two."""

    strikes = False
    stopped = False

    def commit(self: Any, seen: int, home_row: Row, batch: Batch) -> None:
        self.strikes = seen >= COMMITS and SCOPES in batch.upserts
        if not isinstance(self, STORES["position in a transaction of its own"]):
            self.stop()
        try:
            super().commit(seen, home_row, batch)  # type: ignore[misc]
        finally:
            if self.stopped:
                print(WENT_ON, end="", flush=True)

    def amend(self: Any, batch: Batch) -> None:
        super().amend(batch)  # type: ignore[misc]
        if HOMES in batch.upserts:  # a position without its rows
            self.stop()

    def stop(self) -> None:
        if self.strikes and not self.stopped:
            self.stopped = True
            print(STOPPED, end="", flush=True)
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # to the process it would come a moment later


class LosingConsumer(transport.ChunkConsumer):
    """Loses chunks between the fetch and the agent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.seen: Counter[TP] = Counter()
        self.furthest: dict[TP, int] = {}

    async def getmany(self, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109
        async for tp, message in super().getmany(timeout):
            if message.offset > self.furthest.get(tp, -1):
                self.furthest[tp] = message.offset
                self.seen[tp] += 1
                if self.seen[tp] % LOST == LOST - 1:
                    continue
            yield tp, message


class RepeatingConsumer(transport.ChunkConsumer):
    """Reads again what is taken in already."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.next: dict[TP, int] = {}

    async def getmany(self, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109
        for tp, end in dict(self.transport.keeper.covered).items():
            if end >= self.next.setdefault(tp, AGAIN):
                self.next[tp] = end + AGAIN
                await self.seek_wait({tp: end - BACK})
        async for found in super().getmany(timeout):
            yield found


def stop_at_a_commit() -> None:
    for module, name in ((sqlite, "SqliteStore"), (postgres, "PostgresStore")):
        setattr(module, name, type("Stopping", (Stopping, getattr(module, name)), {}))


def lose_chunks() -> None:
    transport.ChunkTransport.Consumer = LosingConsumer


def read_again() -> None:
    transport.ChunkTransport.Consumer = RepeatingConsumer


BLOWS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "stop at a commit": stop_at_a_commit,
    "lose chunks": lose_chunks,
    "read again": read_again,
}


def break_part(part: str) -> None:
    """Put the double in the place of what it breaks."""
    assert part in {"intact", *STORES, *OWNERS}, part
    if part in STORES:
        for module, name in ((sqlite, "SqliteStore"), (postgres, "PostgresStore")):
            setattr(module, name, type("Broken", (STORES[part], getattr(module, name)), {}))
    worker.Owner = OWNERS.get(part, worker.Owner)  # type: ignore[misc]


if __name__ == "__main__":
    chunks.MOST_RECORDS = MOST_RECORDS  # type: ignore[misc]
    worker.REREAD_SECONDS = REREAD_SECONDS  # type: ignore[misc]
    break_part(sys.argv[1])
    BLOWS[sys.argv[2]]()
    sys.exit(cli.main(sys.argv[3:]))
