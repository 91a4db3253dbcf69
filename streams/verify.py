"""`kappawatch verify`: recompute everything and compare it, exactly, with what the store holds.

Statistics are recomputed from the stored annotations alone. Where the broker is at hand, the whole state (annotations,
detectors, alarms, counts) is also folded anew from the log, in the order that the journal tells, each task under the
configurations that it followed by then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Final, NamedTuple, Self, TypeAlias, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from detectors.closed import readings
from detectors.config import TaskConfig
from detectors.item import contribution
from detectors.keys import PairKey, ScopeKey, TaskKey
from detectors.labels import Fit
from detectors.panes import PANE, bound_name, hour_of, hours_in, merged_name
from detectors.scope import Scope
from detectors.watermark import Clocks, hours_over, merged_to
from streams import logs, site
from streams.errors import Refused, Unavailable
from streams.homes import Home, Rules
from streams.kafka import consumer_options, partition_for
from streams.logs import describe
from streams.parsing import Parser
from streams.rebuilding import adoptions, followed, following
from streams.settings import Settings, add_config_argument, load_settings
from streams.store import Row, Store, StoreFailed, open_store, rows
from streams.store.tables import (
    ALARMS,
    ANNOTATIONS,
    ANSWERS,
    CLOCKS,
    CONTEXTS,
    DEAD_LETTERS,
    ERASURES,
    GOLD,
    HOMES,
    JOURNAL,
    PAIRS,
    PROJECTS,
    READINGS,
    REVIEWS,
    SCOPES,
    TASKS,
    WATCHES,
    Table,
)
from streams.stored_items import stored_annotations, stored_items

MOST_SHOWN: Final = 20

FOLDED: Final = (
    PROJECTS,
    TASKS,
    ANNOTATIONS,
    GOLD,
    REVIEWS,
    CONTEXTS,
    ERASURES,
    CLOCKS,
    SCOPES,
    READINGS,
    PAIRS,
    WATCHES,
    ANSWERS,
    ALARMS,
    DEAD_LETTERS,
)
"""The tables that are functions of the log in the journal's order."""

NOT_FOLDED: Final = {
    ALARMS: ("version",),  # rebuilds and restarts move it
    DEAD_LETTERS: ("refused_at",),
    ERASURES: ("scanned_to",),
    READINGS: ("corrections",),  # one a transaction, however many changes it takes in
    TASKS: ("fingerprint", "former", "rebuilt_to"),
    HOMES: ("version", "next_message"),
}
"""Columns that tell of the processing, not of the events."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that the store does not hold as it should: None where there is none."""

    table: str
    key: tuple[object, ...]
    stored: tuple[object, ...] | None
    expected: tuple[object, ...] | None


@dataclass(slots=True)
class Report:
    """What was compared: rows by table; the differences; and what could not be compared, and why."""

    compared: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def compare(self, table: Table, stored: Iterable[Row], expected: Iterable[Row]) -> None:
        """Compare a table of one home, row for row."""
        ignored = NOT_FOLDED.get(table, ())
        kept = [place for place, name in enumerate(table.names) if name not in ignored]
        width = len(table.key)

        def by_key(found: Iterable[Row]) -> dict[tuple[object, ...], tuple[object, ...]]:
            return {tuple(row[:width]): tuple(_plain(row[place]) for place in kept) for row in found}

        one, other = by_key(stored), by_key(expected)
        self.compared[table.name] = self.compared.get(table.name, 0) + len(one.keys() | other.keys())
        for key in sorted(one.keys() | other.keys(), key=repr):
            if one.get(key) != other.get(key):
                self.differences.append(Difference(table.name, key, one.get(key), other.get(key)))


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


class Recomputed(NamedTuple):
    """A home's statistics as a batch."""

    scopes: dict[ScopeKey, Scope]
    pairs: dict[PairKey, dict[str, int]]
    clocks: Clocks


