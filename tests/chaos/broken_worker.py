"""A worker in a harsh environment, with one part of the state protocol broken: `broken_worker PART worker --config ...`.

PART is a double of `tests.streams.doubles`, or "intact". The environment is harsh for all of them: chunks are lost on
their way to the agent, partitions are read again from further back, and a transaction takes its time, so that a kill or
a pause is likely to fall into one.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from streams import chunks, cli, transport, worker
from streams.store import Batch, Row, postgres, sqlite
from streams.store.tables import HOMES
from tests.chaos.faults import BEFORE_COMMIT
from tests.streams.doubles import OWNERS, STORES

MOST_RECORDS = 80
LOST = 0.15
READ_AGAIN = 0.2
BACK = 100
PAUSE = 0.2
AFTER = "committed"


class Slow:
    """Mixed into a store: says when something is about to be committed, and leaves time to strike then."""

    def commit(self: Any, seen: int, home_row: Row, batch: Batch) -> None:
        _leave_time()
        super().commit(seen, home_row, batch)  # type: ignore[misc]
        print(AFTER, flush=True)

    def amend(self: Any, batch: Batch) -> None:
        super().amend(batch)  # type: ignore[misc]
        if HOMES in batch.upserts:  # a position without its rows
            _leave_time()


def _leave_time() -> None:
    print(BEFORE_COMMIT, end="", flush=True)
    time.sleep(PAUSE)


class LossyConsumer(transport.ChunkConsumer):
    """Loses chunks, and reads again what was read."""

    async def getmany(self, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109
        async for tp, message in super().getmany(timeout):
            if random.random() >= LOST:
                yield tp, message
            if random.random() < READ_AGAIN:
                await self.seek_wait({tp: max(0, message.offset - random.randrange(BACK))})


def break_part(part: str) -> None:
    """Put the double in the place of what it breaks."""
    chunks.MOST_RECORDS = MOST_RECORDS  # type: ignore[misc]
    transport.ChunkTransport.Consumer = LossyConsumer
    mixins = (Slow, STORES[part]) if part in STORES else (Slow,)
    sqlite.SqliteStore = type("Broken", (*mixins, sqlite.SqliteStore), {})  # type: ignore[misc]
    postgres.PostgresStore = type("Broken", (*mixins, postgres.PostgresStore), {})  # type: ignore[misc]
    worker.Owner = OWNERS.get(part, worker.Owner)  # type: ignore[misc]


if __name__ == "__main__":
    if sys.argv[1] != "intact":
        assert sys.argv[1] in {**STORES, **OWNERS}, sys.argv
    break_part(sys.argv[1])
    sys.exit(cli.main(sys.argv[2:]))
