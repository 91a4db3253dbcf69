"""A home's readings for the metrics: only what changed since the last time is computed again."""

from __future__ import annotations

from collections.abc import Iterable

from detectors.alarms import Alarm
from detectors.drift import DETECTORS
from detectors.monitor import Changes, ScopeKey, TaskKey
from detectors.scope import Scope
from detectors.summary import TaskStatistics
from streams.homes import Home
from streams.metrics import MOST_FLAGGED, HomeReadings, Sample
from streams.parsing import REASONS
from streams.store import rows
from streams.store.tables import SCOPES


class Readings:
    """The exported readings of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._tasks: dict[TaskKey, tuple[Sample, ...]] = {}
        self._changed: set[TaskKey] = set(home.monitor.tasks)

    def note(self, changes: Changes) -> None:
        """Remember which tasks a committed chunk changed."""
        self._changed.update((key.project, key.task) for key in changes.scopes if key.dimension == "gold_item")
        self._changed.update(changes.tasks)

    def take(self) -> HomeReadings:
        """The readings as of the last commit."""
        for key in self._changed:
            self._tasks[key] = tuple(self._task(key))
        self._changed.clear()
        return HomeReadings((tuple(self._counts()), tuple(self._alarms()), *self._tasks.values()))

    def _task(self, key: TaskKey) -> Iterable[Sample]:
        statistics = TaskStatistics(
            self._home.configure(*key), self._scopes(key), annotators=self._home.monitor.tasks[key].annotators
        )
        task = statistics.task()
        counts = self._home.monitor.tasks[key]
        yield Sample("kappawatch_gold_results_total", (*key, "pass"), counts.passed)
        yield Sample("kappawatch_gold_results_total", (*key, "fail"), counts.failed)
        yield Sample("kappawatch_gold_results_retracted_total", (*key, "pass"), counts.passed_retracted)
        yield Sample("kappawatch_gold_results_retracted_total", (*key, "fail"), counts.failed_retracted)
        if statistics.empty:
            return
        for name, value in (
            ("annotations", task.annotations),
            ("items", task.items),
            ("pairable_items", task.pairable_items),
            ("annotators", task.annotators),
            ("unfit", task.unfit),
            ("gold_answers", task.whole.gold.answers),
        ):
            yield Sample(f"kappawatch_{name}", key, value)
        for coefficient, reading in task.whole.agreement.items():
            bounds = {"": reading.value, "lower_": reading.low, "upper_": reading.high}
            for bound, number in bounds.items():
                if number is not None:
                    yield Sample(f"kappawatch_agreement_{bound}ratio", (*key, coefficient), number)
        gold = task.whole.gold.reading()
        for bound, number in {"": gold.value, "lower_": gold.low, "upper_": gold.high}.items():
            if number is not None:
                yield Sample(f"kappawatch_gold_{bound}ratio", key, number)

    def _scopes(self, key: TaskKey) -> dict[tuple[str, str], Scope]:
        """The two scopes that make up the whole task, from memory or from the store."""
        held = self._home.monitor.scopes
        keys = [ScopeKey(*key, "gold_item", value) for value in ("false", "true")]
        found = {place: held.rows[place] for place in keys if place in held.rows}
        missing = held.missing(keys)
        if missing:
            found.update(rows.scope(row) for row in self._home.store.find(SCOPES, self._home.number, missing))
        return {(place.dimension, place.value): scope for place, scope in found.items()}

    def _counts(self) -> Iterable[Sample]:
        """Counts as the store holds them; with the partition, so that a home that moves away is not a counter reset."""
        totals = self._home.totals
        partition = str(self._home.number)
        for project, counts in totals.projects.items():
            for outcome, count in zip(("applied", "duplicate", "erased"), counts, strict=True):
                yield Sample("kappawatch_events_total", (project, outcome, partition), count)
        yield Sample("kappawatch_events_total", ("", "dead_letter", partition), totals.dead_letters)
        yield Sample("kappawatch_events_total", ("", "forwarded", partition), totals.forwarded)
        for reason in REASONS:
            yield Sample("kappawatch_dead_letters_total", (reason, partition), totals.reasons.get(reason, 0))

    def _alarms(self) -> Iterable[Sample]:
        alarms = self._home.monitor.alarms.open.values()
        yield from _alarm_samples(alarms)
        drifting = {(alarm.cause.project, alarm.cause.task, alarm.cause.kind) for alarm in alarms}
        for project, task in self._tasks:
            for signal in self._home.configure(project, task).detectors:
                kind = (project, task, signal)
                raised = self._home.totals.raised.get(kind, 0)
                yield Sample("kappawatch_drift_state", kind, 2.0 if kind in drifting else 0.0)
                yield Sample("kappawatch_alarms_raised_total", kind, raised)
                yield Sample("kappawatch_drift_detections_total", (*kind, DETECTORS[signal].name), raised)


def _alarm_samples(alarms: Iterable[Alarm]) -> Iterable[Sample]:
    """Open alarms by kind, and the annotators they name: the earliest 50 of a project."""
    counts: dict[tuple[str, ...], int] = {}
    shown: dict[str, int] = {}
    for alarm in sorted(alarms, key=lambda alarm: (alarm.raised_at, alarm.id)):
        cause = alarm.cause
        kind = (cause.project, cause.task, cause.kind, alarm.severity)
        counts[kind] = counts.get(kind, 0) + 1
        shown[cause.project] = shown.get(cause.project, 0) + 1
        if shown[cause.project] <= MOST_FLAGGED:
            yield Sample(
                "kappawatch_flagged_annotator_info", (cause.project, cause.task, cause.subject, cause.kind), 1.0
            )
    for place, count in counts.items():
        yield Sample("kappawatch_alarms", place, count)
    for project, count in shown.items():
        yield Sample("kappawatch_flagged_suppressed", (project,), max(0, count - MOST_FLAGGED))
