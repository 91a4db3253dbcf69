"""Folding events without a broker, for tests: chunk sizes, memory and restarts as the test wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import pytest

from detectors.config import TaskConfig
from detectors.records import AnnotationRecord
from streams.document import Document, document
from streams.homes import Home, Rules
from streams.parsing import Parser
from streams.privacy import Privacy
from streams.store import Store, open_store

TOPIC = "events"
PRIVACY = Privacy(b"a secret key of the tests")


@dataclass(frozen=True, slots=True)
class Record:
    """A message of a log."""

    offset: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def default_task(_project: str, _task: str) -> TaskConfig:
    """A task that nobody configured."""
    return TaskConfig()


def rules(configure: Callable[[str, str], TaskConfig] = default_task, capacity: int = 200_000) -> Rules:
    """Rules of a log of one topic with one partition."""
    return Rules(
        configure=configure,
        privacy=PRIVACY,
        home_of=lambda _: 0,
        parsers={TOPIC: Parser()},
        alerts_topic="alerts",
        dead_letters_topic="dead-letters",
        capacity=capacity,
        clock=lambda: 0.0,
    )


def fold(
    messages: Iterable[bytes],
    *,
    store: Store | None = None,
    chunk: int = 1000,
    capacity: int = 200_000,
    restarts: bool = False,
    configure: Callable[[str, str], TaskConfig] = default_task,
) -> Store:
    """A store that has taken in the messages; with `restarts` the home is loaded anew for every chunk."""
    store = store or open_store("sqlite://")
    home = Home(0, store, rules(configure, capacity))
    records = (Record(offset, value) for offset, value in enumerate(messages))
    while part := list(islice(records, chunk)):
        if restarts:
            store.close_home(0)
            home = Home(0, store, rules(configure, capacity))
            home.finish_work()
        for _ in home.process(TOPIC, part):
            pass
    return store


def projects(store: Store, configure: Callable[[str, str], TaskConfig] = default_task) -> Document:
    """What the document says of the store's projects."""
    found: Document = document(store, configure, PRIVACY)["projects"]
    return found


def shuffled(messages: Sequence[bytes], seed: int) -> list[bytes]:
    """The messages in another order, some of them twice."""
    chance = Random(seed)
    again = [message for message in messages if chance.random() < 0.3]
    found = [*messages, *again]
    chance.shuffle(found)
    return found


def scans_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The homes of which scans of the annotations begin from now on."""
    scans: list[int] = []
    scan = store.scan_annotations

    def noted(home: int, after: int, limit: int) -> list[AnnotationRecord]:
        if after == 0:
            scans.append(home)
        return scan(home, after, limit)

    monkeypatch.setattr(store, "scan_annotations", noted)
    return scans
