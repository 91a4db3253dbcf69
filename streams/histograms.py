"""Counts below fixed bounds: of one thing, and of one thing by project."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

MOST_PROJECTS: Final = 200
"""Projects with a histogram of their own; others share the one of project ""."""

Floats = npt.NDArray[np.float64]


class Histogram:
    """Cumulative counts below fixed bounds, and the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_all(self, values: Sequence[float] | Floats) -> None:
        """Count many values."""
        found = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.counts))
        self.add(found.tolist(), float(np.sum(values)))

    def add(self, counts: Sequence[int], total: float) -> None:
        """Add what others counted between the same bounds."""
        self.counts = [count + more for count, more in zip(self.counts, counts, strict=True)]
        self.total += total

    def buckets(self) -> list[tuple[str, float]]:
        """Bounds and cumulative counts, as Prometheus wants them."""
        found, below = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            found.append((bound, float(below)))
        return found


class ProjectHistograms:
    """Histograms with the same bounds, one a project; a chunk's values are counted together, whatever their projects."""

    __slots__ = ("_bounds", "held")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.held: dict[str, Histogram] = {}

    def observe_all(self, counts: Mapping[str, int], values: Floats) -> None:
        """Count values that lie project after project, so many of each."""
        width = len(self._bounds) + 1
        owner = np.repeat(np.arange(len(counts)), list(counts.values()))
        places = owner * width + np.searchsorted(self._bounds, values)
        found = np.bincount(places, minlength=width * len(counts)).reshape(-1, width)
        totals = np.bincount(owner, values, len(counts))
        for project, each, total in zip(counts, found.tolist(), totals.tolist(), strict=True):
            self._of(project).add(each, total)

    def _of(self, project: str) -> Histogram:
        histogram = self.held.get(project)
        if histogram is None and len(self.held) >= MOST_PROJECTS:
            project = ""
            histogram = self.held.get(project)
        if histogram is None:
            histogram = self.held[project] = Histogram(self._bounds)
        return histogram
