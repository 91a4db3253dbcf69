"""What a scope holds; its laws are those of every statistic (tests/laws)."""

from __future__ import annotations

from detectors.item import Addition, Share
from detectors.scope import Scope, Tally

YES: Share = ("nominal", 2, 1, 2, 1, "no\x1fyes")
SCORE: Share = ("interval", 1, 0, 0, 0, None)
ADDITION: Addition = (3, 1, 1, (YES, SCORE))


def test_an_item_is_counted_once_a_label_type() -> None:
    scope = Scope()
    scope.update(ADDITION)
    scope.update(ADDITION)
    assert scope.state() == (
        6,
        2,
        2,
        {"nominal": (4, 2, 4, 2, {"no\x1fyes": 2}, {}), "interval": (2, 0, 0, 0, {}, {})},
    )


def test_a_label_type_without_labels_leaves_no_trace() -> None:
    scope = Scope()
    scope.update(ADDITION)
    scope.update((1, 1, 0, (SCORE,)), -1)
    assert scope.state() == (2, 0, 1, {"nominal": (2, 1, 2, 1, {"no\x1fyes": 1}, {})})
    assert not scope.empty


def test_empty_is_what_was_taken_back_completely() -> None:
    scope = Scope()
    assert scope.empty
    for weight in (1, 2, -3):
        assert scope.empty == (weight == 1)
        scope.update(ADDITION, weight)
    assert scope.empty
    assert scope == Scope()


def test_unfit_labels_alone_are_not_nothing() -> None:
    scope = Scope()
    scope.update((0, 0, 1, ()))
    assert not scope.empty


def test_merging_adds_and_takes_away() -> None:
    one, other = Scope(), Scope()
    one.update(ADDITION)
    other.update((1, 1, 0, (SCORE,)))
    one.merge(other)
    assert one.state()[3]["interval"] == (2, 0, 0, 0, {}, {})
    one.merge(other, -1)
    one.merge(one.copy(), -1)
    assert one == Scope()


def test_a_scope_equals_only_its_like() -> None:
    assert Scope() != Tally()
    assert Tally() != Scope()
    assert Tally(1) != Tally(2)


def test_what_is_given_to_a_scope_stays_the_givers() -> None:
    patterns = {"yes": 1}
    tallies = {"nominal": Tally(1, 0, 0, 0, patterns)}
    Scope(3, 1, 0, tallies).update((1, 1, 0, (YES, SCORE)))
    assert patterns == {"yes": 1}
    assert list(tallies) == ["nominal"]
