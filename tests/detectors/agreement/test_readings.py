import math

import pytest

from detectors.agreement import (
    COEFFICIENTS,
    PANEL_COEFFICIENTS,
    RANKINGS,
    Scale,
    agreement,
    item_pattern,
    pair_agreement,
)
from detectors.agreement.coefficient import Estimate, student_quantile
from detectors.agreement.scale import WEIGHTS
from detectors.reasons import NO_ORDER, NO_RATIO, NOT_AVAILABLE, OF_TASKS, REASONS


def test_the_registry_knows_each_coefficient_by_its_name():
    assert list(COEFFICIENTS) == [
        "percent", "percent_pairs", "alpha", "alpha_nominal", "alpha_ordinal", "alpha_interval", "alpha_ratio",
        "alpha_jaccard", "scott_pi", "fleiss_kappa", "ac1", "ac2", "brennan_prediger",
    ]  # fmt: skip
    assert all(name == coefficient.name for name, coefficient in COEFFICIENTS.items())


NOMINAL = {"percent", "percent_pairs", "alpha", "alpha_nominal", "scott_pi", "fleiss_kappa", "ac1", "brennan_prediger"}
OF_SETS = {"percent", "percent_pairs", "alpha", "alpha_jaccard"}
NOT_IN_ORDER = {"ac1": NOT_AVAILABLE, "alpha_jaccard": NOT_AVAILABLE}


@pytest.mark.parametrize(
    ("label_type", "labels", "missing"),
    [
        ("nominal", "ab", dict.fromkeys(set(COEFFICIENTS) - NOMINAL, NOT_AVAILABLE)),
        ("ordinal", "ab", NOT_IN_ORDER | {"alpha_ratio": NO_RATIO}),
        ("ordinal", "01", NOT_IN_ORDER),
        ("interval", "12", NOT_IN_ORDER),
        ("interval", ("-1", "1"), NOT_IN_ORDER | {"alpha_ratio": NO_RATIO}),
        ("ratio", "12", NOT_IN_ORDER),
        ("multilabel", "ab", dict.fromkeys(set(COEFFICIENTS) - OF_SETS, NOT_AVAILABLE)),
        ("boxes", "ab", dict.fromkeys(COEFFICIENTS, NOT_AVAILABLE)),
    ],
)
def test_a_coefficient_is_read_only_for_the_label_types_it_is_for(label_type, labels, missing):
    a, b = labels
    scale = Scale.of(label_type, [a, b])
    of = agreement({item_pattern([a, a]): 3, item_pattern([a, b]): 1}, label_type, 2, scale)
    of_tasks = {
        name: OF_TASKS if label_type in coefficient.label_types else NOT_AVAILABLE
        for name, coefficient in PANEL_COEFFICIENTS.items()
    }
    of_tasks |= dict.fromkeys(RANKINGS, OF_TASKS if label_type == "ordinal" else NOT_AVAILABLE)
    assert {name: reading.why for name, reading in of.items() if reading.value is None} == missing | of_tasks
    assert {reading.n for reading in of.values()} == {4}


def test_names_without_a_declared_order_have_the_coefficients_that_need_none():
    counts = {"a\x1fa": 3, "a\x1fb": 1}
    assert Scale.of("ordinal", None, "ab") is None
    of = agreement(counts, "ordinal", 2, None)
    needing = {"alpha", "alpha_ordinal", "alpha_interval", "alpha_ratio", "ac2", "brennan_prediger"}
    assert {name for name, reading in of.items() if reading.why == NO_ORDER} == needing
    assert of["ac1"].why == NOT_AVAILABLE
    assert of["alpha_nominal"] == agreement(counts, "nominal", 2)["alpha"]
    pair = pair_agreement(counts, "ordinal")
    assert pair["cohen_kappa"].value == 0.0
    assert pair["weighted_kappa_linear"] == pair["weighted_kappa_quadratic"] == (None, None, None, 4, NO_ORDER)
    assert pair_agreement(counts)["weighted_kappa_linear"].why == NOT_AVAILABLE


def test_numbers_without_a_declaration_lie_where_their_values_are():
    counts = {"1\x1f1": 3, "1\x1f2": 1, "10\x1f10": 3}
    undeclared = agreement(counts, "ordinal", 3, Scale.of("ordinal", None, ["10", "1", "2"]))
    assert undeclared == agreement(counts, "ordinal", 3, Scale.of("interval", ["1", "2", "10"]))
    by_rank = agreement(counts, "ordinal", 3, Scale.of("ordinal", ["1", "2", "10"]))
    assert by_rank["ac2"].value < undeclared["ac2"].value
    assert by_rank["alpha_ordinal"] == undeclared["alpha_ordinal"]


def test_a_label_that_the_scale_lacks_is_placed_by_its_number():
    """A stage may have labels that the task's own annotations have not; a store those of an older configuration."""
    counts, pairs = {"1\x1f1": 3, "1\x1f2": 1, "2\x1f3": 3}, {"1\x1f1": 3, "1\x1f2": 1, "2\x1f3": 3}
    scale, whole = Scale.of("interval", None, ["2", "1"]), Scale.of("interval", None, ["1", "2", "3"])
    assert agreement(counts, "interval", 2, scale) == agreement(counts, "interval", 3, whole)
    assert pair_agreement(pairs, "interval", scale) == pair_agreement(pairs, "interval", whole)
    names = Scale.of("ordinal", ["low", "high"])
    assert agreement({"low\x1fmid": 3}, "ordinal", 2, names)["alpha"].why == NO_ORDER
    assert pair_agreement({"low\x1fmid": 3}, "ordinal", names)["weighted_kappa_linear"].why == NO_ORDER


