"""Another configuration is an edit of every item at once: detectors, alarms and counts follow it as they follow any edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Any

import pytest
from faust.types.tuples import TP

from detectors.config import TaskConfig
from detectors.watch import KEPT_ANSWERS, Answer, Revision, revised
from streams.document import document
from streams.events import Event
from streams.homes import Home
from streams.metrics import WorkerMetrics
from streams.owner import Owner
from streams.store import Row, Store, StoreFailed, open_store
from streams.store.tables import ADOPTIONS, ALARMS, ANSWERS, OUTBOX, SCOPES, TASKS, WATCHES
from streams.verify import Refold, Report, Span, journal, verify_statistics
from tests.made_campaign import campaign
from tests.made_events import annotation, configured, erasure, gold, messages
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, fold, rules
from tests.thoroughness import enough, often

Configure = Callable[[str, str], TaskConfig]
WITHOUT_B = configured(labels=("a",))
UNWATCHED = configured(detectors=())
DURATIONS = configured(detectors=("log_duration",))


def reopened(store: Store, configure: Configure) -> Home:
    store.close_home(0)
    home = Home(0, store, rules(configure))
    home.finish_work()
    return home


def take(home: Home, sent: Sequence[bytes]) -> None:
    """Take in what the position does not cover yet."""
    first = home.position(TOPIC) + 1
    for _ in home.process(TOPIC, [Record(place, value) for place, value in enumerate(sent)][first:]):
        pass


def differences(store: Store, sent: Sequence[bytes], refold: Refold | None = None) -> list[str]:
    """What is not as a refold in the journal's order has it: in all tables, and in what is said."""
    refold = refold or Refold(store, 0, rules())
    for transaction in journal(store, 0):
        if isinstance(transaction, Span):
            topic, first, last = transaction
            refold.process(topic, [Record(offset, sent[offset]) for offset in range(first, last + 1)])
        else:
            refold.adopt(transaction)
    report = Report()
    refold.compare(report, store, 0)
    compared["rows"] += sum(report.compared.values())
    said, expected = ({row[2:8] for row in each.scan(OUTBOX, 0)} for each in (store, refold.store))
    compared["messages"] += len(expected)
    return [*map(str, report.differences), *map(str, said ^ expected)]


compared: Counter[str] = Counter()


# -- anything may happen, and a refold comes to the same ------------------------------------------------------------------

CHOICES: Mapping[str, Sequence[TaskConfig]] = {
    "label": (
        TaskConfig(),
        TaskConfig(labels=("a", "b")),
        TaskConfig(labels=("a", "c")),
        TaskConfig(label_type="interval"),
        TaskConfig(detectors=("gold_errors",)),
        TaskConfig(labels=("b", "c"), detectors=("gold_errors",)),
        TaskConfig(labels=("a", "b"), unknown="other"),
        TaskConfig(labels=("b",), unknown="other", detectors=("gold_errors",)),
        TaskConfig(labels=("a", "b", "c"), detectors=("log_duration",)),
        TaskConfig(detectors=()),
    ),
    "score": (TaskConfig(), TaskConfig(label_type="nominal"), TaskConfig(labels=(1,))),
    "mixed": (TaskConfig(labels=(True,)), TaskConfig(labels=(1,)), TaskConfig(labels=("yes", 1))),
    "tags": (TaskConfig(), TaskConfig(labels=("x",), unknown="other"), TaskConfig(labels=("x",))),
}


class Interrupted(StoreFailed):
    pass


def interrupted(store: Store, chance: Random, harm: float) -> None:
    """From now on some commits fail, before they are done or after."""
    commit = store.commit

    def failing(*arguments: Any) -> None:
        roll = chance.random()
        if roll < harm:
            raise Interrupted
        commit(*arguments)
        if roll > 1 - harm:
            raise Interrupted

    store.commit = failing  # type: ignore[method-assign]


def traffic(seed: int) -> list[bytes]:
    """A campaign, and people who are to be forgotten, one by one and several in a row."""
    chance = Random(seed)
    sent = [*campaign(seed % 3, items=90)]
    for person in ("n2", "n3"):
        sent.insert(chance.randrange(len(sent)), messages([erasure(person, 10**6)])[0])
    place = chance.randrange(len(sent))
    sent[place:place] = messages([erasure(person, 10**6, project="shapes") for person in ("n0", "n1", "nobody")])
    return sent


