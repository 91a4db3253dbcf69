"""What is exported: every family of the catalogue, the document's figures, whatever names the events carry."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from faust.types.tuples import TP
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition, parser
from prometheus_client.parser import text_string_to_metric_families

from dashboards.thresholds import SAMPLES_MANY
from detectors.agreement import COEFFICIENTS, PANEL_COEFFICIENTS, RANKINGS, Panel
from detectors.alarms import Alarm, Cause
from detectors.config import TaskConfig
from detectors.drift import DETECTORS
from detectors.reasons import TOO_MUCH
from detectors.standing import Standing
from streams.catalogue import CATALOGUE
from streams.chunks import Chunk, Following
from streams.document import document
from streams.events import Annotation, Event, Review
from streams.histograms import MOST_PROJECTS, Histogram, ProjectHistograms
from streams.homes import Home
from streams.metrics import (
    DELAY_BUCKETS,
    MOST_CONFUSED,
    MOST_FLAGGED,
    MOST_FLAGS,
    MOST_LABELS,
    MOST_SERIES,
    MOST_TASKS,
    HomeReadings,
    Sample,
    TaskReadings,
    WorkerMetrics,
    registry,
)
from streams.owner import Owner
from streams.parsing import REASONS
from streams.readings import BANDS, SHARE_BUCKETS, SLICE, Readings, _alarm_samples
from streams.store import Store, open_store, rows
from streams.store.tables import SCOPES
from tests.made_campaign import REFUSED, campaign, others, work
from tests.made_events import PROJECT, annotation, configured, gold, messages, retraction
from tests.servers.prometheus import promtool
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, rules

Page = dict[tuple[str, tuple[tuple[str, str], ...]], float]

SET_BY_THE_WORKER = {
    "kappawatch_heartbeat_timestamp_seconds",
    "kappawatch_outbox_failed_total",
    "kappawatch_outbox_pending",
    "kappawatch_partition_end_offset",
    "kappawatch_partition_position",
    "kappawatch_ready",
    "kappawatch_rereads_total",
}
"""What a worker alone can know, without a sample here."""


class Exported:
    """What an owner of one home exports after taking in these messages."""

    def __init__(
        self,
        sent: Sequence[bytes],
        chunk: int = 1000,
        configure: Callable[[str, str], TaskConfig] = default_task,
        capacity: int = 1000,
    ) -> None:
        self.store: Store = open_store("sqlite://")
        self.metrics = WorkerMetrics()
        owner = Owner(lambda: self.store, lambda _: rules(configure, capacity), self.metrics)
        for first in range(0, len(sent), chunk):
            part = [Record(first + place, value) for place, value in enumerate(sent[first : first + chunk])]
            assert owner.take_in(Chunk(TOPIC, 0, 1, first, part)) is Following.ON
            owner.show(0)
        self.owner = owner

    def text(self) -> str:
        return generate_latest(registry(self.metrics)).decode()

    def page(self) -> Page:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }


@pytest.fixture(scope="module")
def exported() -> Exported:
    return Exported(campaign(), chunk=200)


@pytest.fixture(scope="module")
def page(exported: Exported) -> Page:
    return exported.page()


def value(page: Page, name: str, **labels: str) -> float:
    return page[name, tuple(sorted(labels.items()))]


def test_every_family_of_the_catalogue_is_exported_and_no_other(exported: Exported) -> None:
    families = {}
    for family in text_string_to_metric_families(exported.text()):
        name = family.name + ("_total" if family.type == "counter" else "")
        families[name] = (family.type, family.documentation)
    kinds = {"gaugehistogram": "histogram"}  # which the text format does not tell apart
    assert families == {
        metric.name: (kinds.get(metric.kind, metric.kind), metric.help) for metric in CATALOGUE.values()
    }


def test_openmetrics_says_the_same(exported: Exported, page: Page) -> None:
    text = exposition.generate_latest(registry(exported.metrics)).decode()
    families = list(parser.text_string_to_metric_families(text))
    assert {family.name + ("_total" if family.type == "counter" else ""): family.type for family in families} == {
        metric.name: metric.kind for metric in CATALOGUE.values()
    }
    found = {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}
    assert found.keys() == page.keys()
    assert sum("_bucket" in name and "annotator_" in name for name, _ in found) == 12 * (6 + 4)


def test_after_a_campaign_with_alarms_every_family_has_samples_with_its_labels(exported: Exported) -> None:
    empty = set()
    for family in text_string_to_metric_families(exported.text()):
        name = family.name + ("_total" if family.type == "counter" else "")
        if not family.samples:
            empty.add(name)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(CATALOGUE[name].labels), name
    assert empty == SET_BY_THE_WORKER - {"kappawatch_heartbeat_timestamp_seconds"}


def test_figures_are_those_of_the_document(exported: Exported, page: Page) -> None:
    compared = 0
    expected: Page = {}

    def add(name: str, number: float | None, **labels: str) -> None:
        if number is not None:
            expected[f"kappawatch_{name}", tuple(sorted(labels.items()))] = number

    for project, held in document(exported.store, default_task, PRIVACY)["projects"].items():
        for task, found in held["tasks"].items():
            place = {"project": project, "task": task}
            for name in ("annotations", "items", "pairable_items", "unfit"):
                add(name, found[name], **place)
            add("gold_answers", found["gold"]["answers"], **place)
            for bound, part in {"": "value", "lower_": "low", "upper_": "high"}.items():
                add(f"gold_{bound}ratio", found["gold"]["accuracy"][part], **place)
                for coefficient, reading in found["agreement"].items():
                    if coefficient in PANEL_COEFFICIENTS:
                        continue  # read from all annotators and pairs, which metrics do not do
                    add(f"agreement_{bound}ratio", reading[part], coefficient=coefficient, **place)
    names = {name for name, _ in expected}
    assert {key: number for key, number in page.items() if key[0] in names} == expected
    compared += len(expected)
    assert len(names) == 11
    assert compared > 80


def of_each_task(exported: Exported) -> Iterator[tuple[dict[str, str], Any]]:
    for project, held in document(exported.store, default_task, PRIVACY)["projects"].items():
        for task, found in held["tasks"].items():
            yield {"project": project, "task": task}, found


def band_of(gold: Any) -> str:
    if gold["answers"] < 20:
        return "too_few"
    share = gold["correct"] / gold["answers"]
    return "good" if share >= 0.9 else "watch" if share >= 0.8 else "poor"


def test_bands_are_of_all_annotators_by_their_gold(exported: Exported, page: Page) -> None:
    seen: Counter[str] = Counter()
    for place, found in of_each_task(exported):
        bands = Counter(band_of(held["gold"]) for held in found["by"]["annotator"].values())
        for band in BANDS:
            assert value(page, "kappawatch_annotators", band=band, **place) == bands[band]
        assert bands.total() == found["annotators"]
        seen += bands
    assert set(seen) == {"good", "watch", "too_few"}
    assert sum(name == "kappawatch_annotators" for name, _ in page) == 6 * len(BANDS)


def test_histograms_over_annotators_count_each_below_its_bound(exported: Exported, page: Page) -> None:
    compared, absent = 0, set()
    for place, found in of_each_task(exported):
        people = list(found["by"]["annotator"].values())
        accuracies = [held["gold"]["accuracy"]["value"] for held in people if held["gold"]["answers"] >= 20]
        percents = [held["agreement"]["percent"]["value"] for held in people]
        shares = {"gold_accuracy": accuracies, "agreement": [share for share in percents if share is not None]}
        if not shares["agreement"]:
            absent.add(found["label_type"])
            assert not [
                key for key in page if "annotator_agreement" in key[0] and place.items() <= dict(key[1]).items()
            ]
            del shares["agreement"]
        for name, held in shares.items():
            for bound in (*SHARE_BUCKETS, np.inf):
                below = sum(share <= bound for share in held)
                le = "+Inf" if bound == np.inf else str(bound)
                assert value(page, f"kappawatch_annotator_{name}_bucket", le=le, **place) == below
                compared += below
    assert compared > 50
    assert absent == {"interval", "boxes"}
    assert len(SHARE_BUCKETS) == 11, "12 with +Inf"


def test_gold_by_class_is_that_of_the_document(exported: Exported, page: Page) -> None:
    expected: Page = {}
    for place, found in of_each_task(exported):
        for label, held in found["by"]["class"].items():
            answers, correct = held["gold"]["answers"], held["gold"]["correct"]
            for outcome, n in {"pass": correct, "fail": answers - correct}.items():
                if answers and held["annotations"]:
                    labels = {**place, "label": label, "outcome": outcome}
                    expected["kappawatch_gold_label_answers", tuple(sorted(labels.items()))] = n
    assert {key: n for key, n in page.items() if key[0] == "kappawatch_gold_label_answers"} == expected
    assert len(expected) >= 8
    assert sum(expected.values()) > 500


@pytest.mark.parametrize(("declared", "shown"), [(("yes", "no", "maybe"), {"yes", "maybe"}), (None, {"yes"})])
def test_a_key_that_nobody_gave_is_named_only_where_it_is_declared(
    declared: tuple[str, ...] | None, shown: set[str]
) -> None:
    sent = [gold("i1", "yes"), gold("i2", "maybe"), annotation("ann", "i1", "yes"), annotation("ann", "i2", "yes")]
    page = Exported(messages(sent), configure=configured(label_type="nominal", labels=declared)).page()
    found = {dict(labels)["label"]: n for (name, labels), n in page.items() if name == "kappawatch_gold_label_answers"}
    assert found.keys() == shown


def test_confused_labels_are_those_of_the_document_with_their_share(exported: Exported, page: Page) -> None:
    compared = 0
    for place, found in of_each_task(exported):
        shown = {
            (dict(labels)["label_a"], dict(labels)["label_b"]): share
            for (name, labels), share in page.items()
            if name == "kappawatch_confused_pair_ratio" and place.items() <= dict(labels).items()
        }
        assert shown.keys() == {(each["a"], each["b"]) for each in found["confused"][:10]}
        assert all(0 < share <= 1 for share in shown.values())
        compared += len(shown)
    assert compared > 4


def test_flagged_annotators_stand_as_the_document_says(exported: Exported, page: Page) -> None:
    found = document(exported.store, default_task, PRIVACY)
    raised = {(a["project"], a["task"], a["subject"]) for a in found["alarms"] if a["cleared_at"] is None}
    expected: Page = {}
    for project, task, subject in raised:
        held = found["projects"][project]["tasks"][task]["by"]["annotator"][subject]
        labels = {"project": project, "task": task, "annotator": PRIVACY.pseudonym(project, subject)}
        place = tuple(sorted(labels.items()))
        expected["kappawatch_flagged_annotator_gold_ratio", place] = held["gold"]["accuracy"]["value"]
        expected["kappawatch_flagged_annotator_agreement_ratio", place] = held["agreement"]["percent"]["value"]
        scopes = map(rows.scope, exported.store.scan(SCOPES, 0, project, task, "annotator"))
        [items] = [scope.items for key, scope in scopes if key.value == subject]
        assert items <= held["annotations"], "an item may be annotated again"
        expected["kappawatch_flagged_annotator_items", place] = items
    shown = {key: n for key, n in page.items() if key[0] in {name for name, _ in expected}}
    assert shown == pytest.approx(expected, rel=1e-12)
    assert len(expected) >= 3


def test_durations_and_reviews_are_counted_once_each(page: Page) -> None:
    """Of what came again nothing is counted."""
    events = [*work(1), *others()]
    for project in (PROJECT, "shapes"):
        of_project = [event for event in events if event.project == project]
        took: dict[str, int] = {}
        for event in of_project:
            if isinstance(event, Annotation) and event.duration_ms and event.annotator != "n5":
                took.setdefault(event.annotation or event.id, event.duration_ms)
        labels = {"project": project}
        count = page.get(("kappawatch_annotation_duration_seconds_count", tuple(labels.items())), 0)
        assert abs(count - len(took)) <= (200 if project == PROJECT else 0), "the erased one's earlier work counts"
        if took:
            assert count > 900
            bucket = value(page, "kappawatch_annotation_duration_seconds_bucket", le="0.5", **labels)
            total = value(page, "kappawatch_annotation_duration_seconds_sum", **labels)
            assert bucket == 0
            assert 8 < total / count < 16
        verdicts = Counter(event.verdict for event in of_project if isinstance(event, Review))
        for verdict in ("accept", "fix", "reject"):
            assert value(page, "kappawatch_reviews_total", outcome=verdict, **labels) == verdicts[verdict]
    assert page["kappawatch_reviews_total", (("outcome", "fix"), ("project", "shapes"))] == 5


def test_durations_are_of_work_that_says_how_long_it_took() -> None:
    took = [annotation("ann", f"i{n}", "yes", duration_ms=1000 * n) for n in range(4)]
    more = [
        annotation("rita", "i1", "yes", stage="review", duration_ms=7000),
        annotation("bob", "i1", None, annotation="skip", duration_ms=7000),
        annotation("ann", "i2", "no", 9, annotation="ann-i2", id="again", revision=1, duration_ms=9000),
        annotation("cy", "i1", "yes"),
        annotation("ann", "i1", "yes", project="other", duration_ms=3_600_000),
    ]
    page = Exported(messages([*took, *more, *took]), 4).page()
    name = "kappawatch_annotation_duration_seconds"
    assert value(page, f"{name}_sum", project=PROJECT) == 1 + 2 + 3, "first ones of stage annotate, 0 is unknown"
    assert value(page, f"{name}_bucket", project=PROJECT, le="2.0") == 2
    assert value(page, f"{name}_bucket", project="other", le="1800.0") == 0
    assert value(page, f"{name}_count", project="other") == 1


def test_series_are_counted_by_family(exported: Exported, page: Page) -> None:
    counts = {dict(labels)["family"]: n for (name, labels), n in page.items() if name == "kappawatch_series_exposed"}
    assert counts.keys() == CATALOGUE.keys()
    assert sum(counts.values()) == len(page)
    suffix = "(_bucket|_sum|_count)?$"
    for family, n in counts.items():
        assert n == sum(re.fullmatch(family + suffix, name) is not None for name, _ in page), family


def of_order(people: int, labels: int = 3) -> list[Event]:
    """Six items of an ordinal task, which so many people rank; one of them has no label of the last item."""
    return [
        annotation(f"n{n}", f"i{item}", "lmh"[(item + n // 2) % labels], task="rated")
        for n in range(people)
        for item in range(6 - (n == 0))
    ]


@pytest.mark.parametrize("capacity", [5, 1000])
@pytest.mark.parametrize(("people", "samples"), [(2, 4), (3, 2), (50, 2), (51, 0)])
def test_rankings_are_those_of_the_document(people: int, samples: int, capacity: int) -> None:
    """They need the task's pairs: those of memory or, where it is too small, of the store. No item is read for them."""
    configure = configured(label_type="ordinal", labels=("l", "m", "h"))
    exported = Exported(messages(of_order(people)), 50, configure, capacity)
    spared = document(exported.store, configure, PRIVACY, most_disputed=0)
    found = spared["projects"][PROJECT]["tasks"]["rated"]["agreement"]
    page, compared = exported.page(), 0
    for coefficient in RANKINGS:
        assert found[coefficient]["n"] == (5 if samples else 0)
        for bound, part in {"": "value", "lower_": "low", "upper_": "high"}.items():
            labels = {"project": PROJECT, "task": "rated", "coefficient": coefficient}
            place = f"kappawatch_agreement_{bound}ratio", tuple(sorted(labels.items()))
            assert page.get(place) == found[coefficient][part]
            compared += place in page
    assert compared == samples
    assert {dict(labels).get("coefficient") for _, labels in page}.isdisjoint(PANEL_COEFFICIENTS)


