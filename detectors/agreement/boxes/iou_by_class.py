"""How far the matched boxes of a class overlap: mean and variance."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from detectors.agreement.boxes.quantities import FIRST, OVERLAPS, PAIRS, SECOND
from detectors.agreement.coefficient import Estimate
from detectors.agreement.measured import MeasuredCoefficient
from detectors.agreement.measures import ONE
from detectors.agreement.products import Products
from detectors.reading import Reading
from detectors.reasons import NO_PAIRABLE_ITEM


def iou_mean(sums: Mapping[str, int]) -> Reading:
    r"""The mean IoU of matched pairs of boxes of the class.

    $$ \bar x = \frac{\sum_i \sum_{p \in i} x_p}{\sum_i k_i} $$

    over the $k_i$ pairs of boxes of an item that two annotators matched (`detectors.agreement.boxes.mean_iou`), both of
    this class. A miss does not enter: the figure tells how boxes are drawn, not whether. The interval is the
    linearisation of the ratio over the items with such pairs, whose number n is. Undefined without any.
    """
    found = Products(sums, OVERLAPS)
    if not found.items:
        return Reading.undefined(0, NO_PAIRABLE_ITEM)
    pairs = found.total(PAIRS)
    mean = Fraction(found.total(FIRST), pairs * ONE)
    error = found.error({FIRST: Fraction(1, pairs * ONE), PAIRS: -mean / pairs})
    return Estimate(float(mean), error, found.items - 1).reading(found.items, 0.0)


def iou_variance(sums: Mapping[str, int]) -> Reading:
    r"""The variance of the IoU of matched pairs of boxes of the class.

    $$ s^2 = \frac{\sum_i \sum_{p \in i} (x_p - \bar x)^2}{\sum_i k_i} $$

    over the pairs of `iou_mean`; 0 where there is one. Its linearised value of an item is $\sum_p ((x_p - \bar x)^2 -
    s^2) / \sum_i k_i$. Undefined without any pair.
    """
    found = Products(sums, OVERLAPS)
    if not found.items:
        return Reading.undefined(0, NO_PAIRABLE_ITEM)
    pairs = found.total(PAIRS)
    mean, square = (Fraction(found.total(name), pairs * ONE) for name in (FIRST, SECOND))
    # Squares are rounded one by one.
    variance = max(square - mean * mean, Fraction(0))
    error = found.error(
        {
            SECOND: Fraction(1, pairs * ONE),
            FIRST: -2 * mean / (pairs * ONE),
            PAIRS: (mean * mean - variance) / pairs,
        }
    )
    return Estimate(float(variance), error, found.items - 1).reading(found.items, 0.0)


IOU_MEAN: Final = MeasuredCoefficient("iou_mean", frozenset({"boxes"}), 0.0, iou_mean, of_classes=True)
IOU_VARIANCE: Final = MeasuredCoefficient("iou_variance", frozenset({"boxes"}), 0.0, iou_variance, of_classes=True)
