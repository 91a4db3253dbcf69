"""Standard errors against what they linearise: how a coefficient moves when an item counts a little more."""

import math
import random
import statistics
from collections import Counter

import pytest

from detectors.agreement import COEFFICIENTS, Scale, Table, agreement, item_pattern
from detectors.agreement.alpha_jaccard import alpha_jaccard
from detectors.agreement.alpha_masi import alpha_masi
from detectors.agreement.percent_pairs import percent_pairs
from tests.detectors.agreement.test_table import random_counts_against_others, random_counts_between_groups

SCALE = Scale.of("interval", ["0", "1", "2.5", "3", "7", "20"])


def random_items(rng):
    counts = {}
    for _ in range(rng.randint(8, 40)):
        pattern = item_pattern(rng.choices(SCALE.labels, [5, 3, 1, 4, 2, 1], k=rng.randint(1, 5)))
        counts[pattern] = counts.get(pattern, 0) + rng.randint(1, 5)
    return counts


def renamed(counts, names):
    """The counter with other labels."""
    found = {}
    for pattern, n in counts.items():
        groups = [item_pattern(names[x] for x in group.split("\x1f")) for group in pattern.split("\x1e")]
        found["\x1e".join(groups)] = found.get("\x1e".join(groups), 0) + n
    return found


IN_NUMBERS = dict(zip("abcdefg", [*SCALE.labels, "1"], strict=True))


def against_in_numbers(rng):
    return renamed(random_counts_against_others(rng, 25), IN_NUMBERS)


def between_in_numbers(rng):
    return renamed(random_counts_between_groups(rng, 25), IN_NUMBERS)


def in_sets(make):
    """The same with sets of names in place of the numbers; some are equal, some one within another, one is empty."""
    names = dict(zip(SCALE.labels, ["", "a", "a\x1db", "a\x1db\x1dc", "b\x1dd", "e"], strict=True))
    return lambda rng: renamed(make(rng), names)


def pairable(pattern):
    return "\x1f" in pattern or "\x1e" in pattern


@pytest.mark.parametrize("make", [random_items, against_in_numbers, between_in_numbers])
@pytest.mark.parametrize("name", ["alpha_nominal", "alpha_ordinal", "alpha_interval", "alpha_ratio", "percent_pairs"])
def test_errors_are_those_of_small_changes(make, name):
    """The infinitesimal jackknife: the root of the summed squares of the derivatives by the weights of the items.

    Weights are whole numbers, so everything counts a million times, and one item a little more often; then the terms of
    order 1/n that irrCAC's alpha has besides do not matter either.
    """
    linearised_as_it_moves(make, COEFFICIENTS[name].estimate, SCALE)


@pytest.mark.parametrize("name", ["percent", "fleiss_kappa", "ac1", "ac2", "brennan_prediger"])
def test_errors_of_others_are_too_where_every_item_is_pairable(name):
    """As the items between two groups are: what irrCAC takes as fixed is the number of these."""
    linearised_as_it_moves(between_in_numbers, COEFFICIENTS[name].estimate, SCALE)


@pytest.mark.parametrize("make", [random_items, against_in_numbers, between_in_numbers])
@pytest.mark.parametrize("estimate", [alpha_masi, alpha_jaccard])
def test_errors_of_sets_are_those_of_small_changes(make, estimate):
    linearised_as_it_moves(in_sets(make), estimate, None)


def linearised_as_it_moves(make, estimate, scale):
    rng, many, step = random.Random(11), 10**6, 10**3
    for _ in range(15):
        counts = {pattern: n * many for pattern, n in make(rng).items()}
        at = estimate(Table.of(counts, scale), 6)
        squares = 0.0
        for pattern, count in counts.items():
            if pairable(pattern):
                nudged = estimate(Table.of({**counts, pattern: count + step}, scale), 6)
                squares += count * ((nudged.value - at.value) / step) ** 2
        assert at.error == pytest.approx(math.sqrt(squares), rel=2e-3)


def test_the_interval_of_sets_is_as_wide_as_those_of_drawn_items():
    """Alpha of 4,000 draws of as many items: their spread is the standard error."""
    rng = random.Random(5)
    patterns = ["a\x1fa\x1db", "a\x1fa", "a\x1db\x1fa\x1db", "b\x1fa\x1db\x1dc", "c\x1fc", "\x1fc", "a\x1fc"]
    often = [6, 20, 12, 5, 14, 2, 4]
    counts = {pattern: 4 * n for pattern, n in zip(patterns, often, strict=True)}
    items = sum(counts.values())
    for estimate in (alpha_masi, alpha_jaccard):
        drawn = []
        for _ in range(4000):
            of = Counter(rng.choices(patterns, often, k=items))
            drawn.append(estimate(Table.of(of), 4).value)
        assert estimate(Table.of(counts), 4).error == pytest.approx(statistics.stdev(drawn), rel=0.05)


def test_the_places_of_ordinal_labels_move_with_their_use():
    """Without the part that goes through the places the error would be another."""
    counts = {"0\x1f0": 20, "0\x1f1": 6, "1\x1f3": 5, "3\x1f3\x1f3": 9, "20\x1f3": 4, "20\x1f20": 7}
    table = Table.of(counts, SCALE)
    fixed = Scale.of("interval", ["0", "1", "3", "20"])
    shares = dict(zip(table.placed.scale.labels, [0] * 6, strict=True))
    total = sum(n * (pattern.count("\x1f") + 1) for pattern, n in counts.items())
    for pattern, n in counts.items():
        for label in pattern.split("\x1f"):
            shares[label] += n
    below, places = 0, {}
    for label in fixed.labels:
        places[label] = (2 * below + shares[label]) / (2 * total)
        below += shares[label]
    names = {label: f"{place:.12f}".rstrip("0") for label, place in places.items()}
    renamed = {item_pattern(names[x] for x in pattern.split("\x1f")): n for pattern, n in counts.items()}
    at_places = agreement(renamed, "interval", 4, Scale.of("interval", list(names.values())))["alpha"]
    moving = agreement(counts, "ordinal", 6, SCALE)["alpha_ordinal"]
    assert moving.value == pytest.approx(at_places.value, abs=1e-9)
    assert abs((moving.high - moving.low) / (at_places.high - at_places.low) - 1) > 0.01


def test_percent_of_pairs_is_a_ratio_of_means():
    counts = {"a\x1fa": 3, "a\x1fb\x1fb": 2, "a\x1fb": 1, "b": 4}
    estimate = percent_pairs(Table.of(counts), 2)
    # 2, 6 and 2 ordered pairs an item, of which 2, 2 and 0 are equal.
    pairs, equal = [2] * 3 + [6] * 2 + [2], [2] * 3 + [2] * 2 + [0]
    value = sum(equal) / sum(pairs)
    mean = sum(pairs) / 6
    squares = sum(((a - value * g) / mean) ** 2 for a, g in zip(equal, pairs, strict=True))
    assert (estimate.value, estimate.error, estimate.degrees) == (
        pytest.approx(value),
        pytest.approx(math.sqrt(squares / 30)),
        5,
    )
