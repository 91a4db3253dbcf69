"""The coefficient of Brennan and Prediger."""

from __future__ import annotations

import numpy as np

from detectors.agreement.coefficient import CATEGORIES, ORDERED, Coefficient, chance_corrected
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.reasons import NO_ORDER


def brennan_prediger(table: Rows[Figure, Answer], q: int) -> Answer | None:
    r"""Percent agreement corrected for labels drawn with equal probability.

    $$ \kappa = \frac{p_a - 1/q}{1 - 1/q} $$

    q is the number of declared labels, seen or not. With all items labelled by the same number of annotators it is
    Randolph's free-marginal kappa. Undefined without a pairable item and for fewer than two categories; where all
    labels are equal it is 1.

    >>> from detectors.agreement.table import Table
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


def brennan_prediger_weighted(table: Rows[Figure, Answer], _q: int) -> Answer | str | None:
    r"""The coefficient for ordered labels: labels that are near each other agree in part.

    $$ p_e = \frac{1}{q^2} \sum_{c, k} w_{ck} $$

    and $p_a$ as in `detectors.agreement.ac2`, which says what the weights are. Undefined also where nothing says how the
    labels are ordered.

    >>> from detectors.agreement.scale import Scale
    >>> from detectors.agreement.table import Table
    >>> table = Table.of({"1\x1f1": 6, "1\x1f2": 1, "3\x1f3": 5}, Scale.of("ordinal", "123"))
    >>> BRENNAN_PREDIGER.reading(table, q=3, label_type="ordinal")  # doctest: +ELLIPSIS
    Reading(value=0.9375, low=..., high=1.0, n=12, why='')
    """
    placed = table.placed
    if placed is None:
        return NO_ORDER
    if len(placed.scale.labels) < 2:
        return None
    expected = placed.scale.mean_distance()
    rows = len(table.weight)
    return chance_corrected(table, expected, np.full(rows, expected), placed.by_weights(rows))


BRENNAN_PREDIGER = Coefficient(
    "brennan_prediger",
    CATEGORIES,
    -1.0,
    brennan_prediger,
    by_type=dict.fromkeys(ORDERED, brennan_prediger_weighted),
)
