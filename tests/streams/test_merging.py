"""Merged days: what is older than some days counts by the day, and stays exact whatever changes there."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from detectors.config import TaskConfig
from detectors.panes import DAY, PANE, hour_of, hours_in
from detectors.scope import Scope
from streams import stored_panes
from streams.document import document
from streams.events import Event
from streams.homes import Home
from streams.store import Store, open_store, rows
from streams.store.rows import but_for_corrections, corrections
from streams.store.tables import ERASURES, READINGS, SCOPES, TASKS
from streams.verify import Refold, Report, Span, journal, verify_statistics
from streams.windowing import OverTime, Windowing
from tests.made_events import annotation, at, configured, erasure, gold, messages, retraction
from tests.streams.folding import PRIVACY, TOPIC, Record, fold, rules
from tests.streams.store_homes import fold_in_cuts
from tests.streams.test_windowing import campaign

HOUR = 3600
A_DAY = 24 * HOUR
DAILY = configured(hourly_days=1)
HOURLY = configured(hourly_days=10_000)

Configure = Callable[[str, str], TaskConfig]


def panes(store: Store) -> dict[str, Scope]:
    found = (rows.scope(row) for row in store.scan(SCOPES, 0))
    return {key.value: scope for key, scope in found if key.dimension == PANE}


def bound(store: Store) -> int:
    [found] = {row[-1] for row in store.scan(TASKS, 0)}
    return found  # type: ignore[return-value]


def days(store: Store) -> set[str]:
    return {name for name in panes(store) if hours_in(name) == DAY}


def by_day(held: dict[str, Scope], merged_to: int) -> dict[str, Scope]:
    """Panes of hours, where those below the bound are added up by their day."""
    found: defaultdict[str, Scope] = defaultdict(Scope)
    for name, scope in held.items():
        found[name[:10] if hour_of(name) < merged_to else name].merge(scope)
    return dict(found)


def readings(store: Store) -> dict[tuple[int, int], Counter[int]]:
    """By begin and hours how often each reading was corrected."""
    found: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for row in store.scan(READINGS, 0):
        times, hours = corrections(row)
        found[row[3], hours][times] += 1  # type: ignore[index]
    return dict(found)


def corrected(store: Store) -> dict[tuple[int, int], int]:
    """The same, each figure of a reading being corrected with the others."""
    return {place: times for place, found in readings(store).items() for times in [*found] if len(found) == 1}


def recomputed(store: Store, configure: Configure = DAILY) -> list[object]:
    report = Report()
    verify_statistics(report, store, 0, configure)
    return list(report.differences)


def refolded(store: Store, sent: list[bytes], configure: Configure = DAILY) -> list[object]:
    """What differs from the log folded anew in the order of the journal."""
    refold, report = Refold(store, 0, rules(configure)), Report()
    for transaction in journal(store, 0):
        if isinstance(transaction, Span):
            _, first, last = transaction
            refold.process(TOPIC, [Record(offset, sent[offset]) for offset in range(first, last + 1)])
        else:
            refold.adopt(transaction)
    refold.compare(report, store, 0)
    return list(report.differences)


def work(*hours: float, people: str = "ann bob cleo") -> list[Event]:
    """An item in each of these hours, on which one of the people disagrees."""
    return [
        annotation(who, f"i{begin}", "b" if who == "bob" else "a", begin * HOUR + 60)
        for begin in hours
        for who in people.split()
    ]


def day(number: int) -> tuple[int, int]:
    """The key of a reading of the day, so many after the first."""
    return at((number * 24 - 12) * HOUR), DAY


def hour(number: int) -> tuple[int, int]:
    return at(number * HOUR), 1


# -- what is merged ------------------------------------------------------------------------------------------------------


def test_hours_that_are_old_enough_are_the_sum_of_their_day() -> None:
    events = work(0, 1, 5, 12, 20, 36, 50, 62)
    store = fold(messages(events), configure=DAILY)
    assert set(panes(store)) == {"2024-05-01", "2024-05-02", "2024-05-03T00", "2024-05-03T14", "2024-05-04T02"}
    assert bound(store) == hour_of("2024-05-03T00"), "a day, and more, before the hours that are over"
    assert panes(store) == by_day(panes(fold(messages(events), configure=HOURLY)), bound(store))
    assert recomputed(store) == refolded(store, messages(events)) == []


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_day_is_merged_in_the_hour_in_which_it_is_old_enough(beyond: int) -> None:
    """The first of May ends twelve hours after noon; lateness is one hour more, and a day is kept by the hour."""
    events = work(0, 12 + 24) + [
        annotation(who, "next", "a", (12 + 24 + 1) * HOUR - 1 + beyond) for who in ("ann", "bob", "cleo")
    ]
    assert days(fold(messages(events), configure=DAILY)) == ({"2024-05-01"} if beyond else set())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hourly_days", [1, 5])
def test_any_order_in_any_cuts_gives_the_same_days(seed: int, hourly_days: int, tmp_path: Path) -> None:
    configure = configured(hourly_days=hourly_days, label_type="nominal", labels=("a", "b", "c"))
    sent = messages([*campaign(seed), erasure("dan", 20 * A_DAY)])
    one = fold(sent, configure=configure)
    chance = Random(seed)
    again = [*chance.sample(sent, len(sent)), *chance.choices(sent, k=50)]
    other = open_store(f"sqlite:///{tmp_path}/k.db")
    fold_in_cuts(again, other, chance, configure=configure)
    assert panes(one) == panes(other) == by_day(panes(fold(sent, configure=HOURLY)), bound(one))
    assert len(days(one)) >= 5
    assert bound(one) == bound(other)
    assert list(map(but_for_corrections, one.scan(READINGS, 0))) == list(
        map(but_for_corrections, other.scan(READINGS, 0))
    )
    for store, of in ((one, sent), (other, again)):
        assert recomputed(store, configure) == refolded(store, of, configure) == []
    other.close()


def test_while_annotators_are_few_nothing_is_merged_for_the_watermark_may_go_back() -> None:
    alone = work(0, 24 * 100, people="ann bob")
    store = fold(messages(alone), configure=DAILY)
    assert (days(store), bound(store)) == (set(), 0)
    fold(messages([*alone, annotation("cleo", "i", "a", 24 * 50 * HOUR)]), store=store, configure=DAILY)
    assert days(store) == {"2024-05-01"}
    assert recomputed(store) == []


def test_a_task_that_begins_late_is_merged_at_once() -> None:
    sent = messages([*work(0, 100), annotation("ann", "old", "a", HOUR, id="of another", task="other")])
    store = fold(sent, chunk=6, configure=DAILY)
    found = [key for key, _ in map(rows.scope, store.scan(SCOPES, 0)) if key.dimension == PANE and key.task == "other"]
    assert [key.value for key in found] == ["2024-05-01"]
    assert recomputed(store) == refolded(store, sent) == []


@pytest.mark.parametrize("most", [0, 1000])
def test_hours_are_found_by_their_names_or_by_a_scan(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_panes, "MOST_LOOKED_UP", most)
    events = work(*range(0, 24 * 9, 5), 24 * 300)
    expected = by_day(panes(fold(messages(events), configure=HOURLY)), hour_of("2025-02-24T00"))
    store = fold(messages(events), chunk=7, capacity=9, restarts=True, configure=DAILY)
    assert panes(store) == expected
    assert recomputed(store) == refolded(store, messages(events)) == []


# -- what changes in a merged day ------------------------------------------------------------------------------------------

LATE: dict[str, list[Event]] = {
    "an edit": [annotation("bob", "i1", "a", HOUR + 70, id="2", annotation="bob-i1", revision=1)],
    "an annotation": [annotation("dan", "i1", "c", HOUR + 90)],
    "an item": [annotation("ann", "new", "c", 7 * HOUR), annotation("bob", "new", "c", 8 * HOUR)],
    "a label that moves an item to another day": [annotation("dan", "i1", "b", 20 * HOUR)],
    "a label that moves an item out of the days": [annotation("dan", "i1", "b", 99 * HOUR)],
    "a retraction": [retraction("cleo-i5")],
    "the last retraction": [retraction(f"{who}-i{begin}") for who in ("ann", "bob", "cleo") for begin in (0, 1, 5)],
    "gold": [gold("i1", "a", seconds=99 * HOUR)],
    "gold that is corrected": [gold("i1", "a", seconds=9), gold("i1", "b", seconds=10, id="2", version=2)],
    "an erasure": [erasure("bob", 99 * HOUR)],
}


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("late", LATE)
def test_what_comes_late_is_counted_in_its_day(late: str, complete: bool) -> None:
    """Also where memory holds little, and the home is loaded anew for every event."""
    sent = messages([*work(0, 1, 5, 20, 100, 101, people="ann bob cleo dan"), *LATE[late]])
    before = fold(sent[: -len(LATE[late])], configure=DAILY)
    if complete:
        store = fold(sent, store=before, configure=DAILY)
    else:
        store = fold(sent, chunk=1, capacity=2, restarts=True, configure=DAILY)
    assert panes(store) == by_day(panes(fold(sent, configure=HOURLY)), bound(store))
    assert days(store) >= ({"2024-05-02"} if late != "the last retraction" else set())
    assert recomputed(store) == refolded(store, sent) == []


@pytest.mark.parametrize("chunk", [1, 4, 1000])
@pytest.mark.parametrize("step", [3, 1000])
def test_where_an_erasure_takes_the_watermark_back_days_are_hours_again(
    chunk: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.homes.STEP", step)
    sent = messages([*work(0, 30, 72.5, 100), erasure("cleo", 101 * HOUR)])
    before = fold(sent[:-1], configure=DAILY)
    assert days(before) == {"2024-05-01", "2024-05-02"}
    store = fold(sent, store=before, chunk=chunk, capacity=2, configure=DAILY)
    assert (days(store), bound(store)) == (set(), 0), "two are left"
    assert panes(store).keys() == {"2024-05-01T12", "2024-05-02T18", "2024-05-04T12", "2024-05-05T16"}
    assert {hours for _, hours in readings(store)} == {1}
    assert recomputed(store) == refolded(store, sent) == []
    sent += messages(work(2, 73, 101, people="dan"))
    fold(sent, store=store, chunk=chunk, configure=DAILY)
    assert days(store) == {"2024-05-01", "2024-05-02"}
    assert recomputed(store) == refolded(store, sent) == []


@pytest.mark.parametrize("chunk", [1, 5, 1000])
def test_they_are_so_as_far_as_it_goes_back(chunk: int) -> None:
    """Four people, two of whom have come further; one of them is forgotten, or both."""
    begun = [*work(0, 30, 62, people="ann bob cleo dan"), *work(100, people="ann bob dan")]
    for gone, until in (("", "2024-05-04"), ("dan", "2024-05-03"), ("dan bob", "")):
        sent = messages([*begun, *(erasure(who, 101 * HOUR) for who in gone.split()), *work(1, 100.5, people="ann")])
        store = fold(sent, chunk=chunk, configure=DAILY)
        assert bound(store) == (hour_of(until) if until else 0)
        assert panes(store) == by_day(panes(fold(sent, configure=HOURLY)), bound(store))
        assert recomputed(store) == refolded(store, sent) == []


def test_a_kill_between_the_tombstone_and_the_rebuild_is_made_good(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = messages([*work(0, 30, 100), erasure("cleo", 101 * HOUR)])
    store = fold(sent[:-1], configure=DAILY)
    home = Home(0, store, rules(DAILY))
    monkeypatch.setattr(home, "_unfinished", lambda: None)
    monkeypatch.setattr(home, "finish_work", lambda: None)
    assert len(list(home.process(TOPIC, [Record(len(sent) - 1, sent[-1])]))) == 1
    assert len(days(store)) == 2
    assert [type(found).__name__ for found in recomputed(store)][:1] == ["Difference"], "so it is told to wait"
    assert [row[-1] for row in store.scan(ERASURES, 0)] == [0]
    store.close_home(0)
    Home(0, store, rules(DAILY)).finish_work()
    assert [row[-1] for row in store.scan(ERASURES, 0)] == [1]
    assert days(store) == set()
    assert recomputed(store) == refolded(store, sent) == []


# -- readings ----------------------------------------------------------------------------------------------------------


def test_a_day_has_one_reading_in_place_of_those_of_its_hours() -> None:
    sent = messages(work(0, 1, 20, 30, 60, 70))
    store = fold(sent, configure=DAILY)
    assert readings(store).keys() == {day(0), day(1), hour(60)}
    alone = fold(messages(work(0, 1)), configure=DAILY)
    agreement = document(alone, DAILY, PRIVACY)["projects"]["news"]["tasks"]["label"]["agreement"]
    [alpha] = [row for row in store.scan(READINGS, 0) if row[3:5] == (day(0)[0], "alpha")]
    assert alpha[5:9] == tuple(agreement["alpha"][part] for part in ("value", "low", "high", "n"))
    assert recomputed(store) == []


def test_a_day_begins_with_the_corrections_of_its_hours_and_counts_on() -> None:
    events: list[Event] = work(0, 1, 20)
    store = open_store("sqlite://")

    def take(*news: Event) -> dict[tuple[int, int], int]:
        events.extend(news)
        fold(messages(events), store=store, configure=DAILY)
        return corrected(store)

    take()
    take(annotation("dan", "i0", "a", 90))
    assert take(annotation("dan", "i1", "a", HOUR + 90)) == {hour(0): 1, hour(1): 1}
    assert take(annotation("eve", "i1", "a", HOUR + 99)) == {hour(0): 1, hour(1): 2}
    assert take(*work(62)) == {day(0): 3, day(1): 0}
    assert take(annotation("fay", "i0", "b", 98)) == {day(0): 4, day(1): 0}
    assert recomputed(store) == []


# -- kills, rebuilds, other configurations, older stores -------------------------------------------------------------------


def test_each_transaction_leaves_what_a_recomputation_finds(tmp_path: Path) -> None:
    """Whether the next one comes or not, and with erasures between."""
    store = open_store(f"sqlite:///{tmp_path}/k.db")
    sent = messages([*campaign(4), erasure("dan", 20 * A_DAY), *campaign(5), erasure("ann", 30 * A_DAY)])
    compared = 0
    for offset in range(0, len(sent), 17):
        store.close_home(0)
        home = Home(0, store, rules(DAILY, 20))
        home.finish_work()
        for _ in home.process(TOPIC, [Record(offset + n, value) for n, value in enumerate(sent[offset : offset + 17])]):
            assert recomputed(store) == []
            compared += len(days(store))
    assert refolded(store, sent) == []
    assert compared > 100
    store.close()


def test_a_rebuild_keeps_the_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.homes.STEP", 7)
    sent = messages([*work(0, 1, 30, 50, 100), annotation("dan", "i1", "a", HOUR + 90)])
    store = fold(sent, chunk=3, configure=DAILY)
    before = [list(store.scan(table, 0)) for table in (SCOPES, READINGS, TASKS)]
    assert len(days(store)) >= 2
    Home(0, store, rules(DAILY)).rebuild_all()
    assert [list(store.scan(table, 0)) for table in (SCOPES, READINGS, TASKS)] == before
    assert refolded(store, sent) == []


@pytest.mark.parametrize("step", [3, 1000])
def test_more_days_by_the_hour_come_back_from_the_annotations_and_fewer_go(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.homes.STEP", step)
    sent = messages(campaign(6))
    store = fold(sent, configure=DAILY, chunk=40)
    few = len(panes(store))
    for hourly_days in (30, 1, 7, 3):
        configure = configured(hourly_days=hourly_days)
        store.close_home(0)
        Home(0, store, rules(configure, 11)).finish_work()
        assert panes(store) == by_day(panes(fold(sent, configure=HOURLY)), bound(store))
        assert (days(store) == set()) is (hourly_days == 30)
        assert (len(panes(store)) > few) is (hourly_days > 1)
        assert recomputed(store, configure) == refolded(store, sent, configure) == []
        assert {hours for _, hours in readings(store)} == ({1} if hourly_days == 30 else {1, DAY})


def test_a_longer_lateness_brings_hours_back_and_a_shorter_one_merges_them() -> None:
    sent = messages(work(0, 30, 50, 100))
    store = fold(sent, configure=DAILY)
    for lateness, expected in (
        (48 * 60, {"2024-05-01"}),
        (0, {"2024-05-01", "2024-05-02", "2024-05-03"}),
        (100 * 60, set()),
    ):
        other = configured(hourly_days=1, lateness_minutes=lateness)
        store.close_home(0)
        Home(0, store, rules(other)).finish_work()
        assert days(store) == expected
        assert recomputed(store, other) == refolded(store, sent, other) == []


def test_a_store_of_the_schema_before_is_merged_when_it_is_opened(tmp_path: Path) -> None:
    """Its statistics are of another version of the code, so they are counted anew, old items by the day."""
    path = tmp_path / "k.db"
    sent = messages(campaign(5))
    fold(sent, store=open_store(f"sqlite:///{path}"), configure=HOURLY).close()
    with sqlite3.connect(path) as connection:
        for statement in (
            "ALTER TABLE tasks DROP COLUMN merged_to",
            "ALTER TABLE readings DROP COLUMN hours",
            "UPDATE tasks SET fingerprint = 'of 5', configuration = replace(configuration, ',\"hourly_days\":10000', '')",
            "PRAGMA user_version = 3",
        ):
            connection.execute(statement)
    connection.close()
    store = open_store(f"sqlite:///{path}")
    assert (bound(store), {hours for _, hours in readings(store)}) == (0, {1})
    store.close_home(0)
    Home(0, store, rules(DAILY)).finish_work()
    assert panes(store) == by_day(panes(fold(sent, configure=HOURLY)), bound(store))
    assert len(days(store)) >= 5
    assert recomputed(store) == []
    store.close()


# -- what is shown -----------------------------------------------------------------------------------------------------------


def shown(store: Store, length: int | None, every: int, half_life: int | None = None) -> dict[str, Any]:
    over_time = OverTime(Windowing(length, every), half_life)
    found = document(store, DAILY, PRIVACY, over_time=over_time)["projects"]["news"]["tasks"]["label"]
    assert isinstance(found, dict)
    return found


def spans(windows: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(window["start"][5:13], window["end"][5:13]) for window in windows]


def test_windows_are_of_whole_days_where_there_are_only_days() -> None:
    store = fold(messages(work(0, 1, 20, 21, 60, 61, 70)), configure=DAILY)
    assert spans(shown(store, 1, 1)["windows"]) == [
        ("05-01T00", "05-02T00"),
        ("05-02T00", "05-03T00"),
        ("05-04T00", "05-04T01"),
        ("05-04T01", "05-04T02"),
        ("05-04T10", "05-04T11"),
    ]
    whole, by_hour = shown(store, 24, 24)["windows"], shown(fold(messages(work(0, 1, 20, 21, 60, 61, 70))), 24, 24)
    assert whole == by_hour["windows"]


def test_cumulative_windows_end_with_the_task() -> None:
    found = shown(fold(messages(work(0, 1, 20, 21, 60, 61, 70)), configure=DAILY), None, 12)
    assert spans(found["windows"])[:2] == [("05-01T00", "05-02T00"), ("05-01T00", "05-03T00")]
    assert found["windows"][-1]["items"] == found["items"] == 7
    assert found["windows"][-1]["agreement"]["alpha"] == found["agreement"]["alpha"]


def test_windows_say_how_often_what_is_closed_in_them_was_corrected() -> None:
    events: list[Event] = work(0, 1, 20)
    store = open_store("sqlite://")
    for late in ([], [annotation("dan", "i0", "a", 90)], [annotation("dan", "i1", "a", HOUR + 90)], work(62, 70)):
        events += late
        fold(messages(events), store=store, configure=DAILY)
    fold(messages([*events, annotation("eve", "i62", "b", 62 * HOUR + 90)]), store=store, configure=DAILY)
    by_day = {
        (start, end): window["corrections"]
        for window in shown(store, 24, 24)["windows"]
        for start, end in spans([window])
    }
    assert by_day == {("05-01T00", "05-02T00"): 2, ("05-02T00", "05-03T00"): 0, ("05-04T00", "05-05T00"): 1}
    assert [window["corrections"] for window in shown(store, 1, 1)["windows"]] == [2, 0, 1, 0]
    assert [window["corrections"] for window in shown(store, None, 24)["windows"]] == [2, 2, 2, 3]
    assert "corrections" not in shown(store, None, 24)["by"]


def test_decayed_figures_take_days_at_their_middle() -> None:
    events = work(0, 1, 20, 21, 62, 63, 70)
    by_day, by_hour = (
        shown(fold(messages(events), configure=configure), 24, 24, 240)["decayed"] for configure in (DAILY, HOURLY)
    )
    assert by_day["until"] == by_hour["until"] == "2024-05-04T11:00:00Z"
    assert by_day["effective_items"] == pytest.approx(by_hour["effective_items"], rel=1e-3)
    assert by_day["effective_items"] != by_hour["effective_items"]
