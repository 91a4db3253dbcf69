"""The coefficient of Brennan and Prediger."""

from __future__ import annotations

import numpy as np

from detectors.agreement.coefficient import Coefficient, Estimate, chance_corrected
from detectors.agreement.table import Table


def brennan_prediger(table: Table, q: int) -> Estimate | None:
    r"""Percent agreement corrected for labels drawn with equal probability.

    $$ \kappa = \frac{p_a - 1/q}{1 - 1/q} $$

    q is the number of declared labels, seen or not. With all items labelled by the same number of annotators it is
    Randolph's free-marginal kappa. Undefined without a pairable item and for fewer than two categories; where all
    labels are equal it is 1.

    >>> BRENNAN_PREDIGER.reading(Table.of({"a\x1fa": 6, "a\x1fb": 1, "b\x1fb": 5}), q=2)  # doctest: +ELLIPSIS
    Reading(value=0.83333333..., low=0.46650..., high=1.0, n=12, why='')

    References
    ----------
    Brennan, R. L. and Prediger, D. J. (1981). Coefficient kappa: some uses, misuses, and alternatives.
    Educational and Psychological Measurement 41(3), 687-699. https://doi.org/10.1177/001316448104100307
    """
    if q < 2:
        return None
    expected = 1.0 - 1.0 / q
    return chance_corrected(table, expected, np.full(len(table.weight), expected))


BRENNAN_PREDIGER = Coefficient("brennan_prediger", frozenset({"nominal"}), -1.0, brennan_prediger)
