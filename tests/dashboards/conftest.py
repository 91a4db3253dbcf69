"""A Prometheus that scrapes a worker fed with the demo campaign, and evaluates our rules."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.generate import RULES
from tests.servers.process import MissingProgramError, Process, free_port
from tests.servers.prometheus import Prometheus

SCRAPE = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [kappawatch.rules.yml]
scrape_configs:
  - job_name: kappawatch
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


@pytest.fixture(scope="session")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A running Prometheus with our rules (evaluated each second) that scrapes the worker of `kappawatch demo`."""
    port = free_port()
    rules = (Path(__file__).parents[2] / "dashboards" / RULES).read_text(encoding="utf-8")
    log = tmp_path_factory.mktemp("demo") / "demo.log"
    demo = Process([sys.executable, "-m", "streams.cli", "demo", "--port", str(port)], log)
    try:
        with Prometheus(
            SCRAPE % port, {"kappawatch.rules.yml": re.sub(r"interval: \d+s", "interval: 1s", rules)}
        ) as prometheus:
            demo.wait_until(
                lambda: bool(prometheus.query("sum(kappawatch_alarms) > 0")), 120, "the demo's worker has an alarm open"
            )
            yield prometheus
    except MissingProgramError as missing:
        pytest.fail(str(missing), pytrace=False)
    finally:
        demo.stop()
