"""Python modules run by processes that are forked from one that has done their imports: they begin at once.

Importing a worker's packages takes seconds of CPU; tests start hundreds of workers. What is run is the same, a module as
`python -m` runs it, in a process, a session and with a working folder of its own.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from tests.servers.process import FailedProcessError, Process

PRELOADED: Final = ("streams.worker", "streams.store.postgres", "streams.store.sqlite")
SIZE: Final = 4
"""Bytes of a number on the way back: the process id, and once the process has ended, how."""


class ForkedProcess(Process):
    """A process that runs a module of Python: its name, then its arguments."""

    def _launch(
        self,
        output: IO[bytes],
        errors: IO[bytes],
        environment: Mapping[str, str],
        folder: Path | None,
        user: str | None,
    ) -> _Handle:
        if user is not None:
            raise FailedProcessError("a forked process runs as this user")
        return _mother.fork(self.command, environment, folder or Path.cwd(), output, errors)


class _Handle:
    """What subprocess.Popen would be, for a process that another one has started."""

    def __init__(self, command: Sequence[str], status: int) -> None:
        self._command = command
        self._status = status
        self._code: int | None = None
        self.pid = self._read()

    def __del__(self) -> None:
        os.close(self._status)

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(list(self._command), timeout or 0)
            self._code = self._read()
        return self._code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def _read(self) -> int:
        """The next number; with the mother her children end."""
        data = os.read(self._status, SIZE)
        return int.from_bytes(data, signed=True) if data else -signal.SIGKILL


class _Mother:
    """The process that has done the imports, started when it is first needed; it ends with this one."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._lock = threading.Lock()

    def fork(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        output: IO[bytes],
        errors: IO[bytes],
    ) -> _Handle:
        request = {"command": list(command), "environment": dict(environment), "folder": str(folder)}
        status, answer = os.pipe()
        with self._lock:
            if self._line is None:
                self._line = _start()
            socket.send_fds(self._line, [json.dumps(request).encode()], [answer, output.fileno(), errors.fileno()])
            os.close(answer)
            return _Handle(command, status)


def _start() -> socket.socket:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", __name__, str(theirs.fileno()), *PRELOADED]
    popen = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # to fork, a process must have one thread
        cwd=Path(__file__).resolve().parents[2],
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        popen.wait()

    atexit.register(end)
    return ours


_mother = _Mother()


# ------------------------------------------------------------------------------------------------- in the mother

_statuses: dict[int, int] = {}


def _tell_who_ended(*_: Any) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            pipe = _statuses.pop(pid)
            with suppress(BrokenPipeError):
                os.write(pipe, os.waitstatus_to_exitcode(status).to_bytes(SIZE, signed=True))
            os.close(pipe)


def _serve(line: socket.socket) -> list[str]:
    """Fork for every request; returns in the children only, with what to run."""
    signal.signal(signal.SIGCHLD, _tell_who_ended)
    while True:
        data, descriptors, *_ = socket.recv_fds(line, 1 << 17, 3)
        if not data:  # whoever asked has ended
            sys.exit()
        status, output, errors = descriptors
        request = json.loads(data)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _begin(request, output, errors)
            for pipe in (line.fileno(), status, output, errors, *_statuses.values()):
                os.close(pipe)
            return list(request["command"])
        _statuses[pid] = status
        os.write(status, pid.to_bytes(SIZE, signed=True))
        os.close(output)
        os.close(errors)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _begin(request: Mapping[str, Any], output: int, errors: int) -> None:
    os.setsid()
    with suppress(AttributeError):  # not on Linux
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])


def _main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        importlib.import_module(name)
    module, *arguments = _serve(line)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
