"""How a home's annotators stand: read whole once and then by what changed, it is what a fresh reading says."""

from __future__ import annotations

import pytest
from faust.types.tuples import TP

from detectors.config import TaskConfig
from detectors.standing import Standing
from streams.homes import Home
from streams.metrics import WorkerMetrics
from streams.owner import Owner
from streams.readings import Readings
from streams.standings import StandingsOfTasks
from streams.store import open_store
from tests.made_campaign import campaign
from tests.made_events import PROJECT, annotation, erasure, gold, messages, retraction
from tests.streams.folding import TOPIC, Record, rules

TASK = (PROJECT, "label")


def fold(home: Home, sent: list[bytes], told: StandingsOfTasks) -> None:
    begin = home.position(TOPIC) + 1
    for outcome in home.process(TOPIC, [Record(begin + place, value) for place, value in enumerate(sent)]):
        for key in outcome.changes.scopes:
            told.note(key)


def labelled(people: str, items: range, label: str = "yes") -> list[bytes]:
    return messages([annotation(who, f"i{n}", label, id=f"{who}-{n}") for who in people for n in items])


@pytest.mark.parametrize("capacity", [1, 1000])
def test_what_changed_is_what_a_fresh_reading_says(capacity: int) -> None:
    home = Home(0, open_store("sqlite://"), rules(capacity=capacity))
    told, sent, compared = StandingsOfTasks(home), campaign(), 0
    for first in range(0, len(sent), 150):
        fold(home, list(sent[first : first + 150]), told)
        for task in home.monitor.tasks:
            found, fresh = told.of(task, "nominal"), StandingsOfTasks(home).of(task, "nominal")
            assert found.annotators == fresh.annotators
            assert found.classes == fresh.classes
            compared += len(found.annotators) + len(found.classes)
    assert compared > 90


def test_only_what_changed_is_read_again() -> None:
    home = Home(0, open_store("sqlite://"), rules())
    told = StandingsOfTasks(home)
    fold(home, [*messages([gold("i0", "yes")]), *labelled("abcdef", range(9))], told)
    assert told.of(TASK, "nominal").work > 6
    assert told.of(TASK, "nominal").work == 0
    fold(home, labelled("g", range(5, 6)), told)
    again = told.of(TASK, "nominal")
    assert again.annotators["g"] == Standing(1, 0, 0, 1.0)
    fold(home, messages([retraction("g-5")]), told)
    assert "g" not in told.of(TASK, "nominal").annotators


def test_labels_of_another_type_are_read_anew() -> None:
    home = Home(0, open_store("sqlite://"), rules())
    told = StandingsOfTasks(home)
    fold(home, labelled("ab", range(3)), told)
    assert told.of(TASK, "nominal").annotators["a"].agreement == 1.0
    assert told.of(TASK, "multilabel").annotators["a"].agreement is None
    assert told.of(TASK, "nominal").annotators["a"].agreement == 1.0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.standings.MOST_HELD", 5)
    home = Home(0, open_store("sqlite://"), rules())
    told = StandingsOfTasks(home)
    sent = [annotation(who, "i1", "yes", task=task, id=f"{who}-{task}") for task in "xyz" for who in "ab"]
    sent += [annotation(f"p{n}", "i1", "yes", task="crowd", id=f"c{n}") for n in range(9)]
    fold(home, messages(sent), told)
    works = [told.of((PROJECT, task), "nominal").work for task in "xyxzx"]
    assert [work > 0 for work in works] == [True, True, False, True, False], "z drives y out"
    assert told.of((PROJECT, "y"), "nominal").work > 0
    assert len(told.of((PROJECT, "crowd"), "nominal").annotators) == 9, "one task is always remembered"
    assert told.of((PROJECT, "crowd"), "nominal").work == 0
    told.keep()
    assert told.of((PROJECT, "crowd"), "nominal").work > 0


def exported(owner: Owner, metrics: WorkerMetrics) -> dict[tuple[str, tuple[str, ...]], float]:
    while owner.show(0):
        pass
    return {sample[:2]: sample.value for sample in metrics.homes[0].samples()}


def test_after_an_erasure_nobody_is_left_of_the_erased() -> None:
    store, metrics = open_store("sqlite://"), WorkerMetrics()
    owner = Owner(lambda: store, lambda _: rules(lambda *_: TaskConfig()), metrics)
    owner.positions([TP(TOPIC, 0)])
    home = owner._homes[0]
    sent = [*labelled("abc", range(4)), *labelled("a", range(4, 5), "no"), *messages([gold("i1", "no")])]
    outcomes = list(home.process(TOPIC, [Record(place, value) for place, value in enumerate(sent)]))
    for outcome in outcomes:
        owner._readings[0].note(outcome.changes)
    before = exported(owner, metrics)
    assert before["kappawatch_annotators", (*TASK, "too_few")] == 3
    assert before["kappawatch_gold_label_answers", (*TASK, "no", "fail")] == 3
    for outcome in home.process(TOPIC, [Record(len(sent), messages([erasure("c", 9999)])[0])]):
        owner._readings[0].note(outcome.changes)
    while owner.step(0) is not None:
        pass
    after = exported(owner, metrics)
    assert after["kappawatch_annotators", (*TASK, "too_few")] == 2
    assert after["kappawatch_gold_label_answers", (*TASK, "no", "fail")] == 2
    readings = Readings(home)
    while readings.pending:
        fresh = readings.take()
    assert after == {sample[:2]: sample.value for sample in fresh.samples()}


def test_all_of_it_leaves_with_the_home() -> None:
    store, metrics = open_store("sqlite://"), WorkerMetrics()
    owner = Owner(lambda: store, lambda _: rules(), metrics)
    owner.positions([TP(TOPIC, 0)])
    home = owner._homes[0]
    for outcome in home.process(TOPIC, [Record(n, value) for n, value in enumerate(campaign())]):
        owner._readings[0].note(outcome.changes)
    families = {name for name, _ in exported(owner, metrics)}
    assert families >= {
        "kappawatch_annotators",
        "kappawatch_annotator_gold_accuracy",
        "kappawatch_annotator_agreement",
        "kappawatch_confused_pair_ratio",
        "kappawatch_gold_label_answers",
        "kappawatch_flagged_annotator_items",
    }
    owner.discard([0])
    assert not metrics.homes
    assert families.isdisjoint(name for name, series in metrics.values.items() if series)
