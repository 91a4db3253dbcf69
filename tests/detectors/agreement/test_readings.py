import math

import pytest

from detectors.agreement import COEFFICIENTS, agreement, pair_agreement
from detectors.agreement.coefficient import Estimate, student_quantile
from detectors.reasons import REASONS


def test_the_registry_knows_each_coefficient_by_its_name():
    assert list(COEFFICIENTS) == ["percent", "alpha", "fleiss_kappa", "ac1", "brennan_prediger"]
    assert all(name == coefficient.name for name, coefficient in COEFFICIENTS.items())


@pytest.mark.parametrize(
    ("label_type", "available"),
    [
        ("nominal", {"percent", "alpha", "fleiss_kappa", "ac1", "brennan_prediger"}),
        ("ordinal", {"percent", "fleiss_kappa"}),
        ("interval", set()),
        ("boxes", set()),
    ],
)
def test_a_coefficient_is_read_only_for_the_label_types_it_is_for(label_type, available):
    of = agreement({"a\x1fa": 3, "a\x1fb": 1}, label_type, 2)
    assert {name for name, reading in of.items() if reading.value is not None} == available
    assert {(r.n, r.why) for name, r in of.items() if name not in available} <= {
        (4, "not available for this label type")
    }


def test_limits_need_two_pairable_items_however_many_single_labels():
    for reading in agreement({"a\x1fb\x1fb": 1, "a": 50, "b": 50}, "nominal", 2).values():
        assert (reading.low, reading.high, reading.n) == (None, None, 1)
        assert math.isfinite(reading.value)
    assert pair_agreement({"a\x1fb": 1}) == (0.0, None, None, 1, "")


CHANCE_CORRECTED = ("alpha", "fleiss_kappa", "ac1", "brennan_prediger")


def test_limits_stay_in_the_range_of_the_coefficient():
    good = agreement({"a\x1fa": 2, "b\x1fb": 2, "a\x1fb": 1}, "nominal", 2)
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
    for reading in agreement({"a\x1fa": 5, "b\x1fb": 5}, "nominal", 2).values():
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
    assert pair_agreement({"a\x1fa": 7}) == (None, None, None, 7, "no variation")


def test_a_pair_that_never_uses_the_same_label_has_kappa_zero():
    assert pair_agreement({"a\x1fb": 7}).value == 0.0


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
