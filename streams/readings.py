"""A home's readings for the metrics: only what changed is computed again, a slice at a time, and of the largest tasks.

A call is bounded by counts, not by a clock, so equal histories show equal pages. Every changed task is weighed: that
reads its two scopes and computes nothing. Of the `MOST_TASKS` largest the figures are computed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
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
from detectors.standing import Standing
from detectors.summary import TaskStatistics
from streams.catalogue import GOLD_GOOD, GOLD_MINIMUM_ANSWERS, GOLD_TARGET
from streams.events import LONGEST_LABEL
from streams.histograms import Histogram
from streams.homes import Home
from streams.metrics import (
    MOST_CONFUSED,
    MOST_FLAGGED,
    MOST_LABELS,
    MOST_TASKS,
    HomeReadings,
    Sample,
    Size,
    TaskReadings,
)
from streams.parsing import REASONS
from streams.standings import CLASS, Standings, StandingsOfTasks, find_scopes
from streams.store import rows
from streams.store.tables import PAIRS, SCOPES

WEIGHED: Final = 256
"""Tasks weighed in one call: about 10 ms."""

SLICE: Final = 48
"""What one call may compute: the price of a task is 1, and 1 for each PATTERNS of its patterns and sums; about 25 ms."""

PATTERNS: Final = 250

SIMPLER: Final = 4
"""So many patterns of annotators, or annotators, cost what a pattern of a task does: only percent agreement is read of them."""

SHARE_BUCKETS: Final = (0.2, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
"""With +Inf the 12 buckets of a gauge histogram over annotators, whatever their number; finer where thresholds lie."""

BANDS: Final = ("good", "watch", "poor", "too_few")

_Flags = Mapping[tuple[str, str, str], Standing]
"""How flagged annotators stand, by project, task and pseudonym."""

_NO_FLAGS: Final[_Flags] = MappingProxyType({})

_Scopes = dict[tuple[str, str], Scope]
_Pairs = dict[tuple[str, str, str], dict[str, int]]


class Readings:
    """The exported readings of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._ranking: list[Size] = []
        self._sizes: dict[TaskKey, Size] = {}
        self._figures: dict[TaskKey, tuple[Sample, ...]] = {}
        self._standings = StandingsOfTasks(home)
        self._flags: dict[TaskKey, dict[tuple[str, str, str], Standing]] = {}
        self._names: dict[TaskKey, dict[str, str]] = {}
        self._changed: dict[TaskKey, None] = {}
        self._unread: dict[TaskKey, None] = dict.fromkeys(home.monitor.tasks)
        self._outdated: dict[TaskKey, None] = {}
        self._credit = 0

    def note(self, changes: Changes) -> None:
        """Remember which tasks a committed chunk changed; they come before those that were never read."""
        for key in changes.scopes:
            if key.dimension == "gold_item":
                self._changed[key.project, key.task] = None
            else:
                self._standings.note(key)
        for task in changes.tasks:
            self._changed[task] = None
        for alarm in changes.alarms:
            self._changed[alarm.cause[:2]] = None

    def note_all(self) -> None:
        """Any task may have changed: a rebuild or an erasure went on."""
        self._unread.update(dict.fromkeys(self._home.monitor.tasks))
        self._standings.keep()

    @property
    def pending(self) -> bool:
        """Whether another call would find something to read."""
        return bool(self._changed or self._unread or self._outdated)

    def take(self) -> HomeReadings:
        """The readings as of the last commit, but for tasks whose turn has not come yet."""
        self._weigh()
        shown = self._choose()
        self._compute()
        flags = {place: standing for found in self._flags.values() for place, standing in found.items()}
        counts = (*self._counts(), *_alarm_samples(self._home.monitor.alarms.open.values(), flags))
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
            self._flags = {key: flags for key, flags in self._flags.items() if key in chosen}
            self._standings.keep(chosen)
            self._outdated = {key: None for key in self._outdated if key in chosen}
            self._outdated.update((key, None) for key in shown if key not in self._figures)
        return shown

    def _compute(self) -> None:
        """Compute the figures of the next tasks; what a large one costs beyond a slice the next calls save."""
        self._credit = min(self._credit + SLICE, SLICE)
        flagged = self._flagged() if self._outdated else {}
        while self._outdated and self._credit > 0:
            keys = list(islice(self._outdated, self._credit))
            for key, scopes in zip(keys, self._scopes(keys), strict=True):
                pairs = self._rankings(key, scopes)
                tallies = [tally for scope in scopes.values() for tally in scope.tallies.values()]
                patterns = sum(len(tally.patterns) + len(tally.sums) for tally in tallies)
                patterns += sum(map(len, pairs.values()))
                statistics = self._statistics(key, scopes, pairs)
                standings = self._standings.of(key, statistics.label_type)
                patterns += (standings.work + len(standings.annotators)) // SIMPLER
                self._figures[key] = tuple(self._task(key, statistics, standings))
                self._flags[key] = self._of_flagged(key, flagged.get(key, ()), standings)
                del self._outdated[key]
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

    def _statistics(self, key: TaskKey, scopes: _Scopes, pairs: _Pairs) -> TaskStatistics:
        annotators = self._home.monitor.tasks[key].annotators
        return TaskStatistics(self._home.configure(*key), scopes, pairs, annotators, panel=False)

    def _flagged(self) -> dict[TaskKey, set[str]]:
        """By task the pseudonyms of those with an open alarm."""
        found: defaultdict[TaskKey, set[str]] = defaultdict(set)
        for alarm in self._home.monitor.alarms.open.values():
            found[alarm.cause[:2]].add(alarm.cause.subject)
        return found

    def _of_flagged(
        self, key: TaskKey, subjects: Iterable[str], standings: Standings
    ) -> dict[tuple[str, str, str], Standing]:
        """How these stand of the task's annotators."""
        subjects = set(subjects)
        if not subjects:
            self._names.pop(key, None)
            return {}
        names = self._names.get(key, {})
        if subjects - names.keys():
            # By pseudonym, of which nobody knows whose it is but by making those of all.
            pseudonyms = {self._home.pseudonym(key[0], annotator): annotator for annotator in standings.annotators}
            names = {subject: pseudonyms[subject] for subject in subjects if subject in pseudonyms}
            self._names[key] = names
        found = {subject: standings.annotators.get(names.get(subject, "")) for subject in subjects}
        return {(*key, subject): standing for subject, standing in found.items() if standing is not None}

    def _task(self, key: TaskKey, statistics: TaskStatistics, standings: Standings) -> Iterator[Sample]:
        counts = self._home.monitor.tasks[key]
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
        named = statistics.named_classes(MOST_LABELS)
        for a, b, ratio in statistics.confusion_ratios(MOST_CONFUSED, named):
            # The text of a set of labels may be longer than Prometheus lets a label be.
            if max(len(a.encode()), len(b.encode())) <= LONGEST_LABEL:
                yield Sample("kappawatch_confused_pair_ratio", (*key, a, b), ratio)
        gold = task.whole.gold.reading()
        for bound, number in {"": gold.value, "lower_": gold.low, "upper_": gold.high}.items():
            if number is not None:
                yield Sample(f"kappawatch_gold_{bound}ratio", key, number)
        if named:
            classes = {(CLASS, label): scope for label, scope in standings.classes.items()}
            by_class = statistics.gold_by_class(classes)
            shown = {label: by_class[label] for label in by_class if label in named}
            for label, accuracy in shown.items() if len(shown) <= MOST_LABELS else ():
                counts_of_class = {"pass": accuracy.correct, "fail": accuracy.answers - accuracy.correct}
                for outcome, n in counts_of_class.items():
                    yield Sample("kappawatch_gold_label_answers", (*key, label, outcome), n)
        yield from _annotator_samples(key, standings.annotators.values())

    def _scopes(self, tasks: Iterable[TaskKey]) -> list[_Scopes]:
        """Of each task the two scopes that make up the whole of it, from memory or in one query from the store."""
        places = [[ScopeKey(*task, "gold_item", value) for value in ("false", "true")] for task in tasks]
        found = find_scopes(self._home, [key for pair in places for key in pair])
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


