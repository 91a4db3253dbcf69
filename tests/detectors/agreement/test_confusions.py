"""Pairs of annotators that are read together have the readings that each has by itself."""

import random

import pytest

from detectors.agreement import Scale, pair_agreement, pair_agreement_of_cells, pair_pattern
from detectors.agreement.confusions import Cells

LABELS = [
    list(map(str, labels))
    for labels in ("ab", "abcde", "123", ["0.5", "1", "10", "-3"], ["0.000000000001", "1000000000"], range(100))
]


@pytest.mark.parametrize("label_type", ["nominal", "ordinal", "interval", "ratio", "multilabel"])
def test_readings_of_many_pairs_equal_those_of_each_to_the_last_digit(label_type):
    rng = random.Random(label_type)
    defined = 0
    for labels in LABELS:
        for _ in range(20):
            declared = labels if rng.random() < 0.8 else labels[:-1]
            scale = None if label_type == "nominal" else Scale.of(label_type, declared)
            counts = []
            for _ in range(rng.randint(0, 12)):
                some = rng.sample(labels, min(len(labels), rng.randint(1, 6)))
                cells = [pair_pattern(*rng.choices(some, k=2)) for _ in range(rng.randint(0, 20))]
                counts.append({cell: rng.randint(1, rng.choice([1, 300, 10**8])) for cell in cells})
            found = pair_agreement_of_cells(Cells.of(counts), label_type, scale)
            assert found == [pair_agreement(each, label_type, scale) for each in counts]
            defined += sum(reading.low is not None for each in found for reading in each.values())
    assert (defined > 500) == (label_type != "multilabel")


def test_a_pair_from_which_more_was_retracted_than_added_is_refused_among_others():
    with pytest.raises(ValueError, match="found -1 for pair"):
        pair_agreement_of_cells(Cells.of([{"a\x1fb": 2, "a\x1fa": 3}, {"a\x1fb": 5, "b\x1fb": -1}]))
