"""The fold: what detectors see and in which order, how alarms live, and that statistics see one net change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.alarms import Alarm
from detectors.changes import Changes
from detectors.config import TaskConfig
from detectors.keys import ItemKey, PairKey, ScopeKey
from detectors.monitor import Monitor
from detectors.records import AnnotationRecord
from detectors.watch import KEPT_ANSWERS, Answer, AnswerKey, WatchKey
from streams.events import Annotation, Event, Gold
from streams.store.tables import ALARMS, ANSWERS, OUTBOX, SCOPES, TASKS, WATCHES
from tests.made_campaign import work
from tests.made_events import (
    annotation,
    at,
    configured,
    context,
    erasure,
    gold,
    messages,
    retraction,
    review,
)
from tests.strategies import event_sets
from tests.streams.folding import default_task, fold


class Lone:
    """A monitor without a store: what a store would be asked for is the answers kept, and what it would be told."""

    def __init__(self, configure: Callable[[str, str], TaskConfig] = default_task, capacity: int = 1000) -> None:
        self.monitor = Monitor(configure, lambda _, name: f"v1-{name}", lambda _, name: f"#{name}", capacity)
        for shelf in (self.monitor.items, self.monitor.scopes, self.monitor.pairs, self.monitor.watches):
            shelf.complete = True
        self.answers: dict[AnswerKey, Answer] = {}
        self.messages: list[Alarm] = []

    def take(self, *events: Event) -> Changes:
        """Fold a chunk."""
        monitor = self.monitor
        assert not monitor.needs(event for event in events if event.__class__.__name__ not in {"Review", "Context"})
        monitor.receive(events)
        lacks = monitor.lacks()
        assert not lacks.scopes
        assert not lacks.pairs
        assert not lacks.watches
        for key in lacks.answers:
            monitor.hold_answers(key, self.kept(key))
        monitor.settle()
        changes = monitor.take_changes()
        for place, answer in changes.answers.items():
            if answer is None:
                self.answers.pop(place, None)
            else:
                self.answers[place] = answer
        self.messages += changes.messages
        monitor.trim()
        return changes

    def kept(self, key: WatchKey) -> dict[int, Answer]:
        return {place.number: answer for place, answer in sorted(self.answers.items()) if place[:4] == key}

    def values(self, annotator: str, task: str = "label") -> list[float]:
        """What the gold answers kept of an annotator say, in the order in which they were seen."""
        return [answer.value for answer in self.kept(gold_errors(annotator, task)).values()]

    def said(self) -> list[tuple[str, str, int]]:
        """The messages so far: subject, state, sequence."""
        return [(alarm.cause.subject, alarm.state, alarm.sequence) for alarm in self.messages]


def gold_errors(annotator: str, task: str = "label") -> WatchKey:
    return WatchKey("news", task, "gold_errors", annotator)


numbers = count()


def answers(annotator: str, wrong: Iterable[bool], seconds: float = 0, **fields: object) -> list[Event]:
    """Gold items, each with this annotator's answer, wrong or not."""
    events: list[Event] = []
    for mistaken in wrong:
        number = next(numbers)
        name = f"g{number}"
        events += [
            gold(name, "yes", seconds=seconds, id=f"k{number}"),
            annotation(annotator, name, "no" if mistaken else "yes", seconds + number / 1000, **fields),
        ]
    return events


def item_of(event: Event) -> str:
    assert isinstance(event, Annotation | Gold)
    return event.item


# -- order --------------------------------------------------------------------------------------------------------------


def test_an_answer_is_seen_once_when_it_can_be_judged() -> None:
    lone = Lone()
    lone.take(annotation("ann", "i1", "no"))
    assert lone.values("ann") == []
    lone.take(gold("i1", "yes"))
    assert lone.values("ann") == [1.0]
    lone.take(gold("i1", "yes"), annotation("ann", "i1", "no"))
    assert lone.values("ann") == [1.0], "the same again is no further answer"
    lone.take(annotation("ann", "i2", "yes"), gold("i2", "yes"))
    assert lone.values("ann") == [1.0, 0.0]


