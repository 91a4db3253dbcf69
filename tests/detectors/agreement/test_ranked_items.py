"""The bootstrapped intervals of Kendall's W and tau-b: replicates as samples of items, in any order the same."""

import math
import random
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import kendalltau

from detectors.agreement import RankedItems, Scale, ranked_items, ranking_agreement, ranking_intervals
from detectors.agreement.bootstrap import poisson_weights
from detectors.agreement.ranked_items import weighted
from detectors.reading import Reading
from tests.detectors.agreement.test_kendall import pairs_of, w_by_definition

SCALE = Scale.of("ordinal", list("abcde"))


def ranked_of(rows, seed=None):
    """The items of a table, a row an annotator, in this or another order."""
    people = "stuvwxyz"[: len(rows)]
    items = [(f"i{n}", dict(zip(people, labels, strict=True))) for n, labels in enumerate(zip(*rows, strict=True))]
    if seed is not None:
        random.Random(seed).shuffle(items)
    return RankedItems.of(items, people, SCALE)


def table(rng, m, n, skill=0.6, labels="abcde"):
    true = rng.choices(labels, k=n)
    return [[label if rng.random() < skill else rng.choice(labels) for label in true] for _ in range(m)]


def tau_by_definition(rows):
    return sum(kendalltau(one, other).statistic for one, other in combinations(rows, 2)) / math.comb(len(rows), 2)


def readings_of(rows):
    found = ranking_agreement(pairs_of(rows, "stuvwxyz"), "stuvwxyz"[: len(rows)], "ordinal", SCALE)
    return {name: reading._replace(low=None, high=None) for name, reading in found.items()}


def test_a_replicate_is_the_figure_of_items_that_lie_as_often_as_their_weight():
    rng, compared, undefined = random.Random(2), 0, 0
    for _ in range(60):
        m, n = rng.randint(2, 5), rng.randint(2, 9)
        rows = table(rng, m, n)
        places = np.array([["abcde".index(label) for label in row] for row in rows]).T
        times = [[rng.choice((0, 0, 1, 1, 2, 4)) for _ in range(n)] for _ in range(3)]
        for weights, *found in zip(times, *weighted(places, np.array(times, float).T), strict=True):
            copies = [[place for place, w in zip(row, weights, strict=True) for _ in range(w)] for row in places.T]
            tau = tau_by_definition(copies) if len(copies[0]) > 1 else math.nan
            w = w_by_definition([*map(tuple, copies)]) if copies[0] else math.nan
            for value, expected in zip(found, (w, tau), strict=True):
                assert value == pytest.approx(expected, rel=0, abs=1e-12, nan_ok=True)
                compared += 1
                undefined += math.isnan(expected)
    assert (compared, undefined) == (360, 60)


def test_the_interval_is_that_of_the_drawn_items():
    rows = table(random.Random(7), 3, 12)
    readings = readings_of(rows)
    drawn = {"kendall_w": [], "kendall_tau_b": []}
    for weights in np.hstack(list(poisson_weights([f"i{n}" for n in range(12)]))).T.astype(int).tolist():
        copies = [[x for x, w in zip(row, weights, strict=True) for _ in range(w)] for row in rows]
        places = [["abcde".index(label) for label in row] for row in copies]
        drawn["kendall_w"].append(w_by_definition([*map(tuple, places)]))
        drawn["kendall_tau_b"].append(tau_by_definition(places))
    found = ranking_intervals(ranked_of(rows), readings)
    assert list(found) == ["kendall_w", "kendall_tau_b"]
    for name, reading in found.items():
        half = stats.t.ppf(0.975, 11) * np.std([x for x in drawn[name] if math.isfinite(x)], ddof=1)
        assert (reading.value, reading.n) == (readings[name].value, 12)
        assert reading.low == pytest.approx(max(reading.value - half, 0.0 if name == "kendall_w" else -1.0), abs=1e-9)
        assert reading.high == pytest.approx(min(reading.value + half, 1.0), abs=1e-9)


def test_the_values_of_equal_weights_are_the_readings():
    rng = random.Random(5)
    for m in (2, 3, 6):
        rows = table(rng, m, 30)
        values = weighted(ranked_of(rows).places, ranked_of(rows).rows.sums(np.ones((30, 1))))
        for reading, value in zip(readings_of(rows).values(), values, strict=True):
            assert reading.value == pytest.approx(float(value[0]), rel=0, abs=1e-12)


