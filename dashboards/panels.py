"""Builders of Grafana panels as plain dicts, for Grafana 11.6 and newer (dashboard schema 41)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
GRID_COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and the name that its series get in the legend, or its column in a table."""

    expr: str
    name: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Colours by value: ``base`` below the first step, then each step's colour from its value on."""

    base: str
    steps: tuple[tuple[float, str], ...] = ()

    def build(self) -> Json:
        rising = [{"color": colour, "value": value} for value, colour in self.steps]
        return {"mode": "absolute", "steps": [{"color": self.base, "value": None}, *rising]}


@dataclass(frozen=True, slots=True)
class Column:
    """How a table shows one label or query: its heading, and for a query its unit and colours."""

    source: str
    unit: str = "none"
    steps: Steps | None = None


PLAIN = Steps("text")


def text(title: str, content: str, *, width: int = 24, height: int = 3) -> Json:
    """A panel of Markdown."""
    return {
        "type": "text",
        "title": title,
        "gridPos": {"w": width, "h": height},
        "options": {"mode": "markdown", "content": content},
    }


def stat(
    title: str, description: str, queries: Sequence[Query], *, unit: str, steps: Steps, width: int = 4, height: int = 4
) -> Json:
    """The newest value of each series, large and coloured."""
    panel = _panel("stat", title, description, queries, unit, steps, width, height)
    panel["options"] = {
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "textMode": "auto",
        "orientation": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return panel


def timeseries(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    steps: Steps = PLAIN,
    bars: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    width: int = 12,
    height: int = 8,
) -> Json:
    """Series over time; steps are drawn as lines, series named ``... lower`` or ``... upper`` thin and dashed."""
    panel = _panel("timeseries", title, description, queries, unit, steps, width, height)
    defaults = panel["fieldConfig"]["defaults"]
    defaults["custom"] = {
        "drawStyle": "bars" if bars else "line",
        "lineWidth": 0 if bars else 2,
        "fillOpacity": 80 if bars else 0,
        "stacking": {"mode": "normal" if bars else "none", "group": "A"},
        "showPoints": "never",
        "spanNulls": False,
        "thresholdsStyle": {"mode": "dashed" if steps.steps else "off"},
    }
    if minimum is not None:
        defaults["min"] = minimum
    if maximum is not None:
        defaults["max"] = maximum
    panel["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byRegexp", "options": "/ (lower|upper)$/"},
            "properties": [
                {"id": "custom.lineWidth", "value": 1},
                {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [4, 6]}},
                {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": False, "viz": False}},
            ],
        }
    ]
    panel["options"] = {
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel


def state_timeline(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    states: Mapping[int, tuple[str, str]],
    width: int = 12,
    height: int = 8,
) -> Json:
    """A row a series, coloured by state; ``states`` gives each value its name and colour."""
    panel = _panel("state-timeline", title, description, queries, "none", PLAIN, width, height)
    defaults = panel["fieldConfig"]["defaults"]
    defaults["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    defaults["mappings"] = [
        {
            "type": "value",
            "options": {
                str(value): {"text": name, "color": colour, "index": index}
                for index, (value, (name, colour)) in enumerate(states.items())
            },
        }
    ]
    panel["options"] = {
        "mergeValues": True,
        "showValue": "auto",
        "rowHeight": 0.9,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel


def table(
    title: str,
    description: str,
    queries: Sequence[Query],
    columns: Mapping[str, Column],
    *,
    width: int = 24,
    height: int = 8,
) -> Json:
    """One row a label set, as of now; ``columns`` maps each heading to a label or to a query's name.

    Queries that ``columns`` does not mention are hidden: they only say which rows there are.
    """
    panel = _panel("table", title, description, queries, "none", PLAIN, width, height)
    fields = {"Time": "Time"}
    for query, target in zip(queries, panel["targets"], strict=True):
        target |= {"format": "table", "instant": True, "range": False, "legendFormat": "__auto"}
        # Grafana numbers the value columns only where there are several.
        fields[query.name] = f"Value #{target['refId']}" if len(queries) > 1 else "Value"
    shown = {heading: fields.get(column.source, column.source) for heading, column in columns.items()}
    panel["transformations"] = [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {field: True for field in fields.values() if field not in shown.values()},
                "indexByName": {field: index for index, field in enumerate(shown.values())},
                "renameByName": {field: heading for heading, field in shown.items()},
            },
        },
    ]
    panel["fieldConfig"]["overrides"] = [
        {"matcher": {"id": "byName", "options": heading}, "properties": _column_properties(column)}
        for heading, column in columns.items()
        if column.source in fields
    ]
    panel["options"] = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    return panel


def arrange(rows: Sequence[tuple[str, Sequence[Json]]]) -> list[Json]:
    """Number the panels and place them on the grid: a heading for each row, panels left to right below it."""
    placed: list[Json] = []
    y = 0
    for heading, panels in rows:
        placed.append(
            {
                "type": "row",
                "title": heading,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": y, "w": GRID_COLUMNS, "h": 1},
            }
        )
        y += 1
        x = line = 0
        for panel in panels:
            size = panel["gridPos"]
            if x + size["w"] > GRID_COLUMNS:
                x, y, line = 0, y + line, 0
            placed.append(panel | {"gridPos": {"x": x, "y": y, **size}})
            x += size["w"]
            line = max(line, size["h"])
        y += line
    return [{"id": number, **panel} for number, panel in enumerate(placed, start=1)]


def _panel(
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Query],
    unit: str,
    steps: Steps,
    width: int,
    height: int,
) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "gridPos": {"w": width, "h": height},
        "datasource": DATASOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": query.expr,
                "legendFormat": query.name,
                "editorMode": "code",
                "instant": False,
                "range": True,
            }
            for index, query in enumerate(queries)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "color": {"mode": "palette-classic" if kind == "timeseries" else "thresholds"},
                "thresholds": steps.build(),
            },
            "overrides": [],
        },
    }


def _column_properties(column: Column) -> list[Json]:
    properties: list[Json] = [{"id": "unit", "value": column.unit}]
    if column.steps is not None:
        properties += [
            {"id": "thresholds", "value": column.steps.build()},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}},
        ]
    return properties
