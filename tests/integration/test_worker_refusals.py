"""What a worker refuses: with a clear error on standard error, exit code 2, and the store as it was."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewPartitions

from streams.store.tables import TABLES, TASKS
from tests.chaos.cluster import ROOT, Cluster
from tests.chaos.traffic import traffic
from tests.servers.kafka import ApacheKafka

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

MESSAGES = list(traffic(8, 400))
SESSION_SECONDS = 2
REBUILT = ("tests.integration.altered_worker", "new-statistics", "worker")
SLOW = ("tests.integration.altered_worker", "slow-steps", "worker")
DECLARED = '[projects."*".tasks."*"]\nlabel_type = "nominal"\nlabels = ["cat", "dog"]\n'


@pytest.fixture
def cluster(kafka: ApacheKafka, store_url: str, tmp_path: Path, fresh_name) -> Iterator[Cluster]:
    """A store that has taken in some events, and no worker."""
    made = Cluster(kafka, store_url, tmp_path, fresh_name("refusals"), session=SESSION_SECONDS)
    made.create_topics()
    made.publish(MESSAGES)
    worker = made.start()
    made.wait_for_the_end()
    assert made.stop(worker) == 0
    yield made
    made.close()


def content(url: str) -> dict[str, list]:
    """Every row of every table, and the schema's version."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        found = {table.name: connection.execute(f"SELECT * FROM {table.name}").fetchall() for table in TABLES}
        found["version"] = connection.execute("PRAGMA user_version").fetchall()
        connection.close()
        return found
    with psycopg.connect(url) as connection:
        return {
            table.name: connection.execute(f"SELECT * FROM {table.name} ORDER BY 1, 2").fetchall() for table in TABLES
        }


def refuses(cluster: Cluster, *words: str, options: tuple[str, ...] = ()) -> None:
    """A worker ends with code 2 and these words, and has touched nothing."""
    before = content(cluster.store)
    worker = cluster.start()
    code = worker.process.wait(60)
    cluster.workers.remove(worker)
    assert code == 2, worker.said
    last = worker.said.splitlines()[-1]
    assert last.startswith("kappawatch: ")
    assert "Traceback" not in worker.said
    for word in words:
        assert word in last
    assert content(cluster.store) == before


def delete(cluster: Cluster, *topics: str) -> None:
    for topic in topics:
        cluster.kafka.delete_topic(f"{cluster.name}.{topic}")


def create(cluster: Cluster, **partitions: int) -> None:
    for topic, count in partitions.items():
        cluster.kafka.create_topic(f"{cluster.name}.{topic}", count)


def test_an_unknown_key(cluster: Cluster) -> None:
    cluster.configure("[stor]\nurl = 3\n")
    refuses(cluster, "stor")


def test_other_projects_unless_told_to_adopt_them(cluster: Cluster) -> None:
    cluster.configure(DECLARED)
    refuses(cluster, "[projects]", "--adopt", "nothing was changed")


def test_a_missing_topic(cluster: Cluster) -> None:
    delete(cluster, "letters")
    refuses(cluster, f"{cluster.name}.letters", "topics create")


def test_a_log_that_was_made_anew_and_is_shorter(cluster: Cluster) -> None:
    delete(cluster, "annotations")
    create(cluster, annotations=cluster.partitions)
    refuses(cluster, f"topic {cluster.name}.annotations, partition", "ends at 0", "Nothing was changed")


def test_a_log_that_was_cut_above_the_position(cluster: Cluster) -> None:
    cluster.publish(MESSAGES)
    ends = {tp: end for tp, end in cluster.ends().items() if tp.topic.endswith(".annotations")}
    admin = cluster.kafka.admin()
    cuts = [TopicPartition(*tp, end) for tp, end in ends.items()]
    for future in admin.delete_records(cuts).values():
        future.result(30)
    refuses(cluster, f"topic {cluster.name}.annotations, partition", "begins at", "were deleted", "retention")


def test_unequal_partition_counts(cluster: Cluster) -> None:
    delete(cluster, "gold")
    create(cluster, gold=3)
    refuses(cluster, "equal partition counts", f"{cluster.name}.gold 3")


def test_other_partition_counts_than_the_store_remembers(cluster: Cluster) -> None:
    delete(cluster, "annotations", "gold")
    create(cluster, annotations=6, gold=6)
    refuses(cluster, "expected 4 partitions", f"{cluster.name}.gold 6")


