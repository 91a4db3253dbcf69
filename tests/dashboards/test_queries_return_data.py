from __future__ import annotations

from contextlib import suppress

import pytest

from tests.dashboards.expressions import PanelQuery, dashboard_queries
from tests.servers.process import wait_until
from tests.servers.prometheus import Prometheus

QUERIES = list(dashboard_queries())


def without_data(prometheus: Prometheus) -> list[PanelQuery]:
    return [query for query in QUERIES if not prometheus.query(query.expr)]


@pytest.mark.integration
def test_every_query_of_every_panel_returns_data(scraped: Prometheus):
    assert len(QUERIES) >= 60
    with suppress(TimeoutError):  # the assertion below names them
        wait_until(lambda: not without_data(scraped), 60, "every query returns data")
    assert without_data(scraped) == []


@pytest.mark.integration
def test_no_rule_fails(scraped: Prometheus):
    wait_until(lambda: bool(scraped.query("up == 1")), 60, "the page is scraped")

    def evaluated() -> bool:
        rules = [rule for group in scraped.api("rules")["groups"] for rule in group["rules"]]
        return bool(rules) and all(rule["health"] == "ok" for rule in rules)

    wait_until(evaluated, 60, "every rule is evaluated without an error")
