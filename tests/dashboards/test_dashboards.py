"""The rules of Grafana's dashboard linter that matter here, and what our dashboards promise beyond them."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest

from dashboards import thresholds
from dashboards.generate import dashboards
from dashboards.rules import recorded_names
from streams.catalogue import CATALOGUE, GOLD_TARGET
from tests.dashboards.expressions import (
    OF_PROMETHEUS,
    RATES,
    PanelQuery,
    dashboard_queries,
    family,
    other_queries,
    panels,
    series,
)

DASHBOARDS = dashboards()
PANELS = [
    pytest.param(panel, id=f"{dashboard['uid']} {panel['id']}")
    for dashboard in DASHBOARDS
    for panel in panels(dashboard)
]
QUERIES = [
    pytest.param(query, id=f"{query.panel} {number}")
    for number, query in enumerate([*dashboard_queries(), *other_queries()])
]
PANEL_TYPES = {"stat", "timeseries", "table", "state-timeline", "text"}
# Quality is judged over a fixed time: these questions are about an hour, whatever the zoom.
FIXED_WINDOWS = {
    "Detections and alarms per hour",
    "Gold results per hour",
    "Outbox",
    "Reviews per hour",
    "annotation Drift",
}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard["uid"])
def test_a_dashboard_has_what_every_dashboard_has(dashboard: dict[str, Any]):
    assert dashboard["uid"].startswith("kappawatch-")
    assert dashboard["editable"] is False
    assert dashboard["schemaVersion"] == 41
    assert (dashboard["time"]["from"], dashboard["refresh"]) == ("now-6h", "30s")
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert "${DS_" not in str(dashboard), "exported by hand"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard["uid"])
def test_the_variables(dashboard: dict[str, Any]):
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert next(iter(variables)) == "datasource"
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["label"] == "Data source"
    assert (variables["project"]["multi"], variables["project"]["includeAll"]) == (True, True)
    for variable in variables.values():
        if variable["type"] == "query":
            assert variable["refresh"] == 2, "refreshed when the time range changes"
            assert variable["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: dict[str, Any]):
    assert panel["type"] in PANEL_TYPES
    assert panel["title"]
    if panel["type"] == "text":
        assert panel["options"]["content"]
        return
    assert panel["description"].endswith((".", "?"))
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["legendFormat"]
    refs = [target["refId"] for target in panel["targets"]]
    assert len(set(refs)) == len(refs)


def test_titles_are_unique():
    titles = [panel["title"] for dashboard in DASHBOARDS for panel in panels(dashboard)]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard["uid"])
def test_panels_lie_side_by_side(dashboard: dict[str, Any]):
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_parses_and_reads_what_is_exported(query: PanelQuery):
    names = {family(each.name) for each in series(query.expr)}
    assert names <= set(CATALOGUE) | recorded_names() | OF_PROMETHEUS


@pytest.mark.parametrize("query", QUERIES)
def test_counters_are_read_as_rates(query: PanelQuery):
    for each in series(query.expr):
        metric = CATALOGUE.get(family(each.name))
        if metric and metric.kind in {"counter", "histogram"}:
            assert RATES & set(each.functions), f"{each.name} outside rate() or increase()"


@pytest.mark.parametrize("panel", PANELS)
def test_rates_follow_the_zoom(panel: dict[str, Any]):
    for target in panel.get("targets", ()):
        windows = set(re.findall(r"(?:rate|increase)\([^\[]*\[([^\]]+)\]", target["expr"]))
        fixed = {"1h"} if panel["title"] in FIXED_WINDOWS else set()
        assert windows <= {"$__rate_interval"} | fixed


@pytest.mark.parametrize("query", QUERIES)
def test_a_statistic_is_read_once_while_its_project_moves(query: PanelQuery):
    moving = [
        each.name
        for each in series(query.expr)
        if (metric := CATALOGUE.get(family(each.name)))
        and metric.kind in {"gauge", "gaugehistogram"}
        and {"project", "topic"} & set(metric.labels)
    ]
    if not query.panel.startswith("variable "):
        assert len(re.findall(r"max by \([^)]*(?:project|topic)[^)]*\) \(", query.expr)) == len(moving)


@pytest.mark.parametrize("query", QUERIES)
def test_labels_exist(query: PanelQuery):
    """A matcher on a label that the metric lacks selects nothing, silently."""
    for each in series(query.expr):
        used = set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", each.matchers))
        if each.name in OF_PROMETHEUS or each.name in recorded_names():
            continue
        assert used <= {*CATALOGUE[family(each.name)].labels, "job", "instance"}


def test_every_metric_of_the_catalogue_is_shown():
    shown = {family(each.name) for query in dashboard_queries() for each in series(query.expr)}
    by_a_rule = {"kappawatch_partition_end_offset", "kappawatch_partition_position"}
    assert shown >= set(CATALOGUE) - by_a_rule
    assert "topic_partition:kappawatch_lag:max" in shown


def test_colours_change_where_alerts_fire():
    steps = {
        panel["title"]: [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]]
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        if panel["type"] != "text"
    }
    assert GOLD_TARGET in steps["Gold accuracy, last hour"]
    assert thresholds.AGREEMENT_TENTATIVE in steps["Agreement ($coefficient) with interval"]
    assert thresholds.HEARTBEAT_STALE_SECONDS in steps["Heartbeat age"]
    assert thresholds.IDLE_SECONDS in steps["Since the last event"]
    assert [burn.factor for burn in reversed(thresholds.BURNS)] == steps["Dead-letter budget burn"]
