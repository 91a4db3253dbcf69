"""After every event of random streams, every coefficient equals what the peer libraries compute from the whole table.

Where the peers differ from us, and why:

- krippendorff 0.9.0 raises for a domain of one label, and answers nan where the pairable items show one label only;
  we say "no variation".
- statsmodels' fleiss_kappa takes items of one and the same number of labels, so it is compared on the items with two,
  with three and with four labels apart; its method "randolph" is Brennan-Prediger on such items. Without variation it
  answers nan.
- scikit-learn's cohen_kappa_score and statsmodels' cohens_kappa answer nan without variation.
- The package nltk, which is not among the peers here, has the distances of sets; its figures were the same on 400 random
  tables (796 values, to 4e-15), but two empty sets make it divide by zero. Here the definition stands in.
- None of them has Fleiss' kappa, AC1 or Brennan-Prediger for missing cells: there the definitions in fractions stand in
  (and irrCAC in `test_irrcac.py`).
"""

import math
import random
import warnings
from collections import Counter
from fractions import Fraction
from itertools import combinations

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from detectors.agreement import (
    PatternCounts,
    Scale,
    Table,
    agreement,
    each_against_rest,
    item_pattern,
    pair_agreement,
)
from detectors.agreement.cohen_kappa import cohen_kappa
from detectors.agreement.patterns import LABEL, members, set_key
from detectors.agreement.weighted_kappa import weighted_kappa
from detectors.labels import level_of
from detectors.labels.preference import Preference
from streams.events import Shape
from tests.conformance.streams import Stream

SEEDS, EVENTS, LABELS = range(5), 80, "abcd"


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


def prefixes():
    for seed in SEEDS:
        stream = Stream(seed, labels=LABELS)
        for _ in range(EVENTS):
            stream.step()
            yield stream


def tallies(rows):
    return np.array([[row.count(label) for label in LABELS] for row in rows]).reshape(len(rows), len(LABELS))


def equal_or_both_undefined(ours, peer, compared, name):
    if ours is None:
        assert math.isnan(peer)
        compared[f"{name} undefined"] += 1
    else:
        assert ours == close(peer)
        compared[name] += 1


def test_alpha_equals_krippendorff():
    compared = Counter()
    for stream in prefixes():
        ours = agreement(stream.items.counts, "nominal", len(LABELS))["alpha"]
        rows = stream.rows()
        assert ours.n == sum(len(row) > 1 for row in rows)
        if not ours.n:
            compared["no pairable item"] += 1
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = krippendorff.alpha(value_counts=tallies(rows), level_of_measurement="nominal")
        equal_or_both_undefined(ours.value, peer, compared, "alpha")
    assert compared == {"alpha": 363, "alpha undefined": 7, "no pairable item": 30}


NUMBERS = (0.5, 1.0, 2.0, 5.0)
"""What the labels stand for where they have an order; they are declared with a fifth."""


def in_numbers(counts):
    names = {label: f"{number:g}" for label, number in zip(LABELS, NUMBERS, strict=True)}
    return {"".join(names.get(sign, sign) for sign in pattern): n for pattern, n in counts.items()}


SCALES = {
    "ordinal": Scale.of("ordinal", ["0.5", "1", "2", "5", "10"]),
    "interval": Scale.of("interval", ["0.5", "1", "2", "5", "10"]),
    "ratio": Scale.of("ratio", ["10", "5", "2", "1", "0.5"]),
}


def test_alpha_at_every_level_equals_krippendorff():
    compared = Counter()
    for stream in prefixes():
        rows = stream.rows()
        for level, scale in SCALES.items():
            of = agreement(in_numbers(stream.items.counts), level, 5, scale)
            assert of["alpha"] == of[f"alpha_{level}"]
            if not of["alpha"].n:
                compared["no pairable item"] += 1
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peers = {
                    each: krippendorff.alpha(
                        value_counts=tallies(rows), value_domain=list(NUMBERS), level_of_measurement=each
                    )
                    for each in ("nominal", "ordinal", "interval", "ratio")
                }
            for each, peer in peers.items():
                equal_or_both_undefined(of[f"alpha_{each}"].value, peer, compared, each)
    assert compared == {
        **dict.fromkeys(("nominal", "ordinal", "interval", "ratio"), 3 * 363),
        **dict.fromkeys(("nominal undefined", "ordinal undefined", "interval undefined", "ratio undefined"), 3 * 7),
        "no pairable item": 3 * 30,
    }


