"""The confusion matrices of many pairs of annotators, so that their kappas are computed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np

from detectors.agreement.arrays import Floats, Integers, in_order
from detectors.agreement.patterns import both

MOST_LABELS: Final = 16
"""Matrices are dense here: pairs with more labels are read one by one."""

MOST_PAIRS: Final = 1000
"""As many are read together: what that takes in memory is bounded."""

EXACT: Final = 2**53
"""Integers below are exact as floats."""


@dataclass(frozen=True, slots=True, eq=False)
class Confusions:
    """By pair, label of the first and label of the second annotator: how many items; a label's number is its place."""

    counts: Integers
    labels: Sequence[str]

    @classmethod
    def of(cls, counts: Sequence[Mapping[str, int]]) -> Self | None:
        """The matrices of some counters of `pair_pattern`, or of `sized_pattern`, added up; None where labels are too many."""
        cells = {pattern: both(pattern) for pattern in set().union(*counts)}
        labels = sorted(set(chain.from_iterable(cells.values())))
        if len(labels) > MOST_LABELS:
            return None
        q = len(labels)
        number = {label: place for place, label in enumerate(labels)}
        place = {pattern: number[a] * q + number[b] for pattern, (a, b) in cells.items()}
        lengths = list(map(len, counts))
        cell = np.fromiter(map(place.__getitem__, chain.from_iterable(counts)), np.int64, sum(lengths))
        times = np.fromiter(chain.from_iterable([held.values() for held in counts]), np.int64, sum(lengths))
        found = np.zeros(len(counts) * q * q, np.int64)
        np.add.at(found, np.repeat(np.arange(len(counts)) * q * q, lengths) + cell, times)
        return cls(found.reshape(len(counts), q, q), labels)

    @property
    def items(self) -> Integers:
        """By pair: the items that both labelled."""
        return np.asarray(self.counts.sum(axis=(1, 2)))

    def squares(self, deviation: Floats) -> Floats:
        """By pair: the sum over its items of squares, one cell after the other."""
        terms = self.counts * (deviation * deviation)
        return in_order(terms.reshape(len(terms), -1))
