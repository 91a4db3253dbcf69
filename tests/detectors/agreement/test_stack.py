"""Scopes that are read together have the readings that each has by itself."""

import random

import pytest

from detectors.agreement import Scale, Stack, against_others, agreement, agreement_of_each, item_pattern
from detectors.agreement.patterns import between_groups

ROUNDS = 8
LABELS = (
    "ab",
    "abcde",
    ["1", "2", "3"],
    ["0.5", "1", "10", "-3"],
    ["0", "2", "7"],
    [str(number) for number in range(1, 13)],
    [f"label {number:02}" for number in range(60)],
)


def counter(rng, labels):
    """Of up to forty patterns, of items, against others, between groups or of all; of some of the labels."""
    some = rng.sample(list(labels), rng.randint(1, len(labels)))
    kind = rng.choice(["items", "others", "groups", "all"])
    found = {}
    for _ in range(rng.randint(0, 40)):
        given = rng.choices(some, k=rng.randint(1, rng.choice([2, 3, 6])))
        shape = rng.choice(["items", "others", "groups"]) if kind == "all" else kind
        if shape == "groups" and len(given) > 1:
            pattern = between_groups(given[:-1], given[-1:]) if rng.random() < 0.5 else between_groups(given[:2], given)
        else:
            pattern = item_pattern(given) if shape == "items" else against_others(given[0], given[1:])
        found[pattern] = rng.randint(1, rng.choice([3, 1000]))
    return found


@pytest.fixture(autouse=True)
def _few_are_stacked_too(monkeypatch):
    monkeypatch.setattr("detectors.agreement.FEWEST_SCOPES", 1)


@pytest.mark.parametrize("label_type", ["nominal", "ordinal", "interval", "ratio", "multilabel"])
def test_readings_of_many_scopes_equal_those_of_each_to_the_last_digit(label_type):
    rng = random.Random(label_type)
    stacked = alone = 0
    for labels in LABELS:
        for _ in range(ROUNDS):
            counts = [counter(rng, labels) for _ in range(rng.randint(1, 12))]
            scale = None
            q = len(labels)
            if label_type in {"ordinal", "interval", "ratio"}:
                # Now and then there is a label that the scale has not.
                declared = list(labels) if rng.random() < 0.9 else list(labels)[:-1]
                scale = Scale.of(label_type, declared, (), rng.choice(["quadratic", "linear", "ordinal"]))
            else:
                q = rng.choice([0, 2, q, q + 2])
            found = agreement_of_each(counts, label_type, q, scale)
            assert found == [agreement(each, label_type, q, scale) for each in counts]
            stack = Stack.of([each for each in counts if each], scale)
            regular = 0 if stack is None or label_type == "multilabel" else int(stack.regular(q).sum())
            stacked += regular
            alone += len(counts) - regular
    assert (stacked > 120) == (label_type != "multilabel")
    assert alone > 20


def test_a_scope_from_which_more_was_retracted_than_added_is_refused_among_others():
    counts = [{"a\x1fa": 2, "a\x1fb": 1}] * 3 + [{"a\x1fb": 5, "b\x1fb": -1}]
    with pytest.raises(ValueError, match="found -1 for pattern"):
        agreement_of_each(counts, "nominal", 2)


def test_a_scope_of_very_many_patterns_is_read_by_itself(monkeypatch):
    rng = random.Random(1)
    counts = [counter(rng, "abcde") for _ in range(20)]
    together = agreement_of_each(counts, "nominal", 5)
    seen = []

    def of(some, scale):
        seen.append(len(some))
        return stack_of(some, scale)

    stack_of = Stack.of
    monkeypatch.setattr(Stack, "of", of)
    monkeypatch.setattr("detectors.agreement.MOST_PATTERNS", 12)
    monkeypatch.setattr("detectors.agreement.MOST_ROWS", 30)
    assert agreement_of_each(counts, "nominal", 5) == together
    assert len(seen) > 1
    assert max(seen) < 10
    assert sum(seen) < 20


def test_what_would_be_too_long_is_read_one_by_one(monkeypatch):
    rng = random.Random(2)
    counts = [counter(rng, "abcde") for _ in range(20)]
    together = agreement_of_each(counts, "nominal", 5)
    monkeypatch.setattr("detectors.agreement.stack.BLOCK", 100)
    assert Stack.of(counts, None) is None
    assert agreement_of_each(counts, "nominal", 5) == together
