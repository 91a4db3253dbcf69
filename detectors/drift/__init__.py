"""Sequential detectors of drift, all behind River's detector interface.

A detector reads one signal, number by number, in the log's order. To add one: a new file with a `SequentialDetector`,
and its line in `DETECTORS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detectors.drift.base import Evidence, SequentialDetector, State
from detectors.drift.cusum import IntegerCusum
from detectors.drift.duration import AdwinDuration

DETECTORS: Mapping[str, type[SequentialDetector]] = MappingProxyType(
    {
        detector.signal: detector
        for detector in (
            IntegerCusum,
            AdwinDuration,
        )
    }
)
"""By signal, the detector that reads it; calling it gives a fresh one with its default parameters."""

__all__ = ["DETECTORS", "AdwinDuration", "Evidence", "IntegerCusum", "SequentialDetector", "State"]
