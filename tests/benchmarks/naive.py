"""The naive Faust way: an ordinary agent, one event at a time, a row of a Faust table written for each. Run by `worker`.

The table counts the labels that each annotator gave; it lies in memory, its changelog in a topic that exists already
(compacted, named `changelog(app)`). Everything else is as Faust has it by default. Time counts from the first event to
the moment at which the last row's change is in the changelog.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import Any, Final

import faust

from tests.benchmarks.stopwatch import Measured, Stopwatch

TABLE: Final = "labels"


def changelog(app: str) -> str:
    """The name of the topic that must exist, with as many partitions as the events' topic."""
    return f"{app}-{TABLE}-changelog"


async def count(bootstrap: str, topic: str, events: int, partitions: int, name: str, directory: str) -> Measured:
    """Count so many events from the start of the topic; Faust keeps what it writes in the directory."""
    app: Any = faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=directory,
        autodiscover=False,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    labels = app.Table(TABLE, default=int, partitions=partitions)
    watch, done = Stopwatch(), asyncio.Event()
    measured: list[Measured] = []

    async def tally(stream: Any) -> None:
        seen = 0
        async for event in stream:
            if not seen:
                watch.start()
            labels[f"{event['project']}/{event.get('annotator', 'gold')}/{event.get('label')}"] += 1
            seen += 1
            if seen == events:
                await app.producer.flush()
                measured.append(watch.read(events))
                done.set()

    app.agent(app.topic(topic, value_serializer="json", key_serializer="raw"))(tally)
    await app.start()
    try:
        await asyncio.wait_for(done.wait(), 600)
    finally:
        await app.stop()
    return measured[0]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="kappawatch-naive-") as scratch:
        asyncio.run(count(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], scratch)).say()
