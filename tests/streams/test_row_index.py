"""The row index misses nothing that was added, whatever the runs, and answers few rows that are not meant."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.store.index import ROW_BITS, RowIndex, entries, marks, merged

ADDITIONS = st.lists(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 50)), max_size=12), max_size=12)


@given(ADDITIONS, st.lists(st.sampled_from("abcdefghijk"), max_size=6))
def test_it_answers_what_a_dictionary_answers(additions, keys):
    index, rows = RowIndex(), {}
    for addition in additions:
        index.add(entries([key for key, _ in addition], [row for _, row in addition]))
        for key, row in addition:
            rows.setdefault(key, set()).add(row)
    assert index.find(keys) == sorted(set().union(*(rows.get(key, ()) for key in keys)))
    assert index.may_hold(keys) == [key in rows for key in keys]


@given(ADDITIONS)
def test_one_merged_run_answers_what_many_do(additions):
    runs = [entries([key for key, _ in addition], [row for _, row in addition]) for addition in additions]
    many = RowIndex()
    for run in runs:
        many.add(run)
    assert RowIndex(merged(runs)).find("abcdefgh") == many.find("abcdefgh")


def test_among_many_rows_it_misses_none_and_answers_few_that_are_not_meant():
    chance = random.Random(1)
    keys = [f"project\x1f{chance.getrandbits(64):x}" for _ in range(200_000)]
    index, begin = RowIndex(), 0
    while begin < len(keys):
        end = min(begin + chance.randrange(1, 3000), len(keys))
        index.add(entries(keys[begin:end], range(begin, end)))
        begin = end
    wanted = chance.sample(range(len(keys)), 2000)
    found = index.find(keys[row] for row in wanted)
    assert set(wanted) <= set(found)
    assert len(found) - len(wanted) < 20  # 2,000 look-ups among 200,000 of 2**28 checksums: 1.5 expected
    others = [f"project\x1f{number}" for number in range(20_000)]
    assert sum(index.may_hold(others)) == len(index.find(others)) < 50  # 15 expected


def test_runs_are_few_and_an_entry_takes_eight_bytes():
    index = RowIndex()
    for chunk in range(500):
        index.add(entries((f"{chunk} {n}" for n in range(100)), range(chunk * 100, chunk * 100 + 100)))
    assert sum(run.nbytes for run in index._runs) == 500 * 100 * 8
    assert len(index._runs) <= 7  # each is more than four times as long as the next: log4 of 500, and one


@pytest.mark.parametrize("key", ["", "a", "ключ", "\U0001f600", "x" * 10_000])
@pytest.mark.parametrize("row", [0, 1, 2**32, 2**ROW_BITS - 1])
def test_the_largest_row_and_any_checksum_are_found(key, row):
    index = RowIndex()
    index.add(entries([key], [row]))
    assert index.find([key, "another"]) == [row]


def test_the_highest_and_the_lowest_checksum_are_found(monkeypatch):
    """Where the checksum's bits are all ones, the entry after the last is no number of 64 bits."""
    for checksum in (0, 2**32 - 1):
        monkeypatch.setattr("streams.store.index.zlib.crc32", lambda _, checksum=checksum: checksum)
        index = RowIndex()
        index.add(entries(["key", "key"], [3, 2**ROW_BITS - 1]))
        assert index.find(["key"]) == [3, 2**ROW_BITS - 1]
        assert index.may_hold(["key"]) == [True]


def test_the_rows_above_one():
    index = RowIndex()
    for begin in range(0, 100, 7):
        index.add(entries((f"key {row % 5}" for row in range(begin, begin + 7)), range(begin, begin + 7)))
    late = RowIndex(index.after(60))
    assert late.find(["key 3"]) == [row for row in range(61, 105) if row % 5 == 3]
    assert len(index.after(104)) == 0


def test_marks_say_which_keys_there_are():
    index = RowIndex()
    index.add(marks(["a", "b", "a"]))
    assert index.may_hold(["b", "c", "a"]) == [True, False, True]


def test_nothing_is_found_in_nothing():
    assert RowIndex().find(["a"]) == RowIndex(merged([])).find(["a"]) == []
    assert RowIndex().may_hold(["a"]) == RowIndex(np.empty(0, np.uint64)).may_hold(["a"]) == [False]
    assert RowIndex(merged([])).find([]) == []
