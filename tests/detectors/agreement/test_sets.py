"""Distances of sets, against a recomputation that shares nothing with them: fractions, pair by pair."""

import random
import tracemalloc
from collections import Counter
from fractions import Fraction
from itertools import combinations

import pytest

import detectors.agreement.sets
from detectors.agreement import Table, against_others, agreement, item_pattern
from detectors.agreement.patterns import set_key
from detectors.reasons import NO_VARIATION, TOO_MUCH


def jaccard(a, b):
    """The share of the members of either that not both have."""
    return Fraction(len(a ^ b), len(a | b)) if a | b else Fraction(0)


def masi(a, b):
    """One less the share of common members, which counts less where the sets contradict each other."""
    if a == b:
        return Fraction(0)
    forgiven = Fraction(2, 3) if a <= b or b <= a else Fraction(1, 3)
    return 1 - (1 - jaccard(a, b)) * forgiven


METRICS = {"alpha": masi, "alpha_jaccard": jaccard}


def alpha(rows, metric):
    """Krippendorff's alpha of rows of sets from its definition; None where it is 0/0 or nothing is pairable."""
    pairable = [row for row in rows if len(row) > 1]
    used = Counter(label for row in pairable for label in row)
    n = used.total()
    expected = sum(2 * used[a] * used[b] * metric(a, b) for a, b in combinations(used, 2))
    if not expected:
        return None
    observed = sum(Fraction(2, len(row) - 1) * sum(metric(a, b) for a, b in combinations(row, 2)) for row in pairable)
    return 1 - (n - 1) * observed / expected


def counts_of(rows):
    return dict(Counter(item_pattern(set_key(label) for label in row) for row in rows))


def random_rows(rng, names, items, most=5, often=0.4):
    true = [frozenset(name for name in names if rng.random() < often) for _ in range(items)]
    return [
        [
            label ^ frozenset(rng.sample(names, 1)) if rng.random() < 0.4 else label
            for _ in range(rng.randint(1, most))
        ]
        for label in true
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "by_masi", "by_jaccard"),
    [
        ("", "", 0, 0),
        ("", "a", 1, 1),
        ("a", "a", 0, 0),
        ("a", "b", 1, 1),
        ("a", "ab", Fraction(2, 3), Fraction(1, 2)),
        ("abcd", "a", Fraction(5, 6), Fraction(3, 4)),
        ("ab", "bc", Fraction(8, 9), Fraction(2, 3)),
        ("abc", "abcd", Fraction(1, 2), Fraction(1, 4)),
        ("abc", "bcd", Fraction(5, 6), Fraction(1, 2)),
    ],
)
def test_how_far_two_sets_are_apart(one, other, by_masi, by_jaccard):
    assert (masi(set(one), set(other)), jaccard(set(one), set(other))) == (by_masi, by_jaccard)
    # Beside it two items whose sets, {y} and {z}, are 1 apart from all others and from each other.
    rows = [[frozenset(one), frozenset(other)], [frozenset("y")] * 2, [frozenset("z")] * 2]
    table = Table.of(counts_of(rows))
    first = table.row[table.label == table.names.index(set_key(one))][0]
    for distances, expected in ((table.sets.masi, by_masi), (table.sets.jaccard, by_jaccard)):
        assert distances.within[first] == pytest.approx(float(expected), abs=1e-15)
        assert sorted(distances.within)[:2] == [0.0, 0.0]
        assert distances.expected[table.names.index("y")] == pytest.approx(2 / 3, abs=1e-15)
        mine = distances.expected[table.names.index(set_key(one))]
        assert mine == pytest.approx(float(2 / 3 + expected / 6), abs=1e-15)


def test_alpha_equals_its_definition_on_random_tables_with_missing_labels():
    rng, compared = random.Random(21), Counter()
    for _ in range(120):
        rows = random_rows(rng, "abcde"[: rng.randint(1, 5)], rng.randint(1, 12))
        of = agreement(counts_of(rows), "multilabel", 5)
        for name, metric in METRICS.items():
            expected = alpha(rows, metric)
            if expected is None:
                assert of[name].value is None
                compared["undefined"] += 1
            else:
                assert of[name].value == pytest.approx(float(expected), rel=0, abs=1e-12)
                compared[name] += 1
    assert compared == {"alpha": 113, "alpha_jaccard": 113, "undefined": 14}


def test_names_of_more_than_a_word_are_counted_too():
    """Hundreds of names: most sets have none of the rarer ones."""
    rng, compared = random.Random(22), 0
    names = [f"name {number:03}" for number in range(300)]
    for often in (0.002, 0.02, 0.3):
        rows = random_rows(rng, names, 25, most=3, often=often)
        rows += [[frozenset(names), frozenset(names[:70])], [frozenset(), frozenset(names[250:])]]
        of = agreement(counts_of(rows), "multilabel", 300)
        for name, metric in METRICS.items():
            assert of[name].value == pytest.approx(float(alpha(rows, metric)), rel=0, abs=1e-12)
            compared += 1
    assert compared == 6


