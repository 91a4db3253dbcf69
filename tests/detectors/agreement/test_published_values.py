"""Every coefficient on the tables of the literature, to 1e-9."""

import math
from collections import Counter

import pytest

from detectors.agreement import (
    COEFFICIENTS,
    PANEL_COEFFICIENTS,
    PatternCounts,
    Scale,
    Table,
    agreement,
    item_pattern,
    pair_agreement,
    pair_pattern,
)
from detectors.agreement.coefficient import alpha_of, chance_corrected
from detectors.agreement.cohen_kappa import cohen_kappa
from detectors.agreement.patterns import set_key
from detectors.agreement.scale import WEIGHTS, mean_distances
from detectors.agreement.weighted_kappa import LINEAR, QUADRATIC, weighted_kappa
from detectors.reasons import NOT_AVAILABLE
from tests.detectors.agreement.published import (
    ABSTRACTORS,
    CANONICAL,
    FLEISS,
    VARIABLE,
    annotations,
    confusion_items,
    confusion_pairs,
    item_counts,
    tally_counts,
)


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


def values(counts, q):
    return {name: r.value for name, r in agreement(counts, "nominal", q).items() if r.value is not None}


def ordered(counts, q, label_type="ordinal", weights="quadratic"):
    scale = Scale.of("ordinal", [str(label) for label in range(1, q + 1)], weights=weights)
    return {name: r.value for name, r in agreement(counts, label_type, q, scale).items() if r.value is not None}


def errors(counts, q, label_type="nominal", weights="quadratic"):
    scale = Scale.of("ordinal", [str(label) for label in range(1, q + 1)], weights=weights)
    table = Table.of(counts, scale)
    return {
        name: coefficient.by_type.get(label_type, coefficient.estimate)(table, q).error
        for name, coefficient in COEFFICIENTS.items()
        if label_type in coefficient.label_types
    }


def test_alpha_of_sets():
    """Four items with two sets each."""
    items = [(["x"], ["x", "y"]), (["y"], ["y"]), (["x", "z"], ["z"]), (["x"], ["x"])]
    counts = Counter(item_pattern(set_key(names) for names in item) for item in items)
    of = agreement(counts, "multilabel", 3)
    assert (of["alpha"].value, of["alpha"].n) == (close(26 / 47), 4)
    assert (of["alpha_jaccard"].value, of["alpha_jaccard"].n) == (close(73 / 115), 4)


CANONICAL_VALUES = {
    "percent": 9 / 11,
    "percent_pairs": 43 / 55,
    "alpha": 113 / 152,
    "alpha_nominal": 113 / 152,
    "scott_pi": 0.761169275422,
    "fleiss_kappa": 0.761169275422,
    "ac1": 0.775444068127,
    "brennan_prediger": 0.772727272727,
}

CANONICAL_ORDERED = {
    "percent": 9 / 11,
    "percent_pairs": 43 / 55,
    "alpha": 108577 / 133160,
    "alpha_nominal": 113 / 152,
    "alpha_ordinal": 108577 / 133160,
    "alpha_interval": 951 / 1120,
    "alpha_ratio": 18222619 / 22852465,
    "scott_pi": 0.761169275422,
    "fleiss_kappa": 0.761169275422,
    "ac2": 0.914000724,
    "brennan_prediger": 0.901515152,
}


def test_krippendorffs_canonical_table():
    assert values(item_counts(annotations(CANONICAL)), 5) == close(CANONICAL_VALUES)
    for label_type in ("ordinal", "interval", "ratio"):
        expected = CANONICAL_ORDERED | {"alpha": CANONICAL_ORDERED[f"alpha_{label_type}"]}
        assert ordered(item_counts(annotations(CANONICAL)), 5, label_type) == close(expected)


def coincidences(table):
    """From the parts that alpha is made of: of each two labels that differ, and by what is left of equal ones."""
    found = {}
    of_row = (table.weight * table.size / 2.0)[table.placed.row]
    for a, b, n in zip(table.placed.first, table.placed.second, table.placed.part * of_row, strict=True):
        cell = "".join(sorted([table.names[a], table.names[b]]))
        found[cell] = found.get(cell, 0.0) + float(n)
    for name, share in zip(table.names, table.pair_shares, strict=True):
        own = sum(n for cell, n in found.items() if name in cell)
        found[name * 2] = float(share * table.pair_labels) - own
    return found


