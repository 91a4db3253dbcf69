"""Homes are where Kafka's own clients put a key; clients get the security that is configured."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections import Counter

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams import kafka
from streams.broker import DemoBroker
from streams.dead_letters import Origin, read_dead_letter
from streams.errors import Refused
from streams.kafka import partition_for
from streams.parsing import DeadLetter
from streams.settings import Settings, read_settings

# of Apache Kafka's own test, org.apache.kafka.common.utils.UtilsTest.testMurmur2
JAVA = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize("key", JAVA)
def test_a_home_is_where_kafkas_java_clients_put_the_key(key):
    assert partition_for(key, 12) == (JAVA[key] & 0x7FFFFFFF) % 12
    assert partition_for(key, 2**31) == JAVA[key] & 0x7FFFFFFF


def test_a_home_is_where_librdkafkas_murmur2_puts_the_key():
    projects = [*(f"project-{number}" for number in range(200)), "é", "日本語", "🙂", "a b", "*"]
    with DemoBroker({"annotations": 12}) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "partitioner": "murmur2"})
        for project in projects:
            producer.produce("annotations", key=project.encode(), value=b"x")
        assert producer.flush(20) == 0
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "g"})
        consumer.assign([TopicPartition("annotations", number, 0) for number in range(12)])
        found: dict[str, int] = {}
        while len(found) < len(projects):
            message = consumer.poll(20)
            assert message is not None
            assert message.error() is None
            found[message.key().decode()] = message.partition()
        consumer.close()
    assert found == {project: partition_for(project, 12) for project in projects}
    assert len(Counter(found.values())) == 12


# -------------------------------------------------------------------------------------------------------------- security


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A certificate that vouches for itself, its key, and another key that does not belong to it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: nothing else here makes certificates")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("one", "other"):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "30", "-subj", "/CN=localhost"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    command = ["openssl", "ec", "-in", "one.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "password").write_text("hunter2\n", encoding="utf-8")
    (folder / "empty").write_text("\n", encoding="utf-8")
    return folder


def secured(folder, **changes) -> Settings:
    keys = {
        "bootstrap_servers": "broker.example:9093,[::1]:9094",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_username": "monitor",
        "sasl_password_file": str(folder / "password"),
        "ssl_ca_file": str(folder / "one.pem"),
        **changes,
    }
    return read_settings({"kafka": keys}, {}, "kw.toml")


def test_aiokafka_gets_the_security_that_is_configured(certificates):
    options = kafka.producer_options(secured(certificates))
    context = options.pop("ssl_context")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert options == {
        "bootstrap_servers": ["broker.example:9093", "[::1]:9094"],
        "client_id": "kappawatch",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "monitor",
        "sasl_plain_password": "hunter2",
        "acks": "all",
        "enable_idempotence": True,
        "max_request_size": 2097152,
    }


def test_librdkafka_gets_the_security_that_is_configured(certificates):
    pem, key = str(certificates / "one.pem"), str(certificates / "one.key")
    assert kafka.librdkafka_options(secured(certificates, ssl_certificate_file=pem, ssl_key_file=key)) == {
        "bootstrap.servers": "broker.example:9093,[::1]:9094",
        "client.id": "kappawatch",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "monitor",
        "sasl.password": "hunter2",
        "ssl.ca.location": pem,
        "ssl.certificate.location": pem,
        "ssl.key.location": key,
    }


def test_faust_gets_the_security_that_is_configured(certificates):
    import faust

    app = faust.App(**kafka.faust_options(secured(certificates, session_timeout_seconds=120)))
    credentials = app.conf.broker_credentials
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (credentials.username, credentials.password) == ("monitor", "hunter2")
    assert credentials.ssl_context.verify_mode == ssl.CERT_REQUIRED
    assert [(url.host, url.port) for url in app.conf.broker] == [("broker.example", 9093), ("::1", 9094)]
    assert app.conf.broker_session_timeout < app.conf.broker_request_timeout
    tls = {"security_protocol": "SSL", "sasl_username": "", "sasl_password_file": ""}
    app = faust.App(**kafka.faust_options(secured(certificates, **tls)))
    assert app.conf.broker_credentials.protocol.value == "SSL"
    assert "broker_credentials" not in kafka.faust_options(Settings())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"sasl_password_file": "missing"},
            r"kafka.sasl_password_file: expected a file with the password, found none .*No such file",
        ),
        (
            {"sasl_password_file": "{}/empty"},
            r"kafka.sasl_password_file: expected a file with the password, found an empty one",
        ),
        ({"ssl_ca_file": "missing.pem"}, r"kafka.ssl_ca_file: expected a file of CA certificates .* \(No such file"),
        ({"ssl_ca_file": "{}/password"}, r"kafka.ssl_ca_file: expected a file of CA certificates"),
        ({"ssl_certificate_file": "{}/one.pem"}, r"kafka.ssl_certificate_file: expected a certificate and"),
        (
            {"ssl_certificate_file": "{}/one.pem", "ssl_key_file": "{}/other.key"},
            r"kafka.ssl_certificate_file: expected .* \(KEY_VALUES_MISMATCH\)",
        ),
        (
            {"ssl_certificate_file": "{}/one.pem", "ssl_key_file": "{}/locked.key"},
            r"kafka.ssl_certificate_file: expected .* its unencrypted key",
        ),
    ],
    ids=["no password", "empty password", "no CA", "not a CA", "no key", "another key", "locked key"],
)
def test_files_that_do_not_serve_are_refused(changes, says, certificates):
    changes = {name: path.format(certificates) for name, path in changes.items()}
    settings = secured(certificates, **changes)
    for options in (kafka.client_options, kafka.librdkafka_options, kafka.faust_options):
        with pytest.raises(Refused, match=f"^kw.toml: {says}"):
            options(settings)


# ---------------------------------------------------------------------------------------------------------- dead letters


def headers(**changes: bytes) -> list[tuple[str, bytes]]:
    named = {"reason": b"bad_time", "path": b"$.time", "origin": b"annotations/3/17", "length": b"2", "sha256": b"ab"}
    return [(f"kappawatch-{name}", value) for name, value in {**named, **changes}.items()]


def test_a_dead_letter_is_read_from_its_message():
    letter, origin = read_dead_letter(b"{}", headers())
    assert (letter, origin) == (DeadLetter("bad_time", "$.time", b"{}", 2, "ab"), Origin("annotations", 3, 17))
    assert Origin.of(str(origin)) == origin


@given(
    st.lists(st.tuples(st.sampled_from([name for name, _ in headers()]), st.none() | st.binary())),
    st.none() | st.binary(),
)
def test_a_message_of_another_program_is_a_value_error_and_nothing_else(strange, value):
    try:
        letter, _ = read_dead_letter(value, (*headers(), *strange))
    except ValueError:
        return
    assert letter.value == (value or b"")


@pytest.mark.parametrize("changes", [{"origin": b"a/b"}, {"origin": b"a/1/x"}, {"length": b"many"}, {"path": b"\xff"}])
def test_headers_that_do_not_fit_are_a_value_error(changes):
    with pytest.raises(ValueError, match="expected the headers of a dead letter"):
        read_dead_letter(b"{}", headers(**changes))
    with pytest.raises(ValueError, match="expected the headers of a dead letter"):
        read_dead_letter(b"{}", ())


def test_options_are_those_that_aiokafka_knows():
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def make() -> None:
        AIOKafkaProducer(**kafka.producer_options(Settings()))
        AIOKafkaConsumer(**kafka.consumer_options(Settings()))

    asyncio.run(make())
