"""Arrays whose elements belong to another home, however they nest: forwarded or refused singly, never a stall."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.homes import Home
from streams.outbox import FORWARDED
from streams.store import open_store
from streams.store.tables import DEAD_LETTERS, OUTBOX
from tests.streams.folding import TOPIC, Record, rules

EVENT = (
    b'{"type": "annotation", "id": "a", "source": "t", "time": "2026-01-05T09:00:00Z", "project": "elsewhere", '
    b'"item": "i", "annotator": "n", "label": "x"}'
)


@pytest.mark.parametrize("depth", [1, 900, 1500, 100_000])
@pytest.mark.parametrize("forwarded", [False, True])
def test_a_deep_neighbour_does_not_stop_the_home(depth: int, forwarded: bool) -> None:
    deep = b"[" * depth + b"]" * depth
    store = open_store("sqlite://")
    home = Home(0, store, replace(rules(), home_of=lambda _: 1))
    headers = ((FORWARDED, b"somewhere"),) if forwarded else ()
    list(home.process(TOPIC, [Record(0, b"[" + EVENT + b", " + deep + b"]", headers)]))

    letters = [(row[2], row[3], bytes(row[7])[:40]) for row in store.scan(DEAD_LETTERS, 0)]
    assert home.totals.received == 2
    if forwarded:
        assert letters[0] == ("not_at_home", "$[0].project", EVENT[:40])
    else:
        assert home.totals.forwarded == 1
        assert [bytes(row[6]) for row in store.scan(OUTBOX, 0) if row[3] == TOPIC] == [EVENT]
    assert letters[-1][1] == "$[1]"


def test_a_crowd_on_one_item_counts_no_pairs() -> None:
    """Half a million pairs for one item that everybody labels would say little and cost a store."""
    store = open_store("sqlite://")
    home = Home(0, store, rules())
    labels = [
        EVENT.replace(b'"id": "a"', b'"id": "a%d"' % number).replace(b'"n"', b'"n%d"' % number) for number in range(51)
    ]
    list(home.process(TOPIC, [Record(offset, label) for offset, label in enumerate(labels[:50])]))
    assert len(home.monitor.pairs.rows) == 50 * 49 / 2
    list(home.process(TOPIC, [Record(50, labels[50])]))
    assert not home.monitor.pairs.rows
