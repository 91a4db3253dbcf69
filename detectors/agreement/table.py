"""A counter of patterns decoded into the arrays that the coefficients read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from detectors.agreement.arrays import Booleans, Floats, Integers, in_order, sums, totals
from detectors.agreement.coefficient import Estimate
from detectors.agreement.numbering import numbered
from detectors.agreement.patterns import LABEL, OTHERS
from detectors.agreement.rows import Rows
from detectors.agreement.scale import Distance, Placed, Scale, mean_distances
from detectors.agreement.sets import SetDistances

PATTERN: Final = "\n"
"""Separates patterns, while many are decoded as one text."""


@dataclass(frozen=True, eq=False)
class Table(Rows[float, Estimate]):
    r"""The items of a scope, with all that the coefficients share.

    Nothing is dense in the labels: memory is proportional to the labels written in the patterns.

    >>> table = Table.of({"a\x1fa": 2, "a\x1fb\x1fb": 1, "b": 1})
    >>> table.items, table.pairable, table.categories, table.observed_disagreement
    (4.0, 3.0, 2.0, 0.2222222222222222)
    >>> Table.of({"a\x1ea\x1fb": 3}).observed_disagreement
    0.5
    """

    other: Booleans
    """By written label: whether it is one of the others', against whom an annotator or a group is set."""
    names: Sequence[str]
    """By label: its key."""

    @cached_property
    def sets(self) -> SetDistances | None:
        """How far the labels are apart that are sets of names; None where there are too many different ones."""
        return SetDistances.of(
            self.names,
            self.pair_shares,
            complements(self.pair_shares),
            self.row,
            self.label,
            self.other,
            self.pairs,
        )

    @classmethod
    def of(cls, counts: Mapping[str, float], scale: Scale | None = None) -> Table:
        """Decode a counter of item patterns, or of patterns against others or between groups; labels may lie on a scale."""
        patterns, rows = sorted(counts), len(counts)
        weight = np.fromiter(map(counts.__getitem__, patterns), np.float64, rows)
        if rows and weight.min() < 0:
            pattern = min(counts, key=counts.__getitem__)
            raise ValueError(
                f"expected counts above 0, found {counts[pattern]:g} for pattern {pattern!r}: "
                "more was retracted than added"
            )
        row, words, other = _decode(patterns)
        held = None if scale is None else scale.holding(words)
        label, names = numbered(words, len(words), None if held is None else held.rank.__getitem__)
        categories = len(names)
        written = np.bincount(row, minlength=rows)

        # A kind of row is its number of labels, or between k labels and k' others a number beyond those, plus k k'.
        kind = written
        beyond = int(written.max(initial=0)) + 1
        pairs = np.maximum(written * (written - 1), 1)
        agreeing = _agreeing_pairs(row, label, rows)
        parts = np.ones(len(row), np.int64)
        if other.any():
            others = np.bincount(row[other], minlength=rows)
            grouped = others > 0
            crossing = (written - others) * others
            kind = np.where(grouped, beyond + crossing, written)
            parts = parts_of(row, other, rows)
            pairs = np.where(grouped, crossing, pairs)
            agreeing = np.where(grouped, _agreeing_between(row, label, other, grouped), agreeing)
        size, whole = _size(kind, beyond), _whole(kind, beyond)
        pairable = size > 1
        differing = np.where(pairable, pairs - agreeing, 0.0)
        disagreement = differing / pairs

        # Integers are summed by label and kind before they are divided, the kinds of a label in ascending order.
        kinds = int(kind.max(initial=0)) + 1
        cells, cell = np.unique(label * kinds + kind[row], return_inverse=True)
        counted = sums(cell, weight[row] * parts, len(cells))
        cell_label, cell_kind = cells // kinds, cells % kinds
        cell_size = _size(cell_kind, beyond)
        cell_shares = counted / _whole(cell_kind, beyond)
        cell_pair_shares = np.where(cell_size > 1, cell_shares * cell_size, 0.0)

        items, pairable_items = float(weight.sum()), float(weight[pairable].sum())
        pair_labels = float((weight * size)[pairable].sum())
        return cls(
            items=items,
            pairable=pairable_items,
            pair_labels=pair_labels,
            categories=float(categories),
            observed_disagreement=_total(weight * disagreement) / (pairable_items or 1.0),
            shares=sums(cell_label, cell_shares, categories) / (items or 1.0),
            pair_shares=sums(cell_label, cell_pair_shares, categories) / (pair_labels or 1.0),
            weight=weight,
            size=size.astype(np.float64),
            disagreement=disagreement,
            row=row,
            label=label,
            part=parts / whole[row],
            pairs=pairs.astype(np.float64),
            differing=differing,
            placed=None if held is None else Placed.of(held, names, row, label, other, pairs),
            other=other,
            names=names,
        )

    @property
    def varied(self) -> bool:
        """Whether the pairable items show more than one label."""
        return bool(np.count_nonzero(self.pair_shares) > 1)

    @property
    def used(self) -> bool:
        """Whether there is more than one label."""
        return self.categories > 1

    def total(self, terms: Floats) -> float:
        """The sum over the rows."""
        return _total(terms)

    def over_labels(self, terms: Floats) -> float:
        """The sum over the labels."""
        return float(in_order(terms))

    def to_rows(self, value: float) -> float:
        """The number: of one scope all rows have the same."""
        return value

    def to_labels(self, value: float) -> float:
        """The number."""
        return value

    def complements(self, shares: Floats) -> Floats:
        """One minus each share, without cancellation."""
        return complements(shares)

    def below(self, values: Floats) -> Floats:
        """By label: the sum over the labels below it in the order, and half its own."""
        return np.cumsum(values) - values / 2.0

    def above(self, values: Floats) -> Floats:
        """By label: the sum over the labels above it in the order, and half its own."""
        return np.cumsum(values[::-1])[::-1] - values / 2.0

    def mean_distances(self, places: Floats, shares: Floats, distance: Distance) -> Floats:
        """For each label its mean distance to a label drawn by the shares."""
        return mean_distances(places, shares, distance)

    def estimate(self, value: float, weight: Floats, deviation: Floats, n: float) -> Estimate:
        """The value with the standard error of a mean over n items."""
        error = math.sqrt(self.total(weight * deviation * deviation) / (n * (n - 1))) if n > 1 else math.nan
        return Estimate(value, error, n - 1)


