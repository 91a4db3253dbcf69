"""The confusion matrices of many pairs of annotators, so that their kappas are computed together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np

from detectors.agreement.arrays import Booleans, Floats, Integers, in_order, sums
from detectors.agreement.numbering import numbered
from detectors.agreement.patterns import both, pair_pattern, size_of

MOST_LABELS: Final = 16
"""Matrices are dense here: pairs with more labels are read one by one."""

MOST_PAIRS: Final = 1000
"""As many are read together: what that takes in memory is bounded."""

EXACT: Final = 2**53
"""Integers below are exact as floats."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The confusions of many pairs, cell after cell, those of a pair in the order of their patterns."""

    pairs: int
    """How many there are."""
    patterns: Sequence[str]
    """All of them, in order: of `detectors.agreement.patterns.pair_pattern`, or of `sized_pattern`."""
    pair: Integers
    """By cell: its pair."""
    pattern: Integers
    """By cell: the number of its pattern."""
    count: Integers
    """By cell: how many items."""

    @classmethod
    def of(cls, counters: Sequence[Mapping[str, int]]) -> Self:
        """Those of some counters, one of each pair."""
        lengths = list(map(len, counters))
        pattern, patterns = numbered(chain.from_iterable(counters), sum(lengths))
        count = np.fromiter(chain.from_iterable([held.values() for held in counters]), np.int64, sum(lengths))
        pair = np.repeat(np.arange(len(counters)), lengths)
        order = np.argsort(pair * len(patterns) + pattern, kind="stable")
        return cls(len(counters), patterns, pair, pattern[order], count[order])

    @property
    def items(self) -> Integers:
        """By pair: the items that both labelled."""
        return sums(self.pair, self.count.astype(np.float64), self.pairs).astype(np.int64)

    @property
    def several(self) -> Booleans:
        """By pair: whether both labelled at least two items, and no count is negative."""
        found: Booleans = self.items > 1
        found[self.pair[self.count < 0]] = False
        return found

    def some(self, pairs: Sequence[int]) -> Cells:
        """Those of some pairs, in the order that they have here."""
        if len(pairs) == self.pairs:
            return self
        kept = np.zeros(self.pairs, np.bool_)
        kept[pairs] = True
        cells = kept[self.pair]
        pair = (np.cumsum(kept) - 1)[self.pair[cells]]
        return Cells(len(pairs), self.patterns, pair, self.pattern[cells], self.count[cells])

    def sized(self, size: int) -> Cells:
        r"""Those on items with so many labels, as patterns without their number.

        >>> Cells.of([{"3\x1f5\x1f4": 2, "3\x1f5\x1f2": 1, "5\x1f5\x1f2": 1, "1\x1f2": 7}]).sized(2).counter(0)
        {'3\x1f5': 1, '5\x1f5': 1}
        """
        kept = [place for place, pattern in enumerate(self.patterns) if size_of(pattern) == size]
        new = np.full(len(self.patterns), -1)
        new[kept] = np.arange(len(kept))
        patterns = [pair_pattern(*both(self.patterns[place])) for place in kept]
        pattern = new[self.pattern]
        cells = pattern >= 0
        return Cells(self.pairs, patterns, self.pair[cells], pattern[cells], self.count[cells])

    def counter(self, pair: int) -> dict[str, int]:
        """That of one pair."""
        cells = slice(*np.searchsorted(self.pair, (pair, pair + 1)))
        patterns = [self.patterns[pattern] for pattern in self.pattern[cells].tolist()]
        return dict(zip(patterns, self.count[cells].tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Confusions:
    """By pair, label of the first and label of the second annotator: how many items; a label's number is its place."""

    counts: Integers
    labels: Sequence[str]

    @classmethod
    def of(cls, cells: Cells) -> Self | None:
        """The matrices of some pairs, of items of any size; None where labels are too many."""
        given = list(map(both, cells.patterns))
        labels = sorted(set(chain.from_iterable(given)))
        if len(labels) > MOST_LABELS:
            return None
        q = len(labels)
        number = {label: place for place, label in enumerate(labels)}
        place = np.array([number[a] * q + number[b] for a, b in given], np.int64)
        shape = cells.pairs, q, q
        found = sums(cells.pair * q * q + place[cells.pattern], cells.count.astype(np.float64), math.prod(shape))
        return cls(found.astype(np.int64).reshape(shape), labels)

    @property
    def items(self) -> Integers:
        """By pair: the items that both labelled."""
        return np.asarray(self.counts.sum(axis=(1, 2)))

    def squares(self, deviation: Floats) -> Floats:
        """By pair: the sum over its items of squares, one cell after the other."""
        terms = self.counts * (deviation * deviation)
        return in_order(terms.reshape(len(terms), -1))
