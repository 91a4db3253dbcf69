"""Krippendorff's alpha of numbers."""

from __future__ import annotations

from detectors.agreement.coefficient import ORDERED, Coefficient, alpha_of
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.agreement.scale import squared
from detectors.reasons import NO_ORDER


def alpha_interval(table: Rows[Figure, Answer], _q: int) -> Answer | str | None:
    r"""One minus observed over expected disagreement, with the squared difference of the numbers as distance.

    $$ \alpha = 1 - \left(1 - \frac 1 n\right) \frac{D_o}{D_e}, \qquad \delta^2_{ck} = (c - k)^2 $$

    Ordinal labels that are no numbers count by their rank in the declared set. The interval is that of
    `detectors.agreement.coefficient.alpha_of`; irrCAC's alpha with quadratic weights is the same. Numbers that are no
    categories have it from `detectors.agreement.moments`. Undefined without a
    pairable item, where the pairable items show one label only, and where nothing says how the labels are ordered.

    >>> from detectors.agreement.scale import Scale
    >>> from detectors.agreement.table import Table
    >>> table = Table.of({"1\x1f1": 6, "1\x1f2": 1, "3\x1f3": 5}, Scale.of("interval", None, "123"))
    >>> ALPHA_INTERVAL.reading(table, q=3, label_type="interval")  # doctest: +ELLIPSIS
    Reading(value=0.95764272..., low=0.85491..., high=1.0, n=12, why='')

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43
    """
    placed = table.placed
    if placed is None:
        return NO_ORDER
    disagreement = placed.by_numbers(squared, len(table.weight))
    return alpha_of(table, disagreement, table.mean_distances(placed.number, table.pair_shares, squared))


ALPHA_INTERVAL = Coefficient("alpha_interval", ORDERED, -1.0, alpha_interval)
