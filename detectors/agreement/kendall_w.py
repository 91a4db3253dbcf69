"""Kendall's coefficient of concordance."""

from __future__ import annotations

import math
from operator import mul

import numpy as np

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
    m, n = len(rankings.counts), rankings.items
    # Doubled, so four times the squares. What may outgrow 64 bits is added up in Python's integers.
    ranks = [doubled - (n + 1) for doubled in rankings.ranks]
    squares = 0
    for of, counts in zip(ranks, rankings.counts, strict=True):
        squares += sum(map(mul, of.tolist(), (of * counts).tolist()))
    for (a, b), (first, second, count) in rankings.confusions.items():
        others = np.zeros_like(ranks[a])
        np.add.at(others, first, count * ranks[b][second])
        squares += 2 * sum(map(mul, ranks[a].tolist(), others.tolist()))
    ties = sum(count**3 - count for counts in rankings.counts for count in counts.tolist())
    largest = m * m * (n**3 - n) - m * ties
    return Estimate(3 * squares / largest, math.nan, 0) if largest else None


KENDALL_W = RankingCoefficient("kendall_w", 0.0, kendall_w)
