"""A worker whose broker, database or disk is away: it says so, is not ready, acknowledges nothing, and loses nothing."""

from __future__ import annotations

import json
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions

from tests.chaos.cluster import Cluster, Worker
from tests.chaos.traffic import PROJECTS, Sent, traffic
from tests.servers.kafka import ApacheKafka
from tests.servers.postgres import PostgreSQL
from tests.servers.process import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

MESSAGES = list(traffic(7, 900))
SESSION_SECONDS = 2
IMPATIENT = ("tests.integration.altered_worker", "impatient", "worker")
FIRST, SECOND = MESSAGES[: len(MESSAGES) // 2], MESSAGES[len(MESSAGES) // 2 :]


@pytest.fixture
def make(kafka: ApacheKafka, tmp_path: Path, fresh_name) -> Iterator[Callable[..., Cluster]]:
    made: list[Cluster] = []

    def cluster(store: str | None = None) -> Cluster:
        url = store or f"sqlite:///{tmp_path}/state.db"
        made.append(Cluster(kafka, url, tmp_path, fresh_name("faults"), session=SESSION_SECONDS))
        made[-1].create_topics()
        return made[-1]

    yield cluster
    for cluster_ in made:
        cluster_.close()


def wait_ready(worker: Worker) -> None:
    worker.process.wait_until(lambda: worker.ready, 60, f"{worker.name} is ready")


def wait_not_ready(worker: Worker, why: str) -> None:
    """Not ready for this reason; meanwhile it is alive and answers scrapes."""

    def says_so() -> bool:
        with suppress(AssertionError):  # it does not listen yet
            status, text = worker.get("/readyz")
            return status == 503 and why in text
        return False

    worker.process.wait_until(says_so, 90, f"{worker.name} is not ready: {why}")
    for _ in range(5):
        assert worker.get("/metrics")[0] == 200
        assert worker.get("/healthz") == (200, "alive\n")
    assert why in worker.said


def committed(cluster: Cluster) -> dict:
    """What the group has acknowledged to Kafka."""
    admin = cluster.kafka.admin()
    request = [ConsumerGroupTopicPartitions(cluster.name)]
    found = admin.list_consumer_group_offsets(request)[cluster.name].result(30)
    return {(tp.topic, tp.partition): tp.offset for tp in found.topic_partitions}


def acknowledges_no_more_than_is_stored(cluster: Cluster) -> None:
    positions = cluster.positions()
    for place, offset in committed(cluster).items():
        assert offset <= positions.get(place, -1) + 1


def ends_well(cluster: Cluster, worker: Worker) -> None:
    """All is taken in, nothing is lost, and the worker ends in good order."""
    cluster.wait_for_the_end()
    wait_ready(worker)
    acknowledges_no_more_than_is_stored(cluster)
    assert cluster.stop(worker) == 0
    assert cluster.differences() == []


def test_a_broker_that_dies_and_comes_back(make) -> None:
    cluster = make()
    worker = cluster.start(IMPATIENT)
    cluster.publish(FIRST)
    cluster.wait_for_the_end()
    cluster.kafka.kill()
    wait_not_ready(worker, "broker away")
    cluster.kafka.start()
    wait_ready(worker)
    cluster.publish(SECOND)
    ends_well(cluster, worker)


def test_a_broker_that_does_not_answer_and_comes_back(make) -> None:
    cluster = make()
    worker = cluster.start(IMPATIENT)
    cluster.publish(FIRST)
    wait_ready(worker)
    cluster.kafka.pause()
    wait_not_ready(worker, "broker away")
    cluster.kafka.resume()
    wait_ready(worker)
    cluster.publish(SECOND)
    ends_well(cluster, worker)


@pytest.mark.parametrize("how", ["killed", "paused"])
def test_a_database_that_goes_away_and_comes_back(how: str, make, postgresql: PostgreSQL, postgresql_url: str) -> None:
    cluster = make(postgresql_url)
    worker = cluster.start()
    cluster.publish(FIRST)
    cluster.wait_for_the_end()
    if how == "killed":
        postgresql.kill()
    else:
        postgresql.pause()
    cluster.publish(SECOND)
    if how == "killed":
        wait_not_ready(worker, "store away")
        assert worker.metric("kappawatch_store_errors_total") > 0
    postgresql.heal()
    ends_well(cluster, worker)


def test_a_full_disk_that_has_room_again(make) -> None:
    cluster = make()
    worker = cluster.start()
    cluster.publish(FIRST)
    cluster.wait_for_the_end()
    _, most = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (4096, most))
    cluster.publish(SECOND)
    wait_not_ready(worker, "store away")
    acknowledges_no_more_than_is_stored(cluster)
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (most, most))
    ends_well(cluster, worker)


