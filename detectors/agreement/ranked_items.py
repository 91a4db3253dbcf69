"""The items that all annotators ranked, one by one: what the intervals of Kendall's coefficients are read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from detectors.agreement.arrays import Floats, Integers
from detectors.agreement.bootstrap import bootstrapped, poisson_weights
from detectors.agreement.kendall_tau_b import KENDALL_TAU_B
from detectors.agreement.kendall_w import KENDALL_W
from detectors.agreement.scale import Scale
from detectors.reading import Reading

MOST_COMPARED: Final = 20_000_000
"""Of each two annotators the different pairs of labels squared, and eight times the different items; a task with more of all
has no interval of tau-b. So its replicates take two or three seconds at most."""

MOST_ROWS: Final = 100_000
MOST_PLACES: Final = 1_000_000
"""So many different items, and places that annotators gave to them; of more there is no interval of W either."""


class Groups(NamedTuple):
    """Which rows of an array are of the same group; groups are in order, and none is empty."""

    order: Integers
    """The rows, those of a group next to each other."""
    starts: Integers
    """By group: where it begins in that order."""
    of: Integers
    """By row: its group."""

    @classmethod
    def by(cls, numbers: Integers) -> tuple[Groups, Integers]:
        """The rows with equal numbers are a group; and the number of each group."""
        order = np.argsort(numbers, kind="stable")
        found, starts, of = np.unique(numbers[order], return_index=True, return_inverse=True)
        group = np.empty_like(order)
        group[order] = of
        return cls(order, starts, group), found

    def sums(self, weights: Floats) -> Floats:
        """By group the sums of its rows, which are whole numbers, so that the sums are exact."""
        return np.asarray(np.add.reduceat(weights[self.order], self.starts, axis=0))


class RankedItems(NamedTuple):
    """The places that annotators gave to items; equal items are one row, and rows are in order of their places."""

    items: Sequence[str]
    rows: Groups
    """Which items are equal."""
    places: Integers
    """By row and annotator."""

    @classmethod
    def of(
        cls, items: Iterable[tuple[str, Mapping[str, str]]], annotators: Iterable[str], scale: Scale
    ) -> RankedItems | None:
        """Of items, each with its label by annotator, those that all these annotators labelled.

        None where the scale does not order their labels, as that of statistics may not that do not know all items yet.
        """
        people = sorted(annotators)
        complete = [(item, labels) for item, labels in items if labels.keys() == {*people}]
        held = scale.holding(label for _, labels in complete for label in labels.values())
        if held is None:
            return None
        given = [[held.rank[labels[annotator]] for annotator in people] for _, labels in complete]
        places = np.array(given, np.int64).reshape(len(given), len(people))
        row = np.zeros(len(given), np.int64)
        for annotator in places.T:
            _, row = np.unique(row * (len(held.rank) + 1) + annotator, return_inverse=True)
        rows, _ = Groups.by(row)
        return cls([item for item, _ in complete], rows, places[rows.order[rows.starts]] if given else places)


def ranking_intervals(ranked: RankedItems | None, readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """These readings of Kendall's W and tau-b with their intervals, as far as the items tell them; n of each is the items."""
    if ranked is None or any(reading.n != len(ranked.items) for reading in readings.values()):
        # Statistics that are being rebuilt do not know all items yet.
        return {}
    if ranked.places.size > MOST_PLACES or len(ranked.places) > MOST_ROWS:
        return {}
    columns = weighted(
        ranked.places, np.hstack([ranked.rows.sums(weights) for weights in poisson_weights(ranked.items)])
    )
    return {
        each.name: bootstrapped(readings[each.name], replicates, each.lowest)
        for each, replicates in zip((KENDALL_W, KENDALL_TAU_B), columns, strict=True)
        if each.name in readings
    }


def weighted(places: Integers, weights: Floats) -> tuple[Floats, Floats]:
    r"""By replicate Kendall's W and the mean of tau-b over each two annotators, of rows that count with these whole weights.

    A replicate is a sample of items, in which an item with weight w lies w times: its copies are tied in every ranking, as
    items with equal labels are. That is the one treatment under which a replicate is the same figure of another sample. Both
    coefficients are functions of how the items are distributed over labels, and of nothing else: with $f_j(t)$ the share of
    the items that annotator $j$ ties in group t, and $\rho_{ij}$ the sum of such shares below item i, half its own, less 1/2,

    $$ W = \frac{12 \sum_i w_i (\sum_j \rho_{ij})^2 / n}{m^2 - m \sum_j \sum_t f_j(t)^3}, $$

    for $\sum_t t$ of $\sum (t^3 - t)$ is n, which cancels with that of $n^3 - n$; and tau-b has pairs of items that are tied in a
    ranking in neither numerator nor denominator. So copies do not draw either figure towards 0 or 1, as they would tau-a, or W
    without the correction for ties; a bootstrap of counted patterns is the same one. An item with weight 0 is not in the sample,
    and ranks are those among the others. nan where a replicate has no variation.

    >>> places = np.array([[0, 0], [0, 1], [1, 1], [2, 1]])
    >>> w, tau_b = weighted(places, np.array([[2.0, 1.0], [1.0, 0.0], [3.0, 0.0], [1.0, 0.0]]))
    >>> w.round(6).tolist(), tau_b.round(6).tolist()
    ([0.837349, nan], [0.653197, nan])
    """
    n = weights.sum(axis=0)
    m = places.shape[1]
    sums_of_ranks = np.zeros_like(weights)
    cubes = np.zeros_like(n)
    not_tied: list[Floats] = []
    for annotator in places.T:
        groups, _ = Groups.by(annotator)
        counts = groups.sums(weights)
        # Twice the ranks, less their mean.
        sums_of_ranks += (2.0 * counts.cumsum(axis=0) - counts - n)[groups.of]
        cubes += (counts**3).sum(axis=0)
        not_tied.append(n * n - (counts * counts).sum(axis=0))
    w = _ratio(3.0 * (weights * sums_of_ranks**2).sum(axis=0), m * m * n**3 - m * cubes)
    if _work(places) > MOST_COMPARED:
        return w, np.full_like(n, np.nan)
    tau_b = np.zeros_like(n)
    for a, b in combinations(range(m), 2):
        groups, signs = _cells(places[:, a], places[:, b])
        counts = groups.sums(weights)
        tau_b += _ratio(((signs @ counts) * counts).sum(axis=0), np.sqrt(not_tied[a] * not_tied[b]))
    return w, tau_b / (m * (m - 1) / 2)


def _ratio(one: Floats, other: Floats) -> Floats:
    return np.divide(one, other, out=np.full_like(one, np.nan), where=other > 0)


def _cells(first: Integers, second: Integers) -> tuple[Groups, Floats]:
    """The rows with equal places of two annotators, and of each two such cells whether both order them alike (1), or not (-1)."""
    width = int(second.max()) + 1
    groups, found = Groups.by(first * width + second)
    a, b = found // width, found % width
    signs = [np.sign(np.subtract.outer(each, each)).astype(np.int8) for each in (a, b)]
    return groups, (signs[0] * signs[1]).astype(np.float64)


def _work(places: Integers) -> int:
    rows = len(places)
    labels = [len(np.unique(annotator)) for annotator in places.T]
    return sum(min(rows, one * other) ** 2 + 8 * rows for one, other in combinations(labels, 2))
