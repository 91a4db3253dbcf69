"""The labels of one group against those of another: from the definition, pair by pair, in fractions."""

import math
import random
from collections import Counter
from fractions import Fraction

import pytest

from detectors.agreement import Scale, Table, against_others, agreement, between_groups, item_pattern
from detectors.agreement.patterns import members, set_key
from tests.detectors.agreement.test_sets import jaccard, masi

NUMBERS = ("0", "1", "2.5", "4", "7")
SETS = tuple(map(set_key, ["", "a", "ab", "abc", "bd", "e"]))


def close(x):
    return pytest.approx(x, rel=0, abs=1e-12)


def random_items(rng, labels=NUMBERS, most=4):
    """Items of two groups that agree better than by chance."""
    found = []
    for _ in range(rng.randint(2, 25)):
        true = rng.choice(labels)
        sizes = rng.randint(1, most), rng.randint(1, most)
        found.append([[true if rng.random() < 0.5 else rng.choice(labels) for _ in range(size)] for size in sizes])
    return found


def counts_of(items):
    return dict(Counter(between_groups(*item) for item in items))


def crossing(one, other):
    return [(x, y) for x in one for y in other]


def nominal(x, y):
    return Fraction(x != y)


def interval(x, y):
    return (Fraction(x) - Fraction(y)) ** 2


def ratio(x, y):
    a, b = Fraction(x), Fraction(y)
    return ((a - b) / (a + b)) ** 2 if a + b else Fraction(0)


def ordinal(shares):
    """Krippendorff's metric between labels used in these shares."""
    below = {x: sum((shares[y] for y in NUMBERS if float(y) < float(x)), Fraction(0)) for x in NUMBERS}
    return lambda x, y: (below[x] + shares[x] / 2 - below[y] - shares[y] / 2) ** 2


def shares_of(items):
    """How often each label is given: of an item the mean of the two groups' shares, of all items the mean."""
    shares = Counter()
    for groups in items:
        for group in groups:
            for label in group:
                shares[label] += Fraction(1, 2 * len(group) * len(items))
    return shares


def observed(items, distance):
    """The mean over items of the mean distance of a label of one group to one of the other."""
    by_item = [[distance(x, y) for x, y in crossing(*groups)] for groups in items]
    return sum((sum(found) / len(found) for found in by_item), Fraction(0)) / len(items)


def alpha(items, distance):
    """Each item counts as two labels, so there are 2 n; None where all labels are equal."""
    shares, labels = shares_of(items), 2 * len(items)
    expected = sum(shares[x] * shares[y] * distance(x, y) for x in shares for y in shares)
    return 1 - Fraction(labels - 1, labels) * observed(items, distance) / expected if expected else None


def test_two_against_three_worked_out_by_hand():
    """Of the six pairs (a, b; a, a, b) three are equal; the other item's one pair is not. Percent (1/2 + 0)/2 = 1/4.

    Shares of a: (1/2 + 2/3)/2 = 7/12 and (1 + 0)/2 = 1/2, in all 13/24; chance of disagreeing 2 (13/24)(11/24) = 143/288.
    Fleiss' kappa is 1 - (3/4)/(143/288) = -73/143, alpha 1 - (3/4)(3/4)/(143/288) = -19/143, Brennan-Prediger -1/2. By
    pairs 3 of 7 agree.
    """
    of = agreement({between_groups("ba", "aba"): 1, between_groups("a", "b"): 1}, "nominal", 2)
    assert of["percent"].value == close(1 / 4)
    assert of["percent_pairs"].value == close(3 / 7)
    assert of["fleiss_kappa"].value == close(-73 / 143)
    assert of["alpha"].value == close(-19 / 143)
    assert of["brennan_prediger"].value == close(-1 / 2)
    assert {reading.n for reading in of.values()} == {2}


def test_alpha_and_percent_are_those_of_the_definition():
    rng, compared = random.Random(3), Counter()
    for _ in range(60):
        items = random_items(rng)
        scale = Scale.of("ordinal", NUMBERS)
        of = agreement(counts_of(items), "ordinal", len(NUMBERS), scale)
        pairs = [pair for item in items for pair in crossing(*item)]
        assert of["percent"].value == close(float(1 - observed(items, nominal)))
        assert of["percent_pairs"].value == close(sum(x == y for x, y in pairs) / len(pairs))
        metrics = {"nominal": nominal, "interval": interval, "ratio": ratio, "ordinal": ordinal(shares_of(items))}
        for name, distance in metrics.items():
            expected, found = alpha(items, distance), of[f"alpha_{name}"]
            assert found.n == len(items)
            assert (found.value is None) == (expected is None)
            if expected is not None:
                assert found.value == close(float(expected))
                compared[name] += 1
    assert min(compared.values()) >= 58
    assert compared.keys() == {"nominal", "interval", "ratio", "ordinal"}


