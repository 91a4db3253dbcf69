"""The least that any consumer in Python does: aiokafka's `getmany`, and msgspec decoding each event. Run by `worker`."""

from __future__ import annotations

import asyncio
import sys

import msgspec
from aiokafka import AIOKafkaConsumer

from streams.events import Event
from tests.benchmarks.stopwatch import Measured, Stopwatch


async def read(bootstrap: str, topic: str, events: int) -> Measured:
    """Read and decode so many events from the start of the topic."""
    decode = msgspec.json.Decoder(Event).decode
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=2 << 20,
    )
    await consumer.start()
    try:
        watch = Stopwatch()
        seen = 0
        while seen < events:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=20_000)).values():
                for record in records:
                    decode(record.value)
                seen += len(records)
        return watch.read(events)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], sys.argv[2], int(sys.argv[3]))).say()
