"""What a commit costs: `python -m tests.benchmarks.store_commits --store sqlite:////tmp/commits.db --ids random`.

Each commit is that of a busy chunk: 1,000 new annotations, found first as a home that is not complete would look for
them, and what they change: 700 pairs, 150 scopes, 80 watches of 1.5 kB. `--existing` annotations are stored before.
Reported are microseconds of wall clock and of this process' CPU per annotation, the store's size and this process'.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from collections.abc import Callable
from typing import Any

from streams.store import Batch, Store, open_store
from streams.store.tables import ANNOTATIONS, JOURNAL, PAIRS, SCOPES, WATCHES

ANNOTATIONS_A_CHUNK = 1000
BULK = 20_000


class Campaign:
    """Rows as a fold would write them: a project with 80 annotators, of whose 3,160 pairs 700 change in a chunk."""

    def __init__(self, ids: str, homes: int, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.ids = ids
        self.homes = range(homes)
        self.next_row = [1] * homes
        self.number = 0

    def name(self) -> str:
        """The id of the next annotation."""
        self.number += 1
        return f"{self.chance.getrandbits(128):032x}" if self.ids == "random" else f"annotation-{self.number:024}"

    def annotations(self, home: int, count: int) -> list[tuple[Any, ...]]:
        """New rows of a home; three annotations an item."""
        rows = []
        first = self.next_row[home]
        item = ""
        for row in range(first, first + count):
            if row % 3 == 1 or not item:
                item = self.name()
            name, annotator, at = self.name(), f"annotator-{row % 80}", 1_700_000_000_000_000 + row
            event = {"id": name, "item": item, "annotator": annotator, "label": "yes", "time": at, "source": "tool"}
            event |= {
                "type": "annotation",
                "project": f"project-{home}",
                "duration_ms": 4211,
                "batch": "b-17",
                "stage": "annotate",
            }
            text = json.dumps(event)
            rows.append((home, row, f"project-{home}", name, "label", item, annotator, '"yes"', at, text, None, None))
        self.next_row[home] = first + count
        return rows

    def chunk(self, home: int, version: int) -> Batch:
        """The batch of one commit."""
        project, chance, batch = f"project-{home}", self.chance, Batch()
        batch.upserts[ANNOTATIONS] = [*self.annotations(home, ANNOTATIONS_A_CHUNK)]
        batch.put(JOURNAL, (home, version, "annotations", version * 1000, version * 1000 + 999))
        for pair in chance.sample(range(3160), 700):
            a, b = f"annotator-{pair % 80}", f"annotator-{pair // 80}"
            confusion = json.dumps(
                {f"{x}\x1f{y}": chance.randrange(1000) for x in ("yes", "no") for y in ("yes", "no")}
            )
            batch.put(PAIRS, (home, project, "label", "nominal", a, b, version, confusion))
        for scope in range(150):
            tallies = json.dumps(
                {"nominal": [9, 9, 9, 9, {f"pattern-{n:02}": chance.randrange(1000) for n in range(20)}]}
            )
            batch.put(SCOPES, (home, project, "label", "annotator", f"annotator-{scope}", version, 9, 0, 0, 0, tallies))
        for watch in range(80):
            state = json.dumps([chance.random() for _ in range(75)])
            batch.put(
                WATCHES,
                (home, project, "label", "log_duration", f"annotator-{watch}", f"v1-{watch:016}", version, state),
            )
        return batch


def fill(store: Store, campaign: Campaign, versions: list[int], existing: int) -> None:
    """Store this many annotations, spread over the homes."""
    for number in range(existing // BULK):
        home = campaign.homes[number % len(campaign.homes)]
        batch = Batch()
        batch.upserts[ANNOTATIONS] = [*campaign.annotations(home, BULK)]
        commit(store, campaign, versions, home, batch)


def commit(store: Store, campaign: Campaign, versions: list[int], home: int, batch: Batch) -> None:
    """Commit a batch to a home."""
    version = versions[home]
    store.commit(version, (home, version, "{}", 0, 0, 0, campaign.next_row[home], 1, 1, "{}"), batch)
    versions[home] += 1


def timed(work: Callable[..., object], *args: object) -> tuple[float, float]:
    """Seconds of wall clock and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(*args)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", metavar="URL", default="sqlite://")
    parser.add_argument("--existing", metavar="N", type=int, default=0)
    parser.add_argument("--commits", metavar="N", type=int, default=50)
    parser.add_argument("--homes", metavar="N", type=int, default=1)
    parser.add_argument("--ids", choices=("sequential", "random"), default="random")
    args = parser.parse_args()
    store = open_store(args.store)
    campaign = Campaign(args.ids, args.homes)
    versions = []
    for home in campaign.homes:
        row = store.open_home(home)
        versions.append(row[1])
        campaign.next_row[home] = row[6]
    fill(store, campaign, versions, args.existing)
    walls, cpus, lookups = [], [], []
    for number in range(args.commits):
        home = number % args.homes
        batch = campaign.chunk(home, versions[home] + 1)
        rows = batch.upserts[ANNOTATIONS]
        names, items = {(row[2], row[3]) for row in rows}, {(row[2], row[4], row[5]) for row in rows}
        lookups.append(timed(store.find_annotations, home, names, items)[1])
        wall, cpu = timed(commit, store, campaign, versions, home, batch)
        walls.append(wall)
        cpus.append(cpu)
    each = 1e6 / ANNOTATIONS_A_CHUNK
    print(
        f"{args.ids} ids, {args.homes} homes, {args.existing:,} existing: an annotation costs "
        f"{sum(walls) / len(walls) * each:.1f} us ({sum(cpus) / len(cpus) * each:.1f} us CPU) to commit, "
        f"{sum(lookups) / len(lookups) * each:.1f} us to look for; the median commit took "
        f"{sorted(walls)[len(walls) // 2] * 1e3:.1f} ms, the longest {max(walls) * 1e3:.1f} ms; "
        f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
    )
    began = time.perf_counter()
    for home in campaign.homes:
        store.close_home(home)
        store.open_home(home)
    print(f"opening the homes again took {time.perf_counter() - began:.2f} s")
    store.close()


if __name__ == "__main__":
    main()
