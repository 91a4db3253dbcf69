"""Krippendorff's alpha of labels without order."""

from __future__ import annotations

from detectors.agreement.coefficient import CATEGORIES, Coefficient, alpha_of
from detectors.agreement.rows import Answer, Figure, Rows


def alpha_nominal(table: Rows[Figure, Answer], _q: int) -> Answer | None:
    r"""One minus observed over expected disagreement, corrected for small samples, with the nominal distance.

    $$ \alpha = 1 - \frac{(n - 1) \sum_i m_i d_i}{n^2 - \sum_c n_c^2} $$

    over the pairable items, with $n_c$ labels $c$ among their $n$ labels. Items with one label do not take part. The
    interval is that of `detectors.agreement.coefficient.alpha_of`, with $e_c = 1 - \pi_c$.

    Undefined without a pairable item and where the pairable items show one label only (the package krippendorff raises
    there, or answers nan).

    >>> from detectors.agreement.table import Table
    >>> ALPHA_NOMINAL.reading(Table.of({"a\x1fa": 6, "a\x1fb": 1, "b\x1fb": 5}), q=2)  # doctest: +ELLIPSIS
    Reading(value=0.83916083..., low=0.46980..., high=1.0, n=12, why='')
    >>> ALPHA_NOMINAL.reading(Table.of({"a\x1fa": 3}), q=2).why
    'no variation'

    References
    ----------
    Krippendorff, K. (2004). Reliability in content analysis: some common misconceptions and recommendations.
    Human Communication Research 30(3), 411-433. https://doi.org/10.1111/j.1468-2958.2004.tb00738.x
    """
    return alpha_of(table, table.disagreement, table.complements(table.pair_shares))


ALPHA_NOMINAL = Coefficient("alpha_nominal", CATEGORIES, -1.0, alpha_nominal)
