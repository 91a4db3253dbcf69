"""Agreement of boxes: which boxes show the same object, and how alike they are."""

from __future__ import annotations

from typing import Final

from detectors.agreement.boxes.alpha import ALPHA
from detectors.agreement.boxes.iou_alpha import IOU_ALPHA
from detectors.agreement.boxes.iou_by_class import IOU_MEAN, IOU_VARIANCE
from detectors.agreement.boxes.match_rate import MATCH_RATE
from detectors.agreement.boxes.mean_iou import MEAN_IOU
from detectors.agreement.boxes.quantities import measure, measure_groups

BOXES: Final = (ALPHA, MATCH_RATE, MEAN_IOU, IOU_ALPHA, IOU_MEAN, IOU_VARIANCE)

__all__ = ["BOXES", "measure", "measure_groups"]
