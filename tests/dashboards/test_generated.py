from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dashboards.generate import generated, write
from dashboards.rules import Links

PACKAGE = Path(__file__).parents[2] / "dashboards"
FILES = generated(Links())


@pytest.mark.parametrize("name", FILES)
def test_the_committed_file_is_current(name: str):
    committed = (PACKAGE / name).read_text(encoding="utf-8")
    assert committed == FILES[name], "run `python -m dashboards` and commit what it writes"


def test_nothing_stale_lies_beside_the_generated_files():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for folder in ("grafana", "prometheus")
        for path in (PACKAGE / folder).iterdir()
    }
    assert found == set(FILES)


def test_links_can_lead_elsewhere(tmp_path: Path):
    links = Links(runbook="https://runbooks.example/%s", grafana="https://grafana.example")
    rules = next(path for path in write(tmp_path, links) if path.suffix == ".yml").read_text(encoding="utf-8")
    assert "runbook_url: https://runbooks.example/KappawatchWorkerDown\n" in rules
    assert "dashboard_url: https://grafana.example/d/kappawatch-overview/\n" in rules
    assert "127.0.0.1" not in rules


def test_the_package_imports_nothing_of_streams_but_the_catalogue():
    program = (
        "import sys, dashboards.generate\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('streams', 'detectors', 'faust')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert set(eval(loaded.stdout)) <= {"streams", "streams.catalogue"}  # noqa: S307
