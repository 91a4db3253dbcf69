"""A task of spans in the document: the keys it has, the same from a replay, a worker and a store."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detectors.agreement import COEFFICIENTS, PANEL_COEFFICIENTS, RANKINGS
from streams import site
from streams.homes import Home
from streams.readings import Readings
from streams.replay import replay
from streams.settings import load_settings
from streams.show import load_document
from streams.store import open_store
from tests.streams.folding import TOPIC, Record, fold, projects, rules

FIGURES = ("span_f1", "span_f1_untyped", "overlap_f1", "character_f1", "boundary_similarity")


def event(number: int, item: str, annotator: str, spans: list[dict[str, Any]], **fields: Any) -> bytes:
    own = {"id": f"e{number}", "source": "test", "type": "annotation", "project": "p", "label": {"spans": spans}}
    at = f"2026-01-05T09:{number // 60 % 60:02}:{number % 60:02}Z"
    place = {"item": item, "annotator": annotator, "annotation": f"{item}-{annotator}", "time": at}
    return json.dumps(own | place | {"revision": number} | fields).encode()


def sent() -> list[bytes]:
    """Six annotators mark names in forty texts, and change their minds."""
    rng = random.Random(3)
    found = []
    for number in range(300):
        item = rng.randrange(40)
        text = random.Random(item)
        spans: list[dict[str, Any]] = []
        for _ in range(text.randint(0, 5)):
            start = text.randrange(200)
            end = start + text.randint(1, 15) + rng.choice([0, 0, 0, 1, -1])
            kind = text.choice(["name", "place"])
            if rng.random() < 0.1:
                kind = "thing"
            if rng.random() < 0.85:
                spans.append({"start": start, "end": max(start, end), "type": kind})
        found.append(event(number, f"i{item}", f"ann{rng.randrange(6)}", spans, batch=f"b{item % 2}"))
    return found


SENT = sent()


def test_show_is_the_replay_and_the_fold_of_any_chunks(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(SENT))
    settings = load_settings(None, {"KAPPAWATCH_STORE__URL": f"sqlite:///{tmp_path}/kappawatch.db"})
    store = open_store(settings.store.url)
    replayed = replay(settings, [str(tmp_path / "events.jsonl")], store)
    store.close()
    assert msgspec.json.encode(load_document(settings)["projects"]) == msgspec.json.encode(replayed["projects"])
    for chunk, restarts in ((7, True), (50, False)):
        other = load_settings(None, {"KAPPAWATCH_STORE__URL": f"sqlite:///{tmp_path}/{chunk}.db"})
        store = open_store(other.store.url)
        site.privacy(store, other)
        fold(SENT, store=store, chunk=chunk, capacity=chunk, restarts=restarts)
        store.close()
        assert msgspec.json.encode(load_document(other)["projects"]) == msgspec.json.encode(replayed["projects"])
    task = replayed["projects"]["p"]["tasks"]["label"]
    assert list(task["agreement"]) == [*COEFFICIENTS, *PANEL_COEFFICIENTS, *RANKINGS, *FIGURES]
    for name in (*FIGURES, "alpha"):
        reading = task["agreement"][name]
        assert 0.2 < reading["low"] < reading["value"] < reading["high"] < 1
        assert reading["n"] == task["pairable_items"] > 30
        for scope in [*task["by"]["annotator"].values(), *task["by"]["batch"].values()]:
            assert scope["agreement"][name]["n"] > 10
    assert set(task["by"]["class"]) == {"name", "place", "thing"}
    assert task["by"]["class"]["name"]["agreement"]["span_f1"]["value"] > 0.25
    assert task["agreement"]["percent"]["why"] == "not available for this label type"


def test_the_metrics_have_the_figures() -> None:
    home = Home(0, open_store("sqlite://"), rules())
    list(home.process(TOPIC, [Record(offset, value) for offset, value in enumerate(SENT)]))
    found = {
        sample.labels[2]: sample.value
        for sample in Readings(home).take().samples()
        if sample.name == "kappawatch_agreement_ratio"
    }
    assert set(found) == {*FIGURES, "alpha"}
    agreement = projects(home.store)["p"]["tasks"]["label"]["agreement"]
    assert found == {name: agreement[name]["value"] for name in found}


@pytest.mark.parametrize(
    ("label", "value", "why"),
    [
        ([{"start": 3, "end": 9}], 1.0, None),
        ([], None, "no variation"),
        ([{"start": k, "end": 10**6 - k} for k in range(1000)], None, "too much to compare"),
    ],
)
def test_an_item_of_which_nobody_marked_anything_and_one_that_is_too_large(
    label: list[dict[str, Any]], value: float | None, why: str | None
) -> None:
    task = projects(fold([event(n, "i1", f"ann{n}", label) for n in range(2)]))["p"]["tasks"]["label"]
    overlap = task["agreement"]["overlap_f1"]
    assert (overlap["value"], overlap.get("why")) == (value, why)
    assert task["pairable_items"] == 1
