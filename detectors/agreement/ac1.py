"""Gwet's AC1."""

from __future__ import annotations

from detectors.agreement.coefficient import UNORDERED, Coefficient, chance_corrected
from detectors.agreement.rows import Answer, Figure, Rows


def ac1(table: Rows[Figure, Answer], q: int) -> Answer | None:
    r"""Percent agreement corrected for the chance of agreeing on items that are hard to label.

    $$ \kappa = \frac{p_a - p_e}{1 - p_e}, \qquad p_e = \frac{1}{q - 1} \sum_c \pi_c (1 - \pi_c), \qquad
       \pi_c = \frac{1}{N} \sum_i \frac{r_{ic}}{m_i} $$

    q is the number of declared labels, seen or not, so a rare label does not move the figure by appearing. Items with
    one label enter $\pi_c$ only. Stays high where one label dominates, which kappa does not. Undefined without a
    pairable item and for fewer than two categories; where all labels are equal it is 1.

    >>> from detectors.agreement.table import Table
    >>> AC1.reading(Table.of({"a\x1fa": 6, "a\x1fb": 1, "b\x1fb": 5}), q=2)  # doctest: +ELLIPSIS
    Reading(value=0.83448275..., low=0.46931..., high=1.0, n=12, why='')

    References
    ----------
    Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high agreement.
    British Journal of Mathematical and Statistical Psychology 61(1), 29-48. https://doi.org/10.1348/000711006X126600
    """
    if q < 2:
        return None
    return chance_corrected(table, 1.0 - table.unequal / (q - 1), 1.0 - table.rest_by_row / (q - 1))


AC1 = Coefficient("ac1", UNORDERED, -1.0, ac1)
