"""Sums over arrays, each added up in one way, so that equal arrays have equal sums to the last digit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def total(terms: Floats) -> float:
    """The exactly rounded sum, which is the same in whatever order the terms came."""
    return math.fsum(terms.tolist())


def totals(terms: Floats, starts: Integers) -> Floats:
    """The sums of the stretches that begin at these places, none of them empty; each depends on its own terms alone.

    They are added up pair by pair, so that what rounding loses grows with the logarithm of their number.
    """
    return np.asarray(np.add.reduceat(terms, starts))


def in_order(terms: Floats) -> Floats:
    """The sums along the last axis, one term after the other: zeros among them change nothing."""
    return np.asarray(np.cumsum(terms, axis=-1)[..., -1])


def sums(index: Integers, terms: Floats, length: int) -> Floats:
    """The sums of the terms that have the same index, in the order of the terms."""
    return np.bincount(index, weights=terms, minlength=length).astype(np.float64, copy=False)
