"""Confused labels: they add up to the pairs that differ."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

from detectors.agreement import Table, confused, item_pattern


def test_they_are_the_pairs_that_differ() -> None:
    random = Random(20)
    compared = 0
    for _ in range(200):
        items = [random.choices("abcd", k=random.randint(1, 6)) for _ in range(random.randint(1, 30))]
        found = confused(Counter(map(item_pattern, items)))
        by_hand = Counter(
            tuple(sorted(two)) for labels in items for two in combinations(labels, 2) if len(set(two)) == 2
        )
        on_items = Counter(two for labels in items for two in combinations(sorted(set(labels)), 2))
        assert {(each.a, each.b): (each.items, each.pairs) for each in found} == {
            two: (on_items[two], pairs) for two, pairs in by_hand.items()
        }
        assert [each.pairs for each in found] == sorted((each.pairs for each in found), reverse=True)
        table = Table.of(Counter(map(item_pattern, items)))
        assert 2 * sum(each.pairs for each in found) == (table.weight * table.differing).sum()
        compared += len(found)
    assert compared > 1000, "tables without disagreement say nothing"


def test_equal_counts_come_in_the_order_of_names() -> None:
    found = confused({"a\x1fc": 1, "a\x1fb": 1, "b\x1fc": 1, "d": 4, "a\x1fa": 2})
    assert [(each.a, each.b) for each in found] == [("a", "b"), ("a", "c"), ("b", "c")]
