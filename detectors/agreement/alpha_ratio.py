"""Krippendorff's alpha of numbers on a scale with a zero."""

from __future__ import annotations

from detectors.agreement.coefficient import ORDERED, Coefficient, alpha_of
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.agreement.scale import relative
from detectors.reasons import NO_ORDER, NO_RATIO


def alpha_ratio(table: Rows[Figure, Answer], _q: int) -> Answer | str | None:
    r"""One minus observed over expected disagreement, with the squared relative difference of the numbers as distance.

    $$ \alpha = 1 - \left(1 - \frac 1 n\right) \frac{D_o}{D_e}, \qquad
       \delta^2_{ck} = \left(\frac{c - k}{c + k}\right)^2 $$

    and 0 between zeros. The interval is that of `detectors.agreement.coefficient.alpha_of`; irrCAC's alpha with weights
    "ratio" is the same. Undefined without a pairable item, where the pairable items show one label only, and for a set
    of labels that are not all numbers from 0.

    >>> from detectors.agreement.scale import Scale
    >>> from detectors.agreement.table import Table
    >>> table = Table.of({"1\x1f1": 6, "1\x1f2": 1, "3\x1f3": 5}, Scale.of("ratio", None, "123"))
    >>> ALPHA_RATIO.reading(table, q=3, label_type="ratio")  # doctest: +ELLIPSIS
    Reading(value=0.92559042..., low=0.74742..., high=1.0, n=12, why='')

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43
    """
    placed = table.placed
    if placed is None:
        return NO_ORDER
    if not placed.scale.numbers or min(placed.scale.number) < 0:
        return NO_RATIO
    disagreement = placed.by_numbers(relative, len(table.weight))
    return alpha_of(table, disagreement, table.mean_distances(placed.number, table.pair_shares, relative))


ALPHA_RATIO = Coefficient("alpha_ratio", ORDERED, -1.0, alpha_ratio)
