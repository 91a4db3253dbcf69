"""A group of worker processes on real servers, its topics, and what these hold in the end."""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from faust.types.tuples import TP

from streams import site
from streams.errors import Refused
from streams.homes import Rules
from streams.kafka import partition_for
from streams.parsing import Parser
from streams.settings import Settings, load_settings
from streams.store import StoreFailed, open_store
from streams.store.tables import HOMES, OUTBOX
from tests.chaos.traffic import PARTITIONS, Sent
from tests.servers.forked import ForkedProcess
from tests.servers.kafka import ApacheKafka
from tests.servers.process import Process, wait_until
from tests.streams.oracle import (
    Said,
    differences_of_counts,
    differences_of_journal,
    differences_of_projects,
    differences_of_statistics,
)

ROOT = Path(__file__).resolve().parents[2]
SESSION_SECONDS = 6

CONFIGURATION = """
[kafka]
bootstrap_servers = "{bootstrap}"
topics = ["{name}.annotations", "{name}.gold"]
alerts_topic = "{name}.alerts"
dead_letters_topic = "{name}.letters"
group = "{name}"
session_timeout_seconds = {session}

[store]
url = "{store}"

[http]
listen = "127.0.0.1:0"

{more}
"""


@dataclass(frozen=True, slots=True)
class Read:
    """A message of a topic, with what a home asks of one."""

    offset: int
    value: bytes | None
    key: str | None
    headers: tuple[tuple[str, bytes], ...]


class WorkerEndedError(Exception):
    """A worker ended that nobody had ended."""


class Worker:
    """One worker process; one that is not forked does its imports itself, as a person's does."""

    def __init__(
        self, number: int, folder: Path, configuration: Path, command: Sequence[str], *, forked: bool = True
    ) -> None:
        self.name = f"worker {number}"
        self.log = folder / f"worker-{number}.log"
        command = [*command, "--config", str(configuration)]
        self.process = (
            ForkedProcess(command, self.log, folder=ROOT)
            if forked
            else Process([sys.executable, "-m", *command], self.log, folder=ROOT)
        )

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str, seconds: float = 5.0) -> tuple[int, str]:
        """Status and text of its answer to a request."""
        address = re.search(r"listening on (http://\S+)", self.said)
        assert address is not None, self.said
        try:
            with urllib.request.urlopen(f"{address[1]}{path}", timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    @property
    def ready(self) -> bool:
        with suppress(OSError, AssertionError):
            return self.get("/readyz")[0] == 200
        return False

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        text = self.get("/metrics")[1]
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(rf"{name}(\{{|\s)", line))


