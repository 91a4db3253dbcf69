"""What coefficients read: the items of a scope, or of many scopes, one row a distinct pattern."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np

from detectors.agreement.arrays import Floats, Integers, totals
from detectors.agreement.scale import Distance, Placed
from detectors.agreement.sets import SetDistances

Figure = TypeVar("Figure", float, Floats)
"""What a scope has one of: a number, or by scope an array of them."""

Answer = TypeVar("Answer")
"""An estimate, or the estimates by scope."""


@dataclass(frozen=True, eq=False)
class Rows(ABC, Generic[Figure, Answer]):
    r"""A `Table` of one scope, or a `Stack` of many; an estimate that goes through these methods can be had of either.

    An item with $m$ labels of which $r_c$ are $c$ has the label shares $s_c = r_c/m$ and, if $m \ge 2$, the
    disagreement $d = 1 - \sum_c r_c(r_c - 1) / m(m - 1)$, the share of its ordered pairs of labels that differ.

    An annotator against the $k \ge 1$ others of an item reads as an item with $m = 2$ labels, the own one and one of
    "the others": $d$ is the share of the others who differ, $s_c = ([own = c] + r_c/k)/2$. With one other this is the
    ordinary item with two labels, so all coefficients equal those of the pair.

    So does a group of annotators with $k$ labels, $r_c$ of them $c$, against another with $k'$ and $r'_c$: one label of
    either. $d$ is the share of the $k k'$ pairs of one of each that differ, $s_c = (r_c/k + r'_c/k')/2$.

    The rows of a scope stand in the order of their patterns, its labels in that of the task's scale, or of their keys, and
    sums over either are added up in one way. So equal counters have equal readings to the last digit, in whatever order
    they were filled, each by itself or many together.
    """

    items: Figure
    """Items with at least one label: whole numbers, unless items are weighted."""
    pairable: Figure
    """Items with at least two."""
    pair_labels: Figure
    """Labels on pairable items: the n of Krippendorff's alpha."""
    categories: Figure
    """Distinct labels seen."""
    observed_disagreement: Figure
    """Mean disagreement of the pairable items; 0 without any."""
    shares: Floats
    """By label: the mean of the items' label shares, items with one label included."""
    pair_shares: Floats
    """By label: its share of the labels on pairable items."""
    weight: Floats
    """By row: how many items show the pattern."""
    size: Floats
    """By row: m."""
    disagreement: Floats
    """By row: d; 0 where m is 1."""
    row: Integers
    """By written label: the row that it stands in."""
    label: Integers
    """By written label: its number."""
    part: Floats
    """By written label: what it contributes to its row's share of that label."""
    pairs: Floats
    """By row: the ordered pairs of its labels, m(m - 1); against others k, between groups k k'; at least 1."""
    differing: Floats
    """By row: how many of these pairs differ; d is their share."""
    placed: Placed | None
    """Where the labels lie on the task's scale; None without one."""

    @property
    @abstractmethod
    def varied(self) -> bool:
        """Whether the pairable items show more than one label."""

    @property
    @abstractmethod
    def used(self) -> bool:
        """Whether there is more than one label."""

    @property
    @abstractmethod
    def sets(self) -> SetDistances | None:
        """How far the labels are apart that are sets of names; None where that is too much to compare."""

    @abstractmethod
    def total(self, terms: Floats) -> Figure:
        """The sum over the rows, in their order: exact of integers."""

    @abstractmethod
    def over_labels(self, terms: Floats) -> Figure:
        """The sum over the labels, in their order."""

    @abstractmethod
    def to_rows(self, value: Figure | float) -> Figure:
        """What a scope has one of, for each of its rows; one number is so for all of them."""

    @abstractmethod
    def to_labels(self, value: Figure) -> Figure:
        """The same for each of its labels."""

    def by_row(self, values: Floats) -> Floats:
        """For each row, the mean of a value of its labels: the sum over c of s_c times the value of c."""
        return totals(self.part * values[self.label], self._begins)

    @cached_property
    def rest(self) -> Floats:
        """By label: one minus its share."""
        return self.complements(self.shares)

    @cached_property
    def rest_by_row(self) -> Floats:
        """By row: the mean of it."""
        return self.by_row(self.rest)

    @cached_property
    def unequal(self) -> Figure:
        """The chance that two labels drawn from all items, each item with one voice, are not equal."""
        return self.over_labels(self.shares * self.rest)

    @cached_property
    def _begins(self) -> Integers:
        """By row: the first of its written labels."""
        begins = np.ones(len(self.row), np.bool_)
        np.not_equal(self.row[1:], self.row[:-1], out=begins[1:])
        return np.flatnonzero(begins)

    @abstractmethod
    def complements(self, shares: Floats) -> Floats:
        """One minus each share, by label, without cancellation."""

    @abstractmethod
    def below(self, values: Floats) -> Floats:
        """By label: the sum over the labels below it in the order, and half its own."""

    @abstractmethod
    def above(self, values: Floats) -> Floats:
        """By label: the sum over the labels above it in the order, and half its own."""

    @abstractmethod
    def mean_distances(self, places: Floats, shares: Floats, distance: Distance) -> Floats:
        """For each label its mean distance to a label drawn by the shares."""

    @abstractmethod
    def estimate(self, value: Figure, weight: Floats, deviation: Floats, n: Figure) -> Answer:
        r"""The value with the standard error of a mean over n items of which `weight` show the deviation of each row.

        Root of $\sum_i w_i x_i^2 / n(n - 1)$, with $n - 1$ degrees of freedom; nan for n below 2.
        """
