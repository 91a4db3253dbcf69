"""The guide in docs/extending.md is true: its coefficient works as written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import ClassVar, cast

import pytest

import detectors.agreement
from detectors.agreement import COEFFICIENTS, PANEL_COEFFICIENTS, RANKINGS, MeasuredCoefficient
from detectors.agreement.coefficient import Estimate
from detectors.agreement.measures import COUNT, Measure, of_class
from detectors.config import TaskConfig
from detectors.drift import IntegerCusum
from detectors.labels import LABEL_TYPES
from detectors.labels.base import Given, GroupMeasuring, Measured, Measuring
from detectors.reading import Reading
from detectors.watch import Answer, Watch, WatchKey
from streams.document import document
from streams.homes import Home
from streams.readings import Readings
from streams.store import open_store
from streams.verify import Report, verify_statistics
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, rules

NAMES = [*COEFFICIENTS, *PANEL_COEFFICIENTS, *RANKINGS]
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
    from detectors.agreement import agreement
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


class Lengths:
    """A toy: texts that are measured by how far their lengths lie apart."""

    name, categorical, answers = "lengths", False, True

    def key(self, label: object) -> str | None:
        return label if isinstance(label, str) else None

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        return True

    def measuring(self, config: TaskConfig) -> Measuring:
        def measure(given: Sequence[Given]) -> Measured:
            lengths = [len(str(label)) for _, _, label in given]
            assert [annotator for annotator, _, _ in given] == sorted(annotator for annotator, _, _ in given)
            apart = max(lengths) - min(lengths)
            # Two equal labels of one item may be measured differently.
            own = [(("apart", place * 2**70), (of_class("apart", "odd"), 1)) for place in range(len(lengths))]
            return Measured((("apart", apart), (of_class(COUNT, "odd"), sum(length % 2 for length in lengths))), own)

        return measure

    def measuring_groups(self, config: TaskConfig) -> GroupMeasuring:
        def measure(groups: Sequence[Sequence[Given]]) -> Sequence[Measure]:
            lengths = [sum(len(key) for _, key, _ in given) for given in groups]
            return [(("apart", abs(one - other)),) for one, other in combinations(lengths, 2)]

        return measure


def test_a_measured_label_type_is_a_type_and_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def apart(sums: Mapping[str, int]) -> Estimate:
        return Estimate(float(sums.get("apart", 0)), 0.5, 1)

    def whole(sums: Mapping[str, int]) -> Reading:
        return Reading(0.25, None, None, sums.get(COUNT, 0))

    lengths = frozenset({"lengths"})
    toys = MeasuredCoefficient("apart", lengths, 0.0, apart), MeasuredCoefficient("odd", lengths, 0.0, whole, True)
    monkeypatch.setitem(cast("dict[str, object]", LABEL_TYPES), "lengths", Lengths())
    monkeypatch.setattr(detectors.agreement, "MEASURED", (*detectors.agreement.MEASURED, *toys))

    def configure(_project: str, task: str) -> TaskConfig:
        return TaskConfig("lengths", detectors=()) if task == "label" else TaskConfig(detectors=())

    store = open_store("sqlite://")
    home = Home(0, store, rules(configure))
    given = [
        ("i1", "a", "x"),
        ("i1", "b", "x"),
        ("i2", "a", "xyz"),
        ("i2", "b", "x"),
        ("i2", "c", "xy"),
        ("i3", "a", "x"),
    ]
    other = annotation("i1", "zoe", "yes").replace(b'"item"', b'"task": "other", "item"')
    events = [*(annotation(*label) for label in given), other]
    of_vendors = {"a": b'"vendor": "acme", "item"', "c": b'"vendor": "opaline", "item"'}
    for place, (_, annotator, _) in enumerate(given):
        events[place] = events[place].replace(b'"item"', of_vendors.get(annotator, b'"item"'))
    list(home.process(TOPIC, [Record(offset, event) for offset, event in enumerate(events)]))

    tasks = document(store, configure, PRIVACY)["projects"]["p"]["tasks"]
    agreement = tasks["label"]["agreement"]
    assert list(agreement) == [*NAMES, "apart"]
    assert agreement["apart"] == {"value": 2.0, "low": 0.0, "high": 1.0, "n": 2}
    assert agreement["alpha"]["why"] == "not available for this label type"
    assert list(tasks["other"]["agreement"]) == NAMES, "other tasks have no key of it"
    assert (tasks["label"]["disputed"], tasks["label"]["disputed_cut"]) == (None, None)
    assert tasks["label"]["disputed_why"] == "not available for this label type"
    (pair,) = tasks["label"]["between"]["vendor"]
    assert (pair["a"], pair["b"], pair["items"], pair["agreement"]["apart"]["value"]) == ("acme", "opaline", 1, 1.0)
    by = tasks["label"]["by"]
    assert by["annotator"]["b"]["agreement"]["apart"]["value"] == 2.0 * 2**70, "more than 64 bits are stored"
    assert by["class"]["odd"]["annotations"] == 5
    assert list(by["class"]["odd"]["agreement"]) == [*NAMES, "apart", "odd"]
    assert by["class"]["odd"]["agreement"]["apart"]["why"] == "of all classes together only"
    assert by["class"]["odd"]["agreement"]["odd"] == {"value": 0.25, "low": None, "high": None, "n": 5}
    report = Report()
    verify_statistics(report, store, 0, configure)
    assert (report.differences, report.compared["scopes"]) == ([], 11)
    samples = list(Readings(home).take().samples())
    assert any(s.name == "kappawatch_agreement_ratio" and s.labels == ("p", "label", "apart") for s in samples)
