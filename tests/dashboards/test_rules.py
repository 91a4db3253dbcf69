from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import thresholds
from dashboards.generate import RULES
from dashboards.rules import GOLD_WINDOWS, Alert, Links, Recorded, alerts, groups, recorded_names, rule_file
from streams.catalogue import CATALOGUE
from tests.dashboards.expressions import OF_PROMETHEUS, RATES, PanelQuery, family, rule_queries, series
from tests.servers.prometheus import amtool, promtool

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "dashboards" / "runbooks"
ALERTMANAGER = ROOT / "deploy" / "alertmanager.yml"
RULE_TESTS = sorted(Path(__file__).parent.glob("rules*_test.yml"))
ALERTS = alerts()
ALERT_NAMES = sorted({alert.name for alert in ALERTS})
WRITTEN = [rule for group in rule_file(Links())["groups"] for rule in group["rules"] if "alert" in rule]
EXPRESSIONS = [pytest.param(query, id=f"{query.panel} {number}") for number, query in enumerate(rule_queries())]
# A rate misses the first failure of a counter that begins with it.
SEES_NEW_COUNTERS = {"KappawatchOutboxFailed"}
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "False alarm"]


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[duration[-1]]


@pytest.mark.parametrize("query", EXPRESSIONS)
def test_a_rule_parses_and_reads_what_is_exported(query: PanelQuery):
    for each in series(query.expr):
        assert family(each.name) in set(CATALOGUE) | recorded_names() | OF_PROMETHEUS
        metric = CATALOGUE.get(family(each.name))
        if metric and metric.kind in {"counter", "histogram"} and query.panel not in SEES_NEW_COUNTERS:
            assert RATES & set(each.functions)


def test_what_is_recorded_is_recorded_before_it_is_read():
    known: set[str] = set()
    for group in groups():
        for rule in group.rules:
            read = {each.name for each in series(rule.expr)} & recorded_names()
            assert read <= known, rule.name
            if isinstance(rule, Recorded):
                assert re.fullmatch(r"[a-z_]+:kappawatch_[a-z_]+:[a-z_]+(\d+[mhd])?", rule.name)
                known.add(rule.name)


@pytest.mark.parametrize("rule", WRITTEN, ids=range(len(WRITTEN)))
def test_every_alert_can_be_routed_and_read(rule: dict[str, Any]):
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["labels"]["team"] in {"annotation-qa", "platform"}
    assert rule["labels"]["scope"]
    assert rule["labels"]["signal"]
    assert "{{" not in rule["annotations"]["summary"], "constant, so that alerts group"
    assert rule["annotations"]["description"].endswith(".")
    assert rule["annotations"]["runbook_url"] == "{{ $externalURL }}/user/" + rule["alert"] + ".md"
    assert "/d/kappawatch-overview/" in rule["annotations"]["dashboard_url"]
    if rule["labels"]["scope"] == "project":
        assert "var-project={{ $labels.project | urlquery }}" in rule["annotations"]["dashboard_url"]


@pytest.mark.parametrize("alert", ALERTS, ids=range(len(ALERTS)))
def test_a_blip_does_not_alert(alert: Alert):
    interval = next(seconds(group.interval) for group in groups() if alert in group.rules)
    if alert.name in {"Watchdog", "KappawatchOutboxFailed"}:  # always, and at the first message lost
        assert alert.sustained == "0s"
    else:
        assert seconds(alert.sustained) >= 2 * interval


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == ALERT_NAMES


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_a_runbook_says_what_to_do(name: str):
    lines = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {name}"
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS
    for heading, following in itertools.pairwise(lines):
        if heading.startswith("## "):
            assert following.strip(), f"nothing under {heading}"


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_a_runbook_points_to_what_exists(name: str):
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\b(?:Kappawatch[A-Z]\w+)", text)) <= set(ALERT_NAMES)


@pytest.mark.parametrize("burn", thresholds.BURNS, ids=lambda burn: f"{burn.factor}x")
def test_a_burn_rate_can_be_reached(burn: thresholds.Burn):
    assert burn.factor * (1 - thresholds.DEAD_LETTER_OBJECTIVE) < 1
    assert seconds(burn.long) == 12 * seconds(burn.short)


def test_an_inhibiting_alert_fires_before_the_inhibited_are_sent():
    """Otherwise they are notified all the same (alertmanager#2229): group_wait covers one evaluation."""
    route = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    sustained = {alert.name: seconds(alert.sustained) for alert in ALERTS}
    interval = max(seconds(group.interval) for group in groups())
    for rule in route["inhibit_rules"]:
        source = re.fullmatch(r"alertname = (\w+)", rule["source_matchers"][0])
        targets = re.findall(r"Kappawatch\w+", rule["target_matchers"][0])
        assert source
        assert targets
        for target in targets:
            assert seconds(route["route"]["group_wait"]) > sustained[source[1]] - sustained[target] + interval


def test_every_alert_is_tested_firing_and_not_firing():
    cases: dict[str, set[bool]] = {name: set() for name in ALERT_NAMES}
    for path in RULE_TESTS:
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                cases[case["alertname"]].add(bool(case["exp_alerts"]))
    del cases["Watchdog"]  # cannot but fire
    assert cases == {key: {True, False} for key in cases}


def test_both_gold_windows_alert():
    gold = next(alert for alert in ALERTS if alert.name == "KappawatchGoldAccuracyLow")
    assert [f"increase{window} >= 20" in gold.expr for window in GOLD_WINDOWS] == [True, True]


@pytest.mark.integration
def test_promtool_accepts_the_rules():
    run(promtool(), "check", "rules", "--lint=all", "--lint-fatal", str(ROOT / "dashboards" / RULES))


@pytest.mark.integration
def test_promtool_agrees_on_every_case():
    assert len(RULE_TESTS) == 2
    run(promtool(), "test", "rules", *map(str, RULE_TESTS))


@pytest.mark.integration
def test_amtool_accepts_the_configuration():
    run(amtool(), "check-config", str(ALERTMANAGER))


@pytest.mark.integration
@pytest.mark.parametrize("rule", WRITTEN, ids=range(len(WRITTEN)))
def test_an_alert_reaches_its_team(rule: dict[str, Any]):
    receiver = "dead-man-switch" if rule["alert"] == "Watchdog" else rule["labels"]["team"]
    labels = [f"{name}={value}" for name, value in rule["labels"].items()]
    run(
        amtool(), "config", "routes", "test", f"--config.file={ALERTMANAGER}",
        f"--verify.receivers={receiver}", f"alertname={rule['alert']}", *labels,
    )  # fmt: skip


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