def test_what_metrics_do_not_show_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The annotators of ranked labels are read for their rankings, but Conger's kappa is no metric."""
    asked = []

    def estimate(panel: Panel) -> str:
        asked.append(panel)
        return TOO_MUCH

    toys = {name: each._replace(estimate=estimate) for name, each in PANEL_COEFFICIENTS.items()}
    monkeypatch.setattr("detectors.agreement.PANEL_COEFFICIENTS", toys)
    configure = configured(label_type="ordinal", labels=("l", "m", "h"))
    exported = Exported(messages(of_order(3)), 50, configure)
    assert {dict(labels).get("coefficient") for _, labels in exported.page()} > {*RANKINGS}
    assert not asked
    document(exported.store, configure, PRIVACY)
    assert len(asked) == 1


def test_what_rankings_cost_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task's pairs are patterns like others, so that a call stays bounded."""
    monkeypatch.setattr("streams.readings.PATTERNS", 1)
    configure = configured(label_type="ordinal", labels=("l", "m", "h"))
    home = Home(0, open_store("sqlite://"), rules(configure))
    list(home.process(TOPIC, [Record(place, value) for place, value in enumerate(messages(of_order(20)))]))
    readings = Readings(home)
    readings.take()
    assert readings._credit < SLICE - 190 * 3, "190 pairs of at least 3 cells each"


