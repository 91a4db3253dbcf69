"""Gwet's AC2."""

from __future__ import annotations

from detectors.agreement.coefficient import ORDERED, Coefficient, chance_corrected
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.reasons import NO_ORDER


def ac2(table: Rows[Figure, Answer], _q: int) -> Answer | str | None:
    r"""Gwet's AC1 for ordered labels: labels that are near each other agree in part.

    $$ \kappa = \frac{p_a - p_e}{1 - p_e}, \qquad
       p_a = \frac{1}{n} \sum_{m_i \ge 2} \sum_{c, k} \frac{w_{ck} r_{ic} (r_{ik} - [c = k])}{m_i (m_i - 1)}, \qquad
       p_e = \frac{\sum_{c, k} w_{ck}}{q (q - 1)} \sum_c \pi_c (1 - \pi_c) $$

    The weight is 1 less distance over the largest distance of two categories: of quadratic weights the distance is
    $(c - k)^2$, of linear ones $|c - k|$, by rank for ordinal labels of a declared set, else by value; of Gwet's ordinal
    weights it is $t(t + 1)/2$ for ranks t apart. The categories are the declared ones, seen or not. Undefined without a
    pairable item, for fewer than two categories, and where nothing says how the labels are ordered.

    >>> from detectors.agreement.scale import Scale
    >>> from detectors.agreement.table import Table
    >>> table = Table.of({"1\x1f1": 6, "1\x1f2": 1, "3\x1f3": 5}, Scale.of("ordinal", "123"))
    >>> AC2.reading(table, q=3, label_type="ordinal")  # doctest: +ELLIPSIS
    Reading(value=0.95555555..., low=0.85074..., high=1.0, n=12, why='')

    References
    ----------
    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    placed = table.placed
    if placed is None:
        return NO_ORDER
    q = len(placed.scale.labels)
    if q < 2:
        return None
    # The sum of the weights is q^2 less that of the distances.
    agreeing = (1.0 - placed.scale.mean_distance()) * q / (q - 1)
    expected_by_row = 1.0 - agreeing * table.rest_by_row
    weighted = placed.by_weights(len(table.weight))
    return chance_corrected(table, 1.0 - agreeing * table.unequal, expected_by_row, weighted)


AC2 = Coefficient("ac2", ORDERED, -1.0, ac2)
