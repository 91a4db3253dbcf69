"""Standard errors against what they linearise: how a coefficient moves when an item counts a little more."""

import math
import random

import pytest

from detectors.agreement import COEFFICIENTS, Scale, Table, agreement, item_pattern
from detectors.agreement.percent_pairs import percent_pairs
from tests.detectors.agreement.test_table import random_counts_against_others

SCALE = Scale.of("interval", ["0", "1", "2.5", "3", "7", "20"])


def random_items(rng):
    counts = {}
    for _ in range(rng.randint(8, 40)):
        pattern = item_pattern(rng.choices(SCALE.labels, [5, 3, 1, 4, 2, 1], k=rng.randint(1, 5)))
        counts[pattern] = counts.get(pattern, 0) + rng.randint(1, 5)
    return counts


def against_in_numbers(rng):
    names = dict(zip("abcdefg", [*SCALE.labels, "1"], strict=True))
    counts = {}
    for pattern, n in random_counts_against_others(rng, 25).items():
        own, mark, others = pattern.partition("\x1e")
        renamed = (
            names[own] + mark + "\x1f".join(sorted(names[x] for x in others.split("\x1f"))) if mark else names[own]
        )
        counts[renamed] = counts.get(renamed, 0) + n
    return counts


def pairable(pattern):
    return "\x1f" in pattern or "\x1e" in pattern


@pytest.mark.parametrize("make", [random_items, against_in_numbers])
@pytest.mark.parametrize("name", ["alpha_nominal", "alpha_ordinal", "alpha_interval", "alpha_ratio", "percent_pairs"])
def test_errors_are_those_of_small_changes(make, name):
    """The infinitesimal jackknife: the root of the summed squares of the derivatives by the weights of the items.

    Weights are whole numbers, so everything counts a million times, and one item a little more often; then the terms of
    order 1/n that irrCAC's alpha has besides do not matter either.
    """
    rng, many, step = random.Random(11), 10**6, 10**3
    estimate = COEFFICIENTS[name].estimate
    for _ in range(15):
        counts = {pattern: n * many for pattern, n in make(rng).items()}
        at = estimate(Table.of(counts, SCALE), 6)
        squares = 0.0
        for pattern, count in counts.items():
            if pairable(pattern):
                nudged = estimate(Table.of({**counts, pattern: count + step}, SCALE), 6)
                squares += count * ((nudged.value - at.value) / step) ** 2
        assert at.error == pytest.approx(math.sqrt(squares), rel=2e-3)


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
