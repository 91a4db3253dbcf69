"""How annotators stand, and which labels they confuse: equal to the figures that the document has, or to counting."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import pytest

from detectors.agreement import against_others, agreement, confused, involved, item_pattern, percent_of
from detectors.agreement.confused import MOST_LABELS
from detectors.config import TaskConfig
from detectors.scope import Scope, Tally
from detectors.standing import Standing, standings
from detectors.summary import TaskStatistics


def random_items(random: Random, labels: str = "abcd") -> list[list[str]]:
    return [random.choices(labels, k=random.randint(1, 5)) for _ in range(random.randint(1, 40))]


def test_percent_alone_is_that_of_all_coefficients() -> None:
    random, compared = Random(11), 0
    for _ in range(300):
        items = random_items(random)
        own = Counter(against_others(labels[0], labels[1:]) for labels in items)
        for counts in (own, Counter(map(item_pattern, items))):
            expected = agreement(counts, "nominal", 4)["percent"].value
            found = percent_of(counts)
            assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))
            compared += found is not None
    assert compared > 500
    assert percent_of({}) is percent_of({"a": 3}) is None


def test_percent_of_whole_agreement_is_exactly_one() -> None:
    """A bucket up to 1 holds it, however many items of however many labels there are."""
    for n in range(1, 60):
        assert percent_of({item_pattern("a" * m): n + m for m in range(1, 9)}) == 1.0


@pytest.mark.parametrize(
    ("label_type", "expected"),
    [
        ("nominal", Standing(5, 4, 3, 0.5)),
        ("interval", Standing(5, 0, 0, None)),
        ("multilabel", Standing(5, 2, 1, 1.0)),
        ("boxes", Standing(5, 0, 0, None)),
        (None, Standing(5, 0, 0, None)),
    ],
)
def test_a_standing_is_of_the_labels_of_the_tasks_type(label_type: str | None, expected: Standing) -> None:
    tallies = {
        "nominal": Tally(4, 2, 4, 3, {"a\x1ea": 1, "a\x1eb": 1}),
        "multilabel": Tally(2, 1, 2, 1, {"a\x1ea": 1}),
    }
    assert standings({"ann": Scope(6, 5, 0, tallies)}, label_type) == {"ann": expected}


def test_accuracy_is_of_the_answers() -> None:
    assert Standing(9, 20, 18, None).accuracy == 0.9
    assert Standing(9, 0, 0, 0.5).accuracy is None


def test_a_label_is_involved_in_the_pairs_that_have_it() -> None:
    random, compared = Random(12), 0
    for _ in range(100):
        items = random_items(random)
        pairs = [pair for labels in items for pair in combinations(labels, 2)]
        expected = Counter(label for pair in pairs for label in {*pair})
        assert involved(Counter(map(item_pattern, items))) == expected
        compared += len(expected)
    assert compared > 300


def test_the_share_of_confused_labels_is_of_the_pairs_with_either() -> None:
    random, compared = Random(13), 0
    for _ in range(100):
        items = random_items(random)
        pairs = [tuple(sorted(pair)) for labels in items for pair in combinations(labels, 2)]
        counts = Counter(map(item_pattern, items))
        scopes = {("gold_item", "false"): Scope(9, 9, 0, {"nominal": Tally(9, 9, 0, 0, counts)})}
        found = TaskStatistics(TaskConfig(), scopes).confusion_ratios(3, "abcd")
        assert [each[:2] for each in found] == [each[:2] for each in confused(counts)[:3]]
        for a, b, share in found:
            either = [pair for pair in pairs if a in pair or b in pair]
            assert share == pytest.approx(either.count((a, b)) / len(either), rel=1e-12)
            compared += 1
    assert compared > 200


def test_labels_are_named_if_they_are_declared_or_few() -> None:
    def found(config: TaskConfig) -> tuple[set[str], list[tuple[str, str, float]]]:
        counts = {"a\x1fb": 3, "a\x1fc": 2, "d": 1}
        statistics = TaskStatistics(
            config, {("gold_item", "false"): Scope(9, 9, 0, {"nominal": Tally(9, 9, 0, 0, counts)})}
        )
        named = statistics.named_classes(4)
        return {*named}, statistics.confusion_ratios(9, named)

    assert found(TaskConfig()) == ({*"abcd"}, [("a", "b", 0.6), ("a", "c", 0.4)])
    assert found(TaskConfig(labels=tuple("acdefgh"))) == ({*"acdefgh"}, [("a", "c", 0.4)])
    assert (
        TaskStatistics(
            TaskConfig(),
            {("gold_item", "false"): Scope(9, 9, 0, {"nominal": Tally(5, 5, 0, 0, dict.fromkeys("abcde", 1))})},
        ).named_classes(4)
        == ()
    )


def test_items_with_too_many_labels_are_no_confusion() -> None:
    crowd = [f"l{n:03}" for n in range(MOST_LABELS + 1)]
    assert involved({item_pattern(crowd): 1, "a\x1fb": 2}) == {"a": 2, "b": 2}
