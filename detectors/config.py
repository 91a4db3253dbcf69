"""What can be configured of a task; all of it optional."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UNFIT: Final = "unfit"
OTHER: Final = "other"
"""What becomes of a label outside the declared set: it does not count, or it counts as the label of this name."""


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """A task's configuration; the default serves a project that nobody configured.

    `label_type` None means the type of the shape that most of the task's counting annotations have; `labels` is the
    declared set, in order where order matters; `unknown` says what becomes of labels outside it; `weights` is how far partial agreement of ordered labels goes
    (`detectors.agreement.scale.WEIGHTS`); boxes match from the overlap `iou` on, and `inclusive_pixels` counts their last
    row and column as theirs; `detectors` names the signals that are watched; the watermark, at which hours are closed, is
    `lateness_minutes` before the time that three annotators have come to. Items are counted by the hour for `hourly_days`
    before that, by the day where they are older.
    """

    label_type: str | None = None
    labels: tuple[str | bool | int | float, ...] | None = None
    unknown: str = UNFIT
    weights: str = "quadratic"
    iou: float = 0.5
    inclusive_pixels: bool = False
    detectors: tuple[str, ...] = ("gold_errors", "log_duration")
    lateness_minutes: int = 60
    hourly_days: int = 35