def test_counts_are_those_of_the_store(exported: Exported, page: Page) -> None:
    events = document(exported.store, default_task, PRIVACY)["events"]
    total: dict[str, float] = dict.fromkeys(("applied", "duplicate", "erased", "dead_letter", "forwarded"), 0)
    for (name, labels), number in page.items():
        if name == "kappawatch_events_total":
            assert dict(labels)["partition"] == "0"
            assert (dict(labels)["project"] == "") == (dict(labels)["outcome"] in {"dead_letter", "forwarded"})
            total[dict(labels)["outcome"]] += number
    assert total == {
        "applied": events["applied"],
        "duplicate": events["duplicates"],
        "erased": events["erased"],
        "dead_letter": events["dead_letters"],
        "forwarded": events["forwarded"],
    }
    assert sum(total.values()) == events["received"]
    reasons = {
        dict(labels)["reason"]: number
        for (name, labels), number in page.items()
        if name == "kappawatch_dead_letters_total"
    }
    assert reasons.keys() == set(REASONS), "each begins at zero, so that the first one is an increase"
    assert sum(reasons.values()) == len(REFUSED)
    assert reasons["missing_field"] == 2


def test_alarms_are_those_of_the_document(exported: Exported, page: Page) -> None:
    alarms = document(exported.store, default_task, PRIVACY)["alarms"]
    open_ones = [alarm for alarm in alarms if alarm["cleared_at"] is None]
    assert open_ones
    place = {"project": PROJECT, "task": "label"}
    for kind, severity in (("gold_errors", "warning"), ("log_duration", "info")):
        of_kind = [alarm for alarm in open_ones if alarm["kind"] == kind]
        shown = page.get(("kappawatch_alarms", tuple(sorted({**place, "kind": kind, "severity": severity}.items()))), 0)
        assert shown == len(of_kind)
        assert value(page, "kappawatch_drift_state", signal=kind, **place) == (2.0 if of_kind else 0.0)
        raised = sum(alarm["kind"] == kind for alarm in alarms)
        assert value(page, "kappawatch_alarms_raised_total", kind=kind, **place) == raised
        detector = DETECTORS[kind].name
        found = value(page, "kappawatch_drift_detections_total", signal=kind, detector=detector, **place)
        assert found == raised
    quiet = {key: number for key, number in page.items() if "drift" in key[0] or "raised" in key[0]}
    elsewhere = [number for (_, labels), number in quiet.items() if dict(labels)["project"] == "shapes"]
    assert len(elsewhere) == 5 * 2 * 3, "three families for two signals of each task"
    assert set(elsewhere) == {0.0}
    flagged = {dict(labels)["annotator"] for name, labels in page if name == "kappawatch_flagged_annotator_info"}
    assert flagged == {PRIVACY.pseudonym(PROJECT, alarm["subject"]) for alarm in open_ones}
    assert value(page, "kappawatch_flagged_suppressed", project=PROJECT) == 0


