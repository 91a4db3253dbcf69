"""Spans: stretches of text, each with a type or without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from detectors.agreement.spans.marks import Marked, marks
from detectors.agreement.spans.measure import measure
from detectors.config import TaskConfig
from detectors.labels.base import Given, Measured, Measuring
from detectors.labels.objects import ObjectType


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

    def measuring(self, _config: TaskConfig) -> Measuring:
        """By what the annotators marked in common."""
        return _measured


def _measured(given: Sequence[Given]) -> Measured:
    found = measure([marks(cast("SpansLabel", label).spans) for _, _, label in given])
    return Measured(tuple(found.whole.items()), [tuple(sums.items()) for sums in found.own])
