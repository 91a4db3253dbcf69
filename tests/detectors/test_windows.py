"""Panes and windows: an item counts in the hour of its latest annotation, and a window is what its hours add up to."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from detectors.panes import PANE, begin, hour_of, pane_name
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