def test_gold_results_added_less_those_taken_back_are_the_answers(page: Page) -> None:
    for project, task in ((PROJECT, "label"), ("shapes", "tags")):
        place = {"project": project, "task": task}
        sums = {
            name: sum(
                value(page, f"kappawatch_gold_results{name}", outcome=outcome, **place) for outcome in ("pass", "fail")
            )
            for name in ("_total", "_retracted_total")
        }
        assert sums["_total"] - sums["_retracted_total"] == value(page, "kappawatch_gold_answers", **place)


def test_results_that_came_and_went_in_one_chunk_are_counted() -> None:
    """The statistics are as before, the counts are not."""
    first = messages([gold("i1", "yes"), annotation("ann", "i1", "no")])
    again = messages([gold("i1", version=1), gold("i1", "yes", version=2)])
    page = Exported([*first, *again], chunk=2).page()
    place = {"project": PROJECT, "task": "label", "outcome": "fail"}
    assert value(page, "kappawatch_gold_results_total", **place) == 2
    assert value(page, "kappawatch_gold_results_retracted_total", **place) == 1


def test_only_what_changed_is_read_again_and_all_of_it(exported: Exported, page: Page) -> None:
    """After each chunk the page is that of a home that was just loaded."""
    home = Home(0, exported.store, rules())
    fresh = {sample[:2]: sample.value for sample in Readings(home).take().samples()}
    kept = {sample[:2]: sample.value for sample in exported.metrics.homes[0].samples()}
    assert kept == fresh
    assert len(fresh) > 100


