"""`kappawatch demo` as a person runs it: it finds who goes bad, says the truth, and leaves nothing behind."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.simulator import START, Campaign
from streams.view import interval_text, percent

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


class RunningDemo:
    """The command in a pipe: its first lines, then what it says until it ends."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "demo", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Of a store that is in real use, as an operator's shell may have it: the demo must not touch that.
            env={**os.environ, "KAPPAWATCH_STORE__URL": "postgresql://127.0.0.1:1/in-real-use"},
            text=True,
        )
        assert self.process.stdout is not None
        lines = list(itertools.takewhile(str.strip, self.process.stdout))
        self.head = "".join(lines)
        self.pids = [int(pid) for pid in re.findall(r"pid (\d+)", self.head)]
        store = re.search(r"^  store +(.+)$", self.head, re.MULTILINE)
        if store is None:
            pytest.fail(f"the demo did not start: {self.end()}")
        self.store = Path(store[1])

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err

    def left_behind(self) -> list[object]:
        running = [pid for pid in self.pids if Path(f"/proc/{pid}").exists()]
        return [*running, *([self.store.parent] if self.store.parent.exists() else [])]


@pytest.fixture
def demo() -> Iterator[Callable[..., RunningDemo]]:
    started: list[RunningDemo] = []

    def start(*options: str) -> RunningDemo:
        started.append(RunningDemo(*options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.send_signal(signal.SIGTERM)
            each.process.communicate(timeout=60)


def figures(document: dict) -> str:
    """The figures of all projects, as the status line has them."""
    return " | ".join(
        f"{project} alpha {interval_text(task['agreement']['alpha'])}, "
        f"gold {interval_text(task['gold']['accuracy'], percent)}"
        for project, held in document["projects"].items()
        for task in held["tasks"].values()
    )


def test_it_names_the_annotator_who_goes_bad_and_agrees_with_replay(
    demo: Callable[..., RunningDemo], tmp_path: Path
) -> None:
    running = demo("--seconds", "45", "--seed", "1")
    assert len(running.pids) == 2
    assert running.store.exists()
    code, out, err = running.end()
    assert code == 0, err
    assert not running.left_behind()
    campaign = Campaign(1)
    name = campaign.bad_annotator.name

    [alarm] = [line for line in out.splitlines() if line.startswith("ALARM raised: warning")]
    assert f"{name} gold_errors street-scenes/weather" in alarm
    assert re.search(r"gold accuracy [\d.]+ % \[.*\] before \(\d+ answers\), [\d.]+ % \[.*\] since \(\d+\)$", alarm)
    assert {line.split()[3] for line in out.splitlines() if line.startswith("ALARM")} == {name}
    [found] = re.findall(r"alarms: .*gold_errors after (\d+) s", out)
    assert campaign.goes_bad_after < int(found) < 60

    [published] = [int(count.replace(",", "")) for count in re.findall(r"^published ([\d,]+)$", out, re.MULTILINE)]
    counts = {
        outcome.strip(): int(count.replace(",", ""))
        for outcome, count in re.findall(
            r"(?:= |\+ |^)([a-z ]+?) ([\d,]+)(?= [=+]|$)", out[out.index("\nreceived") + 1 :].splitlines()[0]
        )
    }
    assert published == counts.pop("received") == sum(counts.values())
    assert published == 45 * 300
    assert counts["applied"] > 0.98 * published
    assert counts["duplicates"] > 0
    assert counts["dead letters"] > 0
    assert counts["erased"] == counts["forwarded"] == 0

    file = tmp_path / "campaign.jsonl"
    file.write_bytes(b"".join(m.value + b"\n" for m in itertools.islice(campaign.messages(START), published)))
    replay = subprocess.run(
        [sys.executable, "-m", "streams.cli", "replay", "--format", "json", str(file)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    last = [line for line in out.splitlines() if " | " in line][-1]
    _, *shown, lowest = last.split(" | ")
    assert " | ".join(shown) == figures(json.loads(replay.stdout))
    assert lowest.startswith(f"lowest annotators {name} gold ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_in_good_order_at_a_signal(demo: Callable[..., RunningDemo], number: int) -> None:
    running = demo("--rate", "1000")
    assert len(running.left_behind()) == 3, "broker, worker and folder are there"
    running.process.send_signal(number)
    code, out, err = running.end()
    assert code == 0, err
    assert "how to go on" in out
    assert not running.left_behind()


def test_it_ends_quietly_where_its_reader_is_gone(demo: Callable[..., RunningDemo]) -> None:
    running = demo("--rate", "1000")
    running.process.stdout.close()
    assert running.process.wait(60) == 0
    assert running.process.stderr.read() == ""
    assert not running.left_behind()


def test_it_ends_with_the_worker_and_shows_its_last_lines(demo: Callable[..., RunningDemo]) -> None:
    running = demo()
    os.kill(running.pids[1], signal.SIGKILL)
    code, _, err = running.end()
    assert code == 3
    assert "the worker ended with exit code -9; its last lines:" in err
    assert "/metrics" in err
    assert not running.left_behind()


def test_a_port_that_is_taken_is_explained(demo: Callable[..., RunningDemo]) -> None:
    first = demo("--port", "0")
    [port] = re.findall(r"127\.0\.0\.1:(\d+)/metrics", first.head)
    second = subprocess.run(
        [sys.executable, "-m", "streams.cli", "demo", "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 3
    assert f"127.0.0.1:{port} cannot be listened on" in second.stderr


def test_killing_it_ends_its_children(demo: Callable[..., RunningDemo]) -> None:
    running = demo()
    running.process.kill()
    running.process.communicate()
    end = time.monotonic() + 40
    while any(isinstance(each, int) for each in running.left_behind()):
        assert time.monotonic() < end, running.left_behind()
        time.sleep(0.1)
    for each in sorted(running.store.parent.iterdir()):
        each.unlink()
    running.store.parent.rmdir()
