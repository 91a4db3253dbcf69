"""The state protocol under hundreds of schedules: intact it always gives what a batch gives; each part is needed.

KAPPAWATCH_SCHEDULES sets how many schedules the intact protocol has to pass, for a longer run.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from streams import chunks, homes
from tests.streams.schedules import DOUBLES, Simulation
from tests.thoroughness import enough, often

SCHEDULES = int(os.environ.get("KAPPAWATCH_SCHEDULES", often(60)))
pytestmark = pytest.mark.thorough
MOST_SEEDS = 100
ENOUGH = often(3)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks, transactions, erasures and rebuilds of a few events, so that a short log has many of them."""
    monkeypatch.setattr(chunks, "MOST_RECORDS", 5)
    monkeypatch.setattr(homes, "MOST_EVENTS", 7)
    monkeypatch.setattr(homes, "SLICE", 2)
    monkeypatch.setattr(homes, "STEP", 5)


def test_the_protocol_gives_what_a_batch_gives_whatever_happens(tmp_path: Path) -> None:
    happened: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        simulation = Simulation(seed, tmp_path)
        differences = simulation.run()
        assert not differences, f"seed {seed}: {differences}"
        happened += simulation.faults + Counter(message.topic for message in simulation.log.published)
    print(f"{SCHEDULES} schedules: {dict(happened)}")
    expected = {"rebalance", "kill", "kill within", "loss", "read again", "StoreFailed", "Conflict", "preemption"}
    expected |= {"merged days"}
    expected |= {"alerts", "dead-letters", "annotations", "gold"}  # messages, the last two forwarded
    assert all(happened[what] > SCHEDULES / 20 for what in expected), happened


def test_it_does_so_when_all_workers_come_back_with_another_configuration(tmp_path: Path) -> None:
    adopted = merged = 0
    for seed in range(10_000, 10_000 + often(20)):
        simulation = Simulation(seed, tmp_path, reconfigure=True)
        differences = simulation.run()
        assert not differences, f"seed {seed}: {differences}"
        adopted += simulation.faults["adopt"]
        merged += simulation.faults["merged days"] > 0
    print(f"{adopted} configurations adopted, merged days in {merged} schedules")
    assert adopted >= enough(5)
    assert merged >= enough(5)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("compare-and-set off", {"statistics", "projects"}),
        ("gap check off", {"projects", "counts"}),
        ("position in a transaction of its own", {"statistics", "projects"}),
        ("memory kept over a reassignment", {"statistics", "projects"}),
        ("skip off", {"counts"}),
        ("outbox not taken over", {"messages"}),
    ],
)
def test_each_part_of_the_protocol_is_needed(name: str, kinds: set[str], tmp_path: Path) -> None:
    """Without it, a comparison finds a difference soon; a fold that stumbles over inconsistent rows does not count."""
    found: list[int] = []
    stumbled = 0
    for seed in range(MOST_SEEDS):
        try:
            differences = Simulation(seed, tmp_path, DOUBLES[name]).run()
        except (KeyError, ValueError, AssertionError):
            stumbled += 1
            continue
        if kinds & {difference.partition(":")[0] for difference in differences}:
            found.append(seed)
        if len(found) == ENOUGH:
            break
    print(f"{name}: differences with the seeds {found}, {stumbled} stumbled, of {seed + 1}")
    assert len(found) == ENOUGH


@pytest.mark.parametrize("name", DOUBLES)
def test_the_doubles_are_whole_where_nothing_goes_wrong(name: str, tmp_path: Path) -> None:
    for seed in range(5):
        assert Simulation(seed, tmp_path, DOUBLES[name], peaceful=True).run() == []
