"""Spans: stretches of text, each with a type or without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from detectors.agreement.spans.marks import Mark, Marked, marks
from detectors.agreement.spans.measure import measure
from detectors.config import OTHER, TaskConfig
from detectors.labels.base import Measured, Measuring
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
    categorical = False
    answers = False

    def measuring(self, config: TaskConfig) -> Measuring:
        """By what the annotators marked in common."""
        if config.unknown != OTHER:
            return lambda given: _measured([cast("SpansLabel", label).spans for _, _, label in given])
        class_name = class_names(config)
        return lambda given: _measured(
            [
                [Mark(class_name(span.type) or "", span.start, span.end) for span in cast("SpansLabel", label).spans]
                for _, _, label in given
            ]
        )


def _measured(answers: Sequence[Sequence[Marked]]) -> Measured:
    found = measure([marks(spans) for spans in answers])
    return Measured(tuple(found.whole.items()), [tuple(sums.items()) for sums in found.own])
