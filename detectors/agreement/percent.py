"""Percent agreement."""

from __future__ import annotations

import numpy as np

from detectors.agreement.coefficient import CATEGORIES, Coefficient
from detectors.agreement.rows import Answer, Figure, Rows


def percent(table: Rows[Figure, Answer], _q: int) -> Answer:
    r"""The mean over pairable items of the share of their pairs of labels that are equal.

    $$ p_a = \frac{1}{n} \sum_{m_i \ge 2} \sum_c \frac{r_{ic} (r_{ic} - 1)}{m_i (m_i - 1)} $$

    Not corrected for chance. Every item counts the same, however many labels it has. Sets of names are equal if all
    their names are. The interval is that of a mean, with $n - 1$ degrees of freedom. Undefined without a pairable item.

    >>> from detectors.agreement.table import Table
    >>> PERCENT.reading(Table.of({"a\x1fa": 3, "a\x1fb": 1}), q=2)
    Reading(value=0.75, low=0.0, high=1.0, n=4, why='')

    References
    ----------
    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    weight = np.where(table.size > 1, table.weight, 0.0)
    deviation = table.disagreement - table.to_rows(table.observed_disagreement)
    value = table.total(weight * (1.0 - table.disagreement)) / table.pairable
    return table.estimate(value, weight, deviation, table.pairable)


PERCENT = Coefficient("percent", CATEGORIES | {"multilabel"}, 0.0, percent)
