"""The most disputed items of a store: those whose counting labels differ, wherever its annotations lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from detectors.config import TaskConfig
from streams import cli
from streams.document import document
from streams.events import Annotation, Box, Shape, Span
from tests.made_campaign import campaign
from tests.made_events import annotation, boxes, configured, messages, retraction
from tests.streams.folding import PRIVACY, default_task, fold, scans_of, shuffled

Configure = Callable[[str, str], TaskConfig]


def task(events: Sequence[Any], configure: Configure = default_task, **options: Any) -> dict[str, Any]:
    found = document(fold(messages(events), configure=configure), configure, PRIVACY, **options)
    held: dict[str, Any] = found["projects"]["news"]["tasks"]["label"]
    return held


def drawn(name: str | None, bbox: list[float]) -> Shape:
    return Shape(boxes=[Box(bbox, name)])


def spans(*given: tuple[int, int, str]) -> Shape:
    return Shape(spans=[Span(*span) for span in given])


def labels(item: str, *given: Any, **fields: Any) -> list[Any]:
    return [annotation(f"n{place}", item, label, place, **fields) for place, label in enumerate(given)]


def test_the_most_disputed_come_first_with_what_was_given() -> None:
    events = [
        *labels("one against two", "a", "b", "b"),
        *labels("agreed", "a", "a", "a"),
        *labels("three ways", "c", "b", "a"),
        *labels("alone", "a"),
        *labels("half", "b", "a", "b", "a"),
    ]
    found = task(events)
    assert found["disputed"] == [
        {"item": "three ways", "labels": 3, "entropy": 1.584962500721, "counts": {"a": 1, "b": 1, "c": 1}},
        {"item": "half", "labels": 4, "entropy": 1.0, "counts": {"a": 2, "b": 2}},
        {"item": "one against two", "labels": 3, "entropy": 0.918295834054, "counts": {"b": 2, "a": 1}},
    ]
    assert list(found["disputed"][2]["counts"]) == ["b", "a"], "the most frequent label first"
    assert found["disputed_cut"] == 0
    assert task(events, most_disputed=2)["disputed"] == found["disputed"][:2]
    assert task(events, most_disputed=2)["disputed_cut"] == 1


def test_with_none_asked_for_no_annotation_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    store = fold(messages(labels("i1", "a", "b")))
    scans = scans_of(store, monkeypatch)
    found = document(store, default_task, PRIVACY, most_disputed=0)["projects"]["news"]["tasks"]["label"]
    assert {"disputed", "disputed_cut", "disputed_why"}.isdisjoint(found)
    assert scans == []


AS = {
    "names": lambda name: name,
    "boxes": lambda name: drawn(name, [0, 0, 4, 4]),
    "spans": lambda name: spans((0, 4, name)),
}
"""How a name is given: as such, or as the class of a part."""


def given_as(kind: str, event: Annotation) -> Annotation:
    return msgspec.structs.replace(event, label=AS[kind](event.label)) if isinstance(event.label, str) else event


@pytest.mark.parametrize("step", [1, 3, 10_000])
@pytest.mark.parametrize("kind", AS)
def test_of_repeats_the_latest_counts_however_far_apart(kind: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.stored_items.STEP", step)
    events = [
        annotation("ann", "changed my mind", "b", 9, annotation="z-first-stored"),
        annotation("ann", "same time", "a", 5, annotation="k2"),
        annotation("ann", "skipped", "b", 1),
        annotation("ann", "unfit at last", "b", 1),
        *labels("changed my mind", "b", "b"),
        *labels("same time", "b", "b"),
        *labels("skipped", "a", "a"),
        *labels("unfit at last", "a", "a"),
        *labels("still", "a", "c", "c"),
        annotation("ann", "changed my mind", "a", 1, annotation="a-later-stored"),
        annotation("ann", "same time", "b", 5, annotation="k1"),
        annotation("ann", "skipped", None, 50, annotation="skip"),
        annotation("ann", "unfit at last", ["a", "b"], 50, annotation="unfit"),
        annotation("n0", "still", "b", 50, annotation="still"),
        *labels("reviewed", "a", "a"),
        annotation("rita", "reviewed", "b", 60, stage="review"),
        *labels("withdrawn", "a", "b"),
        retraction("n1-withdrawn"),
    ]
    if kind != "names":
        events = [given_as(kind, event) if isinstance(event, Annotation) else event for event in events]
    times, more = (1, {}) if kind == "names" else (1, {"mean_iou": 1.0}) if kind == "boxes" else (4, {"span_f1": 1 / 3})
    text = str if kind == "names" else lambda name: f'["{name}"]'
    expected = [
        {
            "item": item,
            "labels": 3,
            "entropy": 0.918295834054,
            **more,
            "counts": {text(two): 2 * times, text(one): times},
        }
        for item, two, one in (("same time", "b", "a"), ("still", "c", "b"))
    ]
    assert task(events)["disputed"] == expected
    other = fold(shuffled(messages(events), 3), chunk=2, capacity=2)
    assert document(other, default_task, PRIVACY)["projects"]["news"]["tasks"]["label"]["disputed"] == expected


def test_the_store_is_read_a_second_time_only_where_somebody_labelled_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [*labels("i1", "a", "b"), annotation("n0", "i2", "a"), annotation("n0", "i2", "a", 5, annotation="again")]
    for events, times in ((plain, 1), ([*plain, annotation("n1", "i1", "a", 9, annotation="again-1")], 2)):
        store = fold(messages(events))
        scans = scans_of(store, monkeypatch)
        document(store, default_task, PRIVACY)
        assert len(scans) == times


def test_of_more_people_than_count_the_first_count() -> None:
    events = [annotation(f"n{place}", "exam", "a", place) for place in range(1000)]
    late = [annotation(f"late{place}", "exam", "b", 5000 + place) for place in range(3)]
    assert task([*late, *events])["disputed"] == []
    (found,) = task([*late, *events[1:]])["disputed"]
    assert (found["labels"], found["counts"]) == (1000, {"a": 999, "b": 1})


def test_sets_read_as_people_read_them() -> None:
    (found,) = task(labels("i1", ["b", "a"], ["a", "b"], []))["disputed"]
    assert found["counts"] == {'["a", "b"]': 2, "[]": 1}


def test_numbers_are_ranked_by_variance_unless_they_are_categories() -> None:
    events = [*labels("near", 1, 2, 3), *labels("far", 1, 1, 9), *labels("equal", 4, 4.0)]
    found = task(events)
    assert [(each["item"], each["variance"]) for each in found["disputed"]] == [("far", 64 / 3), ("near", 1.0)]
    assert found["disputed"][0]["counts"] == {"1": 2, "9": 1}
    declared = task(events, configured(labels=(1, 2, 3, 4, 9)))
    assert [(each["item"], each["entropy"]) for each in declared["disputed"]] == [
        ("near", 1.584962500721),
        ("far", 0.918295834054),
    ]


def test_labels_that_fit_no_more_do_not_dispute_and_others_do() -> None:
    events = labels("i1", "a", "x", "y", "a")
    assert task(events, configured(labels=("a",)))["disputed"] == []
    (found,) = task(events, configured(labels=("a",), unknown="other"))["disputed"]
    assert found["counts"] == {"a": 2, "other": 2}


def test_boxes_are_ranked_by_what_is_said_of_each_object_then_by_overlap() -> None:
    car, lower = [0, 0, 4, 4], [0, 0, 4, 3]
    events = [
        *labels("missed by one", drawn("car", car), drawn("car", car), boxes()),
        *labels("named otherwise", drawn("car", car), drawn("bus", lower)),
        *labels("apart", drawn("car", car), drawn("car", [50, 0, 4, 4])),
        *labels("not quite", drawn("car", car), drawn("car", lower)),
        *labels("nothing there", boxes(), boxes()),
        *labels("alone", drawn("car", car)),
    ]
    found = task(events)
    assert found["disputed"] == [
        {"item": "apart", "labels": 2, "entropy": 1.0, "mean_iou": 0.0, "counts": {'["car"]': 2, "[]": 2}},
        {"item": "named otherwise", "labels": 2, "entropy": 1.0, "mean_iou": 0.75,
         "counts": {'["bus"]': 1, '["car"]': 1}},
        {"item": "missed by one", "labels": 3, "entropy": 0.918295834054, "mean_iou": 0.333333333333,
         "counts": {'["car"]': 2, "[]": 1}},
    ]  # fmt: skip
    assert found["disputed_cut"] == 0
    assert [each["item"] for each in task(events, most_disputed=1)["disputed"]] == ["apart"]
    assert task(events, most_disputed=1)["disputed_cut"] == 2
    others = task(events, configured(labels=("truck",), unknown="other"))["disputed"]
    assert [(each["item"], list(each["counts"])) for each in others] == [
        ("apart", ['["other"]', "[]"]),
        ("missed by one", ['["other"]', "[]"]),
    ]
    stricter = task(events, configured(iou=0.8))["disputed"]
    assert [each["item"] for each in stricter] == ["apart", "named otherwise", "not quite", "missed by one"]


def test_spans_are_ranked_by_what_is_said_of_each_character_then_by_f1() -> None:
    events = [
        *labels("longer", spans((0, 4, "a")), spans((0, 5, "a"))),
        *labels("named otherwise", spans((0, 4, "a")), spans((0, 4, "b"))),
        *labels("equal", spans((0, 4, "a")), spans((0, 4, "a"))),
        *labels("cut", spans((0, 4, "a")), spans((0, 2, "a"), (2, 4, "a"))),
    ]
    assert task(events)["disputed"] == [
        {"item": "named otherwise", "labels": 2, "entropy": 1.0, "span_f1": 0.0, "counts": {'["a"]': 4, '["b"]': 4}},
        {"item": "longer", "labels": 2, "entropy": 0.2, "span_f1": 0.0, "counts": {'["a"]': 9, "[]": 1}},
        {"item": "cut", "labels": 2, "entropy": 0.0, "span_f1": 0.0, "counts": {'["a"]': 8}},
    ]


@pytest.mark.parametrize("room", [0, 1000, 10**6])
@pytest.mark.parametrize("step", [3, 10_000])
def test_however_little_room_there_is_the_same_is_found(room: int, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(6)
    given = [(f"n{place}", f"i{item}") for item in range(40) for place in range(3)]
    chance.shuffle(given)
    events = [
        annotation(person, item, drawn(chance.choice(["car", "bus"]), [chance.choice((0, 1, 90)), 0, 4, 4]), number)
        for number, (person, item) in enumerate(given)
    ]
    expected = task(events)
    assert len(expected["disputed"]) == 20
    assert expected["disputed_cut"] > 5
    monkeypatch.setattr("streams.stored_items.STEP", step)
    monkeypatch.setattr("streams.disputed.MOST_HELD", room)
    store = fold(messages(events))
    scans = scans_of(store, monkeypatch)
    found = document(store, default_task, PRIVACY)["projects"]["news"]["tasks"]["label"]
    assert found["disputed"] == expected["disputed"]
    assert found["disputed_cut"] == expected["disputed_cut"]
    if room == 10**6:
        assert len(scans) == 2
    else:
        assert 2 < len(scans) <= 41
    few = task(events, most_disputed=3)
    assert few["disputed"] == expected["disputed"][:3]
    assert few["disputed_cut"] == expected["disputed_cut"] + 17


def test_the_room_is_of_all_tasks_together(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [event for n in range(5) for event in labels(f"i{n}", drawn("car", [0, 0, 4, 4]), boxes())]
    # All the items of both tasks begin before any is complete.
    events = [
        msgspec.structs.replace(event, task=name, id=f"{name}-{event.id}")
        for half in (first[::2], first[1::2])
        for event in half
        for name in ("a", "b")
    ]
    monkeypatch.setattr("streams.disputed.MOST_HELD", 1000)
    store = fold(messages(events))
    scans = scans_of(store, monkeypatch)
    found = document(store, default_task, PRIVACY)["projects"]["news"]["tasks"]
    assert {name: [each["item"] for each in held["disputed"]] for name, held in found.items()} == {
        name: [f"i{n}" for n in range(5)] for name in "ab"
    }
    # A label takes 320 bytes, so that four of the ten items are held in one reading.
    assert len(scans) == 1 + 3


def test_ranking_now_and_then_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event for n in range(1500) for event in labels(f"i{n}", drawn("car", [0, 0, 4, 4]), boxes())]
    found = task(events, most_disputed=2)
    assert ([each["item"] for each in found["disputed"]], found["disputed_cut"]) == (["i0", "i1"], 1498)


def test_a_task_without_labels_has_none() -> None:
    found = task([annotation("ann", "i1", None)])
    assert (found["label_type"], found["disputed"], found["disputed_cut"]) == (None, [], 0)


def test_each_task_has_its_own_and_one_project_alone_has_the_same() -> None:
    store = fold(campaign(items=30))
    whole = document(store, default_task, PRIVACY)["projects"]
    assert document(store, default_task, PRIVACY, project="shapes")["projects"]["shapes"] == whole["shapes"]
    shapes = whole["shapes"]["tasks"]
    assert {name: len(held["disputed"]) for name, held in shapes.items()} == {
        "mixed": 3, "pair": 4, "region": 4, "score": 4, "tags": 4,
    }  # fmt: skip
    assert len(whole["news"]["tasks"]["label"]["disputed"]) > 3


@pytest.mark.parametrize("options", [[], ["--disputed", "1"], ["--disputed", "0"]])
def test_show_and_replay_say_the_same(options: list[str], tmp_path: Path, capsysbinary: Any) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(campaign(items=30)))
    config = tmp_path / "kappawatch.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/kept.db"\n')
    found = []
    kept = ["--store", f"sqlite:///{tmp_path}/kept.db"]
    for command in (["replay", str(tmp_path / "events.jsonl"), *kept], ["show", "--config", str(config)]):
        assert cli.main([*command, "--format", "json", *options]) == 0
        found.append(json.loads(capsysbinary.readouterr().out)["projects"])
    assert msgspec.json.encode(found[0]) == msgspec.json.encode(found[1])
    held = found[0]["news"]["tasks"]["label"]
    if "0" in options:
        assert "disputed" not in held
    else:
        total = len(held["disputed"]) + held["disputed_cut"]
        assert len(held["disputed"]) == min(total, int(options[1]) if options else 20) > 0


@pytest.mark.parametrize("wrong", ["-1", "1001", "many"])
def test_a_number_that_cannot_be_asked_for_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["show", f"--disputed={wrong}"])
    assert stopped.value.code == 2
    assert f"argument --disputed: expected a whole number from 0 to 1000, found '{wrong}'" in capsys.readouterr().err
