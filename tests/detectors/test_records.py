"""The record of an annotation is a function of the set of its deliveries and withdrawals."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.records import FOREVER, MOST_DELIVERIES, AnnotationRecord, precedes
from streams.events import Annotation, Retraction
from tests.made_events import annotation, at, context, gold, retraction, review

Operation = Annotation | Retraction


def record_of(operations: Iterable[Operation]) -> AnnotationRecord:
    record = AnnotationRecord(("p", "a"))
    for operation in operations:
        if isinstance(operation, Retraction):
            record.withdraw(operation.revision, operation.at)
        else:
            record.deliver(operation)
    return record


def state(record: AnnotationRecord) -> tuple[object, ...]:
    event = None if record.event is None else record.event.canonical()
    return event, [delivery.canonical() for delivery in record.earlier], record.withdrawn


def order(event: Annotation) -> tuple[int, int, str, bytes]:
    return event.revision, event.at, event.id, event.canonical()


deliveries = st.builds(
    annotation,
    st.sampled_from(["ann", "bob"]),
    st.just("i1"),
    st.sampled_from(["yes", "no", 1, 1.0]),
    st.integers(0, 2),
    id=st.sampled_from(["e1", "e2"]),
    annotation=st.just("a"),
    revision=st.integers(0, 2),
)
withdrawals = st.builds(retraction, st.just("a"), st.integers(0, 3), st.sampled_from([None, 0, 1, 2]), id=st.just("r1"))


@settings(max_examples=80)
@given(st.lists(st.one_of(deliveries, deliveries, withdrawals), max_size=12), st.integers(0, 1000))
def test_any_order_with_any_duplicates_gives_the_same_record(operations: list[Operation], seed: int) -> None:
    chance = Random(seed)
    again = [*operations, *(operation for operation in operations if chance.random() < 0.4)]
    chance.shuffle(again)
    assert state(record_of(again)) == state(record_of(operations))


@settings(max_examples=80)
@given(st.lists(st.one_of(deliveries, deliveries, withdrawals), max_size=12))
def test_a_record_follows_the_words_of_the_contract(operations: list[Operation]) -> None:
    record = record_of(operations)
    distinct = {event.canonical(): event for event in operations if isinstance(event, Annotation)}
    held = sorted(distinct.values(), key=order)
    retractions = [operation for operation in operations if isinstance(operation, Retraction)]
    if not held:
        assert record.event is record.first is None
        assert not record.in_force
        return
    assert record.event is not None
    assert record.first is not None
    assert record.event.canonical() == held[-1].canonical()
    assert record.first.canonical() == held[0].canonical()
    assert record.edits == len(held) - 1
    highest = (held[-1].revision, held[-1].at)
    assert record.in_force == (
        all(each.revision is not None and highest > (each.revision, each.at) for each in retractions)
    )


def test_the_number_of_a_delivery_goes_before_its_time_and_its_time_before_its_id() -> None:
    low = annotation("ann", "i1", "a", 9, id="e9", revision=0)
    middle = annotation("ann", "i1", "b", 1, id="e8", revision=1)
    high = annotation("ann", "i1", "c", 2, id="e1", revision=1)
    highest = annotation("ann", "i1", "d", 2, id="e2", revision=1)
    for sent in permutations([low, middle, high, highest]):
        record = record_of(sent)
        assert record.event is highest
        assert record.earlier == (low, middle, high)


def test_ties_are_broken_by_canonical_bytes() -> None:
    one, other = (annotation("ann", "i1", label, id="e1") for label in ("a", "b"))
    assert one.canonical() < other.canonical()
    assert record_of([one, other]).event is other
    assert record_of([other, one]).event is other


def test_another_spelling_of_the_same_content_changes_nothing() -> None:
    record = record_of([annotation("ann", "i1", 1, id="e1")])
    assert record.deliver(annotation("ann", "i1", 1.0, id="e1", annotation="e1")) == (False, False)
    assert record.deliver(annotation("ann", "i1", 2, id="e1")) == (True, True)
    assert record.deliver(annotation("ann", "i1", 1.0, id="e1")) == (False, False)
    assert record.edits == 1


def test_a_lower_delivery_is_kept_but_does_not_count() -> None:
    record = record_of([annotation("ann", "i1", "b", 5, id="e2")])
    first = annotation("ann", "i1", "a", 1, id="e1")
    assert record.deliver(first) == (False, True)
    assert record.first is first
    assert record.event is not first


@pytest.mark.parametrize("before", [True, False])
def test_a_retraction_without_a_revision_is_final_whatever_its_time(before: bool) -> None:
    late = annotation("ann", "i1", "a", 1000, revision=7)
    early = retraction("ann-i1", 0)
    record = record_of([early, late] if before else [late, early])
    assert not record.in_force
    assert record.withdrawn == FOREVER
    record.deliver(annotation("ann", "i1", "a", 2000, revision=2**63 - 1))
    assert not record.in_force


def test_a_retraction_with_a_revision_withdraws_what_is_not_higher_by_revision_and_time() -> None:
    record = record_of([annotation("ann", "i1", "a", 10, revision=1)])
    assert record.withdraw(1, at(9))
    assert record.in_force, "the delivery is later"
    assert record.withdraw(1, at(10))
    assert not record.in_force, "the delivery is not higher"
    record.deliver(annotation("ann", "i1", "a", 11, revision=1))
    assert record.in_force, "a tool may bring an annotation back"
    assert record.withdraw(2, at(0))
    assert not record.in_force, "the revision goes before the time"
    assert not record.withdraw(1, at(99)), "a lower one changes nothing"
    record.deliver(annotation("ann", "i1", "a", 0, id="e3", revision=3))
    assert record.in_force


def test_a_withdrawal_alone_is_a_record_without_an_event() -> None:
    record = record_of([retraction("a", 0)])
    assert (record.event, record.first, record.edits, record.in_force) == (None, None, 0, False)


def many(annotators: int, each: int) -> list[Annotation]:
    return [
        annotation(f"n{annotator}", "i1", "x", seconds, id=f"e{annotator}-{seconds}", annotation="a")
        for seconds in range(each)
        for annotator in range(annotators)
    ]


@pytest.mark.parametrize(("annotators", "each"), [(1, 300), (3, 120), (40, 8), (70, 4)])
def test_of_very_many_deliveries_a_bounded_part_is_kept_whatever_their_order(annotators: int, each: int) -> None:
    """The highest, the lowest, and each annotator's highest and lowest, which an erasure of the others would show."""
    sent = many(annotators, each)
    expected = record_of(sent)
    kept = [*expected.earlier, expected.event]
    assert len(kept) == max(0, 100 - 3 * annotators) + 2 * annotators
    assert MOST_DELIVERIES == 100
    assert (expected.first, expected.event) == (min(sent, key=order), max(sent, key=order))
    for annotator in range(annotators):
        own = [event for event in sent if event.annotator == f"n{annotator}"]
        assert own[0] in kept
        assert own[-1] in kept
    chance = Random(annotators)
    for _ in range(5):
        chance.shuffle(sent)
        assert state(record_of(sent)) == state(expected)
    assert expected.deliver(sent[0])[0] is False
    assert state(expected) == state(record_of(many(annotators, each))), "what was dropped comes again for nothing"


