"""Boxes from events to the document: edits, withdrawals, configuration, and what verify computes anew."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from detectors.config import TaskConfig
from detectors.fingerprint import fingerprint
from detectors.reasons import ALL_CLASSES
from streams.events import Box, Event, Shape
from streams.homes import MOST_EVENTS, PART, Home
from streams.store import Store, open_store
from streams.verify import Report, verify_statistics
from tests.made_events import annotation, configured, erasure, gold, messages, retraction
from tests.streams.folding import TOPIC, Record, fold, projects, rules, shuffled

BOXES = "alpha", "match_rate", "mean_iou", "iou_alpha"


def drawing(chance: Random) -> Shape:
    """Two objects, each perhaps, not quite where they are; numbers whole or not."""
    places = [(10, 10, "car"), (200, 40, "bus")]
    return Shape(
        boxes=[
            Box([x + chance.choice((0, 1, 2.5)), y, 30 + chance.choice((0, 1, 20)), 30], name)
            for x, y, name in places
            if chance.random() < 0.8
        ]
    )


def events(seed: int) -> list[Event]:
    chance = Random(seed)
    found: list[Event] = []
    for number in range(150):
        who, item = f"ann-{chance.randrange(5)}", f"i{chance.randrange(8)}"
        if chance.random() < 0.15:
            found.append(retraction(f"{who}-{item}", number, revision=chance.randrange(number + 1), id=f"r{number}"))
        else:
            fields = {
                "batch": chance.choice(("b1", "b2")),
                "vendor": chance.choice(("acme", "opaline")),
                "revision": number,
                "id": f"e{number}",
            }
            found.append(annotation(who, item, drawing(chance), number, annotation=f"{who}-{item}", **fields))
    return [*found, gold("i1", drawing(chance)), erasure("ann-4", 1000)]


def differences(store: Store, **fields: Any) -> list[Any]:
    report = Report()
    verify_statistics(report, store, 0, configured(**fields))
    assert report.compared["scopes"] > 8
    return report.differences


@pytest.mark.parametrize("fields", [{}, {"label_type": "boxes", "iou": 0.8, "inclusive_pixels": True}])
def test_however_events_come_the_same_is_stored_and_shown(fields: dict[str, Any]) -> None:
    sent = messages(events(1))
    whole = fold(sent, configure=configured(**fields))
    expected = projects(whole, configured(**fields))
    assert differences(whole, **fields) == []
    for seed in range(3):
        store = fold(shuffled(sent, seed), chunk=7, capacity=4, restarts=seed > 0, configure=configured(**fields))
        assert projects(store, configured(**fields)) == expected
        assert differences(store, **fields) == []
    task = expected["news"]["tasks"]["label"]
    (pair,) = task["between"]["vendor"]
    assert (pair["a"], pair["b"]) == ("acme", "opaline")
    assert pair["items"] > 4
    by = task["by"]
    for scope in (task, by["batch"]["b1"], by["annotator"]["ann-0"], by["vendor"]["acme"], pair):
        assert all(abs(scope["agreement"][name]["value"]) < 1 for name in BOXES)
    assert task["by"]["class"].keys() == {"car", "bus"}
    assert 0 < task["by"]["class"]["car"]["agreement"]["iou_variance"]["value"] < 0.25
    assert task["by"]["class"]["car"]["agreement"]["mean_iou"]["why"] == ALL_CLASSES


def test_the_configuration_says_what_matches() -> None:
    def labels(*bboxes: list[float]) -> list[bytes]:
        return messages(
            annotation(f"ann-{number}", "i1", Shape(boxes=[Box(list(bbox), "car")]))
            for number, bbox in enumerate(bboxes)
        )

    sent = labels([0, 0, 1, 2], [0, 0, 1, 3])

    def overlap(**fields: Any) -> float:
        found = projects(fold(sent, configure=configured(**fields)), configured(**fields))
        value: float = found["news"]["tasks"]["label"]["agreement"]["mean_iou"]["value"]
        return value

    assert overlap() == pytest.approx(2 / 3, abs=1e-9)
    assert overlap(iou=0.7) == 0.0
    assert overlap(iou=0.7, inclusive_pixels=True) == pytest.approx(3 / 4, abs=1e-9)


def test_a_box_with_numbers_beyond_bounds_is_unfit() -> None:
    sent = messages(
        [annotation("ann", "i1", Shape(boxes=[Box([0, 0, 10**9 + 1, 1])])), annotation("bob", "i1", Shape(boxes=[]))]
    )
    task = projects(fold(sent, configure=configured(label_type="boxes")), configured(label_type="boxes"))["news"][
        "tasks"
    ]
    assert (task["label"]["unfit"], task["label"]["annotations"], task["label"]["pairable_items"]) == (1, 2, 0)


def test_another_threshold_is_another_statistic() -> None:
    prints = {fingerprint(TaskConfig(iou=iou, inclusive_pixels=more)) for iou in (0.5, 0.6) for more in (True, False)}
    assert len(prints) == 4


def test_a_transaction_takes_in_fewer_events_that_are_more_work() -> None:
    drawn = Shape(boxes=[Box([30 * n, 0, 20, 20], "car") for n in range(20)])
    fitting = -(-MOST_EVENTS // (1 + PART * 20))
    for label, expected in ((drawn, [fitting, fitting]), ("car", [2 * fitting])):
        sent = messages([annotation(f"a{n}", f"i{n}", label) for n in range(2 * fitting)])
        home = Home(0, open_store("sqlite://"), rules())
        taken = [
            len(outcome.events) for outcome in home.process(TOPIC, [Record(n, value) for n, value in enumerate(sent)])
        ]
        assert taken == expected
