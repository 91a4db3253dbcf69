"""Sending events to Kafka: for pipelines, for `kappawatch publish` and for the simulator.

async with Publisher(load_settings(None, os.environ)) as publisher:
    await publisher.send({...} as bytes, or an event of streams.events)
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from streams.errors import Refused, Unavailable
from streams.events import EVENT_TYPES, Event, Identifier, encode
from streams.kafka import partition_for, producer_options
from streams.logs import describe
from streams.nesting import elements
from streams.parsing import MOST_EVENTS, DeadLetter, Parser
from streams.settings import Settings

LINGER_MS: Final = 5
BATCH_BYTES: Final = 128 << 10
FAREWELL_SECONDS: Final = 5.0
"""For what was sent before an error ended the publisher's use."""


class Message(NamedTuple):
    """What is sent: bytes, their topic and the project that is their key; `refused` is what a worker will refuse of it."""

    topic: str
    project: str
    value: bytes
    refused: tuple[DeadLetter, ...] = ()


class _Address(msgspec.Struct, frozen=True):
    project: Identifier
    type: str


_decode_address = msgspec.json.Decoder(_Address).decode


class Router:
    """Finds the topic of an event, the first that accepts its type, and its project.

    >>> message, = Router(Settings()).route(b'{"type": "gold", "project": "cats"}')
    >>> message.topic, message.project, [letter.reason for letter in message.refused]
    ('gold', 'cats', ['missing_field'])
    """

    def __init__(self, settings: Settings) -> None:
        self._parser = Parser()
        self._topics = {name: topic for name in EVENT_TYPES if (topic := settings.topic_of(name)) is not None}

    def route(self, value: bytes) -> list[Message | DeadLetter]:
        """The messages of a JSON text: itself, or for an array whose events belong apart, its elements.

        An event that a worker will refuse is sent all the same, to be counted there; one without a project or a known
        type cannot be: it comes back as a dead letter.
        """
        outcomes = list(self._parser.parse(value))
        if value.lstrip(b" \t\r\n")[:1] != b"[":
            return [self._address(value, outcomes[0])]
        parts = elements(value, MOST_EVENTS)
        if parts is None or len(parts) != len(outcomes) or (len(outcomes) == 1 and _is_of_whole(outcomes[0])):
            return [outcome for outcome in outcomes if isinstance(outcome, DeadLetter)]
        messages = [self._address(part, outcome) for part, outcome in zip(parts, outcomes, strict=True)]
        routed = [message for message in messages if isinstance(message, Message)]
        if len(routed) == len(messages) and len({message[:2] for message in routed}) == 1:
            refused = tuple(letter for message in routed for letter in message.refused)
            return [Message(routed[0].topic, routed[0].project, value, refused)]
        return messages

    def _address(self, raw: bytes, outcome: Event | DeadLetter) -> Message | DeadLetter:
        if not isinstance(outcome, DeadLetter):
            topic = self._topics.get(_type_of(outcome))
            return (
                DeadLetter.of(raw, "type_not_accepted", "$.type")
                if topic is None
                else Message(topic, outcome.project, raw)
            )
        if outcome.reason == "too_large":  # for Kafka too, perhaps
            return outcome
        try:
            address = _decode_address(raw)
            address.project.encode()  # a lone surrogate has no bytes
            return Message(self._topics[address.type], address.project, raw, (outcome,))
        except Exception:  # noqa: BLE001 - whatever keeps these bytes from being addressed, the parser has named it
            return outcome


def _is_of_whole(outcome: Event | DeadLetter) -> bool:
    return isinstance(outcome, DeadLetter) and outcome.path == "$"


def _type_of(event: Event) -> str:
    return str(event.__struct_config__.tag)


