"""Fleiss' kappa."""

from __future__ import annotations

from detectors.agreement.coefficient import CATEGORIES, Coefficient, chance_corrected
from detectors.agreement.rows import Answer, Figure, Rows


def fleiss_kappa(table: Rows[Figure, Answer], _q: int) -> Answer | None:
    r"""Percent agreement corrected for the chance that two labels drawn from all items are equal.

    $$ \kappa = \frac{p_a - p_e}{1 - p_e}, \qquad p_e = \sum_c \pi_c^2, \qquad \pi_c = \frac{1}{N} \sum_i \frac{r_{ic}}{m_i} $$

    Items may have different numbers of labels; those with one label enter $\pi_c$ only. Then the value may fall below
    -1. With two labels an item it is Scott's pi. Undefined without a pairable item and where all items have one same
    label (statsmodels answers nan there, and takes tables of equal numbers of labels only).

    >>> from detectors.agreement.table import Table
    >>> FLEISS_KAPPA.reading(Table.of({"a\x1fa": 6, "a\x1fb": 1, "b\x1fb": 5}), q=2)  # doctest: +ELLIPSIS
    Reading(value=0.83216783..., low=0.46281..., high=1.0, n=12, why='')
    >>> FLEISS_KAPPA.reading(Table.of({"a\x1fb": 1}), q=2)
    Reading(value=-1.0, low=None, high=None, n=1, why='')

    References
    ----------
    Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters.
    Psychological Bulletin 76(5), 378-382. https://doi.org/10.1037/h0031619
    """
    if not table.used:
        return None
    return chance_corrected(table, table.unequal, table.rest_by_row)


FLEISS_KAPPA = Coefficient("fleiss_kappa", CATEGORIES, -1.0, fleiss_kappa)