@pytest.mark.parametrize("capacity", [1])
def test_figures_do_not_depend_on_what_memory_holds(page: Page, capacity: int) -> None:
    again = Exported(campaign(), chunk=300, capacity=capacity).page()
    moving = ("_seconds", "_bucket", "_sum", "_count", "_duration")
    keys = {key for key in page if not any(part in key[0] for part in moving)}
    assert len(keys) > 150
    assert {key: again.get(key) for key in keys} == {key: page[key] for key in keys}


def test_a_task_that_lost_all_annotations_loses_its_figures_but_not_its_counts() -> None:
    sent = messages([gold("i1", "yes"), annotation("ann", "i1", "no"), annotation("bob", "i1", "no")])
    gone = messages([retraction("ann-i1"), retraction("bob-i1")])
    page = Exported([*sent, *gone], chunk=3).page()
    place = {"project": PROJECT, "task": "label"}
    assert not [key for key in page if key[0] in {"kappawatch_annotations", "kappawatch_agreement_ratio"}]
    assert value(page, "kappawatch_gold_results_total", outcome="fail", **place) == 2
    assert value(page, "kappawatch_gold_results_retracted_total", outcome="fail", **place) == 2


# -- hostile names ------------------------------------------------------------------------------------------------------

NAMES = ['quote"d', "back\\slash", "<img src=x onerror=alert(1)>", "größe 🦊", "x" * 256, "{a='b'}", "1e5", "NaN", "#"]


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back_as_they_were(name: str) -> None:
    page = Exported(messages([annotation("ann", "i1", "yes", project=name, task=name)])).page()
    assert value(page, "kappawatch_annotations", project=name, task=name) == 1.0
    assert value(page, "kappawatch_events_total", project=name, outcome="applied", partition="0") == 1.0


@pytest.mark.parametrize("name", ["new\\nline", "lone \\ud800 surrogate", "nul\\u0000", "\\u0085"])
def test_a_name_that_no_page_can_hold_never_gets_there(name: str) -> None:
    event = messages([annotation("ann", "i1", "yes", project="NAME")])[0].replace(b"NAME", name.encode())
    exported = Exported([event, *messages([annotation("ann", "i1", "yes")])])
    page = exported.page()
    assert (
        value(page, "kappawatch_dead_letters_total", reason="control_character", partition="0")
        + value(page, "kappawatch_dead_letters_total", reason="invalid_json", partition="0")
        == 1.0
    )
    assert {dict(labels).get("project") for name, labels in page if name == "kappawatch_items"} == {PROJECT}


@pytest.mark.parametrize("name", ["new\nline", "lone \ud800 surrogate"])
def test_not_even_a_label_that_came_another_way_breaks_the_page(name: str) -> None:
    metrics = WorkerMetrics()
    metrics.add("kappawatch_outbox_failed_total", (name,))
    metrics.delays.observe_all({name: 1}, np.array([1.0]))
    text = generate_latest(registry(metrics)).decode()
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    assert [sample.value for sample in samples if sample.name == "kappawatch_outbox_failed_total"] == [1.0]


# -- bounds -------------------------------------------------------------------------------------------------------------


def alarm(number: int, project: str = PROJECT) -> Alarm:
    cause = Cause(project, "label", "gold_errors", f"v1-{number}")
    return Alarm(f"a{number:03}", cause, "warning", number, None, {}, "raised", 1)


@pytest.mark.parametrize(("n", "shown"), [(3, 3), (MOST_FLAGGED, MOST_FLAGGED), (MOST_FLAGGED + 7, MOST_FLAGGED)])
def test_at_most_fifty_annotators_of_a_project_are_flagged_the_earliest(n: int, shown: int) -> None:
    alarms = [*(alarm(number) for number in reversed(range(n))), alarm(0, "other")]
    samples = list(_alarm_samples(alarms))
    flagged = [sample.labels for sample in samples if sample.name == "kappawatch_flagged_annotator_info"]
    assert [labels[2] for labels in flagged if labels[0] == PROJECT] == [f"v1-{number}" for number in range(shown)]
    assert ("other", "label", "v1-0", "gold_errors") in flagged
    counts = {(sample.name, sample.labels): sample.value for sample in samples}
    assert counts["kappawatch_flagged_suppressed", (PROJECT,)] == n - shown
    assert counts["kappawatch_alarms", (PROJECT, "label", "gold_errors", "warning")] == n
    assert MOST_FLAGGED == 50


def test_an_annotator_with_two_alarms_is_one_flag_a_reason() -> None:
    both = [alarm(1), replace(alarm(1), id="b", cause=alarm(1).cause._replace(kind="log_duration"))]
    flagged = {sample.labels[2:] for sample in _alarm_samples(both) if "flagged_annotator" in sample.name}
    assert flagged == {("v1-1", "gold_errors"), ("v1-1", "log_duration")}


def test_a_flood_of_series_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.metrics.MOST_SERIES", 5)
    metrics = WorkerMetrics()
    for number in range(9):
        metrics.set("kappawatch_last_event_timestamp_seconds", number, (f"p{number}",))
        metrics.add("kappawatch_events_total", (f"p{number}", "applied", "0"), number)
    found = families(registry(metrics))
    assert [s.labels["project"] for s in found["kappawatch_last_event_timestamp_seconds"]] == [
        f"p{n}" for n in range(4, 9)
    ]
    events = {s.labels["project"]: s.value for s in found["kappawatch_events"]}
    assert events == {"p4": 4, "p5": 5, "p6": 6, "p7": 7, "p8": 8, "": 0 + 1 + 2 + 3}


