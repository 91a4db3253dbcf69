"""Apache Kafka (KRaft, one node) from its Maven jars."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.servers.process import FailedProcessError, free_port, program, wait_until
from tests.servers.server import Server

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "kafka"
CLUSTER = "kappawatch-tests-00000"  # 22 characters of base64, as Kafka wants; a random one may start with "-"
INSTALL_JAVA = "apt-get install -y --no-install-recommends default-jre-headless"
INSTALL_MAVEN = "apt-get install -y --no-install-recommends maven"

# A test's broker lives for minutes and carries little: a small heap, and a JIT compiler that is ready early.
JVM = ["-Xmx512m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"]
JVM += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]

SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    # a broker that was killed may register again only when its old session has run out
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "250",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "log.cleaner.dedupe.buffer.size": "16777216",
}


class ApacheKafka(Server):
    """A broker that is its own controller; topics are created by name, never by surprise."""

    name: ClassVar[str] = "kafka"

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.port = free_port()
        self.controller_port = free_port()
        self.settings = dict(settings or {})

    @property
    def bootstrap(self) -> str:
        """The address clients start from."""
        return f"127.0.0.1:{self.port}"

    def admin(self) -> AdminClient:
        """A new administration client."""
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def create_topic(self, name: str, partitions: int = 1, settings: Mapping[str, str] | None = None) -> None:
        """Creates a topic and returns once every partition has a leader."""
        admin = self.admin()
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(settings or {}))
        admin.create_topics([topic])[name].result(30)

        def led() -> bool:
            known = admin.list_topics(name, timeout=5).topics[name].partitions
            return len(known) == partitions and all(partition.leader >= 0 for partition in known.values())

        wait_until(led, 30, f"all {partitions} partitions of {name} have a leader")

    def delete_topic(self, name: str) -> None:
        """Deletes a topic and returns once the broker no longer names it."""
        admin = self.admin()
        admin.delete_topics([name])[name].result(30)
        wait_until(lambda: name not in admin.list_topics(timeout=5).topics, 30, f"{name} is gone")

    def _prepare(self) -> None:
        listeners = f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}"
        settings = {
            **SETTINGS,
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listeners": listeners,
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": str(self.folder / "data"),
            **self.settings,
        }
        text = "".join(f"{key}={value}\n" for key, value in settings.items())
        (self.folder / "server.properties").write_text(text, encoding="ascii")
        command = [*_java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", "server.properties"]
        finished = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        if finished.returncode:
            raise FailedProcessError(f"Kafka's folder could not be formatted\n{finished.stdout}{finished.stderr}")

    def _command(self) -> list[str]:
        return [*_java(), "kafka.Kafka", "server.properties"]

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        with suppress(KafkaException):
            return bool(self.admin().list_topics(timeout=5).brokers)
        return False


def _java() -> list[str]:
    return [program("java", install=INSTALL_JAVA), *JVM, "-cp", f"{_jars()}/*"]


def _jars() -> Path:
    """The folder of Kafka's jars, filled by Maven where it is not there yet."""
    version = ET.parse(POM).findtext(".//{*}kafka.version")  # noqa: S314 - our own file
    jars = CACHE / str(version)
    if not jars.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        maven = program("mvn", install=INSTALL_MAVEN)
        with tempfile.TemporaryDirectory(dir=CACHE) as part:
            goal = "dependency:copy-dependencies"
            command = [
                maven,
                "-B",
                "-q",
                "-f",
                str(POM),
                goal,
                "-DincludeScope=runtime",
                f"-DoutputDirectory={part}/jars",
            ]
            finished = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            if finished.returncode:
                raise FailedProcessError(f"Maven could not fetch Kafka's jars\n{finished.stdout}{finished.stderr}")
            if not jars.is_dir():  # else another run was faster
                shutil.move(f"{part}/jars", jars)
    return jars
