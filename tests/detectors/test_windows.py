"""Panes and windows: an item counts in the hour of its latest annotation, and a window is what its hours add up to."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from detectors.panes import DAY, PANE, begin, hour_of, hours_in, merged_name, pane_name
from detectors.scope import Scope
from detectors.windows import windows
from tests.detectors.test_item import all_scopes, item_of, whole
from tests.made_events import annotation, gold, retraction

HOUR = 3600


def panes(*events: object) -> dict[str, Scope]:
    return {value: scope for (dimension, value), scope in all_scopes(item_of(*events)).items() if dimension == PANE}


# -- panes -------------------------------------------------------------------------------------------------------------


def test_an_item_counts_whole_in_the_hour_of_its_latest_annotation() -> None:
    early, late = annotation("ann", "i1", "yes", 0), annotation("bob", "i1", "no", 2 * HOUR + 1)
    [(name, scope)] = panes(early, late).items()
    assert begin(hour_of(name)) <= late.at < begin(hour_of(name) + 1)
    assert scope == whole(item_of(early, late))


def test_a_late_label_takes_the_item_along_and_its_retraction_brings_it_back() -> None:
    early, late = annotation("ann", "i1", "yes", 0), annotation("bob", "i1", "no", 2 * HOUR + 1)
    alone, both = panes(early), panes(early, late)
    assert alone.keys().isdisjoint(both)
    assert panes(early, late, retraction("bob-i1")) == alone


def test_skips_and_labels_that_do_not_fit_move_it_too_for_they_are_annotations() -> None:
    first = annotation("ann", "i1", "yes", 0)
    assert (
        panes(first, annotation("bob", "i1", None, 3 * HOUR)).keys()
        == panes(first, annotation("bob", "i1", 7, 3 * HOUR)).keys()
    )
    assert panes(first).keys() != panes(first, annotation("bob", "i1", None, 3 * HOUR)).keys()


def test_a_pane_has_everything_that_the_task_has() -> None:
    events = [
        annotation("ann", "i1", "yes", 0, vendor="acme"),
        annotation("ann", "i1", "yes", 5, vendor="acme", annotation="again"),
        annotation("bob", "i1", 7, 9, vendor="best"),
        gold("i1", "yes"),
    ]
    [scope] = panes(*events).values()
    assert scope == whole(item_of(*events))
    assert scope.tallies["repeats"].sums


def test_names_are_hours_in_utc_and_read_back() -> None:
    random = Random(2)
    for _ in range(1000):
        hour = random.randrange(200_000, 1_100_000)
        assert hour_of(pane_name(hour)) == hour
        assert pane_name(hour) < pane_name(hour + 1)
    assert pane_name(hour_of("2026-01-05T09")) == "2026-01-05T09"
    assert hour_of("2026-01-05T00") % (7 * 24) == 0, "a Monday"


def test_of_hours_below_a_bound_the_day_is_named() -> None:
    bound = "2026-01-05T00"
    assert {merged_name(pane_name(hour_of(bound) + n), bound) for n in range(-24, 0)} == {"2026-01-04"}
    assert [merged_name(pane_name(hour_of(bound) + n), bound) for n in range(2)] == [bound, "2026-01-05T01"]
    assert merged_name("1990-01-05T07", "") == "1990-01-05T07", "nothing is merged"
    assert (hour_of("2026-01-04"), hours_in("2026-01-04")) == (hour_of("2026-01-04T00"), 24)
    in_time = ["2026-01-03T23", "2026-01-04", "2026-01-04T00", "2026-01-05"]
    assert sorted(in_time) == in_time


# -- windows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "every"), [(1, 1), (24, 24), (24, 1), (24, 6), (168, 24), (7, 3)])
def test_every_window_is_the_sum_of_its_hours(length: int, every: int) -> None:
    random = Random(f"{length} {every}")
    compared = 0
    for _ in range(30):
        start = random.randrange(490_000)
        made = {start + random.randrange(600): Scope(random.randint(1, 9), 1) for _ in range(random.randint(1, 40))}
        over = min(made) + random.randrange(600)
        found = [window._replace(scope=window.scope.copy()) for window in windows(made, length, every, over)]
        for window in found:
            inside = [scope for hour, scope in made.items() if window.start <= hour < window.end]
            assert window.scope.annotations == sum(scope.annotations for scope in inside) > 0
            assert window.end - window.start == length
            assert window.end % every == 0
            compared += 1
        covered = Counter(hour for window in found for hour in made if window.start <= hour < window.end)
        assert {hour for hour, times in covered.items() if times} == set(made), "no hour is left out"
        ends = [window.end for window in found]
        assert ends == sorted(set(ends))
        assert [window.open for window in found] == [window.end > over for window in found]
    assert compared >= 60


@pytest.mark.parametrize(("length", "every"), [(1, 1), (24, 24), (30, 24), (24, 1), (7, 3), (168, 24), (None, 7)])
def test_where_hours_are_merged_a_window_is_the_sum_of_whole_days(length: int | None, every: int) -> None:
    random = Random(f"merged {length} {every}")
    compared = widened = 0
    for _ in range(30):
        merged_to = random.randrange(1, 20_000) * DAY
        begins = merged_to - random.randrange(300)
        made = Counter(begins + random.randrange(500) for _ in range(random.randint(1, 40)))
        panes = Counter[int]()
        for hour, times in made.items():
            panes[hour // DAY * DAY if hour < merged_to else hour] += times
        scopes = {hour: Scope(times, 1) for hour, times in panes.items()}
        over = merged_to + random.randrange(24, 99)
        found = [
            window._replace(scope=window.scope.copy()) for window in windows(scopes, length, every, over, merged_to)
        ]
        places = [(window.start, window.end) for window in found]
        assert places == sorted(set(places), key=lambda place: (place[1], place[0])), "each is given once"
        for window in found:
            inside = {hour: times for hour, times in made.items() if window.start <= hour < window.end}
            assert window.scope.annotations == sum(inside.values()) > 0
            assert all(edge % DAY == 0 or edge > merged_to for edge in (window.start, window.end))
            assert window.open == (window.end > over)
            compared += 1
            widened += window.end % every != 0 or (length is not None and window.end - window.start != length)
        # Every window of the hours as they were is in one of these.
        for window in windows({hour: Scope(1, 1) for hour in made}, length, every, over):
            start = window.start // DAY * DAY if window.start < merged_to else window.start
            end = -(-window.end // DAY) * DAY if window.end < merged_to else window.end
            if length is not None:
                assert (start, end) in places
    assert compared >= 60
    assert widened > 5 or every % DAY == 0


def test_windows_that_hold_nothing_are_passed_over_however_many() -> None:
    found = windows({0: Scope(1, 1), 400_000: Scope(1, 1)}, 1, 1, 0)
    assert [(window.start, window.end) for window in found] == [(0, 1), (400_000, 400_001)]
    assert not list(windows({}, 24, 24, 0))


def test_panes_are_left_as_they_were() -> None:
    made = {0: Scope(1, 1), 5: Scope(2, 1), 50: Scope(3, 1)}
    assert len(list(windows(made, 24, 1, 0))) > 20
    assert [scope.annotations for scope in made.values()] == [1, 2, 3]


@pytest.mark.parametrize(("length", "every"), [(1, 2), (24, 0), (0, 0)])
def test_windows_with_gaps_between_them_are_refused(length: int, every: int) -> None:
    with pytest.raises(ValueError, match=f"found {length} and {every}"):
        list(windows({}, length, every, 0))
