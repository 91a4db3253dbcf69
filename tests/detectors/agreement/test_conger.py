"""Conger's kappa from counters against its definition over items, published values, and Cohen's kappa of two."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest

from detectors.agreement import Scale, Table, Who, against_others, agreement, item_pattern, pair_pattern
from detectors.agreement.coefficient import Estimate
from detectors.agreement.conger_kappa import conger_kappa
from detectors.agreement.panel import Panel
from detectors.agreement.scale import WEIGHTS
from tests.detectors.agreement.published import CANONICAL, annotations


def panel_of(items):
    """What the fold keeps of these items, each {annotator: label}."""
    counts, own, pairs = Counter(), defaultdict(Counter), defaultdict(Counter)
    for labels in items:
        counts[item_pattern(labels.values())] += 1
        for annotator, label in labels.items():
            own[annotator][against_others(label, [given for who, given in labels.items() if who != annotator])] += 1
        for a in labels:
            for b in labels:
                if a < b:
                    pairs[a, b][pair_pattern(labels[a], labels[b])] += 1
    return counts, Who(own, pairs)


def estimate_of(items):
    counts, who = panel_of(items)
    return conger_kappa(Panel.of(counts, Table.of(counts), who))


def by_definition(items):
    """The value in fractions, and irrCAC's standard error item by item."""
    people = sorted({annotator for labels in items for annotator in labels})
    names = sorted({label for labels in items for label in labels.values()})
    r, total, pairable = len(people), len(items), sum(len(labels) > 1 for labels in items)
    given = {g: [labels[g] for labels in items if g in labels] for g in people}
    share = {g: {c: Fraction(given[g].count(c), len(given[g])) for c in names} for g in people}
    chance = sum(share[g][c] * share[h][c] for g in people for h in people if g != h for c in names) / (r * (r - 1))

    def agreeing(labels):
        m = len(labels)
        equal = sum(a == b for a in labels.values() for b in labels.values()) - m
        return Fraction(equal, m * (m - 1)) if m > 1 else Fraction(0)

    observed = sum(map(agreeing, items)) / pairable
    value = (observed - chance) / (1 - chance)

    def expected(labels):
        terms = Fraction(0)
        for g in people:
            for k in names:
                others = sum(share[h][k] for h in people) - share[g][k]
                use = (labels.get(g) == k) - (g in labels) * share[g][k]
                terms += (Fraction(total, len(given[g])) * use + share[g][k]) * others
        return terms / (r * (r - 1))

    squares = 0.0
    for labels in items:
        x = Fraction(total, pairable) * (agreeing(labels) - chance * (len(labels) > 1)) / (1 - chance)
        x -= 2 * (1 - value) * (expected(labels) - chance) / (1 - chance)
        squares += float(x - value) ** 2
    return float(value), math.sqrt(squares / (total * (total - 1)))


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


def test_the_table_of_gwet():
    """Gwet's raw4raters: Krippendorff's table, but the single label of item 12 is the third annotator's."""
    items = annotations(CANONICAL)
    assert estimate_of([*items.values()]).value == pytest.approx(0.76207, abs=5e-6)
    items[12] = {"C": "3"}
    estimate = estimate_of([*items.values()])
    assert (estimate.value, estimate.error) == (close(0.762817441303), close(0.149168152480))


@pytest.mark.parametrize(
    ("weights", "expected"), [("linear", 0.813776320), ("quadratic", 0.857710656), ("ordinal", 0.843659525)]
)
def test_weighted_values_of_the_table_of_gwet(weights, expected):
    """No reading of ours, but made of the same parts: how far labels of an item are apart, and those of each two annotators."""
    items = annotations(CANONICAL) | {12: {"C": "3"}}
    counts, who = panel_of([*items.values()])
    table = Table.of(counts, Scale.of("ordinal", list("12345"), weights=weights))
    labels = np.arange(1.0, 6.0)
    far = WEIGHTS[weights](labels[:, None], labels) / WEIGHTS[weights](1.0, 5.0)
    kappa = of_parts(table, who, table.placed.by_weights(len(table.weight)), far)
    assert kappa == close(expected)
    assert of_parts(table, who, table.disagreement, 1.0 - np.eye(5)) == close(0.762817441303), "as unweighted"


