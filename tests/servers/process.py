"""Processes that a test starts, stops, kills and never leaves behind."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

# The kernel ends a child with the thread that started it (PR_SET_PDEATHSIG), so one thread, which lives as long as this
# process, starts them all: then nothing outlives a killed test run, whatever thread asked.
_starter = ThreadPoolExecutor(1, thread_name_prefix="starter")
_running: weakref.WeakSet[Process] = weakref.WeakSet()
_given_ports: set[int] = set()


class MissingProgramError(Exception):
    """A program the tests need is not installed; the message says how to install it."""


class FailedProcessError(Exception):
    """A process did not become ready, or ended; the message ends with what it said last."""


def program(*names: str, install: str) -> str:
    """The path of the first of these programs, looked for on PATH and in the folders Debian keeps servers in."""
    debian = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", *debian])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise MissingProgramError(f"{names[0]} is not installed; install it with: {install}")


def free_port() -> int:
    """A loopback port nobody listens on, below the range from which the kernel gives ports to outgoing connections.

    A client that keeps calling a port of that range while its server restarts may be given the very port and meet itself.
    """
    first_outgoing = 32768
    with suppress(OSError):
        first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    ports = range(20000, first_outgoing) if first_outgoing > 21000 else range(20000, 60000)
    for port in random.SystemRandom().sample(ports, 200):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            if port not in _given_ports:
                _given_ports.add(port)
                return port
    raise FailedProcessError(f"200 ports between {ports.start} and {ports.stop} were all taken")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Returns as soon as the condition holds; a TimeoutError says what did not come."""
    end = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
        pause = min(0.1, pause * 1.5)


class Handle(Protocol):
    """What is used of subprocess.Popen."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...


class Process:
    """A running process in a session of its own; its output goes to a file, its errors too or to one of their own."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        errors: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.command = list(command)
        self.log = log
        self.errors = errors or log
        with self.log.open("ab") as output, self.errors.open("ab") as error_output:
            self._popen = self._launch(output, error_output, {**os.environ, **(environment or {})}, folder, user)
        self.pid = self._popen.pid
        _running.add(self)

    def _launch(
        self,
        output: IO[bytes],
        errors: IO[bytes],
        environment: Mapping[str, str],
        folder: Path | None,
        user: str | None,
    ) -> Handle:
        return _starter.submit(
            subprocess.Popen,
            [*run_as(user), *self.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment,
            cwd=folder,
            start_new_session=True,
        ).result()

    @property
    def running(self) -> bool:
        """Whether it has not ended; a paused process runs."""
        return self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """As subprocess gives it: negative for a signal; None while it runs."""
        return self._popen.poll()

    def wait(self, seconds: float) -> int:
        """Its exit code once it has ended; FailedProcessError where it goes on."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise FailedProcessError(f"{self.command[0]} still runs after {seconds:g} s\n{self.tail()}") from None

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """As wait_until, but does not wait for a process that has ended."""

        def settled() -> bool:
            return condition() or not self.running

        try:
            wait_until(settled, seconds, what)
        except TimeoutError as error:
            raise FailedProcessError(f"{self.command[0]}: {error}\n{self.tail()}") from None
        if not self.running:
            raise FailedProcessError(f"{self.command[0]} ended with {self.exit_code}\n{self.tail()}")

    def stop(self, seconds: float = 15, sign: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end, kills it where it does not within that time, and returns its exit code."""
        if self.running:
            self._popen.send_signal(sign)
            self.resume()
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
        return self.kill()

    def kill(self) -> int:
        """Ends it and everything it started at once, as a power cut would."""
        if self.running:
            self._signal([self.pid], signal.SIGSTOP)  # so that it starts no more children while they are listed
        family = self._family()
        self._signal(family, signal.SIGKILL)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait(30)
        wait_until(lambda: not any(_alive(pid) for pid in family), 30, f"the children of {self.command[0]} are gone")
        _running.discard(self)
        return code

    def pause(self) -> None:
        """Stops it and its children where they are (SIGSTOP); their connections stay open."""
        self._signal(self._family(), signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it and its children go on."""
        self._signal(self._family(), signal.SIGCONT)

    def tail(self, lines: int = 40) -> str:
        """What it said last (of its errors, where they have a file)."""
        said = self.errors.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(said[-lines:])

    def _family(self) -> list[int]:
        """This process and its descendants, some of which (PostgreSQL's) lead sessions of their own."""
        if not self.running:
            return []
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                after_name = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
                children.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
        family = [self.pid]
        for pid in family:
            family.extend(children.get(pid, []))
        return family

    @staticmethod
    def _signal(pids: Sequence[int], sign: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)


def _alive(pid: int) -> bool:
    """Whether it runs; one that has ended and waits for its parent to ask does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"X", "Z"}


def run_as(user: str | None) -> list[str]:
    """The prefix under which a process ends with this one, and runs as that user where this one is root."""
    change = user is not None and os.geteuid() == 0
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if change:
            raise MissingProgramError("setpriv is not installed; install it with: apt-get install -y util-linux")
        return []
    identity = ["--reuid", str(user), "--regid", str(user), "--init-groups"] if change else []
    return [setpriv, "--pdeathsig", "KILL", *identity, "--"]


@atexit.register
def _end_all() -> None:
    for process in list(_running):
        process.kill()