def families(own: CollectorRegistry) -> dict[str, list[Any]]:
    return {family.name: family.samples for family in own.collect()}


# -- the worker's own ---------------------------------------------------------------------------------------------------


def test_homes_add_up_and_leave_without_a_trace() -> None:
    metrics = WorkerMetrics()
    for home in (0, 1):
        counter = Sample("kappawatch_conflicts_total", (), 2.0)
        own = Sample("kappawatch_items", (f"p{home}", "label"), 3.0 + home)
        metrics.homes[home] = HomeReadings((counter, own))
    metrics.add("kappawatch_conflicts_total")
    found = families(registry(metrics))
    assert [sample.value for sample in found["kappawatch_conflicts"]] == [5.0]
    assert {s.labels["project"]: s.value for s in found["kappawatch_items"]} == {"p0": 3.0, "p1": 4.0}
    assert [sample.value for sample in found["kappawatch_homes"]] == [2.0]
    del metrics.homes[0]
    found = families(registry(metrics))
    assert {s.labels["project"]: s.value for s in found["kappawatch_items"]} == {"p1": 4.0}
    assert [sample.value for sample in found["kappawatch_homes"]] == [1.0]


def test_reading_changes_nothing() -> None:
    metrics = WorkerMetrics()
    metrics.homes[0] = HomeReadings((Sample("kappawatch_conflicts_total", (), 2.0),))
    own = registry(metrics)
    values = [families(own)["kappawatch_conflicts"][0].value for _ in range(3)]
    assert values == [2.0, 2.0, 2.0]
    assert metrics.values.get("kappawatch_conflicts_total", {}) == {}


def test_registering_reads_nothing() -> None:
    class Untouched(WorkerMetrics):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    registry(Untouched())


def test_counters_without_labels_begin_at_zero() -> None:
    found = families(registry(WorkerMetrics()))
    for name in ("kappawatch_conflicts", "kappawatch_store_errors", "kappawatch_collect_errors"):
        assert [sample.value for sample in found[name]] == [0.0]


def test_dropping_keeps_what_is_to_be_kept() -> None:
    metrics = WorkerMetrics()
    for number in "012":
        metrics.set("kappawatch_partition_position", 1.0, ("t", number))
    metrics.drop("kappawatch_partition_position", [("t", "1")])
    assert list(metrics.values["kappawatch_partition_position"]) == [("t", "1")]
    metrics.drop("kappawatch_ready")


def test_a_histogram_counts_below_its_bounds() -> None:
    histogram = Histogram((1.0, 2.5))
    for number in (0.5, 1.0, 1.5, 2.5, 9.0):
        histogram.observe(number)
    assert histogram.buckets() == [("1.0", 2.0), ("2.5", 4.0), ("+Inf", 5.0)]
    assert histogram.total == 14.5
    together = Histogram((1.0, 2.5))
    together.observe_all(np.array([0.5, 1.0, 1.5, 2.5, 9.0]))
    assert together.buckets() == histogram.buckets()
    assert together.total == histogram.total


def test_how_old_events_are_is_never_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer's clock may be ahead of ours."""
    monkeypatch.setattr("streams.owner.time.time", lambda: 0.0)
    page = Exported(messages([annotation("ann", "i1", "yes"), annotation("ann", "i2", "yes")])).page()
    name = "kappawatch_event_delay_seconds"
    assert value(page, f"{name}_bucket", project=PROJECT, le=str(DELAY_BUCKETS[0])) == 2
    assert value(page, f"{name}_sum", project=PROJECT) == 0


def test_histograms_of_projects_are_as_if_each_were_counted_alone() -> None:
    together, random = ProjectHistograms(DELAY_BUCKETS), np.random.default_rng(3)
    alone: dict[str, Histogram] = {}
    for _ in range(5):
        values = {project: random.exponential(20.0, random.integers(1, 9)) for project in random.permutation([*"abc"])}
        for project, each in values.items():
            alone.setdefault(project, Histogram(DELAY_BUCKETS)).observe_all(each)
        counts = {project: len(each) for project, each in values.items()}
        together.observe_all(counts, np.concatenate([*values.values()]))
    together.observe_all({}, np.array([]))
    assert together.held.keys() == alone.keys() == {"a", "b", "c"}
    for project, histogram in alone.items():
        assert together.held[project].counts == histogram.counts
        assert together.held[project].total == pytest.approx(histogram.total, rel=1e-12)


def test_events_are_counted_once_in_the_delays(exported: Exported, page: Page) -> None:
    events = document(exported.store, default_task, PRIVACY)["events"]
    counted = sum(n for (name, _), n in page.items() if name == "kappawatch_event_delay_seconds_count")
    assert counted == events["received"] - events["dead_letters"]


@pytest.fixture
def checked() -> Callable[[str], list[str]]:
    def check(text: str) -> list[str]:
        command = [promtool(), "check", "metrics"]
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=30, check=False)
        return done.stderr.decode().splitlines()

    return check


