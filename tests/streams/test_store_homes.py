"""Where a log is cut, what memory keeps and how often a home is loaded leave no trace in any table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.config import TaskConfig
from detectors.panes import PANE, hours_in
from streams.homes import Home
from streams.store import Store, open_store, sqlite
from tests.made_events import configured
from tests.strategies import event_sets
from tests.streams.folding import TOPIC, Record, default_task, rules
from tests.streams.store_homes import (
    ALL_BUT_CONTEXTS,
    campaign,
    compared,
    differences,
    fold_in_cuts,
    rows_of,
    stretched,
    without_cuts,
)


def fold_in_one_go(messages: list[bytes], configure: Callable[[str, str], TaskConfig] = default_task) -> Store:
    """A store that took in all messages at once, with everything in memory."""
    store = open_store("sqlite://")
    for _ in Home(0, store, rules(configure)).process(TOPIC, [Record(n, value) for n, value in enumerate(messages)]):
        pass
    return store


@pytest.mark.parametrize("seed", [0, 1])
def test_a_campaign_in_cuts_is_the_campaign_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int):
    monkeypatch.setattr(sqlite, "RUN", 500)
    messages = campaign(seed, 2000)
    store = open_store(f"sqlite:///{tmp_path}/k.db")
    fold_in_cuts(messages, store, Random(seed))
    found, expected = without_cuts(rows_of(store)), without_cuts(rows_of(fold_in_one_go(messages)))
    assert differences(found, expected) == []
    assert compared(expected, ALL_BUT_CONTEXTS) > 2500
    store.close()


@pytest.mark.parametrize("seed", [2, 3])
def test_so_it_is_where_hours_are_merged_into_days(tmp_path: Path, seed: int):
    """People are erased meanwhile, whose clocks had a part in what is merged."""
    messages, configure = stretched(campaign(seed, 1500), 20_000), configured(hourly_days=1)
    store = open_store(f"sqlite:///{tmp_path}/k.db")
    fold_in_cuts(messages, store, Random(seed), configure=configure)
    found, expected = rows_of(store), rows_of(fold_in_one_go(messages, configure))
    assert differences(without_cuts(found), without_cuts(expected)) == []
    days = [row for row in found["scopes"] if row[3] == PANE and hours_in(row[4]) > 1]
    hours = [row for row in found["scopes"] if row[3] == PANE and hours_in(row[4]) == 1]
    assert min(len(days), len(hours)) >= 5
    store.close()


@settings(max_examples=60)
@given(event_sets(max_size=60, min_size=5), st.integers(0, 10**6), st.integers(1, 5))
def test_any_events_in_any_cuts_are_the_events_in_one_go(messages: list[bytes], seed: int, capacity: int):
    store = open_store("sqlite://")
    fold_in_cuts(messages, store, Random(seed), longest=1 + seed % 7, capacity=capacity)
    assert differences(without_cuts(rows_of(store)), without_cuts(rows_of(fold_in_one_go(messages)))) == []
