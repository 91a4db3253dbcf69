"""Which boxes of several annotators show the same object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from detectors.agreement.arrays import Integers

SMALL: Final = 256
"""Cells of a table that is assigned as it is: in a larger one most candidates have no rival."""


def assign(overlap: Integers, least: int) -> tuple[Integers, Integers]:
    """Rows and columns of the assignment with the largest sum, in which nothing below `least` is paired.

    >>> rows, columns = assign(np.array([[90, 80], [70, 20]]), 50)
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [1, 0])
    """
    gain = np.where(overlap >= least, overlap, 0)
    if gain.size <= SMALL:
        return _assigned(gain)
    rows, columns = gain.nonzero()
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(columns)[columns] == 1)
    some, others = np.unique(rows[~alone]), np.unique(columns[~alone])
    chosen = _assigned(gain[np.ix_(some, others)])
    return np.concatenate((rows[alone], some[chosen[0]])), np.concatenate((columns[alone], others[chosen[1]]))


def _assigned(gain: Integers) -> tuple[Integers, Integers]:
    rows, columns = linear_sum_assignment(gain.astype(np.float64), maximize=True)
    kept = gain[rows, columns] > 0
    return rows[kept], columns[kept]


class Matches(NamedTuple):
    """Pairs of boxes of two annotators each: the boxes of the earlier annotator, those of the later one."""

    one: Integers
    other: Integers


def match_pairs(overlap: Integers, owner: Integers, annotators: Sequence[slice], least: int) -> Matches:
    """Each two annotators' boxes matched: the assignment with the largest sum of overlaps, none below `least`.

    Nearly always a box overlaps one box of another annotator, and that one no other of the first: where all are so, two
    annotators' boxes are matched at once. Only where candidates have rivals, there is something to assign.
    """
    one, other = np.nonzero((overlap >= least) & (owner[:, None] < owner))
    count = len(annotators)
    towards, back = one * count + owner[other], other * count + owner[one]
    length = len(owner) * count
    rivals = (np.bincount(towards, minlength=length)[towards] > 1) | (np.bincount(back, minlength=length)[back] > 1)
    pair = owner[one] * count + owner[other]
    disputed = np.zeros(count * count, np.bool_)
    disputed[pair[rivals]] = True
    clear = ~disputed[pair]
    found = [(one[clear], other[clear])]
    for number in np.flatnonzero(disputed).tolist():
        rows, columns = annotators[number // count], annotators[number % count]
        chosen = assign(overlap[rows, columns], least)
        found.append((rows.start + chosen[0], columns.start + chosen[1]))
    return Matches(np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found]))


class Units(NamedTuple):
    """The objects that the annotators of an item saw."""

    unit: Integers
    """By box: the unit that it is in."""
    within: Integers
    """By box: the sum of its overlaps with the others of its unit."""
    n: int


def find_units(overlap: Integers, annotators: Sequence[slice], least: int) -> Units:
    """The units over all annotators, in their order.

    Each one's boxes are matched to the open units by the mean of their overlaps with the boxes in the unit (the
    assignment with the largest sum, none below `least`); the rest open new units.
    """
    boxes = len(overlap)
    unit = np.zeros(boxes, np.int64)
    sums = np.zeros_like(overlap)
    members: NDArray[np.int64] = np.zeros(boxes, np.int64)
    count = 0
    for own in annotators:
        if own.start == own.stop:
            continue
        held = members[:count, None]
        mean = (sums[:count, own] + held // 2) // np.maximum(held, 1)
        units, columns = assign(mean, least) if count else (unit[:0], unit[:0])
        placed = np.full(own.stop - own.start, -1)
        placed[columns] = units
        fresh = np.flatnonzero(placed < 0)
        placed[fresh] = np.arange(count, count + len(fresh))
        count += len(fresh)
        unit[own] = placed
        members[placed] += 1
        sums[placed] += overlap[own]
    return Units(unit, sums[unit, np.arange(boxes)], count)
