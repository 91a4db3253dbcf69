"""Publishing a home's outbox: alerts, dead letters and forwarded events, in order, each under a deterministic id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)

from streams.homes import Message
from streams.store.base import Batch, Key
from streams.store.tables import OUTBOX

log = logging.getLogger(__name__)

REFUSED_FOR_GOOD: Final = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedForMessageFormatError,
)
"""What no later try will change: the message is marked failed, counted, and blocks nothing."""


async def publish(
    producer: Any, messages: Sequence[Message], failed: Callable[[Message, Exception], None]
) -> list[Message]:
    """Send the messages in order; answers those that are dealt with, an unbroken run from the first.

    What the broker refuses for good is handed to `failed` and dealt with. Raises nothing of Kafka's: where the broker
    is away, fewer messages than given are answered.
    """
    sent: list[tuple[Message, asyncio.Future[Any]]] = []
    dealt: list[Message] = []
    for message in messages:
        try:
            future = await producer.send(
                message.topic,
                message.value,
                key=None if message.key is None else message.key.encode(),
                partition=message.partition,
                headers=[(name, value.encode()) for name, value in message.headers],
            )
        except REFUSED_FOR_GOOD as error:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
        except KafkaError as error:
            log.warning("the broker did not take a message: %s; trying again", type(error).__name__)
            break
        sent.append((message, future))
    unbroken = True
    for message, future in sent:
        try:
            await future
        except REFUSED_FOR_GOOD as error:
            failed(message, error)
        except KafkaError as error:
            log.warning("the broker did not take a message: %s; trying again", type(error).__name__)
            unbroken = False
        if unbroken:
            dealt.append(message)
    return dealt


def settled(home: int, dealt: Sequence[Message], failed: set[int]) -> Batch:
    """The outbox rows of messages that are dealt with: gone, or kept and marked as failed."""
    batch = Batch()
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
