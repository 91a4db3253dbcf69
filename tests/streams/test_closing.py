"""Readings of closed hours: what the items of the hour alone would say, written once it is over, and corrected visibly."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from detectors.agreement import PANEL_COEFFICIENTS
from detectors.config import TaskConfig
from streams.events import Event, from_microseconds
from streams.homes import Home
from streams.store import Store, open_store
from streams.store.rows import but_for_corrections
from streams.store.tables import CLOCKS, READINGS, SCOPES, TABLES
from streams.verify import Report, verify_statistics
from tests.made_events import annotation, at, configured, erasure, gold, messages
from tests.streams.by_the_contract import _in_force
from tests.streams.folding import TOPIC, Record, fold, rules
from tests.streams.store_homes import fold_in_cuts
from tests.streams.test_windowing import campaign, configure, of_items, shown, watermark

HOUR = 3600


def readings(store: Store) -> dict[int, dict[str, tuple[Any, ...]]]:
    """By start of the hour and name: value, low, high, n, why."""
    found: defaultdict[int, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for _, _, _, start, name, *reading, _, _ in store.scan(READINGS, 0):
        found[start][name] = tuple(reading)  # type: ignore[index]
    return dict(found)


def corrections(store: Store) -> dict[int, int]:
    """By start of the hour."""
    return {row[3]: row[-2] for row in store.scan(READINGS, 0)}  # type: ignore[misc]


def clocks(store: Store) -> dict[str, int]:
    return {row[2]: row[3] for row in store.scan(CLOCKS, 0)}  # type: ignore[misc]


def recomputed(store: Store, config: Any = configure) -> list[object]:
    report = Report()
    verify_statistics(report, store, 0, config)
    assert report.compared.keys() >= {"clocks", "readings"}
    return list(report.differences)


def hour(seconds: float) -> int:
    """The start of the hour, so many seconds after noon."""
    return at(seconds // HOUR * HOUR)


def said(store: Store, seconds: float, name: str) -> Any:
    return readings(store)[hour(seconds)][name]


def work(*hours: float, people: str = "ann bob cleo") -> list[Event]:
    """Two items in each of these hours, on one of which one of the people disagrees."""
    events: list[Event] = []
    for begin in hours:
        for who in people.split():
            events.append(annotation(who, f"same-{begin}", "a", begin * HOUR + 60))
            events.append(annotation(who, f"odd-{begin}", "b" if who == "bob" else "a", begin * HOUR + 90))
    return events


# -- what is written ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_every_closed_hour_says_what_its_items_alone_would_say(seed: int) -> None:
    events = campaign(seed)
    latest: defaultdict[str, int] = defaultdict(int)
    for event in _in_force(events):
        latest[event.item] = max(latest[event.item], event.at)
    by_hour: defaultdict[int, set[str]] = defaultdict(set)
    for item, moment in latest.items():
        by_hour[moment // (HOUR * 10**6) * HOUR * 10**6].add(item)
    over = watermark(events)
    closed = {start for start in by_hour if from_microseconds(start) + timedelta(hours=1) <= over}
    found = readings(fold(messages(events), configure=configure))
    assert found.keys() == closed
    assert len(closed) < len(by_hour), "some are open"
    compared = 0
    for start, told in found.items():
        alone = shown(of_items(events, by_hour[start]))
        for name, reading in {**alone["agreement"], "gold_accuracy": alone["gold"]["accuracy"]}.items():
            if name in PANEL_COEFFICIENTS:
                assert told[name][-1] in {"of whole tasks only", "no pairable item"}
                continue
            assert told[name] == (*(reading[part] for part in ("value", "low", "high", "n")), reading.get("why"))
            compared += 1
    assert compared > 200


@pytest.mark.parametrize("seed", range(4))
def test_any_order_in_any_cuts_gives_the_same_readings_and_clocks(seed: int, tmp_path: Path) -> None:
    events = [*campaign(seed), erasure("dan", 20 * 24 * HOUR)]
    one = fold(messages(events), configure=configure)
    chance = Random(seed)
    again = [*chance.sample(events, len(events)), *chance.choices(events, k=50)]
    other = open_store(f"sqlite:///{tmp_path}/k.db")
    fold_in_cuts(messages(again), other, chance, configure=configure)
    assert readings(one) == readings(other)
    assert clocks(one) == clocks(other)
    assert len(readings(one)) > 10
    assert set(clocks(one)) == {"ann", "bob", "cleo"}
    assert recomputed(one) == recomputed(other) == []
    other.close()


def test_an_hour_is_written_when_the_third_annotator_has_come_so_far() -> None:
    events = work(0)
    beyond = [annotation(who, "next", "a", 2 * HOUR) for who in ("ann", "bob", "cleo")]
    assert readings(fold(messages([*events, *beyond[:2]]))) == {}
    early = annotation("cleo", "next", "a", 2 * HOUR - 1e-6)
    assert readings(fold(messages([*events, *beyond[:2], early]))) == {}
    assert readings(fold(messages([*events, *beyond]))).keys() == {hour(0)}
    assert said(fold(messages([*events, *beyond])), 0, "percent_pairs")[0] == pytest.approx(4 / 6)


def test_one_wrong_clock_or_two_close_nothing() -> None:
    wrong = [annotation(who, "wrong", "a", 10**8) for who in ("ann", "bob")]
    store = fold(messages([*work(0), *wrong]))
    assert readings(store) == {}
    assert clocks(store) == {"ann": at(10**8), "bob": at(10**8), "cleo": at(90)}
    assert len(readings(fold(messages([*work(0), *wrong, annotation("cleo", "wrong", "a", 10**8)])))) == 1


def test_hours_that_the_watermark_passes_over_at_once_are_all_written() -> None:
    events, hourly = work(0, 5, 24 * 400, 24 * 900), configured(hourly_days=10_000)
    store = fold(messages(events), chunk=1, capacity=5, restarts=True, configure=hourly)
    assert readings(store).keys() == {hour(begin * HOUR) for begin in (0, 5, 24 * 400)}
    assert recomputed(store, hourly) == []


# -- corrections ---------------------------------------------------------------------------------------------------------


def test_a_late_edit_corrects_its_closed_hour_and_is_seen_in_it() -> None:
    store = fold(messages(work(0, 1, 5)))
    before = readings(store)
    assert corrections(store) == {hour(0): 0, hour(HOUR): 0}
    late = annotation("bob", "odd-0", "a", 95, id="edit", annotation="bob-odd-0", revision=1)
    fold(messages([*work(0, 1, 5), late]), store=store)
    assert said(store, 0, "percent_pairs")[0] == 1
    assert corrections(store) == {hour(0): 1, hour(HOUR): 0}
    assert readings(store)[hour(HOUR)] == before[hour(HOUR)]
    assert recomputed(store, lambda *_: TaskConfig()) == []


def test_an_item_that_moves_corrects_the_hour_that_it_left_and_the_one_that_it_enters() -> None:
    events = work(0, 1, 2, 5)
    store = fold(messages(events))
    late = annotation("dan", "odd-0", "b", HOUR + 100)
    fold(messages([*events, late]), store=store)
    assert corrections(store) == {hour(0): 1, hour(HOUR): 1, hour(2 * HOUR): 0}
    assert (said(store, 0, "percent")[3], said(store, HOUR, "percent")[3]) == (1, 3)
    assert recomputed(store, lambda *_: TaskConfig()) == []


def test_late_gold_corrects_it_too() -> None:
    store = fold(messages(work(0, 5)))
    assert said(store, 0, "gold_accuracy")[0] is None
    fold(messages([*work(0, 5), gold("odd-0", "a", seconds=10**6)]), store=store)
    assert said(store, 0, "gold_accuracy")[0] == pytest.approx(2 / 3)
    assert corrections(store) == {hour(0): 1}


def test_an_hour_that_nothing_is_left_of_has_no_readings() -> None:
    events = [annotation("ann", "i1", "a", 0), *work(5, 9)]
    store = fold(messages(events))
    assert hour(0) in readings(store)
    fold(
        messages([*events, annotation("ann", "i1", "a", 5 * HOUR, id="2", annotation="ann-i1", revision=1)]),
        store=store,
    )
    assert readings(store).keys() == {hour(5 * HOUR)}
    assert recomputed(store, lambda *_: TaskConfig()) == []


def test_where_the_watermark_goes_back_hours_are_open_again() -> None:
    alone = work(0, 5, people="ann")
    store = fold(messages(alone))
    assert readings(store).keys() == {hour(0)}
    fold(messages([*alone, annotation("bob", "i", "a", HOUR)]), store=store)
    assert readings(store) == {}
    fold(messages([*alone, annotation("bob", "i", "a", HOUR), annotation("bob", "j", "a", 5 * HOUR)]), store=store)
    assert readings(store).keys() == {hour(0), hour(HOUR)}
    assert recomputed(store, lambda *_: TaskConfig()) == []


def test_an_erasure_takes_the_clock_and_what_only_it_closed() -> None:
    events = [*work(0), *work(5, people="ann bob cleo"), annotation("dan", "i", "a", HOUR)]
    store = fold(messages(events))
    assert readings(store).keys() == {hour(0), hour(HOUR)}
    fold(messages([*events, erasure("cleo", 6 * HOUR)]), store=store, chunk=1)
    assert "cleo" not in clocks(store)
    assert readings(store) == {}, "the third now is the one who has come to the second hour"
    assert recomputed(store, lambda *_: TaskConfig()) == []


# -- rebuilds, other configurations, older stores ------------------------------------------------------------------------


def reopened(store: Store, config: TaskConfig, **memory: Any) -> None:
    store.close_home(0)
    Home(0, store, rules(lambda *_: config, **memory)).finish_work()


def test_a_rebuild_leaves_readings_and_corrections_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.homes.STEP", 7)
    events = campaign(6)
    store = fold(messages(events), configure=configure, chunk=30)
    before = list(store.scan(READINGS, 0))
    assert any(row[-2] for row in before)
    Home(0, store, rules(configure)).rebuild_all()
    assert list(store.scan(READINGS, 0)) == before


def test_a_longer_lateness_opens_hours_again_and_a_shorter_one_closes_them() -> None:
    store = fold(messages(work(0, 1, 2, 3)))
    assert readings(store).keys() == {hour(0), hour(HOUR)}
    for minutes, closed in ((180, ()), (0, (0, 1, 2)), (60, (0, 1))):
        config = TaskConfig(lateness_minutes=minutes)
        reopened(store, config)
        assert readings(store).keys() == {hour(begin * HOUR) for begin in closed}
        assert recomputed(store, lambda *_, config=config: config) == []


def test_other_weights_are_another_reading() -> None:
    events = [
        annotation(who, f"i{n}", "abc"[(n + m) % 3], n)
        for m, who in enumerate(("ann", "bob", "cleo"))
        for n in range(9)
    ]
    ordinal = TaskConfig(label_type="ordinal", labels=("a", "b", "c"))
    store = fold(messages([*events, *work(5)]), configure=lambda *_: ordinal)
    before = readings(store)
    linear = TaskConfig(label_type="ordinal", labels=("a", "b", "c"), weights="linear")
    reopened(store, linear)
    assert readings(store) != before
    assert corrections(store) == {hour(0): 1}
    assert recomputed(store, lambda *_: linear) == []


def test_a_store_of_the_schema_before_gets_clocks_and_readings(tmp_path: Path) -> None:
    """Its statistics are of another version of the code, so all of it is made anew from the annotations."""
    path = tmp_path / "k.db"
    store = open_store(f"sqlite:///{path}")
    fold(messages(campaign(5)), store=store, configure=configure)
    expected = {table.name: list(store.scan(table, 0)) for table in (CLOCKS, READINGS, SCOPES)}
    store.close()
    with sqlite3.connect(path) as connection:
        for statement in (
            "DROP TABLE clocks",
            "DROP TABLE readings",
            "UPDATE tasks SET fingerprint = 'of 4'",
            "ALTER TABLE tasks DROP COLUMN merged_to",
        ):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    store = open_store(f"sqlite:///{path}")
    Home(0, store, rules(configure)).finish_work()
    found = {table.name: list(store.scan(table, 0)) for table in (CLOCKS, READINGS, SCOPES)}
    assert {**found, "readings": list(map(but_for_corrections, found["readings"]))} == {
        **expected,
        "readings": list(map(but_for_corrections, expected["readings"])),
    }
    assert recomputed(store) == []
    assert {name for (name,) in store._connection.execute("SELECT name FROM sqlite_master")} >= {t.name for t in TABLES}  # type: ignore[attr-defined]
    store.close()


def test_a_kill_between_two_transactions_leaves_what_was_closed_by_then(tmp_path: Path) -> None:
    """Each transaction leaves readings that equal a recomputation, whether the next one comes or not."""
    store = open_store(f"sqlite:///{tmp_path}/k.db")
    sent = messages(campaign(4))
    compared = 0
    for begin in range(0, len(sent), 17):
        store.close_home(0)
        home = Home(0, store, rules(configure, 20))
        home.finish_work()
        part = [Record(begin + place, value) for place, value in enumerate(sent[begin : begin + 17])]
        for _ in home.process(TOPIC, part):
            pass
        assert recomputed(store) == []
        compared += len(readings(store))
    assert compared > 100
    store.close()
