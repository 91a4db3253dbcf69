"""The pairs of different labels of each row of a table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.agreement.arrays import Booleans, Floats, Integers


class DifferingPairs(NamedTuple):
    """By unordered pair of different labels that some row shows."""

    row: Integers
    """The row."""
    first: Integers
    second: Integers
    """The two labels."""
    part: Floats
    """The pair's share of all the pairs of its row."""


def differing_pairs(row: Integers, label: Integers, other: Booleans, pairs: Integers | Floats) -> DifferingPairs:
    """All of them; `row`, `label` and `other` are what a `Table` decodes, `pairs` is by row."""
    # Equal labels of a row are neighbours, for patterns are sorted; those of another group are apart from the others.
    begins = np.ones(len(row), np.bool_)
    begins[1:] = (row[1:] != row[:-1]) | (label[1:] != label[:-1]) | (other[1:] != other[:-1])
    start = np.flatnonzero(begins)
    times = np.diff(start, append=len(row))
    run_row, run_label, run_other = row[start], label[start], other[start]
    # Each run meets all that come after it in its row, but one of a group those of the other group alone.
    written = np.bincount(run_row, minlength=len(pairs))
    others = np.bincount(run_row[run_other], minlength=len(pairs))
    place, end = np.arange(len(start)), np.cumsum(written)
    grouped = (others > 0)[run_row]
    meets = np.where(grouped, (end - others)[run_row], place + 1)
    met = np.where(run_other, 0, end[run_row] - meets)
    one = np.repeat(place, met)
    two = np.repeat(meets, met) + np.arange(len(one)) - np.repeat(np.cumsum(met) - met, met)
    different = run_label[one] != run_label[two]
    one, two = one[different], two[different]
    both = run_row[one]
    count = np.where(grouped[one], 1, 2) * times[one] * times[two]
    return DifferingPairs(both, run_label[one], run_label[two], count / pairs[both])
