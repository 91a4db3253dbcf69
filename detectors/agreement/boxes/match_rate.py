"""How many boxes another annotator drew too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detectors.agreement.boxes.mean_iou import mean_of
from detectors.agreement.boxes.quantities import RATE
from detectors.agreement.measured import MeasuredCoefficient
from detectors.reading import Reading


def match_rate(sums: Mapping[str, int]) -> Reading:
    r"""The mean over items of the mean over pairs of annotators of the share of their boxes that are matched.

    $$ \frac{1}{N} \sum_i \frac{1}{P_i} \sum_{a < b} \frac{2 k_{ab}}{n_a + n_b} $$

    with the matches of `detectors.agreement.boxes.mean_iou`, whatever the classes; it is the F1 of one annotator's boxes
    by the other's. Undefined where nobody found a box.
    """
    return mean_of(sums, RATE)


MATCH_RATE: Final = MeasuredCoefficient("match_rate", frozenset({"boxes"}), 0.0, match_rate)