def test_two_categories_have_no_order():
    """With two labels every weight is 0 or 1, and every metric says equal or not."""
    counts = {"a\x1fa": 5, "a\x1fb": 3, "a\x1fb\x1fb": 2, "b\x1fb": 4, "a": 2}
    plain = agreement(counts, "nominal", 2)
    for weights in WEIGHTS:
        of = agreement(counts, "ordinal", 2, Scale.of("ordinal", ["b", "a"], weights=weights))
        for name, same in {
            "ac2": "ac1", "brennan_prediger": "brennan_prediger", "alpha_interval": "alpha", "alpha": "alpha",
        }.items():  # fmt: skip
            assert of[name][:4] == pytest.approx(plain[same][:4], rel=0, abs=1e-12)


def test_turning_the_scale_round_changes_nothing():
    counts = {"a\x1fb": 5, "a\x1fc": 3, "a\x1fb\x1fb": 2, "c\x1fc": 4, "a": 2, "b\x1fc": 3}
    for weights in WEIGHTS:
        there, back = (
            agreement(counts, "ordinal", 4, Scale.of("ordinal", order, weights=weights)) for order in ("abcd", "dcba")
        )
        for name, reading in there.items():
            if reading.value is not None:
                assert list(back[name][:4]) == pytest.approx(list(reading[:4]), rel=0, abs=1e-12)


def test_limits_need_two_pairable_items_however_many_single_labels():
    readings = read({"a\x1fb\x1fb": 1, "a": 50, "b": 50})
    assert readings.keys() == NOMINAL
    for reading in readings.values():
        assert (reading.low, reading.high, reading.n) == (None, None, 1)
        assert math.isfinite(reading.value)
    assert pair_agreement({"a\x1fb": 1})["cohen_kappa"] == (0.0, None, None, 1, "")


def read(counts):
    """What there is of nominal labels."""
    return {name: r for name, r in agreement(counts, "nominal", 2).items() if r.why not in {NOT_AVAILABLE, OF_TASKS}}


CHANCE_CORRECTED = ("alpha", "fleiss_kappa", "ac1", "brennan_prediger")


def test_limits_stay_in_the_range_of_the_coefficient():
    good = read({"a\x1fa": 2, "b\x1fb": 2, "a\x1fb": 1})
    bad = agreement({"a\x1fa": 1, "a\x1fb": 4}, "nominal", 2)
    assert {reading.high for reading in good.values()} == {1.0}
    assert bad["percent"].low == 0.0
    assert {bad[name].low for name in CHANCE_CORRECTED} == {-1.0}


def test_the_interval_holds_a_kappa_below_its_range():
    """A hundred items with one label make chance agreement near certain; the two that could agree do not."""
    kappa = agreement({"a\x1fb": 2, "a": 100}, "nominal", 2)["fleiss_kappa"]
    assert kappa.value < -1
    assert kappa.low == kappa.value
    assert kappa.low < kappa.high < 1


def test_full_agreement_on_two_labels_leaves_nothing_open():
    for reading in read({"a\x1fa": 5, "b\x1fb": 5}).values():
        assert reading == (1.0, 1.0, 1.0, 10, "")


def test_agreement_by_chance_corrected_for_declared_labels_does_not_move_when_a_rare_one_appears():
    counts = {"a\x1fa": 50, "b\x1fb": 40, "a\x1fb": 10}
    declared = agreement(counts, "nominal", 5)["brennan_prediger"].value
    assert declared == pytest.approx((0.9 - 0.2) / 0.8)
    assert agreement({**counts, "c": 1}, "nominal", 5)["brennan_prediger"].value == declared


def test_without_a_declaration_the_labels_seen_count():
    counts = {"a\x1fa": 5, "a\x1fb": 1, "b\x1fc": 1}
    assert agreement(counts, "nominal", 0) == agreement(counts, "nominal", 3)
    assert agreement({"a\x1fa": 5}, "nominal", 0)["ac1"].why == "no variation"
    assert agreement({"a\x1fa": 5}, "nominal", 1)["brennan_prediger"].why == "no variation"


def test_a_pair_of_one_and_the_same_label_has_no_variation():
    assert pair_agreement({"a\x1fa": 7})["cohen_kappa"] == (None, None, None, 7, "no variation")


def test_a_pair_that_never_uses_the_same_label_has_kappa_zero():
    assert pair_agreement({"a\x1fb": 7})["cohen_kappa"].value == 0.0


def test_reasons_come_from_the_closed_list():
    seen = {
        reading.why
        for counts in ({}, {"a": 1}, {"a\x1fa": 2})
        for label_type in ("nominal", "spans")
        for reading in agreement(counts, label_type, 2).values()
        if reading.value is None
    }
    assert seen < set(REASONS)


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(1, 12.706204736), (2, 4.302652730), (10, 2.228138852), (120, 1.979930405)]
)
def test_quantiles_are_those_of_students_table(degrees, quantile):
    assert student_quantile(degrees) == pytest.approx(quantile, abs=1e-9)


def test_an_estimate_reads_as_value_plus_and_minus_error_times_quantile():
    reading = Estimate(0.5, 0.01, 10).reading(11, -1.0)
    assert (reading.low, reading.high) == (pytest.approx(0.5 - 0.02228138852), pytest.approx(0.5 + 0.02228138852))
