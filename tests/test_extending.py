"""The guide in docs/extending.md is true: its coefficient and its label type work as written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, count
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import strategies as st

import detectors.agreement
from detectors.agreement import COEFFICIENTS, PANEL_COEFFICIENTS, RANKINGS, Coefficient, MeasuredCoefficient
from detectors.agreement.coefficient import Estimate
from detectors.agreement.measures import COUNT, Measure, of_class
from detectors.config import TaskConfig
from detectors.drift import IntegerCusum
from detectors.labels import LABEL_TYPES, LabelType
from detectors.labels.base import Given, GroupMeasuring, Measured, Measuring
from detectors.reading import Reading
from detectors.watch import Answer, Watch, WatchKey
from streams.catalogue import CATALOGUE
from streams.document import document
from streams.homes import Home
from streams.readings import Readings
from streams.store import open_store
from streams.verify import Report, verify_statistics
from tests.laws.laws import LAWS, check, purity, retraction
from tests.laws.subjects import of_coefficient, of_label_type
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, rules

NAMES = [*COEFFICIENTS, *PANEL_COEFFICIENTS, *RANKINGS]
GUIDE = Path(__file__).parents[1] / "docs" / "extending.md"


def example(name: str) -> Any:
    """What the code of the guide calls so."""
    found: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(GUIDE), "exec"), found)  # noqa: S102 - the guide's own code is what is tested
    return found[name]


@pytest.fixture
def unanimity(monkeypatch: pytest.MonkeyPatch) -> Coefficient:
    """The guide's coefficient, with its line in the registry."""
    found: Coefficient = example("UNANIMITY")
    monkeypatch.setattr(detectors.agreement, "COEFFICIENTS", {**COEFFICIENTS, found.name: found})
    return found


