"""Three workers, two topics, 40,000 events and ten faults: in the end everything is as if nothing had happened.

KAPPAWATCH_CHAOS_SEED repeats a run's traffic and plan of faults; the processes' own timing is never the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom

import pytest

from detectors.panes import PANE, hours_in
from streams.document import document
from streams.store import open_store
from streams.store.tables import SCOPES
from tests.chaos.cluster import ROOT, Cluster
from tests.chaos.faults import publish_under_faults
from tests.chaos.traffic import traffic
from tests.servers.kafka import ApacheKafka

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

SEED = int(os.environ.get("KAPPAWATCH_CHAOS_SEED", SystemRandom().randrange(10**6)))
EVENTS = 40_000
MERGING = """
[projects."*".tasks."*"]
hourly_days = 1
"""
FAULTS = ["kill"] * 5 + ["pause"] * 5 + ["leave", "join", "leave"]


@pytest.fixture
def cluster(kafka: ApacheKafka, store_url: str, tmp_path: Path, fresh_name) -> Iterator[Cluster]:
    made = Cluster(kafka, store_url, tmp_path, fresh_name("chaos"), more=MERGING)
    made.create_topics()
    yield made
    made.close()


def test_workers_that_die_and_pause_leave_what_a_batch_gives(cluster: Cluster) -> None:
    print(f"KAPPAWATCH_CHAOS_SEED={SEED}")
    chance = Random(SEED)
    faults = list(FAULTS)
    chance.shuffle(faults)
    messages = list(traffic(SEED, EVENTS))
    for _ in range(3):
        cluster.start()

    publish_under_faults(cluster, messages, chance, faults)
    cluster.wait_for_the_end()
    ends = [cluster.stop(worker) for worker in list(cluster.workers)]
    assert ends == [0] * len(ends)

    assert cluster.differences() == []
    verified = subprocess.run(
        [sys.executable, "-m", "streams.cli", "verify", "--config", str(cluster.configuration)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, "everything is equal"), verified.stdout
    assert_that_it_was_a_test(cluster, len(messages))


def assert_that_it_was_a_test(cluster: Cluster, messages: int) -> None:
    """Everything that can happen to an event has happened to some."""
    rules, store = cluster.rules(), open_store(cluster.store, read_only=True)
    found = document(store, rules.configure, rules.privacy)
    panes = [str(row[4]) for home in store.homes() for row in store.scan(SCOPES, home) if row[3] == PANE]
    store.close()
    types = {task["label_type"] for tasks in found["projects"].values() for task in tasks["tasks"].values()}
    assert types == {"nominal", "interval", "multilabel", "boxes", "spans", "preference"}
    assert len([name for name in panes if hours_in(name) > 1]) > 20, "hours are merged into days"
    said = Counter(message.topic.partition(".")[2] for message in cluster.said())
    print(found["events"], len(found["alarms"]), "alarms", said, "messages, repeats included")
    assert all(count > 50 for count in found["events"].values())
    assert found["events"]["received"] >= EVENTS
    assert sum(len(held) for held in cluster.log().values()) == messages + said["annotations"] + said["gold"]
    cleared = sum(alarm["cleared_at"] is not None for alarm in found["alarms"])
    assert cleared > 3
    assert len(found["alarms"]) > cleared
    assert min(said[topic] for topic in ("alerts", "letters", "annotations", "gold")) > 10