def test_coincidences_of_the_canonical_table():
    """Krippendorff's matrix: two labels of an item coincide 1/(m - 1) times, in either order."""
    table = Table.of(item_counts(annotations(CANONICAL)), Scale.of("ordinal", list("12345")))
    expected = {"11": 7, "22": 10, "33": 8, "44": 4, "55": 3, "12": 4 / 3, "13": 1 / 3, "14": 1 / 3}
    assert coincidences(table) == close(expected | {"23": 4 / 3, "24": 1 / 3, "34": 1 / 3})


@pytest.mark.parametrize(
    ("weights", "ac2", "fleiss", "alpha", "brennan_prediger"),
    [
        ("linear", 0.858739136, 0.817944767, 0.800383877, 0.848484848),
        ("quadratic", 0.914000724, 0.864935065, 0.849107143, 0.901515152),
        ("ordinal", 0.898939770, 0.850206189, 0.833638026, 0.886363636),
    ],
)
def test_weighted_values_of_gwets_four_raters(weights, ac2, fleiss, alpha, brennan_prediger):
    """Fleiss' kappa and alpha under these weights are no readings of ours, but made of the same parts."""
    counts = item_counts(annotations(CANONICAL))
    of = ordered(counts, 5, weights=weights)
    assert (of["ac2"], of["brennan_prediger"]) == (close(ac2), close(brennan_prediger))
    table = Table.of(counts, Scale.of("ordinal", list("12345"), weights=weights))
    far, disagreement = WEIGHTS[weights], table.placed.by_weights(len(table.weight))
    from_all = mean_distances(table.placed.number, table.shares, far) / far(1.0, 5.0)
    expected = float((table.shares * from_all).sum())
    assert chance_corrected(table, expected, table.by_row(from_all), disagreement).value == close(fleiss)
    from_pairable = mean_distances(table.placed.number, table.pair_shares, far) / far(1.0, 5.0)
    assert alpha_of(table, disagreement, from_pairable).value == close(alpha)
    # The one of them that is a reading.
    assert weights != "quadratic" or of["alpha_interval"] == close(alpha)


@pytest.mark.parametrize(
    ("a", "b", "n", "kappa"),
    [
        ("A", "B", 9, 0.844827586207),
        ("A", "C", 8, 0.478260869565),
        ("A", "D", 9, 0.85),
        ("B", "C", 9, 0.542372881356),
        ("B", "D", 10, 0.870129870130),
        ("C", "D", 10, 0.615384615385),
    ],
)
def test_each_pair_of_the_canonical_table(a, b, n, kappa):
    state = PatternCounts()
    for labels in annotations(CANONICAL).values():
        if a in labels and b in labels:
            state.update(pair_pattern(labels[a], labels[b]))
    reading = pair_agreement(state.counts)["cohen_kappa"]
    assert (reading.n, reading.value) == (n, close(kappa))


def test_a_retracted_label_a_changed_one_and_both_undone():
    state = PatternCounts(item_counts(annotations(CANONICAL)))
    before, untouched = agreement(state.counts, "nominal", 5), state.copy()
    before_in_order = ordered(state.counts, 5)

    def replace(old, new):
        state.update(item_pattern(old), -1)
        state.update(item_pattern(new))
        return values(state.counts, 5)

    without = replace("1234", "123")
    assert without["alpha"] == close(0.767888307155)
    assert without["fleiss_kappa"] == close(0.758785552)
    assert without["ac1"] == close(0.775964476)
    for name, value in {"ordinal": 0.866167032, "interval": 0.909264565, "ratio": 0.835912962}.items():
        assert ordered(state.counts, 5)[f"alpha_{name}"] == close(value)
    changed = replace("123", "1233")
    assert changed["alpha"] == close(0.762458472)
    assert changed["fleiss_kappa"] == close(0.778546713)
    assert changed["ac1"] == close(0.794707298)
    for name, value in {"ordinal": 0.852112251, "interval": 0.897637795, "ratio": 0.823889212}.items():
        assert ordered(state.counts, 5)[f"alpha_{name}"] == close(value)
    replace("1233", "123")
    replace("123", "1234")
    assert state == untouched
    assert agreement(state.counts, "nominal", 5) == before  # to the last bit
    assert ordered(state.counts, 5) == before_in_order


