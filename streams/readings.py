"""A home's readings for the metrics: only what changed is computed again, a slice at a time, and of the largest tasks.

A call is bounded by counts, not by a clock, so equal histories show equal pages. Every changed task is weighed: that
reads its two scopes and computes nothing. Of the `MOST_TASKS` largest the figures are computed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from detectors.agreement import PANEL_COEFFICIENTS
from detectors.agreement.patterns import BY_SIZE
from detectors.agreement.rankings import MOST_ANNOTATORS
from detectors.alarms import Alarm
from detectors.changes import Changes
from detectors.drift import DETECTORS
from detectors.keys import ScopeKey, TaskKey
from detectors.labels import level_of
from detectors.scope import Scope
from detectors.summary import TaskStatistics
from streams.homes import Home
from streams.metrics import MOST_FLAGGED, MOST_LABELS, MOST_TASKS, HomeReadings, Sample, Size, TaskReadings
from streams.parsing import REASONS
from streams.store import rows
from streams.store.tables import PAIRS, SCOPES

WEIGHED: Final = 256
"""Tasks weighed in one call: about 10 ms."""

SLICE: Final = 64
"""What one call may compute: the price of a task is 1, and 1 for each PATTERNS of its patterns and sums; about 25 ms."""

PATTERNS: Final = 250

_Scopes = dict[tuple[str, str], Scope]
_Pairs = dict[tuple[str, str, str], dict[str, int]]


class Readings:
    """The exported readings of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._ranking: list[Size] = []
        self._sizes: dict[TaskKey, Size] = {}
        self._figures: dict[TaskKey, tuple[Sample, ...]] = {}
        self._changed: dict[TaskKey, None] = {}
        self._unread: dict[TaskKey, None] = dict.fromkeys(home.monitor.tasks)
        self._outdated: dict[TaskKey, None] = {}
        self._credit = 0

    def note(self, changes: Changes) -> None:
        """Remember which tasks a committed chunk changed; they come before those that were never read."""
        for key in changes.scopes:
            if key.dimension == "gold_item":
                self._changed[key.project, key.task] = None
        for task in changes.tasks:
            self._changed[task] = None

    def note_all(self) -> None:
        """Any task may have changed: a rebuild or an erasure went on."""
        self._unread.update(dict.fromkeys(self._home.monitor.tasks))

    @property
    def pending(self) -> bool:
        """Whether another call would find something to read."""
        return bool(self._changed or self._unread or self._outdated)

    def take(self) -> HomeReadings:
        """The readings as of the last commit, but for tasks whose turn has not come yet."""
        self._weigh()
        shown = self._choose()
        self._compute()
        counts = (*self._counts(), *_alarm_samples(self._home.monitor.alarms.open.values()))
        drift = self._drift(shown)
        tasks = [
            TaskReadings(size, (*self._figures[task], *samples))
            for size, task, samples in zip(self._ranking, shown, drift, strict=False)
            if task in self._figures
        ]
        return HomeReadings(counts, tuple(tasks), len(self._home.monitor.tasks) - len(tasks))

    def _weigh(self) -> None:
        """Learn the sizes of the next tasks, the changed ones first.

        A part is kept for those that were never read: they may be the largest, however much goes on in others.
        """
        kept = min(len(self._unread), WEIGHED // 4)
        keys = [*islice(self._changed, WEIGHED - kept)]
        keys += islice((key for key in self._unread if key not in self._changed), WEIGHED - len(keys))
        for key in keys:
            self._changed.pop(key, None)
            self._unread.pop(key, None)
        keys = [key for key in keys if key in self._home.monitor.tasks]
        for key, scopes in zip(keys, self._scopes(keys), strict=True):
            # By powers of two, so that the order of nearly equal ones, and with it what is shown, seldom changes.
            size = (-sum(scope.annotations for scope in scopes.values()).bit_length(), *key)
            held = self._sizes.get(key)
            if held != size:
                if held is not None:
                    del self._ranking[bisect_left(self._ranking, held)]
                insort(self._ranking, size)
                self._sizes[key] = size
            self._outdated[key] = None

    def _choose(self) -> Sequence[TaskKey]:
        """The largest tasks; the figures of others are forgotten, and those of new ones are to be computed."""
        shown = [(project, task) for _, project, task in self._ranking[:MOST_TASKS]]
        if len(self._ranking) > MOST_TASKS:
            chosen = set(shown)
            self._figures = {key: figures for key, figures in self._figures.items() if key in chosen}
            self._outdated = {key: None for key in self._outdated if key in chosen}
            self._outdated.update((key, None) for key in shown if key not in self._figures)
        return shown

    def _compute(self) -> None:
        """Compute the figures of the next tasks; what a large one costs beyond a slice the next calls save."""
        self._credit = min(self._credit + SLICE, SLICE)
        while self._outdated and self._credit > 0:
            keys = list(islice(self._outdated, self._credit))
            for key, scopes in zip(keys, self._scopes(keys), strict=True):
                pairs = self._rankings(key, scopes)
                self._figures[key] = tuple(self._task(key, scopes, pairs))
                del self._outdated[key]
                tallies = [tally for scope in scopes.values() for tally in scope.tallies.values()]
                patterns = sum(len(tally.patterns) + len(tally.sums) for tally in tallies)
                patterns += sum(map(len, pairs.values()))
                self._credit -= 1 + patterns // PATTERNS
                if self._credit <= 0:
                    return

    def _rankings(self, key: TaskKey, scopes: _Scopes) -> _Pairs:
        """The pairs of a task whose labels rank items; its annotators are put beside its scopes.

        Of a task with more annotators than its rankings are read of, this is not looked up.
        """
        home = self._home
        if (
            level_of(home.configure(*key).label_type or "nominal") not in BY_SIZE
            or not 2 <= home.monitor.tasks[key].annotators <= MOST_ANNOTATORS
        ):
            return {}
        for row in home.store.scan(SCOPES, home.number, *key, "annotator"):
            place, scope = rows.scope(row)
            scopes[place.dimension, place.value] = scope
        pairs = map(rows.pair, home.store.scan(PAIRS, home.number, *key))
        return {(pair.label_type, pair.a, pair.b): confusion for pair, confusion in pairs}

    def _task(self, key: TaskKey, scopes: _Scopes, pairs: _Pairs) -> Iterator[Sample]:
        counts = self._home.monitor.tasks[key]
        statistics = TaskStatistics(self._home.configure(*key), scopes, pairs, counts.annotators, panel=False)
        task = statistics.task()
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
            if coefficient in PANEL_COEFFICIENTS:
                continue
            bounds = {"": reading.value, "lower_": reading.low, "upper_": reading.high}
            for bound, number in bounds.items():
                if number is not None:
                    yield Sample(f"kappawatch_agreement_{bound}ratio", (*key, coefficient), number)
        parts = statistics.alpha_parts()
        if 0 < len(parts.labels) <= MOST_LABELS:
            for label, n in parts.labels.items():
                yield Sample("kappawatch_pairable_labels", (*key, label), n)
            yield Sample("kappawatch_disagreeing_labels", key, float(parts.disagreeing))
        gold = task.whole.gold.reading()
        for bound, number in {"": gold.value, "lower_": gold.low, "upper_": gold.high}.items():
            if number is not None:
                yield Sample(f"kappawatch_gold_{bound}ratio", key, number)

    def _scopes(self, tasks: Iterable[TaskKey]) -> list[_Scopes]:
        """Of each task the two scopes that make up the whole of it, from memory or in one query from the store."""
        held = self._home.monitor.scopes
        places = [[ScopeKey(*task, "gold_item", value) for value in ("false", "true")] for task in tasks]
        keys = [key for pair in places for key in pair]
        found = {key: held.rows[key] for key in keys if key in held.rows}
        missing = held.missing(keys)
        if missing:
            found.update(rows.scope(row) for row in self._home.store.find(SCOPES, self._home.number, missing))
        return [{(key.dimension, key.value): found[key] for key in pair if key in found} for pair in places]

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

    def _drift(self, tasks: Iterable[TaskKey]) -> Iterator[Sequence[Sample]]:
        """Of each task what its detectors say."""
        raised = self._home.totals.raised
        drifting = {alarm.cause[:3] for alarm in self._home.monitor.alarms.open.values()}
        for task in tasks:
            samples: list[Sample] = []
            for signal in self._home.configure(*task).detectors:
                kind = (*task, signal)
                count = raised.get(kind, 0)
                samples += (
                    Sample("kappawatch_drift_state", kind, 2.0 if kind in drifting else 0.0),
                    Sample("kappawatch_alarms_raised_total", kind, count),
                    Sample("kappawatch_drift_detections_total", (*kind, DETECTORS[signal].name), count),
                )
            yield samples


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
