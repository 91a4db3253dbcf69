"""docs/metrics.md lists every family of the catalogue as it is, and none that there is not; its bounds are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser
import pytest

from streams.catalogue import CATALOGUE, GOLD_GOOD, GOLD_MINIMUM_ANSWERS, GOLD_TARGET
from streams.histograms import MOST_PROJECTS
from streams.metrics import MOST_CONFUSED, MOST_FLAGGED, MOST_FLAGS, MOST_LABELS, MOST_SERIES, MOST_TASKS
from streams.readings import SHARE_BUCKETS

pytestmark = pytest.mark.docs

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(kappawatch_\w+)` \| ([a-z ]+) \| (.+?) \| (.+) \|$", re.MULTILINE)


def test_every_family_is_listed_in_order_as_the_catalogue_has_it() -> None:
    kinds = {"gaugehistogram": "gauge histogram"}
    assert ROW.findall(PAGE) == [
        (metric.name, kinds.get(metric.kind, metric.kind), ", ".join(metric.labels) or "–", metric.help)
        for metric in CATALOGUE.values()
    ]


def test_its_bounds_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    for said in (
        f"`good` from {GOLD_GOOD:.0%}, `watch` from {GOLD_TARGET:.0%}, ".replace("%", " %"),
        f"`too_few` with under {GOLD_MINIMUM_ANSWERS} counted answers",
        f"each of {len(SHARE_BUCKETS)} bounds",
        f"| {MOST_TASKS} a page, those with the most annotations |",
        f"| {MOST_FLAGGED} a project, the earliest; {MOST_FLAGS:,} a page, by name |",
        f"| labels, classes of keys | {MOST_LABELS} a task |",
        f"| confused pairs | {MOST_CONFUSED} a task |",
        f"| {MOST_PROJECTS} a worker |",
        f"| {MOST_SERIES:,} |",
    ):
        assert said in text
    assert f"the {MOST_TASKS} that are shown" in CATALOGUE["kappawatch_tasks_suppressed"].help
    assert f"{MOST_FLAGGED}, or the page more than {MOST_FLAGS:,}" in CATALOGUE["kappawatch_flagged_suppressed"].help


def test_its_queries_parse_and_read_what_is_exported() -> None:
    queries = [
        query for query in re.findall(r"`([^`]*kappawatch_[^`]*)`", PAGE.split("## Families")[0]) if "(" in query
    ]
    assert len(queries) == 4
    for query in queries:
        promql_parser.parse(" ".join(query.split()))
        names = re.findall(r"kappawatch_\w+", query)
        assert {name.removesuffix("_bucket") for name in names} <= set(CATALOGUE)