def test_a_store_of_a_newer_schema(cluster: Cluster) -> None:
    if cluster.store.startswith("sqlite"):
        connection = sqlite3.connect(cluster.store.removeprefix("sqlite:///"))
        connection.execute("PRAGMA user_version = 99")
        connection.close()
    else:
        with psycopg.connect(cluster.store) as connection:
            connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    refuses(cluster, "schema version", "99")


def test_partition_counts_that_change_while_a_worker_runs(cluster: Cluster) -> None:
    worker = cluster.start()
    worker.process.wait_until(lambda: worker.ready, 60, "the worker is ready")
    before = content(cluster.store)
    topics = [f"{cluster.name}.annotations", f"{cluster.name}.gold"]
    admin = cluster.kafka.admin()  # kept: its futures end with it
    for future in admin.create_partitions([NewPartitions(topic, 6) for topic in topics]).values():
        future.result(30)
    options = {"bootstrap.servers": cluster.kafka.bootstrap, "group.id": cluster.name, "log_level": 0}
    another = Consumer({**options, "partition.assignment.strategy": "range"})  # brings about an assignment
    another.subscribe(topics)
    while worker.process.running:
        another.poll(0.1)
    another.close()
    assert worker.process.exit_code == 2
    assert "expected 4 partitions" in worker.said.splitlines()[-1]
    assert "restore the count, or begin a new store" in worker.said.splitlines()[-1]
    assert content(cluster.store) == before
    cluster.workers.remove(worker)


def test_a_running_worker_whose_configuration_another_one_has_replaced(cluster: Cluster) -> None:
    first = cluster.start()
    first.process.wait_until(lambda: first.ready, 60, "the worker is ready")
    cluster.configure(DECLARED)
    second = cluster.start(("streams.cli", "worker", "--adopt"))
    assert first.process.wait(60) == 2
    assert "[projects]" in first.said.splitlines()[-1]
    cluster.workers.remove(first)
    second.process.wait_until(lambda: second.ready, 60, "the other one is ready")
    cluster.publish(MESSAGES)
    cluster.wait_for_the_end()
    assert cluster.stop(second) == 0
    assert cluster.differences() == []


def test_an_adopted_configuration_rebuilds_the_changed_tasks(cluster: Cluster) -> None:
    before = content(cluster.store)
    cluster.configure(DECLARED)
    interrupted(cluster, (*SLOW, "--adopt"))
    finishes(cluster)
    after = content(cluster.store)
    assert after["scopes"] != before["scopes"]
    assert after["annotations"] == before["annotations"]
    assert len(after["adoptions"]) == len(after["tasks"])
    cluster.publish(MESSAGES)
    worker = cluster.start()
    cluster.wait_for_the_end()
    assert cluster.stop(worker) == 0
    assert cluster.differences() == []
    verified = subprocess.run(
        [sys.executable, "-m", "streams.cli", "verify", "--config", str(cluster.configuration)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, "everything is equal"), verified.stdout


def test_a_new_version_of_the_statistics_rebuilds_all_tasks(cluster: Cluster) -> None:
    """Statistics that the old version had wrong are right after it."""
    before = content(cluster.store)
    if cluster.store.startswith("sqlite"):
        connection = sqlite3.connect(cluster.store.removeprefix("sqlite:///"))
    else:
        connection = psycopg.connect(cluster.store)
    connection.execute("UPDATE scopes SET items = items + 1000")
    connection.execute("DELETE FROM pairs")
    connection.commit()
    connection.close()
    interrupted(cluster, REBUILT)
    finishes(cluster, REBUILT)
    after = content(cluster.store)
    assert sorted(after["scopes"]) == sorted(before["scopes"])
    assert sorted(after["pairs"]) == sorted(before["pairs"])
    assert cluster.differences() == []


def interrupted(cluster: Cluster, command: tuple[str, ...]) -> None:
    """A worker that is killed in the middle of its rebuild."""
    worker = cluster.start(command)
    worker.process.wait_until(lambda: max(rebuilt_to(cluster)) > 0, 60, "the worker is in the middle of a rebuild")
    cluster.kill(worker)
    assert max(rebuilt_to(cluster)) > 0


def rebuilt_to(cluster: Cluster) -> list[int]:
    """Up to which row each task was rebuilt; -1 if that is done."""
    return [int(row[TASKS.names.index("rebuilt_to")]) for row in content(cluster.store)["tasks"]]


def finishes(cluster: Cluster, command: tuple[str, ...] | None = None) -> None:
    worker = cluster.start(command)
    worker.process.wait_until(lambda: worker.ready, 60, "the worker is ready")
    assert max(rebuilt_to(cluster)) == -1
    assert cluster.stop(worker) == 0
