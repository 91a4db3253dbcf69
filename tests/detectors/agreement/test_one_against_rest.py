import random

import pytest

from detectors.agreement import (
    against_others,
    agreement,
    each_against_rest,
    item_pattern,
    one_against_rest,
)


@pytest.mark.parametrize("kind", ["items", "against others"])
def test_collapsing_patterns_is_collapsing_labels(kind):
    rng = random.Random(7)
    for _ in range(100):
        counts, collapsed = {}, {label: {} for label in "abcd"}
        for _ in range(rng.randint(1, 25)):
            labels = rng.choices("abcd", k=rng.randint(1, 5))
            for label in "abcd":
                words = ["1" if word == label else "0" for word in labels]
                pattern = item_pattern(words) if kind == "items" else against_others(words[0], words[1:])
                collapsed[label][pattern] = collapsed[label].get(pattern, 0) + 1
            pattern = item_pattern(labels) if kind == "items" else against_others(labels[0], labels[1:])
            counts[pattern] = counts.get(pattern, 0) + 1
        assert {label: one_against_rest(counts, label) for label in "abcd"} == collapsed
        seen = {label for pattern in counts for label in "abcd" if label in pattern}
        assert each_against_rest(counts) == {label: collapsed[label] for label in seen}


def test_a_label_that_is_never_used_has_no_variation():
    of = agreement(one_against_rest({"a\x1fa": 3, "a\x1fb": 1}, "z"), "nominal", 2)
    assert of["alpha"].why == "no variation"
    assert of["percent"].value == 1.0


def test_with_two_labels_each_against_the_rest_is_the_whole():
    counts = {"a\x1fa": 3, "a\x1fb": 1, "b\x1fb\x1fb": 2, "a": 1}
    whole = agreement(counts, "nominal", 2)
    for collapsed in each_against_rest(counts).values():
        assert agreement(collapsed, "nominal", 2) == whole
