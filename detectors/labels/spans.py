"""Spans: stretches of text, each with a type or without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast

from detectors.agreement.measures import Measure
from detectors.agreement.spans.dispute import difference
from detectors.agreement.spans.marks import Mark, Marked, Marks, marks
from detectors.agreement.spans.measure import measure, measure_groups
from detectors.config import OTHER, TaskConfig
from detectors.labels.base import Differing, Given, GroupMeasuring, Measured, Measuring
from detectors.labels.objects import ObjectType, class_names


class SpansLabel(Protocol):
    """A label that is a list of spans."""

    @property
    def spans(self) -> Sequence[Marked]:
        """In any order."""
        ...


class Spans(ObjectType):
    """Stretches of text; being right is a matter of overlap, not of equality."""

    name = "spans"
    classes = "type"
    likeness = "span_f1"
    categorical = False
    answers = False

    def measuring(self, config: TaskConfig) -> Measuring:
        """By what the annotators marked in common."""
        marks_of = _marks(config)

        def measured(given: Sequence[Given]) -> Measured:
            found = measure([marks_of(label) for _, _, label in given])
            return Measured(tuple(found.whole.items()), [tuple(sums.items()) for sums in found.own])

        return measured

    def measuring_groups(self, config: TaskConfig) -> GroupMeasuring:
        """By what the annotators of each two groups marked in common."""
        marks_of = _marks(config)

        def measured(groups: Sequence[Sequence[Given]]) -> Sequence[Measure]:
            found = measure_groups([[marks_of(label) for _, _, label in given] for given in groups])
            return [tuple(sums.items()) for sums in found]

        return measured

    def differing(self, config: TaskConfig) -> Differing:
        """By what annotators say of each character that anyone marked."""
        marks_of = _marks(config)
        return lambda given: difference([marks_of(label) for _, _, label in given])


def _marks(config: TaskConfig) -> Callable[[object], Marks]:
    """The marks of a label, with the types as the task counts them."""
    if config.unknown != OTHER:
        return lambda label: marks(cast("SpansLabel", label).spans)
    class_name = class_names(config)
    return lambda label: marks(
        Mark(class_name(span.type) or "", span.start, span.end) for span in cast("SpansLabel", label).spans
    )