def recompute(store: Store, home: int, configure: Callable[[str, str], TaskConfig]) -> Recomputed:
    """Compute them from every stored item, whole, one after the other."""
    clocks = Clocks()
    for record in stored_annotations(store, home):
        for event in record.deliveries():
            clocks.hear(event.project, event.annotator, event.at)
    scopes: dict[ScopeKey, Scope] = {}
    pairs: dict[PairKey, dict[str, int]] = {}
    fits: dict[tuple[str, str], Fit] = {}
    bounds: dict[tuple[str, str], str] = {}
    for item in stored_items(store, home):
        project, task, _ = item.key
        fit = fits.get((project, task))
        if fit is None:
            fit = fits[project, task] = Fit(configure(project, task))
            bounds[project, task] = bound_name(_to_merge(clocks, project, configure(project, task)))
        added = contribution(item, fit)
        bound = bounds[project, task]
        for (dimension, value), addition in added.by_place():
            place = dimension, merged_name(value, bound) if dimension == PANE else value
            scopes.setdefault(ScopeKey(project, task, *place), Scope()).update(addition)
        for pair, pattern in added.by_pair():
            confusion = pairs.setdefault(PairKey(project, task, *pair), {})
            confusion[pattern] = confusion.get(pattern, 0) + 1
    return Recomputed(scopes, pairs, clocks)


def _to_merge(clocks: Clocks, project: str, config: TaskConfig) -> int:
    """The hour below which a task's items count by the day."""
    return merged_to(clocks.agreed(project), config.lateness_minutes, config.hourly_days)


def _readings(
    home: int, scopes: Mapping[ScopeKey, Scope], clocks: Clocks, configure: Callable[[str, str], TaskConfig]
) -> Iterator[Row]:
    """What the closed hours say."""
    for key, scope in scopes.items():
        if key.dimension == PANE and not scope.empty:
            config = configure(key.project, key.task)
            end = hour_of(key.value) + hours_in(key.value)
            if end <= hours_over(clocks.reached(key.project), config.lateness_minutes):
                yield from rows.reading_rows(home, (key.project, key.task), key.value, readings(config, scope))


def verify_statistics(report: Report, store: Store, home: int, configure: Callable[[str, str], TaskConfig]) -> None:
    """Compare a home's statistics with a batch recomputation from its annotations."""
    scopes, pairs, clocks = recompute(store, home, configure)
    report.compare(
        SCOPES,
        store.scan(SCOPES, home),
        [rows.scope_row(home, key, scope) for key, scope in scopes.items() if not scope.empty],
    )
    report.compare(PAIRS, store.scan(PAIRS, home), [rows.pair_row(home, key, pair) for key, pair in pairs.items()])
    report.compare(
        CLOCKS,
        store.scan(CLOCKS, home),
        [(home, project, name, at) for project in clocks.projects for name, at in clocks.latest(project).items()],
    )
    report.compare(READINGS, store.scan(READINGS, home), _readings(home, scopes, clocks, configure))
    annotators: dict[tuple[object, ...], int] = {}
    for key, scope in scopes.items():
        if key.dimension == "annotator" and scope.annotations:
            annotators[key.project, key.task] = annotators.get((key.project, key.task), 0) + 1
    for _, project, task, *values in store.scan(TASKS, home):
        stored = values[0], values[-1]
        bound = _to_merge(clocks, str(project), configure(str(project), str(task)))
        expected = annotators.pop((project, task), 0), bound
        if stored != expected:
            report.differences.append(Difference(TASKS.name, (home, project, task), stored, expected))
    for place, count in annotators.items():
        report.differences.append(Difference(TASKS.name, (home, *place), None, (count,)))


class Span(NamedTuple):
    """What one transaction took in: offsets of a topic."""

    topic: str
    first: int
    last: int


Adoption: TypeAlias = dict[TaskKey, TaskConfig]
"""The tasks that follow another configuration from here on."""


def journal(store: Store, home: int) -> list[Span | Adoption]:
    """In what order a home took in its topics, and other configurations between."""
    found: dict[int, Span | Adoption] = {}
    for row in store.scan(JOURNAL, home):
        _, version, topic, first, last = cast("tuple[int, int, str, int, int]", tuple(row))
        found[version] = Span(topic, first, last)
    for version, key, _, configuration in adoptions(store, home):
        cast("Adoption", found.setdefault(version, {}))[key] = configuration
    return [found[version] for version in sorted(found)]


