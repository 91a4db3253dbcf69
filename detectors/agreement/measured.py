"""What a figure of labels that are measured is: a function of the sums of a scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from detectors.agreement.coefficient import Estimate
from detectors.reading import Reading
from detectors.reasons import NO_PAIRABLE_ITEM, NO_VARIATION

MeasuredEstimator: TypeAlias = Callable[[Mapping[str, int]], Estimate | Reading | str | None]
"""Sums by name (`detectors.agreement.measures`), of items of which at least one is pairable.

The answer is None where chance would agree always, a reason (`detectors.reasons`) where it is undefined otherwise, and a
whole reading where another number of items stands behind it than the pairable ones.
"""


@dataclass(frozen=True, slots=True)
class MeasuredCoefficient:
    """A figure of measured labels: its name, the label types it is for, its lower bound, and its estimate.

    One `of_classes` is read from the sums of each class and stands there alone; any other is read everywhere but there.
    """

    name: str
    label_types: frozenset[str]
    lowest: float
    estimate: MeasuredEstimator
    of_classes: bool = False

    def reading(self, sums: Mapping[str, int], pairable: int) -> Reading:
        """The figure with its interval; `pairable` is the number of pairable items."""
        if not pairable:
            return Reading.undefined(0, NO_PAIRABLE_ITEM)
        found = self.estimate(sums)
        if isinstance(found, Estimate):
            return found.reading(pairable, self.lowest)
        return found if isinstance(found, Reading) else Reading.undefined(pairable, found or NO_VARIATION)
