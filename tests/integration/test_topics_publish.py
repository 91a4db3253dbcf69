"""Topics and publishing on a real Apache Kafka: what the broker was told, and what it then holds."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

from streams import publish, topics
from streams.errors import Refused, Unavailable
from streams.kafka import partition_for
from streams.publisher import Publisher
from streams.settings import Settings, read_settings
from streams.topics import create, planned
from tests.servers.kafka import ApacheKafka
from tests.servers.process import free_port, wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def keys(kafka, fresh_name) -> dict[str, object]:
    """Keys of the configuration, with topics that no other test has."""
    return {
        "bootstrap_servers": kafka.bootstrap,
        "topics": [fresh_name("annotations"), f"{fresh_name('x')}.gold"],
        "alerts_topic": fresh_name("alerts"),
        "dead_letters_topic": fresh_name("dead-letters"),
        "partitions": 3,
    }


@pytest.fixture
def settings(keys) -> Settings:
    return read_settings({"kafka": keys}, {})


def described(kafka, topic: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    admin = kafka.admin()  # it must outlive the answer
    (future,) = admin.describe_configs([resource]).values()
    return {name: entry.value for name, entry in future.result(20).items()}


def read(bootstrap: str, topic: str, partitions: int, **security: str) -> list:
    """All messages of a topic, of each partition in order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "log_level": 0, **security})
    every = [TopicPartition(topic, number) for number in range(partitions)]
    bounds: list[tuple[int, int]] = []

    def bounds_are_known() -> bool:  # a partition's leader may need a moment to know that it is
        with suppress(KafkaException):
            bounds[:] = [consumer.get_watermark_offsets(partition, timeout=30) for partition in every]
        return len(bounds) == partitions

    wait_until(bounds_are_known, 30, f"the partitions of {topic} say where they begin and end")
    consumer.assign([TopicPartition(topic, number, bounds[number][0]) for number in range(partitions)])
    found = []
    for _ in range(sum(end - start for start, end in bounds)):
        message = consumer.poll(30)
        assert message is not None
        assert message.error() is None
        found.append(message)
    consumer.close()
    return found


def line(kind: str, project: str, identity: object, **fields: object) -> bytes:
    own = {"annotation": {"item": "i", "annotator": "a", "label": "x"}, "gold": {"item": "i", "accepted": []}}[kind]
    head = {"type": kind, "id": str(identity), "source": "s", "time": "2026-01-05T08:00:00Z", "project": project}
    return json.dumps({**head, **own, **fields}).encode()


# ---------------------------------------------------------------------------------------------------------------- topics


def test_topics_are_created_as_documented_and_only_once(kafka, settings):
    names = [topic.name for topic in planned(settings)]
    assert create(settings, 30) == [f"{name}: created, 3 partitions" for name in names]
    compared = 0
    for topic in planned(settings):
        found = described(kafka, topic.name)
        for name, value in topic.config.items():
            assert found[name] == value, f"{topic.name}: {name}"
            compared += 1
    assert compared == 16
    assert create(settings, 30) == [f"{name}: exists, 3 partitions" for name in names]


def test_the_command_takes_counts_and_says_what_it_did(settings, keys, monkeypatch, capsys):
    for name, value in keys.items():
        monkeypatch.setenv(f"KAPPAWATCH_KAFKA__{name.upper()}", json.dumps(value) if name == "topics" else str(value))
    parser = argparse.ArgumentParser()
    topics.add_arguments(parser)
    assert topics.run(parser.parse_args(["create", "--partitions", "5", "--replication-factor", "1"])) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{topic.name}: created, 5 partitions" for topic in planned(settings)
    ]
    with pytest.raises(Refused, match=r"expected 3 partitions .*, found 5; nothing was created"):
        topics.run(parser.parse_args(["create"]))


def test_nothing_is_created_where_one_topic_cannot_serve(kafka, settings):
    first, second, *_ = planned(settings)
    kafka.create_topic(second.name, 2)
    with pytest.raises(Refused, match=rf"topic {second.name}: expected 3 partitions"):
        create(settings, 30)
    kafka.delete_topic(second.name)
    kafka.create_topic(second.name, 3, {"cleanup.policy": "compact"})
    with pytest.raises(Refused, match=rf"topic {second.name}: expected cleanup.policy=delete, found compact"):
        create(settings, 30)
    assert first.name not in kafka.admin().list_topics(timeout=20).topics


def test_other_settings_of_an_existing_topic_are_told(kafka, settings):
    alerts = settings.kafka.alerts_topic
    kafka.create_topic(alerts, 1, {"retention.ms": "1000", "message.timestamp.type": "LogAppendTime"})
    report = "\n".join(create(settings, 30))
    assert f"{alerts}: exists, 1 partitions\n" in report
    assert "  retention.ms is 1000, kappawatch would set 7776000000" in report
    assert "  max.message.bytes is 1048588, kappawatch would set 2097152" in report


def test_what_the_broker_refuses_is_refused_with_the_remedy(keys):
    with pytest.raises(Refused, match=r"found it refused: .*; set kafka.replication_factor"):
        create(read_settings({"kafka": {**keys, "replication_factor": 3}}, {}), 30)


