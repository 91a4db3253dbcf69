"""What is shipped: a wheel of exactly three packages with their data, and locks that fit pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("streams", "detectors", "dashboards")
LOCKS = {"requirements.lock": {"postgresql", "compression", "editable"}, "requirements-development.lock": None}
PIN = re.compile(r"^([a-z0-9-]+)==([^ ]+)(?: ; ([^\\]+?))? \\$")


def pins(lock: str) -> dict[str, set[str]]:
    """Name to versions: some packages have one for other platforms or Pythons."""
    versions: dict[str, set[str]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if found := PIN.match(line):
            versions.setdefault(found[1], set()).add(found[2])
    return versions


def declared(extras: set[str] | None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    chosen = optional if extras is None else extras
    return [
        Requirement(line) for line in [*project["dependencies"], *(line for key in chosen for line in optional[key])]
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_or_a_hash_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    kinds = ["pin" if PIN.match(line) else "hash" for line in lines]
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines if not PIN.match(line))
    assert all(after == "hash" for kind, after in pairwise(kinds) if kind == "pin")
    assert kinds.count("pin") > 40
    assert "://" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_all_that_pyproject_asks_for(lock: str) -> None:
    versions = pins(lock)
    for requirement in declared(LOCKS[lock]):
        found = versions.get(canonicalize_name(requirement.name), set())
        assert found, f"{lock} lacks {requirement}: make it again as its first lines say"
        assert all(requirement.specifier.contains(version) for version in found), (requirement, found)


def test_both_locks_agree() -> None:
    development = pins("requirements-development.lock")
    for name, versions in pins("requirements.lock").items():
        assert development[name] == versions


def test_what_runs_is_not_tied_to_what_tests() -> None:
    """krippendorff is GPL-3: it is compared with in tests and never shipped."""
    assert not pins("requirements.lock").keys() & {"krippendorff", "pytest", "hypothesis", "mypy", "ruff"}


def test_the_wheel_holds_exactly_the_three_packages_and_their_data(tmp_path: Path) -> None:
    source = tmp_path / "source"
    unwanted = shutil.ignore_patterns("__pycache__", ".*")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=unwanted)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    expected = {
        path.relative_to(source).as_posix() for p in PACKAGES for path in (source / p).rglob("*") if path.is_file()
    }
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run(command, check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith("kappawatch-0.1.0.dist-info/")}
        scripts = archive.read("kappawatch-0.1.0.dist-info/entry_points.txt").decode()
    assert names == expected
    assert "kappawatch = streams.cli:main" in scripts
