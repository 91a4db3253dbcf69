"""The core fold without broker and disk: `python -m tests.benchmarks.core`.

Chunks of 15,000 events pass through parser, monitor, row encoding and a commit to SQLite as in a worker; everything is in
memory, the database too. It prints microseconds of CPU an event by stage (the median round), events per CPU-second, and bytes held
per item, per annotator and per pair of annotators.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import median
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import msgspec

from detectors.config import TaskConfig
from detectors.monitor import Monitor
from streams.events import Event, encode
from streams.garbage import collect_rarely
from streams.homes import SLICE
from streams.parsing import Parser
from streams.privacy import Privacy
from streams.store import Batch, open_store
from streams.store.rows import write_changes
from streams.store.tables import first_row
from tests.benchmarks.campaign import Campaign, Ids

CHUNK = 15_000
PRIVACY = Privacy(b"the key of the benchmark")
STAGES = ("parse", "receive", "settle", "rows", "commit")
SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


@dataclass(slots=True)
class Round:
    """Seconds of CPU by stage, and the monitor afterwards."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    monitor: Monitor = field(default_factory=lambda: fresh_monitor())  # noqa: PLW0108 - defined below

    @property
    def total(self) -> float:
        """All stages."""
        return sum(self.seconds.values())


def fresh_monitor(config: TaskConfig = TaskConfig()) -> Monitor:  # noqa: B008 - it cannot change
    """A monitor that has seen nothing and keeps everything, of tasks with this configuration."""
    monitor = Monitor(lambda *_: config, PRIVACY.pseudonym, PRIVACY.erasure_hash, capacity=1 << 62)
    for shelf in (monitor.items, monitor.scopes, monitor.pairs, monitor.watches):
        shelf.complete = True
    return monitor


def fold(values: Sequence[bytes]) -> Round:
    """Take in the events, chunk by chunk."""
    clock = time.process_time
    run, parser, next_row = Round(), Parser(), first_row(0)
    store = open_store("sqlite://")
    home = store.open_home(0)
    monitor, seconds = run.monitor, run.seconds
    for version, chunk in enumerate(_chunks(values), 1):
        moments = [clock()]
        events: list[Event] = []
        for begin in range(0, len(chunk), SLICE):
            parsed = parser.parse_plain(chunk[begin : begin + SLICE])
            if parsed is None:
                raise TypeError(f"expected plain events, found others among those from {begin} of chunk {version}")
            events += parsed
        moments.append(clock())
        monitor.needs(events)
        monitor.receive(events)
        moments.append(clock())
        monitor.lacks()
        monitor.settle()
        changes = monitor.take_changes()
        moments.append(clock())
        batch = Batch()
        next_row = write_changes(batch, 0, version, changes, next_row, PRIVACY.pseudonym)
        monitor.trim()
        moments.append(clock())
        store.commit(version - 1, home, batch)
        moments.append(clock())
        for stage, begun, ended in zip(STAGES, moments, moments[1:], strict=False):
            seconds[stage] += ended - begun
    store.close()
    return run


def _chunks(values: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def size(found: object, seen: set[int]) -> int:
    """Bytes of an object and of all it refers to that was not seen yet; classes, functions and modules count nothing.

    River's ADWIN keeps its buckets where Python cannot look: the length of its stored state counts instead.
    """
    total = 0
    waiting = [found]
    while waiting:
        held = waiting.pop()
        if id(held) in seen or isinstance(held, SHARED):
            continue
        seen.add(id(held))
        total += sys.getsizeof(held)
        if type(held).__name__ == "AdwinDuration":
            total += len(str(held.dump()["adwin"])) * 3 // 4  # type: ignore[attr-defined]
        # Structs are not known to the garbage collector, so they are asked themselves.
        if isinstance(held, msgspec.Struct):
            waiting.extend(getattr(held, name) for name in held.__struct_fields__)
        else:
            waiting.extend(gc.get_referents(held))
    return total


def bytes_held(monitor: Monitor) -> dict[str, tuple[int, float]]:
    """How many of each kind there are, and the bytes of one of them with all that it alone keeps in memory."""
    seen: set[int] = set()
    for shared in (monitor.tasks, monitor.fit("", ""), _projects(monitor)):
        size(shared, seen)
    by_annotator = {key: scope for key, scope in monitor.scopes.rows.items() if key.dimension == "annotator"}
    annotators = len(by_annotator) or 1
    items = len(monitor.items.rows) or 1
    pairs = len(monitor.pairs.rows) or 1
    of_annotators = size(by_annotator, seen) + size(monitor.watches.rows, seen)
    of_pairs = size(monitor.pairs.rows, seen)
    of_items = size(monitor.items.rows, seen) + size(monitor.records, seen)
    return {
        "item with its labels": (items, of_items / items),
        "annotator": (annotators, of_annotators / annotators),
        "pair of annotators": (pairs, of_pairs / pairs),
    }


def _projects(monitor: Monitor) -> list[str]:
    return [project for project, _ in monitor.tasks]


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table."""

    annotators: int
    ids: Ids
    rounds: tuple[Round, ...]
    events: int

    def microseconds(self, stage: str | None = None) -> float:
        """Of an event, in the median round."""
        return 1e6 / self.events * median(run.seconds[stage] if stage else run.total for run in self.rounds)

    def row(self) -> dict[str, object]:
        """All figures."""
        held = bytes_held(self.rounds[-1].monitor)
        return {
            "annotators": self.annotators,
            "ids": self.ids,
            "events": self.events,
            "microseconds": {stage: round(self.microseconds(stage), 2) for stage in STAGES},
            "total": round(self.microseconds(), 2),
            "per_cpu_second": round(1e6 / self.microseconds()),
            "bytes": {kind: round(each) for kind, (_, each) in held.items()},
            "held": {kind: count for kind, (count, _) in held.items()},
        }


def measure(events: int, projects: int, rounds: int) -> Iterator[Case]:
    """Every case, its rounds one after the other."""
    for annotators in (40, 1000):
        for ids in ("sequential", "random"):
            campaign = Campaign(projects=projects, partitions=1, annotators=annotators, ids=ids)
            values = [encode(event) for event in campaign.events(events)]
            runs: list[Round] = []
            for _ in range(rounds):
                runs[-1:] = [*runs[-1:], fold(values)]
            yield Case(annotators, ids, tuple(runs), events)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.core", description="Measure the core fold.")
    parser.add_argument("--events", type=int, default=60_000, help="events of a round (default 60000)")
    parser.add_argument("--projects", type=int, default=4, help="projects of the home (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the median counts (default 3)")
    given = parser.parse_args(arguments)
    collect_rarely()
    print(f"| annotators a project | ids | {' | '.join(STAGES)} | us/event | events per CPU-s | ", end="")
    print("bytes/item | bytes/annotator | bytes/pair |")
    print("|" + "---|" * (6 + len(STAGES) + 1))
    for case in measure(given.events, given.projects, given.rounds):
        row = case.row()
        stages = " | ".join(f"{case.microseconds(stage):.1f}" for stage in STAGES)
        held = " | ".join(f"{each:,.0f}" for _, each in bytes_held(case.rounds[-1].monitor).values())
        print(f"| {case.annotators:,} | {case.ids} | {stages} | {row['total']} | {row['per_cpu_second']:,} | {held} |")
        print(msgspec.json.encode(row).decode(), file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