def test_alpha_of_names_in_order_equals_krippendorff():
    compared = Counter()
    for stream in prefixes():
        of = agreement(stream.items.counts, "ordinal", 5, Scale.of("ordinal", "dcbaz"))
        if of["alpha"].n:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peer = krippendorff.alpha(value_counts=tallies(stream.rows()), level_of_measurement="ordinal")
                by_rank = krippendorff.alpha(value_counts=tallies(stream.rows()), level_of_measurement="interval")
            equal_or_both_undefined(of["alpha"].value, peer, compared, "ordinal")
            equal_or_both_undefined(of["alpha_interval"].value, by_rank, compared, "interval by rank")
    assert compared == {
        "ordinal": 363, "ordinal undefined": 7, "interval by rank": 363, "interval by rank undefined": 7,
    }  # fmt: skip


def test_fleiss_kappa_and_brennan_prediger_equal_statsmodels_on_items_of_as_many_labels():
    compared = Counter()
    for stream in prefixes():
        for m in (2, 3, 4):
            counts = {pattern: n for pattern, n in stream.items.counts.items() if pattern.count("\x1f") == m - 1}
            rows = [row for row in stream.rows() if len(row) == m]
            if not rows:
                assert not counts
                continue
            of = agreement(counts, "nominal", len(LABELS))
            with np.errstate(invalid="ignore"):
                kappa = inter_rater.fleiss_kappa(tallies(rows))
            equal_or_both_undefined(of["fleiss_kappa"].value, kappa, compared, "fleiss_kappa")
            randolph = inter_rater.fleiss_kappa(tallies(rows), method="randolph")
            equal_or_both_undefined(of["brennan_prediger"].value, randolph, compared, "brennan_prediger")
    assert compared == {"fleiss_kappa": 680, "fleiss_kappa undefined": 95, "brennan_prediger": 775}


