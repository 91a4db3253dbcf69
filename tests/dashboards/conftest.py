"""A Prometheus that scrapes a page with every metric of the catalogue and evaluates our rules."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time

import pytest
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from dashboards.generate import RULES
from streams.catalogue import CATALOGUE
from tests.servers.process import MissingProgramError
from tests.servers.prometheus import Prometheus

LABELS = {"project": "birds", "task": "label", "stage": "consumer", "coefficient": "alpha", "version": "0.1.0"}
SCRAPE = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [kappawatch.rules.yml]
scrape_configs:
  - job_name: kappawatch
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


class Page:
    """Every metric of the catalogue with one series (counters: one for each outcome), growing at each scrape."""

    def __init__(self) -> None:
        self.scrapes = 0

    def collect(self) -> Iterator[Family]:
        self.scrapes += 1
        for metric in CATALOGUE.values():
            family = Family(metric.name.removesuffix("_total"), metric.help, metric.kind)
            for outcome in ("applied", "dead_letter", "pass", "fail") if "outcome" in metric.labels else ("",):
                labels = {name: LABELS.get(name, outcome or "any") for name in metric.labels}
                if metric.kind == "histogram":
                    for bound in ("0.1", "+Inf"):
                        family.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, self.scrapes)
                else:
                    family.add_sample(metric.name, labels, self.value(metric.name))
            yield family

    def value(self, name: str) -> float:
        if "timestamp" in name:
            return time()
        return self.scrapes / 2 if "retracted" in name else self.scrapes  # fewer are taken back than were given


@pytest.fixture(scope="session")
def scraped() -> Iterator[Prometheus]:
    """A running Prometheus with our rules (evaluated each second) that scrapes a page with the whole catalogue."""
    page = Page()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
            self.end_headers()
            self.wfile.write(generate_latest(page))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    rules = (Path(__file__).parents[2] / "dashboards" / RULES).read_text(encoding="utf-8")
    try:
        with Prometheus(
            SCRAPE % server.server_port, {"kappawatch.rules.yml": re.sub(r"interval: \d+s", "interval: 1s", rules)}
        ) as prometheus:
            yield prometheus
    except MissingProgramError as missing:
        pytest.fail(str(missing), pytrace=False)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
