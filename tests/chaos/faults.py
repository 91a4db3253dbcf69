"""Faults at random points of a stream of events: workers are killed, paused beyond their session, leave and join."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from tests.chaos.cluster import Cluster, Worker
from tests.chaos.traffic import Sent

SLICE = 400
BACKLOG = 4000
"""The workers are at most about so many messages behind."""


def publish_under_faults(
    cluster: Cluster,
    messages: Sequence[Sent],
    chance: Random,
    faults: Sequence[str],
) -> None:
    """Publish the messages as the workers take them in, with the faults spread over them at random."""
    points = sorted(chance.sample(range(SLICE, len(messages) * 9 // 10), len(faults)))
    plan = list(zip(points, faults, strict=True))
    source: Iterator[Sent] = iter(messages)
    sent = 0
    while part := list(islice(source, SLICE)):
        fault = plan.pop(0)[1] if plan and plan[0][0] < sent + len(part) else None
        if fault == "pause":
            everybody_joins(cluster)
        sent += cluster.publish(part)
        if fault is not None:
            _befall(cluster, fault, chance.choice(cluster.workers))
        goal = sent - chance.randrange(BACKLOG // 4, BACKLOG)
        cluster.wait_until(lambda goal=goal: _taken_in(cluster) >= goal, f"{goal} messages are taken in")
    assert not plan


def _taken_in(cluster: Cluster) -> int:
    return sum(position + 1 for position in cluster.positions().values())


def _befall(cluster: Cluster, fault: str, worker: Worker) -> None:
    print(f"{fault}: {worker.name} of {len(cluster.workers)}", flush=True)
    if fault == "kill":
        cluster.kill(worker)
        cluster.start()
    elif fault == "pause":
        pause(cluster, worker)
    elif fault == "leave":
        cluster.wait_until(lambda: "listening" in worker.said, f"{worker.name} has begun")
        assert cluster.stop(worker) == 0, worker.process.tail()
        cluster.start()
    elif fault == "join":
        cluster.start()
    else:
        raise ValueError(fault)


def everybody_joins(cluster: Cluster) -> None:
    """All workers are members of the group."""
    count = len(cluster.workers)
    cluster.wait_until(lambda: cluster.members() == count, f"the group has {count} members")


def pause(cluster: Cluster, worker: Worker) -> None:
    """Stop a process until the group goes on without it; then it goes on too, and knows nothing of that."""
    worker.process.pause()
    others = len(cluster.workers) - 1
    cluster.wait_until(lambda: cluster.members() == others, f"the group goes on without {worker.name}")
    worker.process.resume()