def of_parts(table, who, disagreement, far):
    """One minus observed over expected disagreement; `far` is how far two labels are apart."""
    given = [Counter(pattern[0] for pattern in Counter(own).elements()) for own in who.own.values()]
    shares = np.array([[each[label] / each.total() for label in "12345"] for each in given])
    apart = shares @ far @ shares.T
    expected = (apart.sum() - apart.trace()) / (len(given) * (len(given) - 1))
    return 1.0 - (table.weight * disagreement).sum() / table.pairable / expected


def test_random_tables_with_missing_cells():
    chance, compared = random.Random(3), 0
    for _ in range(150):
        people, names = "abcdefg"[: chance.randint(2, 7)], "xyzw"[: chance.randint(2, 4)]
        missing, skill = chance.choice([0.0, 0.3, 0.6]), chance.choice([0.3, 0.7, 0.95])
        items = []
        for _ in range(chance.randint(3, 30)):
            truth = chance.choice(names)
            labels = {
                who: truth if chance.random() < skill else chance.choice(names)
                for who in people
                if chance.random() >= missing
            }
            if labels:
                items.append(labels)
        if any(len(labels) > 1 for labels in items) and len({x for labels in items for x in labels.values()}) > 1:
            estimate = estimate_of(items)
            value, error = by_definition(items)
            assert (estimate.value, estimate.error) == (close(value), close(error))
            compared += 1
    print(f"{compared} tables compared")
    assert compared > 120


def test_of_two_annotators_it_is_cohens_kappa():
    items = [{"a": x, "b": y} for x, y in ["xx"] * 20 + ["xy"] * 5 + ["yx"] * 10 + ["yy"] * 15]
    assert estimate_of(items).value == close(0.4)


def test_it_does_not_depend_on_the_order_of_the_counters():
    items = [{"a": "x", "b": "y", "c": "x"}, {"a": "y", "b": "y"}, {"b": "x", "c": "z"}, {"c": "z", "a": "z"}] * 3
    counts, who = panel_of(items)
    turned = Who(
        {g: dict(reversed(own.items())) for g, own in reversed(who.own.items())},
        {pair: dict(reversed(cells.items())) for pair, cells in reversed(who.pairs.items())},
    )
    there = agreement(counts, "nominal", 3, None, who)["conger_kappa"]
    back = agreement(dict(reversed(counts.items())), "nominal", 3, None, turned)["conger_kappa"]
    assert there == back
    assert there.value is not None


def test_without_all_confusions_there_is_a_value_and_no_interval():
    """Items with very many labels are in no pair's confusion."""
    counts, who = panel_of([{"a": "x", "b": "y", "c": "x"}, {"a": "y", "b": "y"}, {"b": "x", "c": "z"}])
    whole = agreement(counts, "nominal", 3, None, who)["conger_kappa"]
    cut = agreement(counts, "nominal", 3, None, Who(who.own, {("a", "b"): who.pairs["a", "b"]}))["conger_kappa"]
    assert isinstance(conger_kappa(Panel.of(counts, Table.of(counts), who)), Estimate)
    assert whole.low is not None
    assert (cut.value, cut.low, cut.high, cut.n) == (whole.value, None, None, 3)