def test_late_gold_shows_its_answers_by_time_and_annotation() -> None:
    """Three annotators are one error below their alarm; the key of the last item brings all three at once."""
    lone = Lone()
    for annotator in ("ann", "bob", "cleo"):
        lone.take(*answers(annotator, [True] * 4))
    late = [
        annotation("bob", "i1", "no", 9, annotation="a2"),
        annotation("cleo", "i1", "no", 8, annotation="a9"),
        annotation("ann", "i1", "no", 9, annotation="a1"),
    ]
    lone.take(*late, gold("i1", "yes", seconds=20))
    assert [subject for subject, *_ in lone.said()] == ["v1-cleo", "v1-ann", "v1-bob"]
    assert {alarm.raised_at for alarm in lone.messages} == {at(20)}, "raised by the event that brought the evidence"
    assert {alarm.evidence["n"] for alarm in lone.messages} == {5}
    assert all(answer.at in {at(8), at(9)} for place, answer in lone.answers.items() if place.number == 5)


# -- the life of an alarm -----------------------------------------------------------------------------------------------


def test_an_alarm_is_raised_updated_at_doublings_cleared_by_evidence_and_can_be_raised_again() -> None:
    lone = Lone()
    lone.take(*answers("ann", [False] * 10))
    first = answers("ann", [True] * 5)
    lone.take(*first)
    assert lone.said() == [("v1-ann", "raised", 1)]
    raised = lone.messages[0]
    assert raised.evidence["since"] == raised.raised_at - 4000, "the first of the five errors, a millisecond apart"
    assert (raised.evidence["errors"], raised.evidence["change_point"]) == (5, 10)
    lone.take(*answers("ann", [True, False, False, False] * 17))
    assert [(state, alarm.seen) for alarm in lone.messages[1:] for state in [alarm.state]] == [
        ("updated", 32),
        ("updated", 64),
    ]
    lone.take(*answers("ann", [False] * 80))
    assert lone.said()[3:] == [("v1-ann", "cleared", 4)]
    cleared = lone.messages[-1]
    assert cleared.id == raised.id
    assert cleared.evidence["cleared"] == "recovered"
    assert cleared.cleared_at is not None
    assert not lone.monitor.alarms.open
    lone.take(*answers("ann", [True] * 5))
    again = lone.messages[-1]
    assert (again.state, again.sequence) == ("raised", 1)
    assert again.id != raised.id


def test_one_cause_has_one_alarm_and_others_have_their_own() -> None:
    lone = Lone()
    lone.take(*answers("ann", [True] * 20), *answers("bob", [True] * 5), *answers("ann", [True] * 5, task="score"))
    raised = [alarm.cause[:4] for alarm in lone.messages if alarm.state == "raised"]
    assert sorted(raised) == [
        ("news", "label", "gold_errors", "v1-ann"),
        ("news", "label", "gold_errors", "v1-bob"),
    ], "answers to another task's items have no key here"
    keys = [gold(f"s{n}", "yes", task="score") for n in range(5)]
    lone.take(*keys, *(annotation("ann", f"s{n}", "no", task="score", id=f"s{n}") for n in range(5)))
    assert lone.messages[-1].cause.task == "score"


def test_a_corrected_key_clears_the_alarm_that_rested_on_it_and_raises_none() -> None:
    lone = Lone()
    events = answers("ann", [True] * 5, 10)
    lone.take(*events, *answers("bob", [False] * 5))
    key = events[8]
    lone.take(annotation("bob", item_of(key), "no", 11))
    lone.take(gold(item_of(key), "no", seconds=99, version=1, id="mended"))
    assert lone.said() == [("v1-ann", "raised", 1), ("v1-ann", "cleared", 2)]
    assert lone.messages[-1].evidence["cleared"] == "corrected"
    assert lone.messages[-1].cleared_at == at(99)
    assert lone.values("ann") == [1.0, 1.0, 1.0, 1.0, 0.0]
    assert lone.values("bob") == [0.0] * 6
    lone.take(*answers("ann", [True]))
    assert lone.said()[2:] == [("v1-ann", "raised", 1)], "four errors are kept, with one more it is five of six"


def test_a_correction_that_leaves_enough_evidence_leaves_the_alarm() -> None:
    lone = Lone()
    events = answers("ann", [True] * 9)
    lone.take(*events)
    lone.take(gold(item_of(events[0]), "no", version=1, id="mended"))
    assert lone.said() == [("v1-ann", "raised", 1)]
    assert lone.monitor.alarms.open


