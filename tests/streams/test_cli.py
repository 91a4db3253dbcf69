"""The command `kappawatch` itself: wrong usage is one line that helps, and where it prints never matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from streams import cli
from tests.made_events import annotation, messages

ROOT = Path(__file__).parents[2]
NAME = "Zoë-日本"


def kappawatch(*words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "streams.cli", *words]
    return subprocess.run(command, capture_output=True, check=False, cwd=ROOT, env={**os.environ, **environ})


@pytest.fixture
def events(tmp_path: Path) -> str:
    path = tmp_path / "events.jsonl"
    sent = messages([annotation(who, f"i{number}", "yes") for number in range(9) for who in (NAME, "ann", "bob")])
    path.write_bytes(b"\n".join(sent) + b"\n")
    return str(path)


def test_the_version_is_that_of_the_distribution(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    monkeypatch.setattr("streams.version.metadata.version", {"kappawatch": version}.__getitem__)
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"kappawatch {version}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected a command (demo, worker, "),
        (["shwo"], "found 'shwo' (did you mean show?)"),
        (
            ["simulate", "--start", "yesterday"],
            "--start: expected a time such as 2026-01-05T08:00:00Z, found 'yesterday'",
        ),
        (["simulate", "--events", "many"], "--events: expected a whole number from 0, found 'many'"),
        (["simulate", "--seed", "1.5"], "--seed: expected a whole number, found '1.5'"),
        (["simulate", "--rate", "fast"], "--rate: expected a number above 0, found 'fast'"),
        (["simulate", "--rate", "inf"], "--rate: expected a number above 0, found 'inf'"),
        (["demo", "--seconds", "soon"], "--seconds: expected a number above 0, found 'soon'"),
        (["demo", "--seconds", "0"], "--seconds: expected a number above 0, found '0'"),
        (["demo", "--port", "70000"], "--port: expected a whole number from 0 to 65535, found '70000'"),
        (["demo", "--speed", "9"], "expected no further argument, found --speed 9"),
        (["show", "--format", "xml"], "--format: expected text or json, found 'xml'"),
        (["show", "--config"], "--config: expected a value, found none"),
        (["replay"], "expected FILE, found none"),
        (["publish", "--timeout", "-1", "f"], "--timeout: expected a number above 0, found '-1'"),
        (["publish", "--dead-letters", "--reason", "whim"], "--reason: expected array_size, bad_time, "),
        (["topics"], "expected create, found none"),
        (["topics", "drop"], "expected create, found 'drop'"),
        (["topics", "create", "--partitions", "six"], "--partitions: expected a whole number, found 'six'"),
        (["topics", "create", "--timeout", "nan"], "--timeout: expected a number above 0, found 'nan'"),
        (["simulate", "--events", "9" * 5000], f"found '{'9' * 79}..."),
    ],
)
def test_wrong_usage_is_one_line_that_helps(
    words: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    out, err = capsys.readouterr()
    assert (end.value.code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("kappawatch")
    assert said in err
    assert err.endswith("; --help lists the arguments\n")


def test_a_file_of_another_kind_leaves_no_store_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.zip").write_bytes(b"PK\x03\x04")
    assert cli.main(["replay", "--store", str(tmp_path / "kept.db"), str(tmp_path / "labels.zip")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "kept.db").exists()


def test_an_empty_file_is_a_log_without_events(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "empty.jsonl.gz").touch()
    assert cli.main(["replay", "--format", "json", str(tmp_path / "empty.jsonl.gz")]) == 0
    out, err = capfdbinary.readouterr()
    assert (json.loads(out)["events"]["received"], err) == (0, b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_cannot_be_shown_ends_no_command(events: str, encoding: str) -> None:
    done = kappawatch("replay", events, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Zo" in done.stdout
    assert b"-??" in done.stdout


def test_in_a_pipe_lines_are_a_hundred_columns_without_trailing_blanks(events: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "streams.cli", "replay", events]
    lines = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=environ).stdout.decode().split("\n")
    assert max(map(len, lines)) == 100
    assert any("[" in line and "●" in line for line in lines), "room for intervals and for the drawing"
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("words", [("simulate", "--events", "3000"), ("show",)])
def test_a_reader_that_has_had_enough_is_no_error(words: Sequence[str], events: str, tmp_path: Path) -> None:
    if words == ("show",):
        kept = tmp_path / "kept.db"
        assert kappawatch("replay", "--store", str(kept), events).returncode == 0
        (tmp_path / "kappawatch.toml").write_text(f'[store]\nurl = "sqlite:///{kept}"\n', encoding="utf-8")
        words = ("show", "--format", "json", "--config", str(tmp_path / "kappawatch.toml"))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        command = [sys.executable, "-m", "streams.cli", *words]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_socket_whose_other_side_went_is_not_taken_for_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_the_broker(_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("streams.show.run", lose_the_broker)
    with pytest.raises(BrokenPipeError):
        cli.main(["show"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_in_one_line(events: str) -> None:
    with Path("/dev/full").open("wb") as out:
        command = [sys.executable, "-m", "streams.cli", "replay", events]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=False, cwd=ROOT)
    assert done.returncode == 3
    assert done.stderr == b"kappawatch: standard output: expected room to write, found a full disk; make room\n"
