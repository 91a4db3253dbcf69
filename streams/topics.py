"""`kappawatch topics create`: the topics, with the settings that `docs/configuration.md` explains, never by surprise."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from streams.arguments import positive, whole
from streams.errors import Refused, Unavailable
from streams.kafka import LARGEST_BATCH, librdkafka_options
from streams.settings import Settings, add_config_argument, load_settings

DAY_MS: Final = 86_400_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be; a consumed one is split among the homes, so its partition count is exact."""

    name: str
    consumed: bool
    partitions: int
    replication_factor: int
    config: Mapping[str, str]


def planned(settings: Settings) -> list[Topic]:
    """The topics of a configuration.

    Nothing is compacted: all are keyed by project, so compaction would keep one event, or one alarm, of a project.

    >>> [(topic.name, topic.config["retention.ms"]) for topic in planned(Settings())]
    [('annotations', '-1'), ('gold', '-1'), ('alerts', '7776000000'), ('dead-letters', '1209600000')]
    """
    kafka = settings.kafka
    days = dict.fromkeys(kafka.topics, kafka.retention_days)
    days[kafka.alerts_topic] = kafka.alerts_retention_days
    days[kafka.dead_letters_topic] = kafka.dead_letters_retention_days
    return [
        Topic(
            name,
            name in kafka.topics,
            kafka.partitions,
            kafka.replication_factor,
            {
                "cleanup.policy": "delete",
                "retention.ms": str(-1 if kept == -1 else kept * DAY_MS),
                "max.message.bytes": str(LARGEST_BATCH),
                # retention counts from arrival: a producer's wrong clock neither deletes events nor keeps them
                "message.timestamp.type": "LogAppendTime",
                # with acks=all, a write that was confirmed outlives the loss of a broker
                **({"min.insync.replicas": "2"} if kafka.replication_factor >= 3 else {}),
            },
        )
        for name, kept in days.items()
    ]


class Cluster:
    """The broker, asked and told about topics within a time limit; the time starts with the object.

    `patience` says how whoever asks can be given more time, if at all.
    """

    def __init__(self, settings: Settings, timeout: float, *, patience: str = "") -> None:
        self._where = f"Kafka at {settings.kafka.bootstrap_servers}"
        self._timeout = timeout
        self._patience = patience
        self._end = time.monotonic() + timeout
        self._trouble = ""
        options: dict[str, Any] = {**librdkafka_options(settings), "error_cb": self._note, "log_level": 2}
        self._client = AdminClient(options, logger=log)

    def partitions(self) -> dict[str, int]:
        """The partition count of every topic that the broker shows us; asking for all creates none."""
        listed = self._ask(lambda patience: self._client.list_topics(timeout=patience))
        return {name: len(topic.partitions) for name, topic in listed.topics.items() if topic.error is None}

    def config(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """The settings of topics; none of one whose settings we may not read."""
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]

        def describe(patience: float) -> dict[str, dict[str, str]]:
            found: dict[str, dict[str, str]] = {}
            for resource, future in self._client.describe_configs(resources, request_timeout=patience).items():
                try:
                    entries = future.result()
                except KafkaException as error:
                    if error.args[0].code() not in _FORBIDDEN:
                        raise
                    entries = {}
                found[resource.name] = {name: entry.value for name, entry in entries.items()}
            return found

        return self._ask(describe) if names else {}

    def create(self, topics: Sequence[Topic]) -> list[str]:
        """Create topics, all or (where one exists by now) the others; returns the names created, once they have leaders."""
        wanted = {
            topic.name: NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=topic.replication_factor,
                config=dict(topic.config),
            )
            for topic in topics
        }
        created = []

        def ask(patience: float) -> None:
            remaining = [wanted[name] for name in wanted if name not in created]
            if not remaining:
                return
            for name, future in self._client.create_topics(remaining, request_timeout=patience).items():
                try:
                    future.result()
                    created.append(name)
                except KafkaException as error:
                    if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                        del wanted[name]
                    elif error.args[0].retriable():
                        raise
                    else:
                        raise Refused(self._why_not(name, error.args[0])) from None

        self._ask(ask)
        self._ask(lambda patience: self._led(created, patience))
        return created

    def _led(self, names: Sequence[str], patience: float) -> None:
        """Raise, to be asked again, while a new topic has a partition without a leader."""
        listed = self._client.list_topics(timeout=patience).topics
        for name in names:
            if name not in listed or any(part.leader < 0 for part in listed[name].partitions.values()):
                time.sleep(0.05)
                raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))

    def _why_not(self, name: str, error: KafkaError) -> str:
        if error.code() in _FORBIDDEN:
            remedy = "ask the cluster's operator to create the topics, or for the right to create and describe them"
        elif error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
            remedy = "set kafka.replication_factor (or --replication-factor) to at most the number of brokers"
        else:
            remedy = "mend the setting it names, or the broker's policy"
        return f"{self._where}: expected to create topic {name}, found it refused: {error.str()}; {remedy}"

    def _ask(self, question: Callable[[float], Any]) -> Any:
        """An answer before the time is over; errors that pass are waited out, in short steps that Ctrl-C interrupts."""
        while True:
            patience = self._end - time.monotonic()
            if patience <= 0:
                raise Unavailable(
                    f"{self._where}: expected an answer within {self._timeout:g} s, found none ({self._trouble}); "
                    f"check that the broker runs, kafka.bootstrap_servers and kafka.security_protocol{self._patience}"
                )
            try:
                return question(min(patience, 2.0))
            except KafkaException as error:
                self._client.poll(0)  # librdkafka's own account, which says more, comes by callback
                self._trouble = self._trouble or error.args[0].str()
                time.sleep(min(0.1, max(patience, 0)))

    def _note(self, error: KafkaError) -> None:
        self._trouble = error.str()
        log.debug("%s: %s", self._where, error.str())