class Publisher:
    """A producer that confirms what it sent; use it as an asynchronous context.

    Nothing is lost or repeated while the broker comes and goes. When it confirms nothing for `timeout` seconds the
    publisher gives up (`Unavailable`); what was not confirmed may be sent again, since an event counts once.
    """

    def __init__(self, settings: Settings, *, timeout: float = 30.0) -> None:
        self.confirmed = 0
        self._settings = settings
        self._router = Router(settings)
        self._timeout = timeout
        self._where = f"Kafka at {settings.kafka.bootstrap_servers}"
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        options = {**producer_options(self._settings), "linger_ms": LINGER_MS, "max_batch_size": BATCH_BYTES}
        trouble = "no answer"
        try:
            async with asyncio.timeout(self._timeout):
                while self._producer is None:
                    producer = AIOKafkaProducer(**options)
                    try:
                        await producer.start()
                        # Asking for all topics creates none; asking for one by its name may.
                        cluster = await producer.client.fetch_all_metadata()
                        self._producer = producer
                    except (KafkaError, OSError) as error:
                        trouble = describe(error)
                        await asyncio.sleep(0.5)
                    finally:
                        if self._producer is None:
                            await _stop(producer, unconfirmed=False)
        except TimeoutError:
            raise Unavailable(
                f"{self._where}: expected a connection within {self._timeout:g} s, found none ({trouble}); check that "
                "the broker runs, kafka.bootstrap_servers and kafka.security_protocol, or raise --timeout"
            ) from None
        self._partitions = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.flush()
            elif not isinstance(error, Unavailable):
                with suppress(TimeoutError, Refused, Unavailable):
                    async with asyncio.timeout(min(FAREWELL_SECONDS, self._timeout)):
                        await self.flush()
        finally:
            if self._producer is not None:
                await _stop(self._producer, unconfirmed=self._pending > 0)

    async def send(self, event: Event | bytes) -> None:
        """Send an event, or JSON text (an event or an array of events), to its topic and home.

        Returns when it is queued; `flush` waits until all is confirmed. Refused without a project or a known type.
        """
        value = event if isinstance(event, bytes) else encode(event)
        messages = self._router.route(value)
        for message in messages:
            if isinstance(message, DeadLetter):
                raise Refused(
                    f"event: expected one with a project and a type that a consumed topic accepts, found "
                    f"{message.reason} at {message.path}; nothing of it was sent"
                )
        for message in messages:
            if isinstance(message, Message):
                await self.deliver(message.topic, message.project, message.value)

    async def deliver(
        self, topic: str, project: str, value: bytes, headers: list[tuple[str, bytes]] | None = None
    ) -> None:
        """Queue bytes for a topic, as they are, with the project for key, at the project's home."""
        self._raise_failure()
        count = self._partitions.get(topic)
        if self._producer is None or not count:
            raise Refused(
                f"{self._where}: expected topic {topic}, found none that this user may see; "
                "create it with: kappawatch topics create"
            )
        future = await self._queue(
            topic, value=value, key=project.encode(), partition=partition_for(project, count), headers=headers
        )
        self._pending += 1
        self._idle.clear()
        future.add_done_callback(self._settle)

    async def _queue(self, topic: str, **message: Any) -> asyncio.Future[Any]:
        """The future of a message that is queued; waits for room as long as anything is confirmed."""
        assert self._producer is not None  # noqa: S101 - deliver has checked it
        confirmed, end = self.confirmed, time.monotonic() + self._timeout
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._producer.send(topic, **message)  # type: ignore[no-any-return]
            except (TimeoutError, KafkaTimeoutError):
                if self.confirmed > confirmed:
                    confirmed, end = self.confirmed, time.monotonic() + self._timeout
                elif time.monotonic() >= end:
                    raise self._gave_up() from None
            except MessageSizeTooLargeError:
                raise Refused(
                    f"{self._where}: topic {topic}: expected a message of at most 2 MiB, found "
                    f"{len(message['value'])} bytes; send its events one by one"
                ) from None
            except KafkaError as error:
                raise self._explained(error) from error

    async def flush(self) -> None:
        """Wait until the broker has confirmed everything that was sent."""
        while self._pending and self._failure is None:
            confirmed = self.confirmed
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout):
                    await self._idle.wait()
            if self._pending and self._failure is None and self.confirmed == confirmed:
                raise self._gave_up()
        self._raise_failure()

    def _settle(self, future: asyncio.Future[Any]) -> None:
        self._pending -= 1
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._failure = self._failure or error
        elif not future.cancelled():
            self.confirmed += 1
        if not self._pending or self._failure is not None:
            self._idle.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._explained(self._failure) from self._failure

    def _explained(self, error: BaseException) -> Exception:
        if isinstance(error, TopicAuthorizationFailedError):
            return Refused(
                f"{self._where}: expected to be allowed to write to the topic, found it forbidden ({describe(error)}); "
                "give this user the right to write to it, or set kafka.accept so that its events go elsewhere"
            )
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            return Refused(
                f"{self._where}: expected topics that take batches of 2 MiB, found one that does not "
                f"({describe(error)}); set max.message.bytes=2097152 on the topics"
            )
        return Unavailable(
            f"{self._where}: expected every message confirmed, found an error ({describe(error)}) after "
            f"{self.confirmed} of them; send the rest again once the broker is well: an event counts once"
        )

    def _gave_up(self) -> Unavailable:
        return Unavailable(
            f"{self._where}: expected a confirmation within {self._timeout:g} s, found none for {self._pending} messages "
            f"({self.confirmed} were confirmed); send them again once the broker answers: an event counts once"
        )


async def _stop(producer: AIOKafkaProducer, *, unconfirmed: bool) -> None:
    """Stop a producer; with something unconfirmed its own `stop` would wait for the broker for ever."""
    sender = producer._sender.sender_task  # noqa: SLF001 - there is no other way; the version is pinned
    if unconfirmed and sender is not None:
        await producer.client.close()  # else its requests wait for their answers
        for _ in range(2):  # the first makes it wait for its requests, the second ends that
            sender.cancel()
            await asyncio.wait([sender], timeout=0.2)
        producer._closed = True  # noqa: SLF001 - as above
    with suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(FAREWELL_SECONDS):
            await producer.stop()
