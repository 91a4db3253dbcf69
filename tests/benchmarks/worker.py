"""The whole worker against the least and the naive: `python -m tests.benchmarks.worker`.

On one real Apache Kafka whose topics were filled before, and one real PostgreSQL that syncs its commits, each contender runs
as a process of its own, one after the other, in several rounds: what disturbs the machine disturbs them all. CPU is that of
the contender's process, without the servers'. A ratio compares with the bare loop of the same round and ids.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import psycopg
from confluent_kafka import Producer
from psycopg import sql

from streams.events import encode
from streams.kafka import partition_for
from streams.settings import KafkaSettings
from streams.store import open_store
from streams.store.tables import META, TABLES
from tests.benchmarks.campaign import Campaign, Ids
from tests.benchmarks.naive import changelog
from tests.benchmarks.prefilled import prefilled
from tests.benchmarks.stopwatch import Measured
from tests.servers.kafka import ApacheKafka
from tests.servers.postgres import PostgreSQL
from tests.servers.process import FailedProcessError, Process

ROOT: Final = Path(__file__).resolve().parents[2]
PARTITIONS: Final = 8
ALL_IDS: Final[tuple[Ids, ...]] = ("sequential", "random")
STORES: Final = ("sqlite", "postgresql")
NAIVE: Final = "naive"
"""The topic of the naive contender, which is too slow for the others'."""

TEMPLATE: Final = "prefilled"
LONGEST_RUN: Final = 900.0


@dataclass(slots=True)
class Contender:
    """One line of the table; `existing` annotations are in the store before, -1 says that there is no store."""

    name: str
    ids: Ids
    store: str = ""
    existing: int = -1
    rounds: list[Measured] = field(default_factory=list)

    @property
    def microseconds(self) -> float:
        """CPU time of an event, in the median round."""
        return median(run.microseconds for run in self.rounds)

    @property
    def per_second(self) -> float:
        """Events a second of wall time, in the median round."""
        return median(run.events / run.wall for run in self.rounds)

    def times(self, other: Contender) -> float:
        """So many times the CPU time of the other, in the median of the rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return median(mine.microseconds / its.microseconds for mine, its in pairs)


class Field:
    """What all contenders share: the servers, the filled topics, the prefilled stores."""

    def __init__(self, kafka: ApacheKafka, postgres: PostgreSQL | None, folder: Path, events: int, naive: int) -> None:
        self._kafka = kafka
        self._postgres = postgres
        self._folder = folder
        self._events = events
        self._naive = naive
        self._numbers = count(1)
        self._file: Path | None = None

    def fill(self) -> None:
        """Make the topics: of either kind of ids one, the naive contender's, and those that a worker writes to."""
        kafka = KafkaSettings()
        for topic in (kafka.alerts_topic, kafka.dead_letters_topic):
            self._kafka.create_topic(topic)
        for ids in ALL_IDS:
            self._fill(ids, ids, self._events)
        self._fill(NAIVE, "sequential", self._naive)

    def _fill(self, topic: str, ids: Ids, events: int) -> None:
        self._kafka.create_topic(topic, PARTITIONS)
        producer = Producer(
            {"bootstrap.servers": self._kafka.bootstrap, "linger.ms": 50, "queue.buffering.max.messages": 1_000_000}
        )
        for event in Campaign(ids=ids, partitions=PARTITIONS, seed=2).events(events):
            place = partition_for(event.project, PARTITIONS)
            producer.produce(topic, encode(event), event.project.encode(), partition=place)
            producer.poll(0)
        left = producer.flush(120)
        if left:
            raise FailedProcessError(
                f"expected {events} events in the topic {topic}, found {left} of them not taken in time"
            )

    def prefill(self, annotations: int, stores: Iterable[str]) -> None:
        """Make the stores that hold annotations: a file, and a database with the same rows."""
        self._file = prefilled(annotations, Campaign(ids="random", partitions=PARTITIONS))
        if self._postgres is not None and "postgresql" in stores:
            _copy(self._file, self._postgres.create_database(TEMPLATE))

    def run(self, contender: Contender) -> Measured:
        """Run it once, on a fresh copy of its store."""
        number = next(self._numbers)
        bootstrap = self._kafka.bootstrap
        if contender.name == "bare loop":
            return self._process("bare", bootstrap, contender.ids, str(self._events))
        if contender.name == "naive Faust":
            app = f"naive-{number}"
            self._kafka.create_topic(changelog(app), PARTITIONS, {"cleanup.policy": "compact"})
            return self._process("naive", bootstrap, NAIVE, str(self._naive), str(PARTITIONS), app)
        name = f"run_{number}"
        if contender.store == "postgresql":
            return self._on_postgres(contender, name)
        path = self._folder / f"{name}.db"
        if contender.existing and self._file is not None:
            shutil.copyfile(self._file, path)
        measured = self._process("whole", bootstrap, contender.ids, f"sqlite:///{path}", str(self._events))
        for left in self._folder.glob(f"{name}.db*"):
            left.unlink()
        return measured

    def _on_postgres(self, contender: Contender, name: str) -> Measured:
        postgres = self._postgres
        assert postgres is not None
        if contender.existing:
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
                )
                connection.execute("CHECKPOINT")
            url = f"{postgres.url.rpartition('/')[0]}/{name}"
        else:
            url = postgres.create_database(name)
        try:
            return self._process("whole", self._kafka.bootstrap, contender.ids, url, str(self._events))
        finally:
            postgres.drop_database(name)

    def _process(self, module: str, *arguments: str) -> Measured:
        output, errors = self._folder / "output", self._folder / "errors"
        output.write_bytes(b"")
        errors.write_bytes(b"")
        command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
        process = Process(command, output, errors=errors, folder=ROOT)
        try:
            code = process.wait(LONGEST_RUN)
        finally:
            process.kill()
        if code:
            raise FailedProcessError(f"{module} ended with {code}\n{process.tail()}")
        return msgspec.json.decode(output.read_bytes().splitlines()[-1], type=Measured)


