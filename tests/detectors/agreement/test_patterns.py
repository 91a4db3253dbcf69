import pytest

from detectors.agreement import PatternCounts, agreement, pair_agreement


def test_counts_that_reach_zero_leave_no_trace():
    state = PatternCounts()
    state.update("a\x1fb", 2)
    state.update("a\x1fb", -2)
    assert state.counts == {}
    assert state == PatternCounts({"a": 0})


def test_a_state_merged_with_itself_is_doubled():
    state = PatternCounts({"a": 1, "b": 2})
    state.merge(state)
    assert state == PatternCounts({"a": 2, "b": 4})
    state.merge(state, -1)
    assert state == PatternCounts()


def test_a_copy_shares_nothing():
    state = PatternCounts({"a": 1})
    state.copy().update("a")
    assert state.counts == {"a": 1}


def test_only_pattern_counts_are_equal_to_pattern_counts():
    assert PatternCounts({"a": 1}) != {"a": 1}
    assert PatternCounts({"a": 1}) != PatternCounts({"a": 2})


def test_a_state_that_changes_has_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(PatternCounts())


@pytest.mark.parametrize("read", [lambda counts: agreement(counts, "nominal", 2), pair_agreement])
def test_more_retracted_than_added_cannot_be_read(read):
    with pytest.raises(ValueError, match=r"expected counts above 0, found -1 for .*'a\\x1fb'.*retracted"):
        read({"a\x1fa": 3, "a\x1fb": -1})