class Refold:
    """A home folded anew from the log, in the order of a store's journal, into a store in memory.

    Each task begins with the configuration that it had in that store when it was first seen.
    """

    def __init__(self, stored: Store, number: int, rules: Rules) -> None:
        self.store = open_store("sqlite://")
        self._number = number
        self._configurations = followed(stored)
        for _, key, former, _ in reversed([*adoptions(stored, number)]):
            self._configurations[key] = former
        self._rules = replace(rules, configure=lambda *key: self._configurations.get(key) or rules.configure(*key))
        self._home = Home(number, self.store, self._rules)

    def process(self, topic: str, records: Sequence[Any]) -> None:
        """Take in what one transaction took in."""
        for _ in self._home.process(topic, records):
            self._hear()

    def adopt(self, adoption: Adoption) -> None:
        """Let tasks follow another configuration."""
        self._configurations.update(adoption)
        self.store.close_home(self._number)
        self._home = Home(self._number, self.store, self._rules)
        self._home.outbox.unsent.clear()
        self._home.finish_work()
        self._hear()

    def _hear(self) -> None:
        """What the home says is not sent."""
        self._home.outbox.unsent.clear()

    def compare(self, report: Report, store: Store, home: int) -> None:
        """Compare every table that is a function of the log."""
        for table in FOLDED:
            if table is DEAD_LETTERS:
                self._compare_letters(report, store, home)
                continue
            report.compare(table, store.scan(table, home), self.store.scan(table, home))
        report.compare(HOMES, store.scan(HOMES, home), self.store.scan(HOMES, home))

    def _compare_letters(self, report: Report, store: Store, home: int) -> None:
        """Those that the store still keeps: it drops them after a while."""
        stored = list(store.scan(DEAD_LETTERS, home))
        first = cast("int", stored[0][1]) if stored else cast("int", next(store.scan(HOMES, home))[7])
        expected = [row for row in self.store.scan(DEAD_LETTERS, home) if cast("int", row[1]) >= first]
        report.compare(DEAD_LETTERS, stored, expected)


class _Log:
    """The records of one home's topics, read forward."""

    def __init__(self, settings: Settings, home: int) -> None:
        self._settings = settings
        self._home = home
        self._consumers: dict[str, Any] = {}
        self._fetched: dict[str, deque[Any]] = {}

    async def __aenter__(self) -> Self:
        try:
            for topic in self._settings.kafka.topics:
                consumer = self._consumers[topic] = AIOKafkaConsumer(**consumer_options(self._settings))
                await consumer.start()
                consumer.assign([TopicPartition(topic, self._home)])
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for consumer in self._consumers.values():
            await consumer.stop()

    async def begins(self, topic: str) -> int:
        """The first offset that the log still holds."""
        tp = TopicPartition(topic, self._home)
        return int((await self._consumers[topic].beginning_offsets([tp]))[tp])

    async def read(self, topic: str, first: int, last: int) -> list[Any]:
        """The records from `first` to `last`, of which compaction may have taken any, the last one too."""
        consumer, tp = self._consumers[topic], TopicPartition(topic, self._home)
        fetched = self._fetched.get(topic)
        if fetched is None:
            fetched = self._fetched[topic] = deque()
            consumer.seek(tp, first)
        found = []
        while True:
            while fetched and fetched[0].offset <= last:
                record = fetched.popleft()
                if record.offset >= first:
                    found.append(record)
            if fetched or await consumer.position(tp) > last:
                return found
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                fetched.extend(records)


async def verify_log(report: Report, store: Store, settings: Settings, rules: Rules, home: int) -> None:
    """Compare a home with a refold of the log in the journal's order."""
    transactions = journal(store, home)
    refold = Refold(store, home, rules)
    async with _Log(settings, home) as log:
        firsts: dict[str, int] = {}
        for transaction in transactions:
            if isinstance(transaction, Span):
                firsts.setdefault(transaction.topic, transaction.first)
        for topic, first in firsts.items():
            if await log.begins(topic) > first:
                report.notes.append(
                    f"home {home}: the log of {topic} no longer holds the offsets from {first}; only statistics compared"
                )
                return
        for transaction in transactions:
            if isinstance(transaction, Span):
                refold.process(transaction.topic, await log.read(*transaction))
            else:
                refold.adopt(transaction)
    refold.compare(report, store, home)
    refold.store.close()


