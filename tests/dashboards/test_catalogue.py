from __future__ import annotations

import re
import subprocess

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from streams.catalogue import CATALOGUE, Metric
from tests.servers.prometheus import promtool

METRICS = tuple(CATALOGUE.values())
UNBOUNDED = {"item", "annotation", "id", "session", "user"}


def test_the_catalogue_is_keyed_by_name():
    assert [metric.name for metric in METRICS] == list(CATALOGUE)
    assert len(METRICS) == 51


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_obey_prometheus(metric: Metric):
    assert re.fullmatch(r"kappawatch_[a-z]+(_[a-z]+)*", metric.name)
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert not metric.name.endswith(("_bucket", "_sum", "_count"))
    assert not re.search(r"_(ms|milliseconds|minutes|percent)(_|$)", metric.name), "base units: seconds, ratios"
    if metric.kind == "histogram":
        assert metric.name.endswith("_seconds")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_help_is_a_sentence(metric: Metric):
    assert metric.help.endswith(".")
    assert len(metric.help) > 20
    assert metric.help[0].isupper() or metric.help[0].isdigit()
    assert "\n" not in metric.help


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_labels_are_bounded_and_come_project_first(metric: Metric):
    assert not UNBOUNDED & set(metric.labels)
    assert len(set(metric.labels)) == len(metric.labels) <= 4
    if "project" in metric.labels:
        assert metric.labels[0] == "project"
    if "task" in metric.labels:
        assert metric.labels[1] == "task"


def test_a_label_is_one_of_the_few_that_a_task_may_show():
    assert [metric.name for metric in METRICS if {"label", "label_a", "label_b"} & {*metric.labels}] == [
        "kappawatch_pairable_labels",
        "kappawatch_confused_pair_ratio",
        "kappawatch_gold_label_answers",
    ]


def test_an_annotator_is_a_label_of_flags_only():
    assert [metric.name for metric in METRICS if "annotator" in metric.labels] == [
        f"kappawatch_flagged_annotator_{figure}" for figure in ("info", "gold_ratio", "agreement_ratio", "items")
    ]


@pytest.mark.integration
def test_promtool_accepts_the_catalogue_as_a_page():
    page = CollectorRegistry()
    kinds = {"counter": Counter, "gauge": Gauge, "histogram": Histogram, "gaugehistogram": Histogram}
    for metric in METRICS:
        child = kinds[metric.kind](metric.name, metric.help, metric.labels, registry=page)
        if metric.labels:
            child.labels(*("a" for _ in metric.labels))
    checked = subprocess.run(
        [promtool(), "check", "metrics"], input=generate_latest(page), capture_output=True, timeout=30, check=False
    )
    complaints = checked.stderr.decode().splitlines()
    # prometheus_client adds the time of creation, which the worker does not export.
    assert [line for line in complaints if "_created" not in line] == []
