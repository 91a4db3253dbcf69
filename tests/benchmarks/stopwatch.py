"""CPU and wall time of this process between two moments, so that neither start-up nor loading counts."""

from __future__ import annotations

import resource
import time
from typing import NamedTuple

import msgspec


class Measured(NamedTuple):
    """What it took: seconds of CPU (all threads, user and system) and of wall time."""

    events: int
    cpu: float
    wall: float

    @property
    def microseconds(self) -> float:
        """CPU time of one event."""
        return 1e6 * self.cpu / self.events

    def say(self) -> None:
        """Print it, for the process that compares."""
        print(msgspec.json.encode(self).decode(), flush=True)


class Stopwatch:
    """Runs from `start`, which may be called again to begin anew."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin at nothing."""
        self._wall, self._cpu = time.perf_counter(), _cpu()

    def read(self, events: int) -> Measured:
        """What so many events took since the start."""
        return Measured(events, _cpu() - self._cpu, time.perf_counter() - self._wall)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
