"""Krippendorff's alpha of what annotators say of each object."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from detectors.agreement.boxes.quantities import ANSWERS, DIFFERING, LABELS, UNCOMPARED, UNITS, WIDE
from detectors.agreement.coefficient import Estimate
from detectors.agreement.measured import MeasuredCoefficient
from detectors.agreement.measures import ONE
from detectors.agreement.products import Products
from detectors.reading import Reading
from detectors.reasons import NO_VARIATION, TOO_MUCH


def alpha(sums: Mapping[str, int]) -> Reading:
    r"""Nominal alpha over the units of all items, where missing an object is an answer of its own.

    A unit is an object that an annotator of the item boxed (`detectors.agreement.boxes.matching.find_units`); each
    annotator of the item answers its class, or "missed". With $m_u$ answers, of which $r_{uc}$ are $c$,

    $$ \alpha = 1 - \left(1 - \frac 1 n\right) \frac{D_o}{D_e}, \qquad
       D_o = \frac 1 n \sum_u \sum_c \frac{r_{uc} (m_u - r_{uc})}{m_u - 1}, \qquad
       D_e = 1 - \sum_c \pi_c^2 $$

    over the n answers, $\pi_c$ of them c. Units of one item are not independent: the error is that of
    `detectors.agreement.coefficient.alpha_of` with the linearised values summed by item, $\sqrt{C / (C - 1) \sum_i
    (\sum_{u \in i} (x_u - \alpha'))^2} / U$ for C items and U units, with C - 1 degrees of freedom. Undefined where all
    answers are equal. n is the items with a box. There is no interval where items have more than 20 categories, whose products
    are not kept; `detectors.agreement.wide` has them from the items.

    References
    ----------
    Krippendorff, K. (2004). Reliability in content analysis: some common misconceptions and recommendations.
    Human Communication Research 30(3), 411-433. https://doi.org/10.1111/j.1468-2958.2004.tb00738.x

    Tschirschwitz, D., Klemstein, F., Stein, B. and Rodehorst, V. (2022). A dataset for analysing complex document layouts
    in the digital humanities and its evaluation with Krippendorff's alpha. German Conference on Pattern Recognition.
    https://doi.org/10.1007/978-3-031-16788-1_22
    """
    found = Products(sums, ANSWERS)
    units, labels = found.total(UNITS), found.total(LABELS)
    if not units:
        return Reading.undefined(0, TOO_MUCH if sums.get(UNCOMPARED) else NO_VARIATION)
    names = [name for name in found.names() if name not in {UNITS, LABELS, DIFFERING}]
    shares = {name: Fraction(found.total(name), labels * ONE) for name in names}
    expected = 1 - sum(share * share for share in shares.values())
    if len([share for share in shares.values() if share]) < 2:
        return Reading.undefined(found.items, NO_VARIATION)
    uncorrected = Fraction(found.total(DIFFERING), labels * ONE) / expected
    observed = uncorrected * Fraction(labels - 1, labels)
    if sums.get(WIDE):
        return Reading(float(1 - observed), None, None, found.items)
    # The deviation of a unit is c0 + c1 m + cd m d + the sum over categories of cc r.
    size = Fraction(labels, units)
    coefficients = {
        UNITS: uncorrected - observed,
        LABELS: (observed - 2 * uncorrected) / size,
        DIFFERING: -1 / (size * expected * ONE),
        **{name: 2 * uncorrected * (1 - share) / (size * expected * ONE) for name, share in shares.items()},
    }
    error = found.error(coefficients) / units
    return Estimate(float(1 - observed), error, found.items - 1).reading(found.items, -1.0)


ALPHA: Final = MeasuredCoefficient("alpha", frozenset({"boxes"}), -1.0, alpha)
