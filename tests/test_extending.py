"""The guide in docs/extending.md is true: its coefficient works as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import detectors.agreement
from streams.document import document
from streams.homes import Home
from streams.readings import Readings
from streams.store import open_store
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, rules

GUIDE = Path(__file__).parents[1] / "docs" / "extending.md"


def annotation(item: str, annotator: str, label: str) -> bytes:
    return (
        f'{{"type": "annotation", "id": "{item}-{annotator}", "source": "t", "time": "2026-01-05T09:00:00Z", "project": "p", '
        f'"item": "{item}", "annotator": "{annotator}", "label": "{label}"}}'
    ).encode()


def test_the_guides_coefficient_is_in_the_document_and_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    block = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    exec(compile(block[1], str(GUIDE), "exec"), names)  # noqa: S102 - the guide's own code is what is tested
    registered = {**detectors.agreement.COEFFICIENTS, "unanimity": names["UNANIMITY"]}
    monkeypatch.setattr(detectors.agreement, "COEFFICIENTS", registered)

    store = open_store("sqlite://")
    home = Home(0, store, rules())
    given = [("i1", "aab"), ("i2", "aaa"), ("i3", "bbb"), ("i4", "ab"), ("i5", "a")]
    labels = [(item, f"w{place}", label) for item, row in given for place, label in enumerate(row)]
    list(home.process(TOPIC, [Record(offset, annotation(*label)) for offset, label in enumerate(labels)]))

    task = document(store, default_task, PRIVACY)["projects"]["p"]["tasks"]["label"]
    assert task["agreement"]["unanimity"]["value"] == 0.5
    assert task["by"]["gold_item"]["false"]["agreement"]["unanimity"]["n"] == 4
    samples = list(Readings(home).take().samples())
    assert any(s.name == "kappawatch_agreement_ratio" and s.labels == ("p", "label", "unanimity") for s in samples)
