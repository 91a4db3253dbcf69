"""What all servers of the tests have in common: a folder, a port, and being started, stopped, killed and paused."""

from __future__ import annotations

import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from tests.servers.process import FailedProcessError, Process


class Server(ABC):
    """One real server on 127.0.0.1 with data in a temporary folder; a context manager that leaves nothing behind.

    Data and port stay the same over stop, kill and start.
    """

    name: ClassVar[str]
    user: ClassVar[str | None] = None
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    seconds_to_start: ClassVar[float] = 60

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"kappawatch-{self.name}-"))
        self._process: Process | None = None
        self._prepared = False
        self._paused = False

    @abstractmethod
    def _prepare(self) -> None:
        """Makes what must exist before the first start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """What to run."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it serves."""

    @property
    def process(self) -> Process:
        """The running process; FailedProcessError where there is none."""
        if self._process is None:
            raise FailedProcessError(f"{self.name} is not running; call start() first")
        return self._process

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.running

    @property
    def log(self) -> Path:
        """What it printed, over all its starts."""
        return self.folder / "log"

    def start(self) -> None:
        """Starts it and returns once it serves."""
        if self.running:
            raise FailedProcessError(f"{self.name} is already running")
        if not self._prepared:
            self._prepare()
            self._prepared = True
        self._process = Process(self._command(), self.log, folder=self.folder, user=self.user)
        self._paused = False
        try:
            self._process.wait_until(self._answers, self.seconds_to_start, f"{self.name} serves")
        except BaseException:
            self._process.kill()
            raise

    def stop(self) -> None:
        """Ends it in good order."""
        if self._process is not None:
            self._process.stop(sign=self.stop_signal)
            self._process = None

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Stops it in good order and starts it on the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freezes it with its connections open."""
        self.process.pause()
        self._paused = True

    def resume(self) -> None:
        """Thaws it."""
        self.process.resume()
        self._paused = False

    def heal(self) -> None:
        """Makes it serve again, whatever a test did to it."""
        if not self.running:
            self.start()
        elif self._paused:
            self.resume()

    def close(self) -> None:
        """Ends it and removes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