def test_corrections_raise_nothing_but_the_next_error_does() -> None:
    """Twenty right answers turn out wrong, key by key: history is no observation; one more error is."""
    lone = Lone()
    events = answers("ann", [False] * 20)
    lone.take(*events)
    lone.take(*(gold(item_of(event), "no", version=1, id=f"mended-{item_of(event)}") for event in events[::2]))
    assert lone.values("ann") == [1.0] * 20
    assert lone.said() == []
    lone.take(*answers("ann", [True]))
    assert lone.said() == [("v1-ann", "raised", 1)]


@pytest.mark.parametrize("how", ["retracted", "edited", "moved", "given to another", "gold withdrawn"])
def test_an_answer_that_no_longer_counts_is_taken_from_its_detector(how: str) -> None:
    lone = Lone()
    events = answers("ann", [True] * 5)
    lone.take(*events)
    wrong = events[3]
    assert isinstance(wrong, Annotation)
    name, item, fields = wrong.key, wrong.item, {"annotation": wrong.key, "revision": 1, "id": "edit"}
    ends: dict[str, Event] = {
        "retracted": retraction(name, 50),
        "edited": annotation("ann", item, "yes", 50, **fields),
        "moved": annotation("ann", "elsewhere", "no", 50, **fields),
        "given to another": annotation("bob", item, "no", 50, **fields),
        "gold withdrawn": gold(item, seconds=50, version=1, id="withdrawn"),
    }
    lone.take(ends[how])
    assert lone.values("ann") == ([1.0, 0.0, 1.0, 1.0, 1.0] if how == "edited" else [1.0] * 4)
    assert lone.said() == [("v1-ann", "raised", 1), ("v1-ann", "cleared", 2)]
    assert lone.values("bob") == ([1.0] if how == "given to another" else [])
    assert list(lone.kept(gold_errors("ann"))) == ([1, 2, 3, 4, 5] if how == "edited" else [1, 3, 4, 5])


def test_an_answer_that_comes_back_is_a_further_one() -> None:
    lone = Lone()
    lone.take(gold("i1", "yes"), annotation("ann", "i1", "no", 1))
    lone.take(gold("i1", version=1), gold("i1", "yes", version=2))
    assert lone.kept(gold_errors("ann")) == {2: Answer("ann-i1", at(1), 1.0)}


def test_a_repeat_replaces_the_answer_and_its_withdrawal_brings_the_earlier_back() -> None:
    lone = Lone()
    first = annotation("ann", "i1", "no", 1, annotation="a1")
    second = annotation("ann", "i1", "yes", 2, annotation="a2")
    lone.take(gold("i1", "yes"), first, second)
    assert [answer[:1] + answer[2:] for answer in lone.kept(gold_errors("ann")).values()] == [("a2", 0.0)]
    lone.take(retraction("a2"))
    assert [answer[:1] + answer[2:] for answer in lone.kept(gold_errors("ann")).values()] == [("a1", 1.0)]


def test_an_alarm_says_what_it_rests_on() -> None:
    lone = Lone()
    lone.take(*answers("ann", [False] * 40 + [True] * 5))
    evidence = lone.messages[0].evidence
    assert (evidence["signal"], evidence["detector"], evidence["n"]) == ("gold_errors", "cusum", 45)
    assert (evidence["before"], evidence["after"], evidence["since_change"]) == (1.0, 0.0, 5)
    assert lone.messages[0].severity == "warning"
    causes = evidence["candidate_causes"]
    assert isinstance(causes, list)
    assert "gold key" in causes
    assert str(evidence["action"]).startswith("Look at the annotator's wrong gold answers")


@pytest.mark.parametrize("signals", [(), ("log_duration",), ("gold_errors",)])
def test_only_configured_signals_are_watched(signals: tuple[str, ...]) -> None:
    lone = Lone(configured(detectors=signals))
    changes = lone.take(*answers("ann", [True] * 5, duration_ms=5000))
    assert {key.signal for key in changes.watches} == set(signals)
    assert len(lone.messages) == signals.count("gold_errors")
    assert lone.monitor.tasks["news", "label"].failed == 5, "results are counted all the same"


