import random

import pytest

from detectors.agreement import (
    against_others,
    agreement,
    between_groups,
    each_against_rest,
    item_pattern,
    one_against_rest,
)
from detectors.agreement.patterns import members, set_key

MAKE = {
    "items": item_pattern,
    "against others": lambda labels: against_others(labels[0], labels[1:]),
    "between groups": lambda labels: (
        between_groups(labels[: len(labels) // 2], labels[len(labels) // 2 :])
        if len(labels) > 1
        else item_pattern(labels)
    ),
}


@pytest.mark.parametrize("kind", MAKE)
def test_collapsing_patterns_is_collapsing_labels(kind):
    rng = random.Random(7)
    for _ in range(100):
        counts, collapsed = {}, {label: {} for label in "abcd"}
        for _ in range(rng.randint(1, 25)):
            labels = rng.choices("abcd", k=rng.randint(1, 5))
            for label in "abcd":
                words = ["1" if word == label else "0" for word in labels]
                pattern = MAKE[kind](words)
                collapsed[label][pattern] = collapsed[label].get(pattern, 0) + 1
            pattern = MAKE[kind](labels)
            counts[pattern] = counts.get(pattern, 0) + 1
        assert {label: one_against_rest(counts, label) for label in "abcd"} == collapsed
        seen = {label for pattern in counts for label in "abcd" if label in pattern}
        assert each_against_rest(counts) == {label: collapsed[label] for label in seen}


@pytest.mark.parametrize("kind", MAKE)
def test_a_set_is_of_each_class_that_it_names(kind):
    rng = random.Random(8)
    for _ in range(60):
        counts, collapsed = {}, {name: {} for name in "abc"}
        for _ in range(rng.randint(1, 25)):
            sets = [[name for name in "abc" if rng.random() < 0.4] for _ in range(rng.randint(1, 5))]
            keys = [set_key(names) for names in sets]
            for name in "abc":
                words = ["1" if name in names else "0" for names in sets]
                pattern = MAKE[kind](words)
                collapsed[name][pattern] = collapsed[name].get(pattern, 0) + 1
            pattern = MAKE[kind](keys)
            counts[pattern] = counts.get(pattern, 0) + 1
        assert {name: one_against_rest(counts, name, members) for name in "abc"} == collapsed
        seen = {name for pattern in counts for name in "abc" if name in pattern}
        assert each_against_rest(counts, members) == {name: collapsed[name] for name in seen}


def test_empty_sets_are_of_no_class_and_take_part():
    counts = {"\x1f": 5, "": 2, "a": 1, "\x1fa\x1db": 3}
    assert each_against_rest(counts, members) == {
        "a": {"0\x1f0": 5, "0": 2, "1": 1, "0\x1f1": 3},
        "b": {"0\x1f0": 5, "0": 3, "0\x1f1": 3},
    }


def test_a_label_that_is_never_used_has_no_variation():
    of = agreement(one_against_rest({"a\x1fa": 3, "a\x1fb": 1}, "z"), "nominal", 2)
    assert of["alpha"].why == "no variation"
    assert of["percent"].value == 1.0


def test_with_two_labels_each_against_the_rest_is_the_whole():
    counts = {"a\x1fa": 3, "a\x1fb": 1, "b\x1fb\x1fb": 2, "a": 1}
    whole = agreement(counts, "nominal", 2)
    for collapsed in each_against_rest(counts).values():
        assert agreement(collapsed, "nominal", 2) == whole