_FIRST: Final = np.zeros(1, np.int64)


def _total(terms: Floats) -> float:
    return float(totals(terms, _FIRST)[0]) if len(terms) else 0.0


def _decode(patterns: Sequence[str]) -> tuple[Integers, Sequence[str], Booleans]:
    """For each written label its row and key, and whether it is one of the others'."""
    if not patterns:
        return np.zeros(0, np.int64), (), np.zeros(0, np.bool_)
    text = PATTERN.join(patterns)
    words = text.replace(PATTERN, LABEL).replace(OTHERS, LABEL).split(LABEL)
    codes = np.frombuffer(text.encode(), np.uint8)
    # In UTF-8 these bytes are part of no other character.
    separators = codes[(codes == ord(PATTERN)) | (codes == ord(OTHERS)) | (codes == ord(LABEL))]
    row = np.zeros(len(words), np.int64)
    np.cumsum(separators == ord(PATTERN), out=row[1:])
    last = np.full(len(patterns), len(words))
    before = np.flatnonzero(separators == ord(OTHERS))
    last[row[before]] = before
    return row, words, np.arange(len(words)) > last[row]


def _size(kind: Integers, beyond: int) -> Integers:
    """The m of a kind of row."""
    return np.where(kind < beyond, kind, 2)


def _whole(kind: Integers, beyond: int) -> Integers:
    """The denominator of the label shares of a kind of row."""
    return np.where(kind < beyond, kind, 2 * (kind - beyond))


def parts_of(row: Integers, other: Booleans, rows: int) -> Integers:
    """By written label what it adds to the shares of its row, before these are divided: 1, or how many it is set against."""
    others = np.bincount(row[other], minlength=rows)
    ours = np.bincount(row, minlength=rows) - others
    return np.where(other, ours[row], np.maximum(others, 1)[row])


def _agreeing_pairs(row: Integers, label: Integers, rows: int) -> Floats:
    """For each row the sum over labels of r(r - 1); equal labels are neighbours, for patterns are sorted."""
    last = np.ones(len(row), np.bool_)
    np.logical_or(row[1:] != row[:-1], label[1:] != label[:-1], out=last[:-1])
    ends = np.flatnonzero(last)
    runs = ends.copy()
    runs[1:] -= ends[:-1]
    runs[:1] += 1
    return sums(row[ends], (runs * (runs - 1)).astype(np.float64), rows)


def _agreeing_between(row: Integers, label: Integers, other: Booleans, grouped: Booleans) -> Integers:
    """For each row with groups the sum over labels of r r': how many pairs of one label of either are equal."""
    rows = len(grouped)
    ours = ~other & grouped[row]
    if np.count_nonzero(ours) == np.count_nonzero(grouped):
        # An annotator has one label: most tables are such.
        own = np.full(rows, -1)
        own[grouped] = label[ours]
        return np.bincount(row[other & (label == own[row])], minlength=rows)
    labels = int(label.max()) + 1
    cells, cell = np.unique(row * labels + label, return_inverse=True)
    equal = np.bincount(cell[ours], minlength=len(cells)) * np.bincount(cell[other], minlength=len(cells))
    return sums(cells // labels, equal.astype(np.float64), rows).astype(np.int64)


def complements(shares: Floats) -> Floats:
    """One minus each share, without cancellation for the one that may be close to one."""
    rest = 1.0 - shares
    top = int(shares.argmax())
    if shares[top] > 0.5:
        rest[top] = math.fsum(share for index, share in enumerate(shares.tolist()) if index != top)
    return rest