# -- kept answers -------------------------------------------------------------------------------------------------------


def test_the_last_thousand_answers_are_kept_and_older_ones_are_past_correction() -> None:
    assert KEPT_ANSWERS == 1000
    lone = Lone(capacity=10_000)
    events = answers("ann", [False] * (KEPT_ANSWERS + 5))
    for start in range(0, len(events), 500):
        lone.take(*events[start : start + 500])
    kept = lone.kept(gold_errors("ann"))
    assert list(kept) == list(range(6, KEPT_ANSWERS + 6))
    before = lone.monitor.watches.rows[gold_errors("ann")].dump()
    lone.take(gold(item_of(events[0]), "no", version=1))
    assert lone.kept(gold_errors("ann")) == kept
    assert lone.monitor.watches.rows[gold_errors("ann")].dump() == before
    lone.take(gold(item_of(events[10]), "no", version=1))
    assert sum(lone.values("ann")) == 1.0


def test_a_correction_and_new_answers_in_one_chunk_leave_the_last_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.watching.KEPT_ANSWERS", 10)
    lone = Lone()
    events = answers("ann", [False] * 10)
    lone.take(*events)
    more = answers("ann", [False] * 4)
    mended = gold(item_of(events[10]), "no", version=1, id="mended")
    lone.take(*more[:4], mended, *more[4:])
    assert list(lone.kept(gold_errors("ann"))) == list(range(5, 15))
    assert lone.values("ann") == [0.0, 1.0] + [0.0] * 8
    assert lone.monitor.watches.rows[gold_errors("ann")].answers == 14


# -- durations ----------------------------------------------------------------------------------------------------------


def durations(lone: Lone, annotator: str = "ann") -> int:
    watch = lone.monitor.watches.rows.get(WatchKey("news", "label", "log_duration", annotator))
    n = 0 if watch is None else watch.detector.evidence()["n"]
    assert isinstance(n, int)
    return n


def test_a_page_is_one_observation_of_its_annotator() -> None:
    lone = Lone()
    page = [annotation("ann", f"i{n}", "yes", 5, duration_ms=9000) for n in range(4)]
    lone.take(*page[:2], annotation("bob", "i1", "yes", 5, duration_ms=9000), page[2])
    lone.take(page[3])
    assert (durations(lone), durations(lone, "bob")) == (1, 1)
    lone.take(annotation("ann", "i9", "yes", 6, duration_ms=9000))
    assert durations(lone) == 2


def test_how_long_an_answer_took_is_a_fact_of_the_moment_it_was_first_seen() -> None:
    lone = Lone()
    lone.take(annotation("ann", "i1", "yes", 1, duration_ms=9000))
    lone.take(annotation("ann", "i1", "no", 2, duration_ms=1000, revision=1))
    lone.take(retraction("ann-i1"))
    lone.take(annotation("ann", "i1", "no", 3, duration_ms=1000, revision=2))
    assert durations(lone) == 1


@pytest.mark.parametrize(
    "event",
    [
        annotation("ann", "i1", "yes"),
        annotation("ann", "i1", "yes", duration_ms=0),
        annotation("ann", "i1", None, duration_ms=9000),
        annotation("ann", "i1", "yes", duration_ms=9000, stage="review"),
    ],
    ids=["none", "zero", "skipped", "review"],
)
def test_what_is_no_duration_of_an_answer_is_not_observed(event: Event) -> None:
    lone = Lone()
    lone.take(event)
    assert durations(lone) == 0


def test_an_answer_withdrawn_before_it_came_is_not_observed() -> None:
    lone = Lone()
    lone.take(retraction("ann-i1"), annotation("ann", "i1", "yes", duration_ms=9000))
    assert durations(lone) == 0
    lone.take(retraction("ann-i2", revision=0), annotation("ann", "i2", "yes", revision=1, duration_ms=9000))
    assert durations(lone) == 1


