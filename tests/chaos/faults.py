"""Faults at random points of a stream of events: workers are killed, paused beyond their session, leave and join."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from tests.chaos.cluster import Cluster, Worker
from tests.chaos.traffic import Sent
from tests.servers.process import wait_until

SLICE = 400
PATIENCE = 120.0


def publish_under_faults(
    cluster: Cluster, messages: Sequence[Sent], chance: Random, faults: Sequence[str], backlog: int = 4000
) -> None:
    """Publish the messages as the workers take them in, with the faults spread over them at random."""
    points = dict(zip(sorted(chance.sample(range(SLICE, len(messages) * 9 // 10), len(faults))), faults, strict=True))
    source: Iterator[Sent] = iter(messages)
    sent = 0
    while part := list(islice(source, SLICE)):
        sent += cluster.publish(part)
        goal = sent - chance.randrange(backlog // 4, backlog)
        wait_until(lambda goal=goal: _taken_in(cluster) >= goal, PATIENCE, f"{goal} messages are taken in")
        for point in [point for point in points if point < sent]:
            _befall(cluster, points.pop(point), chance)
    assert not points


def _taken_in(cluster: Cluster) -> int:
    return sum(position + 1 for position in cluster.positions().values())


def _befall(cluster: Cluster, fault: str, chance: Random) -> None:
    worker = chance.choice(cluster.workers)
    print(f"{fault}: {worker.name} of {len(cluster.workers)}", flush=True)
    if fault == "kill":
        cluster.kill(worker)
        cluster.start()
    elif fault == "pause":
        pause(cluster, worker)
    elif fault == "leave":
        wait_until(lambda: "listening" in worker.said, PATIENCE, f"{worker.name} has begun")
        assert cluster.stop(worker) == 0, worker.process.tail()
        cluster.start()
    elif fault == "join":
        cluster.start()
    else:
        raise ValueError(fault)


def pause(cluster: Cluster, worker: Worker) -> None:
    """Stop a process until the group goes on without it; then it goes on too, and knows nothing of that."""
    all_of_them = len(cluster.workers)
    wait_until(lambda: cluster.members() == all_of_them, PATIENCE, f"the group has {all_of_them} members")
    worker.process.pause()
    wait_until(lambda: cluster.members() == all_of_them - 1, PATIENCE, f"the group goes on without {worker.name}")
    worker.process.resume()
