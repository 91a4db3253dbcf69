"""The Poisson bootstrap over items: weights that are a function of the item alone, and what they make of replicates."""

import hashlib
import math
import random
import statistics

import numpy as np
import pytest
from scipy import stats

from detectors.agreement import bootstrap
from detectors.agreement.bootstrap import REPLICATES, bootstrapped, poisson_weights
from detectors.reading import Reading

WORD = 2**64


def all_weights(items):
    return np.hstack(list(poisson_weights(items)))


def by_definition(item, replicate):
    """SplitMix64 as published, the item's hash as its seed, in whole numbers; the quantile from scipy."""
    seed = int.from_bytes(hashlib.blake2b(item.encode(), digest_size=8).digest(), "big")
    z = (seed + replicate * 0x9E3779B97F4A7C15) % WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return int(stats.poisson.ppf((z ^ (z >> 31)) / WORD, 1))


def test_weights_are_those_of_the_definition():
    items = ["i1", "", "ein Ding", "\N{SNOWMAN}" * 40]
    found = all_weights(items)
    assert found.shape == (4, REPLICATES) == (4, 200)
    expected = [[by_definition(item, replicate) for replicate in range(1, REPLICATES + 1)] for item in items]
    assert found.tolist() == expected


def test_the_first_number_of_the_generator_is_the_published_one():
    """Of the seed 1234567: Rosetta Code, Pseudo-random numbers/Splitmix64."""
    z = (1234567 + 0x9E3779B97F4A7C15) % WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    assert z ^ (z >> 31) == 6457827717110365317


def test_an_item_has_its_weights_whichever_others_there_are_and_wherever_it_stands():
    items = [f"i{number}" for number in range(40)]
    found = dict(zip(items, all_weights(items).tolist(), strict=True))
    random.Random(4).shuffle(items)
    assert dict(zip(items[:25], all_weights(items[:25]).tolist(), strict=True)) == {i: found[i] for i in items[:25]}
    assert len({tuple(weights) for weights in found.values()}) == 40


@pytest.mark.parametrize("most", [1, 150, 10**9])
def test_how_many_are_in_memory_at_a_time_makes_no_difference(most, monkeypatch):
    items = ["a", "b", "c"]
    expected = all_weights(items)
    monkeypatch.setattr(bootstrap, "MOST_WEIGHTS", most)
    assert np.array_equal(all_weights(items), expected)
    assert len(list(poisson_weights(items))) == {1: 200, 150: 4, 10**9: 1}[most]


def test_weights_are_poisson_and_independent():
    found = all_weights([f"item {number}" for number in range(2000)])
    for k in range(7):
        share, expected = float((found == k).mean()), float(stats.poisson.pmf(k, 1))
        assert abs(share - expected) < 4 * math.sqrt(expected / found.size)
    replicates = np.corrcoef(found.T)[~np.eye(REPLICATES, dtype=bool)]
    assert abs(replicates.mean()) < 0.001
    assert replicates.std() == pytest.approx(1 / math.sqrt(2000), rel=0.05)


def test_no_items_have_no_weights():
    assert all_weights([]).shape == (0, REPLICATES)


def test_the_interval_is_students_about_the_value():
    replicates = np.array([0.1 * (number % 7) for number in range(200)])
    found = bootstrapped(Reading(0.4, None, None, 9), replicates, -1.0)
    half = stats.t.ppf(0.975, 8) * statistics.stdev(replicates.tolist())
    assert (found.value, found.n, found.why) == (0.4, 9, "")
    assert (found.low, found.high) == (pytest.approx(0.4 - half), pytest.approx(0.4 + half))
    clipped = bootstrapped(Reading(0.1, None, None, 9), replicates, 0.0)
    assert (clipped.low, clipped.high) == (0.0, pytest.approx(0.1 + half))


def test_replicates_without_a_value_do_not_count_and_too_few_give_no_interval():
    drawn = [0.2, 0.6] * 50
    hundred = bootstrapped(Reading(0.4, None, None, 9), np.array(drawn + [math.nan] * 100), -1.0)
    assert hundred == bootstrapped(Reading(0.4, None, None, 9), np.array(drawn), -1.0)
    assert hundred.low is not None
    few = Reading(0.4, None, None, 9)
    assert bootstrapped(few, np.array(drawn[:99] + [math.nan] * 101), -1.0) == few
    undefined = Reading.undefined(9, "no variation")
    assert bootstrapped(undefined, np.array(drawn * 2), -1.0) == undefined


def test_where_all_replicates_say_the_same_rounding_is_no_variation():
    nearly = np.array([1.0, 1.0 - 1e-16, 1.0 + 2e-16, 1.0] * 50)
    assert bootstrapped(Reading(1.0, None, None, 5), nearly, -1.0) == Reading(1.0, 1.0, 1.0, 5)
