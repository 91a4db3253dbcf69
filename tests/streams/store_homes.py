"""Homes on any store: however a log is cut, reloaded and kept in memory, each table ends with the same rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from detectors.config import TaskConfig
from streams.homes import Home
from streams.simulator import START, Campaign
from streams.store import Store
from streams.store.tables import (
    ADOPTIONS,
    ALARMS,
    ANNOTATIONS,
    CONTEXTS,
    ERASURES,
    HOMES,
    JOURNAL,
    META,
    OUTBOX,
    READINGS,
    TABLES,
    TASKS,
    Table,
)
from tests.streams.folding import TOPIC, Record, default_task, rules

Rows = dict[str, list[tuple[Any, ...]]]

OF_THE_CUTS: dict[Table, tuple[str, ...]] = {
    HOMES: ("version", "next_row"),
    ANNOTATIONS: ("row",),
    ERASURES: ("scanned_to",),
    ALARMS: ("version",),
    OUTBOX: ("number",),
    READINGS: ("corrections",),
}
"""Columns that tell where a log was cut; of the journal, all do."""


ALL_BUT_CONTEXTS = tuple(table.name for table in TABLES if table not in (META, JOURNAL, ADOPTIONS, CONTEXTS))
"""The tables in which a short campaign leaves rows."""


def campaign(seed: int, count: int) -> list[bytes]:
    """A simulated campaign in a hurry: someone is bad from the start, some are erased, annotations move, are withdrawn, or late."""
    random = Random(seed)
    sent = Campaign(seed, goes_bad_after=0.0, random_ids=True).messages(START, rate=60.0)
    messages = [message.value for message in islice(sent, count)]
    annotations = [event for event in map(_annotation, messages) if event is not None]
    for event in random.sample(annotations, count // 30):
        other = random.choice(annotations)
        change = random.choice(
            (
                {"item": other["item"], "revision": 1},
                {"annotator": other["annotator"], "revision": 2},
                {"label": other.get("label", "odd"), "revision": 3},
                {"type": "retraction", "revision": random.choice((None, 0, 2))},
            )
        )
        again = {**event, "annotation": event.get("annotation", event["id"]), "id": f"{event['id']}-again", **change}
        messages.insert(random.randrange(count), json.dumps(again).encode())
    for number, event in enumerate(random.sample(annotations, 30)):
        later = {**event, "id": f"later-{number}", "annotation": f"later-{number}", "time": _later(event["time"], 3)}
        messages.insert(random.randrange(count // 2, count), json.dumps(later).encode())
    for number, event in enumerate(random.sample(annotations, 3)):
        gone = {"type": "erasure", "id": f"erasure-{number}", "source": "test", "time": event["time"]}
        gone |= {"project": event["project"], "annotator": event["annotator"]}
        messages.insert(random.randrange(count // 3, count), json.dumps(gone).encode())
    return messages


def stretched(messages: Iterable[bytes], times: int) -> list[bytes]:
    """The same messages so many times as slow; what comes hours later comes no later than that."""
    found = []
    for message in messages:
        try:
            event = json.loads(message)
            since = datetime.fromisoformat(event["time"]) - START
            event["time"] = (START + since + (times - 1) * (since % timedelta(hours=1))).isoformat()
        except (ValueError, KeyError, TypeError):
            found.append(message)
        else:
            found.append(json.dumps(event).encode())
    return found


def _later(time: str, hours: int) -> str:
    return (datetime.fromisoformat(time) + timedelta(hours=hours)).isoformat()


def _annotation(message: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(message)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("type") == "annotation" and "item" in event else None


def fold_in_cuts(
    messages: Iterable[bytes],
    store: Store,
    random: Random,
    *,
    longest: int = 60,
    capacity: int = 5,
    configure: Callable[[str, str], TaskConfig] = default_task,
) -> None:
    """Take in the messages in chunks of any size, the home loaded anew before most of them."""
    home = Home(0, store, rules(configure, capacity))
    records = (Record(offset, value) for offset, value in enumerate(messages))
    while part := list(islice(records, random.randint(1, longest))):
        if random.random() < 0.6:
            store.close_home(0)
            home = Home(0, store, rules(configure, capacity))
            home.finish_work()
        for _ in home.process(TOPIC, part):
            pass


def rows_of(store: Store) -> Rows:
    """Every table of the home."""
    return {table.name: [tuple(row) for row in store.scan(table, 0)] for table in TABLES if table is not META}


def without_cuts(rows: Rows) -> Rows:
    """The rows but for what tells where the log was cut, in an order of their own."""
    found: Rows = {}
    for table in TABLES:
        if table not in (META, JOURNAL):
            kept = [place for place, name in enumerate(table.names) if name not in OF_THE_CUTS.get(table, ())]
            found[table.name] = sorted((tuple(row[place] for place in kept) for row in rows[table.name]), key=repr)
    # A task whose annotations all moved away between two cuts keeps a row of zeros.
    found[TASKS.name] = [row for row in found[TASKS.name] if any(row[3:8])]
    return found


def differences(one: Rows, other: Rows) -> list[str]:
    """Where two sets of tables differ, a line a row."""
    found = []
    for name, rows in one.items():
        missing, surplus = Counter(rows) - Counter(other[name]), Counter(other[name]) - Counter(rows)
        found += [f"{name} - {row}" for row in missing] + [f"{name} + {row}" for row in surplus]
    return found


def compared(rows: Rows, least: Sequence[str]) -> int:
    """How many rows there were to compare; each of these tables had some."""
    empty = [name for name in least if not rows[name]]
    assert not empty, f"nothing to compare in {empty}"
    return sum(map(len, rows.values()))
