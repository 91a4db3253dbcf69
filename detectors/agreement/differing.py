"""The pairs of different labels of each row of a table."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.agreement.arrays import Floats, Integers


class DifferingPairs(NamedTuple):
    """By unordered pair of different labels that some row shows."""

    row: Integers
    """The row."""
    first: Integers
    second: Integers
    """The two labels."""
    part: Floats
    """The pair's share of all the pairs of its row."""


def differing_pairs(row: Integers, label: Integers, own: Integers, pairs: Integers | Floats) -> DifferingPairs:
    """All of them; `row`, `label` and `own` are what a `Table` decodes, `pairs` is by row."""
    mine = np.zeros(len(row), np.bool_)
    mine[own] = True
    against = np.zeros(len(pairs), np.bool_)
    against[row[own]] = True
    # Equal labels of a row are neighbours, for patterns are sorted; an annotator's own is apart from the others.
    begins = np.ones(len(row), np.bool_)
    begins[1:] = (row[1:] != row[:-1]) | (label[1:] != label[:-1]) | mine[:-1]
    start = np.flatnonzero(begins)
    times = np.diff(start, append=len(row))
    run_row, run_label, run_own = row[start], label[start], mine[start]
    place = np.arange(len(start))
    behind = np.cumsum(np.bincount(run_row, minlength=len(pairs)))[run_row] - place - 1
    behind[against[run_row] & ~run_own] = 0
    one = np.repeat(place, behind)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(behind) - behind, behind)
    different = run_label[one] != run_label[other]
    one, other = one[different], other[different]
    both = run_row[one]
    count = np.where(against[both], times[other], 2 * times[one] * times[other])
    return DifferingPairs(both, run_label[one], run_label[other], count / pairs[both])