def test_one_annotator_against_the_others_is_the_mean_over_them():
    """An item weighs as two labels, the own one and the mean of the others'."""
    rng, compared = random.Random(23), 0
    for _ in range(40):
        rows = random_rows(rng, "abcd", rng.randint(3, 12))
        counts = dict(Counter(against_others(set_key(own), [set_key(x) for x in rest]) for own, *rest in rows))
        of = agreement(counts, "multilabel", 4)
        pairable = [row for row in rows if len(row) > 1]
        used = Counter()
        for own, *others in pairable:
            used[own] += Fraction(1)
            for label in others:
                used[label] += Fraction(1, len(others))
        n = 2 * len(pairable)
        for name, metric in METRICS.items():
            within = sum(Fraction(2, len(row) - 1) * sum(metric(row[0], x) for x in row[1:]) for row in pairable)
            expected = sum(2 * used[a] * used[b] * metric(a, b) for a, b in combinations(used, 2))
            if expected:
                assert of[name].value == pytest.approx(float(1 - (n - 1) * within / expected), rel=0, abs=1e-12)
                compared += 1
            else:
                assert of[name].value is None
    assert compared == 80


def test_equal_counters_read_equal_to_the_last_bit_in_whatever_order_they_were_filled():
    rng = random.Random(24)
    for _ in range(20):
        counts = counts_of(random_rows(rng, "abcdefg", 60))
        entries = list(counts.items())
        rng.shuffle(entries)
        assert agreement(dict(entries), "multilabel", 7) == agreement(counts, "multilabel", 7)


def test_blocks_are_a_matter_of_memory_alone(monkeypatch):
    counts = counts_of(random_rows(random.Random(25), "abcdefgh", 150))
    whole = agreement(counts, "multilabel", 8)
    for block in (1, 10, 1000):
        monkeypatch.setattr(detectors.agreement.sets, "BLOCK", block)
        assert agreement(counts, "multilabel", 8) == whole


def test_memory_is_not_that_of_all_pairs():
    rng = random.Random(26)
    rows = [[frozenset(rng.sample("abcdefghijklmnopqrst", 6)) for _ in range(2)] for _ in range(1500)]
    table = Table.of(counts_of(rows))
    assert table.categories > 2800
    tracemalloc.start()
    sets = table.sets
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sets is not None
    assert peak < 16e6, "a matrix of their distances would have 60 MB"


def test_more_sets_than_can_be_compared_have_no_alpha(monkeypatch):
    counts = {"a\x1fa": 3, "a\x1fa\x1db": 2, "c": 1, "d": 1}
    monkeypatch.setattr(detectors.agreement.sets, "MOST_SETS", 2)
    assert agreement(counts, "multilabel", 4)["alpha"].value is not None, (
        "labels that none could agree with are no matter"
    )
    of = agreement({**counts, "b\x1fb": 1}, "multilabel", 4)
    assert of["alpha"] == of["alpha_jaccard"] == (None, None, None, 6, TOO_MUCH)
    assert of["percent"].value == of["percent_pairs"].value == 4 / 6, "equal or not is told of any number of sets"


def test_one_set_only_has_no_variation():
    for counts in ({"a\x1db\x1fa\x1db": 4}, {"\x1f": 4}, {"\x1f": 4, "a": 1}):
        of = agreement(counts, "multilabel", 2)
        assert of["alpha"] == of["alpha_jaccard"] == (None, None, None, 4, NO_VARIATION)


def test_of_sets_of_one_name_alpha_is_nominal():
    """Two sets of one name are equal or have nothing in common."""
    counts = {"a\x1fa": 5, "a\x1fb": 3, "a\x1fb\x1fb": 2, "b\x1fc": 4, "a": 2}
    of, nominal = agreement(counts, "multilabel", 3), agreement(counts, "nominal", 3)["alpha"]
    for name in METRICS:
        assert list(of[name][:4]) == pytest.approx(list(nominal[:4]), rel=0, abs=1e-12)


def test_where_one_set_is_nearly_always_given_no_digits_are_lost():
    """A million items of one set, and one of another."""
    counts = {"a\x1db\x1fa\x1db": 10**6, "a\x1fa\x1db": 1}
    n, used = 2 * (10**6 + 1), Counter({"ab": 2 * 10**6 + 1, "a": 1})
    for name, metric in METRICS.items():
        apart = metric({"a"}, {"a", "b"})
        expected = 1 - (n - 1) * 2 * apart / (2 * used["ab"] * used["a"] * apart)
        found = agreement(counts, "multilabel", 2)[name].value
        assert found == pytest.approx(float(expected), rel=1e-12)