def test_halves_of_the_canonical_table_merge_to_the_whole():
    table = annotations(CANONICAL)
    first = PatternCounts(item_counts({item: labels for item, labels in table.items() if item <= 6}))
    second = PatternCounts(item_counts({item: labels for item, labels in table.items() if item > 6}))
    assert values(first.counts, 5)["alpha"] == close(0.620689655172)
    assert values(second.counts, 5)["alpha"] == close(0.850467289720)
    assert ordered(first.counts, 5)["alpha_interval"] == close(0.518095238)
    assert ordered(second.counts, 5)["alpha_interval"] == close(0.976190476)
    first.merge(second)
    assert agreement(first.counts, "nominal", 5) == agreement(item_counts(table), "nominal", 5)
    assert ordered(first.counts, 5) == ordered(item_counts(table), 5)


def test_standard_errors_and_limits_of_gwets_four_raters():
    """The data set raw4raters of irrCAC: the canonical table, but unit 12 is labelled by C, which no pattern shows."""
    counts = item_counts(annotations(CANONICAL))
    error = errors(counts, 5)
    assert error["alpha"] == close(0.145573886985)
    assert error["fleiss_kappa"] == close(0.153019203469)
    assert error["ac1"] == close(0.142949950641)
    assert error["brennan_prediger"] == close(0.144716619899)
    ac1 = agreement(counts, "nominal", 5)["ac1"]
    assert (ac1.low, ac1.high) == (close(0.460813348), 1.0)


def test_fleiss_table():
    expected = {
        "percent": 0.378021978,
        "percent_pairs": 0.378021978,
        "alpha": 0.215574056533,
        "alpha_nominal": 0.215574056533,
        "scott_pi": 0.209930704422,
        "fleiss_kappa": 0.209930704422,
        "ac1": 0.225614150817,
        "brennan_prediger": 0.222527472527,
    }
    assert values(tally_counts(FLEISS), 5) == close(expected)
    from_1 = Counter(
        {chr(0x1F).join(str(int(x) + 1) for x in p.split(chr(0x1F))): n for p, n in tally_counts(FLEISS).items()}
    )
    of = ordered(from_1, 5)
    assert (of["alpha_ordinal"], of["alpha_interval"]) == (close(0.540750274757), close(0.543739749086))


@pytest.mark.parametrize(
    ("confusion", "kappa", "error", "ac1"),
    [
        (((20, 5), (10, 15)), 0.4, 0.126996063, 0.405940594),
        (((45, 15), (25, 15)), 0.130434783, 0.098661538, 0.266055046),
        (((25, 35), (5, 35)), 0.259259259, 0.077159732, 0.207920792),
    ],
)
def test_cohens_kappa_of_two_labels(confusion, kappa, error, ac1):
    estimate = cohen_kappa(confusion_pairs(confusion))
    assert (estimate.value, estimate.error) == (close(kappa), close(error))
    assert values(confusion_items(confusion), 2)["ac1"] == close(ac1)


def test_scotts_pi_is_fleiss_kappa_of_two_labels_an_item():
    of = values(confusion_items(((20, 5), (10, 15))), 2)
    assert of["fleiss_kappa"] == of["scott_pi"] == close(0.393939394)
    assert of["alpha"] == close(0.4)


def test_abstractors():
    estimate = cohen_kappa(confusion_pairs(ABSTRACTORS))
    assert (estimate.value, estimate.error) == (close(0.796409402), close(0.058910718))
    expected = {
        "percent": 0.89,
        "percent_pairs": 0.89,
        "alpha": 0.797258498,
        "alpha_nominal": 0.797258498,
        "scott_pi": 0.796239696,
        "fleiss_kappa": 0.796239696,
        "ac1": 0.849330548,
        "brennan_prediger": 0.835,
    }
    assert values(confusion_items(ABSTRACTORS), 3) == close(expected)


@pytest.mark.parametrize(
    ("weights", "kappa", "ac2"), [("linear", 0.842902028, 0.900022722), ("quadratic", 0.892156863, 0.940236879)]
)
def test_weighted_values_of_abstractors(weights, kappa, ac2):
    scale = Scale.of("ordinal", list("012"), weights=weights)
    pair = pair_agreement(confusion_pairs(ABSTRACTORS), "ordinal", scale)
    assert pair[f"weighted_kappa_{weights}"].value == close(kappa)
    assert agreement(confusion_items(ABSTRACTORS), "ordinal", 3, scale)["ac2"].value == close(ac2)


def test_errors_of_abstractors_divide_by_n_minus_1_where_tables_divide_by_n():
    """For a table of two raters irrCAC divides the variance by n, for raw data of any number by n - 1; so do we."""
    error = errors(confusion_items(ABSTRACTORS), 3)
    by_table = math.sqrt(99 / 100)
    assert error["fleiss_kappa"] * by_table == close(0.059054733)
    assert error["ac1"] * by_table == pytest.approx(0.04321747, rel=0, abs=1e-8)
    assert error["brennan_prediger"] * by_table == close(0.046933464)


