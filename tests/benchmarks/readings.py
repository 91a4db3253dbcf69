"""What it costs to read all of a task: `python -m tests.benchmarks.readings`.

A task of the campaign with 10^6 annotations: 40 annotators, three labels an item, five labels, batches of 500 items. Its
scopes and pairs lie in memory; read are the task, each value of each dimension, each pair of annotators and of vendors, and
what they confuse: all that the document shows of a task but how it went over time, and the most disputed items, for which it
reads the annotations (`disputed`). Once as a nominal task and once with the labels in order,
where the vendors' people work apart, and where all meet. Milliseconds of CPU: the median of some rounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import median
from typing import Final, NamedTuple

from detectors.config import TaskConfig
from detectors.scope import Scope
from detectors.summary import TaskStatistics
from streams.events import Annotation, Event
from streams.garbage import collect_rarely
from tests.benchmarks.campaign import Campaign
from tests.benchmarks.core import CHUNK, fresh_monitor
from tests.benchmarks.recompute import fold

ORDER: Final = ("positive", "mixed", "neutral", "unclear", "negative")


class Held(NamedTuple):
    """A task's state: scopes by dimension and value, confusions by label type and pair."""

    scopes: dict[tuple[str, str], Scope]
    pairs: dict[tuple[str, str, str], dict[str, int]]

    def read(self, config: TaskConfig) -> object:
        """Read all of it."""
        statistics = TaskStatistics(config, self.scopes, self.pairs)
        pairs = statistics.pairs(), statistics.between_vendors()
        return statistics.task(), statistics.by(), pairs, statistics.confused()


def held(annotations: int, config: TaskConfig, *, mixed_vendors: bool) -> Held:
    """The state after so many annotations."""
    monitor = fresh_monitor(config)
    events = Campaign(projects=1, partitions=1, mixed_vendors=mixed_vendors).events(sys.maxsize)
    chunk: list[Event] = []
    while annotations:
        chunk.append(next(events))
        annotations -= isinstance(chunk[-1], Annotation)
        if len(chunk) == CHUNK or not annotations:
            fold(monitor, chunk)
            chunk = []
    return Held(
        {(key.dimension, key.value): scope for key, scope in monitor.scopes.rows.items()},
        {(key.label_type, key.a, key.b): confusion for key, confusion in monitor.pairs.rows.items()},
    )


def milliseconds(found: Held, config: TaskConfig, rounds: int) -> float:
    """Of reading all of it, in the median round."""
    spent = []
    for _ in range(rounds):
        begun = time.process_time()
        found.read(config)
        spent.append(time.process_time() - begun)
    return 1000 * median(spent)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.readings", description="Read all of a task.")
    parser.add_argument("--annotations", type=int, default=10**6, help="annotations of the task (default 1000000)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds; the median counts (default 9)")
    given = parser.parse_args()
    collect_rarely()
    print("| labels | vendors | values of dimensions | pairs | item patterns | ms |\n|---|---|---:|---:|---:|---:|")
    for config in (TaskConfig(), TaskConfig("ordinal", ORDER)):
        for mixed in (False, True):
            found = held(given.annotations, config, mixed_vendors=mixed)
            patterns = sum(len(tally.patterns) for scope in found.scopes.values() for tally in scope.tallies.values())
            meeting = "meet" if mixed else "apart"
            print(
                f"| {config.label_type or 'nominal'} | {meeting} | {len(found.scopes):,} | {len(found.pairs):,} ",
                end="",
            )
            print(f"| {patterns:,} | {milliseconds(found, config, given.rounds):.0f} |", flush=True)


if __name__ == "__main__":
    main()
