"""One cause, one alarm: raised, updated at doublings, cleared, and raised again under another id."""

from __future__ import annotations

from itertools import product

from detectors.alarms import Alarm, AlarmBook, Cause, alarm_id

CAUSE = Cause("news", "label", "gold_errors", "v1-abc")
OTHER = CAUSE._replace(subject="v1-xyz")


def messages(book: AlarmBook) -> list[tuple[str, str, int]]:
    return [(alarm.id, alarm.state, alarm.sequence) for alarm in book.take()[1]]


def raised(book: AlarmBook, cause: Cause = CAUSE, event: str = "e1", at: int = 10) -> Alarm:
    book.open_alarm(cause, "warning", at, event, {"n": 3})
    return book.open[cause]


def test_ids_follow_from_cause_and_event_and_differ_in_any_part() -> None:
    causes = [
        Cause(*parts) for parts in product(("p", "q"), ("label", "score"), ("gold_errors", "log_duration"), ("a", "b"))
    ]
    events = (("e1", 0), ("e1", 1), ("e2", 0))
    ids = {alarm_id(cause, *event) for cause in causes for event in events}
    assert len(ids) == 48
    assert ids == {alarm_id(cause, *event) for cause in causes for event in events}
    assert all(len(name) == 16 for name in ids)


def test_parts_cannot_run_into_each_other() -> None:
    assert alarm_id(Cause("p", "ab", "k", "s"), "e", 0) != alarm_id(Cause("p", "a", "bk", "s"), "e", 0)


def test_a_raised_alarm_is_open_and_said_once() -> None:
    book = AlarmBook()
    alarm = raised(book)
    assert alarm == Alarm(
        alarm_id(CAUSE, "e1", 10), CAUSE, "warning", 10, None, {"n": 3}, "raised", 1, history=(("raised", 10),)
    )
    assert book.take() == ([alarm], [alarm])
    assert book.take() == ([], [])


def test_one_cause_has_one_alarm() -> None:
    book = AlarmBook()
    first = raised(book)
    assert raised(book, event="e2", at=11) is first
    other = raised(book, OTHER, event="e1")
    assert other.id != first.id
    assert messages(book) == [(first.id, "raised", 1), (other.id, "raised", 1)]


def test_its_evidence_is_renewed_at_each_doubling() -> None:
    book = AlarmBook()
    alarm = raised(book)
    asked = []

    def evidence() -> dict[str, object]:
        asked.append(book.open[CAUSE].seen + 1)
        return {"n": asked[-1]}

    for count in range(1, 300):
        book.observe(CAUSE, 10 + count, evidence)
    changed, said = book.take()
    assert asked == [32, 64, 128, 256]
    assert [(one.state, one.sequence, one.seen) for one in said] == [
        ("raised", 1, 0),
        ("updated", 2, 32),
        ("updated", 3, 64),
        ("updated", 4, 128),
        ("updated", 5, 256),
    ]
    assert said[-1].evidence == {"n": 3, "now": {"n": 256}}
    assert {one.id for one in said} == {alarm.id}
    assert changed == [book.open[CAUSE]]
    assert changed[0].seen == 299
    assert changed[0].history == (("raised", 10), ("updated", 42), ("updated", 74), ("updated", 138), ("updated", 266))


def test_a_cleared_alarm_says_why_and_leaves_room_for_another() -> None:
    book = AlarmBook()
    first = raised(book)
    book.clear(CAUSE, 20, "recovered", {"n": 9})
    assert not book.open
    second = raised(book, event="e7", at=30)
    changed, said = book.take()
    assert [(one.id, one.state, one.sequence) for one in said] == [
        (first.id, "raised", 1),
        (first.id, "cleared", 2),
        (second.id, "raised", 1),
    ]
    assert (said[1].cleared_at, said[1].evidence) == (20, {"n": 3, "cleared": "recovered", "now": {"n": 9}})
    assert changed == [said[1], said[2]]
    assert first.id != second.id


def test_an_alarm_from_a_store_goes_on_where_it_was() -> None:
    book, again = AlarmBook(), AlarmBook()
    raised(book)
    for count in range(40):
        book.observe(CAUSE, count, dict)
    again.hold(book.open[CAUSE])
    again.clear(CAUSE, 99, "corrected", {})
    assert messages(again) == [(alarm_id(CAUSE, "e1", 10), "cleared", 3)]