def test_the_order_of_items_makes_no_difference_to_the_last_bit():
    rows = table(random.Random(3), 4, 200)
    readings = readings_of(rows)
    found = ranking_intervals(ranked_of(rows), readings)
    assert found["kendall_w"].low is not None
    assert all(ranking_intervals(ranked_of(rows, seed), readings) == found for seed in range(4))


def test_equal_items_do_not_have_equal_weights():
    """Items that are labelled alike are drawn each by itself: as one, they would vary far too much."""
    rows = [["a", "b"] * 100, ["a", "b"] * 100, ["a", "a", "b", "b"] * 50]
    found = ranking_intervals(ranked_of(rows), readings_of(rows))["kendall_w"]
    places = np.array([["abcde".index(label) for label in row] for row in rows]).T
    more, less = (weighted(places, 1.0 + step * np.eye(200))[0] for step in (1e-4, -1e-4))
    error = math.sqrt(float(np.square((more - less) / 2e-4).sum()))
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.ppf(0.975, 199) * error, rel=0.15)


def test_of_two_annotators_it_agrees_with_the_linearisation():
    rows = table(random.Random(9), 2, 150)
    linearised = ranking_agreement(pairs_of(rows, "st"), "st", "ordinal", SCALE)["kendall_tau_b"]
    drawn = ranking_intervals(ranked_of(rows), readings_of(rows))["kendall_tau_b"]
    assert drawn.low == pytest.approx(linearised.low, abs=0.02)
    assert drawn.high == pytest.approx(linearised.high, abs=0.02)


def test_perfect_order_has_no_width():
    rows = [list("abcde") * 3] * 3
    found = ranking_intervals(ranked_of(rows), readings_of(rows))
    assert {(reading.value, reading.low, reading.high) for reading in found.values()} == {(1.0, 1.0, 1.0)}


def test_two_items_have_no_interval():
    """In three replicates of five an item is missing, and there is nothing to rank."""
    rows = [["a", "b"], ["a", "c"], ["b", "a"]]
    readings = readings_of(rows)
    assert ranking_intervals(ranked_of(rows), readings) == readings
    assert readings["kendall_w"].value is not None


def test_only_items_that_all_labelled_count():
    labels = {"s": "a", "t": "b"}
    items = [("i1", labels), ("i2", {"s": "a"}), ("i3", {**labels, "u": "a"}), ("i4", {"s": "c", "t": "c"})]
    found = RankedItems.of(items, ["t", "s"], SCALE)
    assert (found.items, found.places.tolist()) == (["i1", "i4"], [[0, 1], [2, 2]])


def test_statistics_of_other_items_have_no_interval():
    rows = table(random.Random(1), 3, 10)
    readings = {name: each._replace(n=11) for name, each in readings_of(rows).items()}
    assert ranking_intervals(ranked_of(rows), readings) == {}


def test_what_is_too_much_to_compare_leaves_tau_b_without_an_interval(monkeypatch):
    rows = table(random.Random(1), 3, 30)
    readings = readings_of(rows)
    whole = ranking_intervals(ranked_of(rows), readings)
    monkeypatch.setattr(ranked_items, "MOST_COMPARED", 500)
    found = ranking_intervals(ranked_of(rows), readings)
    assert found == {"kendall_w": whole["kendall_w"], "kendall_tau_b": readings["kendall_tau_b"]}
    assert whole["kendall_tau_b"].low is not None


@pytest.mark.parametrize("bound", ["MOST_ROWS", "MOST_PLACES"])
def test_of_very_many_different_items_nothing_is_drawn(bound, monkeypatch):
    rows = table(random.Random(1), 3, 30)
    monkeypatch.setattr(ranked_items, bound, 5)
    assert ranking_intervals(ranked_of(rows), readings_of(rows)) == {}


def test_labels_without_an_order_have_no_interval():
    found = RankedItems.of([("i1", {"s": "a", "t": "z"})], "st", SCALE)
    assert (found, ranking_intervals(found, readings_of([["a", "b"], ["b", "a"]]))) == (None, {})


def test_an_undefined_reading_stays_undefined():
    rows = [list("abc"), list("bbb"), list("cab")]
    readings = {**readings_of(rows), "kendall_tau_b": Reading.undefined(3, "no variation")}
    assert ranking_intervals(ranked_of(rows), readings)["kendall_tau_b"].why == "no variation"
