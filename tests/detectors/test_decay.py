"""Decayed figures: published ones, those of weighted means, and what is left of them at the ends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.agreement import agreement
from detectors.agreement.coefficient import student_quantile
from detectors.config import TaskConfig
from detectors.decay import decayed
from detectors.panes import PANE, pane_name
from detectors.scope import Scope, Tally
from detectors.summary import TaskStatistics
from tests.detectors.agreement.published import FLEISS

LABELS = "12345"


def close(x: float) -> object:
    return pytest.approx(x, rel=0, abs=1e-9)


def pane(pattern: str, n: int = 1, answers: int = 0, correct: int = 0) -> Scope:
    m = pattern.count("\x1f") + 1
    return Scope(m * n, n, 0, {"nominal": Tally(m * n, n if m > 1 else 0, answers, correct, {pattern: n})})


def fleiss() -> list[list[int]]:
    return [[int(n) for n in row.split()] for row in FLEISS.split("|")]


def patterns() -> list[str]:
    return ["\x1f".join(label for label, n in zip(LABELS, row, strict=True) for _ in range(n)) for row in fleiss()]


def test_the_table_of_fleiss_with_nine_tenths_a_step() -> None:
    """The items of Fleiss' table one an hour, each with nine tenths of the weight of the one after it."""
    found = decayed({hour: pane(pattern) for hour, pattern in enumerate(patterns())}, "nominal", math.log(0.5, 0.9))
    assert found is not None
    of = agreement(found.patterns, "nominal", 5)
    assert of["percent"].value == close(0.343300092)
    assert of["fleiss_kappa"].value == close(0.170140142)
    assert of["ac1"].value == close(0.181341039)
    assert of["brennan_prediger"].value == close(0.179125114)
    weights = 0.9 ** np.arange(9, -1, -1)
    assert found.pairable == close(weights.sum() ** 2 / (weights**2).sum())
    assert of["percent"].n == round(found.pairable) == 9


def test_the_error_of_a_weighted_mean() -> None:
    """Percent agreement is a weighted mean of the items': its standard error by the effective number."""
    found = decayed({hour: pane(pattern) for hour, pattern in enumerate(patterns())}, "nominal", 3.0)
    assert found is not None
    weights = 0.5 ** (np.arange(9, -1, -1) / 3.0)
    equal = np.array([sum(n * (n - 1) for n in row) / (14 * 13) for row in fleiss()])
    mean = (weights * equal).sum() / weights.sum()
    n = weights.sum() ** 2 / (weights**2).sum()
    error = math.sqrt((weights * (equal - mean) ** 2).sum() / weights.sum() / (n - 1))
    reading = agreement(found.patterns, "nominal", 5)["percent"]
    assert reading.value == close(mean)
    assert reading.low is not None
    assert mean - reading.low == close(student_quantile(n - 1) * error)


def test_without_decay_it_is_the_window_of_all() -> None:
    panes = {hour: pane(pattern) for hour, pattern in enumerate(patterns())}
    found = decayed(panes, "nominal", 1e15)
    assert found is not None
    whole = Scope()
    for each in panes.values():
        whole.merge(each)
    there, here = (agreement(p, "nominal", 5) for p in (whole.tallies["nominal"].patterns, found.patterns))
    compared = 0
    for name, reading in there.items():
        if reading.value is not None:
            assert here[name][:3] == pytest.approx(reading[:3], rel=0, abs=1e-9)
            compared += 1
    assert compared == 8


def test_what_is_long_ago_counts_nothing() -> None:
    found = decayed({0: pane("a\x1fb", 1000), 10_000: pane("a\x1fa", 3)}, "nominal", 1.0)
    assert found is not None
    assert (found.hour, found.pairable) == (10_000, close(3.0))
    assert agreement(found.patterns, "nominal", 2)["percent"].value == close(1.0)


def test_the_age_of_a_merged_day_is_that_of_its_middle() -> None:
    """Four hours, the middle of which is noon: the day weighs what the hours from 10 to 14 would weigh, were they one."""
    hours = {48 + hour: pane("a\x1fb", 1) for hour in (10, 11, 12, 13)} | {100: pane("a\x1fa", 3)}
    [by_hour, by_day] = [
        decayed(panes, "nominal", 24.0, merged_to)
        for panes, merged_to in ((hours, 0), ({48: pane("a\x1fb", 4), 100: pane("a\x1fa", 3)}, 72))
    ]
    assert by_hour is not None
    assert by_day is not None
    assert by_day.hour == 100
    age = 100.5 - (48 + 12)
    assert by_day.patterns["a\x1fa"] / by_day.patterns["a\x1fb"] == close(3 / 4 * 2 ** (age / 24))
    assert by_day.pairable == pytest.approx(by_hour.pairable, rel=1e-3)
    alone = decayed({48: pane("a\x1fb", 4)}, "nominal", 24.0, 72)
    assert alone is not None
    assert (alone.hour, alone.pairable) == (71, close(4.0)), "up to the end of the day"


def test_gold_decays_by_the_number_of_answers() -> None:
    found = decayed({0: pane("a\x1fb", 1, 10, 10), 24: pane("a\x1fb", 5, 10, 0)}, "nominal", 24)
    assert found is not None
    assert found.gold.value == close(1 / 3)
    assert found.gold.n == 18  # 15 squared, over 10 + 2.5


def test_without_panes_there_is_nothing() -> None:
    assert decayed({}, "nominal", 24) is None
    assert TaskStatistics(TaskConfig(), {}).decayed(24) is None


def test_measured_labels_have_values_without_intervals() -> None:
    scopes = {
        (PANE, pane_name(500_000 + hour)): Scope(
            2, 1, 0, {"boxes": Tally(2, 1, 0, 0, {}, {"pairs_count": 1, "pairs_sum": hour})}
        )
        for hour in (1, 3)
    }
    total = Scope()
    for scope in scopes.values():
        total.merge(scope)
    found = TaskStatistics(TaskConfig(label_type="boxes"), {**scopes, ("gold_item", "false"): total}).decayed(2)
    assert found is not None
    assert {(reading.low, reading.high) for reading in found.agreement.values()} == {(None, None)}


def test_overlap_that_is_older_than_single_labels_is_worth_what_it_is() -> None:
    """Two pairable items, five half-lives ago, and ten with one label now."""
    old = pane("a\x1fb")
    old.merge(pane("a\x1fa"))
    found = decayed({0: old, 120: pane("a", 10)}, "nominal", 24)
    assert found is not None
    of = agreement(found.patterns, "nominal", 2)
    assert of["alpha"] == (close(0.0), -1.0, 1.0, 2, "")
    assert of["percent"].value == close(0.5)
    alone = decayed({0: pane("a\x1fb"), 120: pane("a", 10)}, "nominal", 24)
    assert alone is not None
    lone = agreement(alone.patterns, "nominal", 2)
    assert (lone["alpha"].value, lone["percent"].value, lone["percent"].n) == (close(0.0), close(0.0), 1)
    assert -1 <= lone["ac1"].value <= 1  # type: ignore[operator]