@pytest.mark.integration
def test_promtool_has_no_complaint(exported: Exported, checked: Callable[[str], list[str]]) -> None:
    assert checked("no_help 1\n") != [], "it can complain"
    assert checked(exported.text()) == []
    hostile = Exported(messages([annotation("ann", "i1", "yes", project=name, task=name) for name in NAMES]))
    assert checked(hostile.text()) == []


# -- many tasks -----------------------------------------------------------------------------------------------------------


def home_of_tasks(sizes: dict[str, int], home: Home | None = None) -> Home:
    """A home with so many annotations of each task, by two annotators who disagree."""
    home = home or Home(0, open_store("sqlite://"), rules(capacity=50))
    sent = messages(
        [
            annotation("ab"[n % 2], f"i{n // 2}", "no" if n % 4 else "yes", task=task, id=f"{task}-{n}")
            for task, size in sizes.items()
            for n in range(size)
        ]
    )
    begin = home.position(TOPIC) + 1
    records = [Record(begin + place, value) for place, value in enumerate(sent)]
    for first in range(0, len(records), 500):
        list(home.process(TOPIC, records[first : first + 500]))
    return home


def figures(taken: HomeReadings) -> dict[tuple[str, tuple[str, ...]], float]:
    return {sample[:2]: sample.value for sample in taken.samples()}


def settled(readings: Readings) -> HomeReadings:
    taken = readings.take()
    while readings.pending:
        taken = readings.take()
    return taken


def test_a_call_computes_a_slice_and_all_calls_compute_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    real = Readings._task
    monkeypatch.setattr(Readings, "_task", lambda self, key, *held: computed.append(key[1]) or real(self, key, *held))
    home = home_of_tasks({f"t{n}": 2 for n in range(3 * SLICE)})
    readings = Readings(home)
    calls = []
    while readings.pending:
        before = len(computed)
        taken = readings.take()
        calls.append(len(computed) - before)
        assert len(taken.tasks) == len(computed) == 3 * SLICE - taken.suppressed
    assert calls == [SLICE, SLICE, SLICE]
    assert len(set(computed)) == 3 * SLICE

    shown = figures(readings.take())
    assert len(computed) == 3 * SLICE, "what did not change is not computed again"
    assert shown == figures(settled(Readings(home)))
    assert len(shown) > 3 * SLICE * 20


def test_what_changed_comes_before_what_was_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.readings.SLICE", 3)
    monkeypatch.setattr("streams.readings.WEIGHED", 3)
    home = home_of_tasks({f"t{n}": 2 for n in range(9)})
    readings = Readings(home)
    records = [Record(home.position(TOPIC) + 1, messages([annotation("cy", "i9", "yes", task="t8")])[0])]
    for outcome in home.process(TOPIC, records):
        readings.note(outcome.changes)
    shown = figures(readings.take())
    assert shown["kappawatch_annotations", (PROJECT, "t8")] == 3
    assert len({labels[1] for name, labels in shown if name == "kappawatch_annotations"}) == 3


def test_tasks_that_always_change_leave_room_for_those_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.readings.WEIGHED", 4)
    home = home_of_tasks({**{f"t{n}": 2 for n in range(9)}, "large": 40})
    readings = Readings(home)
    for number in range(12):
        busy = [annotation(f"cy{number}", f"i{n}", "yes", task=f"t{n}") for n in range(9)]
        sent = [Record(home.position(TOPIC) + 1 + place, value) for place, value in enumerate(messages(busy))]
        for outcome in home.process(TOPIC, sent):
            readings.note(outcome.changes)
        shown = figures(readings.take())
    assert ("kappawatch_annotations", (PROJECT, "large")) in shown


