"""Our agreement beside computing it anew with the package krippendorff: `python -m tests.benchmarks.recompute`.

A nominal task of the campaign holds 10^3 to 10^6 annotations. Ours folds 5,000 more events into its state (scopes,
annotators, pairs, drift detectors; nothing is parsed or stored) and reads the task: all its coefficients with intervals.
The package computes alpha alone, from all annotations. It gets these as arrays of numbers, and what it is asked with,
`reliability_data` or `value_counts`, without counting how long these take to make; once more with making the counts.
Both alphas must be equal to 10^-9. Each round does all of it, one after the other, in one process; the median counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from statistics import median
from typing import Final, NamedTuple, TypeVar

import krippendorff
import numpy as np
from numpy.typing import NDArray

from detectors.config import TaskConfig
from detectors.monitor import Monitor
from detectors.summary import TaskStatistics
from streams.events import Annotation, Event
from streams.garbage import collect_rarely
from tests.benchmarks.campaign import LABELS, Campaign
from tests.benchmarks.core import CHUNK, fresh_monitor

SIZES: Final = (10**3, 10**4, 10**5, 10**6)
EVENTS: Final = 5_000
EQUAL: Final = 1e-9
LEAST: Final = 0.05

T = TypeVar("T")


class Round(NamedTuple):
    """What each way cost, in microseconds of CPU: an event, and readings."""

    event: float
    reading: float
    by_data: float
    by_counts: float
    making_counts: float

    @property
    def anew(self) -> float:
        """Computing alpha anew from what the annotations are kept as: the faster of both ways."""
        return min(self.by_data, self.by_counts + self.making_counts)

    def times_ours(self, events: int) -> float:
        """How many times as much as ours a view costs that computes anew every so many events."""
        return self.anew / (events * self.event + self.reading)


class Annotations(NamedTuple):
    """All annotations as numbers: by annotation the annotator, the item, and the label."""

    annotator: NDArray[np.int64]
    item: NDArray[np.int64]
    label: NDArray[np.int64]

    @classmethod
    def of(cls, events: Sequence[Event]) -> Annotations:
        """Those among the events; in the campaign nobody labels an item twice."""
        given = [event for event in events if isinstance(event, Annotation)]
        people: dict[str, int] = {}
        items: dict[str, int] = {}
        return cls(
            np.array([people.setdefault(event.annotator, len(people)) for event in given]),
            np.array([items.setdefault(event.item, len(items)) for event in given]),
            np.array([LABELS.index(str(event.label)) for event in given]),
        )

    def data(self) -> NDArray[np.float64]:
        """Annotators by items, nan where there is no label."""
        found = np.full((self.annotator.max() + 1, self.item.max() + 1), np.nan)
        found[self.annotator, self.item] = self.label
        return found

    def counts(self) -> NDArray[np.int64]:
        """Items by labels."""
        shape = int(self.item.max()) + 1, len(LABELS)
        return np.bincount(self.item * len(LABELS) + self.label, minlength=shape[0] * shape[1]).reshape(shape)


def fold(monitor: Monitor, events: Sequence[Event]) -> None:
    """Take in the events, chunk by chunk."""
    rest = iter(events)
    while chunk := list(islice(rest, CHUNK)):
        monitor.needs(chunk)
        monitor.receive(chunk)
        monitor.lacks()
        monitor.settle()
        monitor.take_changes()
        monitor.trim()


def alpha(monitor: Monitor) -> float:
    """The task's alpha, read as the metrics read it: from the two scopes that make up the task."""
    both = [key for key in monitor.scopes.rows if key.dimension == "gold_item"]
    scopes = {(key.dimension, key.value): monitor.scopes.rows[key] for key in both}
    found = TaskStatistics(TaskConfig(), scopes).task().whole.agreement["alpha"].value
    if found is None:
        raise ValueError("expected an alpha of a task with annotations, found none")
    return found


def timed(function: Callable[[], T]) -> tuple[float, T]:
    """Microseconds of CPU of a call, one that is done anew as often as fits in `LEAST` seconds; and its answer."""
    clock, begun, calls = time.process_time, time.process_time(), 0
    while True:
        found = function()
        calls += 1
        if (spent := clock() - begun) >= LEAST:
            return 1e6 * spent / calls, found


def once(held: Sequence[Event], more: Sequence[Event]) -> Round:
    """One round with a task that holds these events and gets more."""
    monitor = fresh_monitor()
    fold(monitor, held)
    reading, ours = timed(lambda: alpha(monitor))
    annotations = Annotations.of(held)
    asked = {"value_domain": range(len(LABELS)), "level_of_measurement": "nominal"}
    data = annotations.data()
    by_data, theirs = timed(lambda: krippendorff.alpha(reliability_data=data, **asked))
    making, counts = timed(annotations.counts)
    by_counts, same = timed(lambda: krippendorff.alpha(value_counts=counts, **asked))
    for found in (theirs, same):
        if abs(found - ours) > EQUAL:
            raise ValueError(f"expected equal alphas of {len(held)} events, found ours {ours} and {found}")
    begun = time.process_time()
    fold(monitor, more)
    event = 1e6 * (time.process_time() - begun) / len(more)
    return Round(event, reading, by_data, by_counts, making)


def campaign(annotations: int, more: int) -> tuple[list[Event], list[Event]]:
    """The events up to the annotation of this number, and those after it."""
    events = Campaign(projects=1, partitions=1).events(sys.maxsize)
    held: list[Event] = []
    seen = 0
    while seen < annotations:
        held.append(next(events))
        seen += isinstance(held[-1], Annotation)
    return held, list(islice(events, more))


def measure(size: int, rounds: int, more: int = EVENTS) -> Round:
    """The median of some rounds with a task of so many annotations."""
    held, new = campaign(size, more)
    found = [once(held, new) for _ in range(rounds)]
    return Round(*(median(each) for each in zip(*found, strict=True)))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.recompute", description="Fold or recompute.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="annotations of the task")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the median counts (default 3)")
    given = parser.parse_args()
    collect_rarely()
    print("| annotations | ours, us an event | ours, ms a reading | krippendorff, ms: `reliability_data` ", end="")
    print("| `value_counts` | making these | anew at every event | anew at every 1,000 |")
    print("|---:" * 8 + "|")
    for size in given.sizes:
        found = measure(size, given.rounds)
        ms = [each / 1000 for each in (found.reading, found.by_data, found.by_counts, found.making_counts)]
        print(f"| {size:,} | {found.event:.1f} | {ms[0]:.2f} | {ms[1]:.2f} | {ms[2]:.2f} | {ms[3]:.2f} ", end="")
        print(f"| {found.times_ours(1):,.1f} times | {found.times_ours(1000):,.2f} times |", flush=True)


if __name__ == "__main__":
    main()