def verify(settings: Settings, *, log: bool, timeout: float) -> Report:
    """Compare the configured store, as it is at this moment, with recomputations; `Refused` if it is in the middle of work.

    Configurations are those that the store follows, whatever ours says.
    """
    store = open_store(settings.store.url, read_only=True)
    report = Report()
    homes = store.homes()
    _check_finished(store, homes)
    configure = following(store, settings.task_config)
    for home in homes:
        verify_statistics(report, store, home, configure)
    if not log:
        report.notes.append("the log was not read; only statistics compared")
    else:
        asyncio.run(_verify_logs(report, store, settings, timeout, homes))
    store.close()
    return report


async def _verify_logs(report: Report, store: Store, settings: Settings, patience: float, homes: Sequence[int]) -> None:
    rules = Rules(
        configure=settings.task_config,
        privacy=site.privacy_to_read(store, settings),
        home_of=partial(partition_for, count=int(store.meta(site.PARTITIONS) or 1)),
        parsers={topic: Parser(settings.accepts(topic)) for topic in settings.kafka.topics},
        alerts_topic=settings.kafka.alerts_topic,
        dead_letters_topic=settings.kafka.dead_letters_topic,
        capacity=settings.memory.items,
    )
    where = f"Kafka at {settings.kafka.bootstrap_servers}"
    without = "--no-log compares the statistics with the stored annotations only"
    try:
        async with asyncio.timeout(patience):
            for home in homes:
                await verify_log(report, store, settings, rules, home)
    except TimeoutError:
        raise Unavailable(
            f"{where}: expected to read the log of home {home} to its end within {patience:g} s, found more to read, or no "
            f"answer; check that the broker runs, or raise --timeout; {without}"
        ) from None
    except KafkaError as error:
        raise Unavailable(
            f"{where}: expected to read the log of home {home}, found {describe(error)}; check that the broker runs, "
            f"kafka.bootstrap_servers and kafka.security_protocol; {without}"
        ) from None


def _check_finished(store: Store, homes: Iterable[int]) -> None:
    for home in homes:
        rebuilding = any(cast("int", row[TASKS.names.index("rebuilt_to")]) >= 0 for row in store.scan(TASKS, home))
        if rebuilding or any(row[-1] == 0 for row in store.scan(ERASURES, home)):
            raise Refused(
                f"expected a store without unfinished work, found {'a rebuild' if rebuilding else 'an erasure'} of home "
                f"{home} under way: let a worker finish it (it is ready then), and verify again"
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kappawatch verify`."""
    add_config_argument(parser)
    parser.add_argument("--no-log", action="store_true", help="compare with the stored annotations only, not the log")
    parser.add_argument("--timeout", metavar="S", type=float, default=600.0, help="seconds for reading the log")


def run(args: argparse.Namespace) -> int:
    """Run `kappawatch verify`: exit code 0 if all is equal, 1 if not."""
    settings = load_settings(args.config, os.environ)
    logs.configure(settings.log.level, settings.log.format)
    try:
        report = verify(settings, log=not args.no_log, timeout=args.timeout)
    except StoreFailed as error:
        raise Unavailable(str(error)) from None
    for table, count in report.compared.items():
        print(f"{table:14} {count:10,} rows compared")
    for note in report.notes:
        print(f"note: {note}")
    for difference in islice(report.differences, MOST_SHOWN):
        key = "/".join(map(str, difference.key))
        print(f"DIFFERENT {difference.table} {key}\n  stored   {difference.stored}\n  expected {difference.expected}")
    if report.differences:
        print(f"{len(report.differences):,} rows differ")
        return 1
    print("all that was compared is equal" if report.notes else "everything is equal")
    return 0