@pytest.fixture(params=["ordinal", "nominal"])
def severity(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LabelType:
    """The guide's label type, with its line in the registry; once more of the other level that the guide tells of."""
    kind = example("Severity")
    assert kind.level == "ordinal"
    if request.param != kind.level:
        kind = type("Named", (kind,), {"name": "named", "level": request.param})
    found: LabelType = kind()
    register(monkeypatch, found)
    return found


def register(monkeypatch: pytest.MonkeyPatch, kind: LabelType) -> None:
    monkeypatch.setitem(cast("dict[str, object]", LABEL_TYPES), kind.name, kind)


def annotation(item: str, annotator: str, label: str, task: str = "label") -> bytes:
    return (
        f'{{"type": "annotation", "id": "{task}-{item}-{annotator}", "source": "t", "time": "2026-01-05T09:00:00Z", '
        f'"project": "p", "task": "{task}", "item": "{item}", "annotator": "{annotator}", "label": "{label}"}}'
    ).encode()


def samples_of(home: Home) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The metrics page by names of the catalogue: the labels by the names that they have there, and the value."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for sample in Readings(home).take().samples():
        metric = CATALOGUE[sample.name]
        bound = ("le",) if metric.kind == "gaugehistogram" else ()
        labels = dict(zip((*metric.labels, *bound), sample.labels, strict=True))
        found.setdefault(sample.name, []).append((labels, sample.value))
    return found


def test_the_guides_coefficient_is_in_the_document_and_the_metrics(unanimity: Coefficient) -> None:
    store = open_store("sqlite://")
    home = Home(0, store, rules())
    given = [("i1", "aab"), ("i2", "aaa"), ("i3", "bbb"), ("i4", "ab"), ("i5", "a")]
    labels = [(item, f"w{place}", label) for item, row in given for place, label in enumerate(row)]
    list(home.process(TOPIC, [Record(offset, annotation(*label)) for offset, label in enumerate(labels)]))

    task = document(store, default_task, PRIVACY)["projects"]["p"]["tasks"]["label"]
    reading = task["agreement"]["unanimity"]
    assert reading["value"] == 0.5
    assert task["by"]["gold_item"]["false"]["agreement"]["unanimity"]["n"] == 4
    own = {"project": "p", "task": "label", "coefficient": "unanimity"}
    found = samples_of(home)
    for bound, metric in (("value", "ratio"), ("low", "lower_ratio"), ("high", "upper_ratio")):
        assert (own, reading[bound]) in found[f"kappawatch_agreement_{metric}"]


def test_the_guides_coefficient_obeys_the_laws(unanimity: Coefficient) -> None:
    for label_type in sorted(unanimity.label_types):
        for law in LAWS:
            check(law, of_coefficient(unanimity, label_type), 10)


def test_a_coefficient_that_depends_on_more_than_the_counts_breaks_a_law(unanimity: Coefficient) -> None:
    asked = count()

    def remembering(table: Any, _q: int) -> Estimate:
        return Estimate(1.0 / (1 + next(asked)), 0.1, 1)

    with pytest.raises(AssertionError):
        check(purity, of_coefficient(replace(unanimity, estimate=remembering)))


WORDS = ("none", "minor", "major", "critical")


def test_the_guides_label_type_has_all_that_labels_of_its_level_have(
    severity: LabelType, unanimity: Coefficient
) -> None:
    level: str = cast("Any", severity).level

    def configure(_project: str, task: str) -> TaskConfig:
        if task == "label":
            return TaskConfig(severity.name, detectors=())
        return TaskConfig(level, labels=WORDS, detectors=())

    store = open_store("sqlite://")
    home = Home(0, store, rules(configure))
    given = [
        ("i1", "Major MAJOR critical"),
        ("i2", "minor none minor"),
        ("i3", "none none none"),
        ("i4", "Critical major"),
    ]
    labels = [(item, f"w{place}", label) for item, row in given for place, label in enumerate(row.split())]
    # Of the other task the same labels in one spelling; both have one that does not fit.
    events = [annotation(item, who, label) for item, who, label in [*labels, ("i5", "w1", "serious")]]
    events += [annotation(item, who, label.lower(), "plain") for item, who, label in [*labels, ("i5", "w1", "serious")]]
    list(home.process(TOPIC, [Record(offset, event) for offset, event in enumerate(events)]))

    tasks = document(store, configure, PRIVACY)["projects"]["p"]["tasks"]
    task, plain = tasks["label"], tasks["plain"]
    assert (task.pop("label_type"), plain.pop("label_type")) == (severity.name, level)
    assert (task["annotations"], task["unfit"], task["agreement"]["percent"]["n"]) == (12, 1, 4)
    values = {name for name, reading in task["agreement"].items() if reading["value"] is not None}
    assert values >= {"percent", "percent_pairs", "alpha", "scott_pi", "fleiss_kappa", "conger_kappa", "unanimity"}
    assert values >= ({"alpha_ordinal", "ac2", "kendall_w", "kendall_tau_b"} if level == "ordinal" else {"ac1"})
    assert task["agreement"]["unanimity"]["value"] == 0.25
    assert task["pairs"][0]["cohen_kappa"]["value"] is not None
    assert task == plain, "in every scope and pair what labels of that level have"

    found = samples_of(home)
    compared = 0
    for name, held in found.items():
        if "task" in CATALOGUE[name].labels:
            of_task = {task: [(at | {"task": ""}, value) for at, value in held if at["task"] == task] for task in tasks}
            assert of_task["label"] == of_task["plain"] != [], name
            compared += len(of_task["label"])
    assert compared >= 30
    assert {at["coefficient"] for at, _ in found["kappawatch_agreement_ratio"]} >= {"unanimity", "alpha"}
    assert {at["label"] for at, _ in found["kappawatch_pairable_labels"]} == set(WORDS)
    report = Report()
    verify_statistics(report, store, 0, configure)
    assert (report.differences, report.compared["pairs"]) == ([], 6)


def test_the_guides_label_type_obeys_the_laws(severity: LabelType) -> None:
    for law in LAWS:
        check(law, of_label_type(severity.name, st.sampled_from([*WORDS, "Major", "serious"])), 10)


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
    register(monkeypatch, Lengths())
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
    other = annotation("i1", "zoe", "yes", "other")
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
    for law in LAWS:
        check(law, of_label_type("lengths", st.sampled_from(["x", "xy", "xyz"])), 10)


class Rough(Lengths):
    """A toy that does not round: what it adds cannot be taken back."""

    name = "rough"

    def measuring(self, config: TaskConfig) -> Measuring:
        def measure(given: Sequence[Given]) -> Measured:
            tenth = 0.1 * max(len(str(label)) for _, _, label in given)
            return Measured((("apart", cast("int", tenth)),), [() for _ in given])

        return measure


def test_a_label_type_that_measures_in_fractions_breaks_a_law(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, Rough())
    with pytest.raises(AssertionError):
        check(retraction, of_label_type("rough", st.sampled_from(["x", "xy", "xyz"])), 100)