def test_another_pace_raises_an_alarm_and_the_old_one_clears_it() -> None:
    lone = Lone()
    chance = Random(4)
    seconds = count()

    def work(n: int, median: float) -> list[Event]:
        found: list[Event] = []
        for _ in range(n):
            duration = round(1000 * median * chance.lognormvariate(0, 0.3))
            moment = next(seconds)
            found.append(annotation("ann", f"i{moment}", "yes", moment, duration_ms=duration))
        return found

    lone.take(*work(200, 20.0))
    assert lone.said() == []
    lone.take(*work(60, 4.0))
    assert lone.said()[0] == ("v1-ann", "raised", 1)
    raised = lone.messages[0]
    assert (raised.cause.kind, raised.severity) == ("log_duration", "info")
    before, after = raised.evidence["before"], raised.evidence["after"]
    assert isinstance(before, float)
    assert isinstance(after, float)
    assert 17 < before < 23
    assert 3 < after < 6
    lone.take(*work(100, 20.0))
    assert lone.said()[-1][1] == "cleared"
    assert lone.messages[-1].evidence["cleared"] == "recovered"


# -- statistics ---------------------------------------------------------------------------------------------------------


def test_statistics_see_one_net_change_of_an_item() -> None:
    lone = Lone()
    lone.take(annotation("ann", "i1", "yes"), annotation("bob", "i1", "no"))
    changes = lone.take(
        annotation("ann", "i1", "no", 1, revision=1),
        annotation("ann", "i1", "maybe", 2, revision=2),
        annotation("ann", "i1", "yes", 3, revision=3),
    )
    assert not changes.scopes
    assert not changes.pairs
    assert changes.counts["news"].applied == 3
    changes = lone.take(annotation("cleo", "i7", "yes", vendor="acme"), retraction("cleo-i7"))
    assert not changes.scopes
    changes = lone.take(retraction("bob-i1"), annotation("bob", "i1", "yes", annotation="again"))
    whole = changes.scopes[ScopeKey("news", "label", "gold_item", "false")]
    assert whole is not None
    assert whole.tallies["nominal"].patterns == {"yes\x1fyes": 1}


def test_what_is_empty_is_dropped() -> None:
    lone = Lone()
    lone.take(annotation("ann", "i1", "yes"), annotation("bob", "i1", "no"))
    changes = lone.take(retraction("bob-i1"))
    assert changes.scopes[ScopeKey("news", "label", "annotator", "bob")] is None
    assert changes.pairs == {PairKey("news", "label", "nominal", "ann", "bob"): None}
    assert not lone.monitor.pairs.rows
    changes = lone.take(retraction("ann-i1"))
    assert set(changes.scopes.values()) == {None}
    assert not lone.monitor.scopes.rows
    assert lone.monitor.tasks["news", "label"].annotators == 0


def test_an_annotation_may_move_to_another_item_and_task() -> None:
    lone = Lone()
    moving = {"annotation": "a1", "vendor": "acme"}
    lone.take(annotation("ann", "i1", "yes", 1, **moving), annotation("bob", "i1", "yes"))
    changes = lone.take(annotation("ann", "i2", "no", 2, task="score", revision=1, **moving))
    assert changes.annotations.keys() == {("news", "a1")}
    scopes = {key[1:]: scope.items for key, scope in lone.monitor.scopes.rows.items()}
    assert scopes == {
        ("label", "gold_item", "false"): 1,
        ("label", "pane", "2024-05-01T12"): 1,
        ("score", "pane", "2024-05-01T12"): 1,
        ("label", "annotator", "bob"): 1,
        ("score", "gold_item", "false"): 1,
        ("score", "annotator", "ann"): 1,
        ("score", "vendor", "acme"): 1,
    }
    assert not lone.monitor.pairs.rows
    assert {key[1]: counts.annotators for key, counts in lone.monitor.tasks.items()} == {"label": 1, "score": 1}
    assert lone.monitor.items.rows[ItemKey("news", "label", "i1")].records.keys() == {"bob-i1"}


def test_a_row_is_given_up_when_its_annotation_moves() -> None:
    lone = Lone()
    lone.take(annotation("ann", "i1", "yes", annotation="a1"))
    lone.monitor.records["news", "a1"].row = 7
    assert lone.take(annotation("ann", "i1", "no", annotation="a1", revision=1)).vacated == []
    assert lone.take(annotation("ann", "i2", "no", annotation="a1", revision=2)).vacated == [7]
    assert lone.monitor.records["news", "a1"].row == 0


