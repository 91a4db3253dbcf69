"""Publishing a home's outbox: alerts, dead letters and forwarded events, in order, each under a deterministic id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)

from streams.outbox import Message
from streams.store.base import Batch, Key
from streams.store.tables import OUTBOX

log = logging.getLogger(__name__)

PATIENCE: Final = 30.0
"""Seconds for which the broker may confirm nothing before messages are sent again."""

SENT_ALONE: Final = 100
"""After a refusal so many messages are sent one by one."""

FAREWELL: Final = 3.0
"""Seconds that a producer has for saying goodbye; what it has not delivered is in the outbox."""

REFUSED_FOR_GOOD: Final = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)
"""What no later try will change: the message is marked failed, counted, and blocks nothing."""


class Dealt(NamedTuple):
    """What became of some messages: those that are dealt with, an unbroken run from the first, and of these the refused."""

    messages: list[Message]
    refused: list[Message]


class Delivery:
    """Publishes messages; its producer is made when it is needed, and anew after every failure.

    A producer that numbers its messages, as ours does, delivers nothing more to a partition whose broker refused one.
    """

    def __init__(self, options: Callable[[], dict[str, Any]]) -> None:
        self._options = options
        self._producer: Any = None

    async def publish(self, messages: Sequence[Message]) -> Dealt:
        """Send the messages in order; raises nothing of Kafka's: where the broker is away, fewer are dealt with."""
        dealt = Dealt([], [])
        waiting = list(messages)
        alone = 0
        while waiting:
            part = waiting[:1] if alone else waiting
            sent, error = await self._send(part)
            dealt.messages.extend(part[:sent])
            waiting = waiting[sent:]
            if error is None:
                alone = max(0, alone - 1)
                continue
            await self.close()
            if not isinstance(error, REFUSED_FOR_GOOD):
                log.warning("the broker did not take a message: %s", error)
                break
            if len(part) > 1:
                # Of a batch the broker refuses all messages for the sake of one.
                alone = SENT_ALONE
                continue
            log.error("the broker refuses message %s for %s: %s", part[0].id, part[0].topic, error)
            dealt.refused.append(part[0])
            dealt.messages.append(waiting.pop(0))
        return dealt

    async def _send(self, messages: Sequence[Message]) -> tuple[int, Exception | None]:
        """How many of the messages, from the first, the broker has confirmed; and why not the next."""
        futures: list[asyncio.Future[Any]] = []
        stopped: Exception | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                producer = await self._ready()
                for message in messages:
                    futures += [await _queue(producer, message)]
        except (KafkaError, OSError, TimeoutError) as error:
            stopped = error
        confirmed = 0
        for future in futures:
            try:
                async with asyncio.timeout(PATIENCE):
                    await future
            except (KafkaError, OSError, TimeoutError) as error:
                return confirmed, error
            confirmed += 1
        return confirmed, stopped

    async def _ready(self) -> Any:
        if self._producer is None:
            self._producer = AIOKafkaProducer(**self._options())
            await self._producer.start()
        return self._producer

    async def close(self) -> None:
        """Let go of the producer; what it has not delivered yet may be delivered or not."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await abandon(producer)


async def _queue(producer: Any, message: Message) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = await producer.send(
        message.topic,
        message.value,
        key=None if message.key is None else message.key.encode(),
        partition=message.partition,
        headers=[(name, value.encode()) for name, value in message.headers],
    )
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, even if nobody waits for it
    return future


async def abandon(producer: Any) -> None:
    """Stop a producer within a few seconds, whatever the broker does.

    Its own `stop` waits until everything is delivered, for ever if need be.
    """
    sender = producer._sender.sender_task  # noqa: SLF001 - there is no other way; the version is pinned
    await asyncio.wait([asyncio.ensure_future(producer.client.close())], timeout=FAREWELL)
    for _ in range(2):  # the first makes it wait for its requests, the second ends that
        if sender is not None and not sender.done():
            sender.cancel()
            await asyncio.wait([sender], timeout=0.2)
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(FAREWELL):
            await producer.stop()


def settled(home: int, dealt: Iterable[Message], refused: Iterable[Message]) -> Batch:
    """The outbox rows of messages that are dealt with: gone, or kept and marked as failed."""
    batch = Batch()
    failed = {message.number for message in refused}
    for message in dealt:
        key: Key = (home, message.number)
        if message.number in failed:
            headers = "[]"
            batch.put(
                OUTBOX,
                (*key, message.id, message.topic, message.partition, message.key, message.value, headers, "failed"),
            )
        else:
            batch.drop(OUTBOX, key)
    return batch