def lived(seed: int, sent: Sequence[bytes], monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose worker was killed and given other configurations, at any time."""
    chance = Random(seed)
    store = open_store("sqlite://")
    interrupted(store, chance, 0.08)
    configured_by = {name: choices[0] for name, choices in CHOICES.items()}
    home: Home | None = None
    while home is None or home.position(TOPIC) < len(sent) - 1:
        monkeypatch.setattr("streams.homes.STEP", chance.choice((1, 7, 40, 5000)))
        if chance.random() < 0.12:
            task = chance.choice(("label", "label", "score", "mixed", "tags"))
            configured_by = {**configured_by, task: chance.choice(CHOICES[task])}
            compared["configurations"] += 1
            home = None
        try:
            if home is None:
                store.close_home(0)
                now = configured_by
                home = Home(
                    0, store, rules(lambda _, task, now=now: now.get(task, TaskConfig()), chance.choice((3, 10**6)))
                )
            first = home.position(TOPIC) + 1
            take(home, sent[: first + chance.randint(1, 60)])
        except Interrupted:
            compared["interruptions"] += 1
            home = None
    monkeypatch.setattr("streams.homes.STEP", 5000)
    return store


SEEDS = range(often(24))


@pytest.mark.thorough
def test_whatever_happens_a_refold_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: Counter[str] = Counter()
    for seed in SEEDS:
        sent = traffic(seed)
        store = lived(seed, sent, monkeypatch)
        assert differences(store, sent) == [], f"seed {seed}"
        report = Report()
        held = {(str(row[1]), str(row[2])): row for row in store.scan(TASKS, 0)}
        verify_statistics(report, store, 0, lambda *key, held=held: _configuration(held[key]))
        assert report.differences == [], f"seed {seed}"
        for alarm in document(store, default_task, PRIVACY)["alarms"]:
            ends[alarm["evidence"].get("cleared", "open")] += 1
        compared["adoptions"] += store.count(ADOPTIONS, 0)
        store.close()
    assert compared["interruptions"] > enough(200)
    assert compared["adoptions"] > enough(40)
    assert compared["rows"] > enough(9_000)
    assert compared["messages"] > enough(150)
    assert ends.keys() == {"open", "corrected", "erased", "unwatched"}


@lru_cache(maxsize=1)
def _adopted_at_once() -> tuple[Store, list[bytes]]:
    """A store in which one configuration took another's place half way."""
    sent = [*campaign(1, items=90)]
    store = fold(sent[:300])
    take(reopened(store, configured(labels=("a", "c"))), sent)
    return store, sent


@pytest.mark.parametrize("lost", ["the adoption", "its place"])
def test_without_the_record_of_it_a_refold_differs(lost: str) -> None:
    store, sent = _adopted_at_once()
    assert differences(store, sent) == []
    connection = store._connection  # type: ignore[attr-defined]
    connection.execute("BEGIN")
    connection.execute("DELETE FROM adoptions" if lost == "the adoption" else "UPDATE adoptions SET version = 0")
    try:
        assert differences(store, sent) != []
    finally:
        connection.execute("ROLLBACK")


def _configuration(row: Row) -> TaskConfig:
    from streams.store.rows import configuration

    return configuration(str(row[TASKS.names.index("configuration")]))


# -- what a user sees -------------------------------------------------------------------------------------------------------


def raising(annotator: str, label: str = "b", count: int = 12) -> list[Event]:
    """Wrong answers enough for an alarm."""
    keys: list[Event] = [gold(f"g{number}", "a", seconds=number) for number in range(count)]
    return [*keys, *(annotation(annotator, f"g{n}", label, 100 + n, duration_ms=8_000) for n in range(count))]


def alarms(store: Store) -> list[tuple[object, ...]]:
    found = document(store, default_task, PRIVACY)["alarms"]
    return [(alarm["subject"], alarm["evidence"].get("cleared")) for alarm in found]


def counts(store: Store) -> tuple[object, ...]:
    """Passed, failed, and of each what was taken back."""
    (row,) = store.scan(TASKS, 0)
    return tuple(row[4:8])


def history(store: Store, annotator: str = "ann") -> list[tuple[object, ...]]:
    """Number, annotation and value of the kept answers."""
    found = store.scan(ANSWERS, 0, "news", "label", "gold_errors", annotator)
    return [(row[5], row[6], row[8]) for row in found]


def test_an_alarm_whose_answers_count_no_more_is_cleared_and_does_not_come_back_by_itself() -> None:
    sent = messages(raising("ann"))
    store = fold(sent)
    assert (alarms(store), counts(store)) == ([("ann", None)], (0, 12, 0, 0))
    reopened(store, WITHOUT_B)
    assert (alarms(store), counts(store), history(store)) == ([("ann", "corrected")], (0, 12, 0, 12), [])
    home = reopened(store, default_task)
    assert (alarms(store), counts(store)) == ([("ann", "corrected")], (0, 24, 0, 12))
    assert history(store) == [(1 + n, f"ann-g{n}", 1.0) for n in range(12)]
    sent += messages([gold("more", "a"), annotation("ann", "more", "b", 200)])
    take(home, sent)
    assert alarms(store) == [("ann", "corrected"), ("ann", None)], "one more wrong answer is enough"
    assert differences(store, sent) == []


def test_it_is_cleared_at_the_time_of_the_last_answer_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.homes.STEP", 3)
    store = fold(messages([*raising("ann"), gold("last", "a"), annotation("ann", "last", "a", 300)]))
    home = Home(0, store, rules(WITHOUT_B))
    home.outbox.unsent.clear()
    home.finish_work()
    (row,) = store.scan(ALARMS, 0)
    found = dict(zip(ALARMS.names, row, strict=True))
    assert (found["state"], found["cleared_at"]) == ("cleared", annotation("ann", "last", "a", 300).at)
    assert [message.id for message in home.outbox.unsent] == [f"{found['id']}-{found['sequence']}"]


def test_answers_that_begin_to_count_take_their_place_in_time() -> None:
    """Not after all others: somebody who is bad at one class would seem to become bad."""
    keys: list[Event] = [gold(f"g{number}", "a", seconds=number) for number in range(30)]
    given = [annotation("ann", f"g{n}", "b" if n % 5 == 4 else "a", 100 + n) for n in range(30)]
    sent = messages([*keys, *given])
    store = fold(sent, configure=WITHOUT_B)
    assert [value for _, _, value in history(store)] == [0.0] * 24
    reopened(store, default_task)
    assert [name for _, name, _ in history(store)] == [f"ann-g{n}" for n in range(30)]
    assert [number for number, _, _ in history(store)] == [*range(1, 31)]
    assert [row[7] for row in store.scan(WATCHES, 0)] == [row[7] for row in fold(sent).scan(WATCHES, 0)]
    assert alarms(store) == []


def test_who_gave_no_answer_that_is_judged_otherwise_is_left_alone() -> None:
    keys: list[Event] = [gold(f"g{number}", "a", seconds=number) for number in range(9)]
    late = [annotation("ann", f"g{n}", "a", 100 - n) for n in range(9)]
    store = fold(messages([*keys, *late, annotation("bob", "g1", "b", 3)]))
    before = [row for row in store.scan(ANSWERS, 0) if row[4] == "ann"], next(store.scan(WATCHES, 0))
    reopened(store, WITHOUT_B)
    assert ([row for row in store.scan(ANSWERS, 0) if row[4] == "ann"], next(store.scan(WATCHES, 0))) == before
    assert history(store, "bob") == []


def test_a_signal_that_is_switched_off_is_forgotten_and_its_alarms_end() -> None:
    sent = messages([*raising("ann"), *raising("bob", label="a")[12:]])
    store = fold(sent)
    assert {row[3] for row in store.scan(WATCHES, 0)} == {"gold_errors", "log_duration"}
    statistics = [*store.scan(SCOPES, 0)]
    home = reopened(store, DURATIONS)
    assert {row[3] for row in store.scan(WATCHES, 0)} == {"log_duration"}
    assert {key.signal for key in home.monitor.watches.rows} == {"log_duration"}
    assert (alarms(store), [*store.scan(ANSWERS, 0)]) == ([("ann", "unwatched")], [])
    assert [*store.scan(SCOPES, 0)] == statistics
    assert counts(store) == (12, 12, 0, 0), "answers are counted, watched or not"
    reopened(store, UNWATCHED)
    assert [*store.scan(WATCHES, 0)] == []
    assert differences(store, sent) == []


def test_a_signal_that_is_switched_on_begins_afresh() -> None:
    sent = messages(raising("ann"))
    store = fold(sent, configure=configured(labels=("a",), detectors=()))
    home = reopened(store, configured(labels=("a", "b", "c")))
    assert counts(store) == (0, 12, 0, 0)
    assert [*store.scan(WATCHES, 0)] == []
    sent += messages([gold("more", "a"), annotation("ann", "more", "b", 200, duration_ms=7_000)])
    take(home, sent)
    assert history(store) == [(1, "ann-more", 1.0)]
    assert {row[3] for row in store.scan(WATCHES, 0)} == {"gold_errors", "log_duration"}
    assert differences(store, sent) == []


def test_the_store_tells_what_followed_what() -> None:
    store = fold(messages([annotation("ann", "i1", "a")]))
    reopened(store, WITHOUT_B)
    reopened(store, WITHOUT_B)
    reopened(store, default_task)
    plain = '{"label_type":null,"labels":null,"unknown":"unfit","weights":"quadratic","iou":0.5,"inclusive_pixels":false,"detectors":["gold_errors","log_duration"],"lateness_minutes":60,"hourly_days":35}'
    without_b = plain.replace('"labels":null', '"labels":["a"]')
    assert [row[2:] for row in store.scan(ADOPTIONS, 0)] == [
        ("news", "label", plain, without_b),
        ("news", "label", without_b, plain),
    ]
    assert [row[8:10] for row in store.scan(TASKS, 0)] == [(plain, None)]


def test_true_is_not_one() -> None:
    """Python has them equal; as labels they differ."""
    sent = messages([annotation("ann", "i1", True), annotation("bob", "i1", 1)])
    store = fold(sent, configure=configured(labels=(True,)))
    reopened(store, configured(labels=(1,)))
    assert store.count(ADOPTIONS, 0) == 1


def test_a_change_that_is_under_way_is_finished_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the answers are judged by one configuration, half by another: what the third takes back would be a guess."""
    monkeypatch.setattr("streams.homes.STEP", 3)
    sent = messages(raising("ann"))
    store = fold(sent)
    half = Home(0, store, rules(WITHOUT_B))
    half.step()
    assert [row[9] is not None for row in store.scan(TASKS, 0)] == [True]
    reopened(store, configured(labels=("b",)))
    assert counts(store) == (0, 24, 0, 12)
    assert store.count(ADOPTIONS, 0) == 2
    assert differences(store, sent) == []


def test_what_is_exported_follows_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics that were taken in the middle of a rebuild must not stay."""
    monkeypatch.setattr("streams.homes.STEP", 5)
    store = fold(messages(raising("ann")))
    store.close_home(0)
    owner = Owner(lambda: store, lambda _: rules(WITHOUT_B), WorkerMetrics())
    owner.positions([TP(TOPIC, 0)])

    def shown() -> dict[str, float]:
        while owner.show(0):
            pass
        found = owner._metrics.homes[0].samples()
        return {sample.name: sample.value for sample in found if sample.labels == ("news", "label")}

    assert shown()["kappawatch_annotations"] == 12
    assert owner.step(0) is not None
    assert shown()["kappawatch_annotations"] == 5
    while owner.step(0) is not None:
        pass
    assert (shown()["kappawatch_annotations"], shown()["kappawatch_unfit"]) == (12, 12)


# -- histories --------------------------------------------------------------------------------------------------------------


def test_taken_in_parts_the_same_revisions_give_the_same_answers() -> None:
    chance = Random(1)
    for _ in range(200):
        answers = [Answer(f"a{n}", chance.randrange(2000), 0.0) for n in range(chance.choice((5, KEPT_ANSWERS)))]
        known = {answer.annotation for answer in answers}
        revisions = []
        for n in chance.sample(range(2 * len(answers)), len(answers)):
            name = f"a{n}"
            value = chance.choice((None, 1.0)) if name in known else 1.0
            revisions.append(Revision(name, chance.randrange(2000), value, name in known))
        whole = revised(answers, revisions)
        place = chance.randrange(len(revisions) + 1)
        parts = _in_parts(answers, (revisions[:place], revisions[place:]))
        assert whole is not None
        assert whole == parts
        assert len(whole) <= KEPT_ANSWERS
        compared["histories"] += 1
    assert compared["histories"] == 200


def _in_parts(answers: Iterable[Answer], parts: Iterable[Sequence[Revision]]) -> list[Answer]:
    kept = sorted(answers, key=lambda answer: (answer.at, answer.annotation))
    for part in parts:
        found = revised(kept, part)
        if found is not None:
            kept = found
    return kept


def test_what_has_left_the_history_stays_away() -> None:
    assert revised([Answer("b", 2, 0.0)], [Revision("a", 1, 1.0, True), Revision("c", 1, None, True)]) is None
