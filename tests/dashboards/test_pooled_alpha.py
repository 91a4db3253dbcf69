"""The pooled alpha of docs/agreement.md: PromQL on a worker's page gives what the core gives."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest
from prometheus_client import generate_latest

from detectors.agreement import Table, agreement, alpha_parts, item_pattern
from streams.homes import Home
from streams.metrics import MOST_LABELS, WorkerMetrics, registry
from streams.readings import SHARE_BUCKETS, Readings
from streams.store import open_store
from tests.made_events import annotation, messages
from tests.servers.process import MissingProgramError, wait_until
from tests.servers.prometheus import Prometheus
from tests.streams.folding import TOPIC, Record, rules

GUIDE = Path(__file__).parents[2] / "docs" / "agreement.md"
SCRAPE = """
scrape_configs:
  - job_name: kappawatch
    scrape_interval: 1s
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""

Items = list[list[str]]


def random_items(random: Random) -> Items:
    """Items with 1 to 5 labels each, about one in three given without looking."""
    truths = random.choices("abcd", weights=(6, 3, 2, 1), k=random.randint(5, 60))
    return [
        [truth if random.random() < 0.7 else random.choice("abcd") for _ in range(random.randint(1, 5))]
        for truth in truths
    ]


def patterns(items: Items) -> Counter[str]:
    return Counter(map(item_pattern, items))


def test_the_parts_add_up_to_alpha() -> None:
    random = Random(4)
    compared = 0
    for _ in range(200):
        tasks = [random_items(random) for _ in range(random.randint(1, 4))]
        alpha = agreement(patterns([labels for items in tasks for labels in items]), "nominal", 4)[
            "alpha_nominal"
        ].value
        parts = [alpha_parts(patterns(items)) for items in tasks]
        labels = sum((Counter(part.labels) for part in parts), Counter())
        n, disagreeing = labels.total(), sum(part.disagreeing for part in parts)
        pooled = 1 - (n - 1) * disagreeing / Fraction(n * n - sum(count * count for count in labels.values()))
        assert float(pooled) == pytest.approx(alpha, abs=1e-12)
        compared += 1
    assert compared == 200


def page(tasks: list[Items]) -> bytes:
    """The metrics of a worker that has taken in these tasks, and one with too many labels."""
    events = [
        annotation(f"a{who}", f"i{number}", label, task=f"t{task}", id=f"{task}-{number}-{who}")
        for task, items in enumerate(tasks)
        for number, labels in enumerate(items)
        for who, label in enumerate(labels)
    ]
    events += [annotation("ab"[n % 2], f"i{n // 2}", f"l{n}", task="many", id=f"m{n}") for n in range(MOST_LABELS + 2)]
    home = Home(0, open_store("sqlite://"), rules())
    list(home.process(TOPIC, [Record(offset, value) for offset, value in enumerate(messages(events))]))
    readings, metrics = Readings(home), WorkerMetrics()
    metrics.homes[0] = readings.take()
    while readings.pending:
        metrics.homes[0] = readings.take()
    return bytes(generate_latest(registry(metrics)))


def test_a_task_with_many_labels_has_no_parts() -> None:
    text = page([[["a", "b"]]]).decode()
    assert 'kappawatch_disagreeing_labels{project="news",task="t0"} 2.0' in text
    assert 'kappawatch_disagreeing_labels{project="news",task="many"}' not in text
    assert 'kappawatch_pairable_labels{label="l1"' not in text
    assert 'kappawatch_pairable_items{project="news",task="many"}' in text


@pytest.fixture
def tasks() -> list[Items]:
    random = Random(5)
    return [random_items(random) for _ in range(3)]


@pytest.fixture
def prometheus(tasks: list[Items]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the page of a worker with these tasks."""
    content = page(tasks)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Prometheus(SCRAPE % server.server_port) as running:
            yield running
    except MissingProgramError as missing:
        pytest.fail(str(missing), pytrace=False)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.integration
def test_the_query_of_the_guide_gives_the_pooled_alpha(prometheus: Prometheus, tasks: list[Items]) -> None:
    found = re.search(r"```promql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    query = found[1].replace('project="news"', 'project="news", task=~"t.*"')
    assert query.count('task=~"t.*"') == 4
    wait_until(lambda: bool(prometheus.query("kappawatch_disagreeing_labels")), 60, "the page is scraped")
    [sample] = prometheus.query(query)
    together = patterns([labels for items in tasks for labels in items])
    expected = agreement(together, "nominal", 4)["alpha_nominal"].value
    assert expected is not None
    assert 0.2 < expected < 0.9
    assert float(sample["value"][1]) == pytest.approx(expected, abs=1e-9)
    each = [agreement(patterns(items), "nominal", 4)["alpha_nominal"].value for items in tasks]
    assert all(abs(expected - alpha) > 1e-3 for alpha in each), "one task alone would not do"
    assert Table.of(together).pairable > 50


@pytest.mark.integration
def test_gauge_histograms_are_taken_in_from_the_text_format_too(prometheus: Prometheus) -> None:
    """The overview's panels read them from OpenMetrics."""
    bucket = 'kappawatch_annotator_agreement_bucket{task="t0"}'
    wait_until(lambda: bool(prometheus.query(bucket)), 60, "the page is scraped")
    found = {sample["metric"]["le"]: float(sample["value"][1]) for sample in prometheus.query(bucket)}
    assert found.keys() == {*map(str, SHARE_BUCKETS), "+Inf"}
    assert found["+Inf"] == 5
    [median] = prometheus.query(f"histogram_quantile(0.5, {bucket})")
    assert 0.4 < float(median["value"][1]) < 0.9
