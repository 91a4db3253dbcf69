"""Alpha of where the boxes are."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from detectors.agreement.boxes.quantities import DISTANCES, FAR, FAR_WEIGHT, LABELS, NEAR, UNCOMPARED
from detectors.agreement.coefficient import Estimate
from detectors.agreement.measured import MeasuredCoefficient
from detectors.agreement.measures import ONE
from detectors.agreement.products import Products
from detectors.reading import Reading
from detectors.reasons import NO_VARIATION, TOO_MUCH


def iou_alpha(sums: Mapping[str, int]) -> Reading:
    r"""One minus observed over expected distance of two annotators' answers, the distance being 1 - IoU.

    $$ \alpha = 1 - \frac{\sum_i n_i o_i / \sum_i n_i}{\sum_i n_i e_i / \sum_{i : U_i > 1} n_i} $$

    for items with $U_i$ units and $n_i = U_i m_i$ answers. $o_i$ is the mean distance of two annotators' answers in one
    unit, $e_i$ that of two annotators' answers in two units of the same item; between a box and "missed" it is 1, between
    two that missed 0. So chance is to mean another object of the same picture: with boxes of other pictures, whose places
    have nothing to do with each other, the expected distance would be nearly 1 everywhere. Items with one unit have no
    part in it, and where there are only such, or nothing is ever apart, it is undefined. Classes do not enter. The
    standard error is the linearisation of this ratio of sums over the C items, with C - 1 degrees of freedom.

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43
    """
    found = Products(sums, DISTANCES)
    labels, weight = found.total(LABELS), found.total(FAR_WEIGHT)
    far = Fraction(found.total(FAR), ONE)
    if not far:
        return Reading.undefined(found.items, TOO_MUCH if sums.get(UNCOMPARED) and not found.items else NO_VARIATION)
    ratio = Fraction(found.total(NEAR), ONE) / labels * weight / far
    coefficients = {
        NEAR: -weight / (labels * far * ONE),
        LABELS: ratio / labels,
        FAR: ratio / (far * ONE),
        FAR_WEIGHT: -ratio / weight,
    }
    return Estimate(float(1 - ratio), found.error(coefficients), found.items - 1).reading(found.items, -1.0)


IOU_ALPHA: Final = MeasuredCoefficient("iou_alpha", frozenset({"boxes"}), -1.0, iou_alpha)
