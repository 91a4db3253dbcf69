"""The chaos test fails where a part of the protocol is broken: what it compares, it can tell apart."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.chaos.cluster import Cluster, WorkerEndedError
from tests.chaos.faults import publish_under_faults
from tests.chaos.traffic import traffic
from tests.servers.kafka import ApacheKafka

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SEED = int(os.environ.get("KAPPAWATCH_CHAOS_SEED", SystemRandom().randrange(10**6)))
EVENTS = 4000
FAULTS = ("pause", "kill", "pause")


def differences(part: str, kafka: ApacheKafka, folder: Path, name: str) -> set[str]:
    """The kinds of differences that a short chaos leaves with two workers that have this part broken."""
    print(f"KAPPAWATCH_CHAOS_SEED={SEED}")
    command = ("tests.chaos.broken_worker", part, "worker")
    cluster = Cluster(kafka, f"sqlite:///{folder}/state.db", folder, name, command)
    cluster.create_topics()
    ended = False
    try:
        for _ in range(2):
            cluster.start()
        publish_under_faults(cluster, list(traffic(SEED, EVENTS)), Random(SEED), FAULTS, backlog=1500, at_commit=True)
        cluster.wait_for_the_end()
    except WorkerEndedError as error:  # a fold that stumbles over what is broken; that alone does not count
        print(error)
        ended = True
    finally:
        cluster.close()
    found = cluster.differences()
    kinds = {difference.partition(":")[0] for difference in found}
    if ended:
        kinds -= {"counts", "projects", "messages"}  # not all was taken in
    print(f"{part}: {len(found)} differences of {sorted(kinds)}, such as {found[:1]}")
    return kinds


def test_intact_workers_bear_the_same_environment(kafka: ApacheKafka, tmp_path: Path, fresh_name) -> None:
    assert differences("intact", kafka, tmp_path, fresh_name("intact")) == set()


@pytest.mark.parametrize(
    ("part", "kinds"),
    [
        ("compare-and-set off", {"statistics", "projects", "counts", "journal"}),
        ("gap check off", {"projects", "counts"}),
        ("position in a transaction of its own", {"statistics", "projects", "journal"}),
        ("memory kept over a reassignment", {"statistics", "projects"}),
        ("skip off", {"counts"}),
    ],
)
def test_a_broken_part_is_found(part: str, kinds: set[str], kafka: ApacheKafka, tmp_path: Path, fresh_name) -> None:
    assert differences(part, kafka, tmp_path, fresh_name("broken")) & kinds
