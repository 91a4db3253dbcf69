"""Alpha of numbers from sums is alpha of the same numbers as patterns."""

import random
import sys

import krippendorff
import numpy as np
import pytest

from detectors.agreement import Scale, Sums, Table, against_others, agreement_of_sums, between_groups, item_pattern
from detectors.agreement.alpha_interval import alpha_interval
from detectors.agreement.moments import alpha_of_moments, item_moment, moment_against, moment_between, units

VALUES = ("-3", "0", "0.25", "1", "7.5", "1000", "999999999.999999999999")


def random_items(rng, values):
    return [rng.choices(values, k=rng.randint(1, 5)) for _ in range(rng.randint(2, 40))]


def of_items(items):
    state = Sums()
    for labels in items:
        state.update(item_moment([units(label) for label in labels]))
    return state


def of_annotator(items):
    """The first label of each item against the others."""
    state = Sums()
    for labels in items:
        numbers = [units(label) for label in labels]
        state.update(moment_against(numbers[0], numbers, sum(numbers), sum(x * x for x in numbers)))
    return state


def in_groups(items):
    """The first labels of each item against the last ones; items with one label are left out."""
    return [(labels[: len(labels) // 2], labels[len(labels) // 2 :]) for labels in items if len(labels) > 1]


def of_groups(items):
    state = Sums()
    for one, other in in_groups(items):
        state.update(moment_between([units(label) for label in one], [units(label) for label in other]))
    return state


def pairable(state):
    return sum(n for name, n in state.sums.items() if name.endswith(" n"))


def alpha(state):
    return alpha_of_moments(state.sums)


def readings(state, label_type):
    return agreement_of_sums(state.sums, label_type, pairable(state))


def counts(patterns):
    found = {}
    for pattern in patterns:
        found[pattern] = found.get(pattern, 0) + 1
    return found


@pytest.mark.parametrize("values", [VALUES[:5], VALUES[:6], VALUES])
@pytest.mark.parametrize("kind", ["items", "against others", "between groups"])
def test_value_and_error_are_those_of_patterns(kind, values):
    rng, compared = random.Random(2), 0
    for _ in range(60):
        items = random_items(rng, values)
        if kind == "items":
            state, patterns = of_items(items), counts(map(item_pattern, items))
        elif kind == "between groups":
            state, patterns = of_groups(items), counts(between_groups(*groups) for groups in in_groups(items))
        else:
            state, patterns = of_annotator(items), counts(against_others(own, others) for own, *others in items)
        table = Table.of(patterns, Scale.of("interval", None, values))
        assert pairable(state) == table.pairable
        if not table.pairable:
            continue
        expected, estimate = alpha_interval(table, 0), alpha(state)
        if expected is None:
            assert estimate is None
            continue
        assert estimate.value == pytest.approx(expected.value, rel=0, abs=1e-9)
        if table.pairable > 1:
            assert estimate.error == pytest.approx(expected.error, rel=0, abs=1e-9)
        assert estimate.degrees == expected.degrees
        compared += 1
    assert compared >= 50


def test_real_numbers_equal_krippendorff():
    rng, compared = random.Random(3), 0
    for _ in range(40):
        table = np.full((5, 30), np.nan)
        items = []
        for item in range(30):
            true = rng.gauss(0, 2)
            labels = [f"{round(true + rng.gauss(0, 1), 6):.6f}" for _ in range(rng.randint(0, 5))]
            items.append(labels)
            table[: len(labels), item] = [float(label) for label in labels]
        peer = krippendorff.alpha(table, level_of_measurement="interval")
        assert alpha(of_items(items)).value == pytest.approx(peer, rel=0, abs=1e-9)
        compared += 1
    assert compared == 40


def test_numbers_far_from_zero_lose_nothing():
    """Floats would: the squares have 18 digits before the point and 24 behind it."""
    near = [["0.000000000001", "0.000000000002"], ["0.000000000005", "0.000000000005"], ["0", "0.000000000001"]]
    far = [[f"99999999{label}" if "." in label else "999999990" for label in labels] for labels in near]
    assert {label[:9] for labels in far for label in labels} == {"999999990"}
    here, there = alpha(of_items(near)), alpha(of_items(far))
    assert there == here
    assert 0 < here.value < 1


def test_moving_the_zero_and_the_unit_changes_nothing_but_rounding():
    rng = random.Random(5)
    items = [[str(rng.randint(0, 9)) for _ in range(3)] for _ in range(20)]
    estimate = alpha(of_items(items))
    moved = alpha(of_items([[str(int(x) * 1000 - 77777) for x in labels] for labels in items]))
    assert (moved.value, moved.error) == (
        pytest.approx(estimate.value, abs=1e-12),
        pytest.approx(estimate.error, abs=1e-12),
    )


def test_no_variation_and_no_pairable_item():
    same = of_items([["5", "5"], ["5", "5", "5"]])
    assert readings(same, "interval")["alpha"] == (None, None, None, 2, "no variation")
    alone = readings(of_items([["5"], ["6"]]), "interval")
    assert {reading.why for reading in alone.values()} == {"no pairable item", "not available for this label type"}
    one = readings(of_items([["1", "2"]]), "interval")["alpha"]
    assert one == (pytest.approx(0.0, abs=1e-15), None, None, 1, "")


def test_what_needs_categories_says_so():
    state = of_items([["1", "2"], ["3", "3"]])
    of = readings(state, "ratio")
    assert {name for name, reading in of.items() if reading.value is not None} == {"alpha_interval"}
    assert of["alpha"].why == of["percent"].why == of["ac2"].why == "labels are not declared"
    assert of["ac1"].why == "not available for this label type"
    assert readings(state, "interval")["alpha"] == of["alpha_interval"]


def test_memory_does_not_follow_the_distinct_numbers():
    rng, state = random.Random(6), Sums()
    for _ in range(20_000):
        state.update(item_moment([units(f"{rng.random():.12f}") for _ in range(3)]))
    assert len(state.sums) == 10
    assert sum(map(sys.getsizeof, state.sums.values())) < 1000


def test_more_retracted_than_added_cannot_be_read():
    state = Sums()
    state.update(item_moment([units("1"), units("2")]), -1)
    with pytest.raises(ValueError, match="more was retracted than added"):
        alpha(state)
