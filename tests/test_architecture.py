"""Who may know whom: the core nothing of the world around it, the dashboards nothing but the list of metrics."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("detectors", "streams", "dashboards")

WORLD = {
    "asyncio", "calendar", "concurrent", "glob", "http", "locale", "logging", "multiprocessing", "os",
    "pathlib", "platform", "queue", "random", "sched", "secrets", "select", "selectors", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid", "warnings", "zoneinfo",
}  # fmt: skip
"""Of the standard library: clocks, randomness, input and output, logging, threads."""

INFRASTRUCTURE = {
    "aiohttp", "aiokafka", "confluent_kafka", "faust", "mode", "msgspec", "prometheus_client", "psycopg", "rich",
    "sqlite3",
}  # fmt: skip

EFFECTS = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in it, at its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)


def faults_of_the_core(text: str) -> list[str]:
    """What a module of the core must not do."""
    tree = ast.parse(text)
    allowed = (set(sys.stdlib_module_names) - WORLD) | {"detectors", "numpy", "scipy", "river"}
    found = [f"imports {name}" for name in imports(tree) if name.split(".")[0] not in allowed]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EFFECTS:
            found.append(f"calls {node.func.id}")
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow", "default_rng", "seed"}:
            found.append(f"uses {node.attr}")
        if isinstance(node, ast.Attribute) and node.attr == "random":
            found.append("uses random")
    return found


@pytest.mark.parametrize("path", sources("detectors"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_is_pure(path: Path) -> None:
    assert faults_of_the_core(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import logging",
        "import time",
        "from random import Random",
        "from datetime import datetime\nx = datetime.now()",
        "import sqlite3",
        "import msgspec",
        "from streams.events import Event",
        "from dashboards import panels",
        "import pandas",
        "def f():\n    import os",
        "x = open('file')",
        "print(1)",
        "from numpy import x\nx.random.normal()",
    ],
)
def test_an_impure_core_would_be_noticed(text: str) -> None:
    assert len(faults_of_the_core(text)) == 1


def loaded(package: str) -> set[str]:
    """The top-level modules that a fresh Python has after importing every module of a package."""
    program = (
        "import importlib, json, pkgutil, sys\n"
        f"import {package}\n"
        f"names = [module.name for module in pkgutil.walk_packages({package}.__path__, '{package}.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'):\n"
        "        importlib.import_module(name)\n"
        "print(json.dumps([len(names), sorted({name.partition('.')[0] for name in sys.modules})]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=60)
    count, names = json.loads(done.stdout)
    assert count >= len(list((ROOT / package).glob("*.py"))) - 1
    return set(names)


def test_the_core_loads_no_infrastructure() -> None:
    names = loaded("detectors")
    assert {"numpy", "scipy", "river"} <= names
    assert names & (INFRASTRUCTURE | {"streams", "dashboards"}) == set()


def test_dashboards_load_the_catalogue_alone() -> None:
    names = loaded("dashboards")
    assert "dashboards" in names
    assert names & (INFRASTRUCTURE | {"detectors", "numpy", "river"}) == set()


def project_imports(package: str) -> Iterable[tuple[str, str]]:
    """(file, imported) for what a package imports of the project's others."""
    for path in sources(package):
        for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            if name.split(".")[0] in {*PACKAGES, "tests"} - {package}:
                yield str(path.relative_to(ROOT)), name


def test_dashboards_know_the_catalogue_and_nothing_else() -> None:
    assert [found for found in project_imports("dashboards") if not found[1].startswith("streams.catalogue.")] == []


def test_streams_know_the_core_and_no_dashboard() -> None:
    others = {name.split(".")[0] for _, name in project_imports("streams")}
    assert others == {"detectors"}


def test_the_core_knows_nobody() -> None:
    assert list(project_imports("detectors")) == []


def test_the_catalogue_knows_nobody() -> None:
    tree = ast.parse((ROOT / "streams" / "catalogue.py").read_text(encoding="utf-8"))
    assert {name.split(".")[0] for name in imports(tree)} <= set(sys.stdlib_module_names)
