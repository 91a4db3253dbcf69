"""The row index misses nothing that was added, whatever the runs, and answers few rows that are not meant."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.store.index import ROW_BITS, RowIndex, checksums, entries, marks, merged

KEYS = st.tuples(st.sampled_from(["a", "b", ("a", "b")]), st.sampled_from(("a", "b", "a\x1fb", "", "abab")))
ADDITIONS = st.lists(st.lists(st.tuples(KEYS, st.integers(0, 50)), max_size=12), max_size=12)


@given(ADDITIONS, st.lists(KEYS | st.just(("c", "a")), max_size=6))
def test_it_answers_what_a_dictionary_answers(additions, keys):
    index, rows = RowIndex(), {}
    for addition in additions:
        index.add(entries(checksums(key for key, _ in addition), [row for _, row in addition]))
        for key, row in addition:
            rows.setdefault(key, set()).add(row)
    assert index.find(keys) == sorted(set().union(*(rows.get(key, ()) for key in keys)))
    assert index.may_hold(keys) == [key in rows for key in keys]


@given(ADDITIONS)
def test_one_merged_run_answers_what_many_do(additions):
    runs = [entries(checksums(key for key, _ in addition), [row for _, row in addition]) for addition in additions]
    many = RowIndex()
    for run in runs:
        many.add(run)
    keys = {key for addition in additions for key, _ in addition}
    assert RowIndex(merged(runs)).find(keys) == many.find(keys) == sorted({row for a in additions for _, row in a})


def test_among_many_rows_it_misses_none_and_answers_few_that_are_not_meant():
    chance = random.Random(1)
    keys = [("project", f"{chance.getrandbits(64):x}") for _ in range(200_000)]
    index, begin = RowIndex(), 0
    while begin < len(keys):
        end = min(begin + chance.randrange(1, 3000), len(keys))
        index.add(entries(checksums(keys[begin:end]), range(begin, end)))
        begin = end
    wanted = chance.sample(range(len(keys)), 2000)
    found = index.find(keys[row] for row in wanted)
    assert set(wanted) <= set(found)
    assert len(found) - len(wanted) < 20  # 2,000 look-ups among 200,000 of 2**28 checksums: 1.5 expected
    others = [("project", f"{number}") for number in range(20_000)]
    assert sum(index.may_hold(others)) == len(index.find(others)) < 50  # 15 expected


def test_runs_are_few_and_an_entry_takes_eight_bytes():
    index = RowIndex()
    for chunk in range(500):
        index.add(entries(checksums((f"{chunk}", f"{n}") for n in range(100)), range(chunk * 100, chunk * 100 + 100)))
    assert sum(run.nbytes for run in index._runs) == 500 * 100 * 8
    assert len(index._runs) <= 7  # each is more than four times as long as the next: log4 of 500, and one


@pytest.mark.parametrize("key", [("", ""), ("a", "b"), (("p", "t"), "ключ"), ("\U0001f600", "x" * 10_000)])
@pytest.mark.parametrize("row", [0, 1, 2**32, 2**ROW_BITS - 1])
def test_the_largest_row_and_any_checksum_are_found(key, row):
    index = RowIndex()
    index.add(entries(checksums([key]), [row]))
    assert index.find([key, ("p", "another")]) == [row]


def test_the_highest_and_the_lowest_checksum_are_found(monkeypatch):
    """Where the checksum's bits are all ones, the entry after the last is no number of 64 bits."""
    for checksum in (0, 2**32 - 1):
        monkeypatch.setattr("streams.store.index.zlib.crc32", lambda *_, checksum=checksum: checksum)
        index = RowIndex()
        index.add(entries(checksums([("p", "key")] * 2), [3, 2**ROW_BITS - 1]))
        assert index.find([("p", "key")]) == [3, 2**ROW_BITS - 1]
        assert index.may_hold([("p", "key")]) == [True]


def test_the_rows_above_one():
    index = RowIndex()
    for begin in range(0, 100, 7):
        index.add(
            entries(checksums(("p", f"key {row % 5}") for row in range(begin, begin + 7)), range(begin, begin + 7))
        )
    late = RowIndex(index.after(60))
    assert late.find([("p", "key 3")]) == [row for row in range(61, 105) if row % 5 == 3]
    assert len(index.after(104)) == 0


def test_marks_say_which_keys_there_are():
    index = RowIndex()
    index.add(marks([("p", "a"), ("p", "b"), ("p", "a")]))
    assert index.may_hold([("p", "b"), ("p", "c"), ("p", "a"), ("q", "a")]) == [True, False, True, False]


def test_nothing_is_found_in_nothing():
    assert RowIndex().find([("p", "a")]) == RowIndex(merged([])).find([("p", "a")]) == []
    assert RowIndex().may_hold([("p", "a")]) == RowIndex(np.empty(0, np.uint64)).may_hold([("p", "a")]) == [False]
    assert RowIndex(merged([])).find([]) == []
