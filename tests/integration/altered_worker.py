"""A worker with one thing changed: `altered_worker CHANGE worker --config ...`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from detectors.fingerprint import STATISTICS_VERSION, fingerprint
from streams import cli, homes, owner, rebuilding, worker
from streams.store import postgres, sqlite


def impatient() -> None:
    """It waits less long for the broker's answer to a question."""
    worker.BROKER_SECONDS = 3.0  # type: ignore[misc]


def hang() -> None:
    """The first chunk is never taken in; the watchdog is impatient."""
    worker.IDLE_SECONDS = 4.0  # type: ignore[misc]
    worker.REREAD_SECONDS = 2.0  # type: ignore[misc]
    worker.STOP_SECONDS = 2.0  # type: ignore[misc]
    owner.Owner.take_in = lambda *_, **__: threading.Event().wait()  # type: ignore[assignment,method-assign]


def new_statistics() -> None:
    """A later version of the code gives stored statistics another meaning."""
    rebuilding.fingerprint = partial(fingerprint, version=STATISTICS_VERSION + 1)  # type: ignore[assignment]
    slow_steps()


def slow_steps() -> None:
    """Rebuilds go by few annotations at a time, and take their time."""
    homes.STEP = 10  # type: ignore[misc]
    for store in (sqlite.SqliteStore, postgres.PostgresStore):
        store.commit = _slow(store.commit)  # type: ignore[method-assign]


def _slow(commit: Callable[..., None]) -> Any:
    def slow(*args: Any) -> None:
        time.sleep(0.1)
        commit(*args)

    return slow


if __name__ == "__main__":
    changes = {"impatient": impatient, "hang": hang, "new-statistics": new_statistics, "slow-steps": slow_steps}
    changes[sys.argv[1]]()
    sys.exit(cli.main(sys.argv[2:]))
