"""`kappawatch demo`: a simulated campaign, watched live; needs nothing but Python.

A broker in memory and a worker with SQLite run as child processes; this process publishes the campaign and shows what
the worker's store says. Nothing is left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from streams.arguments import positive, whole
from streams.broker import DemoBroker
from streams.child import Child
from streams.document import Document
from streams.errors import Unavailable
from streams.publisher import Publisher
from streams.settings import load_settings
from streams.show import load_document
from streams.simulator import RATE, Campaign
from streams.view import (
    alarm_headline,
    alarm_numbers,
    events_line,
    interval_text,
    percent,
    render_overview,
    worst_annotators,
)

TOPICS: Final = {"annotations": 4, "gold": 4, "alerts": 1, "dead-letters": 1}
FIRST_PORTS: Final = range(8080, 8100)
PORT_TRIES: Final = 3
TICK: Final = 0.25
"""Seconds of events sent at once: the broker answers a fetch with one batch a partition, so small ones are slow."""
REFRESH: Final = 1.0
STATUS_LINES: Final = 5.0
"""Seconds between the lines that are written where there is no terminal."""
LOWEST: Final = 3
"""Annotators in such a line."""
SPEED_OVER: Final = 5.0
START_TIMEOUT: Final = 60.0
DRAIN_TIMEOUT: Final = 30.0
MOST_UNREAD: Final = 20_000
"""Events the worker may be behind: the broker keeps 5 MiB a partition, about 40,000 of the campaign's events."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kappawatch demo`."""
    parser.add_argument("--seconds", type=positive, metavar="N", help="end after so long (default: at Ctrl-C)")
    parser.add_argument("--rate", type=positive, default=RATE, metavar="R", help=f"events a second (default {RATE:g})")
    parser.add_argument(
        "--seed", type=whole(), default=1, metavar="S", help="another seed, another campaign (default 1)"
    )
    parser.add_argument(
        "--port", type=whole(0, 65535), default=0, metavar="P", help="of the metrics (default: a free one)"
    )


def run(args: argparse.Namespace) -> int:
    """Run `kappawatch demo` until its time is over, Ctrl-C or SIGTERM."""
    try:
        return asyncio.run(_run(Demo(args.seconds, args.rate, Campaign(args.seed), args.port)))
    except OSError as error:
        if error.errno not in {errno.EPIPE, errno.EIO}:
            raise
        # The reader (`| head`) or the terminal is gone: no error, also not when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


async def _run(demo: Demo) -> int:
    """The first signal ends the demo in good order, the second at once."""
    task = asyncio.ensure_future(demo.run())
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if demo.stopping.is_set():
            task.cancel()
        demo.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await task
    return 0


