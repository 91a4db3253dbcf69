"""How far the boxes of two annotators overlap."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from detectors.agreement.boxes.quantities import MATCHED, MEAN, UNCOMPARED
from detectors.agreement.coefficient import Estimate
from detectors.agreement.measured import MeasuredCoefficient
from detectors.agreement.measures import ONE
from detectors.agreement.products import UNIT, Products
from detectors.reading import Reading
from detectors.reasons import NO_VARIATION, TOO_MUCH


def mean_of(sums: Mapping[str, int], quantity: str) -> Reading:
    """The mean over items of a quantity between 0 and 1 of their matched boxes; n is the items with a box."""
    found = Products(sums, MATCHED)
    if not found.items:
        return Reading.undefined(0, TOO_MUCH if sums.get(UNCOMPARED) else NO_VARIATION)
    mean = Fraction(found.total(quantity), found.items)
    error = found.error({quantity: Fraction(1, found.items), UNIT: -mean / found.items})
    return Estimate(float(mean / ONE), error / ONE, found.items - 1).reading(found.items, 0.0)


def mean_iou(sums: Mapping[str, int]) -> Reading:
    r"""The mean over items of the mean over pairs of annotators of the IoU of their matched boxes, a miss 0.

    $$ \frac{1}{N} \sum_i \frac{1}{P_i} \sum_{a < b} \frac{\sum_{(A, B)} \mathrm{IoU}(A, B)}{n_a + n_b - k_{ab}} $$

    Two annotators' $n_a$ and $n_b$ boxes are matched so that the sum of the IoUs is largest, without a pair below the
    threshold; each of the $k_{ab}$ matched pairs counts once, and so does each box that is left. Pairs of annotators who
    both found nothing are left out, and so are items where nobody found a box: where these are all, it is undefined. The
    interval is that of a mean, with N - 1 degrees of freedom.

    References
    ----------
    Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 2(1-2), 83-97.
    https://doi.org/10.1002/nav.3800020109
    """
    return mean_of(sums, MEAN)


MEAN_IOU: Final = MeasuredCoefficient("mean_iou", frozenset({"boxes"}), 0.0, mean_iou)
