"""Kendall's tau-b of two annotators, and its mean over all pairs of a task's annotators."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from detectors.agreement.arrays import Integers, total
from detectors.agreement.coefficient import Estimate
from detectors.agreement.rankings import RankingCoefficient, Rankings

BLOCK: Final = 10**6
"""So many places of pairs of annotators are compared at a time: what that takes in memory is bounded."""


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

    with $n - 1$ degrees of freedom. Of more annotators one item moves several pairs at once, which these do not tell:
    that interval is bootstrapped over the items (`detectors.agreement.ranked_items`).
    Undefined where an annotator gives all items one label.

    >>> from detectors.agreement.scale import Scale
    >>> confusion = {"a\x1fa": 2, "a\x1fb": 1, "b\x1fb": 3, "c\x1fb": 1}
    >>> kendall_tau_b(Rankings.of({(0, 1): confusion}, 2, Scale.of("ordinal", "abc")))  # doctest: +ELLIPSIS
    Estimate(value=0.65319726..., error=0.19043..., degrees=6)

    References
    ----------
    Kendall, M. G. (1945). The treatment of ties in ranking problems. Biometrika 33(3), 239-251.
    https://doi.org/10.1093/biomet/33.3.239

    Brown, M. B. and Benedetti, J. K. (1977). Sampling behavior of tests for correlation in two-way contingency
    tables. Journal of the American Statistical Association 72(358), 309-315.
    https://doi.org/10.1080/01621459.1977.10480995
    """
    n = rankings.items
    not_tied = [n * n - int(counts @ counts) for counts in rankings.counts]
    if not all(not_tied):
        return None
    order = _order(rankings)
    ordered = np.zeros(len(rankings.pairs), np.int64)
    np.add.at(ordered, rankings.pair, order * rankings.count)
    roots = [math.sqrt(not_tied[a] * not_tied[b]) for a, b in rankings.pairs.tolist()]
    values = [each / root for each, root in zip(ordered.tolist(), roots, strict=True)]
    if len(values) > 1:
        return Estimate(math.fsum(values) / len(values), math.nan, 0)
    shares = [counts / of for counts, of in zip(rankings.counts, not_tied, strict=True)]
    moved = 2.0 * order / roots[0] + values[0] * (shares[0][rankings.first] + shares[1][rankings.second])
    mean = values[0] * n * (1.0 / not_tied[0] + 1.0 / not_tied[1])
    squares = np.asarray(rankings.count * np.square(moved - mean), np.float64)
    return Estimate(values[0], math.sqrt(total(squares)), n - 1)


def _order(rankings: Rankings) -> Integers:
    """Of each cell the items that both annotators order as one of it, less those that they order otherwise.

    That is n + 2, less the doubled ranks of its places, and four times the items of two smaller places, twice those
    of one smaller and one equal, and its own: four sums over a corner of the table.
    """
    edge = rankings.ranks.shape[1] + 1
    block = max(1, BLOCK // edge**2)
    one, other = rankings.pairs[rankings.pair].T
    found: Integers = rankings.items + 2 - rankings.ranks[one, rankings.first] - rankings.ranks[other, rankings.second]
    for start in range(0, len(rankings.pairs), block):
        cells = slice(*np.searchsorted(rankings.pair, (start, start + block)))
        pair, first, second = rankings.pair[cells] - start, rankings.first[cells], rankings.second[cells]
        corner = np.zeros((min(block, len(rankings.pairs) - start), edge, edge), np.int64)
        corner[pair, first + 1, second + 1] = rankings.count[cells]
        corner.cumsum(axis=1, out=corner).cumsum(axis=2, out=corner)
        found[cells] += corner[pair, first, second] + corner[pair, first + 1, second]
        found[cells] += corner[pair, first, second + 1] + corner[pair, first + 1, second + 1]
    return found


KENDALL_TAU_B = RankingCoefficient("kendall_tau_b", -1.0, kendall_tau_b)
