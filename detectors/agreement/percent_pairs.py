"""Percent agreement by pairs of labels."""

from __future__ import annotations

from detectors.agreement.coefficient import CATEGORIES, Coefficient
from detectors.agreement.rows import Answer, Figure, Rows


def percent_pairs(table: Rows[Figure, Answer], _q: int) -> Answer:
    r"""The share of all pairs of labels of one item that are equal.

    $$ p = \frac{\sum_i \sum_c r_{ic} (r_{ic} - 1)}{\sum_i m_i (m_i - 1)} $$

    Not corrected for chance. Unlike `percent` it counts every pair of labels the same, so an item with five labels
    weighs ten times as much as one with two. Of one annotator against the others the pairs are those with each of the
    others. The interval is that of a ratio of means, linearised, with $n - 1$ degrees of freedom: with $g_i$ the pairs
    of item $i$ and $\bar g$ their mean, $x_i = p + (1 - d_i - p) g_i / \bar g$. Undefined without a pairable item.

    >>> from detectors.agreement.table import Table
    >>> PERCENT_PAIRS.reading(Table.of({"a\x1fa": 3, "a\x1fb\x1fb": 1}), q=2)  # doctest: +ELLIPSIS
    Reading(value=0.66666666..., low=0.0, high=1.0, n=4, why='')

    References
    ----------
    Artstein, R. and Poesio, M. (2008). Inter-coder agreement for computational linguistics.
    Computational Linguistics 34(4), 555-596. https://doi.org/10.1162/coli.07-034-R2
    """
    weight = table.weight * (table.size > 1)
    pairs = table.total(weight * table.pairs)
    disagreeing = table.total(weight * table.differing) / pairs
    deviation = (table.to_rows(disagreeing) * table.pairs - table.differing) * table.to_rows(table.pairable / pairs)
    value = table.total(weight * (table.pairs - table.differing)) / pairs
    return table.estimate(value, weight, deviation, table.pairable)


PERCENT_PAIRS = Coefficient("percent_pairs", CATEGORIES | {"multilabel"}, 0.0, percent_pairs)
