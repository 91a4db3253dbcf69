"""What a commit costs: `python -m tests.benchmarks.store_commits --store sqlite:////tmp/commits.db --ids random`.

Each commit is that of a busy chunk: new annotations (1,000, or `--chunk`), found first as a home that is not complete would
look for them, and what they change: 700 pairs, 150 scopes, 80 watches of 1.5 kB (`--annotations-only`: none of that). So many
as `--existing` says are stored before. Reported are microseconds of wall clock and of this process' CPU per annotation, and
this process' size; then what it takes to find one annotation of any age, to change some, and to go through them all.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime

from detectors.keys import ItemKey
from detectors.records import FOREVER, AnnotationRecord
from streams.events import MICROSECOND, Annotation
from streams.garbage import collect_rarely
from streams.store import Batch, Store, open_store
from streams.store.tables import JOURNAL, PAIRS, SCOPES, WATCHES, first_row

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
BULK = 20_000


class Campaign:
    """Rows as a fold would write them: a project with 80 annotators, of whose 3,160 pairs 700 change in a chunk."""

    def __init__(self, ids: str, homes: int, size: int, *, alone: bool, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.size = size
        self.alone = alone
        self.ids = ids
        self.homes = range(homes)
        self.next_row = [first_row(home) for home in self.homes]
        self.number = 0

    def name(self) -> str:
        """The id of the next annotation."""
        self.number += 1
        return f"{self.chance.getrandbits(128):032x}" if self.ids == "random" else f"annotation-{self.number:024}"

    def annotations(self, home: int, count: int) -> list[AnnotationRecord]:
        """New annotations of a home; three an item."""
        made: list[AnnotationRecord] = []
        first, project = self.next_row[home], f"project-{home}"
        item = ""
        for row in range(first, first + count):
            if row % 3 == 1 or not item:
                item = self.name()
            event = Annotation(
                id=self.name(),
                source="tool",
                time=START + row * MICROSECOND,
                project=project,
                item=item,
                annotator=f"annotator-{row % 80}",
                label="yes",
                duration_ms=4211,
                batch="b-17",
                vendor="northlight",
                guideline="v3",
                slice={"language": "de"},
            )
            made.append(AnnotationRecord((project, event.id), ItemKey(project, event.task, item), event, row=row))
        self.next_row[home] = first + count
        return made

    def chunk(self, home: int, version: int) -> Batch:
        """The batch of one commit."""
        project, chance, batch = f"project-{home}", self.chance, Batch()
        batch.annotations += self.annotations(home, self.size)
        batch.put(JOURNAL, (home, version, "annotations", version * 1000, version * 1000 + 999))
        if self.alone:
            return batch
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
        commit(store, campaign, versions, home, Batch(annotations=campaign.annotations(home, BULK)))


def commit(store: Store, campaign: Campaign, versions: list[int], home: int, batch: Batch) -> None:
    """Commit a batch to a home."""
    version = versions[home]
    store.commit(version, (home, version, "{}", 0, 0, 0, campaign.next_row[home], 1, 1, "{}"), batch)
    versions[home] += 1


def old_ones(store: Store, campaign: Campaign, versions: list[int]) -> None:
    """Find annotations of any age in home 0, change them, and go through all: print microseconds of CPU."""
    rows = [campaign.chance.randrange(first_row(0), campaign.next_row[0]) for _ in range(1000)]
    named = [store.scan_annotations(0, row - 1, 1)[0] for row in rows]
    finding = sum(timed(store.find_annotations, 0, [record.name], ())[1] for record in named)
    changing, changed = 0.0, 0
    for begin in range(0, len(named), campaign.size // 20 or 1):
        found = {record.row: record for record in named[begin : begin + (campaign.size // 20 or 1)]}
        for record in found.values():
            record.withdrawn = FOREVER
        changing += timed(commit, store, campaign, versions, 0, Batch(annotations=list(found.values())))[1]
        changed += len(found)
    count, after, began = 0, 0, time.process_time()
    while page := store.scan_annotations(0, after, 5000):
        count, after = count + len(page), page[-1].row
    scanning = time.process_time() - began
    print(
        f"it takes {finding / len(named) * 1e6:.0f} us CPU to find an annotation of any age with its item, "
        f"{changing / changed * 1e6:.0f} us to change one, with as many others as are a twentieth of a chunk, "
        f"{scanning / count * 1e6:.1f} us an annotation to go through all of them"
    )


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
    parser.add_argument("--chunk", metavar="N", type=int, default=1000)
    parser.add_argument("--annotations-only", action="store_true")
    parser.add_argument("--ids", choices=("sequential", "random"), default="random")
    args = parser.parse_args()
    store = open_store(args.store)
    collect_rarely()
    campaign = Campaign(args.ids, args.homes, args.chunk, alone=args.annotations_only)
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
        names, items = {record.name for record in batch.annotations}, {record.item for record in batch.annotations}
        lookups.append(timed(store.find_annotations, home, names, items)[1])
        wall, cpu = timed(commit, store, campaign, versions, home, batch)
        walls.append(wall)
        cpus.append(cpu)
    each = 1e6 / args.chunk
    print(
        f"{args.ids} ids, {args.homes} homes, {args.existing:,} existing: an annotation costs "
        f"{sum(walls) / len(walls) * each:.1f} us ({sum(cpus) / len(cpus) * each:.1f} us CPU) to commit, "
        f"{sum(lookups) / len(lookups) * each:.1f} us to look for; the median commit took "
        f"{sorted(walls)[len(walls) // 2] * 1e3:.1f} ms, the longest {max(walls) * 1e3:.1f} ms; "
        f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
    )
    old_ones(store, campaign, versions)
    began = time.perf_counter()
    for home in campaign.homes:
        store.close_home(home)
        store.open_home(home)
    print(f"opening the homes again took {time.perf_counter() - began:.2f} s")
    store.close()


if __name__ == "__main__":
    main()
