"""Words as numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import numpy as np

from detectors.agreement.arrays import Integers


def numbered(words: Iterable[str], length: int, key: Callable[[str], Any] | None = None) -> tuple[Integers, list[str]]:
    """The place of each of so many words among the different ones, and these in order.

    >>> numbered(["b", "a", "b"], 3)
    (array([1, 0, 1]), ['a', 'b'])
    """
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    found = np.fromiter(map(numbers.__getitem__, words), np.int64, length)
    different = sorted(numbers, key=key)
    place = np.empty(len(different), np.int64)
    place[np.fromiter(map(numbers.__getitem__, different), np.int64, len(different))] = np.arange(len(different))
    return place[found], different
