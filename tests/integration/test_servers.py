"""The servers the other tests stand on: each serves, keeps its data over a crash, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer

from tests.servers import chromium
from tests.servers.forked import ForkedProcess
from tests.servers.kafka import ApacheKafka
from tests.servers.postgres import PostgreSQL
from tests.servers.process import MissingProgramError, Process, free_port, program, wait_until
from tests.servers.prometheus import Alertmanager, Prometheus, amtool, promtool

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.integration


def publish(kafka: ApacheKafka, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def read(kafka: ApacheKafka, topic: str, group: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": group, "auto.offset.reset": "earliest", "log_level": 0}
    )
    consumer.subscribe([topic])
    try:
        values = [message.value() for message in consumer.consume(count, timeout=30)]
    finally:
        consumer.close()
    return [value for value in values if value is not None]


def test_kafka_carries_a_message_and_keeps_it_over_a_crash(
    kafka: ApacheKafka, fresh_name: Callable[[str], str]
) -> None:
    topic = fresh_name("smoke")
    kafka.create_topic(topic, partitions=3)
    publish(kafka, topic, b"before")
    assert read(kafka, topic, fresh_name("group"), 1) == [b"before"]
    address = kafka.bootstrap
    kafka.kill()
    kafka.start()
    assert kafka.bootstrap == address
    publish(kafka, topic, b"after")
    assert sorted(read(kafka, topic, fresh_name("group"), 2)) == [b"after", b"before"]
    kafka.delete_topic(topic)


def test_a_paused_kafka_answers_once_resumed(kafka: ApacheKafka, fresh_name: Callable[[str], str]) -> None:
    topic = fresh_name("pause")
    kafka.create_topic(topic)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    kafka.pause()
    producer.produce(topic, b"late")
    assert producer.flush(1) == 1
    kafka.resume()
    assert producer.flush(30) == 0


def test_postgresql_answers_and_keeps_rows_over_a_crash(postgresql: PostgreSQL, postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        connection.execute("create table kept as select 42 as n")
    postgresql.kill()
    postgresql.start()
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute("select n from kept").fetchone() == (42,)


def test_each_test_has_an_empty_database(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


def test_prometheus_sends_a_firing_alert_to_alertmanager() -> None:
    routes = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
    rules = "groups: [{name: smoke, interval: 1s, rules: [{alert: Always, expr: vector(1) > 0}]}]\n"
    with Alertmanager(routes) as alertmanager:
        configuration = (
            "global: {evaluation_interval: 1s}\n"
            "rule_files: [rules.yml]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager.target}']}}]}}]}}\n"
        )
        with Prometheus(configuration, {"rules.yml": rules}) as prometheus:
            assert prometheus.query("vector(1) + 1")[0]["value"][1] == "2"
            with pytest.raises(ValueError, match="parse error"):
                prometheus.query("vector(1) +")
            wait_until(lambda: bool(alertmanager.alerts()), 30, "the alert arrives")
            assert [alert["labels"]["alertname"] for alert in alertmanager.alerts()] == ["Always"]
            prometheus.files["rules.yml"] = "groups: []\n"
            prometheus.reload()
            assert prometheus.api("rules")["groups"] == []


def test_checkers_of_prometheus_and_alertmanager_run() -> None:
    for tool in (promtool(), amtool()):
        subprocess.run([tool, "--version"], check=True, capture_output=True, timeout=30)


@pytest.mark.browser
def test_chromium_draws_a_page(tmp_path: Path) -> None:
    assert "Chrom" in chromium.version()
    page = tmp_path / "page.html"
    page.write_text("<p id=p>old</p><script>setTimeout(() => { p.textContent = 'new' }, 1000)</script>")
    picture = tmp_path / "page.png"
    chromium.screenshot(page.as_uri(), picture, width=300, height=200)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert '<p id="p">new</p>' in chromium.document(page.as_uri())


def test_a_missing_program_says_how_to_install_it() -> None:
    with pytest.raises(
        MissingProgramError, match="no-such-server is not installed; install it with: apt-get install x"
    ):
        program("no-such-server", install="apt-get install x")


def test_free_ports_differ() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50


def test_killing_a_process_ends_its_children_in_other_sessions(tmp_path: Path) -> None:
    process = Process(["sh", "-c", "setsid sleep 600 & echo $!; wait"], tmp_path / "log")
    wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"), 10, "the child's number")
    child = Path("/proc", (tmp_path / "log").read_text().strip())
    wait_until(lambda: "sleep" in (child / "cmdline").read_text(), 10, "the child runs")
    assert process.kill() == -9
    assert not child.exists() or "Z" in (child / "stat").read_text().split()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
@pytest.mark.parametrize("user", [None, PostgreSQL.user])
def test_nothing_outlives_a_killed_test_run(tmp_path: Path, user: str | None) -> None:
    log = tmp_path / "log"
    started = (
        "import pathlib, threading; from tests.servers.process import Process\n"
        "def start(): print(Process(['sleep', '600'], pathlib.Path('/dev/null'), user=%r).pid, flush=True)\n"
        "thread = threading.Thread(target=start); thread.start(); thread.join()\n"
        "threading.Event().wait()\n"
    )
    run = Process([sys.executable, "-c", started % user], log, folder=ROOT)
    run.wait_until(lambda: log.read_text().endswith("\n"), 30, "the server's number")
    server = Path("/proc", log.read_text().strip())
    wait_until(lambda: "sleep" in (server / "cmdline").read_text(), 10, "the server runs")
    subprocess.run(["kill", "-9", str(run.pid)], check=True)
    run.wait(10)
    wait_until(lambda: not server.exists() or "Z" in (server / "stat").read_text().split(), 10, "the server ended")


def test_a_forked_process_is_one_like_others(tmp_path: Path) -> None:
    refused = ForkedProcess(["streams.cli", "worker", "--config", "none.toml"], tmp_path / "refused", folder=tmp_path)
    assert refused.wait(30) == 2
    assert (tmp_path / "refused").read_text().startswith("kappawatch: ")
    killed, stopped, paused = (
        ForkedProcess(["http.server", "0", "--bind", "127.0.0.1"], tmp_path / "log") for _ in range(3)
    )
    assert killed.running
    assert killed.kill() == -9
    assert stopped.stop(30) == -15
    paused.pause()
    wait_until(lambda: "T" in Path(f"/proc/{paused.pid}/stat").read_text().split(), 10, "it stands still")
    assert paused.running
    assert paused.kill() == -9
    assert len({killed.pid, stopped.pid, paused.pid}) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_no_forked_process_outlives_a_killed_test_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    started = (
        "import pathlib, threading; from tests.servers.forked import ForkedProcess\n"
        "print(ForkedProcess(['http.server', '0', '--bind', '127.0.0.1'], pathlib.Path('/dev/null')).pid, flush=True)\n"
        "threading.Event().wait()\n"
    )
    run = Process([sys.executable, "-c", started], log, folder=ROOT)
    run.wait_until(lambda: log.read_text().endswith("\n"), 30, "the process's number")
    forked = Path("/proc", log.read_text().strip())
    assert forked.exists()
    subprocess.run(["kill", "-9", str(run.pid)], check=True)
    run.wait(10)
    wait_until(lambda: not forked.exists() or "Z" in (forked / "stat").read_text().split(), 10, "the process ended")
