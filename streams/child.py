"""A child process that does not outlive its parent, however that ends.

`python -m streams.child MODULE ARGUMENTS...` runs a module that knows nothing of this as such a child.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Final, Self

PR_SET_PDEATHSIG: Final = 1
LONGEST_FAREWELL: Final = 15.0
"""Seconds that an orphan has to end in good order."""


def end_with_parent() -> None:
    """Send this process SIGTERM when its standard input closes, or on Linux when its parent ends.

    The parent holds the other end of standard input, which the system closes with it. One that does not heed SIGTERM
    is ended the hard way a little later.
    """
    if sys.platform == "linux":
        parent = os.getppid()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before the call
            os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=_watch_input, name="end with parent", daemon=True).start()


def _watch_input() -> None:
    # os.read, not sys.stdin: a thread that waits inside sys.stdin blocks the interpreter's end.
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LONGEST_FAREWELL)
    os._exit(1)


class Child:
    """A Python module as a child process, its standard input held open by this one; what it says goes to a file.

    With `answers`, standard output is a pipe instead, `output`. Start it from the main thread: Linux ends such a child
    with the thread that started it.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        log: IO[bytes],
        answers: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        # A session of its own: Ctrl-C reaches the parent alone, which then ends its children in good order.
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if answers else log,
            stderr=log,
            env=environ,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes]:
        """Standard output, of a child that answers."""
        if self._process.stdout is None:
            raise ValueError("expected a child that was started with answers=True")
        return self._process.stdout

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self, grace: float = 10.0) -> int:
        """Ask it to end, insist after `grace` seconds; returns the exit code."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        return self._process.returncode

    def last_lines(self, count: int = 20) -> str:
        """The end of what it said, so far as the last 64 KiB hold it."""
        descriptor = self._log.fileno()
        # pread: the child writes through the same open file, whose position is not ours to move.
        end = os.pread(descriptor, 65536, max(0, os.fstat(descriptor).st_size - 65536))
        return "\n".join(end.decode(errors="replace").splitlines()[-count:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def main(arguments: Sequence[str]) -> None:
    """Run the module that the first argument names, with the others as its arguments."""
    end_with_parent()
    sys.argv = [*arguments]
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
