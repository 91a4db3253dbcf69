"""The replay document: exactly the keys of the contract, exactly the figures, the same for the same events."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from detectors.agreement import COEFFICIENTS, MEASURED, PAIR_COEFFICIENTS, PANEL_COEFFICIENTS, RANKINGS
from detectors.reasons import REASONS
from streams.document import MOST_DEAD_LETTERS, document
from streams.events import Event
from streams.homes import Home
from streams.store import Store, open_store
from tests.made_campaign import REFUSED, campaign
from tests.made_events import annotation, configured, erasure, gold, messages, retraction
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, fold, projects, rules

COUNTS = {"received", "applied", "duplicates", "erased", "dead_letters", "forwarded"}
TASK = {
    "label_type", "annotations", "items", "pairable_items", "pairable_share", "annotators", "unfit", "agreement", "gold", "repeats",
    "by", "pairs", "pairs_cut", "between", "between_cut", "confused", "confused_cut", "disputed", "disputed_cut",
}  # fmt: skip
DIMENSIONS = {"annotator", "class", "gold_item", "stage", "vendor", "batch", "slice.lang", "slice.level"}
ALARM = {"id", "kind", "project", "task", "subject", "severity", "raised_at", "cleared_at", "evidence"}


@pytest.fixture(scope="module")
def store() -> Store:
    return fold(campaign())


@pytest.fixture(scope="module")
def whole(store: Store) -> dict[str, Any]:
    return document(store, default_task, PRIVACY)


def check_reading(reading: dict[str, Any], n: int) -> None:
    """An object S."""
    assert reading.keys() - {"why"} == {"value", "low", "high", "n"}
    assert reading["n"] == n
    assert ("why" in reading) == (reading["value"] is None)
    if reading["value"] is None:
        assert reading["why"] in REASONS
        assert reading["low"] is reading["high"] is None
    elif n < 2:
        assert reading["low"] is reading["high"] is None
    else:
        assert reading["low"] <= reading["value"] <= reading["high"] <= 1
        assert reading["low"] >= -1 or reading["low"] == reading["value"], "clipped, but for a value that lies below"


def check_scope(scope: dict[str, Any], label_type: str, *, of_class: bool = False) -> None:
    check_agreement(scope["agreement"], label_type, of_class=of_class)
    check_gold(scope["gold"])


def check_agreement(agreement: dict[str, Any], label_type: str, *, of_class: bool = False) -> None:
    own = [each.name for each in MEASURED if label_type in each.label_types and (of_class or not each.of_classes)]
    assert list(agreement) == list(dict.fromkeys([*COEFFICIENTS, *PANEL_COEFFICIENTS, *RANKINGS, *own]))
    n = agreement["percent"]["n"]
    for name, reading in agreement.items():
        if name in {*COEFFICIENTS, *PANEL_COEFFICIENTS}:
            check_reading(reading, n)
        else:
            assert reading["n"] <= n, "items without a box, or without one of the class, have nothing to match"
            check_reading(reading, reading["n"])


def check_gold(found: dict[str, Any]) -> None:
    assert found.keys() == {"answers", "correct", "accuracy"}
    assert 0 <= found["correct"] <= found["answers"]
    check_reading(found["accuracy"], found["answers"])
    if found["answers"]:
        assert found["accuracy"]["value"] == found["correct"] / found["answers"]


def tasks(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for project in whole["projects"].values():
        assert project.keys() == {"tasks"}
        yield from project["tasks"].values()


def test_the_keys_are_those_of_the_contract(whole: dict[str, Any]) -> None:
    assert list(whole) == ["events", "projects", "dead_letters", "alarms"]
    assert whole["events"].keys() == COUNTS
    assert {name: sorted(project["tasks"]) for name, project in whole["projects"].items()} == {
        "news": ["label"],
        "shapes": ["mixed", "pair", "region", "score", "tags"],
    }
    checked = 0
    for task in tasks(whole):
        assert task.keys() == TASK
        assert all("mean_iou" in each for each in task["disputed"]) == (task["label_type"] == "boxes")
        check_scope(task, task["label_type"])
        assert task["agreement"]["percent"]["n"] == task["pairable_items"]
        assert task["by"]["cut"].keys() == task["by"].keys() - {"cut"} <= DIMENSIONS
        for dimension, values in task["by"].items():
            if dimension == "cut":
                assert set(values.values()) == {0}
                continue
            extra = {"repeats"} if dimension == "annotator" else set()
            for scope in values.values():
                assert scope.keys() == {"annotations", "pairable_share", "agreement", "gold"} | extra
                check_scope(scope, task["label_type"], of_class=dimension == "class")
                checked += 1
        for pair in task["pairs"]:
            assert list(pair) == ["a", "b", "items", *PAIR_COEFFICIENTS]
            assert pair["a"] < pair["b"]
            for name in PAIR_COEFFICIENTS:
                check_reading(pair[name], pair["items"])
        assert (task["between"].keys(), task["between_cut"]) == ({"vendor"}, {"vendor": 0})
        for pair in task["between"]["vendor"]:
            assert list(pair) == ["a", "b", "items", "agreement"]
            assert pair["a"] < pair["b"]
            check_agreement(pair["agreement"], task["label_type"])
            assert pair["agreement"]["percent"]["n"] == pair["items"] > 0
    between = {name: task["between"]["vendor"] for name, task in whole["projects"]["shapes"]["tasks"].items()}
    assert {name: len(pairs) for name, pairs in between.items()} == {
        "mixed": 0,
        "pair": 1,
        "region": 1,
        "score": 1,
        "tags": 1,
    }
    assert checked > 60
    assert all(alarm.keys() == ALARM for alarm in whole["alarms"])
    assert all(letter.keys() == {"reason", "path", "where"} for letter in whole["dead_letters"])


def test_what_is_received_is_the_sum_of_the_outcomes(whole: dict[str, Any]) -> None:
    events = dict(whole["events"])
    assert events.pop("received") == sum(events.values())
    parts = sum(1 if message[:1] != b"[" else max(1, len(json.loads(message))) for message in campaign())
    assert whole["events"]["received"] == parts
    assert events["dead_letters"] == len(REFUSED) == len(whole["dead_letters"])
    assert events["erased"] > 20
    assert events["duplicates"] > 20


def test_the_counts_of_dimensions_add_up(whole: dict[str, Any]) -> None:
    for task in tasks(whole):
        by = task["by"]
        for dimension in ("annotator", "gold_item"):
            assert sum(scope["annotations"] for scope in by[dimension].values()) == task["annotations"]
        assert by["stage"]["annotate"]["annotations"] == task["annotations"]
        assert by["stage"]["annotate"]["agreement"] == task["agreement"]
        assert len(by["annotator"]) == task["annotators"]
        assert sum(scope["gold"]["answers"] for scope in by["annotator"].values()) == task["gold"]["answers"]
        assert by["gold_item"].get("false", {"gold": {"answers": 0}})["gold"]["answers"] == 0
        for dimension, values in by.items():
            if dimension != "cut":
                sizes = [(-scope["annotations"], name) for name, scope in values.items()]
                assert sizes == sorted(sizes), "the largest first, then by name"
        shown = [(-pair["items"], pair["a"], pair["b"]) for pair in task["pairs"]]
        assert shown == sorted(shown)


def test_it_is_json_without_nan(whole: dict[str, Any]) -> None:
    text = msgspec.json.encode(whole)
    assert json.loads(json.dumps(whole, allow_nan=False)) == json.loads(text) == whole

    def numbers(value: Any) -> Iterator[float]:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for part in parts:
            yield from numbers(part)
        if isinstance(value, float):
            yield value

    found = list(numbers(whole))
    assert len(found) > 500
    assert all(math.isfinite(number) for number in found)


@pytest.mark.parametrize(("chunk", "capacity", "restarts"), [(60, 5, True), (400, 10**6, False)])
def test_equal_events_give_equal_documents_to_the_last_digit(
    whole: dict[str, Any], chunk: int, capacity: int, restarts: bool
) -> None:
    again = document(fold(campaign(), chunk=chunk, capacity=capacity, restarts=restarts), default_task, PRIVACY)
    assert msgspec.json.encode(again, order="sorted") == msgspec.json.encode(whole, order="sorted")
    assert [list(task["by"]) for task in tasks(again)] == [list(task["by"]) for task in tasks(whole)]


def test_forwarded_events_are_received_elsewhere_again() -> None:
    sent = messages([annotation("ann", "i1", "yes"), annotation("ann", "i1", "yes", project="away")])
    store = open_store("sqlite://")
    home = Home(0, store, replace(rules(), home_of=lambda project: int(project == "away")))
    for _ in home.process(TOPIC, [Record(place, value) for place, value in enumerate(sent)]):
        pass
    found = document(store, default_task, PRIVACY)
    assert found["events"] == {**dict.fromkeys(COUNTS, 0), "received": 2, "applied": 1, "forwarded": 1}
    assert list(found["projects"]) == ["news"]


def test_one_project_alone(store: Store, whole: dict[str, Any]) -> None:
    one = document(store, default_task, PRIVACY, project="shapes")
    assert one["projects"] == {"shapes": whole["projects"]["shapes"]}
    assert one["alarms"] == []
    assert one["events"] == whole["events"], "counts and dead letters are the store's"
    assert document(store, default_task, PRIVACY, project="never")["projects"] == {}


def test_a_project_without_annotations_in_force_is_there_without_tasks() -> None:
    events: list[Event] = [gold("i1", "yes"), annotation("ann", "i1", "yes", task="score"), retraction("ann-i1")]
    assert projects(fold(messages(events))) == {"news": {"tasks": {}}}


def test_alarms_name_the_annotator_by_the_id_as_given_in_the_order_of_their_time(whole: dict[str, Any]) -> None:
    alarms = whole["alarms"]
    assert [alarm["raised_at"] for alarm in alarms] == sorted(alarm["raised_at"] for alarm in alarms)
    assert len({alarm["id"] for alarm in alarms}) == len(alarms) >= 6
    pseudonym = PRIVACY.pseudonym("news", "n5")
    assert {alarm["subject"] for alarm in alarms} == {"n0", "n1", "n2", "n3", "n4", pseudonym}, "n5 is erased"
    assert {alarm["cleared_at"] is None for alarm in alarms} == {True, False}
    for alarm in alarms:
        assert alarm["evidence"]["since"].endswith("Z")
        assert (alarm["cleared_at"] is None) == ("cleared" not in alarm["evidence"])


def test_dead_letters_say_why_and_where(whole: dict[str, Any]) -> None:
    first = campaign().index(REFUSED[0])
    assert [(letter["reason"], letter["path"]) for letter in whole["dead_letters"]] == [
        ("invalid_json", "$"),
        ("missing_field", "$.item"),
        ("missing_field", "$.item"),
        ("unknown_type", "$.type"),
        ("array_size", "$"),
    ]
    assert [letter["where"] for letter in whole["dead_letters"]] == [f"events/0/{first + n}" for n in range(5)]


def test_an_element_of_an_array_is_named() -> None:
    page = b"[" + messages([annotation("ann", "i1", "yes")])[0] + b', {"type": "gold"}]'
    letters = document(fold([page]), default_task, PRIVACY)["dead_letters"]
    assert letters == [{"reason": "missing_field", "path": "$[1].item", "where": "events/0/0[1]"}]


def test_at_most_a_hundred_dead_letters_are_listed_and_all_are_counted() -> None:
    found = document(fold([b"{"] * (MOST_DEAD_LETTERS + 30)), default_task, PRIVACY)
    assert len(found["dead_letters"]) == MOST_DEAD_LETTERS == 100
    assert found["dead_letters"][-1]["where"] == "events/0/99"
    assert found["events"]["dead_letters"] == 130


def test_a_thousand_values_and_pairs_are_shown_and_the_cut_is_counted() -> None:
    """Of 1,003 annotators, those with most annotations, then by name; of as many pairs likewise."""
    events = [annotation(f"n{n:04}", f"i{n:04}", "yes") for n in range(1003)]
    events += [annotation("n1002", f"j{n}", "yes") for n in range(3)]
    events += [annotation("zora", f"i{n:04}", "no", vendor=f"v{n:04}") for n in range(1001)]
    task = projects(fold(messages(events)))["news"]["tasks"]["label"]
    assert task["annotators"] == 1004
    assert task["by"]["cut"] == {"annotator": 4, "class": 0, "gold_item": 0, "stage": 0, "vendor": 1}
    assert task["pairs_cut"] == 1
    names = list(task["by"]["annotator"])
    assert names[:4] == ["zora", "n1002", "n0000", "n0001"]
    assert len(names) == len(task["by"]["vendor"]) == len(task["pairs"]) == 1000
    assert "n0998" not in names
    assert [task["pairs"][0][key] for key in ("a", "b", "items")] == ["n0000", "zora", 1]
    assert task["pairs"][-1]["a"] == "n0999"


def test_an_empty_store_is_a_document_too() -> None:
    found = document(fold([]), default_task, PRIVACY)
    assert found == {"events": dict.fromkeys(COUNTS, 0), "projects": {}, "dead_letters": [], "alarms": []}


def test_the_configured_type_is_shown() -> None:
    configure = configured(label_type="ordinal", labels=("yes", "no"))
    sent = messages([annotation("ann", "i1", "yes"), annotation("bob", "i1", "maybe"), erasure("zoe")])
    task = projects(fold(sent, configure=configure), configure)["news"]["tasks"]["label"]
    assert (task["label_type"], task["unfit"], task["annotations"]) == ("ordinal", 1, 2)
    assert task["agreement"]["percent"]["why"] == "no pairable item"
