"""The PromQL of dashboards and rules, as tests read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import promql_parser

from dashboards.generate import dashboards
from dashboards.rules import groups
from streams.catalogue import CATALOGUE

# What Grafana puts in for the variables when "All" is chosen, at a time range of some hours.
GRAFANA: Mapping[str, str] = {
    "$__rate_interval": "1m",
    "$__interval": "30s",
    "$__range": "6h",
    "$project": ".*",
    "$task": ".*",
    "$coefficient": "alpha",
}
# Prometheus itself makes these.
OF_PROMETHEUS = {"up", "scrape_samples_scraped", "ALERTS"}
RATES = {"rate", "increase", "irate"}


class PanelQuery(NamedTuple):
    """One query of one panel, ready for Prometheus."""

    panel: str
    expr: str


class Series(NamedTuple):
    """A selector of an expression, the functions around it from the outside in, and its label matchers."""

    name: str
    functions: tuple[str, ...]
    matchers: str


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The panels that show something: all but the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def dashboard_queries(variables: Mapping[str, str] = GRAFANA) -> Iterator[PanelQuery]:
    """Every query of every panel with Grafana's variables replaced."""
    for dashboard in dashboards():
        for panel in panels(dashboard):
            for target in panel.get("targets", ()):
                yield PanelQuery(panel["title"], substituted(target["expr"], variables))


def other_queries() -> Iterator[PanelQuery]:
    """The expressions outside panels: of variables and annotations."""
    for dashboard in dashboards():
        for annotation in dashboard["annotations"]["list"]:
            if "expr" in annotation:  # the others are marks that people and programs post
                yield PanelQuery(f"annotation {annotation['name']}", substituted(annotation["expr"]))
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                selector = re.fullmatch(r"label_values\((.+), \w+\)", variable["definition"])
                assert selector, variable["definition"]
                yield PanelQuery(f"variable {variable['name']}", substituted(selector[1]))


def rule_queries() -> Iterator[PanelQuery]:
    """The expression of every rule, under the rule's name."""
    for group in groups():
        for rule in group.rules:
            yield PanelQuery(rule.name, rule.expr)


def substituted(expr: str, variables: Mapping[str, str] = GRAFANA) -> str:
    """The expression as Grafana sends it."""
    for name in sorted(variables, key=len, reverse=True):
        expr = expr.replace(name, variables[name])
    assert "$" not in expr, f"a variable that Grafana does not know: {expr}"
    return expr


def series(expr: str) -> list[Series]:
    """Every selector of the expression; one that does not parse raises ValueError."""
    return list(_series(promql_parser.parse(expr), ()))


def family(name: str) -> str:
    """The catalogue's name for a series: without the endings that a histogram adds.

    >>> family("kappawatch_commit_duration_seconds_bucket")
    'kappawatch_commit_duration_seconds'
    """
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if base in CATALOGUE and CATALOGUE[base].kind in {"histogram", "gaugehistogram"} else name


def _series(node: Any, functions: tuple[str, ...]) -> Iterator[Series]:
    match type(node).__name__:
        case "VectorSelector":
            yield Series(node.name, functions, str(node))
        case "MatrixSelector":
            yield from _series(node.vector_selector, functions)
        case "Call":
            for argument in node.args:
                yield from _series(argument, (*functions, node.func.name))
        case "BinaryExpr":
            yield from _series(node.lhs, functions)
            yield from _series(node.rhs, functions)
        case "NumberLiteral" | "StringLiteral":
            pass
        case "AggregateExpr" | "ParenExpr" | "SubqueryExpr" | "UnaryExpr":
            yield from _series(node.expr, functions)
        case unknown:
            raise AssertionError(f"{unknown} is not looked into")
