"""Boxes: rectangles in a picture, each with a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Protocol, cast

from detectors.agreement.boxes.dispute import difference
from detectors.agreement.boxes.geometry import Rectangle
from detectors.agreement.boxes.quantities import measure, measure_groups
from detectors.agreement.disputed import Difference
from detectors.agreement.measures import Measure
from detectors.config import TaskConfig
from detectors.labels.base import Differing, Given, GroupMeasuring, Measured, Measuring
from detectors.labels.numbers import LARGEST
from detectors.labels.objects import ObjectType, class_names


class Box(Protocol):
    """A rectangle and its class."""

    @property
    def bbox(self) -> Sequence[float]:
        """x, y, width and height."""
        ...

    @property
    def label(self) -> str | None:
        """The class."""
        ...


class BoxesLabel(Protocol):
    """A label of the shape boxes."""

    @property
    def boxes(self) -> Sequence[Box]:
        """The boxes; none says that there is nothing to be boxed."""
        ...


class Boxes(ObjectType):
    """Rectangles; being right is a matter of overlap, not of equality."""

    name = "boxes"
    classes = "class"
    likeness = "mean_iou"
    categorical = False
    answers = False

    def key(self, label: object) -> str | None:
        """The label's one spelling; None where a number is larger than 10^9."""
        key = super().key(label)
        if key is None:
            return None
        fits = all(-LARGEST <= number <= LARGEST for box in cast("BoxesLabel", label).boxes for number in box.bbox)
        return key if fits else None

    def measuring(self, config: TaskConfig) -> Measuring:
        """By IoU."""
        rectangles = _rectangles(config)

        def measured(given: Sequence[Given]) -> Measured:
            answers = [rectangles(label) for _, _, label in given]
            return Measured(*measure(answers, config.iou, inclusive=config.inclusive_pixels))

        return measured

    def measuring_groups(self, config: TaskConfig) -> GroupMeasuring:
        """By IoU."""
        rectangles = _rectangles(config)

        def measured(groups: Sequence[Sequence[Given]]) -> Sequence[Measure]:
            people = sorted(
                [(annotator, group, label) for group, given in enumerate(groups) for annotator, _, label in given],
                key=itemgetter(0),
            )
            answers = [rectangles(label) for _, _, label in people]
            numbers = [group for _, group, _ in people]
            return measure_groups(answers, numbers, config.iou, inclusive=config.inclusive_pixels)

        return measured

    def differing(self, config: TaskConfig) -> Differing:
        """By what annotators say of each object."""
        rectangles = _rectangles(config)

        def difference_of(given: Sequence[Given]) -> Difference | None:
            answers = [rectangles(label) for _, _, label in given]
            return difference(answers, config.iou, inclusive=config.inclusive_pixels)

        return difference_of


def _rectangles(config: TaskConfig) -> Callable[[object], Sequence[Rectangle]]:
    """The boxes of a label, with the classes as the task counts them."""
    class_name = class_names(config)

    def rectangle(box: Box) -> Rectangle:
        x, y, width, height = box.bbox
        return Rectangle(x, y, width, height, class_name(box.label))

    return lambda label: [rectangle(box) for box in cast("BoxesLabel", label).boxes]