def _annotator_samples(key: TaskKey, standings: Iterable[Standing]) -> Iterable[Sample]:
    """How many annotators are in each band and below each bound; those with few answers have no accuracy yet."""
    standings = list(standings)
    known = [each.correct / each.answers for each in standings if each.answers >= GOLD_MINIMUM_ANSWERS]
    bands = Counter("good" if share >= GOLD_GOOD else "watch" if share >= GOLD_TARGET else "poor" for share in known)
    bands["too_few"] = len(standings) - len(known)
    for band in BANDS:
        yield Sample("kappawatch_annotators", (*key, band), bands[band])
    yield from _buckets("kappawatch_annotator_gold_accuracy", key, known)
    agreement = [each.agreement for each in standings if each.agreement is not None]
    if agreement:
        yield from _buckets("kappawatch_annotator_agreement", key, agreement)


def _buckets(name: str, key: TaskKey, shares: Sequence[float]) -> Iterable[Sample]:
    histogram = Histogram(SHARE_BUCKETS)
    for share in shares:
        histogram.observe(share)
    for bound, count in histogram.buckets():
        yield Sample(name, (*key, bound), count)


def _alarm_samples(alarms: Iterable[Alarm], flags: _Flags = _NO_FLAGS) -> Iterable[Sample]:
    """Open alarms by kind, and the annotators they name, as they stand: the earliest 50 of a project."""
    counts: dict[tuple[str, ...], int] = {}
    shown: dict[str, int] = {}
    for alarm in sorted(alarms, key=lambda alarm: (alarm.raised_at, alarm.id)):
        cause = alarm.cause
        kind = (cause.project, cause.task, cause.kind, alarm.severity)
        counts[kind] = counts.get(kind, 0) + 1
        shown[cause.project] = shown.get(cause.project, 0) + 1
        if shown[cause.project] <= MOST_FLAGGED:
            place = (cause.project, cause.task, cause.subject)
            yield Sample("kappawatch_flagged_annotator_info", (*place, cause.kind), 1.0)
            if place in flags:
                yield from _standing_samples(place, flags[place])
    for causes, count in counts.items():
        yield Sample("kappawatch_alarms", causes, count)
    for project, count in shown.items():
        yield Sample("kappawatch_flagged_suppressed", (project,), max(0, count - MOST_FLAGGED))


def _standing_samples(place: tuple[str, str, str], standing: Standing) -> Iterable[Sample]:
    figures = {"gold_ratio": standing.accuracy, "agreement_ratio": standing.agreement, "items": standing.items}
    for name, number in figures.items():
        if number is not None:
            yield Sample(f"kappawatch_flagged_annotator_{name}", place, number)
