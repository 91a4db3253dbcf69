"""What every store promises. A test module subclasses these and gives the fixture `database`, which is empty."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import pytest

from detectors.keys import ItemKey
from detectors.records import FOREVER, AnnotationRecord
from streams.events import INT63, LONGEST_ID, Annotation, Box, Shape, Span
from streams.store import Batch, Conflict, Row, Store
from streams.store.rows import annotation_row
from streams.store.tables import (
    ANNOTATIONS,
    ANSWERS,
    DEAD_LETTERS,
    GOLD,
    HOMES,
    JOURNAL,
    META,
    PAIRS,
    PROJECTS,
    TABLES,
    Table,
    first_row,
)


class Database(Protocol):
    """A database for one test; a store that is opened is closed after it."""

    def open(self, *, read_only: bool = False) -> Store: ...


def home_row(home: int, received: int = 0) -> Row:
    """A home's row; the version in it means nothing to a commit."""
    return (home, 0, '{"events":7}', received, 0, 0, first_row(home) + received, 1, 1, "{}")


def batch(table: Table, rows: Iterable[Row]) -> Batch:
    return Batch(upserts={table: list(rows)})


TIME = datetime(2026, 1, 5, 8, tzinfo=UTC)


def annotation(
    number: int, name: str, item: str | None, *, home: int = 0, project: str = "p", task: str = "t", **more: Any
) -> AnnotationRecord:
    """An annotation in a home's row of this number; one without an item is the retraction of one that never came."""
    row = first_row(home) - 1 + number
    if item is None:
        return AnnotationRecord((project, name), withdrawn=(0, 5), row=row)
    fields = {"source": "tool", "time": TIME, "annotator": "ann", "label": "yes", **more}
    event = Annotation(id=name, project=project, task=task, item=item, **fields)
    return AnnotationRecord((project, name), ItemKey(project, task, item), event, row=row)


def row_of(annotation: AnnotationRecord) -> Row:
    """All that is stored of an annotation."""
    return annotation_row((annotation.row - 1) >> 40, annotation)


def pair(a: str, b: str, items: int = 1, *, home: int = 0, project: str = "p", task: str = "t") -> Row:
    return (home, project, task, "nominal", a, b, items, "{}")


def gold(item: str, version: int = 0, *, home: int = 0, project: str = "p") -> Row:
    return (home, project, "t", item, version, 5, f'{{"version":{version}}}')


def answer(annotator: str, number: int, value: float = 1.0) -> Row:
    return (0, "p", "t", "gold_errors", annotator, number, f"a{number}", 5, value)


def rows_of(store: Store, home: int = 0) -> dict[str, list[Row]]:
    """All that a store holds of a home."""
    return {table.name: [tuple(row) for row in store.scan(table, home)] for table in TABLES if table is not META}


def names(found: Iterable[AnnotationRecord]) -> list[str]:
    return sorted(record.key for record in found)


def annotations_of_all_kinds() -> list[AnnotationRecord]:
    """Whatever an annotation may say, in the rows from 1."""
    events: list[dict[str, Any]] = [
        *({"id": text, "item": text, "annotator": text, "batch": text} for text in TEXTS if 0 < len(text) < LONGEST_ID),
        *({"source": text[:LONGEST_ID], "label": text[:1024]} for text in TEXTS if text),
        *({"label": label} for label in LABELS),
        *({"time": time} for time in TIMES),
        {"task": "label"},
        {"annotation": "in the tool", "revision": -INT63, "duration_ms": 0, "stage": "adjudicate", "skipped": True},
        {"slice": {"a": True, "b": 1.5, "$.c": "d"}, "order": ["b", "a"], "contract": "1.2"},
    ]
    made = [
        annotation(
            number,
            fields.pop("id", f"a{number}"),
            fields.pop("item", "i"),
            project=fields.pop("project", "p"),
            task=fields.pop("task", "t"),
            **fields,
        )
        for number, fields in enumerate(events, 1)
    ]
    for record in made:
        record.name = record.event.project, record.event.key
    deliveries = [record.event for record in made]
    for place, withdrawn in enumerate((FOREVER, (0, 1), (-INT63, 2**62), (INT63, 0))):
        made[place].withdrawn = withdrawn
        made[place + 2].earlier = tuple(deliveries[: place + 1])
    undelivered = [text for text in TEXTS if 0 < len(text) < LONGEST_ID]
    for number, text in enumerate(undelivered, len(made) + 1):
        record = annotation(number, text, None, project=text)
        record.withdrawn = FOREVER
        made.append(record)
    return made


