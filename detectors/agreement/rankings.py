"""How all annotators of a task rank its items: coefficients over the items that each of them labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Final, NamedTuple

import numpy as np

from detectors.agreement.arrays import Integers
from detectors.agreement.coefficient import Estimate
from detectors.agreement.confusions import Cells
from detectors.agreement.patterns import BY_SIZE, both
from detectors.agreement.scale import Scale
from detectors.reading import Reading
from detectors.reasons import (
    MANY_ANNOTATORS,
    NO_ORDER,
    NO_RANKING,
    NO_VARIATION,
    NOT_AVAILABLE,
    ONE_ANNOTATOR,
    TOO_MUCH,
)

MOST_ANNOTATORS: Final = 50
"""Of items with more labels no pairs are kept (`detectors.item.MOST_PAIRED`)."""

MOST_COMPARED: Final = 16_000_000
"""Pairs of different labels, times pairs of annotators: of two 4,000 labels, of fifty 114. So a reading takes seconds at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Rankings:
    """How annotators rank the items that all of them labelled; there are at least two of either.

    Places are those of the labels that they gave, in order, from 0. A cell is a place of one annotator with a place of
    another, where both put some item; those of a pair of annotators follow each other.
    """

    items: int
    ranks: Integers
    """By annotator and place: twice the rank from 1 of the items there, tied ones at the mean of theirs. An integer."""
    counts: Integers
    """By annotator and place: how many items are there."""
    pairs: Integers
    """By pair: the two annotators, by number."""
    pair: Integers
    """By cell: its pair."""
    first: Integers
    """By cell: the place that the first annotator of the pair put its items to."""
    second: Integers
    """By cell: that of the second."""
    count: Integers
    """By cell: how many items."""

    @classmethod
    def of(cls, confusions: Mapping[tuple[int, int], Mapping[str, int]], annotators: int, scale: Scale) -> Rankings:
        r"""From the confusions of each two annotators on the same items, counters of `pair_pattern`.

        >>> confusion = {"a\x1fa": 1, "c\x1fa": 1, "c\x1fb": 2}
        >>> Rankings.of({(0, 1): confusion}, 2, Scale.of("ordinal", "abcd")).ranks
        array([[2, 3, 6],
               [3, 7, 9]])
        """
        return cls.of_cells(Cells.of([*confusions.values()]), [*confusions], annotators, scale)

    @classmethod
    def of_cells(cls, cells: Cells, pairs: Sequence[tuple[int, int]], annotators: int, scale: Scale) -> Rankings:
        """The same, of counters that were read already."""
        given = list(map(both, cells.patterns))
        place = {
            label: n for n, label in enumerate(sorted(set(chain.from_iterable(given)), key=scale.rank.__getitem__))
        }
        first, second = np.array([[place[a], place[b]] for a, b in given], np.int64)[cells.pattern].T
        one, other = np.array(pairs, np.int64)[cells.pair].T
        counts = np.zeros((annotators, len(place)), np.int64)
        # Any one pair of an annotator tells how many items are where: that with the last, and of the last with the first.
        last = other == annotators - 1
        np.add.at(counts, (one[last], first[last]), cells.count[last])
        last &= one == 0
        np.add.at(counts, (other[last], second[last]), cells.count[last])
        ranks = 2 * counts.cumsum(axis=1) - counts + 1
        return cls(
            int(counts[0].sum()), ranks, counts, np.array(pairs, np.int64), cells.pair, first, second, cells.count
        )


class RankingCoefficient(NamedTuple):
    """A coefficient of all annotators' rankings: its name, its lower bound, and its estimate.

    An estimate with no degrees of freedom has no interval; None is one where nothing varies that must.
    """

    name: str
    lowest: float
    estimate: Callable[[Rankings], Estimate | None]

    def reading(self, rankings: Rankings | Reading) -> Reading:
        """The coefficient with its interval; what is undefined for all of them is so for each."""
        if isinstance(rankings, Reading):
            return rankings
        estimate = self.estimate(rankings)
        if estimate is None:
            return Reading.undefined(rankings.items, NO_VARIATION)
        return estimate.reading(rankings.items, self.lowest)


def rankings_of(
    pairs: Mapping[tuple[str, str, str], Mapping[str, int]],
    annotators: Sequence[str],
    label_type: str,
    scale: Scale | None,
) -> Rankings | Reading:
    """The rankings of these annotators, or the reading that says why there are none.

    `pairs` are counters of `detectors.agreement.patterns.sized_pattern`, by label type and two annotators, the one with
    the smaller id first. Items with as many labels as there are annotators are those that all of them labelled.
    """
    if label_type not in BY_SIZE:
        return Reading.undefined(0, NOT_AVAILABLE)
    if len(annotators) < 2:
        return Reading.undefined(0, ONE_ANNOTATOR)
    if len(annotators) > MOST_ANNOTATORS:
        return Reading.undefined(0, MANY_ANNOTATORS)
    names = sorted(annotators)
    confusions = [pairs.get((label_type, first, second), {}) for first, second in combinations(names, 2)]
    # Mostly nobody labelled all of the items, which the first pair tells.
    for some in (confusions[:1], confusions):
        cells = Cells.of(some).sized(len(names))
        _check(cells, names)
        short = np.flatnonzero(cells.items < 2)
        if len(short):
            return Reading.undefined(int(cells.items[short[0]]), NO_RANKING)
    items = int(cells.items[0])
    labels = set(chain.from_iterable(map(both, cells.patterns)))
    # Seldom: an old configuration had labels that this one has not.
    held = None if scale is None else scale.holding(labels)
    if held is None:
        return Reading.undefined(items, NO_ORDER)
    if len(labels) ** 2 * cells.pairs > MOST_COMPARED:
        return Reading.undefined(items, TOO_MUCH)
    return Rankings.of_cells(cells, list(combinations(range(len(names)), 2)), len(names), held)


def _check(cells: Cells, names: Sequence[str]) -> None:
    if cells.count.min(initial=0) < 0:
        cell = int(cells.count.argmin())
        pattern, count = cells.patterns[cells.pattern[cell]], int(cells.count[cell])
        first, second = list(combinations(names, 2))[cells.pair[cell]]
        raise ValueError(
            f"expected counts above 0, found {count} for pair {pattern!r} of {first!r} and {second!r}: more was "
            "retracted than added"
        )
