"""What the worker exports: a snapshot taken after a commit, rendered when it is asked for.

The families are those of `streams.catalogue`, all in a registry of our own. A scrape never touches the state: it reads
the snapshot, in a thread of its own.
"""

from __future__ import annotations

import heapq
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from streams.catalogue import CATALOGUE
from streams.version import installed_version

Labels = tuple[str, ...]

DELAY_BUCKETS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
COMMIT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

MOST_FLAGGED: Final = 50
"""Annotators flagged of one project; the others are counted."""

MOST_TASKS: Final = 500
"""Tasks with figures of their own, on one page: those with the most annotations, about 45 series each, of ordered labels
58, and one for each label."""

MOST_LABELS: Final = 10
"""A task with more labels than this does not say how often each is given."""

MOST_SERIES: Final = 5_000
"""Series of one family; what is above is cut, so that a flood of names cannot break the scrape: Prometheus refuses the
whole of a page above its `sample_limit`, 60,000 in `deploy/prometheus.yml`."""

MOST_DELAYS: Final = 500
"""Projects with a histogram of their own; others share the one of project ""."""

_DURATION: Final = "kappawatch_collect_duration_seconds"


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

    def observe_all(self, values: npt.NDArray[np.float64]) -> None:
        """Count many values."""
        found = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.counts))
        self.counts = [count + more for count, more in zip(self.counts, found.tolist(), strict=True)]
        self.total += float(values.sum())

    def buckets(self) -> list[tuple[str, float]]:
        """Bounds and cumulative counts, as Prometheus wants them."""
        found, below = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            found.append((bound, float(below)))
        return found


class Sample(NamedTuple):
    """One value of one family."""

    name: str
    labels: Labels
    value: float


Size = tuple[int, str, str]
"""How large a task is, less its number of annotations to a power of two; its project and name. The smallest come first."""


class TaskReadings(NamedTuple):
    """What is exported of one task."""

    size: Size
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class HomeReadings:
    """What one home exports; its tasks were computed at different times. Immutable once taken."""

    counts: tuple[Sample, ...] = ()
    tasks: tuple[TaskReadings, ...] = ()
    suppressed: int = 0
    """Tasks that are not among these."""

    def samples(self) -> Iterator[Sample]:
        """All of them."""
        yield from self.counts
        for task in self.tasks:
            yield from task.samples


@dataclass(slots=True)
class WorkerMetrics:
    """All that is exported: each home's last readings, and the worker's own counters and gauges."""

    homes: dict[int, HomeReadings] = field(default_factory=dict)
    values: dict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(dict))
    delays: dict[Labels, Histogram] = field(default_factory=dict)
    commits: Histogram = field(default_factory=lambda: Histogram(COMMIT_BUCKETS))

    def add(self, name: str, labels: Labels = (), amount: float = 1.0) -> None:
        """Count."""
        family = self.values.setdefault(name, {})
        family[labels] = family.get(labels, 0.0) + amount

    def set(self, name: str, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        self.values.setdefault(name, {})[labels] = value

    def stamp(self, name: str, value: float, labels: Labels) -> None:
        """Set a gauge of which the latest series are kept."""
        family = self.values.setdefault(name, {})
        family.pop(labels, None)
        family[labels] = value
        if len(family) > MOST_SERIES:
            del family[next(iter(family))]

    def drop(self, name: str, keep: Iterable[Labels] = ()) -> None:
        """Remove a gauge's series but those to keep."""
        kept = set(keep)
        family = self.values.get(name, {})
        for labels in [labels for labels in family if labels not in kept]:
            del family[labels]

    def delay(self, project: str, seconds: npt.NDArray[np.float64]) -> None:
        """Count how old a project's events were when they were committed."""
        histogram = self.delays.get((project,))
        if histogram is None and len(self.delays) >= MOST_DELAYS:
            project = ""
            histogram = self.delays.get((project,))
        if histogram is None:
            histogram = self.delays[project,] = Histogram(DELAY_BUCKETS)
        histogram.observe_all(np.maximum(seconds, 0.0))


class WorkerCollector(Collector):
    """Reads `WorkerMetrics` when Prometheus scrapes."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics
        self._version = installed_version()

    def describe(self) -> Iterable[Family]:
        """Nothing, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family of the catalogue."""
        began = time.perf_counter()
        metrics = self._metrics
        homes = list(metrics.homes.values())
        values = {name: dict(family) for name, family in list(metrics.values.items())}
        tasks = [task for home in homes for task in home.tasks]
        shown = heapq.nsmallest(MOST_TASKS, tasks) if len(tasks) > MOST_TASKS else tasks
        suppressed = sum(home.suppressed for home in homes) + len(tasks) - len(shown)
        for group in (*(home.counts for home in homes), *(task.samples for task in shown)):
            for name, labels, value in group:
                family = values.setdefault(name, {})
                family[labels] = family.get(labels, 0.0) + value if CATALOGUE[name].kind == "counter" else value
        values["kappawatch_tasks_suppressed"] = {(): float(suppressed)}
        values["kappawatch_build_info"] = {(self._version,): 1.0}
        values["kappawatch_homes"] = {(): float(len(homes))}
        for metric in CATALOGUE.values():
            if metric.kind == "histogram":
                yield self._histogram(metric.name, metric.help, metric.labels)
            elif metric.name != _DURATION:
                samples = values.get(metric.name, {})
                if not metric.labels and metric.kind == "counter":
                    samples.setdefault((), 0.0)
                yield _family(metric.name, metric.kind, metric.help, metric.labels, samples)
        took = time.perf_counter() - began
        yield _family(_DURATION, "gauge", CATALOGUE[_DURATION].help, (), {(): took})

    def _histogram(self, name: str, help_: str, labels: Labels) -> Family:
        family = HistogramMetricFamily(name, help_, labels=labels)
        histograms = self._metrics.delays if labels else {(): self._metrics.commits}
        for values, histogram in sorted(histograms.items()):
            family.add_metric(_encodable(values), histogram.buckets(), histogram.total)
        return family


def _family(name: str, kind: str, help_: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    family: Family
    if kind == "counter":
        family = CounterMetricFamily(name, help_, labels=labels)
    else:
        family = GaugeMetricFamily(name, help_, labels=labels)
    for place, value in sorted(_bounded(kind, labels, values).items()):
        family.add_metric(_encodable(place), value)
    return family


def _bounded(kind: str, labels: Labels, values: Mapping[Labels, float]) -> Mapping[Labels, float]:
    """At most MOST_SERIES of the series: the largest, then by name; what is cut of a counter counts for project ""."""
    # Agreement is bounded by the tasks that are shown; a cut of its smallest values would take the worst.
    if len(values) <= MOST_SERIES or "coefficient" in labels:
        return values
    ordered = sorted(values.items(), key=lambda series: (-series[1], series[0]))
    kept = dict(ordered[:MOST_SERIES])
    if kind == "counter" and "project" in labels:
        names = {place for place, label in enumerate(labels) if label in {"project", "task"}}
        for cut, value in ordered[MOST_SERIES:]:
            rest = tuple("" if place in names else label for place, label in enumerate(cut))
            kept[rest] = kept.get(rest, 0.0) + value
    return kept


def _encodable(labels: Labels) -> Labels:
    """The labels without lone surrogates: one of these would cost the whole page."""
    return tuple([label if label.isascii() else label.encode("utf-8", "replace").decode() for label in labels])


def registry(metrics: WorkerMetrics) -> CollectorRegistry:
    """A registry of our own with the collector in it."""
    own = CollectorRegistry(auto_describe=False)
    own.register(WorkerCollector(metrics))
    return own
