"""What one nominal annotation costs in each part of the state: `python -m tests.benchmarks.updates`.

The campaign's annotations, three an item, one at a time: the pattern of an item taken back and counted anew, which is all
that agreement is read from; and the cells of the confusion matrices with the item's other annotators. Then the whole fold in
chunks, as a worker has it: eight scopes, the annotator's own, all pairs, gold and two drift detectors; nothing is parsed or
stored. Microseconds of CPU an annotation: the median of some rounds. `boxes` and `spans` measure items of these.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from statistics import median
from typing import Final

from detectors.agreement import PatternCounts, item_pattern, pair_pattern
from streams.events import Annotation, Event
from streams.garbage import collect_rarely
from tests.benchmarks.campaign import Campaign
from tests.benchmarks.core import fresh_monitor
from tests.benchmarks.recompute import fold

Fold = Callable[[Sequence[Event]], None]


def patterns(events: Sequence[Event]) -> None:
    """The items' patterns."""
    state, labels = PatternCounts(), dict[str, list[str]]()
    for event in events:
        if isinstance(event, Annotation):
            held = labels.setdefault(event.item, [])
            if held:
                state.update(item_pattern(held), -1)
            held.append(str(event.label))
            state.update(item_pattern(held))


def confusions(events: Sequence[Event]) -> None:
    """The pairs' confusion matrices."""
    pairs, given = dict[tuple[str, str], PatternCounts](), dict[str, list[tuple[str, str]]]()
    for event in events:
        if isinstance(event, Annotation):
            held = given.setdefault(event.item, [])
            mine = event.annotator, str(event.label)
            for other in held:
                (a, first), (b, second) = (mine, other) if mine < other else (other, mine)
                confusion = pairs.get((a, b))
                if confusion is None:
                    confusion = pairs[a, b] = PatternCounts()
                confusion.update(pair_pattern(first, second))
            held.append(mine)


def whole(events: Sequence[Event]) -> None:
    """All of it."""
    fold(fresh_monitor(), events)


PARTS: Final[dict[str, tuple[Fold, float]]] = {
    "agreement: the item's pattern": (patterns, 4.0),
    "pairs: their confusion matrices": (confusions, 12.0),
    "the whole fold": (whole, 10.0),
}
"""What is measured, and the microseconds that it may take."""


def measure(events: int, rounds: int) -> dict[str, float]:
    """Microseconds of CPU of an annotation, by part."""
    given = list(islice(Campaign(projects=1, partitions=1).events(sys.maxsize), events))
    annotations = sum(isinstance(event, Annotation) for event in given)
    spent: dict[str, list[float]] = {name: [] for name in PARTS}
    for _ in range(rounds):
        for name, (part, _) in PARTS.items():
            begun = time.process_time()
            part(given)
            spent[name].append(1e6 * (time.process_time() - begun) / annotations)
    return {name: median(each) for name, each in spent.items()}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.updates", description="Measure an update.")
    parser.add_argument("--events", type=int, default=60_000, help="events of a round (default 60000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median counts (default 5)")
    given = parser.parse_args()
    collect_rarely()
    print("| part | us an annotation | wanted |\n|---|---:|---:|")
    for name, each in measure(given.events, given.rounds).items():
        print(f"| {name} | {each:.1f} | {PARTS[name][1]:.0f} |")


if __name__ == "__main__":
    main()