TEXTS = (
    "",
    " ",
    "NULL",
    "null",
    "{}",
    '{"a":["b",null]}',
    "\\",
    '\\"',
    '"',
    "'",
    "''; DROP TABLE homes; --",
    "%s %(x)s %%",
    "a,b",
    "grün",
    "e\u0301",  # é, composed
    "\u202eright to left",
    "标注",
    "\U0001f600",
    "\uffff",
    "x" * 100_000,
)
INTEGERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
REALS = (0.0, 0.1, -1 / 3, 5e-324, 1.7976931348623157e308, float("inf"), 3.0)
BYTES = (b"", b"\x00", bytes(range(256)), b"\\x00", b"x" * 70_000)
LABELS = (
    None,
    "",
    "null",
    '"',
    True,
    False,
    0,
    -INT63,
    INT63,
    0.1,
    1.0,
    -1e300,
    5e-324,
    0.30000000000000004,
    [],
    ["b", 'a",null]'],
    Shape(tie=True),
    Shape(chosen="x", rejected="y"),
    Shape(boxes=[Box([0, 0.5, 1e3, 2.0], "grün"), Box([1, 2, 3, 4])]),
    Shape(spans=[Span(0, 5, ']"}'), Span(3, INT63)]),
)
TIMES = (
    *(TIME.replace(microsecond=micro) for micro in (1, 999, 500_000, 999_500, 999_999)),
    *(
        TIME.replace(microsecond=7, tzinfo=timezone(timedelta(minutes=minutes)))
        for minutes in (-1439, -90, 1, 330, 1439)
    ),
    TIME.replace(tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    datetime(1990, 1, 1, tzinfo=UTC),
    datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC),
)
VALUES: dict[str, tuple[Any, ...]] = {"text": TEXTS, "integer": INTEGERS, "real": REALS, "bytes": BYTES}


