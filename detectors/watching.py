"""Watching annotators: what their detectors are told of durations and answers, and the alarms that these raise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from detectors.alarms import AlarmBook, Cause
from detectors.changes import Changes, Lacks
from detectors.config import TaskConfig
from detectors.keys import TaskKey
from detectors.protocols import Annotation, Event
from detectors.shelf import Shelf
from detectors.signals import SIGNALS
from detectors.watch import KEPT_ANSWERS, Answer, AnswerKey, Revision, Watch, WatchKey, revised

WatchName: TypeAlias = tuple[str, str, str, str]
"""A `WatchKey`, which as a plain tuple is made faster."""

Signal: TypeAlias = tuple[str, int, float | None, Event, bool]
"""Something to tell a watch: the annotation, its time, the observation (None: it no longer counts); the event that says
so; whether the watch knows the annotation already."""


class Watching:
    """The watches of a home, and its alarms.

    A chunk is noted first, then settled: each watch hears of its part in order. `configure` gives a task's configuration,
    `pseudonym` the name under which an annotator may be shown.
    """

    def __init__(self, configure: Callable[[str, str], TaskConfig], pseudonym: Callable[[str, str], str]) -> None:
        self._configure = configure
        self._pseudonym = pseudonym
        self.watches: Shelf[WatchKey, Watch] = Shelf()
        self.alarms = AlarmBook()
        self.durations: defaultdict[WatchName, list[Annotation]] = defaultdict(list)
        """The chunk's annotations that took a time, by who is watched for it."""
        self._signals: defaultdict[WatchName, list[Signal]] = defaultdict(list)
        self._corrected: set[WatchName] = set()
        self._revisions: dict[WatchKey, list[Revision]] = {}
        self._histories: dict[WatchKey, dict[int, Answer]] = {}
        self._answers: dict[AnswerKey, Answer | None] = {}
        self._dropped: set[WatchKey] = set()

    # -- noting -------------------------------------------------------------------------------------------------------

    def time(self, annotations: Iterable[Annotation]) -> list[Annotation]:
        """Note those of these annotations that took a time, in order; the others."""
        durations, others = self.durations, []
        for annotation in annotations:
            if took_time(annotation):
                durations[annotation.project, annotation.task, "log_duration", annotation.annotator].append(annotation)
            else:
                others.append(annotation)
        return others

    def note(self, name: WatchName, signal: Signal) -> None:
        """Note something to tell the watch of this name."""
        self._signals[name].append(signal)
        if signal[-1]:
            self._corrected.add(name)

    def revise(self, key: WatchKey, revision: Revision) -> None:
        """Note what a watch's history must say by now; no event says so, and nothing is raised."""
        self._revisions.setdefault(key, []).append(revision)

    def tasks(self) -> set[TaskKey]:
        """Those of whose watches anything was noted."""
        return {name[:2] for name in (*self.durations, *self._signals)}

    def lacks(self, lacks: Lacks) -> None:
        """Add what of the watches that will be told memory does not hold."""
        if not self.watches.complete:
            lacks.watches.update(self.watches.missing([WatchKey(*name) for name in (*self.durations, *self._signals)]))
            lacks.watches.update(self.watches.missing(self._revisions))
        lacks.answers.update(WatchKey(*name) for name in self._corrected if name not in self._histories)
        lacks.answers.update(self._revisions)

    def hold_answers(self, key: WatchKey, answers: dict[int, Answer]) -> None:
        """Take the kept answers of a watch, by number."""
        self._histories[key] = answers

    # -- settling -----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Tell each watch what was noted, in order."""
        for name, timed in self.durations.items():
            watch = self._watch(name)
            if watch is not None:
                self._observe_durations(watch, timed)
        self.durations.clear()
        for name, signals in self._signals.items():
            watch = self._watch(name)
            if watch is not None:
                self._observe(watch, signals)
        self._signals.clear()
        self._corrected.clear()
        for key, revisions in self._revisions.items():
            self._revise(key, revisions)
        self._revisions.clear()
        self._histories.clear()

    def _watch(self, name: WatchName) -> Watch | None:
        """The watch of this name; None where the task does not watch this signal."""
        project, task, signal, _ = name
        if signal not in self._configure(project, task).detectors:
            return None
        watch = self.watches.find(name)
        if watch is None:
            key = WatchKey(*name)
            watch = self.watches.rows[key] = Watch.fresh(key)
        self.watches.changed.add(watch.key)
        return watch

    def _observe_durations(self, watch: Watch, annotations: Iterable[Annotation]) -> None:
        """Tell a watch how long these took, in order."""
        seen: list[Annotation] = []
        last = None
        for annotation in annotations:
            # Answers sent on one page share a time, and each has an even share of the page's duration.
            time = annotation.time
            if time != last:
                seen.append(annotation)
                last = time
        if seen[0].at == watch.last:
            del seen[0]
        durations = [(annotation.duration_ms or 0) / 1000 for annotation in seen]
        begin, cause = 0, self._cause_of(watch)
        while begin < len(seen):
            alarmed = cause in self.alarms.open
            news = durations[begin : begin + 1] if alarmed else durations[begin:]
            begin += watch.observe_until(news, lambda place, begin=begin: seen[begin + place].at)  # type: ignore[misc]
            if alarmed or watch.detector.drift_detected:
                self._judge(watch, cause, seen[begin - 1])

    def _observe(self, watch: Watch, signals: Iterable[Signal]) -> None:
        """Tell a watch of answers, in order."""
        cause = self._cause_of(watch)
        for annotation, at, value, event, known in signals:
            if known:
                self._correct(watch, annotation, value, event)
            elif value is not None:
                watch.observe(value, at)
                self._keep_answer(watch, Answer(annotation, at, value))
                if cause in self.alarms.open or watch.detector.drift_detected:
                    self._judge(watch, cause, event)

    def _cause_of(self, watch: Watch) -> Cause:
        """The cause of the watch's alarms, which is asked for at every chunk."""
        if watch.cause is None:
            watch.cause = self._cause(watch.key)
        return watch.cause

    def _keep_answer(self, watch: Watch, answer: Answer) -> None:
        key = watch.key
        watch.answers += 1
        self._answers[AnswerKey(*key, watch.answers)] = answer
        history = self._histories.get(key)
        if history is not None:
            history[watch.answers] = answer
        if watch.answers > KEPT_ANSWERS:
            self._answers[AnswerKey(*key, watch.answers - KEPT_ANSWERS)] = None
            if history is not None:
                history.pop(watch.answers - KEPT_ANSWERS, None)

    def _correct(self, watch: Watch, annotation: str, value: float | None, event: Event) -> None:
        """History was corrected: the detector is rebuilt without raising anything, and may clear what no longer holds."""
        key = watch.key
        history = self._histories.setdefault(key, {})
        number = next((n for n, answer in history.items() if answer.annotation == annotation), None)
        if number is None:
            return
        if value is None:
            del history[number]
            self._answers[AnswerKey(*key, number)] = None
        else:
            corrected = history[number]._replace(value=value)
            history[number] = self._answers[AnswerKey(*key, number)] = corrected
        cause = self._cause(key)
        watch.rebuild((history[number] for number in sorted(history)), alarmed=cause in self.alarms.open)
        if cause in self.alarms.open and not watch.detector.drifted:
            self.alarms.clear(cause, event.at, "corrected", self._evidence(watch))

    def _revise(self, key: WatchKey, revisions: Sequence[Revision]) -> None:
        """Revise a history: the detector is rebuilt from it, in the order of time, and raises and clears nothing yet."""
        history = self._histories.get(key, {})
        answers = revised(history.values(), revisions)
        if answers is None:
            return
        watch = self.watches.find(key)
        if watch is None:
            watch = self.watches.rows[key] = Watch.fresh(key)
        self.watches.changed.add(key)
        # Numbered anew: in how many steps it was revised, and in which order, leaves no trace.
        watch.answers = len(answers)
        numbered = dict(enumerate(answers, 1))
        for number in history.keys() | numbered.keys():
            if history.get(number) != numbered.get(number):
                self._answers[AnswerKey(*key, number)] = numbered.get(number)
        watch.since = watch.last = 0
        watch.rebuild(answers, alarmed=self._cause(key) in self.alarms.open)

    def _judge(self, watch: Watch, cause: Cause, event: Event) -> None:
        """Raise, renew or clear the alarm of this watch's cause."""
        detector = watch.detector
        if cause not in self.alarms.open:
            if detector.drift_detected:
                description = SIGNALS[watch.key.signal]
                evidence = {
                    "signal": description.name,
                    "detector": detector.name,
                    "since": watch.since,
                    **self._evidence(watch),
                    "candidate_causes": list(description.causes),
                    "action": description.action,
                }
                self.alarms.open_alarm(cause, description.severity, event.at, event.id, evidence)
        elif detector.recovered:
            self.alarms.clear(cause, event.at, "recovered", self._evidence(watch))
        else:
            self.alarms.observe(cause, event.at, lambda: self._evidence(watch))

    def _evidence(self, watch: Watch) -> dict[str, object]:
        return dict(watch.detector.evidence())

    def _cause(self, key: WatchKey) -> Cause:
        return Cause(key.project, key.task, key.signal, self._pseudonym(key.project, key.annotator))

    # -- forgetting and correcting -------------------------------------------------------------------------------------

    def alarmed(self, key: WatchKey) -> bool:
        """Whether this watch's cause has an open alarm."""
        return self._cause(key) in self.alarms.open

    def clear_unfounded(self, key: WatchKey) -> None:
        """Clear the watch's alarm if its history, as it was revised, does not bear it out; the watch is held."""
        cause, watch = self._cause(key), self.watches.rows[key]
        alarm = self.alarms.open.get(cause)
        if alarm is not None and not watch.detector.drifted:
            self.alarms.clear(cause, max(alarm.raised_at, watch.last), "corrected", self._evidence(watch))

    def reconfigure(self, task: TaskKey, dropped: Collection[str]) -> None:
        """Forget what was observed of the signals that the task no longer watches."""
        for name in [name for name in self.watches.rows if name[:2] == task and name.signal in dropped]:
            del self.watches.rows[name]
        for cause in sorted(self.alarms.open):
            if (cause.project, cause.task) == task and cause.kind in dropped:
                self.alarms.clear(cause, self.alarms.open[cause].history[-1][1], "unwatched", {})

    def drop(self, task: TaskKey, annotator: str, at: int) -> None:
        """Forget what was observed of an erased annotator in a task, and clear the alarms about it."""
        for signal in SIGNALS:
            key = WatchKey(*task, signal, annotator)
            self.watches.rows.pop(key, None)
            self.watches.changed.discard(key)
            self._dropped.add(key)
            cause = self._cause(key)
            if cause in self.alarms.open:
                self.alarms.clear(cause, at, "erased", {})

    # -- handing over -------------------------------------------------------------------------------------------------

    def take(self, changes: Changes) -> None:
        """Hand over what was changed."""
        changes.watches.update(dict.fromkeys(self._dropped))
        changes.watches.update((key, self.watches.rows[key]) for key in self.watches.changed)
        changes.answers, self._answers = self._answers, {}
        changes.alarms, changes.messages = self.alarms.take()
        self._dropped.clear()


def took_time(annotation: Annotation) -> bool:
    """Whether it says how long it took to answer; reviews and skipped items tell nothing of that."""
    return bool(annotation.duration_ms) and annotation.stage == "annotate" and not annotation.skipped
