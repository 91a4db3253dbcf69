"""A simulator of schedules: a log, a store and some workers, and whatever may happen between them, from a seed.

Workers are `Owner` objects with cursors and a queue of chunks, as the real ones are, on connections of their own to one
SQLite file. Chunks are fetched, lost and judged, partitions change hands while their former owner does not know it yet,
the store fails or says that it failed, and a worker ends at any call of the store: before it, after it, or while another
worker does something. In the end all is calm, and what the store and the topics hold is compared with recomputations.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from faust.types.tuples import TP

from detectors.config import TaskConfig
from detectors.panes import PANE, hours_in
from streams.chunks import Chunk, Cursors, Following
from streams.homes import Rules
from streams.kafka import partition_for
from streams.metrics import WorkerMetrics
from streams.outbox import Message
from streams.owner import Owner
from streams.parsing import Parser
from streams.privacy import Privacy
from streams.store import Conflict, Store, StoreFailed
from streams.store.sqlite import SqliteStore
from streams.store.tables import SCOPES
from tests.streams.doubles import OWNERS, STORES
from tests.streams.oracle import (
    Said,
    differences_of_counts,
    differences_of_journal,
    differences_of_projects,
    differences_of_statistics,
)

TOPICS = ("annotations", "gold")
PARTITIONS = 2
PROJECTS = ("ants", "bees")
PRIVACY = Privacy(b"a secret key of the simulator")
GOLD_FIRST = 12
"""So many events are keys, so that there is something to be wrong about."""
CALM_STEPS = 20_000

assert {partition_for(project, PARTITIONS) for project in PROJECTS} == set(range(PARTITIONS))


@dataclass(frozen=True, slots=True)
class Record:
    """A message of the log."""

    offset: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Log:
    """What the broker holds: the consumed topics, with holes, and what was published to the others."""

    def __init__(self) -> None:
        self.records: dict[TP, list[Record]] = {
            TP(topic, number): [] for topic in TOPICS for number in range(PARTITIONS)
        }
        self.ends = dict.fromkeys(self.records, 0)
        self.published: list[Message] = []

    def append(self, tp: TP, value: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        """Write a message."""
        self.records[tp].append(Record(self.ends[tp], value, headers))
        self.ends[tp] += 1

    def publish(self, message: Message) -> None:
        """Write a message of an outbox."""
        self.published.append(message)
        if message.topic in TOPICS:
            assert message.partition is not None
            headers = tuple((name, value.encode()) for name, value in message.headers)
            self.append(TP(message.topic, message.partition), message.value, headers)

    def read(self, tp: TP, offset: int, most: int) -> list[Record]:
        """The next records from an offset on."""
        found = [record for record in self.records[tp] if record.offset >= offset]
        return found[:most]


# ------------------------------------------------------------------------------------------------------------ events


def messages(chance: Random, count: int) -> Iterator[tuple[TP, bytes | None]]:
    """Messages of a few projects where every kind of event, and every kind of trouble with one, is frequent."""
    sent: list[tuple[TP, bytes | None]] = []
    writer = _Writer(chance)
    for _ in range(count):
        if sent and chance.random() < 0.05:
            yield chance.choice(sent)
            continue
        project = chance.choice(PROJECTS)
        event = writer.event(project)
        topic = TOPICS[1] if event["type"] in {"gold", "erasure"} else TOPICS[0]
        home = partition_for(project, PARTITIONS)
        number = home if chance.random() < 0.93 else 1 - home
        value: bytes | None = json.dumps(event).encode()
        roll = chance.random()
        if roll < 0.02:
            value = chance.choice((None, b"[]", b"{", json.dumps({**event, "time": "yesterday"}).encode()))
        elif roll < 0.08 and topic == TOPICS[0]:
            page = [event, writer.event(project, "annotation"), writer.event(chance.choice(PROJECTS), "annotation")]
            value = json.dumps([*page, *([7] if chance.random() < 0.2 else [])]).encode()
        sent.append((TP(topic, number), value))
        yield sent[-1]


class _Writer:
    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.number = 0
        self.keys: dict[tuple[str, str], str] = {}

    def event(self, project: str, kind: str | None = None) -> dict[str, Any]:
        """An event of a project; one annotator of each is careless."""
        chance = self.chance
        self.number += 1
        kinds = {"annotation": 60, "gold": 24, "retraction": 4, "review": 4, "context": 2, "erasure": 2}
        kind = kind or ("gold" if self.number <= GOLD_FIRST else chance.choices(list(kinds), list(kinds.values()))[0])
        hours = chance.choice((0, 0, 0, -0.03, 2, -60))
        at = (
            datetime(2026, 1, 5, tzinfo=UTC)
            + timedelta(hours=self.number, seconds=self.number)
            + timedelta(hours=hours)
        )
        name = f"e{self.number}"
        event: dict[str, Any] = {
            "type": kind,
            "id": name,
            "source": "simulator",
            "time": at.isoformat(),
            "project": project,
        }
        item = f"i{chance.randrange(14)}"
        some = f"e{max(1, self.number - chance.randrange(40))}"
        if kind == "annotation":
            annotator = chance.choice(("ann", "bob", "cleo", "cleo"))
            key = self.keys.get((project, item), "yes")
            wrong = chance.random() < (0.95 if annotator == "cleo" else 0.05)
            event |= {
                "item": item,
                "annotator": annotator,
                "label": ("no" if key == "yes" else "yes") if wrong else key,
            }
            event |= chance.choice(
                ({}, {}, {"duration_ms": chance.randrange(900, 9000)}, {"batch": "b1"}, {"stage": "review"})
            )
            if chance.random() < 0.1:
                event |= {"annotation": some, "revision": chance.randrange(3)}
            if chance.random() < 0.05:
                event |= {"skipped": True}
        elif kind == "gold":
            key = self.keys.setdefault((project, item), chance.choice(("yes", "no")))
            if chance.random() < 0.1:
                key = self.keys[project, item] = "no" if key == "yes" else "yes"
            event |= {"item": item, "accepted": [{"label": key}], "version": chance.randrange(2)}
            if chance.random() < 0.05:
                event["accepted"] = []
        elif kind == "retraction":
            event |= {"annotation": some} | chance.choice(({}, {"revision": 1}))
        elif kind == "review":
            event |= {"annotation": some, "reviewer": "rita", "verdict": "accept"}
        elif kind == "context":
            event |= {"kind": "guideline", "value": "v2"}
        else:
            event |= {"annotator": chance.choice(("ann", "bob", "rita"))}
        return event


# ----------------------------------------------------------------------------------------------------------- workers


class Killed(BaseException):
    """The process ends here."""


class Watched:
    """Mixed into a store: every call is a place where its worker may be interrupted."""

    interrupt: Callable[[str], None]

    def find_annotations(self, *args: Any) -> Any:
        return self._call("find_annotations", *args)

    def find(self, *args: Any) -> Any:
        return self._call("find", *args)

    def open_home(self, *args: Any) -> Any:
        return self._call("open_home", *args)

    def scan_annotations(self, *args: Any) -> Any:
        return self._call("scan_annotations", *args)

    def commit(self, *args: Any) -> Any:
        return self._call("commit", *args)

    def amend(self, *args: Any) -> Any:
        return self._call("amend", *args)

    def _call(self, name: str, *args: Any) -> Any:
        self.interrupt(f"before {name}")
        found = getattr(super(), name)(*args)
        self.interrupt(f"after {name}")
        return found


class SimulatedStore(Watched, SqliteStore):
    """A connection of one worker."""

    def __init__(self, path: Path, interrupt: Callable[[str], None]) -> None:
        self.interrupt = interrupt
        super().__init__(path)


@dataclass(frozen=True, slots=True)
class Protection:
    """The parts of the protocol that a double breaks, one at a time."""

    store: type[SimulatedStore] = SimulatedStore
    owner: type[Owner] = Owner


@dataclass(slots=True, eq=False)
class SimulatedWorker:
    """What one process holds in memory."""

    owner: Owner
    stores: list[Store]
    cursors: Cursors = field(default_factory=Cursors)
    assigned: set[int] = field(default_factory=set)
    told: list[set[int]] = field(default_factory=list)
    """Assignments that Kafka has made, and that this worker has not heard of yet."""
    places: dict[TP, int] = field(default_factory=dict)
    """Where its fetches go on."""
    queue: list[Chunk] = field(default_factory=list)
    seeks: list[tuple[TP, int]] = field(default_factory=list)

    @property
    def partitions(self) -> list[TP]:
        return [TP(topic, number) for topic in TOPICS for number in sorted(self.assigned)]

    def close(self) -> None:
        """The end of the process: the database notices."""
        for store in self.stores:
            store.close()


class Simulation:
    """One schedule. `run` answers what differs in the end; nothing, if the protocol holds."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        protection: Protection = Protection(),
        *,
        events: int = 80,
        reconfigure: bool = False,
        peaceful: bool = False,
    ) -> None:
        self.chance = Random(f"schedule {seed}")
        self.path = folder / f"{seed}.db"
        self.protection = protection
        self.reconfigure = reconfigure
        self.peaceful = peaceful
        self.config = TaskConfig(hourly_days=1)
        self.log = Log()
        self.workers: list[SimulatedWorker] = []
        self.faults: Counter[str] = Counter()
        self.calm = False
        self._busy: list[SimulatedWorker] = []
        self._events = events
        self._capacity = self.chance.choice((6, 40, 200_000))
        self._harm = self.chance.choice((0.0, 0.01, 0.04))
        self._template(folder)

    def _template(self, folder: Path) -> None:
        """Making tables takes longer than a schedule does: all begin with a copy."""
        template = folder / "template.db"
        if not template.exists():
            SqliteStore(template).close()
        shutil.copyfile(template, self.path)

    def rules(self) -> Rules:
        """The rules of all homes."""
        config = self.config
        return Rules(
            configure=lambda _, __: config,
            privacy=PRIVACY,
            home_of=lambda project: partition_for(project, PARTITIONS),
            parsers={topic: Parser() for topic in TOPICS},
            alerts_topic="alerts",
            dead_letters_topic="dead-letters",
            capacity=self._capacity,
            clock=lambda: 0.0,
        )

    # -- what happens -------------------------------------------------------------------------------------------

    def run(self) -> list[str]:
        """Let it happen; what differs in the end."""
        try:
            self._let_happen()
            return self.differences()
        finally:
            for worker in self.workers:
                worker.close()
            for file in self.path.parent.glob(f"{self.path.name}*"):
                file.unlink()

    def _let_happen(self) -> None:
        chance = self.chance
        arriving = messages(chance, self._events)
        for tp in self.log.ends:
            self.log.ends[tp] = chance.choice((0, 0, 3))
        self.workers = [self._worker() for _ in range(chance.choice((2, 3)))]
        self._rebalance()
        for worker in self.workers if self.peaceful else ():
            self._hear(worker)
            while worker.seeks:
                self._seek(worker)
        left = self._events
        while left or chance.random() < 0.97:
            if left and chance.random() < 0.3:
                tp, value = next(arriving)
                left -= 1
                if chance.random() < 0.02:
                    self.log.ends[tp] += chance.randrange(1, 3)
                self.log.append(tp, value)
            self._happen()
        self._calm_down()

    def _worker(self) -> SimulatedWorker:
        stores: list[Store] = []

        def connect() -> Store:
            store = self.protection.store(self.path, self._interrupt)
            store._connection.execute("PRAGMA synchronous = OFF")
            stores.append(store)
            return store

        rules = self.rules()
        return SimulatedWorker(self.protection.owner(connect, lambda _: rules, WorkerMetrics()), stores)

    def _happen(self) -> None:
        """Something happens to someone."""
        chance = self.chance
        roll = 1.0 if self.peaceful else chance.random()
        if roll < 0.015:
            self._rebalance()
        elif roll < 0.022:
            self._restart(chance.choice(self.workers), "kill")
            self._rebalance()
        elif roll < 0.024 and self.reconfigure:
            self._adopt()
        elif roll < 0.05:
            self._lose(chance.choice(self.workers))
        else:
            self._act(chance.choice(self.workers))

    def _act(self, worker: SimulatedWorker) -> None:
        """A step of a worker, which may be its last."""
        steps = (self._hear, self._fetch, self._seek, self._process, self._process, self._process, self._deliver)
        self._busy.append(worker)
        try:
            self.chance.choice(steps)(worker)
        except (StoreFailed, Conflict) as error:
            self.faults[type(error).__name__] += 1
        except Killed:
            self._restart(worker, "kill within")
            self._rebalance()
        finally:
            self._busy.pop()

    def _rebalance(self) -> None:
        """Kafka gives the partitions to other workers; each hears of it when it hears of it."""
        self.faults["rebalance"] += 1
        shares: list[set[int]] = [set() for _ in self.workers]
        for number in range(PARTITIONS):
            self.chance.choice(shares).add(number)
        for worker, share in zip(self.workers, shares, strict=True):
            worker.told.append(share)

    def _restart(self, worker: SimulatedWorker, how: str) -> None:
        self.faults[how] += 1
        self.workers[self.workers.index(worker)] = self._worker()
        worker.assigned.clear()
        worker.queue.clear()
        worker.close()

    def _adopt(self) -> None:
        """All workers end, and start with another configuration."""
        self.faults["adopt"] += 1
        declared = self.chance.choice((None, ("yes",)))
        self.config = TaskConfig(labels=declared, hourly_days=self.chance.choice((1, 2)))
        for worker in list(self.workers):
            self._restart(worker, "stop")
        self._rebalance()

    def _lose(self, worker: SimulatedWorker) -> None:
        """Chunks are lost on their way through Faust."""
        if worker.queue:
            self.faults["loss"] += 1
            start = self.chance.randrange(len(worker.queue))
            del worker.queue[start : start + self.chance.randrange(1, 4)]

    def _interrupt(self, where: str) -> None:
        """Within a call of the store: another worker does something, the store fails, or the process ends."""
        chance = self.chance
        if self.calm or self.peaceful or not self._busy:
            return
        roll = chance.random()
        if roll < self._harm:
            if chance.random() < 0.5:
                raise StoreFailed(where)
            raise Killed
        if roll > 0.97:
            for _ in range(chance.randrange(1, 6)):
                idle = [worker for worker in self.workers if worker not in self._busy]
                if idle:
                    self.faults["preemption"] += 1
                    self._act(chance.choice(idle))

    # -- what a worker does, as `streams.worker` and `streams.transport` do it --------------------------------------

    def _hear(self, worker: SimulatedWorker) -> None:
        """Partitions were revoked and assigned: memory is thrown away, and reading goes on from the store's positions."""
        if not worker.told:
            return
        assigned = worker.told[-1]
        worker.cursors.forget(worker.partitions)
        worker.owner.discard(worker.assigned)
        if self.chance.random() < 0.8:
            worker.queue.clear()
        worker.assigned = set(assigned)
        worker.owner.discard()
        worker.seeks.clear()
        # Before the first seek Kafka's own position counts, which is of no account.
        worker.places = {tp: self.chance.randrange(self.log.ends[tp] + 1) for tp in worker.partitions}
        positions = worker.owner.positions(worker.partitions)
        worker.told.clear()
        worker.seeks = [(tp, position + 1) for tp, position in positions.items()]

    def _fetch(self, worker: SimulatedWorker) -> None:
        if not worker.assigned or len(worker.queue) > 12:
            return
        tp = self.chance.choice(worker.partitions)
        place = worker.places[tp]
        records = self.log.read(tp, place, self.chance.choice((1, 4, 20)))
        if records:
            worker.places[tp] = records[-1].offset + 1
            worker.queue.extend(worker.cursors.cut(tp, records))

    def _seek(self, worker: SimulatedWorker) -> None:
        if worker.seeks:
            tp, offset = worker.seeks.pop(0)
            if tp.partition in worker.assigned:
                worker.cursors.seek(tp, offset)
                worker.places[tp] = offset

    def _process(self, worker: SimulatedWorker) -> None:
        if not worker.queue:
            return
        chunk = worker.queue[0]
        if worker.cursors.reads[chunk.tp] != chunk.reads:
            del worker.queue[0]
            return
        if worker.owner.step(chunk.partition) is not None:
            return
        following = worker.owner.take_in(chunk)
        if following is Following.GONE:
            following = worker.owner.take_in(chunk, gone=True)
        assert following is not Following.BACK
        if worker.queue and worker.queue[0] is chunk:  # or it ended meanwhile
            del worker.queue[0]
            if following is Following.LOST:
                self.faults["read again"] += 1
                worker.seeks.append((chunk.tp, worker.owner.covered[chunk.tp]))

    def _deliver(self, worker: SimulatedWorker) -> None:
        if worker.assigned:
            number = self.chance.choice(sorted(worker.assigned))
            worker.owner.step(number)
            unsent = worker.owner.unsent(number)
            sent = unsent[: self.chance.randrange(len(unsent) + 1)]
            for message in sent:
                self.log.publish(message)
            if sent and (self.calm or self.chance.random() < 0.9):
                worker.owner.settle(number, sent, ())

    # -- in the end ---------------------------------------------------------------------------------------------

    def _calm_down(self) -> None:
        self.calm = True
        if not self.peaceful:
            self._rebalance()
        for _ in range(CALM_STEPS):
            if self._is_done():
                return
            self._act(self.chance.choice(self.workers))
        raise AssertionError("the workers do not come to an end")

    def _is_done(self) -> bool:
        for worker in self.workers:
            if worker.told or worker.queue or worker.seeks:
                return False
            for tp in worker.partitions:
                last = self.log.records[tp][-1].offset if self.log.records[tp] else -1
                if worker.owner.covered.get(tp, 0) <= last or worker.owner.unsent(tp.partition):
                    return False
                if worker.owner.step(tp.partition) is not None:
                    return False
        return True

    def differences(self) -> list[str]:
        """What differs between store and topics, and what they should hold."""
        store = SqliteStore(self.path, read_only=True)
        for home in store.homes():
            panes = [str(row[4]) for row in store.scan(SCOPES, home) if row[3] == PANE]
            self.faults["merged days"] += sum(hours_in(name) > 1 for name in panes)
        rules = self.rules()
        found = [
            *differences_of_statistics(store, rules),
            *differences_of_projects(store, self.log.records, rules, self.chance.randrange(1000)),
            *differences_of_counts(store, self.log.records, rules),
        ]
        found += differences_of_journal(store, self.log.records, rules, map(Said.of, self.log.published))
        store.close()
        return found


DOUBLES = {
    **{name: Protection(store=type(name, (mixin, SimulatedStore), {})) for name, mixin in STORES.items()},
    **{name: Protection(owner=owner) for name, owner in OWNERS.items()},
}
