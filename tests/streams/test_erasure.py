"""An erased person leaves a keyed hash and nothing else; what is left are the statistics of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.records import AnnotationRecord
from streams.delivery import settled
from streams.document import document
from streams.events import Annotation, Event, Review
from streams.homes import Home
from streams.readings import BANDS, Readings
from streams.store import Row, Store, StoreFailed, open_store
from streams.store.tables import (
    ALARMS,
    ANNOTATIONS,
    ANSWERS,
    DEAD_LETTERS,
    ERASURES,
    GOLD,
    JOURNAL,
    META,
    OUTBOX,
    PAIRS,
    PROJECTS,
    REVIEWS,
    SCOPES,
    TABLES,
    TASKS,
    WATCHES,
    Table,
)
from streams.verify import Refold, Report, Span, journal, verify_statistics
from tests.made_events import annotation, erasure, gold, messages, retraction, review
from tests.strategies import event_sets
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, fold, projects, rules
from tests.streams.store_homes import OF_THE_CUTS

PERSON = "canary-person"
OWN = "canary-own"  # what only this person's events say


def by_the_person(item: str, *arguments: Any, **fields: Any) -> Annotation:
    """An annotation of the person's, whose id does not tell."""
    return annotation(PERSON, item, *arguments, **{"id": f"p-{item}", **fields})


def campaign() -> list[Event]:
    """Three others and the person: agreement, gold, moves between items, tasks and people, withdrawals, reviews."""
    events: list[Event] = []
    for number in range(12):
        item = f"i{number}"
        if number < 6:
            events.append(gold(item, "yes", seconds=number))
        for place, annotator in enumerate(("ann", PERSON, "bob", "cleo")):
            own = {"vendor": OWN, "session": OWN, "slice": {OWN: OWN}} if annotator == PERSON else {"vendor": "acme"}
            label = (
                ("no" if number % (place + 2) == 1 else "yes") if annotator != PERSON else OWN if number % 3 else "no"
            )
            name = f"p-{item}" if annotator == PERSON else f"{annotator}-{item}"
            seconds = 100 * number + place
            events.append(annotation(annotator, item, label, seconds, id=name, duration_ms=9_000 + number, **own))
    return [
        *events,
        # edited by the person, moved to another task and back, moved to another item
        by_the_person("i1", "no", 2000, annotation="p-i1", id="e1", revision=1, task="score"),
        by_the_person("i1", "no", 2001, annotation="p-i1", id="e2", revision=2, task="other"),
        by_the_person("i9", OWN, 2002, annotation="p-i2", id="e3", revision=1),
        by_the_person("i20", "yes", 2002, annotation="moved", id="e9", task="left", duration_ms=9_000),
        by_the_person("i20", "yes", 2002, annotation="moved", id="e10", revision=1, duration_ms=9_000),
        # delivered by the person and by others, in either order, on the same item and on another
        annotation("bob", "i3", "no", 2003, annotation="p-i3", id="e4", revision=1, task="shared"),
        by_the_person("i4", "no", 2004, annotation="bob-i4", id="e5", revision=1),
        by_the_person("i5", OWN, 1, annotation="cleo-i5", id="e6", revision=-1),
        # withdrawn, and in other stages
        retraction("p-i6", 2005),
        by_the_person("i7", OWN, 2006, id="e7", annotation="staged", stage="review"),
        by_the_person("i8", None, 2007, id="e8", annotation="skipped"),
        review("ann-i1", PERSON, 2008, category=OWN),
        review("p-i4", "ann", 2009),
        gold("i7", OWN, "yes", seconds=2010, weights=[0, 1]),
        gold("i7", "yes", seconds=2011, version=1),
    ]


def without_the_person(events: Iterable[Event]) -> list[Event]:
    def theirs(event: Event) -> bool:
        return (isinstance(event, Annotation) and event.annotator == PERSON) or (
            isinstance(event, Review) and event.reviewer == PERSON
        )

    return [event for event in events if not theirs(event)]


def all_rows(store: Store) -> list[Row]:
    found: list[Row] = []
    for table in TABLES:
        if table.key[0] == "home":
            found += store.scan(table, 0)
    return found


