"""Items with more categories than products are kept of: their scopes have the intervals that all products would give."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Any

import pytest

from detectors.agreement import wide
from detectors.agreement.boxes import quantities
from detectors.agreement.spans import alpha_of_characters
from streams.document import document
from streams.events import Box, Shape, Span
from streams.homes import Home
from streams.store import Store
from streams.windowing import OverTime, Windowing
from tests.made_events import annotation, gold, messages, retraction
from tests.streams.folding import PRIVACY, default_task, fold, rules, scans_of, shuffled

OVER_TIME = OverTime(Windowing(1, 1), 24)


def boxed(chance: Random, classes: int) -> Shape:
    """Boxes in a row, one a class, some without one; not everybody finds each."""
    names = [f"class {number}" for number in range(classes)] + [None]
    return Shape(
        boxes=[
            Box([40.0 * place + chance.random(), 0.0, 20.0, 20.0], name if chance.random() < 0.8 else "class 0")
            for place, name in enumerate(names)
            if chance.random() < 0.8
        ]
    )


def marked(chance: Random, types: int) -> Shape:
    """Spans that overlap in twos, of each two types; not everybody marks each."""
    twos = list(combinations(range(types), 2))
    return Shape(
        spans=[
            Span(10 * place + shift, 10 * place + shift + 6, f"type {number}")
            for place, two in enumerate(twos)
            for shift, number in enumerate(two)
            if chance.random() < 0.8
        ]
    )


MADE = {"boxes": (boxed, 24, 3), "spans": (marked, 7, 2)}
"""By label type: how labels are made, and of how many classes those of many and of few categories are."""


FOR_DISPUTED = 2
"""So often the annotations are read for the most disputed items, whatever else needs them."""

MUCH_LATER = 40 * 86_400
"""By then the hours of the others are merged into their day."""


def events(kind: str, *, many: int = 2, later: int = 0) -> Iterator[Any]:
    make, much, little = MADE[kind]
    chance = Random(kind)
    for number in range(9):
        for place in range(3):
            label = make(chance, much if number < many else little)
            fields = {"vendor": "xyy"[place], "batch": f"b{number % 2}", "slice": {"lang": "de" if place else "en"}}
            yield annotation(f"n{place}", f"i{number}", label, 3600 * (number % 3) + place, **fields)
        yield annotation("n0", f"i{number}", make(chance, much), 5, stage="review", id=f"r{number}")
        yield annotation("n1", f"i{number}", make(chance, much), 6, stage="review", id=f"s{number}")
    yield annotation("n2", "i0", make(chance, much), 9000, annotation="once more")
    yield retraction("n1-i1", 9000)
    yield gold("i0", make(chance, little))
    if later:
        for place in range(3):
            yield annotation(f"n{place}", "last", make(chance, little), later + place)


def document_of(store: Store, **options: Any) -> dict[str, Any]:
    """But for how often windows were corrected, which is one a transaction."""
    found: dict[str, Any] = document(store, default_task, PRIVACY, over_time=OVER_TIME, **options)
    for window in found["projects"]["news"]["tasks"]["label"]["windows"]:
        del window["corrections"]
    return found


def without_interval(found: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where in the document alpha has a value of several items, and no interval."""
    for key, held in found.items() if isinstance(found, dict) else enumerate(found):
        here = (*path, str(key))
        if key == "alpha" and held["value"] is not None and held["n"] > 1 and held["low"] is None:
            yield here
        if isinstance(held, dict | list) and key not in {"alarms", "decayed"}:
            yield from without_interval(held, here)


@pytest.mark.parametrize("later", [0, MUCH_LATER])
@pytest.mark.parametrize("kind", MADE)
def test_the_intervals_are_those_of_all_products(kind: str, later: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = messages(events(kind, later=later))
    store = fold(sent)
    spared = document_of(store, most_disputed=0)
    assert len(list(without_interval(spared))) >= 10
    found = document_of(store)
    assert list(without_interval(found)) == []
    assert found == document_of(fold(shuffled(sent, 2), chunk=2, capacity=2)) | {"events": found["events"]}
    monkeypatch.setattr(quantities, "MOST_CATEGORIES", 10**6)
    monkeypatch.setattr(alpha_of_characters, "MOST_CATEGORIES", 10**6)
    everything = fold(sent)
    scans = scans_of(everything, monkeypatch)
    assert document_of(everything, most_disputed=0) | {"projects": found["projects"]} == found
    assert scans == []
    task = document_of(everything, most_disputed=0)["projects"]["news"]["tasks"]["label"]
    held = found["projects"]["news"]["tasks"]["label"]
    assert {**held, **task} == held, "to the last digit, in every scope and window"


@pytest.mark.parametrize("kind", MADE)
def test_items_are_read_only_where_one_has_very_many(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = [each for each in events(kind, many=0) if getattr(each, "stage", "") != "review"][:20]
    store = fold(messages(ordinary))
    scans = scans_of(store, monkeypatch)
    document_of(store)
    assert len(scans) == FOR_DISPUTED
    store = fold(messages(events(kind)))
    scans = scans_of(store, monkeypatch)
    document_of(store)
    assert len(scans) == FOR_DISPUTED + 2
    document_of(store, most_disputed=0)
    assert len(scans) == FOR_DISPUTED + 2


@pytest.mark.parametrize("kind", MADE)
def test_an_item_with_far_too_many_leaves_its_scopes_without_an_interval(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fold(messages(events(kind)))
    spared = document_of(store, most_disputed=0)
    monkeypatch.setattr(wide, "MOST_CATEGORIES", 20)
    assert list(without_interval(document_of(store))) == list(without_interval(spared))


@pytest.mark.parametrize("kind", MADE)
def test_as_long_as_not_all_of_them_are_known_there_is_no_interval(kind: str) -> None:
    store = fold(messages(events(kind)))
    scan = store.scan_annotations
    store.scan_annotations = lambda *where: [each for each in scan(*where) if each.item.item != "i0"]  # type: ignore[method-assign, union-attr]
    held = document_of(store)["projects"]["news"]["tasks"]["label"]
    assert (held["agreement"]["alpha"]["value"] is None, held["agreement"]["alpha"]["low"]) == (False, None)


def test_a_scope_of_which_a_rebuild_knows_no_label_of_the_type_yet_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(1)
    given = [("ann", "i1"), ("cleo", "i1"), ("eve", "i1"), ("bob", "i2"), ("dan", "i2"), ("bob", "i3"), ("ann", "i3")]
    store = fold(
        messages(annotation(name, item, "yes" if item == "i2" else boxed(chance, 24), 1) for name, item in given)
    )
    whole = document_of(store)
    monkeypatch.setattr("streams.homes.STEP", 5)
    seen = []
    Home(0, store, rules()).rebuild_all(lambda *_: seen.append(document_of(store)))
    assert seen[-1] == whole
    assert any(found != whole for found in seen)
