"""Sums over arrays that do not depend on the order of their terms."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def total(terms: Floats) -> float:
    """The exactly rounded sum, which is the same in whatever order the patterns came."""
    return math.fsum(terms.tolist())


def sums(index: Integers, terms: Floats, length: int) -> Floats:
    """The sums of the terms that have the same index, in the order of the terms."""
    return np.bincount(index, weights=terms, minlength=length).astype(np.float64, copy=False)
