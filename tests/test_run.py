"""run.py: sets up once, says what is missing, and does nothing where there is nothing to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import run
from streams.cli import COMMANDS

ROOT = Path(run.__file__).resolve().parent


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with locks and a working Python in .venv, but nothing recorded as set up."""
    for name in ("requirements.lock", "requirements-development.lock", "pyproject.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "STAMP", tmp_path / ".venv" / "kappawatch-setup")
    monkeypatch.setattr(run, "PYTHON", Path(sys.executable))
    return tmp_path


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that would change something, instead of running them."""
    taken: list[str] = []
    monkeypatch.setattr(run, "step", lambda command, _: taken.append(" ".join(command)))
    return taken


def test_a_second_run_changes_nothing(checkout: Path, steps: list[str]) -> None:
    run.set_up("runtime")
    assert any("--require-hashes" in step and "requirements.lock" in step for step in steps)
    steps.clear()
    run.set_up("runtime")
    assert steps == []


def test_tests_need_more_than_running_but_not_the_other_way_round(checkout: Path, steps: list[str]) -> None:
    run.set_up("runtime")
    steps.clear()
    run.set_up("development")
    assert any("requirements-development.lock" in step for step in steps)
    steps.clear()
    run.set_up("runtime")
    assert steps == []


@pytest.mark.parametrize("changed", ["requirements.lock", "requirements-development.lock", "pyproject.toml"])
def test_a_change_of_what_is_wanted_sets_up_again(checkout: Path, steps: list[str], changed: str) -> None:
    run.set_up("development")
    steps.clear()
    (checkout / changed).write_text("# changed")
    run.set_up("development")
    assert steps


def test_a_failed_step_is_not_recorded_as_done(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], problem: str) -> None:
        raise run.SetupError(problem)

    monkeypatch.setattr(run, "step", fail)
    with pytest.raises(run.SetupError, match="needs a package index"):
        run.set_up("runtime")
    assert not run.STAMP.exists()


def test_a_python_without_ensurepip_is_passed_over_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    pythons = {
        "/bin/python3": ((3, 11), "No module named 'ensurepip'"),
        "/bin/python3.12": ((3, 12), ""),
    }
    monkeypatch.setattr(run, "probe", lambda python: pythons.get(python, (None, "")))
    monkeypatch.setattr(run.shutil, "which", lambda name: f"/bin/{name}")
    assert run.suitable_python() == "/bin/python3.12"
    del pythons["/bin/python3.12"]
    with pytest.raises(run.SetupError, match=r"ensurepip.*apt-get install python3\.11-venv"):
        run.suitable_python()


def test_another_python_is_refused_with_the_versions_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "probe", lambda _: ((3, 14), ""))
    with pytest.raises(run.SetupError, match=r"needs Python 3\.11 to 3\.13"):
        run.suitable_python()


def test_probe_reads_this_python_and_survives_what_is_none(tmp_path: Path) -> None:
    assert run.probe(sys.executable) == (sys.version_info[:2], "")
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'python3.12: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert run.probe(str(shim)) == (None, "")
    assert run.probe(None) == (None, "")


def test_without_a_command_it_says_what_there_is() -> None:
    finished = subprocess.run(
        [sys.executable, ROOT / "run.py"], capture_output=True, text=True, timeout=30, check=False
    )
    assert finished.returncode == 2
    assert "run.py test integration" in finished.stdout
    assert all(command in finished.stdout for command in COMMANDS)


@pytest.mark.parametrize(("words", "thorough"), [(["integration"], True), ([], False)])
def test_properties_are_tried_in_full_beside_the_real_servers(
    words: list[str], thorough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.delenv("KAPPAWATCH_THOROUGH", raising=False)
    monkeypatch.setattr(run.subprocess, "call", lambda command, env, **_: asked.append((command, env)) or 0)
    assert run.test(words) == 0
    command, environment = asked[-1]
    assert ("KAPPAWATCH_THOROUGH" in environment) is thorough
    assert any("thorough" in word for word in command) is thorough