def scopes_and_pairs(store: Store) -> list[Row]:
    return [*store.scan(SCOPES, 0), *store.scan(PAIRS, 0)]


def test_no_byte_of_the_person_stays_in_the_database(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/kappawatch.db")
    before = fold(messages(campaign()), chunk=7)
    assert sum(PERSON in repr(row) for row in all_rows(before)) > 20, "or there is nothing to erase"
    assert ("left", PERSON) in {(row[2], row[4]) for row in before.scan(WATCHES, 0)}
    assert {"slice.canary-own", "vendor"} <= {row[3] for row in before.scan(SCOPES, 0) if row[4] == OWN}
    fold(messages([*campaign(), erasure(PERSON, 9000)]), store=store, chunk=7)
    assert [row for row in all_rows(store) if PERSON in repr(row) or OWN in repr(row)] == []
    assert any("ann" in repr(row) for row in store.scan(WATCHES, 0))
    store.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"cleo-i5" in content
    assert content.count(PERSON.encode()) == content.count(OWN.encode()) == 0


def test_pages_that_were_split_keep_no_old_bytes_either(tmp_path: Path) -> None:
    """Rows with random keys, more than a page holds: what is deleted lies in places where no row is any more."""
    chance = Random(1)
    events: list[Event] = []
    for number in range(200):
        own = {"vendor": OWN, "session": f"{OWN}-{number}", "id": f"{chance.randrange(10**12)}", "duration_ms": 9000}
        events.append(annotation("ann", f"i{number}", "yes", number))
        events.append(annotation(PERSON, f"i{chance.randrange(10**9)}", f"{OWN}-{number}", number, **own))
    store = open_store(f"sqlite:///{tmp_path}/kappawatch.db")
    fold(messages(events), store=store, chunk=50)
    assert (tmp_path / "kappawatch.db-wal").read_bytes().count(OWN.encode()) > 400
    home = Home(0, store, rules())
    for _ in home.process(TOPIC, records([erasure(PERSON, 9000)], len(events))):
        pass
    store.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"ann-i199" in content
    assert content.count(PERSON.encode()) == content.count(OWN.encode()) == 0


def test_only_a_keyed_hash_stays() -> None:
    store = fold(messages([*campaign(), erasure(PERSON, 9000)]))
    assert [row[1:3] for row in store.scan(ERASURES, 0)] == [("news", PRIVACY.erasure_hash("news", PERSON))]
    assert [row[5] for row in store.scan(ERASURES, 0)] == [1]


@pytest.mark.parametrize("place", [0, 5, 20, 60])
@pytest.mark.parametrize("chunk", [1, 1000])
def test_statistics_are_those_of_the_set_without_the_person(place: int, chunk: int) -> None:
    events = campaign()
    store = fold(messages([*events[:place], erasure(PERSON, 9000), *events[place:]]), chunk=chunk)
    others = fold(messages(without_the_person(events)))
    assert projects(store) == projects(others)
    assert scopes_and_pairs(store) == scopes_and_pairs(others)


def test_later_events_of_the_person_are_counted_as_erased() -> None:
    late = [by_the_person("i50", "yes", 9500), review("bob-i2", PERSON, 9501), erasure(PERSON, 9502)]
    store = fold(messages([*campaign(), erasure(PERSON, 9000), *late]))
    events = document(store, default_task, PRIVACY)["events"]
    assert (events["erased"], events["duplicates"]) == (2, 2), "a lower delivery, and the second erasure"
    assert events["received"] == len(campaign()) + 4
    assert sum(count for name, count in events.items() if name != "received") == events["received"]
    assert not [row for row in all_rows(store) if PERSON in repr(row)]


def test_in_another_project_the_person_is_somebody_else() -> None:
    store = fold(messages([by_the_person("i1", "yes", project="other"), erasure(PERSON, 9000)]))
    assert projects(store)["other"]["tasks"]["label"]["annotations"] == 1


def test_of_an_annotation_that_several_delivered_the_others_deliveries_stay() -> None:
    sent = [
        annotation("bob", "i1", "no", 1, annotation="a", id="e1"),
        by_the_person("i2", "yes", 2, annotation="a", id="e2", revision=1, task="score"),
        annotation("cleo", "i3", "yes", 3, annotation="a", id="e3", revision=-1),
    ]
    store = fold(messages([*sent, erasure(PERSON, 9000)]))
    tasks = projects(store)["news"]["tasks"]
    assert list(tasks) == ["label"]
    assert tasks["label"]["by"]["annotator"].keys() == {"bob"}
    (row,) = store.scan(ANNOTATIONS, 0)
    assert (row[3], row[5], row[6]) == ("a", "i1", "bob")
    assert "cleo" in str(row[10]), "the lower delivery is kept as well"
    store.close_home(0)
    home = Home(0, store, rules())
    for _ in home.process(TOPIC, records([annotation("dora", "i1", "yes", 9)], len(sent) + 1)):
        pass
    task = projects(store)["news"]["tasks"]["label"]
    assert task["pairable_items"] == 1, "the row is found by the item that it came back to"


def raising(annotator: str) -> list[Event]:
    """Enough wrong answers to raise an alarm, and a watch on durations."""
    keys: list[Event] = [gold(f"g{number}", "yes", seconds=number) for number in range(12)]
    wrong = [
        annotation(annotator, f"g{n}", "no", 100 + n, id=f"{annotator[-3:]}-{n}", duration_ms=8_000) for n in range(12)
    ]
    return [*keys, *wrong]


@pytest.mark.parametrize("chunk", [1, 1000])
def test_watches_answers_and_alarms_of_the_person_end(chunk: int) -> None:
    """Whatever chunk the erasure comes in: an alarm that was due is raised, then cleared."""
    events = [*raising(PERSON), *raising("ann"), erasure(PERSON, 9000)]
    store = fold(messages(events), chunk=chunk)
    assert {row[4] for table in (WATCHES, ANSWERS) for row in store.scan(table, 0)} == {"ann"}
    found = document(store, default_task, PRIVACY)["alarms"]
    by_subject = {alarm["subject"]: alarm for alarm in found}
    assert by_subject.keys() == {PRIVACY.pseudonym("news", PERSON), "ann"}
    ended = by_subject[PRIVACY.pseudonym("news", PERSON)]
    assert ended["cleared_at"] == "2024-05-01T14:30:00Z"
    assert ended["evidence"]["cleared"] == "erased"
    assert by_subject["ann"]["cleared_at"] is None
    assert sorted(row[10] for row in store.scan(ALARMS, 0)) == ["cleared", "raised"]


@settings(max_examples=15)
@given(event_sets(tasks=("label", "score"), min_size=10, max_size=30), st.integers(1, 9), st.integers(0, 30))
def test_where_a_chunk_ends_makes_no_difference_to_an_erasure(sent: list[bytes], chunk: int, place: int) -> None:
    sent.insert(place, messages([erasure("ann", 9000)])[0])
    whole, parts = fold(sent), fold(sent, chunk=chunk, capacity=2)
    assert document(whole, default_task, PRIVACY) == document(parts, default_task, PRIVACY)
    compared["chunkings"] += 1


compared: Counter[str] = Counter()


def test_enough_chunkings_were_compared() -> None:
    assert compared["chunkings"] >= 15


def test_what_was_counted_of_gold_is_taken_back() -> None:
    """Results added less results taken back are the answers that count."""
    home = Home(0, open_store("sqlite://"), rules())
    events = [*raising(PERSON), *raising("ann")[12:], erasure(PERSON, 9000)]
    for _ in home.process(TOPIC, records(events)):
        pass
    counts = home.monitor.tasks["news", "label"]
    assert (counts.failed, counts.failed_retracted, counts.passed) == (24, 12, 0)


def test_what_is_exported_forgets_the_person_at_once() -> None:
    """The metrics read what changed since the last time; an erasure's steps are changes."""
    home = Home(0, open_store("sqlite://"), rules())
    readings = Readings(home)
    for events in (campaign(), [erasure(PERSON, 9000)]):
        for outcome in home.process(TOPIC, records(events, home.position(TOPIC) + 1)):
            readings.note(outcome.changes)
        shown = {sample[:2]: sample.value for sample in readings.take().samples()}
    expected = projects(fold(messages(without_the_person(campaign()))))["news"]["tasks"]["label"]
    place = ("news", "label")
    assert shown["kappawatch_annotations", place] == expected["annotations"]
    assert sum(shown["kappawatch_annotators", (*place, band)] for band in BANDS) == expected["annotators"]
    assert shown["kappawatch_gold_answers", place] == expected["gold"]["answers"]
    alpha = expected["agreement"]["alpha"]["value"]
    assert shown["kappawatch_agreement_ratio", (*place, "alpha")] == alpha


def records(events: list[Event], first: int = 0) -> list[Record]:
    return [Record(first + place, value) for place, value in enumerate(messages(events))]


class Interrupted(StoreFailed):
    pass


def interrupt(store: Store, at: int, *, after: bool) -> Callable[[], int]:
    """Let the commit of this number fail, before it is done or after; answers how many there were."""
    commit, calls = store.commit, 0

    def failing(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            raise Interrupted
        commit(*arguments)  # type: ignore[arg-type]
        if calls == at:
            raise Interrupted

    store.commit = failing  # type: ignore[method-assign]
    return lambda: calls


def resumed(store: Store, sent: list[bytes]) -> int:
    """Take in the log as a worker does, beginning again from the store after each failure; how often it failed."""
    failures = 0
    while True:
        store.close_home(0)
        home = Home(0, store, rules())
        try:
            home.finish_work()
            for _ in home.process(TOPIC, [Record(offset, value) for offset, value in enumerate(sent)]):
                pass
        except Interrupted:
            failures += 1
        else:
            return failures


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_erasure_goes_on_after_a_failure_at_any_step(after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.homes.STEP", 9)
    late = [by_the_person("i40", "yes", 9100), annotation("ann", "i40", "yes", 9101)]
    sent = messages([*campaign(), erasure(PERSON, 9000), *late])
    expected = projects(fold(messages([*without_the_person(campaign()), late[1]])))
    steps = interrupt(open_store("sqlite://"), 0, after=False)
    at, failures = 1, 1
    while failures:
        store = open_store("sqlite://")
        steps = interrupt(store, at, after=after)
        failures = resumed(store, sent)
        assert projects(store) == expected
        assert not [row for row in all_rows(store) if PERSON in repr(row) or OWN in repr(row)]
        events = document(store, default_task, PRIVACY)["events"]
        assert (events["received"], events["erased"]) == (len(sent), 1)
        at += 1
    assert steps() >= 8, "of which the erasure took several"
    assert at == steps() + 2


def test_each_step_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.homes.STEP", 5)
    store = open_store("sqlite://")
    seen: list[int] = []
    scan = store.scan_annotations

    def counted(home: int, after: int, limit: int) -> list[AnnotationRecord]:
        found = scan(home, after, limit)
        seen.append(len(found))
        return found

    store.scan_annotations = counted  # type: ignore[method-assign]
    fold(messages([*campaign(), erasure(PERSON, 9000)]), store=store)
    assert max(seen) == 5
    assert len(seen) > 10


def test_reviews_by_the_person_go_and_others_stay() -> None:
    store = fold(messages([*campaign(), erasure(PERSON, 9000)]))
    assert [row[2:4] for row in store.scan(REVIEWS, 0)] == [("p-i4", "ann")]


# -- several at once ------------------------------------------------------------------------------------------------------------

GONE = (PERSON, "bob", "somebody-else", "cleo")


def several() -> list[Event]:
    """The campaign, and people in a row who are to be forgotten."""
    return [*campaign(), *(erasure(name, 9000 + place) for place, name in enumerate(GONE))]


def test_one_pass_serves_all_who_wait_and_the_files_are_cleaned_once() -> None:
    store = open_store("sqlite://")
    calls: Counter[str] = Counter()
    scan, scrub = store.scan_annotations, store.scrub

    def scanned(*arguments: Any) -> list[Row]:
        calls["scans"] += 1
        return scan(*arguments)

    def scrubbed() -> None:
        calls["scrubs"] += 1
        scrub()

    store.scan_annotations, store.scrub = scanned, scrubbed  # type: ignore[method-assign]
    home = Home(0, store, rules())
    late = [*several(), annotation("ann", "i40", "yes", 9500), erasure("dora", 9600)]
    outcomes = list(home.process(TOPIC, records(late)))
    assert calls == {"scans": 2, "scrubs": 2}
    assert [len(outcome.events) for outcome in outcomes] == [len(several()), 2]
    assert {row[5] for row in store.scan(ERASURES, 0)} == {1}


def test_what_is_no_erasure_finds_them_gone() -> None:
    """Whatever comes between, of any kind, comes after those before it."""
    bad = [*messages([erasure(PERSON, 9000)]), b"{", *messages([erasure("bob", 9001)])]
    store = fold([*messages(campaign()), *bad])
    assert len([*store.scan(JOURNAL, 0)]) == 2


sets_compared: Counter[str] = Counter()


@settings(max_examples=40)
@given(
    event_sets(tasks=("label", "score"), min_size=15, max_size=40),
    st.permutations(("ann", "bob", "cleo", "nobody")),
    st.integers(0, 40),
    st.integers(0, 2**16),
)
def test_one_transaction_or_several_or_interrupted_ones(
    sent: list[bytes], people: list[str], place: int, seed: int
) -> None:
    """Of several transactions the way may differ: rows are moved, answers come and go in another order."""
    sent[place:place] = messages([erasure(name, 9000) for name in people])
    store = fold(sent)
    other = fold(sent, chunk=1)
    tables = (ANNOTATIONS, GOLD, REVIEWS, PROJECTS, SCOPES, PAIRS, ALARMS)
    assert [without_way(store, table) for table in tables] == [without_way(other, table) for table in tables]
    assert net_counts(store) == net_counts(other)
    assert document(store, default_task, PRIVACY) == document(other, default_task, PRIVACY)
    chance = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.homes.STEP", chance.randint(1, 9))
        killed = open_store("sqlite://")
        commit = killed.commit

        def failing(*arguments: Any) -> None:
            roll = chance.random()
            if roll < 0.2:
                raise Interrupted
            commit(*arguments)
            if roll > 0.8:
                raise Interrupted

        killed.commit = failing  # type: ignore[method-assign]
        sets_compared["interruptions"] += resumed(killed, sent)
    assert way_of(killed) == way_of(store)
    sets_compared["sets"] += 1


def test_enough_sets_were_compared() -> None:
    assert sets_compared["sets"] >= 40
    assert sets_compared["interruptions"] >= 40


def without_way(store: Store, table: Table) -> list[Row]:
    ignored = OF_THE_CUTS.get(table, ())
    kept = [place for place, name in enumerate(table.names) if name not in ignored]
    return sorted((tuple(row[place] for place in kept) for row in store.scan(table, 0)), key=repr)


def net_counts(store: Store) -> dict[object, tuple[int, int, int]]:
    """Annotators, and answers that count: right ones and wrong ones."""
    found = {}
    for row in store.scan(TASKS, 0):
        annotators, passed, failed, passed_retracted, failed_retracted = cast("tuple[int, ...]", tuple(row[3:8]))
        found[row[1:3]] = annotators, passed - passed_retracted, failed - failed_retracted
    return {key: counts for key, counts in found.items() if any(counts)}


def way_of(store: Store) -> dict[str, list[Row]]:
    """All tables but what tells how many steps there were; a reading is corrected at most once in each."""
    of_the_steps = {"version", "scanned_to", "corrections"}
    return {
        table.name: [
            tuple(value for name, value in zip(table.names, row, strict=True) if name not in of_the_steps)
            for row in store.scan(table, 0)
        ]
        for table in TABLES
        if table not in (META, JOURNAL)
    }


def test_an_id_that_was_erased_is_as_new_to_a_home_that_was_loaded_anew() -> None:
    """What is stored of two orders of the same ids must not depend on what memory had kept of an erased one."""
    events = [
        annotation("ann", "i1", "yes", 1, id="e0"),
        annotation("zed", "i2", "yes", 2, id="z"),
        erasure("ann", 3),
        annotation("bob", "i1", "no", 4, id="e0"),
        annotation("cleo", "i3", "no", 5, id="a1"),
    ]
    assert way_of(fold(messages(events))) == way_of(again(messages(events)))


def again(sent: list[bytes]) -> Store:
    """The home is loaded anew after the erasure."""
    store = open_store("sqlite://")
    for end in (3, len(sent)):
        store.close_home(0)
        list(Home(0, store, rules()).process(TOPIC, [Record(*each) for each in enumerate(sent[:end])]))
    return store


# -- what others' detectors see -------------------------------------------------------------------------------------------------


def test_an_answer_that_counts_again_is_seen_by_its_detector() -> None:
    """It takes its place in time, and raises nothing: the erasure of one person must not be an alarm about another."""
    keys: list[Event] = [gold(f"g{number}", "yes", seconds=number) for number in range(12)]
    own = [annotation("bob", f"g{n}", "no" if n % 3 else "yes", 100 + n, id=f"bob-{n}") for n in range(12)]
    taken = [
        annotation(PERSON, f"g{n}", "yes", 300 + n, id=f"taken-{n}", annotation=f"bob-{n}", revision=1)
        for n in range(10)
    ]
    sent = messages([*keys, *own, *taken])
    store = fold(sent, chunk=5)
    before = alarms_of(store)
    assert [row[6] for row in store.scan(ANSWERS, 0) if row[4] == "bob"] == ["bob-10", "bob-11"]
    sent += messages([erasure(PERSON, 9000)])
    take_on(store, sent)
    answers = [(row[6], row[8]) for row in store.scan(ANSWERS, 0)]
    assert answers == [(f"bob-{n}", float(n % 3 > 0)) for n in range(12)]
    assert alarms_of(store) == before
    # and a corrected key corrects it
    sent += messages([gold("g1", "no", seconds=9100, version=1)])
    take_on(store, sent)
    assert [(row[6], row[8]) for row in store.scan(ANSWERS, 0)][1] == ("bob-1", 0.0)
    refold = Refold(store, 0, rules())
    for span in journal(store, 0):
        assert isinstance(span, Span)
        refold.process(TOPIC, [Record(place, sent[place]) for place in range(span.first, span.last + 1)])
    report = Report()
    refold.compare(report, store, 0)
    assert report.differences == []


def test_an_alarm_that_is_not_borne_out_when_answers_are_back_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right answers between the wrong ones; it is decided when all are back, wherever a step ends."""
    monkeypatch.setattr("streams.homes.STEP", 7)
    wrong = [annotation("ann", f"g{n}", "no", 100 * n, id=f"wrong-{n}") for n in range(6)]
    right = [annotation("ann", f"h{n}", "yes", 100 * (n // 12) + n % 12 + 1, id=f"right-{n}") for n in range(72)]
    taken = [annotation(PERSON, f"h{n}", "yes", 9, id=f"t-{n}", annotation=f"right-{n}", revision=1) for n in range(72)]
    keys: list[Event] = [gold(event.item, "yes") for event in (*wrong, *right)]
    sent = messages([*keys, *right, *taken, *wrong])
    store = fold(sent)
    assert [alarm["cleared_at"] for alarm in alarms_of(store)] == [None]
    take_on(store, [*sent, *messages([erasure(PERSON, 9000)])])
    (alarm,) = alarms_of(store)
    assert (alarm["evidence"]["cleared"], alarm["cleared_at"]) == ("corrected", "2024-05-01T12:08:32Z"), (
        "the last answer's"
    )
    assert [row[8] for row in store.scan(ANSWERS, 0)] == [1.0, *[0.0] * 12] * 6


def alarms_of(store: Store) -> list[Any]:
    found: list[Any] = document(store, default_task, PRIVACY)["alarms"]
    return found


def take_on(store: Store, sent: list[bytes]) -> None:
    """Take in what is new."""
    store.close_home(0)
    home = Home(0, store, rules())
    for _ in home.process(TOPIC, [Record(place, value) for place, value in enumerate(sent)]):
        pass


# -- refused messages -------------------------------------------------------------------------------------------------------------

REFUSED = {
    "annotation": b'{"type": "annotation", "project": "news", "annotator": "canary-person"}',
    "review": b'{"type": "review", "project": "news", "reviewer": "canary-person", "verdict": 3}',
    "no project": b'{"type": "annotation", "annotator": "canary-person"}',
    "number": b'{"type": "annotation", "project": "news", "annotator": 17}',
    "one of many": b'[{"annotator": "canary-person"}' + b", 1" * 1000 + b"]",
    "after half a letter": b'[{"annotator": "\\ud800"}, {"annotator": "canary-person"}' + b", 1" * 1000 + b"]",
}
KEPT = {
    "another person": b'{"type": "annotation", "project": "news", "annotator": "ann"}',
    "another project": b'{"type": "annotation", "project": "views", "annotator": "canary-person"}',
    "cut off": b'{"type": "annotation", "annotator": "canary-person"',
    "no object": b'"canary-person"',
    "no text": b'{"project": "news", "annotator": ["canary-person"], "reviewer": null}',
    "half a letter": b'{"project": "news", "annotator": "\\ud800"}',
    "deep": b"[" * 100_000,
}


def test_refused_messages_that_name_the_person_go_and_others_stay() -> None:
    bad = [*REFUSED.values(), *KEPT.values()]
    store = fold([*bad, *messages([erasure(PERSON, 9000), erasure("17", 9000)])])
    assert [bytes(row[7]) for row in store.scan(DEAD_LETTERS, 0)] == [value[: 64 << 10] for value in KEPT.values()]  # type: ignore[arg-type]


def test_a_refused_message_that_comes_later_stays_for_its_time() -> None:
    store = fold([*messages([erasure(PERSON, 9000)]), REFUSED["annotation"]])
    assert store.count(DEAD_LETTERS, 0) == 1


def test_messages_that_the_broker_refused_for_good_go_too() -> None:
    bad = [REFUSED["annotation"], KEPT["another person"]]
    store = fold(bad)
    home = Home(0, store, rules())
    assert len(home.outbox.unsent) == 2
    store.amend(settled(0, home.outbox.unsent, home.outbox.unsent))
    assert {row[8] for row in store.scan(OUTBOX, 0)} == {"failed"}
    take_on(store, [*bad, *messages([erasure(PERSON, 9000)])])
    assert [bytes(row[6]) for row in store.scan(OUTBOX, 0)] == [KEPT["another person"]]  # type: ignore[arg-type]


def test_what_waits_to_be_sent_is_sent() -> None:
    """It goes when it is sent; whether a message is published must not depend on how fast that was."""
    store = fold([REFUSED["annotation"], *messages([erasure(PERSON, 9000)])])
    assert [row[8] for row in store.scan(OUTBOX, 0)] == ["unsent"]


def test_the_statistics_left_equal_a_recomputation() -> None:
    store = fold(messages([*campaign(), erasure(PERSON, 9000)]), chunk=3, capacity=2, restarts=True)
    report = Report()
    verify_statistics(report, store, 0, default_task)
    assert report.differences == []
    assert report.compared["scopes"] == 11


def test_the_numbers_of_answers_do_not_tell_in_which_order_annotations_were_forgotten() -> None:
    """Two people's annotations have one id: with bob's gone ann's are found, of which the later one is her answer."""
    sent = [
        gold("i1", "yes"),
        annotation("bob", "i1", "yes", 1, id="x", annotation="a2"),
        annotation("bob", "i1", "yes", 1, id="x", annotation="e0"),
        annotation("ann", "i1", "yes", 1, id="x", annotation="e0"),
        annotation("ann", "i1", "yes", 1, id="x", annotation="a2"),
        erasure("bob", 2),
    ]
    one, other = fold(messages(sent), chunk=1), fold(messages([sent[0], sent[2], sent[1], *sent[3:]]), chunk=1)
    assert list(one.scan(ANSWERS, 0)) == list(other.scan(ANSWERS, 0)) != []
    assert list(one.scan(WATCHES, 0)) == list(other.scan(WATCHES, 0))
