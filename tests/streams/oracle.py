"""What a store and the topics should hold, recomputed from the log in ways that share little with each other.

Statistics from the stored annotations; the document's projects from all events in another order, in one home; every
table and every message from the log in the order of the journal; and the event counts from the log's length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from faust.types.tuples import TP

from streams.document import Document, document
from streams.homes import Home, Record, Rules
from streams.outbox import FORWARDED, Message
from streams.store import Store, open_store
from streams.verify import Refold, Report, Span, journal, verify_statistics
from streams.windowing import OverTime, Windowing

SLICE = 500

Log = Mapping[TP, Sequence[Record]]


class Said(NamedTuple):
    """A message as it is on a topic."""

    topic: str
    id: str
    key: str | None
    value: bytes
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, message: Message) -> Said:
        """A message of an outbox."""
        return cls(message.topic, message.id, message.key, message.value, message.headers)


@dataclass(frozen=True, slots=True)
class Line:
    """A message for a home of no broker."""

    offset: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def differences_of_statistics(store: Store, rules: Rules) -> Iterator[str]:
    """Scopes, pairs and annotators against the stored annotations."""
    report = Report()
    for home in store.homes():
        verify_statistics(report, store, home, rules.configure)
    for difference in report.differences:
        yield f"statistics: {difference}"


def differences_of_projects(store: Store, log: Log, rules: Rules, seed: int) -> Iterator[str]:
    """The document's projects against all events in a random order, taken in by one home."""
    sent = [(tp.topic, record.value) for tp, held in log.items() for record in held if not _is_forwarded(record)]
    Random(seed).shuffle(sent)
    batch = open_store("sqlite://")
    home = Home(0, batch, replace(rules, home_of=lambda _: 0, publishes=False))
    for start in range(0, len(sent), SLICE):
        for topic in rules.parsers:
            part = [value for name, value in sent[start : start + SLICE] if name == topic]
            after = home.position(topic) + 1
            for _ in home.process(topic, [Line(after + place, value) for place, value in enumerate(part)]):
                pass
    expected, actual = _projects(batch, rules), _projects(store, rules)
    batch.close()
    for project in expected.keys() | actual.keys():
        if expected.get(project) != actual.get(project):
            yield f"projects: {project}"


def _projects(store: Store, rules: Rules) -> Document:
    """Over time too, but for how often windows were corrected: that is one a transaction."""
    found = document(store, rules.configure, rules.privacy, over_time=OverTime(Windowing(6, 6), 24))["projects"]
    for project in found.values():
        for task in project["tasks"].values():
            for window in task["windows"]:
                del window["corrections"]
    return dict(found)


def _is_forwarded(record: Record) -> bool:
    return any(name == FORWARDED for name, _ in record.headers)


def count_events(log: Log, rules: Rules) -> int:
    """The events in the log, each element of an array one."""
    return sum(len(list(rules.parsers[tp.topic].parse(record.value))) for tp, held in log.items() for record in held)


def differences_of_counts(store: Store, log: Log, rules: Rules) -> Iterator[str]:
    """Received is what the log holds, and the sum of the outcomes."""
    counts: dict[str, int] = document(store, rules.configure, rules.privacy)["events"]
    received, sent = counts.pop("received"), count_events(log, rules)
    if received != sent:
        yield f"counts: {received} received, {sent} in the log"
    if received != sum(counts.values()):
        yield f"counts: {received} received, but {counts}"


def differences_of_journal(store: Store, log: Log, rules: Rules, said: Iterable[Said]) -> Iterator[str]:
    """Each home folded anew in the order of its journal: every table, and every message."""
    report = Report()
    expected: list[Said] = []
    for number in store.homes():
        refold = _Recorded(store, number, rules)
        for transaction in journal(store, number):
            if isinstance(transaction, Span):
                held = log[TP(transaction.topic, number)]
                refold.process(transaction.topic, list(_between(held, transaction.first, transaction.last)))
            else:
                refold.adopt(transaction)
        refold.compare(report, store, number)
        refold.store.close()
        expected += refold.said
    yield from (f"journal: {difference}" for difference in report.differences)
    yield from differences_of_messages(said, expected)


def _between(held: Sequence[Record], first: int, last: int) -> Iterator[Record]:
    """Records of these offsets; where nothing is missing, an offset is nearly a place."""
    start = min(first, len(held))
    while start > 0 and held[start - 1].offset >= first:
        start -= 1
    for record in held[start:]:
        if record.offset > last:
            return
        if record.offset >= first:
            yield record


class _Recorded(Refold):
    """Keeps what it says."""

    def __init__(self, stored: Store, number: int, rules: Rules) -> None:
        super().__init__(stored, number, rules)
        self.said: list[Said] = []

    def _hear(self) -> None:
        self.said += map(Said.of, self._home.outbox.unsent)
        super()._hear()


def differences_of_messages(said: Iterable[Said], expected: Iterable[Said]) -> Iterator[str]:
    """What was said, repeats of the same id with the same content removed, against what should have been."""
    once: dict[tuple[str, str], Said] = {}
    for message in said:
        if once.setdefault(message[:2], message) != message:
            yield f"messages: two of id {message.id} on {message.topic}"
    wanted = {message[:2]: message for message in expected}
    for place in once.keys() | wanted.keys():
        if place not in once:
            yield f"messages: {place} was never published"
        elif place not in wanted:
            yield f"messages: {place} should not have been published"
        elif once[place] != wanted[place]:
            yield f"messages: {place} is another"
