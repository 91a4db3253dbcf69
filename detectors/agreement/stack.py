"""The tables of many scopes as one, so that their coefficients are computed together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from detectors.agreement.arrays import Floats, Integers, in_order, sums, totals
from detectors.agreement.coefficient import Estimates
from detectors.agreement.numbering import numbered
from detectors.agreement.rows import Rows
from detectors.agreement.scale import Distance, Placed, Scale, squared
from detectors.agreement.table import Table, parts_of

MOST_LABELS: Final = 256
"""What is by scope and label is dense here: tables of more labels are read one by one."""

BLOCK: Final = 10**6
"""The longest array: what a stack takes in memory is bounded."""


@dataclass(frozen=True, eq=False)
class Stack(Rows[Floats, Estimates]):
    """The tables of some scopes, row after row; what a `Table` says once, it says by scope.

    A label has a number in each scope: what a table has by label lies here scope after scope, each with all labels of the
    stack, and is 0 where a scope has not the label. An estimate gives by scope what it gives of each table, to the last
    digit: sums over rows are of its own rows alone, those over labels are one term after the other, which zeros do not change.
    """

    scope: Integers
    """By row: its scope."""
    starts: Integers
    """By scope: its first row."""

    @classmethod
    def of(cls, counts: Sequence[Mapping[str, int]], scale: Scale | None) -> Self | None:
        """The stack of some counters, none of them empty.

        None where they are too much, or more was retracted than added, or the scale has not their labels.
        """
        scopes, lengths = len(counts), list(map(len, counts))
        rows = sum(lengths)
        pattern, patterns = numbered(chain.from_iterable(counts), rows)
        each = Table.of(dict.fromkeys(patterns, 1), scale)
        if not 0 < len(each.names) <= MOST_LABELS:
            return None
        if scale is not None and (each.placed is None or each.placed.scale is not scale):
            return None
        times = np.fromiter(chain.from_iterable([held.values() for held in counts]), np.int64, rows)
        if times.min() <= 0:
            return None
        scope = np.repeat(np.arange(scopes), lengths)
        order = np.argsort(scope * len(patterns) + pattern, kind="stable")
        pattern, times = pattern[order], times[order]
        starts = np.cumsum([0, *lengths[:-1]])

        kind, whole, sizes, parts = _kinds(each)
        label, labels = each.label, len(each.names)
        longest = int(np.bincount(each.row, minlength=len(patterns))[pattern].sum())
        if max(longest, scopes * labels * len(whole)) > BLOCK:
            return None
        row, written = _spread(each.row, pattern, len(patterns))
        label = scope[row] * labels + label[written]
        size, pairs = each.size[pattern], each.pairs[pattern]
        weight, disagreement = times.astype(np.float64), each.disagreement[pattern]
        in_pairs = np.where(size > 1, weight, 0.0)
        items, pairable, pair_labels = (totals(terms, starts) for terms in (weight, in_pairs, in_pairs * size))
        shape = scopes * labels, len(whole)
        cells = sums(label * len(whole) + kind[pattern][row], weight[row] * parts[written], shape[0] * shape[1])
        shares, pair_shares = np.zeros(shape[0]), np.zeros(shape[0])
        for counted, denominator, m in zip(cells.reshape(shape).T, whole, sizes, strict=True):
            shares += counted / denominator
            if m > 1:
                pair_shares += counted / denominator * m
        shares = (shares.reshape(scopes, labels) / np.maximum(items, 1)[:, None]).ravel()
        pair_shares = (pair_shares.reshape(scopes, labels) / np.maximum(pair_labels, 1)[:, None]).ravel()
        seen = np.bincount(label, minlength=shape[0]).reshape(scopes, labels)
        return cls(
            items=items,
            pairable=pairable,
            pair_labels=pair_labels,
            categories=np.count_nonzero(seen, axis=1).astype(np.float64),
            observed_disagreement=totals(weight * disagreement, starts) / np.maximum(pairable, 1.0),
            shares=shares,
            pair_shares=pair_shares,
            weight=weight,
            size=size,
            disagreement=disagreement,
            row=row,
            label=label,
            part=each.part[written],
            pairs=pairs,
            differing=each.differing[pattern],
            placed=None if each.placed is None else _PlacedRows.of_rows(each.placed, scope, pattern, len(patterns)),
            scope=scope,
            starts=starts,
        )

    def regular(self, q: int) -> NDArray[np.bool_]:
        """By scope: whether every coefficient that its label type has is defined, with an interval, and q as given."""
        different = np.count_nonzero(self.pair_shares.reshape(len(self.starts), -1), axis=1)
        found: NDArray[np.bool_] = (self.pairable > 1) & (different > 1) & (self.categories <= q)
        return found

    @property
    def varied(self) -> bool:
        """True: of other scopes the estimates are not used."""
        return True

    @property
    def used(self) -> bool:
        """True, likewise."""
        return True

    @property
    def sets(self) -> None:
        """None: sets are compared table by table."""
        return None

    def total(self, terms: Floats) -> Floats:
        """By scope: the sum over its rows."""
        return totals(terms, self.starts)

    def over_labels(self, terms: Floats) -> Floats:
        """By scope: the sum over its labels."""
        return in_order(terms.reshape(len(self.starts), -1))

    def to_rows(self, value: Floats | float) -> Floats:
        """By row: the value of its scope."""
        return value[self.scope] if isinstance(value, np.ndarray) else np.full(len(self.scope), value)

    def to_labels(self, value: Floats) -> Floats:
        """By label of each scope: the value of the scope."""
        return np.repeat(value, len(self.shares) // len(self.starts))

    def complements(self, shares: Floats) -> Floats:
        """One minus each share, as `detectors.agreement.table.complements` has it."""
        rest = 1.0 - shares
        apart = shares.reshape(len(self.starts), -1)
        top = apart.argmax(axis=1)
        for place in np.flatnonzero(apart[np.arange(len(top)), top] > 0.5).tolist():
            others = apart[place].tolist()
            others[top[place]] = 0.0
            rest[place * apart.shape[1] + top[place]] = math.fsum(others)
        return rest

    def below(self, values: Floats) -> Floats:
        """By label: the sum over the labels below it in the order, and half its own."""
        apart = values.reshape(len(self.starts), -1)
        return (np.cumsum(apart, axis=1) - apart / 2.0).ravel()

    def above(self, values: Floats) -> Floats:
        """By label: the sum over the labels above it in the order, and half its own."""
        apart = values.reshape(len(self.starts), -1)
        return (np.cumsum(apart[:, ::-1], axis=1)[:, ::-1] - apart / 2.0).ravel()

    def mean_distances(self, places: Floats, shares: Floats, distance: Distance) -> Floats:
        """For each label its mean distance to a label drawn by the shares of its scope."""
        if distance is squared:
            apart = np.square(places - self.to_labels(self.over_labels(shares * places)))
            return apart + self.to_labels(self.over_labels(shares * apart))
        scopes = len(self.starts)
        apart = places.reshape(scopes, -1)
        block = max(1, BLOCK // apart.shape[1] ** 2)
        found: list[Floats] = []
        for start in range(0, scopes, block):
            some = apart[start : start + block]
            terms = distance(some[:, :, None], some[:, None, :]) * shares.reshape(scopes, 1, -1)[start : start + block]
            found.append(in_order(terms).ravel())
        return np.concatenate(found)

    def estimate(self, value: Floats, weight: Floats, deviation: Floats, n: Floats) -> Estimates:
        """By scope: the value with the standard error of a mean over n items, n at least 2."""
        squares = self.total(weight * deviation * deviation)
        return Estimates(value, np.sqrt(squares / (n * (n - 1.0))), n - 1.0)


def _spread(row: Integers, pattern: Integers, patterns: int) -> tuple[Integers, Integers]:
    """What stands in rows, once more for every row that has the pattern: by entry its new row, and its place before."""
    counts = np.bincount(row, minlength=patterns)
    times = counts[pattern]
    new = np.repeat(np.arange(len(pattern)), times)
    begin = (np.cumsum(counts) - counts)[pattern] - (np.cumsum(times) - times)
    return new, np.arange(len(new)) + begin[new]


def _kinds(table: Table) -> tuple[Integers, Sequence[float], Sequence[float], Floats]:
    """By row its kind; by kind the denominator of shares, and m; by written label what it adds: as in `Table.of`."""
    against = np.zeros(len(table.size), np.bool_)
    against[table.row[table.other]] = True
    beyond = table.size.max() + 1.0
    found, kind = np.unique(np.where(against, beyond + table.pairs, table.size), return_inverse=True)
    whole = np.where(found > beyond, 2.0 * (found - beyond), found)
    parts = parts_of(table.row, table.other, len(table.size)).astype(np.float64)
    return kind, whole.tolist(), np.where(found > beyond, 2.0, found).tolist(), parts


@dataclass(frozen=True, slots=True, eq=False)
class _PlacedRows(Placed):
    """What is of patterns, whatever scope they are in, is computed once of each."""

    patterns: Placed
    pattern: Integers
    """By row: its pattern."""

    @classmethod
    def of_rows(cls, placed: Placed, scope: Integers, pattern: Integers, patterns: int) -> Self:
        """The pairs of different labels of every row, from those of each pattern."""
        row, pair = _spread(placed.row, pattern, patterns)
        scopes, labels = int(scope[-1]) + 1, len(placed.rank)
        first = scope[row] * labels
        return cls(
            scale=placed.scale,
            rank=np.tile(placed.rank, scopes),
            number=np.tile(placed.number, scopes),
            row=row,
            first=first + placed.first[pair],
            second=first + placed.second[pair],
            part=placed.part[pair],
            patterns=placed,
            pattern=pattern,
        )

    def by_numbers(self, distance: Distance, rows: int) -> Floats:
        """The mean distance of the numbers of the pairs of labels of each row."""
        return self.patterns.by_numbers(distance, rows)[self.pattern]

    def by_weights(self, rows: int) -> Floats:
        """The mean of distance/largest of the pairs of labels of each row."""
        return self.patterns.by_weights(rows)[self.pattern]
