"""Krippendorff's alpha."""

from __future__ import annotations

import numpy as np

from detectors.agreement.coefficient import Coefficient, Estimate, standard_error
from detectors.agreement.table import Table, complements, total


def alpha(table: Table, _q: int) -> Estimate | None:
    r"""One minus observed over expected disagreement, corrected for small samples, with the nominal distance.

    $$ \alpha = 1 - \frac{(n - 1) \sum_i m_i d_i}{n^2 - \sum_c n_c^2} $$

    over the pairable items, with $n_c$ labels $c$ among their $n$ labels. Items with one label do not take part.

    The standard error is the linearisation of irrCAC: with $\bar m$ the mean of $m_i$, $\pi_c = n_c/n$,
    $D_e = \sum_c \pi_c (1 - \pi_c)$, $D_o = \sum_i m_i d_i / n$, $\alpha' = 1 - D_o/D_e$, $D = (1 - 1/n) D_o$ and
    $u_i = m_i/\bar m$,

    $$ x_i = 1 + \frac{u_i (D - d_i) - D}{D_e} - 2 (1 - \alpha') u_i \left(1 - \frac{1}{D_e} \sum_c s_{ic} (1 - \pi_c)\right), $$

    whose mean is $\alpha'$, and the variance $\sum_i (x_i - \alpha')^2 / N(N - 1)$ over the $N$ pairable items, with
    $N - 1$ degrees of freedom.

    Undefined without a pairable item and where the pairable items show one label only (the package krippendorff raises
    there, or answers nan).

    >>> ALPHA.reading(Table.of({"a\x1fa": 6, "a\x1fb": 1, "b\x1fb": 5}), q=2)  # doctest: +ELLIPSIS
    Reading(value=0.83916083..., low=0.46980..., high=1.0, n=12, why='')
    >>> ALPHA.reading(Table.of({"a\x1fa": 3}), q=2).why
    'no variation'

    References
    ----------
    Krippendorff, K. (2004). Reliability in content analysis: some common misconceptions and recommendations.
    Human Communication Research 30(3), 411-433. https://doi.org/10.1111/j.1468-2958.2004.tb00738.x

    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    if np.count_nonzero(table.pair_shares) < 2:
        return None
    weight = np.where(table.size > 1, table.weight, 0.0)
    rest = complements(table.pair_shares)
    expected = total(table.pair_shares * rest)
    uncorrected = total(weight * table.size * table.disagreement) / table.pair_labels
    observed = (1.0 - 1.0 / table.pair_labels) * uncorrected
    centre = 1.0 - uncorrected / expected
    relative_size = table.size * (table.pairable / table.pair_labels)
    deviation = (
        1.0
        + (relative_size * (observed - table.disagreement) - observed) / expected
        - 2.0 * (1.0 - centre) * relative_size * (1.0 - table.by_row(rest) / expected)
        - centre
    )
    error = standard_error(weight, deviation, table.pairable)
    return Estimate(1.0 - observed / expected, error, table.pairable - 1)


ALPHA = Coefficient("alpha", frozenset({"nominal"}), -1.0, alpha)