def _copy(file: Path, url: str) -> None:
    """Copy every row of a SQLite store to a new PostgreSQL store."""
    open_store(url).close()
    with (
        closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as source,
        psycopg.connect(url) as target,
    ):
        for table in TABLES:
            condition = " WHERE name <> 'schema_version'" if table is META else ""
            rows = source.execute(f"SELECT {', '.join(table.names)} FROM {table.name}{condition}")
            columns = sql.SQL(", ").join(map(sql.Identifier, table.names))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
            with target.cursor().copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def contenders(stores: Iterable[str], prefill: int, prefilled_stores: Iterable[str]) -> Iterator[Contender]:
    """All of them, in the order of the table."""
    for ids in ALL_IDS:
        yield Contender("bare loop", ids)
    filled = set(prefilled_stores)
    for store in stores:
        for existing in (0, prefill) if prefill and store in filled else (0,):
            for ids in ALL_IDS:
                yield Contender("worker", ids, store, existing)
    yield Contender("naive Faust", "sequential")


def report(found: list[Contender]) -> None:
    """The table, and the same as a line of JSON for programs."""
    bare = {each.ids: each for each in found if each.name == "bare loop"}
    naive = found[-1]
    print("| contender | ids | store | events | us of CPU an event | events per CPU-s | of the bare loop | ", end="")
    print("times the naive way | wall events/s |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|")
    lines = []
    for each in found:
        line = {
            "contender": each.name,
            "ids": each.ids,
            "store": each.store,
            "existing": max(each.existing, 0),
            "events": each.rounds[0].events,
            "microseconds": round(each.microseconds, 2),
            "per_cpu_second": round(1e6 / each.microseconds),
            "times_bare": round(each.times(bare[each.ids]), 2),
            "times_naive": round(naive.times(each), 2),
            "per_second": round(each.per_second),
            "rounds": [round(run.microseconds, 2) for run in each.rounds],
        }
        lines.append(line)
        store = f"{each.store}, {f'{each.existing:,} annotations' if each.existing else 'empty'}" if each.store else "–"
        print(
            f"| {each.name} | {each.ids} | {store} | {line['events']:,} | {line['microseconds']} | "
            f"{line['per_cpu_second']:,} | 1/{line['times_bare']} | {line['times_naive']} | {line['per_second']:,} |"
        )
    print(msgspec.json.encode(lines).decode(), file=sys.stderr, flush=True)


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not set(names) <= set(STORES):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(STORES)}, with commas between, found {text!r}")
    return names


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.worker", description="Measure the whole worker.")
    parser.add_argument("--events", type=int, default=200_000, help="events a run (default 200000)")
    parser.add_argument("--naive-events", type=int, default=20_000, help="of the naive contender (default 20000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians count (default 3)")
    parser.add_argument("--stores", type=_names, default=[*STORES], help="default sqlite,postgresql")
    parser.add_argument("--prefill", type=int, default=2_000_000, help="annotations stored before (default 2000000)")
    parser.add_argument("--no-prefill", action="store_true", help="empty stores only")
    parser.add_argument(
        "--prefilled-stores", type=_names, default=[*STORES], help="whose prefilled runs to make (default: both)"
    )
    given = parser.parse_args(arguments)
    prefill = 0 if given.no_prefill else given.prefill
    found = list(contenders(given.stores, prefill, given.prefilled_stores))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kappawatch-benchmark-")))
        kafka = stack.enter_context(ApacheKafka())
        wanted = "postgresql" in given.stores
        postgres = stack.enter_context(PostgreSQL({"fsync": "on"})) if wanted else None
        course = Field(kafka, postgres, folder, given.events, given.naive_events)
        course.fill()
        if prefill:
            course.prefill(prefill, set(given.stores) & set(given.prefilled_stores))
        for number in range(given.rounds):
            for contender in found:
                measured = course.run(contender)
                contender.rounds.append(measured)
                print(
                    f"round {number + 1}: {contender.name}, {contender.ids}, {contender.store or '-'}, "
                    f"{max(contender.existing, 0):,}: {measured.microseconds:.1f} us",
                    file=sys.stderr,
                    flush=True,
                )
    report(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