class StoreContract:
    """What a store promises to one worker."""

    @pytest.fixture
    def store(self, database: Database) -> Store:
        opened = database.open()
        opened.open_home(0)
        return opened

    def test_a_home_begins_at_version_0_and_opening_it_again_changes_nothing(self, database: Database):
        store = database.open()
        assert store.homes() == []
        fresh = store.open_home(3)
        assert tuple(fresh) == (3, 0, "{}", 0, 0, 0, first_row(3), 1, 1, "{}")
        assert store.open_home(3) == fresh
        store.open_home(0)
        store.open_home(11)
        assert store.homes() == [0, 3, 11]
        store.commit(0, home_row(3, 5), Batch())
        store.close_home(3)
        assert tuple(store.open_home(3)) == (3, 1, '{"events":7}', 5, 0, 0, first_row(3) + 5, 1, 1, "{}")

    def test_a_commit_writes_the_home_and_all_rows(self, store: Store):
        store.commit(0, home_row(0, 2), Batch(annotations=[annotation(1, "a1", "i"), annotation(2, "a2", "i")]))
        store.commit(1, home_row(0, 3), Batch({PAIRS: [pair("ann", "bob")], JOURNAL: [(0, 2, "events", 2, 3)]}))
        held = rows_of(store)
        assert held[HOMES.name] == [(0, 2, '{"events":7}', 3, 0, 0, 4, 1, 1, "{}")]
        assert held[ANNOTATIONS.name] == [row_of(annotation(n, f"a{n}", "i")) for n in (1, 2)]
        assert held[PAIRS.name] == [pair("ann", "bob")]
        assert held[JOURNAL.name] == [(0, 2, "events", 2, 3)]
        assert sum(map(len, held.values())) == 5

    @pytest.mark.parametrize("seen", [0, 2, -1])
    def test_a_version_that_is_not_the_one_seen_is_a_conflict_and_writes_nothing(self, store: Store, seen: int):
        store.commit(0, home_row(0, 1), batch(PAIRS, [pair("ann", "bob")]))
        before = rows_of(store)
        with pytest.raises(Conflict, match="home 0: another worker wrote version"):
            store.commit(seen, home_row(0, 9), Batch({PAIRS: [pair("ann", "bob", 7)]}, {PAIRS: [(0, "p")]}))
        assert rows_of(store) == before
        store.open_home(0)
        store.commit(1, home_row(0, 2), Batch())

    def test_a_home_that_nobody_opened_is_a_conflict(self, store: Store):
        with pytest.raises(Conflict):
            store.commit(0, home_row(5), batch(PAIRS, [pair("ann", "bob", home=5)]))
        assert store.homes() == [0]

    @pytest.mark.parametrize(
        "bad",
        [
            (JOURNAL, (0, 1, "events", 2**63, 0)),
            (JOURNAL, (0, 1, "events", "a text", 0, 0)),
            (JOURNAL, (0, 1, "\udc80", 0, 0)),
        ],
    )
    def test_a_row_that_cannot_be_written_writes_nothing(self, store: Store, bad: tuple[Table, Row]):
        store.commit(0, home_row(0, 1), Batch(annotations=[annotation(1, "a1", "i")]))
        before = rows_of(store)
        table, row = bad
        changes = Batch(
            {PAIRS: [pair("ann", "bob")], table: [row]}, annotations=[annotation(2, "a2", "i")], vacated=[1]
        )
        with pytest.raises(Exception):  # noqa: B017 - a mistake of ours, which each driver names in its own way
            store.commit(1, home_row(0, 2), changes)
        with pytest.raises(Exception):  # noqa: B017
            store.amend(changes)
        assert rows_of(store) == before
        store.open_home(0)
        assert store.find_annotations(0, [("p", "a2")], []) == []
        store.commit(1, home_row(0, 2), Batch(annotations=[annotation(2, "a2", "i")]))
        assert names(store.find_annotations(0, [("p", "a2")], [])) == ["a1", "a2"]

    def test_of_rows_with_one_key_the_last_counts_and_is_whole(self, store: Store):
        store.commit(0, home_row(0), batch(GOLD, [gold("i", 1), gold("j", 1), gold("i", 2)]))
        assert list(store.scan(GOLD, 0)) == [gold("i", 2), gold("j", 1)]
        store.commit(1, home_row(0), batch(GOLD, [(*gold("i")[:4], None, None, None)]))
        assert list(store.scan(GOLD, 0, "p", "t", "i")) == [(0, "p", "t", "i", None, None, None)]

    @pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6])
    def test_a_delete_takes_all_rows_that_begin_with_the_key(self, store: Store, length: int):
        chance = random.Random(length)
        keys = {tuple(chance.choice("xy") for _ in range(5)) for _ in range(40)}
        rows = [(home, *key, 1, "{}") for home in (0, 1) for key in sorted(keys)]
        store.commit(0, home_row(0), batch(PAIRS, rows))
        gone = (0, *chance.choice(sorted(keys)))[:length]
        store.commit(1, home_row(0), Batch(deletes={PAIRS: [gone, (0, "nothing of this name")]}))
        left = [row for row in rows if row[:length] != gone]
        assert len(left) < len(rows)
        assert [*store.scan(PAIRS, 0), *store.scan(PAIRS, 1)] == left

    def test_keys_of_several_lengths_in_one_batch(self, store: Store):
        rows = [pair(a, b, project=project) for project in ("p", "q") for a in "abc" for b in "xyz"]
        store.commit(0, home_row(0), batch(PAIRS, rows))
        keys = [(0, "q"), (0, "p", "t", "nominal", "a"), (0, "p", "t", "nominal", "b", "z")]
        store.commit(1, home_row(0), Batch(deletes={PAIRS: [*keys]}))
        assert [row[4:6] for row in store.scan(PAIRS, 0)] == [
            ("b", "x"),
            ("b", "y"),
            ("c", "x"),
            ("c", "y"),
            ("c", "z"),
        ]
        found = store.find(PAIRS, 0, [("p", "t", "nominal", "b"), ("p", "t", "nominal", "c", "z")])
        assert sorted(row[4:6] for row in found) == [("b", "x"), ("b", "y"), ("c", "z")]

    def test_deletes_go_before_upserts(self, store: Store):
        store.commit(0, home_row(0), batch(PAIRS, [pair("a", "b"), pair("a", "c")]))
        store.commit(1, home_row(0), Batch({PAIRS: [pair("a", "d")]}, {PAIRS: [(0, "p")]}))
        assert list(store.scan(PAIRS, 0)) == [pair("a", "d")]

    def test_find_answers_the_rows_under_the_keys_each_once(self, store: Store):
        store.commit(0, home_row(0), batch(ANSWERS, [answer(who, n) for who in ("ann", "bob") for n in range(1, 5)]))
        watch = ("p", "t", "gold_errors")
        assert store.find(ANSWERS, 0, []) == []
        assert store.find(ANSWERS, 0, [(*watch, "nobody"), (*watch, "ann", 9)]) == []
        assert store.find(ANSWERS, 1, [(*watch, "ann")]) == []
        assert store.find(ANSWERS, 0, [(*watch, "ann", 3)] * 2) == [answer("ann", 3)]
        assert sorted(store.find(ANSWERS, 0, [(*watch, "bob")])) == [answer("bob", n) for n in range(1, 5)]

    def test_ten_thousand_keys_in_one_call(self, store: Store):
        many = 10_000
        store.commit(0, home_row(0), batch(GOLD, [gold(f"item {n}", n) for n in range(many)]))
        store.commit(
            1, home_row(0), Batch(annotations=[annotation(n + 1, f"a{n}", f"i{n % 3000}") for n in range(many)])
        )
        keys = [("p", "t", f"item {n}") for n in range(0, 3 * many, 3)]
        assert sorted(row[4] for row in store.find(GOLD, 0, keys)) == list(range(0, many, 3))
        found = store.find_annotations(
            0, [("p", f"a{n}") for n in range(0, 2 * many, 2)], [("p", "t", "i1"), ("p", "t", "no")]
        )
        wanted = {f"i{n % 3000}" for n in range(0, many, 2)} | {"i1"}
        assert names(found) == sorted(f"a{n}" for n in range(many) if f"i{n % 3000}" in wanted)
        store.commit(2, home_row(0), Batch(deletes={GOLD: [(0, *key) for key in keys]}))
        assert store.count(GOLD, 0) == many - len(range(0, many, 3))

    @pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
    def test_scan_answers_all_rows_in_the_order_of_the_key(self, store: Store, count: int):
        rows = [answer(f"annotator {n % 7}", n) for n in range(count)]
        random.Random(count).shuffle(rows)
        store.commit(0, home_row(0), batch(ANSWERS, rows))
        assert list(store.scan(ANSWERS, 0)) == sorted(rows)
        watch = ("p", "t", "gold_errors", "annotator 3")
        assert list(store.scan(ANSWERS, 0, *watch)) == sorted(row for row in rows if row[1:5] == watch)
        assert list(store.scan(ANSWERS, 0, *watch, 3)) == [row for row in rows if row[5] == 3]
        assert list(store.scan(ANSWERS, 1)) == []

    def test_texts_are_in_the_order_of_their_bytes(self, store: Store):
        texts = [
            "",
            "B",
            "a",
            "aa",
            "b",
            "Z",
            "é",
            "e\u0301",
            "_",
            "-",
            "1",
            "10",
            "2",
            "\uffff",
            "\U0001f600",
            "標",
            "ß",
            "ss",
        ]
        store.commit(0, home_row(0), batch(GOLD, [gold(text) for text in texts]))
        assert [row[3] for row in store.scan(GOLD, 0)] == sorted(texts, key=str.encode)

    def test_rows_are_written_and_deleted_while_a_scan_goes_on(self, store: Store):
        store.commit(0, home_row(0), batch(ANSWERS, [answer("ann", n) for n in range(3000)]))
        met = []
        for row in store.scan(ANSWERS, 0):
            met.append(row[5])
            if row[5] % 700 == 0:
                store.amend(Batch({ANSWERS: [answer("ann", row[5], 2.0), answer("ann", 10_000 + row[5])]}))
                store.amend(
                    Batch(deletes={ANSWERS: [(0, "p", "t", "gold_errors", "ann", n) for n in range(2900, 3000)]})
                )
        assert all(one < other for one, other in pairwise(met))
        assert met[:2900] == list(range(2900))

    def test_annotations_are_scanned_by_number_home_by_home(self, store: Store):
        store.open_home(1)
        for home in (0, 1):
            made = [annotation(n, f"a{n}", f"i{n}", home=home) for n in range(1, 2501)]
            zero = first_row(home) - 1
            store.commit(0, home_row(home), Batch(annotations=made[:700]))
            store.commit(1, home_row(home), Batch(annotations=made[700:]))
            store.commit(2, home_row(home), Batch(vacated=[zero + n for n in range(3, 2501, 3)]))
            assert [record.row - zero for record in store.scan_annotations(home, 0, 4)] == [1, 2, 4, 5]
            assert [record.row - zero for record in store.scan_annotations(home, zero + 4, 2)] == [5, 7]
            assert [record.row - zero for record in store.scan_annotations(home, zero + 5, 2)] == [7, 8]
            assert store.scan_annotations(home, zero + 2500, 10) == []
            rows = [row_of(annotation) for number, annotation in enumerate(made, 1) if number % 3]
            assert [*map(row_of, store.scan_annotations(home, 0, 5000))] == rows == list(store.scan(ANNOTATIONS, home))
        assert store.count(ANNOTATIONS, 0) == store.count(ANNOTATIONS, 1) == 1667

    def test_an_annotation_is_found_with_all_of_its_item(self, store: Store):
        one = [
            annotation(1, "a1", "i1"),
            annotation(2, "a2", "i1"),
            annotation(3, "b1", "i2"),
            annotation(4, "b2", "i2"),
        ]
        others = [annotation(5, "a1", "i1", project="q"), annotation(6, "c", "i1", task="u"), annotation(7, "d", None)]
        store.commit(0, home_row(0), Batch(annotations=one + others))

        def find(annotations: list[str], items: list[tuple[str, ...]] = ()) -> list[str]:
            rows = store.find_annotations(0, [("p", name) for name in annotations], items)
            assert len({record.row for record in rows}) == len(rows)
            return names(rows)

        assert find([]) == []
        assert find(["a1"]) == ["a1", "a2"]
        assert find(["a1", "a2"]) == ["a1", "a2"]
        assert find(["d"]) == ["d"]
        assert find(["nothing", "d", "c"]) == ["c", "d"]
        assert find([], [("p", "t", "i2")]) == ["b1", "b2"]
        assert find([], [("p", "u", "i1"), ("p", "t", "none")]) == ["c"]
        assert find(["a2"], [("p", "t", "i1"), ("q", "t", "i1")]) == ["a1", "a1", "a2"]
        assert find(["b1"], [("p", "t", "i1")]) == ["a1", "a2", "b1", "b2"]
        assert store.find_annotations(1, [("p", "a1")], [("p", "t", "i1")]) == []

    def test_an_annotation_that_moved_is_found_where_it_is_now(self, store: Store):
        store.commit(0, home_row(0), Batch(annotations=[annotation(n, f"a{n}", "old") for n in (1, 2, 3)]))
        store.commit(1, home_row(0), Batch(annotations=[annotation(4, "a2", "new")], vacated=[2]))
        for _ in range(2):
            assert names(store.find_annotations(0, [("p", "a2")], [])) == ["a2"]
            assert names(store.find_annotations(0, [], [("p", "t", "old")])) == ["a1", "a3"]
            assert names(store.find_annotations(0, [], [("p", "t", "new")])) == ["a2"]
            assert store.count(ANNOTATIONS, 0) == 3
            store.close_home(0)
            store.open_home(0)

    def test_an_annotation_that_changed_is_found_as_it_is(self, store: Store):
        store.commit(0, home_row(0), Batch(annotations=[annotation(1, "a", "i")]))
        changed = annotation(1, "a", "i", label="no", annotator="bob", revision=1)
        changed.earlier = (annotation(1, "a", "i").event,)
        changed.withdrawn = (1, 5)
        store.commit(1, home_row(0), Batch(annotations=[changed]))
        assert [*map(row_of, store.find_annotations(0, [("p", "a")], []))] == [row_of(changed)]

    def test_annotations_are_written_appended_and_deleted_in_one_commit(self, store: Store):
        held = {n: annotation(n, f"a{n}", f"i{n // 3}") for n in range(1, 401)}
        store.commit(0, home_row(0), Batch(annotations=list(held.values())))
        chance = random.Random(5)
        for version in range(1, 12):
            vacated = chance.sample(sorted(held), 30)
            for n in vacated:
                del held[n]
            fresh = range(400 + 20 * version, 420 + 20 * version)
            written = {n: annotation(n, f"b{version} {n}", "i", label="x" * chance.randrange(900)) for n in fresh}
            written |= {n: annotation(n, f"a{n}", f"i{n // 3}", label="y") for n in chance.sample(sorted(held), 30)}
            held |= written
            annotations = list(written.values())
            store.commit(version, home_row(0), Batch(annotations=annotations, vacated=vacated))
            assert list(store.scan(ANNOTATIONS, 0)) == [row_of(held[n]) for n in sorted(held)]
            assert names(store.find_annotations(0, [], [ItemKey("p", "t", "i50")])) == sorted(
                held[n].key for n in (150, 151, 152) if n in held
            )
        store.commit(12, home_row(0), Batch(vacated=sorted(held)))
        assert list(store.scan(ANNOTATIONS, 0)) == store.scan_annotations(0, 0, 10) == []
        store.commit(13, home_row(0), Batch(annotations=[annotation(1000, "c", "i")]))
        assert names(store.find_annotations(0, [("p", "c"), ("p", "a1")], [])) == ["c"]

    def test_whatever_an_annotation_says_comes_back_as_it_went(self, store: Store):
        made = annotations_of_all_kinds()
        assert len(made) > 80
        store.commit(0, home_row(0), Batch(annotations=made))
        assert list(store.scan(ANNOTATIONS, 0)) == [row_of(annotation) for annotation in made]
        for annotation in made:
            (found,) = [
                each for each in store.find_annotations(0, [annotation.name], []) if each.name == annotation.name
            ]
            assert row_of(found) == row_of(annotation)
            assert all(getattr(found, name) == getattr(annotation, name) for name in AnnotationRecord.__slots__)

    def test_gold_is_found_at_once_and_after_opening_again(self, store: Store):
        store.commit(0, home_row(0), batch(GOLD, [gold("i1"), gold("i2")]))
        store.commit(1, home_row(0), batch(GOLD, [gold("i2", 4)]))
        keys = [("p", "t", "i2"), ("p", "t", "i3"), ("q", "t", "i2")]
        assert sorted(store.find(GOLD, 0, [("p", "t"), ("q",)])) == [gold("i1"), gold("i2", 4)]
        assert store.find(GOLD, 0, keys) == [gold("i2", 4)]
        store.close_home(0)
        store.open_home(0)
        assert store.find(GOLD, 0, keys) == [gold("i2", 4)]

    @pytest.mark.parametrize(
        "table", [table for table in TABLES if table not in (META, HOMES, ANNOTATIONS)], ids=lambda table: table.name
    )
    def test_every_value_comes_back_as_it_went(self, store: Store, table: Table):
        """Each column takes each value of its type; keys are kept apart by one of theirs, as in a random order."""
        chance = random.Random(table.name)
        rows = {}
        for _ in range(60):
            row = [0, *(chance.choice(VALUES[kind]) for kind in list(table.columns.values())[1:])]
            for place in range(1, len(row)):
                if place >= len(table.key):
                    row[place] = chance.choice((row[place],) * 4 + (None,))
                elif isinstance(row[place], str):
                    row[place] = row[place][:200]
            rows[tuple(row[: len(table.key)])] = tuple(row)
        store.commit(0, home_row(0), batch(table, rows.values()))
        found = {tuple(row[: len(table.key)]): tuple(row) for row in store.scan(table, 0)}
        assert found == rows
        assert all(
            type(value) is type(other)
            for key, row in found.items()
            for value, other in zip(row, rows[key], strict=True)
        )
        assert sorted(store.find(table, 0, [key[1:] for key in rows]), key=repr) == sorted(rows.values(), key=repr)
        assert store.count(table, 0) == len(rows)
        store.commit(1, home_row(0), Batch(deletes={table: list(rows)}))
        assert store.count(table, 0) == 0

    def test_rows_may_have_any_number_of_the_home(self, store: Store):
        store.open_home(1)
        numbers = (1, 17, 1000, 2**33, 2**36 - 1)
        for home in (0, 1):
            made = [annotation(number, f"a{number}", "i", home=home) for number in numbers]
            for version, each in enumerate(made):
                store.commit(version, home_row(home), Batch(annotations=[each]))
        for home in (0, 1):
            made = [annotation(number, f"a{number}", "i", home=home) for number in numbers]
            assert list(store.scan(ANNOTATIONS, home)) == [row_of(each) for each in made]
            found = store.find_annotations(home, [("p", "a1")], [])
            assert sorted(map(row_of, found)) == [row_of(each) for each in made]
            last = made[-1].row
            assert [record.row for record in store.scan_annotations(home, last - 1, 9)] == [last]

    def test_settings_are_kept_and_the_first_to_settle_one_wins(self, database: Database):
        store = database.open()
        assert store.meta("privacy_key") is None
        assert store.settle("privacy_key", "first") == "first"
        assert store.settle("privacy_key", "second") == "first"
        store.amend(batch(META, [("projects", "{}"), ("privacy_key", "written over")]))
        assert (store.meta("projects"), store.meta("privacy_key")) == ("{}", "written over")

    def test_amending_leaves_the_home_alone(self, store: Store):
        store.commit(
            0, home_row(0), batch(DEAD_LETTERS, [(0, n, "r", "$", "t", n, 0, b"x", 1, "s", 5) for n in (1, 2)])
        )
        store.amend(Batch(deletes={DEAD_LETTERS: [(0, 1)]}))
        assert [row[1] for row in store.scan(DEAD_LETTERS, 0)] == [2]
        store.commit(1, home_row(0), Batch())

    def test_erasing_deletes_and_goes_on(self, store: Store):
        store.commit(0, home_row(0), Batch(annotations=[annotation(n, f"a{n}", "i") for n in (1, 2)]))
        store.commit(1, home_row(0), Batch(vacated=[1], erases=True))
        store.scrub()
        assert names(store.find_annotations(0, [("p", "a1"), ("p", "a2")], [])) == ["a2"]
        store.commit(2, home_row(0), Batch(annotations=[annotation(3, "a1", "i")]))
        assert names(store.find_annotations(0, [("p", "a1")], [])) == ["a1", "a2"]

    def test_a_store_equals_a_dictionary_whatever_is_written(self, database: Database):
        """Random batches on two homes; after each the store holds what plain dictionaries hold."""
        chance = random.Random(20)
        store, versions = database.open(), [0, 0]
        tables = (ANNOTATIONS, PAIRS, GOLD, ANSWERS, PROJECTS)
        held: dict[tuple[int, Table], dict[Any, Row]] = {(home, table): {} for home in (0, 1) for table in tables}
        next_row = [first_row(0), first_row(1)]
        compared = 0
        for home in (0, 1):
            store.open_home(home)
        for _ in range(120):
            home = chance.randrange(2)
            if chance.random() < 0.1:
                store.close_home(home)
                assert store.open_home(home)[1] == versions[home]
            written = Batch()
            for table in chance.sample(tables, 3):
                rows = held[home, table]
                if rows and chance.random() < 0.5:
                    length = 2 if table is ANNOTATIONS else chance.randint(2, len(table.key))
                    key = chance.choice(list(rows))[:length]
                    if table is ANNOTATIONS:
                        written.vacated.append(key[1])
                    else:
                        written.drop(table, key)
                    for gone in [other for other in rows if other[:length] == key]:
                        del rows[gone]
                for _ in range(chance.randrange(8)):
                    if table is ANNOTATIONS:
                        item = chance.choice((None, "i1", "i2", "i3"))
                        number = next_row[home] - first_row(home) + 1
                        stored = annotation(number, f"a{chance.randrange(20)}", item, home=home)
                        next_row[home] += 1
                        written.annotations.append(stored)
                        row = row_of(stored)
                    else:
                        kinds = [table.columns[name] for name in table.names[1:]]
                        row = (
                            home,
                            *(chance.choice("xyz") if kind == "text" else chance.randrange(4) for kind in kinds),
                        )
                        written.put(table, row)
                    rows[tuple(row[: len(table.key)])] = row
            store.commit(versions[home], home_row(home), written)
            versions[home] += 1
            for table in tables:
                rows = held[home, table]
                assert list(store.scan(table, home)) == [rows[key] for key in sorted(rows)]
                compared += len(rows)
            annotations = list(held[home, ANNOTATIONS].values())
            wanted, item = f"a{chance.randrange(20)}", f"i{chance.randint(1, 3)}"
            places = {row[5] for row in annotations if row[3] == wanted} | {item}
            expected = [row for row in annotations if row[3] == wanted or (row[5] is not None and row[5] in places)]
            found = store.find_annotations(home, [("p", wanted)], [ItemKey("p", "t", item)])
            assert sorted(map(row_of, found)) == sorted(expected)
        assert compared > 10_000