def test_a_store_that_another_program_locks_for_long(make) -> None:
    cluster = make()
    worker = cluster.start()
    cluster.publish(FIRST)
    cluster.wait_for_the_end()
    other = sqlite3.connect(cluster.store.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cluster.publish(SECOND)
    wait_not_ready(worker, "store away")
    other.execute("ROLLBACK")
    other.close()
    ends_well(cluster, worker)


@pytest.mark.parametrize("what", ["broker", "store"])
def test_at_its_start_it_waits_for_what_is_away(what: str, make, postgresql: PostgreSQL, postgresql_url: str) -> None:
    cluster = make(postgresql_url)
    cluster.publish(FIRST)
    server = cluster.kafka if what == "broker" else postgresql
    server.stop()
    worker = cluster.start(IMPATIENT)
    worker.process.wait_until(lambda: "listening" in worker.said, 60, "it listens")
    wait_not_ready(worker, f"{what} away")
    server.start()
    wait_ready(worker)
    ends_well(cluster, worker)


def test_messages_that_the_broker_refuses_for_good_block_nothing(make) -> None:
    cluster = make()
    cluster.kafka.delete_topic(f"{cluster.name}.letters")
    cluster.kafka.create_topic(f"{cluster.name}.letters", 1, {"max.message.bytes": "500"})
    worker = cluster.start()
    long = json.dumps({"type": "annotation", "note": "x" * 600}).encode()
    cluster.publish([*MESSAGES, Sent("annotations", 0, PROJECTS[0], long)])
    cluster.wait_for_the_end()
    connection = sqlite3.connect(cluster.store.removeprefix("sqlite:///"))
    failed = connection.execute("SELECT count(*) FROM outbox WHERE state = 'failed'").fetchone()[0]
    refused = connection.execute("SELECT sum(dead_letters) FROM homes").fetchone()[0]
    connection.close()
    published = {message.id for message in cluster.said() if message.topic.endswith(".letters")}
    assert failed > 0
    assert published
    assert failed + len(published) == refused
    wait_until(lambda: worker.metric("kappawatch_outbox_failed_total") == failed, 10, "the metric says so")
    wait_ready(worker)
    assert cluster.stop(worker) == 0


@pytest.mark.parametrize(
    ("away", "sign"),
    [
        ("nothing", signal.SIGTERM),
        ("nothing", signal.SIGINT),
        ("broker killed", signal.SIGTERM),
        ("broker paused", signal.SIGINT),
        ("store killed", signal.SIGINT),
        ("store paused", signal.SIGTERM),
    ],
)
def test_it_ends_in_good_order_whatever_is_away(
    away: str, sign: signal.Signals, make, postgresql: PostgreSQL, postgresql_url: str
) -> None:
    cluster = make(postgresql_url)
    worker = cluster.start(forked=away != "nothing")
    cluster.publish(FIRST)
    cluster.wait_for_the_end()
    wait_ready(worker)
    server = cluster.kafka if "broker" in away else postgresql
    if "killed" in away:
        server.kill()
    elif "paused" in away:
        cluster.publish(SECOND)
        server.pause()
    assert worker.process.stop(15, sign) == 0, worker.process.tail()
    assert "Traceback" not in worker.said
    server.heal()


def test_a_worker_that_makes_no_progress_ends_itself(make) -> None:
    cluster = make()
    worker = cluster.start(("tests.integration.altered_worker", "hang", "worker"))
    cluster.publish(FIRST)
    assert worker.process.wait(90) == 3
    assert "no progress" in worker.said
    cluster.workers.remove(worker)
    ends_well(cluster, cluster.start())
