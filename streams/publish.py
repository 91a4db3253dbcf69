"""`kappawatch publish`: files of JSON lines to Kafka, each event to its topic and home; refused events once more.

A line that a worker will refuse is sent all the same, since the worker counts it and keeps it; one that has no project
or no known type has nowhere to go: it is reported, and the exit code is 2 when the rest is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from rich.progress import Progress

from streams import logs
from streams.arguments import positive
from streams.dead_letters import read_dead_letter
from streams.errors import Refused, Unavailable
from streams.kafka import consumer_options
from streams.lines import Lines, check_readable
from streams.logs import describe
from streams.output import progress_bar
from streams.parsing import REASONS, DeadLetter, Parser
from streams.publisher import Message, Publisher, Router
from streams.settings import Settings, add_config_argument, load_settings

FIRST_SHOWN: Final = 10


@dataclass(slots=True)
class Published:
    """What became of the lines: events by topic, what a worker will refuse, and what could not be sent."""

    sent: Counter[str] = field(default_factory=Counter)
    will_be_refused: int = 0
    not_sent: int = 0
    first: list[str] = field(default_factory=list)

    def note(self, where: str, letter: DeadLetter, *, sent: bool) -> None:
        """Count a refused event, and remember the first ones."""
        if sent:
            self.will_be_refused += 1
        else:
            self.not_sent += 1
        if len(self.first) < FIRST_SHOWN:
            fate = "sent, but a worker will refuse it" if sent else "not sent"
            self.first.append(f"{where}: {fate}: {letter.reason} at {letter.path}")


async def publish(
    settings: Settings, files: Sequence[str], patience: float, progress: Progress | None = None
) -> Published:
    """Send the lines of files (`-`: standard input), in order."""
    published = Published()
    router = Router(settings)
    check_readable(files)
    async with Publisher(settings, timeout=patience) as publisher:
        for name in files:
            with Lines(name) as lines:
                bar = None if progress is None else progress.add_task(lines.name, total=lines.size)
                for number, line in lines:
                    for message in router.route(line):
                        where = f"{lines.name}: line {number}"
                        if isinstance(message, Message):
                            await publisher.deliver(message.topic, message.project, message.value)
                            published.sent[message.topic] += 1
                            for letter in message.refused:
                                published.note(where, letter, sent=True)
                        else:
                            published.note(where, message, sent=False)
                    if progress is not None and bar is not None and number % 200 == 0:
                        progress.update(bar, completed=lines.position)
    return published


# ------------------------------------------------------------------------------------------------------- dead letters


@dataclass(slots=True)
class SentAgain:
    """What became of the dead letters: sent by topic, and skipped by why."""

    sent: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


async def publish_dead_letters(settings: Settings, reason: str | None, patience: float) -> SentAgain:
    """Send to its origin topic each refused message that is accepted there by now.

    To its own topic and no other: who may write to one topic must not reach another through a dead letter. What is
    still refused stays where it is, so that trying again does not add to the dead letters.
    """
    result = SentAgain()
    parsers = {topic: Parser(settings.accepts(topic)) for topic in settings.kafka.topics}
    seen: set[bytes] = set()
    async with (
        Publisher(settings, timeout=patience) as publisher,
        aclosing(_read_to_end(settings, patience)) as messages,
    ):
        async for value, headers in messages:
            try:
                letter, origin = read_dead_letter(value, headers)
            except ValueError:
                result.skipped["not a dead letter of kappawatch"] += 1
                continue
            if reason is not None and letter.reason != reason:
                continue
            if letter.length > len(letter.value):
                result.skipped["kept only in part"] += 1
            elif letter.sha256 != hashlib.sha256(letter.value).hexdigest():
                result.skipped["damaged"] += 1
            elif origin.topic not in parsers:
                result.skipped["from a topic that is not consumed"] += 1
            else:
                outcomes = list(parsers[origin.topic].parse(letter.value))
                event = next((each for each in outcomes if not isinstance(each, DeadLetter)), None)
                content = hashlib.sha256(f"{origin.topic}/{letter.sha256}".encode()).digest()[:16]
                if event is None:
                    result.skipped[f"still refused: {_reason(outcomes[0])}"] += 1
                elif content in seen:
                    result.skipped["the same again"] += 1
                else:
                    seen.add(content)
                    await publisher.deliver(origin.topic, event.project, letter.value)
                    result.sent[origin.topic] += 1
    return result


def _reason(outcome: object) -> str:
    return outcome.reason if isinstance(outcome, DeadLetter) else ""


async def _read_to_end(settings: Settings, patience: float) -> AsyncGenerator[tuple[bytes | None, Any], None]:
    """The messages that the dead-letters topic holds now: value and headers."""
    topic = settings.kafka.dead_letters_topic
    where = f"Kafka at {settings.kafka.bootstrap_servers}"
    consumer = AIOKafkaConsumer(**consumer_options(settings))
    try:
        async with asyncio.timeout(patience):
            await consumer.start()
            cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - asks without creating the topic
            numbers = cluster.partitions_for_topic(topic)
            if not numbers:
                raise Refused(
                    f"{where}: expected topic {topic}, found none that this user may see; "
                    "create it with: kappawatch topics create"
                )
            partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            starts = await consumer.beginning_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, starts[partition])
        waiting = {partition for partition in partitions if starts[partition] < ends[partition]}
        positions = dict(starts)
        last_news = time.monotonic()
        while waiting:
            found = await consumer.getmany(*waiting, timeout_ms=1000)
            for partition, records in found.items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield record.value, record.headers
            before = sum(positions.values())
            for partition in list(waiting):
                positions[partition] = await consumer.position(partition)  # past control records too
                if positions[partition] >= ends[partition]:
                    waiting.discard(partition)
            if sum(positions.values()) > before:
                last_news = time.monotonic()
            elif time.monotonic() - last_news > patience:
                raise Unavailable(f"{where}: expected the rest of topic {topic} within {patience:g} s, found no answer")
    except (KafkaError, OSError) as error:
        raise Unavailable(
            f"{where}: expected to read topic {topic}, found an error ({describe(error)}); check that the broker runs, "
            "and that this user may read the topic, or raise --timeout"
        ) from None
    finally:
        await consumer.stop()


# ------------------------------------------------------------------------------------------------------------ command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `kappawatch publish`."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="JSON lines, also compressed with gzip; -: standard input"
    )
    parser.add_argument(
        "--dead-letters",
        action="store_true",
        help="instead of files: send refused messages that are accepted by now again",
    )
    parser.add_argument(
        "--reason", choices=REASONS, metavar="REASON", help="only those that were refused for this reason"
    )
    add_config_argument(parser)
    parser.add_argument(
        "--timeout",
        type=positive,
        default=30.0,
        metavar="SECONDS",
        help="give up when the broker confirms nothing for this long (default: 30)",
    )


def run(args: argparse.Namespace) -> int:
    """Carry out `kappawatch publish`."""
    if bool(args.files) == args.dead_letters:
        raise Refused("publish: expected files or --dead-letters, found both or neither; name what is to be sent")
    if args.reason is not None and not args.dead_letters:
        raise Refused("publish: expected --dead-letters with --reason, found files; leave --reason out")
    settings = load_settings(args.config, os.environ)
    logs.configure(settings.log.level, settings.log.format)
    if args.dead_letters:
        again = asyncio.run(publish_dead_letters(settings, args.reason, args.timeout))
        _say(sys.stdout, f"{_sum_by_topic(again.sent)} sent again")
        for why, count in sorted(again.skipped.items()):
            _say(sys.stdout, f"{count:,} skipped: {why}")
        return 0
    with progress_bar() as progress:
        published = asyncio.run(publish(settings, args.files, args.timeout, progress))
    for line in published.first:
        _say(sys.stderr, line)
    _say(sys.stdout, f"{_sum_by_topic(published.sent)} sent")
    if published.will_be_refused:
        _say(sys.stdout, f"{published.will_be_refused:,} events in them will be dead letters: see the lines above")
    if published.not_sent:
        _say(
            sys.stderr,
            f"{published.not_sent:,} events were not sent: expected a project and a type that a consumed topic accepts; "
            "mend them and publish again (an event counts once, so the whole file may be sent again)",
        )
    return 2 if published.not_sent else 0


def _say(stream: Any, line: str) -> None:
    stream.write(f"{line}\n")


def _sum_by_topic(counts: Counter[str]) -> str:
    """Counts in words.

    >>> _sum_by_topic(Counter(gold=2, annotations=1000))
    '1,002 messages (annotations 1,000, gold 2)'
    """
    parts = ", ".join(f"{topic} {count:,}" for topic, count in sorted(counts.items()))
    return f"{counts.total():,} messages" + (f" ({parts})" if parts else "")