class SharedStoreContract(StoreContract):
    """What a store promises to workers, and to commands, that share a database."""

    def test_a_reopened_store_holds_the_same(self, database: Database):
        store = database.open()
        store.open_home(0)
        store.commit(0, home_row(0), Batch(annotations=[annotation(n, f"a{n}", f"i{n // 2}") for n in range(1, 1500)]))
        store.commit(1, home_row(0), Batch({GOLD: [gold("i3")]}, vacated=[8]))
        store.settle("key", "value")
        held = rows_of(store)
        store.close()
        again = database.open()
        assert again.homes() == [0]
        assert tuple(again.open_home(0)) == held[HOMES.name][0]
        assert rows_of(again) == held
        assert names(again.find_annotations(0, [("p", "a7")], [("p", "t", "i4")])) == ["a6", "a7", "a9"]
        assert again.find(GOLD, 0, [("p", "t", "i3")]) == [gold("i3")]
        assert again.meta("key") == "value"

    def test_of_two_workers_the_second_conflicts_and_begins_again(self, database: Database):
        one, other = database.open(), database.open()
        assert one.open_home(0)[1] == other.open_home(0)[1] == 0
        one.commit(0, home_row(0), Batch(annotations=[annotation(1, "one", "i")]))
        before = rows_of(one)
        with pytest.raises(Conflict):
            other.commit(0, home_row(0), Batch({GOLD: [gold("i")]}, annotations=[annotation(1, "other", "i")]))
        assert rows_of(one) == rows_of(other) == before
        assert other.open_home(0)[1] == 1
        assert names(other.find_annotations(0, [("p", "one"), ("p", "other")], [])) == ["one"]
        other.commit(1, home_row(0), Batch(annotations=[annotation(2, "other", "i")]))
        with pytest.raises(Conflict):
            one.commit(1, home_row(0), Batch())
        one.open_home(0)
        assert names(one.find_annotations(0, [("p", "one")], [])) == ["one", "other"]

    def test_workers_that_race_lose_no_update(self, database: Database):
        """Each adds 1 to a count 25 times, with two other workers at the same home: the sum is exact."""
        database.open().open_home(0)
        conflicts = []

        def work(store: Store) -> None:
            for _ in range(25):
                while True:
                    home = store.open_home(0)
                    rows = store.find(PROJECTS, 0, [("p",)])
                    count = rows[0][2] if rows else 0
                    try:
                        store.commit(home[1], home_row(0), batch(PROJECTS, [(0, "p", count + 1, 0, 0)]))
                        break
                    except Conflict as conflict:
                        conflicts.append(conflict)

        together([partial(work, database.open()) for _ in range(3)])
        store = database.open()
        assert store.open_home(0)[1] == 75
        assert list(store.scan(PROJECTS, 0)) == [(0, "p", 75, 0, 0)]

    def test_workers_that_start_together_set_up_one_store(self, database: Database):
        settled: list[str] = []

        def start(name: str) -> None:
            store = database.open()
            store.open_home(0)
            settled.append(store.settle("privacy_key", name))

        together([partial(start, name) for name in ("one", "two", "three", "four")])
        assert len(set(settled)) == 1
        assert len(settled) == 4

    def test_a_reader_sees_one_moment_and_cannot_write(self, database: Database):
        worker = database.open()
        worker.open_home(0)
        worker.commit(0, home_row(0), Batch(annotations=[annotation(1, "a1", "i")]))
        reader = database.open(read_only=True)
        worker.commit(1, home_row(0), Batch({GOLD: [gold("i")]}, annotations=[annotation(2, "a2", "i")]))
        worker.open_home(1)
        assert reader.homes() == [0]
        assert reader.open_home(0)[1] == 1
        assert names(reader.find_annotations(0, [("p", "a1"), ("p", "a2")], [("p", "t", "i")])) == ["a1"]
        assert reader.count(GOLD, 0) == 0
        assert tuple(reader.open_home(7)) == (7, 0, "{}", 0, 0, 0, first_row(7), 1, 1, "{}")
        for write in (lambda: reader.commit(1, home_row(0), Batch()), lambda: reader.amend(batch(GOLD, [gold("j")]))):
            with pytest.raises(Exception):  # noqa: B017
                write()
        later = database.open(read_only=True)
        assert later.homes() == [0, 1]
        assert names(later.find_annotations(0, [("p", "a1")], [])) == ["a1", "a2"]


def together(works: Iterable[Callable[[], None]]) -> None:
    """Run them in threads that start at once; the first exception is raised."""
    works = list(works)
    start, failures = threading.Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - raised below
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
