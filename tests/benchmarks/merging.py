"""What it costs to merge the hours of a day: `python -m tests.benchmarks.merging`.

Some days of nominal labels, three an item, are taken in. Then three annotators each skip an item, an hour later every time, so
that a transaction moves the watermark by an hour and closes one. Once a day it also merges one: how much longer that one takes is
the cost. Milliseconds of CPU of a transaction, commit to SQLite in memory included: medians over the days.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

from detectors.config import TaskConfig
from detectors.panes import DAY, PANE, hours_in
from streams.events import Annotation, encode
from streams.garbage import collect_rarely
from streams.homes import Home
from streams.store import open_store
from tests.made_events import NOON, annotation
from tests.streams.folding import TOPIC, Record, rules

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 12
PEOPLE = tuple(f"annotator {number}" for number in range(40))


def _made(items: int, labels: int) -> Iterator[Annotation]:
    chance = Random(1)
    for hour in range(DAYS * DAY):
        for number in range(items):
            at = BEGIN + timedelta(hours=hour, seconds=number % 3600)
            for who in chance.sample(PEOPLE, 3):
                name = f"{hour}-{number}-{who}"
                label = f"label {chance.randrange(labels)}"
                yield annotation(who, f"{hour}-{number}", label, at.timestamp() - NOON.timestamp(), id=name)


def _moving(hour: int) -> list[bytes]:
    at = BEGIN + timedelta(hours=DAYS * DAY + hour)
    seconds = at.timestamp() - NOON.timestamp()
    return [encode(annotation(who, "moving", None, seconds, id=f"{hour}-{who}")) for who in PEOPLE[:3]]


def measure(items: int, labels: int) -> tuple[float, float]:
    """Milliseconds of a transaction that closes an hour, and of one that also merges a day."""
    store = open_store("sqlite://")
    config = TaskConfig(label_type="nominal", hourly_days=DAYS)
    home = Home(0, store, rules(lambda *_: config))
    offset = 0
    values: Iterator[bytes] = map(encode, _made(items, labels))
    for _ in home.process(TOPIC, [Record(offset, value) for offset, value in enumerate(values)]):
        offset = home.position(TOPIC) + 1
    [task] = home.monitor.tasks.values()
    closing: list[float] = []
    merging: list[float] = []
    for hour in range((DAYS + 2) * DAY):
        merged_to = task.merged_to
        records = [Record(offset + place, value) for place, value in enumerate(_moving(hour))]
        begun = time.process_time()
        list(home.process(TOPIC, records))
        spent = 1e3 * (time.process_time() - begun)
        offset += len(records)
        (closing if task.merged_to == merged_to else merging).append(spent)
    panes = [key.value for key in home.monitor.scopes.rows if key.dimension == PANE]
    if len([name for name in panes if hours_in(name) == DAY]) < DAYS:
        raise ValueError(f"expected {DAYS} merged days, found the panes {sorted(panes)}")
    return median(closing), median(merging)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.merging", description="Merge days.")
    parser.add_argument("--items", type=int, nargs="+", default=[10, 100], help="items an hour (default 10 100)")
    parser.add_argument("--labels", type=int, nargs="+", default=[3, 20], help="different labels (default 3 20)")
    given = parser.parse_args()
    collect_rarely()
    print("| items an hour | labels | ms to close an hour | ms to merge a day too |\n|---:|---:|---:|---:|")
    for items in given.items:
        for labels in given.labels:
            closing, merging = measure(items, labels)
            print(f"| {items} | {labels} | {closing:.1f} | {merging:.1f} |")


if __name__ == "__main__":
    main()
