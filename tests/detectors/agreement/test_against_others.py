"""An annotator against the others of the same items: figures worked out by hand."""

import random

import pytest

from detectors.agreement import Scale, against_others, agreement, item_pattern
from detectors.reasons import NOT_AVAILABLE


def close(x):
    return pytest.approx(x, rel=0, abs=1e-12)


def test_an_annotator_against_three_two_and_no_others():
    """Agreement 2/3, 0 and 1; shares of label a: (1 + 2/3)/2 = 5/6, (0 + 1)/2 = 1/2, 0; the last item has b only.

    Percent: (2/3 + 0 + 1)/3 = 5/9, of the 3 + 2 + 1 pairs 2 + 0 + 1. With the item that nobody else labelled (a): shares of a are
    (5/6 + 1/2 + 0 + 1)/4 = 7/12, chance 2 (7/12)(5/12) = 35/72 disagreement, so Fleiss' kappa is 1 - (4/9)/(35/72) =
    3/35. Brennan-Prediger: (5/9 - 1/2)/(1/2) = 1/9. AC1: chance 2 (7/12)(5/12)/1 agreement, 1 - (4/9)/(37/72) = 5/37.
    Alpha leaves that item out: 6 labels, a 8/3 of them; 1 - (5 * 2 * 4/3)/(36 - 64/9 - 100/9) = 1 - (40/3)/(160/9) = 1/4.
    """
    counts = {
        against_others("a", ["a", "b", "a"]): 1,
        against_others("b", ["a", "a"]): 1,
        against_others("b", ["b"]): 1,
        against_others("a", []): 1,
    }
    of = agreement(counts, "nominal", 2)
    assert {reading.n for reading in of.values()} == {3}
    assert of["percent"].value == close(5 / 9)
    assert of["percent_pairs"].value == close(3 / 6)
    assert of["fleiss_kappa"].value == close(3 / 35)
    assert of["brennan_prediger"].value == close(1 / 9)
    assert of["ac1"].value == close(5 / 37)
    assert of["alpha"].value == close(1 / 4)


def test_with_one_other_all_coefficients_and_intervals_are_those_of_the_pair():
    rng = random.Random(5)
    for _ in range(100):
        against, items = {}, {}
        for _ in range(rng.randint(1, 30)):
            own, other = rng.choice("abc"), rng.choice("abc")
            alone = rng.random() < 0.2
            pattern = against_others(own, [] if alone else [other])
            against[pattern] = against.get(pattern, 0) + 1
            pattern = item_pattern([own] if alone else [own, other])
            items[pattern] = items.get(pattern, 0) + 1
        for label_type in ("nominal", "ordinal"):
            scale = Scale.of(label_type, "abc")
            of, expected = (agreement(counts, label_type, 3, scale) for counts in (against, items))
            for name, (*figures, why) in expected.items():
                assert of[name].why == why
                assert [x for x in of[name][:-1] if x is not None] == close([x for x in figures if x is not None])


def test_alone_on_every_item_there_is_nobody_to_agree_with():
    of = agreement({against_others("a", []): 3, against_others("b", []): 1}, "nominal", 2)
    assert {reading.why for reading in of.values()} == {"no pairable item", NOT_AVAILABLE}


def test_an_empty_label_is_a_label_too():
    """An empty set of names has an empty key."""
    of = agreement({against_others("a", [""]): 1, against_others("", [""]): 1, against_others("", []): 1}, "nominal", 2)
    assert of["percent"].value == 0.5
    assert agreement({item_pattern(["", ""]): 1, item_pattern(["", "a"]): 1}, "nominal", 2)["percent"].value == 0.5


def test_one_dissenter_among_many():
    """Each of ten items: own label b, four others say a. Agreement 0; shares a 1/2, b 1/2; alpha as for (a, b) tens."""
    of = agreement({against_others("b", "aaaa"): 10}, "nominal", 2)
    assert of["percent"].value == 0
    assert of["fleiss_kappa"].value == close(-1)
    assert of["alpha"].value == close(1 - 19 * 20 / (400 - 200))
