"""What the worker exports: a snapshot taken after a commit, rendered when it is asked for.

The families are those of `streams.catalogue`, all in a registry of our own. A scrape never touches the state: it reads
the snapshot, in a thread of its own.
"""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from streams.catalogue import CATALOGUE, Kind
from streams.histograms import MOST_PROJECTS, Histogram, ProjectHistograms
from streams.version import installed_version

Labels = tuple[str, ...]

DELAY_BUCKETS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
DURATION_BUCKETS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
COMMIT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

MOST_FLAGGED: Final = 50
"""Annotators flagged of one project; the others are counted."""

MOST_FLAGS: Final = 1_000
"""Annotators flagged, or reasons to, on one page: the first by project, task and pseudonym; the others are counted too."""

MOST_TASKS: Final = 200
"""Tasks with figures of their own, on one page: those with the most annotations. A nominal task with five labels has 96
series, an ordinal one with ten at most 132; a page of as many of these as fit and of too much of all else has 47,000."""

MOST_LABELS: Final = 10
"""A task with more labels than this does not say how often each is given, nor how often gold of each is answered."""

MOST_CONFUSED: Final = 10
"""Pairs of labels that a task's annotators confuse: those of the most pairs of annotators."""

MOST_SERIES: Final = 5_000
"""Series of one family; what is above is cut, so that a flood of names cannot break the scrape: Prometheus refuses the
whole of a page above its `sample_limit`, 60,000 in `deploy/prometheus.yml`."""

VERDICTS: Final = ("accept", "fix", "reject")

_COLLECTED: Final = "kappawatch_collect_duration_seconds"
_EXPOSED: Final = "kappawatch_series_exposed"
_FLAG: Final = "kappawatch_flagged_annotator_info"
_FLAGS_CUT: Final = "kappawatch_flagged_suppressed"


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
    delays: ProjectHistograms = field(default_factory=lambda: ProjectHistograms(DELAY_BUCKETS))
    durations: ProjectHistograms = field(default_factory=lambda: ProjectHistograms(DURATION_BUCKETS))
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

    def review(self, project: str, verdict: str | None = None) -> None:
        """Count a verdict on an annotation of the project; all begin at 0 when the project is first heard of."""
        family = self.values.setdefault("kappawatch_reviews_total", {})
        if (project, VERDICTS[0]) not in family:
            if len(family) >= MOST_PROJECTS * len(VERDICTS):
                project = ""
            for each in VERDICTS:
                family.setdefault((project, each), 0.0)
        if verdict is not None:
            family[project, verdict] += 1.0


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
                held = values.setdefault(name, {})
                held[labels] = held.get(labels, 0.0) + value if CATALOGUE[name].kind == "counter" else value
        _cut_flags(values)
        values["kappawatch_tasks_suppressed"] = {(): float(suppressed)}
        values["kappawatch_build_info"] = {(self._version,): 1.0}
        values["kappawatch_homes"] = {(): float(len(homes))}
        exposed: dict[Labels, float] = {(_EXPOSED,): float(len(CATALOGUE)), (_COLLECTED,): 1.0}
        for name, metric in CATALOGUE.items():
            if name in {_EXPOSED, _COLLECTED}:
                continue
            if metric.kind == "histogram":
                family = self._histogram(name, metric.help, metric.labels)
            else:
                samples = values.get(name, {})
                if not metric.labels and metric.kind == "counter":
                    samples.setdefault((), 0.0)
                family = _family(name, metric.kind, metric.help, metric.labels, samples)
            exposed[name,] = float(len(family.samples))
            yield family
        yield _family(_EXPOSED, "gauge", CATALOGUE[_EXPOSED].help, CATALOGUE[_EXPOSED].labels, exposed)
        took = time.perf_counter() - began
        yield _family(_COLLECTED, "gauge", CATALOGUE[_COLLECTED].help, (), {(): took})

    def _histogram(self, name: str, help_: str, labels: Labels) -> Family:
        family = HistogramMetricFamily(name, help_, labels=labels)
        for values, histogram in sorted(self._histograms(name).items()):
            family.add_metric(_encodable(values), histogram.buckets(), histogram.total)
        return family

    def _histograms(self, name: str) -> Mapping[Labels, Histogram]:
        metrics = self._metrics
        if name == "kappawatch_commit_duration_seconds":
            return {(): metrics.commits}
        of_projects = {
            "kappawatch_event_delay_seconds": metrics.delays,
            "kappawatch_annotation_duration_seconds": metrics.durations,
        }[name]
        return {(project,): histogram for project, histogram in list(of_projects.held.items())}


def _family(name: str, kind: Kind, help_: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    if kind == "gaugehistogram":
        return _gauge_histogram(name, help_, labels, values)
    family: CounterMetricFamily | GaugeMetricFamily
    if kind == "counter":
        family = CounterMetricFamily(name, help_, labels=labels)
    else:
        family = GaugeMetricFamily(name, help_, labels=labels)
    for place, value in sorted(_bounded(kind, labels, values).items()):
        family.add_metric(_encodable(place), value)
    return family


def _gauge_histogram(name: str, help_: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """Buckets alone: their sum would say less than the ratio of the whole task does, and +Inf is the count."""
    family = Family(name, help_, "gaugehistogram")
    for place, value in sorted(values.items(), key=lambda series: (series[0][:-1], float(series[0][-1]))):
        family.add_sample(f"{name}_bucket", dict(zip((*labels, "le"), _encodable(place), strict=True)), value)
    return family


def _cut_flags(values: dict[str, dict[Labels, float]]) -> None:
    """Leave the flags that there is room for, and the figures of those annotators."""
    flags = sorted(values.get(_FLAG, ()))
    if len(flags) <= MOST_FLAGS:
        return
    cut = values.setdefault(_FLAGS_CUT, {})
    for flag in flags[MOST_FLAGS:]:
        del values[_FLAG][flag]
        cut[flag[:1]] = cut.get(flag[:1], 0.0) + 1.0
    kept = {flag[:3] for flag in flags[:MOST_FLAGS]}
    for name in [name for name in values if "annotator" in CATALOGUE[name].labels]:
        values[name] = {labels: value for labels, value in values[name].items() if labels[:3] in kept}


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