def test_of_very_many_deliveries_each_annotators_latest_in_time_stays_whatever_their_revisions() -> None:
    """By it a recomputation finds how far the annotator has come, whatever the order of the deliveries."""
    sent = [
        annotation(
            f"n{number % 3}", "i1", "x", 40_000 - (number - 200) ** 2, id=f"e{number}", annotation="a", revision=number
        )
        for number in range(300)
    ]
    latest = {event.annotator: event for event in sorted(sent, key=lambda event: event.at)}
    expected = state(record_of(sent))
    chance = Random(8)
    for _ in range(5):
        record = record_of(sent)
        assert state(record) == expected
        assert len(record.deliveries()) == MOST_DELIVERIES
        assert all(event in record.deliveries() for event in latest.values())
        assert {event.revision for event in latest.values()} == {199, 200, 201}
        chance.shuffle(sent)


def test_what_is_kept_of_very_many_does_not_depend_on_when_the_latest_became_the_highest() -> None:
    times = [1000 - abs(number - 110) for number in range(120)] + [5000]
    sent = [annotation("n", "i1", "x", at, id=f"e{n}", annotation="a", revision=n) for n, at in enumerate(times)]
    expected = state(record_of(sent))
    chance = Random(1)
    for _ in range(20):
        chance.shuffle(sent)
        assert state(record_of(sent)) == expected


@settings(max_examples=60)
@given(st.lists(deliveries, max_size=10))
def test_a_forgotten_annotator_leaves_the_record_of_the_others(sent: list[Annotation]) -> None:
    record = record_of(sent)
    record.forget("ann")
    assert state(record) == state(record_of([event for event in sent if event.annotator != "ann"]))


def test_forgetting_keeps_the_withdrawal() -> None:
    record = record_of([annotation("ann", "i1", "a", id="e1"), retraction("a", 1)])
    record.forget("ann")
    assert (record.event, record.withdrawn) == (None, FOREVER)


def test_gold_reviews_and_contexts_have_the_same_order() -> None:
    assert precedes(gold("i1", "a", seconds=9), gold("i1", "a", version=1))
    assert precedes(gold("i1", "a"), gold("i1", "a", seconds=1))
    assert precedes(gold("i1", "a"), gold("i1", "b"))
    assert precedes(review("a", "rita", 9), review("a", "rita", revision=1))
    assert precedes(context("c", 1), context("c", 2))
    assert precedes(context("c", value="v2"), context("c", value="v3"))
    same = gold("i1", "a")
    assert not precedes(same, gold("i1", "a"))
