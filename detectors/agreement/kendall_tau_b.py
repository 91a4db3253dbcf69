"""Kendall's tau-b of two annotators, and its mean over all pairs of a task's annotators."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from operator import itemgetter

from detectors.agreement.coefficient import Estimate
from detectors.agreement.rankings import Confusion, RankingCoefficient, Rankings, doubled_ranks


def kendall_tau_b(rankings: Rankings) -> Estimate | None:
    r"""How far two annotators put pairs of items in the same order; of more annotators the mean over each two of them.

    Of $n$ items, $n_{kl}$ labelled $k$ by the first and $l$ by the second. The items that they order as one with
    these labels, less those that they order otherwise, are

    $$ d_{kl} = \sum_{k', l'} n_{k'l'} \operatorname{sgn}(k' - k) \operatorname{sgn}(l' - l), $$

    and with $w_1 = n^2 - \sum_k n_{k \cdot}^2$, $w_2 = n^2 - \sum_l n_{\cdot l}^2$ for pairs that an annotator does not tie,

    $$ \tau_b = \frac{\sum_{k, l} n_{kl} d_{kl}}{\sqrt{w_1 w_2}}. $$

    The interval, for two annotators only, is from the standard error of Brown and Benedetti (their ASE 1), which with
    $u_{kl} = 2 d_{kl}/\sqrt{w_1 w_2} + \tau_b (n_{k \cdot}/w_1 + n_{\cdot l}/w_2)$ and the mean $\bar u$ over items is

    $$ \sqrt{\sum_{k, l} n_{kl} (u_{kl} - \bar u)^2}, $$

    with $n - 1$ degrees of freedom. Of more annotators one item moves several pairs at once, which these do not tell.
    Undefined where an annotator gives all items one label.

    >>> rankings = Rankings.of({(0, 1): {(0, 0): 2, (0, 1): 1, (1, 1): 3, (2, 1): 1}}, annotators=2)
    >>> kendall_tau_b(rankings)  # doctest: +ELLIPSIS
    Estimate(value=0.65319726..., error=0.19043..., degrees=6)

    References
    ----------
    Kendall, M. G. (1945). The treatment of ties in ranking problems. Biometrika 33(3), 239-251.
    https://doi.org/10.1093/biomet/33.3.239

    Brown, M. B. and Benedetti, J. K. (1977). Sampling behavior of tests for correlation in two-way contingency
    tables. Journal of the American Statistical Association 72(358), 309-315.
    https://doi.org/10.1080/01621459.1977.10480995
    """
    if any(len(counts) < 2 for counts in rankings.counts):
        return None
    found = [_tau_b(confusion) for confusion in rankings.confusions.values()]
    if len(found) == 1:
        return found[0]
    return Estimate(math.fsum(estimate.value for estimate in found) / len(found), math.nan, 0)


def _tau_b(confusion: Confusion) -> Estimate:
    first: Counter[int] = Counter()
    second: Counter[int] = Counter()
    for (place, other), count in confusion.items():
        first[place] += count
        second[other] += count
    n = first.total()
    not_tied = [n * n - sum(count * count for count in counts.values()) for counts in (first, second)]
    root = math.sqrt(not_tied[0] * not_tied[1])
    order = _order(confusion, first, second)
    value = sum(count * order[cell] for cell, count in confusion.items()) / root
    mean = value * (n / not_tied[0] + n / not_tied[1])
    squares = math.fsum(
        count * (2.0 * order[a, b] / root + value * (first[a] / not_tied[0] + second[b] / not_tied[1]) - mean) ** 2
        for (a, b), count in confusion.items()
    )
    return Estimate(value, math.sqrt(squares), n - 1)


def _order(confusion: Confusion, first: Counter[int], second: Counter[int]) -> dict[tuple[int, int], int]:
    """Of each cell the items that both annotators order as one of it, less those that they order otherwise.

    With doubled ranks r and s of its places, and n items in all, that is n + 2 - r - s, four times the items of two
    smaller places, twice those of one smaller and one equal, and its own.
    """
    ranks, others = doubled_ranks(first), doubled_ranks(second)
    columns = {place: number for number, place in enumerate(sorted(second))}
    rest = first.total() + 2
    above = _Sums(len(columns))
    found: dict[tuple[int, int], int] = {}
    for place, row in groupby(sorted(confusion), itemgetter(0)):
        cells = [(other, columns[other], confusion[place, other]) for _, other in row]
        beside = 0
        for other, column, count in cells:
            smaller = 2 * (above.below(column) + above.below(column + 1) + beside)
            found[place, other] = smaller + count + rest - ranks[place] - others[other]
            beside += count
        for _, column, count in cells:
            above.add(column, count)
    return found


class _Sums:
    """Counts by number, whose sums below a number are known at once (a Fenwick tree)."""

    __slots__ = ("_tree",)

    def __init__(self, size: int) -> None:
        self._tree = [0] * (size + 1)

    def add(self, number: int, count: int) -> None:
        """Count these at a number from 0."""
        place = number + 1
        while place < len(self._tree):
            self._tree[place] += count
            place += place & -place

    def below(self, number: int) -> int:
        """How many are counted at smaller numbers."""
        total = 0
        while number:
            total += self._tree[number]
            number &= number - 1
        return total


KENDALL_TAU_B = RankingCoefficient("kendall_tau_b", -1.0, kendall_tau_b)
