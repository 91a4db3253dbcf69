"""What memory holds of the rows with a key."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.shelf import Shelf


def test_what_is_not_held_is_missing_unless_the_shelf_is_complete() -> None:
    shelf: Shelf[str, int] = Shelf()
    shelf.rows["a"] = 1
    assert shelf.missing(["a", "b", "b"]) == {"b"}
    shelf.complete = True
    assert shelf.missing(["a", "b"]) == set()


def test_below_its_capacity_a_shelf_stays_as_it_is() -> None:
    shelf: Shelf[str, int] = Shelf()
    shelf.rows.update(a=1, b=2)
    shelf.complete = True
    assert shelf.trim(2, ["a"]) == []
    assert list(shelf.rows) == ["a", "b"]
    assert shelf.complete


def test_the_least_recently_used_rows_go_and_then_the_shelf_is_not_complete() -> None:
    shelf: Shelf[str, int] = Shelf()
    shelf.rows.update(a=1, b=2, c=3, d=4)
    shelf.complete = True
    assert shelf.trim(2, ["a", "x"]) == [("b", 2), ("c", 3)]
    assert list(shelf.rows) == ["d", "a"]
    assert not shelf.complete
    assert shelf.missing(["b", "a"]) == {"b"}


@settings(max_examples=50)
@given(st.integers(1, 5), st.lists(st.sets(st.integers(0, 8), max_size=5), max_size=8))
def test_what_was_just_used_stays_as_far_as_it_fits(capacity: int, uses: list[set[int]]) -> None:
    shelf: Shelf[int, int] = Shelf()
    held: set[int] = set()
    for used in uses:
        shelf.rows.update((key, key) for key in used)
        held |= used
        dropped = {key for key, _ in shelf.trim(capacity, used)}
        assert set(shelf.rows) == held - dropped
        assert len(shelf.rows) == min(capacity, len(held))
        assert len(used & shelf.rows.keys()) == min(capacity, len(used))
        held -= dropped
