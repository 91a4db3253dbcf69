"""The guide in docs/extending.md is true: its coefficient works as written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

import detectors.agreement
from detectors.drift import IntegerCusum
from detectors.watch import Answer, Watch, WatchKey
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


def test_every_place_that_the_guide_names_is_there() -> None:
    """A row names what is in the file that it names; a note may name what is in any file of the project."""
    root = GUIDE.parents[1]
    rows = [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    checked = 0
    for row in rows:
        for names, files in re.findall(r"((?:`[\w.]+`(?:,? and )?)+)(?: (?:of|in) `([\w/]+\.py)`)", row):
            text = (root / files).read_text(encoding="utf-8")
            for name in re.findall(r"`(?:\w+\.)*(\w+)`", names):
                assert name in text, (name, files)
                checked += 1
    assert checked >= 9
    for path in re.findall(
        r"`((?:tests|streams|detectors|dashboards|docs)/[\w/.]+)`", GUIDE.read_text(encoding="utf-8")
    ):
        if "NAME" not in path:
            assert (root / path).exists(), path


def test_a_label_type_is_read_by_the_coefficients_that_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from detectors.agreement import COEFFICIENTS, agreement
    from detectors.agreement.percent import PERCENT

    assert {reading.why for reading in agreement({"a\x1fa": 2}, "grade", 2).values()} == {
        "not available for this label type"
    }
    graded = replace(PERCENT, label_types=PERCENT.label_types | {"grade"})
    monkeypatch.setattr(detectors.agreement, "COEFFICIENTS", {**COEFFICIENTS, "percent": graded})
    assert agreement({"a\x1fa": 2}, "grade", 2)["percent"].value == 1.0


def test_a_signal_has_one_detector_and_another_reads_the_stored_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Patient(IntegerCusum):
        name: ClassVar[str] = "patient"

    key = WatchKey("p", "t", "gold_errors", "ann")
    held = Watch.fresh(key)
    for number in range(3):
        held.observe(1.0, number)
    monkeypatch.setattr(
        "detectors.watch.DETECTORS", {detector.signal: detector for detector in (IntegerCusum, Patient)}
    )
    answers = [Answer(f"a{number}", number, 1.0) for number in range(3)]
    loaded = Watch.load(key, held.dump(), lambda: answers, alarmed=False)
    assert (loaded.detector.name, loaded.detector.evidence()["errors"]) == ("patient", 3)