def test_items_in_no_confusion_are_given_themselves():
    """The error is that of confusions of all items, and so the definition's; with one item too few there is none."""
    chance, compared = random.Random(8), 0
    for _ in range(40):
        people, names = "abcdefg"[: chance.randint(3, 7)], "xyz"
        items = [
            {who: chance.choice(names) for who in people if chance.random() < 0.8} for _ in range(chance.randint(4, 25))
        ]
        items = [labels for labels in items if labels]
        fewest = len(people) - 1
        crowded = [labels for labels in items if len(labels) >= fewest]
        counts, who = panel_of(items)
        _, without = panel_of([labels for labels in items if len(labels) < fewest])
        held = Who(who.own, without.pairs, crowded)
        found = conger_kappa(Panel.of(counts, Table.of(counts), held))
        if not crowded or not isinstance(found, Estimate):
            continue
        value, error = by_definition(items)
        assert (found.value, found.error) == (close(value), close(error))
        there = agreement(counts, "nominal", 3, None, held)["conger_kappa"]
        back = agreement(counts, "nominal", 3, None, Who(who.own, without.pairs, crowded[::-1]))["conger_kappa"]
        assert there == back
        lacking = agreement(counts, "nominal", 3, None, Who(who.own, without.pairs, crowded[1:]))["conger_kappa"]
        assert (lacking.value, lacking.low) == (there.value, None)
        compared += 1
    assert compared == 40


def test_where_it_is_undefined():
    counts, who = panel_of([{"a": "x", "b": "x"}] * 3)
    assert agreement(counts, "nominal", 2, None, who)["conger_kappa"].why == "no variation"
    counts, who = panel_of([{"a": "x"}, {"b": "y"}])
    assert agreement(counts, "nominal", 2, None, who)["conger_kappa"].why == "no pairable item"
    assert agreement({"x\x1fy": 1}, "nominal", 2)["conger_kappa"].why == "of whole tasks only"
    assert agreement({"x\x1fy": 1}, "multilabel", 2)["conger_kappa"].why == "not available for this label type"


def test_counters_that_do_not_belong_together_are_no_error_of_the_reader():
    """As in a store that others wrote to."""
    counts, who = panel_of([{"a": "x", "b": "y"}, {"a": "y", "b": "y"}, {"a": "x", "b": "x"}])
    strange = Who({**who.own, "a": {"z\x1ex": 3}}, who.pairs)
    assert agreement(counts, "nominal", 2, None, strange)["conger_kappa"].why == "counters do not belong together"
    strange = Who(who.own, {("a", "b"): {"z\x1fz": 3}})
    assert agreement(counts, "nominal", 2, None, strange)["conger_kappa"].why == "counters do not belong together"
    counts, who = panel_of([{"a": "x", "b": "y"}, {"a": "y", "b": "y"}, {"a": "x", "b": "y"}])
    strange = Who(who.own, {("a", "b"): {"x\x1fx": 3}})
    assert agreement(counts, "nominal", 2, None, strange)["conger_kappa"].why == "counters do not belong together"


def of_three(cleo):
    """Two annotators of a hundred items, who agree on ninety, and a third with one label, that which both gave there."""
    pairs = [("a", "a")] * 85 + [("a", "b")] * 5 + [("b", "a")] * 5 + [("b", "b")] * 5
    items = [{"ann": ann, "bob": bob} for ann, bob in pairs]
    items[pairs.index((cleo, cleo))]["cleo"] = cleo
    return items


@pytest.mark.parametrize(("cleo", "value"), [("a", 0.211), ("b", 0.848)])
def test_an_annotator_of_one_label_weighs_as_much_as_one_of_a_hundred(cleo, value):
    """Fleiss' kappa stays: docs/agreement.md warns of that."""
    items = of_three(cleo)
    counts, who = panel_of(items)
    of = agreement(counts, "nominal", 2, None, who)
    assert (of["conger_kappa"].value, *by_definition(items)[:1]) == pytest.approx((value, value), abs=5e-4)
    assert of["fleiss_kappa"].value == pytest.approx(0.444, abs=5e-4)


def test_where_most_items_have_one_label_fleiss_kappa_falls_far_below_minus_one():
    """Shares of the labels are (12 + 1/2)/13 and 1/26: p_e = 1 - 2 * 25/676, and nobody agrees."""
    of = agreement({"a": 12, "a\x1fb": 1}, "nominal", 2)
    assert of["fleiss_kappa"].value == of["scott_pi"].value == pytest.approx(-(676 - 50) / 50, abs=1e-12)
    assert of["alpha"].value == 0.0