def test_a_topic_that_appears_meanwhile_is_no_error(kafka, settings, monkeypatch):
    racing = settings.kafka.topics[0]

    class Racing(AdminClient):
        def create_topics(self, wanted, **options):
            kafka.create_topic(racing, 3)
            return super().create_topics(wanted, **options)

    monkeypatch.setattr(topics, "AdminClient", Racing)
    report = create(settings, 30)
    assert report[0] == f"{racing}: exists, 3 partitions"
    assert [entry.split(":")[1].split(",")[0] for entry in report[1:]] == [" created"] * 3


# ------------------------------------------------------------------------------------------------------------ publishing


def test_published_files_are_at_home_in_their_order(kafka, settings, tmp_path):
    create(settings, 30)
    projects = [f"project {number}" for number in range(7)]
    sent = [line(("annotation", "gold")[number % 2], projects[number % 7], number) for number in range(5000)]
    largest = line("annotation", "large", "large", padding="x" * 1_048_000)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join([*sent, largest]))
    report = asyncio.run(publish.publish(settings, [str(path)], 30))
    annotations, gold = settings.kafka.topics
    assert (report.sent, report.not_sent, report.will_be_refused) == ({annotations: 2501, gold: 2500}, 0, 0)
    for topic, kind in ((annotations, 0), (gold, 1)):
        found = read(kafka.bootstrap, topic, 3)
        expected = Counter(sent[kind::2]) + Counter([largest] if kind == 0 else [])
        assert Counter(message.value() for message in found) == expected
        places: dict[str, list[int]] = {}
        for message in found:
            event = json.loads(message.value())
            assert message.key().decode() == event["project"]
            assert message.partition() == partition_for(event["project"], 3)
            if event["id"] != "large":
                places.setdefault(event["project"], []).append(int(event["id"]))
        assert all(identities == sorted(identities) for identities in places.values())


def test_nothing_is_lost_or_repeated_while_the_broker_is_killed(kafka, settings):
    create(settings, 30)
    total, killed_at = 30_000, {5_000, 17_000}

    async def send() -> int:
        async with Publisher(settings, timeout=60) as publisher:
            restart = None
            for number in range(total):
                if number in killed_at:
                    if restart is not None:
                        await restart
                    kafka.kill()
                    restart = asyncio.get_running_loop().run_in_executor(None, kafka.start)
                await publisher.send(line("annotation", f"p{number % 5}", number))
            await restart
        return publisher.confirmed

    assert asyncio.run(send()) == total
    found = read(kafka.bootstrap, settings.kafka.topics[0], 3)
    identities = [int(json.loads(message.value())["id"]) for message in found]
    assert len(identities) == len(set(identities)) == total


# -------------------------------------------------------------------------------------------------------------- security


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CA's certificate that is the broker's own too, another one, and passwords."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: nothing else here makes certificates")
    folder = tmp_path_factory.mktemp("security")
    for name in ("broker", "other"):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"]
        command += ["-out", f"{name}.pem", "-days", "30", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    keystore = (folder / "broker.key").read_text("ascii") + (folder / "broker.pem").read_text("ascii")
    (folder / "keystore.pem").write_text(keystore, "ascii")
    (folder / "password").write_text("hunter2\n", "ascii")
    (folder / "wrong").write_text("hunter3\n", "ascii")
    return folder


@pytest.fixture(scope="module")
def secured(folder) -> Iterator[tuple[ApacheKafka, int]]:
    """A broker that takes TLS with a login only, beside the listener it uses for itself, and the port."""
    port = free_port()
    server = ApacheKafka()
    jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_monitor="hunter2";'
    inner = f"PLAINTEXT://127.0.0.1:{server.port}"
    server.settings.update(
        {
            "listeners": f"{inner},CONTROLLER://127.0.0.1:{server.controller_port},SASL_SSL://127.0.0.1:{port}",
            "advertised.listeners": f"{inner},SASL_SSL://127.0.0.1:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": jaas,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "keystore.pem"),
        }
    )
    with server:
        yield server, port


def secured_settings(folder, port: int, **changes: str) -> Settings:
    keys = {
        "bootstrap_servers": f"127.0.0.1:{port}",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "monitor",
        "sasl_password_file": str(folder / "password"),
        "ssl_ca_file": str(folder / "broker.pem"),
        **changes,
    }
    return read_settings({"kafka": keys}, {})


async def send_one(settings: Settings, patience: float) -> int:
    async with Publisher(settings, timeout=patience) as publisher:
        await publisher.send(line("gold", "cats", 1))
    return publisher.confirmed


def test_topics_and_publishing_work_with_tls_and_a_login(secured, folder):
    server, port = secured
    settings = secured_settings(folder, port)
    assert len(create(settings, 30)) == 4
    assert asyncio.run(send_one(settings, 30)) == 1
    assert [message.value() for message in read(server.bootstrap, "gold", 12)] == [line("gold", "cats", 1)]
    assert asyncio.run(publish.publish_dead_letters(settings, None, 30)).sent == {}


@pytest.mark.parametrize(
    ("key", "file", "says"),
    [
        ("sasl_password_file", "wrong", "Authentication failed"),
        ("ssl_ca_file", "other.pem", "certificate verify failed"),
    ],
)
def test_a_broker_that_does_not_take_us_or_is_another_is_named(key, file, says, secured, folder):
    settings = secured_settings(folder, secured[1], **{key: str(folder / file)})
    with pytest.raises(Unavailable, match=rf"expected an answer within 2 s, found none \(.*{says}"):
        create(settings, 2)
    with pytest.raises(Unavailable, match="expected a connection within 2 s, found none"):
        asyncio.run(send_one(settings, 2))
