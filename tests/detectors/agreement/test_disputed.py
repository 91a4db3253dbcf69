"""The most disputed items: entropies and variances by their definitions, and an order that has no ties."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.agreement.boxes import dispute as boxes
from detectors.agreement.boxes.geometry import Rectangle
from detectors.agreement.disputed import Disputed, differing, entropy, most_disputed, variance
from detectors.agreement.spans import dispute as spans
from detectors.agreement.spans.marks import MOST_SPANS, Mark, marks
from tests.conformance import boxes_by_definition
from tests.detectors.agreement import spans_by_characters

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
        found, more = most_disputed(differing(items), 10)
        assert ([each.item for each in found], more) == (expected, 0)
        items.append(items.pop(0))
    found, more = most_disputed(differing(items), 2)
    assert ([each.item for each in found], more) == (expected[:2], 3)
    assert most_disputed(differing([("e", {"x": 9}), ("n", {})]), 3) == ([], 0)


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

    found, more = most_disputed(differing(items()), 5)
    assert (len(found), more) == (5, 4_995)


def test_of_one_degree_the_less_alike_comes_first() -> None:
    items = [Disputed("b", 1.0, 9, {}, 0.5), Disputed("c", 1.0, 2, {}, 0.25), Disputed("a", 0.5, 9, {}, 0.0)]
    assert [each.item for each in most_disputed(items, 5)[0]] == ["c", "b", "a"]


# -- boxes and spans -------------------------------------------------------------------------------------------------------


def answers_of(counts: dict[str, int]) -> dict[tuple[str | None, ...], int]:
    return {tuple(json.loads(text)): n for text, n in counts.items()}


@pytest.mark.parametrize(("threshold", "inclusive"), [(0.5, False), (0.3, True)])
def test_of_boxes_it_is_the_definition(threshold: float, inclusive: bool) -> None:
    chance, compared = Random(3), 0
    for _ in range(150):
        answers = [
            [
                (x + chance.uniform(-2, 2), y + chance.uniform(-2, 2), 8, 6, chance.choice(("car", "car", "bus", None)))
                for x, y in ((0, 0), (5, 1), (30, 3))
                if chance.random() < 0.7
            ]
            for _ in range(chance.randint(1, 4))
        ]
        found = boxes.difference(
            [[Rectangle(*box) for box in given] for given in answers], threshold, inclusive=inclusive
        )
        if len(answers) < 2 or not any(answers):
            assert found is None
            continue
        degree, likeness, counts = boxes_by_definition.dispute(answers, threshold, int(inclusive))
        if degree == 0:
            assert found is None
        else:
            assert found is not None
            assert (found.degree, found.likeness) == (
                pytest.approx(degree, abs=1e-11),
                pytest.approx(likeness, abs=1e-9),
            )
            assert answers_of(dict(found.counts)) == counts
            compared += 1
    assert compared > 100


def test_boxes_that_match_and_have_one_class_are_not_disputed() -> None:
    one, other = Rectangle(0, 0, 4, 4, "car"), Rectangle(0, 0, 4, 3, "car")
    assert boxes.difference([[one], [other]], 0.5) is None
    assert boxes.difference([[one], [other]], 0.8) is not None
    assert boxes.difference([[], []], 0.5) is boxes.difference([[one]], 0.5) is None
    # Of two classes, or of none, they are.
    half = boxes.difference([[one], [other._replace(label=None)]], 0.5)
    assert half == (1.0, 0.75, {'["car"]': 1, "[null]": 1})


def test_of_spans_it_is_the_definition() -> None:
    chance, compared = Random(4), 0
    for _ in range(200):
        item = [
            marks(
                Mark(chance.choice(["", "a", "b"]), start, start + chance.choice([0, 1, 2, 4]))
                for start in (0, 2, 3, 7)
                if chance.random() < 0.6
            )
            for _ in range(chance.randint(1, 4))
        ]
        found = spans.difference(item)
        if len(item) < 2 or len({tuple(given) for given in item}) < 2:
            assert found is None
            continue
        degree, likeness, counts = spans_by_characters.dispute(item)
        assert found is not None
        assert (found.degree, found.likeness) == (pytest.approx(degree, abs=1e-11), pytest.approx(likeness, abs=1e-12))
        assert answers_of(dict(found.counts)) == {
            tuple(kind or None for kind in sorted(kinds)): n for kinds, n in counts.items()
        }
        compared += 1
    assert compared > 100


def test_spans_that_cover_the_same_characters_are_disputed_if_they_are_cut_otherwise() -> None:
    found = spans.difference([[Mark("a", 0, 4)], [Mark("a", 0, 2), Mark("a", 2, 4)]])
    assert found == (0.0, 0.0, {'["a"]': 8})
    assert spans.difference([[Mark("a", 3, 3)], [Mark("a", 4, 4)]]) == (0.0, 0.0, {})


def test_a_long_text_is_not_less_disputed_than_a_short_one() -> None:
    near, far = ([[Mark("a", place, place + 4)], []] for place in (0, 10**9))
    assert spans.difference(near) == spans.difference(far) == (1.0, 0.0, {'["a"]': 4, "[]": 4})


def test_an_item_of_too_many_spans_is_not_ranked() -> None:
    most = [Mark("a", 2 * place, 2 * place + 1) for place in range(MOST_SPANS)]
    assert spans.difference([most, []]) is not None
    assert spans.difference([most, most[:1]]) is None