_FORBIDDEN: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001 - librdkafka's own error, public under this name
)


def create(settings: Settings, timeout: float) -> list[str]:
    """Create the topics that are missing, and say of each what was done; a topic that cannot serve is refused first."""
    topics = planned(settings)
    cluster = Cluster(settings, timeout, patience=", or raise --timeout")
    counts = cluster.partitions()
    _check_counts(topics, counts, settings)
    there = [topic for topic in topics if topic.name in counts]
    config = cluster.config([topic.name for topic in there])
    differences = {topic.name: _differences(topic, config[topic.name], settings) for topic in there}
    created = cluster.create([topic for topic in topics if topic.name not in counts])
    counts = cluster.partitions()
    _check_counts(topics, counts, settings)  # another program may have been faster
    return [
        f"{topic.name}: {'created' if topic.name in created else 'exists'}, {counts[topic.name]} partitions"
        + "".join(f"\n  {difference}" for difference in differences.get(topic.name, []))
        for topic in topics
    ]


def _check_counts(topics: Sequence[Topic], counts: Mapping[str, int], settings: Settings) -> None:
    for topic in topics:
        found = counts.get(topic.name, topic.partitions)
        if topic.consumed and found != topic.partitions:
            raise Refused(
                f"{settings.origin}: topic {topic.name}: expected {topic.partitions} partitions (kafka.partitions, "
                f"equal for all consumed topics), found {found}; nothing was created. Set kafka.partitions (or "
                f"--partitions) to {found} if no worker has used the other topics yet, or publish to a new topic: "
                "the count of a topic in use must not change, since a project's home depends on it"
            )


def _differences(topic: Topic, found: Mapping[str, str], settings: Settings) -> list[str]:
    """What an existing topic has otherwise; none where its settings cannot be read."""
    if topic.consumed and "compact" in found.get("cleanup.policy", ""):
        raise Refused(
            f"{settings.origin}: topic {topic.name}: expected cleanup.policy=delete, found "
            f"{found['cleanup.policy']}; nothing was created. Events are keyed by project, so compaction would delete all "
            f"but a project's last event: set cleanup.policy=delete on the topic"
        )
    return [
        f"{name} is {found[name]}, kappawatch would set {wanted}"
        for name, wanted in topic.config.items()
        if name in found and found[name] != wanted
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `kappawatch topics`."""
    commands = parser.add_subparsers(dest="topics_command", required=True, metavar="create")
    creating = commands.add_parser("create", help="create the topics that are missing")
    add_config_argument(creating)
    creating.add_argument("--partitions", type=whole(), metavar="N", help="of each topic (default: kafka.partitions)")
    creating.add_argument(
        "--replication-factor",
        type=whole(),
        metavar="N",
        help="-1: the broker's own (default: kafka.replication_factor)",
    )
    creating.add_argument(
        "--timeout", type=positive, default=30.0, metavar="SECONDS", help="give up after this long (default: 30)"
    )


def run(args: argparse.Namespace) -> int:
    """Carry out `kappawatch topics create`."""
    names = ("partitions", "replication_factor")
    arguments = {f"kafka.{name}": getattr(args, name) for name in names if getattr(args, name) is not None}
    settings = load_settings(args.config, os.environ, arguments)
    for line in create(settings, args.timeout):
        sys.stdout.write(f"{line}\n")
    return 0