def test_every_outcome_is_counted() -> None:
    lone = Lone()
    changes = lone.take(
        annotation("ann", "i1", "yes"),
        annotation("ann", "i1", "yes"),
        annotation("ann", "i1", "no", 5, revision=1),
        annotation("ann", "i1", "maybe", 1),
        retraction("ann-i1", revision=0),
        retraction("ann-i1", revision=0),
        retraction("never"),
        gold("i1", "yes", version=1),
        gold("i1", "no"),
        review("ann-i1", "rita", 2),
        review("ann-i1", "rita", 1),
        context("c1", 2),
        context("c1", 1),
        erasure("zoe"),
        erasure("zoe"),
        annotation("zoe", "i1", "yes"),
        review("ann-i1", "zoe"),
        annotation("ann", "i1", "yes", project="other"),
    )
    counts = {name: (each.applied, each.duplicates, each.erased) for name, each in changes.counts.items()}
    assert counts == {"news": (8, 7, 2), "other": (1, 0, 0)}


def test_of_reviews_and_contexts_the_highest_is_held() -> None:
    lone = Lone()
    changes = lone.take(
        review("a1", "rita", 1, verdict="accept"),
        review("a1", "rita", 0, verdict="reject", revision=1),
        review("a1", "rolf", 0),
        review("a1", "rita", 0, stage="audit"),
        context("c1", 1, value="v1"),
        context("c1", 2, value="v2"),
    )
    verdicts = {key[2:]: each.verdict for key, each in changes.reviews.items()}  # type: ignore[attr-defined]
    assert verdicts == {("rita", "review"): "reject", ("rolf", "review"): "accept", ("rita", "audit"): "accept"}
    assert [each.value for each in changes.contexts.values()] == ["v2"]  # type: ignore[attr-defined]


# -- looking up ---------------------------------------------------------------------------------------------------------


def test_what_memory_does_not_hold_is_asked_for() -> None:
    monitor = Monitor(default_task, lambda _, name: name, lambda _, name: name)
    needs = monitor.needs(
        [
            annotation("ann", "i1", "yes"),
            gold("i2", "yes", task="score"),
            retraction("a7"),
            review("a8", "rita"),
            context("c1"),
            erasure("ann"),
        ]
    )
    assert needs.annotations == {("news", "ann-i1"), ("news", "a7")}
    assert needs.items == {ItemKey("news", "label", "i1"), ItemKey("news", "score", "i2")}
    assert needs.reviews == {("news", "a8", "rita", "review")}
    assert needs.contexts == {("news", "c1")}
    key = ItemKey("news", "label", "i1")
    monitor.hold_item(key, [AnnotationRecord(("news", "ann-i1"), key, annotation("ann", "i1", "yes"))], None)
    assert not monitor.needs([annotation("ann", "i1", "no"), retraction("ann-i1"), gold("i1", "yes"), erasure("ann")])
    assert monitor.needs([annotation("ann", "i1", "no", id="other")]).annotations == {("news", "other")}


def test_what_settling_lacks_is_asked_for() -> None:
    monitor = Monitor(default_task, lambda _, name: name, lambda _, name: name)
    key = ItemKey("news", "label", "i1")
    monitor.hold_item(
        key, [AnnotationRecord(("news", "ann-i1"), key, annotation("ann", "i1", "yes"))], gold("i1", "yes")
    )
    monitor.receive([annotation("bob", "i1", "yes", vendor="acme"), annotation("ann", "i1", "no", revision=1)])
    lacks = monitor.lacks()
    assert {(place.dimension, place.value) for place in lacks.scopes} == {
        ("gold_item", "true"),
        ("pane", "2024-05-01T12"),
        ("class", "yes"),
        ("vendor", "acme"),
        ("annotator", "ann"),
        ("annotator", "bob"),
    }
    assert lacks.pairs == {PairKey("news", "label", "nominal", "ann", "bob")}
    assert lacks.watches == {gold_errors("ann"), gold_errors("bob")}
    assert lacks.answers == {gold_errors("ann")}, "only history that is corrected is needed"


@pytest.mark.parametrize("held", ["scopes", "pairs", "watches"])
def test_what_memory_holds_completely_is_not_asked_for(held: str) -> None:
    monitor = Monitor(default_task, lambda _, name: name, lambda _, name: name)
    getattr(monitor, held).complete = True
    monitor.receive([annotation(name, "i1", "yes", duration_ms=9) for name in ("ann", "bob")])
    lacks = monitor.lacks()
    assert [name for name in ("scopes", "pairs", "watches") if not getattr(lacks, name)] == [held]


