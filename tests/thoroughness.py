"""How often a property is tried: beside the real servers as often as it says, otherwise a quarter of that."""

from __future__ import annotations

import os
from typing import Final

THOROUGH: Final = bool(os.environ.get("KAPPAWATCH_THOROUGH"))
"""Set by the word for the tests on real servers, which runs the tests marked `thorough` once more."""


def often(times: int) -> int:
    """So many times, or a quarter of it."""
    return times if THOROUGH else -(-times // 4)


def enough(times: int) -> int:
    """So many comparisons, or a tenth of it: of few examples some compare less than others."""
    return times if THOROUGH else -(-times // 10)