class Demo:
    """One run of the demo."""

    def __init__(self, seconds: float | None, rate: float, campaign: Campaign, port: int = 0) -> None:
        self.stopping = asyncio.Event()
        self._seconds = seconds
        self._rate = rate
        self._campaign = campaign
        self._port = port
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._start = datetime.now(UTC)
        self._began = 0.0
        self._published = 0
        self._document: Document = {}
        self._counts: deque[tuple[float, int]] = deque()
        self._said: dict[str, bool] = {}
        self._said_at = 0.0

    async def run(self) -> None:
        """Start everything, publish and show, end everything."""
        self._say("kappawatch demo: starting a broker and a worker ...")
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kappawatch-demo-")))
            self._broker = stack.enter_context(DemoBroker(TOPICS))
            if await self._start_worker(stack, folder):
                self._introduce()
                await self._watch()
                self._conclude()

    # -- starting -------------------------------------------------------------------------------------------------

    async def _start_worker(self, stack: ExitStack, folder: Path) -> bool:
        """Start the worker and wait until it is ready; a port that another took meanwhile is chosen anew."""
        config = folder / "kappawatch.toml"
        log = stack.enter_context((folder / "worker.log").open("w+b"))
        for left in reversed(range(PORT_TRIES)):
            port = _free_port(self._port)
            config.write_text(_config(self._broker.bootstrap_servers, folder, port, self._campaign), encoding="utf-8")
            self._settings = load_settings(config, {})
            self._worker = stack.enter_context(
                Child("streams.child", "streams.cli", "worker", "--config", str(config), log=log, environ=_environ())
            )
            self._address = f"http://127.0.0.1:{port}"
            try:
                return await self._ready()
            except Unavailable:
                taken = self._worker.exit_code is not None and "cannot be listened on" in self._worker.last_lines()
                if not taken or not left:
                    raise
        return False

    async def _ready(self) -> bool:
        """Wait until the worker is ready; False if the demo is stopped before."""
        end = time.monotonic() + START_TIMEOUT
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while not self.stopping.is_set():
                self._check()
                why = "it does not answer"
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with client.get(f"{self._address}/readyz") as answer:
                        if answer.status == 200:
                            return True
                        why = " ".join((await answer.text()).split())
                if time.monotonic() > end:
                    raise Unavailable(
                        f"the worker was not ready after {START_TIMEOUT:g} s ({why}); its last lines:\n"
                        f"{self._worker.last_lines()}"
                    )
                await self._pause(0.1)
        return False

    def _check(self) -> None:
        """Both children run."""
        code = self._worker.exit_code
        if code is not None:
            raise Unavailable(f"the worker ended with exit code {code}; its last lines:\n{self._worker.last_lines()}")
        if self._broker.exit_code is not None:
            raise Unavailable(
                f"the broker ended with exit code {self._broker.exit_code}; its last lines:\n{self._broker.last_lines()}"
            )

    async def _pause(self, seconds: float) -> None:
        """Sleep, at most until the demo is stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    def _introduce(self) -> None:
        campaign, store = self._campaign, self._settings.store
        people = sum(len(project.annotators) for project in campaign.projects)
        ends = "Ctrl-C ends it" if self._seconds is None else f"ends after {self._seconds:g} s, or at Ctrl-C"
        self._say(
            f"  broker    {self._broker.bootstrap_servers} (librdkafka's mock cluster, in memory; pid {self._broker.pid})\n"
            f"  worker    {self._address}/metrics (pid {self._worker.pid})\n"
            f"  store     {store.path}\n"
            f"  campaign  {', '.join(project.name for project in campaign.projects)}; {people} annotators,\n"
            f"            {self._rate:g} events/s, seed {campaign.seed}; {ends}\n",
        )

    # -- running --------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        self._start, self._began = datetime.now(UTC), time.monotonic()
        self._said_at = self._began
        publishing = asyncio.ensure_future(self._publish())
        try:
            with ExitStack() as stack:
                live = None
                if self._console.is_terminal:
                    live = stack.enter_context(Live(console=self._console, auto_refresh=False))
                while not publishing.done():
                    self._check()
                    took = await self._read()
                    self._show(live)
                    await asyncio.wait({publishing}, timeout=max(REFRESH, 3 * took))
                await publishing
                await self._drain()
                self._show(live, last=True)
        finally:
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)

    async def _publish(self) -> None:
        settings = self._settings
        begin = time.monotonic()
        end = begin + (self._seconds or float("inf"))
        async with Publisher(settings) as publisher:
            for message in self._campaign.messages(self._start, self._rate):
                if self._seconds is not None and message.due >= self._seconds:
                    return
                while begin + message.due > time.monotonic() < end and not self.stopping.is_set():
                    await self._pause(min(TICK, end - time.monotonic()))
                while self._published - self._received > MOST_UNREAD and not self.stopping.is_set():
                    begin += 0.1  # the campaign waits for the worker, as people would
                    await self._pause(0.1)
                if self.stopping.is_set() or begin + message.due > end:
                    return
                topic = settings.topic_of(message.type) or settings.kafka.topics[0]
                await publisher.deliver(topic, message.project, message.value)
                self._published += 1

    @property
    def _received(self) -> int:
        return int(self._document.get("events", {}).get("received", 0))

    async def _read(self) -> float:
        """Read the document; returns the seconds that took."""
        begin = time.monotonic()
        self._document = await asyncio.to_thread(load_document, self._settings, most_disputed=0)
        self._counts.append((begin, self._received))
        while begin - self._counts[0][0] > SPEED_OVER:
            self._counts.popleft()
        return time.monotonic() - begin

    @property
    def _speed(self) -> float:
        """Events a second of late."""
        (begin, before), (end, after) = self._counts[0], self._counts[-1]
        return (after - before) / (end - begin) if end > begin else 0.0

    async def _drain(self) -> None:
        """Wait until the worker has taken in all that was published."""
        end = time.monotonic() + DRAIN_TIMEOUT
        while True:
            self._check()
            await self._read()
            if self._received >= self._published:
                return
            if time.monotonic() > end:
                raise Unavailable(
                    f"the worker took in {self._received:,} of {self._published:,} events within {DRAIN_TIMEOUT:g} s "
                    f"after the last; its last lines:\n{self._worker.last_lines()}"
                )
            await asyncio.sleep(0.1)

    @property
    def _width(self) -> int:
        """Columns that a line may have; in a pipe there is no end."""
        return self._console.width if self._console.is_terminal else sys.maxsize

    def _say(self, text: str) -> None:
        """Print lines: broken between words on a terminal, whole elsewhere."""
        if self._console.is_terminal:
            self._console.print(Text(text))
        else:
            print(text, flush=True)  # Rich would end the process, with code 1, where the reader is gone

    # -- showing --------------------------------------------------------------------------------------------------

    def _show(self, live: Live | None, *, last: bool = False) -> None:
        if live is None:
            self._say_alarms()
            if last or time.monotonic() - self._said_at >= STATUS_LINES:
                self._said_at = time.monotonic()
                self._say(self._status())
            return
        head = Text.assemble(
            (_minutes(time.monotonic() - self._began), "bold"),
            f"   {self._speed:,.0f} events/s   {self._address}/metrics   Ctrl-C ends",
        )
        events = events_line(self._document["events"], self._width)
        events.no_wrap = True
        live.update(Group(head, events, Text(), render_overview(self._document)), refresh=True)

    def _say_alarms(self) -> None:
        """A line for each alarm raised or cleared since the last one."""
        for alarm in self._document["alarms"]:
            cleared = alarm["cleared_at"] is not None
            if self._said.get(alarm["id"]) != cleared:
                self._said[alarm["id"]] = cleared
                what = "cleared" if cleared else "raised"
                self._say(f"ALARM {what}: {' '.join(alarm_headline(alarm).plain.split())}: {alarm_numbers(alarm)}")

    def _status(self) -> str:
        events = self._document["events"]
        outcomes = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in events.items())
        figures = " | ".join(
            f"{project} alpha {interval_text(task['agreement']['alpha'])}, "
            f"gold {interval_text(task['gold']['accuracy'], percent)}"
            for project, task in self._tasks()
        )
        lowest = ", ".join(
            f"{name} gold {interval_text(held['gold']['accuracy'], percent)}"
            for _, name, held in worst_annotators(self._document)[:LOWEST]
        )
        head = f"{_minutes(time.monotonic() - self._began)}  {self._speed:,.0f} events/s: {outcomes}"
        return " | ".join(filter(None, (head, figures, lowest and f"lowest annotators {lowest}")))

    def _tasks(self) -> Iterator[tuple[str, Any]]:
        for project, held in self._document["projects"].items():
            for task in held["tasks"].values():
                yield project, task

    # -- ending ---------------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        events = self._document["events"]
        alarms = self._document["alarms"]
        is_open = sum(alarm["cleared_at"] is None for alarm in alarms)
        program = "kappawatch" if shutil.which("kappawatch") else "python3 run.py"
        rate = "" if self._rate == RATE else f" --rate {self._rate:g}"
        campaign = f"--seed {self._campaign.seed} --events {self._published}{rate}"
        self._say(
            f"\npublished {self._published:,}\n{events_line(events, self._width).plain}\n"
            f"alarms: {len(alarms)} raised, {is_open} of them open\n"
            "\nwhat the campaign hides\n" + "".join(f"  {line}\n" for line in self._secrets()) + "\nhow to go on\n"
            f"  {program} simulate {campaign} --output campaign.jsonl.gz\n"
            f"  {program} replay campaign.jsonl.gz\n"
            "    the same campaign and the same figures, without a broker\n"
            "  docker compose up\n"
            "    the same monitor with Apache Kafka, PostgreSQL, Prometheus and Grafana\n"
            f"  {program} worker --config FILE\n"
            "    on a Kafka of your own"
        )

    def _secrets(self) -> Iterator[str]:
        """What a monitor should have found, and what this one did."""
        campaign = self._campaign
        bad, after = campaign.bad_annotator.name, campaign.goes_bad_after
        where = campaign.projects[0].name
        found = [
            f"{alarm['kind']} after {datetime.fromisoformat(alarm['raised_at']).timestamp() - self._start.timestamp():.0f} s"
            for alarm in self._document["alarms"]
            if (alarm["project"], alarm["subject"]) == (where, bad)
        ]
        yield f"{bad} ({where}) answers carelessly from {after:g} s on; alarms: {', '.join(found) or 'none yet'}"
        for project in campaign.projects:
            if project.ambiguous is not None:
                label, other = project.ambiguous
                classes = dict(self._tasks()).get(project.name, {}).get("by", {}).get("class", {})
                alpha = classes.get(label, {}).get("agreement", {}).get("alpha")
                shown = f"; alpha {interval_text(alpha)}" if alpha else ""
                yield f"{label!r} ({project.name}) is often taken for {other!r}{shown}"
        yield f"one gold key ({campaign.wrong_key_project.name}) is wrong: hardly anybody answers as it says"


def _minutes(seconds: float) -> str:
    """Minutes and seconds.

    >>> _minutes(75.4)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _free_port(wanted: int) -> int:
    """The wanted port if it is free; without one (0), the first free of a few that are easy to remember, else any.

    A taken one is found here: the worker that has it would answer for ours.
    """
    for port in (wanted,) if wanted else (*FIRST_PORTS, 0):
        with socket.socket() as listener, suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
            return int(listener.getsockname()[1])
    raise Unavailable(
        f"--port {wanted}: 127.0.0.1:{wanted} cannot be listened on; end what listens there, or leave out --port"
    )


def _environ() -> dict[str, str]:
    """The environment without this program's own variables: what is configured for real use is not for the demo."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KAPPAWATCH_")}


def _config(bootstrap_servers: str, folder: Path, port: int, campaign: Campaign) -> str:
    """The worker's configuration, as TOML; its strings are written as JSON writes them."""
    tasks = "".join(
        f"\n[projects.{json.dumps(project.name)}.tasks.{json.dumps(project.task)}]\n"
        f'label_type = "nominal"\nlabels = {json.dumps(project.labels)}\n'
        for project in campaign.projects
    )
    url = f"sqlite:///{folder / 'kappawatch.db'}"
    return (
        f"[kafka]\nbootstrap_servers = {json.dumps(bootstrap_servers)}\n"
        f"\n[store]\nurl = {json.dumps(url)}\n"
        f'\n[http]\nlisten = "127.0.0.1:{port}"\n' + tasks
    )