def test_memory_is_trimmed_to_its_capacity() -> None:
    lone = Lone(capacity=3)
    people = [f"n{n}" for n in range(5)]
    lone.monitor.receive([annotation(name, f"i{n}", "yes", duration_ms=9) for n in range(9) for name in people])
    lone.monitor.lacks()
    lone.monitor.settle()
    lone.monitor.take_changes()
    lone.monitor.trim()
    monitor = lone.monitor
    assert len(monitor.items.rows) == 3
    assert monitor.records.keys() == {("news", f"{name}-{key.item}") for key in monitor.items.rows for name in people}
    assert not monitor.items.complete
    assert [len(shelf.rows) for shelf in (monitor.scopes, monitor.pairs, monitor.watches)] == [3, 3, 3]
    assert not monitor.scopes.complete
    assert monitor.scopes.changed == monitor.pairs.changed == monitor.watches.changed == set()
    monitor.hold_withdrawn(AnnotationRecord(("news", "a9"), withdrawn=(1, 1)))
    monitor.trim()
    assert ("news", "a9") not in monitor.records


def test_retractions_of_what_never_comes_do_not_fill_memory() -> None:
    lone = Lone(capacity=10)
    for first in range(0, 100, 20):
        lone.monitor.receive([retraction(f"never-{n}") for n in range(first, first + 20)])
        lone.monitor.lacks()
        lone.monitor.settle()
        lone.monitor.take_changes()
        lone.monitor.trim()
    assert not lone.monitor.records
    assert lone.monitor.needs([retraction("never-1")]).annotations == {("news", "never-1")}


# -- laws ---------------------------------------------------------------------------------------------------------------


def test_where_a_chunk_ends_makes_no_difference_to_detectors_and_alarms() -> None:
    """Nor does what memory holds, nor a restart: the same messages, each alarm's in the same sequence."""
    sent = messages(work(1))
    whole = fold(sent)
    messages_of = {
        (row[2], bytes(value)) for row in whole.scan(OUTBOX, 0) if row[3] == "alerts" for value in [row[6]] if value
    }
    assert len(messages_of) >= 15
    assert {why for _, value in messages_of for why in _cleared(value)} == {"recovered", "corrected", "erased"}
    assert any(b'"updated"' in value for _, value in messages_of)
    for chunk, capacity, restarts in ((7, 1000, False), (17, 3, False), (50, 20, True)):
        parts = fold(sent, chunk=chunk, capacity=capacity, restarts=restarts)
        for table in (WATCHES, ANSWERS, TASKS, SCOPES):
            assert list(parts.scan(table, 0)) == list(whole.scan(table, 0)), table.name
        assert [row[:-1] for row in parts.scan(ALARMS, 0)] == [row[:-1] for row in whole.scan(ALARMS, 0)]
        said = {(row[2], bytes(value)) for row in parts.scan(OUTBOX, 0) for value in [row[6]] if value}
        assert said == messages_of


def _cleared(value: bytes) -> list[str]:
    return [why for why in ("recovered", "corrected", "erased") if f'"cleared":"{why}"'.encode() in value]


@settings(max_examples=40)
@given(event_sets(tasks=("label", "score", "tags"), min_size=5, max_size=40), st.integers(1, 9))
def test_gold_results_added_less_those_taken_back_are_the_answers_that_count(sent: list[bytes], chunk: int) -> None:
    store = fold(sent, chunk=chunk)
    found = {row[1:3]: row[3:8] for row in store.scan(TASKS, 0)}
    counting: dict[tuple[object, ...], list[int]] = {task: [0, 0] for task in found}
    for row in store.scan(SCOPES, 0):
        if row[3] == "gold_item":
            answered, correct = row[8:10]
            assert isinstance(answered, int)
            assert isinstance(correct, int)
            counting[row[1:3]][0] += correct
            counting[row[1:3]][1] += answered - correct
    for task, (_, passed, failed, passed_retracted, failed_retracted) in found.items():
        assert [passed - passed_retracted, failed - failed_retracted] == counting[task]  # type: ignore[operator]