def test_cohens_kappa_equals_scikit_learn_and_statsmodels():
    compared = Counter()
    for stream in prefixes():
        pairs = stream.pairs()
        ours = pair_agreement(stream.pair.counts)["cohen_kappa"]
        assert ours.n == len(pairs)
        if not pairs:
            compared["no pairable item"] += 1
            continue
        first, second = zip(*pairs, strict=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = cohen_kappa_score(first, second, labels=list(LABELS))
            table = [[pairs.count((a, b)) for b in LABELS] for a in LABELS]
            other = inter_rater.cohens_kappa(table)
        equal_or_both_undefined(ours.value, peer, compared, "scikit-learn")
        equal_or_both_undefined(ours.value, other.kappa, compared, "statsmodels")
        if ours.value is not None:
            # Compared as variances, for statsmodels' may be below zero by rounding, and its root nan.
            assert cohen_kappa(stream.pair.counts).error ** 2 == close(other.var_kappa)
            compared["error"] += 1
    assert compared == {
        "scikit-learn": 337,
        "scikit-learn undefined": 24,
        "statsmodels": 337,
        "statsmodels undefined": 24,
        "error": 337,
        "no pairable item": 39,
    }


def test_weighted_kappas_equal_scikit_learn_and_statsmodels():
    """By rank in the declared set; scikit-learn has no errors, statsmodels' are compared as variances."""
    compared = Counter()
    scale = Scale.of("ordinal", LABELS)
    for stream in prefixes():
        pairs = stream.pairs()
        if not pairs:
            compared["no pairable item"] += 1
            continue
        ours = pair_agreement(stream.pair.counts, "ordinal", scale)
        first, second = zip(*pairs, strict=True)
        table = [[pairs.count((a, b)) for b in LABELS] for a in LABELS]
        for power, weights in enumerate(("linear", "quadratic"), start=1):
            reading = ours[f"weighted_kappa_{weights}"]
            assert reading.n == len(pairs)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peer = cohen_kappa_score(first, second, labels=list(LABELS), weights=weights)
                other = inter_rater.cohens_kappa(table, wt=weights)
            equal_or_both_undefined(reading.value, peer, compared, f"scikit-learn {weights}")
            equal_or_both_undefined(reading.value, other.kappa, compared, f"statsmodels {weights}")
            if reading.value is not None:
                assert weighted_kappa(stream.pair.counts, scale, power).error ** 2 == close(other.var_kappa)
                compared[f"error {weights}"] += 1
    peers = [f"{peer} {weights}" for peer in ("scikit-learn", "statsmodels") for weights in ("linear", "quadratic")]
    assert compared == {
        **dict.fromkeys([*peers, "error linear", "error quadratic"], 337),
        **{f"{peer} undefined": 24 for peer in peers},
        "no pairable item": 39,
    }


def test_weighted_kappas_by_value_equal_statsmodels():
    compared = Counter()
    for stream in prefixes():
        if stream.pairs():
            ours = pair_agreement(in_numbers(stream.pair.counts), "interval", SCALES["interval"])
            table = [[stream.pairs().count((a, b)) for b in LABELS] for a in LABELS]
            for power, name in enumerate(("linear", "quadratic"), start=1):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    peer = inter_rater.cohens_kappa(table, weights=NUMBERS, wt=name)
                equal_or_both_undefined(ours[f"weighted_kappa_{name}"].value, peer.kappa, compared, name)
                if ours[f"weighted_kappa_{name}"].value is not None:
                    estimate = weighted_kappa(in_numbers(stream.pair.counts), SCALES["interval"], power)
                    assert estimate.error**2 == close(peer.var_kappa)
    assert compared == {"linear": 337, "quadratic": 337, "linear undefined": 24, "quadratic undefined": 24}


def by_definition(rows, q):
    """Percent agreement, Fleiss' kappa, AC1 and Brennan-Prediger from their definitions, in fractions."""
    pairable = [row for row in rows if len(row) > 1]
    if not pairable:
        return dict.fromkeys(("percent", "fleiss_kappa", "ac1", "brennan_prediger"))
    observed = Fraction(0)
    for row in pairable:
        equal = sum(row[i] == row[j] for i in range(len(row)) for j in range(len(row)) if i != j)
        observed += Fraction(equal, len(row) * (len(row) - 1))
    observed /= len(pairable)
    shares = [sum(Fraction(row.count(label), len(row)) for row in rows) / len(rows) for label in LABELS]
    chance = {
        "fleiss_kappa": sum(p * p for p in shares),
        "ac1": sum(p * (1 - p) for p in shares) / (q - 1),
        "brennan_prediger": Fraction(1, q),
    }
    corrected = {name: None if p == 1 else (observed - p) / (1 - p) for name, p in chance.items()}
    return {"percent": observed, **corrected}


def test_all_items_with_missing_cells_equal_the_definitions():
    compared = Counter()
    for stream in prefixes():
        of = agreement(stream.items.counts, "nominal", 5)
        for name, expected in by_definition(stream.rows(), 5).items():
            if expected is None:
                assert of[name].value is None
                compared["undefined"] += 1
            else:
                assert of[name].value == close(float(expected))
                compared[name] += 1
    assert compared == {"percent": 370, "fleiss_kappa": 370, "ac1": 370, "brennan_prediger": 370, "undefined": 120}


SETS = [frozenset(names) for names in ("", "a", "b", "ab", "abc", "bcd", "e")]


def masi(a, b):
    if a == b:
        return Fraction(0)
    return 1 - Fraction(len(a & b), len(a | b)) * (Fraction(2, 3) if a <= b or b <= a else Fraction(1, 3))


def jaccard(a, b):
    return Fraction(len(a ^ b), max(len(a | b), 1))


def alpha_by_definition(rows, metric):
    """Label by label, within items and among all labels of pairable items; None without variation."""
    pairable = [row for row in rows if len(row) > 1]
    used = Counter(label for row in pairable for label in row)
    expected = sum(used[a] * used[b] * metric(a, b) for a in used for b in used)
    observed = sum(Fraction(sum(metric(a, b) for a in row for b in row), len(row) - 1) for row in pairable)
    return 1 - (used.total() - 1) * observed / expected if expected else None


def percent_by_definition(rows):
    """Of items, and of all pairs of labels together: how many pairs are equal sets."""
    pairs = [[a == b for a, b in combinations(row, 2)] for row in rows if len(row) > 1]
    if not pairs:
        return {"percent": None, "percent_pairs": None}
    items = [Fraction(sum(equal), len(equal)) for equal in pairs]
    return {
        "percent": sum(items) / len(items),
        "percent_pairs": Fraction(sum(map(sum, pairs)), sum(map(len, pairs))),
    }


def test_percent_of_sets_equals_the_definition_with_the_interval_of_names():
    spelled = {set_key(names): names for names in SETS}
    names = dict(zip(spelled, "abcdefg", strict=True))
    compared = Counter()
    for seed in SEEDS:
        stream = Stream(seed, labels=list(spelled))
        for _ in range(EVENTS):
            stream.step()
            of = agreement(stream.items.counts, "multilabel", 5)
            as_names = Counter()
            for pattern, n in stream.items.counts.items():
                as_names[item_pattern([names[label] for label in pattern.split(LABEL)])] += n
            nominal = agreement(as_names, "nominal", 7)
            rows = [[spelled[label] for label in row] for row in stream.rows()]
            for name, value in percent_by_definition(rows).items():
                assert of[name].n == sum(len(row) > 1 for row in rows)
                if value is None:
                    assert of[name].why == "no pairable item"
                    compared[f"{name} undefined"] += 1
                    continue
                assert of[name].value == close(float(value))
                compared[name] += 1
                assert (of[name].low is None) == (of[name].n < 2)
                if of[name].low is not None:
                    assert (of[name].low, of[name].high) == close((nominal[name].low, nominal[name].high))
                    compared[f"interval of {name}"] += 1
    assert compared == {
        "percent": 378, "percent_pairs": 378, "percent undefined": 22, "percent_pairs undefined": 22,
        "interval of percent": 362, "interval of percent_pairs": 362,
    }  # fmt: skip


def test_alpha_of_sets_and_of_each_name_equals_the_definitions():
    spelled = {set_key(names): names for names in SETS}
    compared = Counter()
    for seed in SEEDS:
        stream = Stream(seed, labels=list(spelled))
        for _ in range(EVENTS):
            stream.step()
            rows = [[spelled[label] for label in row] for row in stream.rows()]
            figures = {"masi": masi, "jaccard": jaccard}
            expected = {name: alpha_by_definition(rows, metric) for name, metric in figures.items()}
            of = agreement(stream.items.counts, "multilabel", 5)
            ours = {"masi": of["alpha"], "jaccard": of["alpha_jaccard"]}
            for name, counts in each_against_rest(stream.items.counts, members).items():
                has = [[name in names for names in row] for row in rows]
                expected[name] = alpha_by_definition(has, lambda a, b: a != b)
                ours[name] = agreement(counts, "nominal", 2)["alpha"]
            assert ours.keys() - expected.keys() == set()
            assert set(expected) - set(figures) == {name for row in rows for names in row for name in names}
            for name, value in expected.items():
                assert ours[name].n == sum(len(row) > 1 for row in rows)
                kind = name if name in figures else "a name"
                if value is None:
                    assert ours[name].value is None
                    compared[f"{kind} undefined"] += 1
                else:
                    assert ours[name].value == close(float(value))
                    compared[kind] += 1
    assert compared == {
        "masi": 366, "jaccard": 366, "a name": 1451,
        "masi undefined": 34, "jaccard undefined": 34, "a name undefined": 231,
    }  # fmt: skip


def test_alpha_of_preferences_equals_krippendorff():
    """By whom an option is preferred, not by where it was shown: labels are made of pairs of ids, in either order."""
    compared = Counter()
    options = {"first": [("m1", "m2"), ("a", "b")], "second": [("m2", "m1"), ("b", "a")], "tie": [None]}
    for seed in SEEDS:
        stream = Stream(seed, labels=list(options))
        rng = random.Random(seed)
        for _ in range(EVENTS):
            stream.step()
            shown = [[rng.choice(options[label]) for label in row] for row in stream.rows()]
            labels = [
                [Shape(tie=True) if pair is None else Shape(chosen=pair[0], rejected=pair[1]) for pair in row]
                for row in shown
            ]
            counts = Counter(item_pattern(Preference().key(label) for label in row) for row in labels)
            assert counts == stream.items.counts
            ours = agreement(stream.items.counts, level_of("preference"), 3)
            if not ours["alpha"].n:
                compared["no pairable item"] += 1
                continue
            table = np.array([[row.count(label) for label in options] for row in stream.rows()])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peer = krippendorff.alpha(value_counts=table, level_of_measurement="nominal")
            equal_or_both_undefined(ours["alpha"].value, peer, compared, "alpha")
    assert compared == {"alpha": 360, "alpha undefined": 12, "no pairable item": 28}


def test_an_annotator_against_the_others_equals_the_definition():
    """Percent: the mean over shared items of the share of the others who agree."""
    compared = 0
    for stream in prefixes():
        means = []
        for item in range(len(stream.true)):
            others = [stream.cells[item, a] for a in stream.annotators if a and (item, a) in stream.cells]
            if (item, 0) in stream.cells and others:
                means.append(Fraction(others.count(stream.cells[item, 0]), len(others)))
        ours = agreement(stream.against.counts, "nominal", 4)["percent"]
        assert ours.n == len(means)
        if means:
            assert ours.value == close(float(sum(means) / len(means)))
            compared += 1
    assert compared == 369


def test_after_all_is_withdrawn_nothing_is_left():
    for seed in SEEDS:
        stream = Stream(seed)
        for _ in range(EVENTS):
            stream.step()
        for key in sorted(stream.cells):
            stream.change(key, None)
        assert stream.items == stream.pair == stream.against == PatternCounts()
        assert Table.of(stream.items.counts).items == 0
