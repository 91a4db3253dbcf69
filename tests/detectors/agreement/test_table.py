import random
import tracemalloc
from fractions import Fraction

import pytest

from detectors.agreement import Table, against_others, agreement, between_groups, item_pattern


def random_counts(rng, patterns):
    counts = {}
    for _ in range(patterns):
        labels = rng.choices("abcdefg", k=rng.randint(1, 6))
        counts[item_pattern(labels)] = rng.randint(1, 1000)
    return counts


def random_counts_against_others(rng, patterns):
    counts = {}
    for _ in range(patterns):
        own, *others = rng.choices("abcdefg", k=rng.randint(1, 6))
        counts[against_others(own, others)] = rng.randint(1, 1000)
    return counts


def random_counts_between_groups(rng, patterns):
    counts = {}
    for _ in range(patterns):
        one, other = (rng.choices("abcdefg", k=rng.randint(1, 4)) for _ in range(2))
        counts[between_groups(one, other)] = rng.randint(1, 1000)
    return counts


@pytest.mark.parametrize("make", [random_counts, random_counts_against_others, random_counts_between_groups])
def test_equal_counters_read_equal_to_the_last_bit_in_whatever_order_they_were_filled(make):
    rng = random.Random(3)
    for _ in range(50):
        counts = make(rng, 40)
        entries = list(counts.items())
        rng.shuffle(entries)
        assert agreement(dict(entries), "nominal", 7) == agreement(counts, "nominal", 7)


def test_labels_are_counted_as_text_of_any_script():
    plain = agreement({"a\x1fa": 4, "a\x1fb": 2, "b\x1fb\x1fc": 1}, "nominal", 3)
    odd = agreement({"é 🦊\x1fé 🦊": 4, "é 🦊\x1f犬": 2, "犬\x1f犬\x1fﬁ~\x1d ": 1}, "nominal", 3)
    assert odd == plain


def test_one_disagreement_in_a_billion_items_is_not_rounded_away():
    """Both sums of squares are within 1e-8 of one; what matters is their small distance from it."""
    n = 10**9
    of = agreement({"a\x1fa": n - 1, "a\x1fb": 1}, "nominal", 2)
    rare = Fraction(1, 2 * n)
    kappa = 1 - Fraction(1, n) / (2 * rare * (1 - rare))
    assert of["fleiss_kappa"].value == pytest.approx(float(kappa), rel=1e-6)
    assert of["fleiss_kappa"].value == pytest.approx(-5e-10, rel=1e-6)


def test_memory_follows_the_labels_written_not_patterns_times_labels():
    labels = [f"label {n}" for n in range(4000)]
    counts = {item_pattern([labels[n % 4000], labels[n * 7 % 4000]]): 1 for n in range(8000)}
    tracemalloc.start()
    Table.of(counts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(counts) * len(labels) * 8 > 10**8
    assert peak < 10**7