def test_kappa_of_the_sas_manual():
    """The same estimate and error; SAS' limits take the normal quantile where ours take Student's t."""
    pairs = confusion_pairs(((0, 4, 1), (0, 8, 0), (0, 1, 5)))
    estimate = cohen_kappa(pairs)
    assert (estimate.value, estimate.error) == (close(0.484162896), close(0.138013578))
    assert estimate.value - 1.959963984540054 * estimate.error == close(0.213661253)
    assert estimate.value + 1.959963984540054 * estimate.error == close(0.754664538)
    assert pair_agreement(pairs)["cohen_kappa"].low < 0.213661253
    scale = Scale.of("ordinal", list("012"))
    linear = weighted_kappa(pairs, scale, LINEAR)
    assert (linear.value, linear.error, linear.degrees) == (close(0.470119522), close(0.145746045), 18)
    assert weighted_kappa(pairs, scale, QUADRATIC).value == close(0.450160772)


def test_different_numbers_of_labels():
    expected = {
        "percent": 0.52,
        "percent_pairs": 20 / 36,
        "alpha": 0.279411765,
        "alpha_nominal": 0.279411765,
        "scott_pi": 0.247168167,
        "fleiss_kappa": 0.247168167,
        "ac1": 0.295364959,
        "brennan_prediger": 0.28,
    }
    assert values(tally_counts(VARIABLE), 3) == close(expected)
    interval = agreement(tally_counts(VARIABLE), "interval", 3, Scale.of("interval", list("012")))
    assert interval["alpha"].value == close(0.363636364)


def test_a_window_is_what_is_left_when_the_items_before_it_are_retracted():
    state = PatternCounts(tally_counts(FLEISS))
    state.merge(PatternCounts(tally_counts("|".join(FLEISS.split("|")[:5]))), -1)
    of = values(state.counts, 5)
    assert of["fleiss_kappa"] == close(0.085577934)
    assert of["ac1"] == close(0.119153827)
    assert of["alpha"] == close(0.098641107)


@pytest.mark.parametrize("counts", [{"a\x1fa": 3}, {"a\x1fa": 1, "a\x1fa\x1fa": 1, "a": 2}])
def test_one_label_only_has_no_alpha_and_no_kappa(counts):
    of = agreement(counts, "nominal", 2)
    for name in ("alpha", "fleiss_kappa"):
        assert (of[name].value, of[name].low, of[name].high, of[name].why) == (None, None, None, "no variation")
    assert of["percent"].value == of["ac1"].value == of["brennan_prediger"].value == 1.0
    in_order = agreement(counts, "ratio", 2, Scale.of("ordinal", ["a", "b"]))
    assert {name for name, reading in in_order.items() if reading.why == "no variation"} == {
        "alpha_nominal", "alpha_ordinal", "alpha_interval", "scott_pi", "fleiss_kappa",
    }  # fmt: skip
    assert in_order["ac2"].value == in_order["brennan_prediger"].value == in_order["percent_pairs"].value == 1.0


@pytest.mark.parametrize("counts", [{}, {"a": 1}, {"a": 2, "b": 3}])
def test_no_pairable_item(counts):
    for label_type in ("nominal", "ordinal", "ratio"):
        for name, reading in agreement(counts, label_type, 2, None).items():
            coefficient = COEFFICIENTS.get(name) or PANEL_COEFFICIENTS.get(name)
            label_types = {"ordinal"} if coefficient is None else coefficient.label_types
            why = "no pairable item" if label_type in label_types else NOT_AVAILABLE
            assert reading == (None, None, None, 0, why)


def test_one_item_of_two_labels():
    of = agreement({"1\x1f2": 1}, "nominal", 2)
    assert of["alpha"] == (0.0, None, None, 1, "")
    assert of["fleiss_kappa"] == (-1.0, None, None, 1, "")
    in_order = ordered({"1\x1f2": 1}, 2)
    assert [in_order[f"alpha_{level}"] for level in ("ordinal", "interval", "ratio")] == close([0.0, 0.0, 0.0])


def test_two_items_of_two_labels():
    of = values({"1\x1f2": 2}, 2)
    assert (of["alpha"], of["fleiss_kappa"]) == (close(-0.5), close(-1))
    in_order = ordered({"1\x1f2": 2}, 2)
    assert [in_order[f"alpha_{level}"] for level in ("ordinal", "interval", "ratio")] == close([-0.5, -0.5, -0.5])
