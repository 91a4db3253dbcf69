"""The most disputed items: entropies and variances by their definitions, and an order that has no ties."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.agreement.disputed import entropy, most_disputed, variance

COUNTS = st.lists(st.integers(1, 40), min_size=2, max_size=8)


def named(counts: list[int]) -> dict[str, int]:
    return {f"label {place}": n for place, n in enumerate(counts)}


@given(COUNTS, st.integers(2, 9), st.randoms(use_true_random=False))
def test_entropy_is_its_definition_and_depends_on_shares_alone(counts: list[int], times: int, chance: Random) -> None:
    n = sum(counts)
    found = entropy(named(counts))
    assert found == pytest.approx(-sum(r / n * math.log2(r / n) for r in counts), abs=1e-11)
    assert 0 < found <= round(math.log2(len(counts)), 12)
    assert entropy(named([r * times for r in counts])) == found
    chance.shuffle(counts)
    assert entropy(named(counts)) == found


@pytest.mark.parametrize("k", [2, 3, 5, 8, 1000])
def test_labels_given_equally_often_have_the_highest_entropy(k: int) -> None:
    assert entropy(named([1] * k)) == entropy(named([7] * k)) == round(math.log2(k), 12)


def test_one_label_has_no_entropy() -> None:
    assert str(entropy({"yes": 3})) == "0.0"


NUMBERS = st.lists(st.decimals(-1000, 1000, places=3), min_size=2, max_size=9)


@given(NUMBERS)
def test_variance_is_exact(numbers: list[Decimal]) -> None:
    counts: dict[str, int] = {}
    for number in numbers:
        counts[str(number)] = counts.get(str(number), 0) + 1
    assert variance(counts) == float(statistics.variance(map(Fraction, numbers)))


def test_small_differences_of_large_numbers_are_not_lost() -> None:
    assert variance({"1000000000": 1, "999999999.999999999999": 1}) == 5e-25


def test_ties_go_to_more_labels_and_then_to_the_smaller_id() -> None:
    items = [
        ("b", {"x": 1, "y": 1}),
        ("c", {"x": 3, "y": 3}),
        ("a", {"x": 1, "z": 1}),
        ("d", {"x": 1, "y": 1, "z": 1}),
        ("e", {"x": 9}),
        ("f", {"x": 9, "y": 1}),
    ]
    expected = ["d", "c", "a", "b", "f"]
    for _ in range(5):
        found, more = most_disputed(items, 10)
        assert ([each.item for each in found], more) == (expected, 0)
        items.append(items.pop(0))
    found, more = most_disputed(items, 2)
    assert ([each.item for each in found], more) == (expected[:2], 3)
    assert most_disputed([("e", {"x": 9}), ("n", {})], 3) == ([], 0)


def test_few_items_are_held_however_many_there_are() -> None:
    held: set[int] = set()

    class Counts(dict[str, int]):
        def __del__(self) -> None:
            held.discard(id(self))

    def items() -> Iterator[tuple[str, Counts]]:
        for number in range(5_000):
            counts = Counts(x=1, y=1 + number % 50)
            held.add(id(counts))
            assert len(held) < 20
            yield f"i{number}", counts

    found, more = most_disputed(items(), 5)
    assert (len(found), more) == (5, 4_995)