def test_a_task_with_very_many_patterns_is_paid_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it costs above a slice, the calls after it save."""
    monkeypatch.setattr("streams.readings.PATTERNS", 1)
    monkeypatch.setattr("streams.readings.SLICE", 4)
    home = Home(0, open_store("sqlite://"), rules())
    sent = [annotation("ann", f"i{n}", f"label{n}", task="a", id=f"a{n}") for n in range(10)]
    sent += [annotation("ann", "i0", "yes", task=f"b{n}", id=f"b{n}") for n in range(5)]
    list(home.process(TOPIC, [Record(place, value) for place, value in enumerate(messages(sent))]))
    readings = Readings(home)
    shown = [len(readings.take().tasks) for _ in range(5)]
    assert shown == [1, 1, 1, 2, 4], "14 of a slice of 4: a quarter of 12 for the annotator; then 2 tasks of 2 a call"


def test_the_largest_tasks_are_shown_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.readings.MOST_TASKS", 3)
    home = home_of_tasks({"small": 1, "large": 20, "zwei": 4, "vier": 5, "drei": 6})
    readings = Readings(home)
    taken = settled(readings)
    assert [task.size[2] for task in taken.tasks] == ["large", "drei", "vier"], "by powers of two, then by name"
    assert taken.suppressed == 2

    records = [Record(home.position(TOPIC) + 1 + n, value) for n, value in enumerate(small_grows())]
    for outcome in home.process(TOPIC, records):
        readings.note(outcome.changes)
    taken = settled(readings)
    assert [task.size[2] for task in taken.tasks] == ["large", "small", "drei"]
    assert figures(taken) == figures(settled(Readings(home)))


def small_grows() -> list[bytes]:
    return messages([annotation("ann", f"new{n}", "yes", task="small", id=f"new{n}") for n in range(18)])


def test_a_page_has_the_largest_tasks_of_all_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.metrics.MOST_TASKS", 2)
    metrics = WorkerMetrics()
    for number, sizes in enumerate(({"a": 9, "b": 1}, {"c": 5})):
        metrics.homes[number] = replace(settled(Readings(home_of_tasks(sizes))), suppressed=10)
    found = families(registry(metrics))
    assert {sample.labels["task"] for sample in found["kappawatch_items"]} == {"a", "c"}
    assert [sample.value for sample in found["kappawatch_tasks_suppressed"]] == [21.0]


def test_a_step_of_unfinished_work_makes_everything_be_read_again() -> None:
    """A page that was taken in the middle of a rebuild does not stay."""
    kept = home_of_tasks({"a": 9, "b": 6})
    metrics = WorkerMetrics()
    owner = Owner(lambda: kept.store, lambda _: rules(lambda *_: TaskConfig("ordinal", ("yes", "no"))), metrics)
    owner.positions([TP(TOPIC, 0)])
    owner.show(0)
    seen = figures(metrics.homes[0])
    while owner.step(0) is not None:
        pass
    owner.show(0)
    assert figures(metrics.homes[0]) == figures(settled(Readings(owner._homes[0])))
    assert figures(metrics.homes[0]) != seen


def test_a_flood_of_names_stays_below_prometheus_limit() -> None:
    """Of everything more than there is room for, on one page: Prometheus drops a page above its limit whole."""
    config = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "prometheus.yml").read_text(encoding="utf-8"))
    [limit] = {job["sample_limit"] for job in config["scrape_configs"] if "sample_limit" in job}
    metrics = WorkerMetrics()
    home = settled(Readings(home_of_tasks({"a": 9})))
    [task] = home.tasks
    sizes = [(-n, "p", f"t{n}") for n in range(MOST_TASKS + 9)]
    varying = "_agreement_|_labels$|_confused_|_gold_label_"
    others = [sample for sample in task.samples if not re.search(varying, sample.name)]
    others += [Sample("kappawatch_pairable_labels", ("p", "t", f"l{n}"), n) for n in range(MOST_LABELS)]
    others.append(Sample("kappawatch_disagreeing_labels", ("p", "t"), 1.0))
    others += [Sample("kappawatch_confused_pair_ratio", ("p", "t", "a", f"l{n}"), 0.5) for n in range(MOST_CONFUSED)]
    others += [
        Sample("kappawatch_gold_label_answers", ("p", "t", f"l{n}", outcome), n)
        for n in range(MOST_LABELS)
        for outcome in ("pass", "fail")
    ]
    others += [Sample(f"kappawatch_gold_{bound}ratio", ("p", "t"), 0.5) for bound in ("", "lower_", "upper_")]
    agreement = [
        Sample(f"kappawatch_agreement_{bound}ratio", ("p", "t", name), 0.5)
        for name in (*COEFFICIENTS, *RANKINGS)
        for bound in ("", "lower_", "upper_")
    ]
    named = [
        TaskReadings(
            size,
            tuple(sample._replace(labels=("p", size[2], *sample.labels[2:])) for sample in (*others, *agreement)),
        )
        for size in sizes
    ]
    alarms = [alarm(100 * project + number, f"p{project}") for project in range(200) for number in range(60)]
    flagged = _alarm_samples(alarms, {(*each.cause[:2], each.cause.subject): Standing(9, 9, 9, 0.5) for each in alarms})
    events = [
        Sample("kappawatch_events_total", (f"p{n}", outcome, "0"), 1.0) for n in range(6000) for outcome in ("x", "y")
    ]
    metrics.homes[0] = HomeReadings((*home.counts, *flagged, *events), tuple(named))
    for number in range(6000):
        metrics.delays.observe_all({f"p{number}": 1}, np.array([1.0]))
        metrics.durations.observe_all({f"p{number}": 1}, np.array([1.0]))
        metrics.review(f"p{number}", "fix")
        metrics.stamp("kappawatch_last_event_timestamp_seconds", number, (f"p{number}",))
    assert len(metrics.delays.held) == len(metrics.durations.held) == MOST_PROJECTS + 1, "names are not kept either"
    assert len(metrics.values["kappawatch_last_event_timestamp_seconds"]) == MOST_SERIES
    lines = [line for line in generate_latest(registry(metrics)).splitlines() if line[:1] not in {b"#", b""}]
    names = len(COEFFICIENTS) + len(RANKINGS)
    assert sum(line.startswith(b"kappawatch_agreement_ratio") for line in lines) == MOST_TASKS * names
    assert sum(line.startswith(b"kappawatch_pairable_labels") for line in lines) == MOST_TASKS * MOST_LABELS
    flags = [line for line in lines if line.startswith(b"kappawatch_flagged_annotator")]
    assert len(flags) == 4 * MOST_FLAGS
    suppressed = [line for line in lines if line.startswith(b"kappawatch_flagged_suppressed")]
    assert sum(float(line.split()[-1]) for line in suppressed) == len(alarms) - MOST_FLAGS
    families = {re.sub(rb"(_bucket|_sum|_count)?[{ ].*", b"", line).decode() for line in lines}
    assert families == set(CATALOGUE) - SET_BY_THE_WORKER
    guide = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert f"everything: {len(lines):,} series" in guide
    assert len(lines) < SAMPLES_MANY < limit, "not even the alert on a large page fires"
    assert len(lines) > 0.9 * SAMPLES_MANY, "there is no room for many more tasks"
