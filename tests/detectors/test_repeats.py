"""Repeats: which labels of one person are compared, in what order, and how far they lie apart."""

from __future__ import annotations

import pytest

from detectors.config import TaskConfig
from detectors.item import contribution
from detectors.labels import Fit
from detectors.repeats import HOUR, REPEATS, consistency, gap, repeats
from tests.detectors.test_item import item_of, scopes, whole
from tests.made_events import annotation, boxes, retraction

FIT = Fit(TaskConfig())


def said(*labels: object, annotator: str = "ann", step: int = 1) -> list:
    return [
        annotation(annotator, "i1", label, 1 + step * place, annotation=f"{annotator}{place}")
        for place, label in enumerate(labels)
    ]


def test_each_label_is_compared_with_the_one_before() -> None:
    assert repeats(said("yes", "no", "no", "yes"), FIT) == {"ann": (("hour", 3), ("hour equal", 1))}


def test_whoever_repeats_nothing_is_left_out() -> None:
    assert repeats([*said("yes"), *said("no", annotator="bob")], FIT) == {}


def test_time_decides_not_arrival_and_then_the_annotation() -> None:
    early, late = annotation("ann", "i1", "a", 5, annotation="z"), annotation("ann", "i1", "b", 9, annotation="y")
    middle = annotation("ann", "i1", "a", 9, annotation="x")
    for order in ([early, late, middle], [late, middle, early], [middle, early, late]):
        assert repeats(order, FIT) == {"ann": (("hour", 2), ("hour equal", 1))}, "a, a, b"


def test_skips_and_labels_that_do_not_fit_are_passed_over() -> None:
    declared = Fit(TaskConfig(labels=("yes", "no")))
    given = [*said("yes", "maybe", "yes"), annotation("ann", "i1", None, 2, annotation="skip")]
    assert repeats(given, declared) == {"ann": (("hour", 1), ("hour equal", 1))}


def test_labels_of_two_types_are_not_equal() -> None:
    assert repeats(said("1", 1), FIT) == {"ann": (("hour", 1),)}


def test_objects_are_equal_by_content() -> None:
    one, same, other = boxes((1, 2, 3, 4)), boxes((1.0, 2, 3, 4)), boxes((1, 2, 3, 5))
    assert repeats(said(one, same, other), FIT) == {"ann": (("hour", 2), ("hour equal", 1))}


@pytest.mark.parametrize(
    ("microseconds", "name"),
    [
        (0, "hour"), (HOUR - 1, "hour"), (HOUR, "day"), (24 * HOUR - 1, "day"), (24 * HOUR, "week"),
        (7 * 24 * HOUR - 1, "week"), (7 * 24 * HOUR, "longer"), (900 * 24 * HOUR, "longer"),
    ],
)  # fmt: skip
def test_gaps(microseconds: int, name: str) -> None:
    assert gap(microseconds) == name


def test_an_item_tells_the_task_and_the_annotator_and_nobody_else() -> None:
    item = item_of(*said("yes", "no", "no"), *said("no", annotator="bob"))
    sums = {"hour": 2, "hour equal": 1}
    assert whole(item).tallies[REPEATS].sums == sums
    assert scopes(item)["annotator", "ann"].tallies[REPEATS].sums == sums
    assert [place for place, scope in scopes(item).items() if REPEATS in scope.tallies] == [
        ("gold_item", "false"),
        ("annotator", "ann"),
    ]


def test_who_only_skips_in_the_end_has_repeats_and_no_label() -> None:
    item = item_of(*said("yes", "yes"), annotation("ann", "i1", None, 9, annotation="skip"))
    assert set(whole(item).tallies) == {REPEATS}
    assert scopes(item)["annotator", "ann"].tallies[REPEATS].sums == {"hour": 1, "hour equal": 1}


def test_what_is_withdrawn_brings_its_neighbours_together() -> None:
    first, between, last = said("yes", "no", "yes", step=3600)
    item = item_of(first, between, last)
    assert whole(item).tallies[REPEATS].sums == {"day": 2}
    item = item_of(first, between, last, retraction("ann1"))
    assert whole(item).tallies[REPEATS].sums == {"day": 1, "day equal": 1}
    assert contribution(item, FIT) != contribution(item_of(first, between, last), FIT)


def test_intervals_are_wilsons_and_none_has_a_reason() -> None:
    found = consistency({"hour": 18, "hour equal": 16, "longer": 2, "longer equal": 2})
    assert found.whole.equal[:4] == pytest.approx((0.9, 0.698966355, 0.972133519, 20), abs=1e-9)
    assert found.by_gap["week"].equal == (None, None, None, 0, "no repeat")
    assert found.by_gap["longer"].pairs == 2
