"""The figures of spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from detectors.agreement.coefficient import Estimate
from detectors.agreement.measured import MeasuredCoefficient
from detectors.agreement.spans.alpha_of_characters import alpha_of_characters
from detectors.agreement.spans.ratio import ratio
from detectors.reading import Reading
from detectors.reasons import NO_VARIATION, TOO_MUCH

_SPANS: Final = frozenset({"spans"})

_Estimator = Callable[[Mapping[str, int]], Estimate | Reading | None]


def _figure(name: str, estimate: _Estimator, lowest: float, *, of_classes: bool = False) -> MeasuredCoefficient:
    def reading(sums: Mapping[str, int]) -> Reading:
        """Of the items that were compared."""
        n = sums.get(f"{name} n", 0)
        if not n:
            return Reading.undefined(0, TOO_MUCH)
        found = estimate(sums)
        if isinstance(found, Estimate):
            return found.reading(n, lowest)
        return found or Reading.undefined(n, NO_VARIATION)

    return MeasuredCoefficient(name, _SPANS, lowest, reading, of_classes)


def _ratio(name: str, *, of_classes: bool = False) -> MeasuredCoefficient:
    return _figure(name, lambda sums: ratio(sums, name), 0.0, of_classes=of_classes)


SPANS: Final = (
    _figure("alpha", alpha_of_characters, -1.0),
    _ratio("span_f1"),
    _ratio("span_f1_untyped"),
    _ratio("overlap_f1"),
    _ratio("character_f1"),
    _ratio("boundary_similarity"),
    _ratio("span_f1", of_classes=True),
)
"""An F1 is micro: twice what annotators have in common over what they have, both over all pairs of annotators and items."""
