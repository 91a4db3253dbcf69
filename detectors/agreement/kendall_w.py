"""Kendall's coefficient of concordance."""

from __future__ import annotations

import math

from detectors.agreement.coefficient import Estimate
from detectors.agreement.rankings import RankingCoefficient, Rankings, doubled_ranks


def kendall_w(rankings: Rankings) -> Estimate | None:
    r"""How far all annotators rank the items alike: 1 if all do, 0 if every item has the same sum of ranks.

    Each of $m$ annotators ranks all $n$ items, those with equal labels at the mean of their ranks. With $R_i$ the sum
    of the ranks of item $i$, and $t$ the number of items in each group of ties of annotator $j$,

    $$ W = \frac{12 \sum_i R_i^2 - 3 m^2 n (n + 1)^2}{m^2 (n^3 - n) - m \sum_j T_j}, \qquad T_j = \sum (t^3 - t), $$

    from integers and one division. The items need not be known one by one: with $n_a(c)$ items that annotator $a$
    labelled $c$, at rank $r_a(c)$, and $n_{ab}(c, d)$ that $b$ labelled $d$ as well,

    $$ \sum_i R_i^2 = \sum_a \sum_c n_a(c) r_a(c)^2 + \sum_{a \ne b} \sum_{c, d} n_{ab}(c, d) r_a(c) r_b(d). $$

    No interval: how far one item moves W depends on the labels of all annotators together, which pairs do not tell.
    Undefined where each annotator gives all items one label.

    >>> rankings = Rankings.of({(0, 1): {(0, 0): 1, (1, 2): 1, (2, 1): 1}}, annotators=2)
    >>> kendall_w(rankings)
    Estimate(value=0.75, error=nan, degrees=0)

    References
    ----------
    Kendall, M. G. and Babington Smith, B. (1939). The problem of m rankings.
    Annals of Mathematical Statistics 10(3), 275-287. https://doi.org/10.1214/aoms/1177732186

    Legendre, P. (2005). Species associations: the Kendall coefficient of concordance revisited. Journal of
    Agricultural, Biological, and Environmental Statistics 10(2), 226-245. https://doi.org/10.1198/108571105X46642
    """
    m, n = len(rankings.counts), rankings.items
    ranks = [doubled_ranks(counts) for counts in rankings.counts]
    # Four times the sum of the squares of R, for ranks are doubled.
    squares = sum(
        count * ranks[a][place] ** 2 for a, counts in enumerate(rankings.counts) for place, count in counts.items()
    )
    for (a, b), confusion in rankings.confusions.items():
        squares += 2 * sum(count * ranks[a][first] * ranks[b][second] for (first, second), count in confusion.items())
    ties = sum(count**3 - count for counts in rankings.counts for count in counts.values())
    largest = m * m * (n**3 - n) - m * ties
    if not largest:
        return None
    return Estimate(3 * (squares - m * m * n * (n + 1) ** 2) / largest, math.nan, 0)


KENDALL_W = RankingCoefficient("kendall_w", 0.0, kendall_w)
