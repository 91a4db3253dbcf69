"""A SQLite store that already holds many annotations, made once and kept in the repository's `.cache`.

The product's own homes take in the campaign of seed 1 with random ids, chunk by chunk, without a broker and under a topic of
another name, so a worker finds itself at the start of its own topic. Measured is a campaign of a later day.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from detectors.config import TaskConfig
from detectors.fingerprint import fingerprint
from streams import site
from streams.events import Annotation, Event, encode
from streams.garbage import collect_rarely
from streams.homes import Home, Rules
from streams.kafka import partition_for
from streams.parsing import Parser
from streams.settings import Settings
from streams.store import Store, open_store
from streams.store.tables import SCHEMA_VERSION
from tests.benchmarks.campaign import Campaign

CACHE: Final = Path(__file__).resolve().parents[2] / ".cache" / "benchmarks"
TOPIC: Final = "earlier"
CHUNK: Final = 1000


class _Record(NamedTuple):
    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def prefilled(annotations: int, campaign: Campaign) -> Path:
    """The file of the store with so many annotations of the campaign; made now if there is none of this version."""
    version = f"v{SCHEMA_VERSION}-{fingerprint(TaskConfig())[:12]}"
    shape = f"{campaign.projects}-{campaign.partitions}-{campaign.annotators}-{campaign.ids}-{campaign.seed}"
    path = CACHE / f"store-{version}-{shape}-{annotations}.db"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        for left in CACHE.glob(f"{part.name}*"):
            left.unlink()
        store = open_store(f"sqlite:///{part}")
        _fill(store, annotations, campaign)
        store.close()
        part.rename(path)
    return path


def _fill(store: Store, annotations: int, campaign: Campaign) -> None:
    settings, partitions = Settings(), campaign.partitions
    site.check_partitions(store, {TOPIC: partitions})
    rules = Rules(
        configure=settings.task_config,
        privacy=site.privacy(store, settings),
        home_of=partial(partition_for, count=partitions),
        parsers={TOPIC: Parser()},
        alerts_topic=settings.kafka.alerts_topic,
        dead_letters_topic=settings.kafka.dead_letters_topic,
        capacity=settings.memory.items,
        publishes=False,
    )
    homes = [Home(number, store, rules) for number in range(partitions)]
    waiting: list[list[_Record]] = [[] for _ in homes]
    ends = [0] * partitions
    for event in _until(annotations, campaign):
        number = partition_for(event.project, partitions)
        records = waiting[number]
        records.append(_Record(ends[number], encode(event)))
        ends[number] += 1
        if len(records) == CHUNK:
            _take_in(homes[number], records)
    for home, records in zip(homes, waiting, strict=True):
        _take_in(home, records)


def _until(annotations: int, campaign: Campaign) -> Iterator[Event]:
    """The campaign's events up to its annotation of this number."""
    began, seen = time.monotonic(), 0
    for event in campaign.events(sys.maxsize):
        if seen == annotations:
            return
        yield event
        if isinstance(event, Annotation):
            seen += 1
            if seen % 200_000 == 0:
                print(
                    f"{seen:,} annotations stored after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True
                )


def _take_in(home: Home, records: list[_Record]) -> None:
    for _ in home.process(TOPIC, records):
        pass
    records.clear()


if __name__ == "__main__":
    collect_rarely()
    print(prefilled(int(sys.argv[1]), Campaign(ids="random")))