@dataclass
class Cluster:
    """Topics, a store, and the workers on them."""

    kafka: ApacheKafka
    store: str
    folder: Path
    name: str
    command: Sequence[str] = ("streams.cli", "worker")
    partitions: int = PARTITIONS
    session: float = SESSION_SECONDS
    more: str = ""
    workers: list[Worker] = field(default_factory=list)
    started: int = 0

    def __post_init__(self) -> None:
        self.configuration = self.folder / f"{self.name}.toml"
        self.configure()

    def configure(self, more: str = "", **other: str) -> None:
        """Write the configuration file."""
        values = {"bootstrap": self.kafka.bootstrap, "name": self.name, "store": self.store, "session": self.session}
        text = CONFIGURATION.format(**{**values, **other}, more=more or self.more)
        self.configuration.write_text(text, encoding="utf-8")

    @property
    def settings(self) -> Settings:
        return load_settings(self.configuration, {})

    def create_topics(self) -> None:
        for topic in ("annotations", "gold"):
            self.kafka.create_topic(f"{self.name}.{topic}", self.partitions)
        for topic in ("alerts", "letters"):
            self.kafka.create_topic(f"{self.name}.{topic}", 1)

    # -- workers ------------------------------------------------------------------------------------------------

    def start(self, command: Sequence[str] | None = None, *, forked: bool = True) -> Worker:
        """One more worker."""
        self.started += 1
        worker = Worker(self.started, self.folder, self.configuration, command or self.command, forked=forked)
        self.workers.append(worker)
        return worker

    def kill(self, worker: Worker) -> None:
        """As a power cut would."""
        self.workers.remove(worker)
        worker.process.kill()

    def stop(self, worker: Worker) -> int:
        """In good order; its exit code."""
        self.workers.remove(worker)
        return worker.process.stop(20)

    def close(self) -> None:
        for worker in list(self.workers):
            self.kill(worker)

    def members(self) -> int:
        """How many members the group has, if it is at rest; else 0."""
        admin = self.kafka.admin()
        with suppress(KafkaException):  # the coordinator may not know yet that it is
            described = admin.describe_consumer_groups([self.name])[self.name].result(30)
            return len(described.members) if described.state.name == "STABLE" else 0
        return 0

    # -- traffic ------------------------------------------------------------------------------------------------

    def publish(self, messages: Iterable[Sent]) -> int:
        """Produce messages; returns, once all are confirmed, how many they were."""
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap, "linger.ms": 5, "log_level": 0})
        count = 0
        for message in messages:
            topic = f"{self.name}.{message.topic}"
            producer.produce(topic, message.value, message.key, message.partition)
            producer.poll(0)
            count += 1
        assert producer.flush(120) == 0
        return count

    def read(self, topic: str) -> dict[TP, list[Read]]:
        """All messages of a topic, by partition."""
        found: dict[TP, list[Read]] = {}
        options = {"bootstrap.servers": self.kafka.bootstrap, "group.id": "reader", "log_level": 0}
        consumer = Consumer({**options, "enable.partition.eof": True, "fetch.queue.backoff.ms": 10})
        name = f"{self.name}.{topic}"
        numbers = list(consumer.list_topics(name, timeout=30).topics[name].partitions)
        bounds = {
            number: consumer.get_watermark_offsets(TopicPartition(name, number), timeout=30) for number in numbers
        }
        consumer.assign([TopicPartition(name, number, first) for number, (first, _) in bounds.items()])
        for number in numbers:
            found[TP(name, number)] = []
        left = sum(end - first for first, end in bounds.values())
        while left:
            for message in consumer.consume(left, timeout=10):
                if message.error() is None:
                    left -= 1
                    headers = tuple((key, bytes(value)) for key, value in message.headers() or ())
                    key = None if message.key() is None else message.key().decode()
                    read = Read(message.offset(), message.value(), key, headers)
                    found[TP(name, message.partition())].append(read)
        consumer.close()
        return found

    def log(self) -> dict[TP, list[Read]]:
        """The consumed topics."""
        return {**self.read("annotations"), **self.read("gold")}

    def said(self) -> list[Said]:
        """What the workers have published, repeats included."""
        found = []
        for topic in ("alerts", "letters", "annotations", "gold"):
            for tp, messages in self.read(topic).items():
                for message in messages:
                    headers = tuple((name, value.decode()) for name, value in message.headers)
                    if headers:  # the test's own messages have none
                        identity = dict(headers)["kappawatch-id"]
                        found.append(Said(tp.topic, identity, message.key, message.value or b"", headers))
        return found

    # -- the store ----------------------------------------------------------------------------------------------

    def received(self) -> int:
        """How many events the store has taken in."""
        return sum(int(row[3]) for row in self._homes())  # type: ignore[call-overload]

    def positions(self) -> dict[TP, int]:
        """The last offsets that the store covers."""
        found = {}
        for row in self._homes():
            for topic, position in json.loads(str(row[2])).items():
                found[TP(topic, int(row[0]))] = position  # type: ignore[arg-type]
        return found

    def _homes(self) -> list[Sequence[object]]:
        try:
            store = open_store(self.store, read_only=True)
        except (StoreFailed, Refused):  # no worker has made it yet
            return []
        try:
            return [row for number in store.homes() for row in store.scan(HOMES, number)]
        except StoreFailed:
            return []
        finally:
            store.close()

    def ends(self) -> dict[TP, int]:
        """The last offsets of the consumed topics; -1 where there is no message."""
        consumer = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "reader", "log_level": 0})
        found = {}
        for topic in ("annotations", "gold"):
            for number in range(self.partitions):
                tp = TP(f"{self.name}.{topic}", number)
                with suppress(KafkaException):
                    found[tp] = consumer.get_watermark_offsets(TopicPartition(*tp), timeout=30)[1] - 1
        consumer.close()
        return found

    def has_come_to_the_end(self) -> bool:
        """Whether all is taken in and all is said."""
        positions = self.positions()
        if any(positions.get(tp, -1) < end for tp, end in self.ends().items()):
            return False
        store = open_store(self.store, read_only=True)
        try:
            if any(row[-1] == "unsent" for number in store.homes() for row in store.scan(OUTBOX, number)):
                return False
        finally:
            store.close()
        return positions == self.positions()

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Wait for a condition while all workers run."""

        def settled() -> bool:
            for worker in self.workers:
                if not worker.process.running:
                    raise WorkerEndedError(
                        f"{worker.name} ended with {worker.process.exit_code}\n{worker.process.tail()}"
                    )
            return condition()

        wait_until(settled, seconds, what)

    def wait_for_the_end(self) -> None:
        self.wait_until(self.has_come_to_the_end, "all events are taken in and all messages are sent", 180)

    # -- what must be -------------------------------------------------------------------------------------------

    def rules(self) -> Rules:
        """As the workers have them."""
        settings = self.settings
        store = open_store(self.store, read_only=True)
        privacy = site.privacy(store, settings)
        store.close()
        return Rules(
            configure=settings.task_config,
            privacy=privacy,
            home_of=partial(partition_for, count=self.partitions),
            parsers={topic: Parser(settings.accepts(topic)) for topic in settings.kafka.topics},
            alerts_topic=settings.kafka.alerts_topic,
            dead_letters_topic=settings.kafka.dead_letters_topic,
            capacity=settings.memory.items,
        )

    def differences(self) -> list[str]:
        """What differs between store and topics, and what they should hold."""
        store, log, rules = open_store(self.store, read_only=True), self.log(), self.rules()
        found = list(differences_of_statistics(store, rules))
        try:
            found += differences_of_counts(store, log, rules)
            found += differences_of_projects(store, log, rules, seed=1)
        except ValueError as error:  # where more was taken back than was ever there
            found.append(f"projects: {error}")
        found += differences_of_journal(store, log, rules, self.said())
        store.close()
        return found
