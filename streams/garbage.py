"""The garbage collector, told how this program uses memory."""

from __future__ import annotations

import gc
from typing import Final

NEW_OBJECTS: Final = 3_000_000
"""Twice what a chunk of 15,000 events has in the air: what it throws away is gone before anyone looks for it."""


def collect_rarely() -> None:
    """Look for cycles of garbage seldom; reference counting frees all but those, and the fold makes none.

    By default Python looks after every 700 new objects, at the younger ones, which here are mostly a chunk's own, and
    now and then at all, which here is the whole state: a third of the worker's time.
    """
    gc.set_threshold(NEW_OBJECTS, 10, 100)
