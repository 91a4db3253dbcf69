"""A watch is its detector and the answers it saw: stored, loaded, corrected."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.drift import DETECTORS
from detectors.signals import SIGNALS
from detectors.watch import Answer, Watch, WatchKey

errors = st.lists(st.booleans().map(float), max_size=120)


def key(signal: str = "gold_errors") -> WatchKey:
    return WatchKey("news", "label", signal, "ann")


def watched(values: list[float], signal: str = "gold_errors") -> Watch:
    watch = Watch.fresh(key(signal))
    for number, value in enumerate(values, 1):
        watch.answers = number
        watch.observe(value, 1000 * number)
    return watch


def answers(values: list[float]) -> list[Answer]:
    return [Answer(f"a{number}", 1000 * number, value) for number, value in enumerate(values, 1)]


def reloaded(watch: Watch, signal: str = "gold_errors") -> Watch:
    state = json.loads(json.dumps(watch.dump()))
    return Watch.load(key(signal), state, lambda: pytest.fail("no answers are needed"), alarmed=False)


def test_every_signal_has_a_detector() -> None:
    assert SIGNALS.keys() == DETECTORS.keys()


@settings(max_examples=60)
@given(errors, errors)
def test_a_stored_watch_goes_on_as_if_it_had_not_been(before: list[float], after: list[float]) -> None:
    watch = watched(before)
    loaded = reloaded(watch)
    assert loaded.dump() == watch.dump()
    for each in (watch, loaded):
        for value in after:
            each.observe(value, 5)
    assert loaded.dump() == watch.dump()


def test_durations_too() -> None:
    watch = watched([8.0, 9.0, 7.5] * 20 + [1.0] * 30, "log_duration")
    assert watch.detector.drifted
    assert reloaded(watch, "log_duration").dump() == watch.dump()


def test_since_is_the_first_answer_of_what_the_detector_points_at() -> None:
    watch = watched([0.0, 0.0, 1.0, 0.0, 1.0])
    assert (watch.since, watch.last) == (3000, 5000)
    calm = watched([1.0] + [0.0] * 30)
    assert calm.since == 31_000, "nothing points at a change, so the next answer would be the first of one"


def test_a_detector_of_another_version_is_fed_the_kept_answers() -> None:
    values = [0.0, 1.0, 0.0, 1.0, 1.0]
    state = {**watched(values).dump(), "version": 0, "state": {"of": "another kind"}}
    loaded = Watch.load(key(), state, lambda: answers(values), alarmed=False)
    assert loaded.dump() == watched(values).dump()


def test_being_fed_again_raises_nothing_without_an_alarm() -> None:
    values = [1.0] * 9
    assert watched(values).detector.drifted
    state = {**watched(values).dump(), "version": 0}
    loaded = Watch.load(key(), state, lambda: answers(values), alarmed=False)
    assert not loaded.detector.drifted
    loaded.observe(1.0, 10_000)
    assert loaded.detector.drift_detected, "one more error suffices"
    assert Watch.load(key(), state, lambda: answers(values), alarmed=True).detector.drifted


def test_with_its_alarm_open_a_rebuilt_detector_stands_where_the_answers_put_it() -> None:
    watch = watched([1.0] * 9)
    watch.rebuild(answers([1.0] * 9), alarmed=True)
    assert watch.detector.drifted
    watch.rebuild(answers([1.0] * 4 + [0.0] * 5), alarmed=True)
    assert not watch.detector.drifted
    watch.rebuild(answers([1.0] * 5 + [0.0] * 60), alarmed=True)
    assert not watch.detector.drifted, "it has recovered meanwhile"


@settings(max_examples=60)
@given(errors)
def test_rebuilding_from_the_same_answers_changes_nothing_unless_it_would_raise(values: list[float]) -> None:
    watch = watched(values)
    again = watched(values)
    again.rebuild(answers(values), alarmed=True)
    assert again.dump() == watch.dump()
    again.rebuild(answers(values), alarmed=False)
    assert not again.detector.drifted


@pytest.mark.parametrize("field", ["answers", "since", "last"])
def test_a_stored_watch_without_integers_is_refused(field: str) -> None:
    state = {**watched([1.0]).dump(), field: "3"}
    with pytest.raises(TypeError, match="expected integers for answers, since and last"):
        Watch.load(key(), state, list, alarmed=False)
