"""The standard streams as they may be: without Unicode, closed, or with a reader that has had enough."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path


def make_writable() -> None:
    """Let no command end because of where it prints: what cannot be shown becomes "?", what is closed takes all."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for good
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")


def reader_is_gone() -> bool:
    """Whether nobody reads standard output any more, as after `| head`.

    Any socket may raise BrokenPipeError too; that is no quiet end.
    """
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def let_go() -> None:
    """Send what is still to be written nowhere, so that Python does not fail once more when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
