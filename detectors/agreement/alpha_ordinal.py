"""Krippendorff's alpha of labels in an order."""

from __future__ import annotations

from detectors.agreement.arrays import Floats, sums
from detectors.agreement.coefficient import ORDERED, Coefficient, alpha_of
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.agreement.scale import squared
from detectors.reasons import NO_ORDER


def alpha_ordinal(table: Rows[Figure, Answer], _q: int) -> Answer | str | None:
    r"""One minus observed over expected disagreement, with the squared number of labels between two as distance.

    $$ \alpha = 1 - \left(1 - \frac 1 n\right) \frac{D_o}{D_e}, \qquad \delta^2_{ck} = (F_c - F_k)^2, \qquad
       F_c = \sum_{g < c} \pi_g + \frac{\pi_c}{2} $$

    over the pairable items. So the distance depends on how often labels are used, and the influence of an item on alpha
    has a part that goes through it. With $o_{ck}$ the coincidences, $J_c = \pi_c F_c - \sum_k o_{ck} F_k / n - (1 -
    \alpha') \pi_c (F_c - 1/2)$ and $H_c = \sum_{g > c} J_g + J_c/2$, the linearised values of
    `detectors.agreement.coefficient.alpha_of` get $-4 u_i \sum_c s_{ic} H_c / D_e$ more; irrCAC has no such metric (its
    weights "ordinal" are another one). Undefined without a pairable item, where the pairable items show one label only,
    and where nothing says how the labels are ordered.

    >>> from detectors.agreement.scale import Scale
    >>> from detectors.agreement.table import Table
    >>> table = Table.of({"a\x1fa": 6, "a\x1fb": 1, "c\x1fc": 5}, Scale.of("ordinal", "abc"))
    >>> ALPHA_ORDINAL.reading(table, q=3, label_type="ordinal")  # doctest: +ELLIPSIS
    Reading(value=0.94696969..., low=0.79661..., high=1.0, n=12, why='')

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43
    """
    placed = table.placed
    if placed is None:
        return NO_ORDER
    shares = table.pair_shares
    places = table.below(shares)
    rows = len(table.weight)

    def moved(ratio: Figure) -> Floats:
        """What the places move, for D_o/D_e."""
        labels = len(shares)
        pulls = (table.weight * table.size / table.to_rows(2.0 * table.pair_labels))[placed.row] * placed.part
        pulls *= places[placed.first] - places[placed.second]
        pull = sums(placed.first, pulls, labels) - sums(placed.second, pulls, labels)
        pull -= table.to_labels(ratio) * shares * (places - 0.5)
        return -4.0 * table.by_row(table.above(pull))

    return alpha_of(table, placed.by_row(places, squared, rows), table.mean_distances(places, shares, squared), moved)


ALPHA_ORDINAL = Coefficient("alpha_ordinal", ORDERED, -1.0, alpha_ordinal)
