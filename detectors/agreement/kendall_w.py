"""Kendall's coefficient of concordance."""

from __future__ import annotations

import math
from operator import mul

import numpy as np

from detectors.agreement.arrays import Integers
from detectors.agreement.coefficient import Estimate
from detectors.agreement.rankings import RankingCoefficient, Rankings


def kendall_w(rankings: Rankings) -> Estimate | None:
    r"""How far all annotators rank the items alike: 1 if all do, 0 if every item has the same sum of ranks.

    Each of $m$ annotators ranks all $n$ items, those with equal labels at the mean of their ranks. With $R_i$ the sum
    of the ranks of item $i$, each less the mean rank $(n + 1)/2$, and $t$ the number of items in each group of ties of
    annotator $j$,

    $$ W = \frac{12 \sum_i R_i^2}{m^2 (n^3 - n) - m \sum_j T_j}, \qquad T_j = \sum (t^3 - t), $$

    from integers and one division. The items need not be known one by one: with $n_a(c)$ items that annotator $a$
    labelled $c$, at rank $r_a(c)$, and $n_{ab}(c, d)$ that $b$ labelled $d$ as well,

    $$ \sum_i R_i^2 = \sum_a \sum_c n_a(c) r_a(c)^2 + \sum_{a \ne b} \sum_{c, d} n_{ab}(c, d) r_a(c) r_b(d). $$

    How far one item moves W depends on the labels of all annotators together, which pairs do not tell: its interval is
    bootstrapped over the items (`detectors.agreement.ranked_items`).
    Undefined where each annotator gives all items one label.

    >>> from detectors.agreement.scale import Scale
    >>> confusion = {"a\x1fa": 1, "b\x1fc": 1, "c\x1fb": 1}
    >>> kendall_w(Rankings.of({(0, 1): confusion}, 2, Scale.of("ordinal", "abc")))
    Estimate(value=0.75, error=nan, degrees=0)

    References
    ----------
    Kendall, M. G. and Babington Smith, B. (1939). The problem of m rankings.
    Annals of Mathematical Statistics 10(3), 275-287. https://doi.org/10.1214/aoms/1177732186

    Legendre, P. (2005). Species associations: the Kendall coefficient of concordance revisited. Journal of
    Agricultural, Biological, and Environmental Statistics 10(2), 226-245. https://doi.org/10.1198/108571105X46642
    """
    (m, _), n = rankings.counts.shape, rankings.items
    # Doubled, so four times the squares. What may outgrow 64 bits is added up in Python's integers.
    ranks = rankings.ranks - (n + 1)
    squares = _products(ranks, ranks * rankings.counts)
    one, other = rankings.pairs.T
    of_others = np.zeros((len(one), ranks.shape[1]), np.int64)
    np.add.at(of_others, (rankings.pair, rankings.first), rankings.count * ranks[other[rankings.pair], rankings.second])
    squares += 2 * _products(ranks[one], of_others)
    ties = sum(count**3 - count for count in rankings.counts.ravel().tolist())
    largest = m * m * (n**3 - n) - m * ties
    return Estimate(3 * squares / largest, math.nan, 0) if largest else None


def _products(some: Integers, others: Integers) -> int:
    return sum(map(mul, some.ravel().tolist(), others.ravel().tolist()))


KENDALL_W = RankingCoefficient("kendall_w", 0.0, kendall_w)