def test_sets_are_compared_by_their_members():
    rng, compared = random.Random(4), 0
    for _ in range(40):
        items = random_items(rng, SETS)
        of = agreement(counts_of(items), "multilabel", 5)
        for name, metric in {"alpha": masi, "alpha_jaccard": jaccard}.items():
            expected = alpha(items, lambda x, y, metric=metric: metric(frozenset(members(x)), frozenset(members(y))))
            assert of[name].value == (None if expected is None else close(float(expected)))
            compared += expected is not None
    assert compared >= 76


@pytest.mark.parametrize("weights", ["quadratic", "linear", "ordinal"])
def test_every_figure_is_that_of_one_label_of_each_group_drawn(weights):
    """As if an item with j and k labels were j k items with two labels each, of which each counts for 1/(j k).

    Alpha alone has another number of labels: there its correction for small samples is taken away.
    """
    rng, compared = random.Random(5), Counter()
    for _ in range(30):
        items = random_items(rng)
        drawn = Counter()
        whole = math.lcm(*(len(one) * len(other) for one, other in items))
        for one, other in items:
            for pair in crossing(one, other):
                drawn[item_pattern(pair)] += whole // (len(one) * len(other))
        for label_type in ("nominal", "ordinal", "interval"):
            scale = Scale.of(label_type, NUMBERS, weights=weights) if label_type != "nominal" else None
            of, expected = (agreement(each, label_type, 5, scale) for each in (counts_of(items), drawn))
            for name, (value, *_, n, why) in expected.items():
                assert of[name].why == why
                if value is not None and name != "percent_pairs":
                    disagreement, ours = 1 - value, 1 - of[name].value
                    if name.startswith("alpha"):
                        disagreement /= 1 - 1 / (2 * n)
                        ours /= 1 - 1 / (2 * len(items))
                    assert ours == close(disagreement)
                    compared[name] += 1
    assert compared.keys() > {"percent", "alpha_ordinal", "fleiss_kappa", "ac1", "ac2", "brennan_prediger"}
    assert min(compared.values()) >= 28


def test_one_against_a_group_is_an_annotator_against_others():
    """The same text, and so the same figures; from either side."""
    rng = random.Random(6)
    for _ in range(50):
        own, *others = rng.choices(NUMBERS, k=rng.randint(2, 6))
        assert between_groups([own], others) == against_others(own, others)
    for _ in range(30):
        against = [item for item in random_items(rng) if len(item[0]) == 1] or [[["1"], ["0", "1"]]]
        scale = Scale.of("ordinal", NUMBERS)
        one, other = (
            agreement(counts_of(each), "ordinal", 5, scale) for each in (against, [item[::-1] for item in against])
        )
        equal_figures(one, other)


@pytest.mark.parametrize("labels", [NUMBERS, SETS])
def test_which_group_is_first_changes_nothing(labels):
    rng, label_types = random.Random(7), ("nominal", "ordinal") if labels is NUMBERS else ("multilabel",)
    for _ in range(40):
        items = random_items(rng, labels)
        some = [item[::-1] if rng.random() < 0.5 else item for item in items]
        for label_type in label_types:
            scale = Scale.of("ordinal", NUMBERS) if label_type == "ordinal" else None
            of, swapped = (agreement(counts_of(each), label_type, 5, scale) for each in (items, some))
            equal_figures(of, swapped)


def equal_figures(of, expected):
    for name, (*figures, n, why) in expected.items():
        *found, ours, reason = of[name]
        assert (ours, reason) == (n, why)
        assert [x for x in found if x is not None] == close([x for x in figures if x is not None])


def test_groups_and_annotators_can_stand_in_one_table():
    """A table reads each row by itself, in the order of patterns: here all three kinds, and groups of the same product."""
    counts = {
        "a\x1ea\x1fa\x1fb\x1fb": 2,
        "a\x1fa\x1fb": 2,
        "a\x1fa\x1fb\x1fb\x1eb": 1,
        "a\x1fb": 4,
        "a\x1fb\x1ea\x1fb": 3,
        "b": 5,
    }
    table = Table.of(counts)
    assert table.size.tolist() == [2, 3, 2, 2, 2, 1]
    assert table.pairs.tolist() == [4, 6, 4, 2, 4, 1]
    assert table.disagreement.tolist() == pytest.approx([1 / 2, 2 / 3, 1 / 2, 1, 1 / 2, 0])
    shares = table.by_row((table.label[0] == range(len(table.names))).astype(float))
    assert shares.tolist() == pytest.approx([3 / 4, 2 / 3, 1 / 4, 1 / 2, 1 / 2, 0])


def test_a_thousand_labels_against_a_thousand():
    """Everybody says another word: no pair is equal, and nothing is a million pairs large."""
    one, other = ([f"{side}{n:04}" for n in range(1000)] for side in "xy")
    of = agreement({between_groups(one, other): 1, between_groups(one, one): 1}, "nominal", 2000)
    assert of["percent"].value == close(1 / 2000)
    assert of["percent_pairs"].value == close(1 / 2000)
