"""A Poisson bootstrap over items whose weights are hashed, so that the same items have the same interval always."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from detectors.agreement.arrays import Floats
from detectors.agreement.coefficient import Estimate
from detectors.reading import Reading

REPLICATES: Final = 200

FEWEST_DEFINED: Final = 100
"""Replicates in which the figure is defined; of fewer, as of two items, there is no interval."""

DIGITS: Final = 12
"""Decimal places of a replicate, so that rounding errors are no variation where all replicates say the same."""

MOST_WEIGHTS: Final = 4_000_000
"""Weights of items in memory at a time."""

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def _steps_of_poisson() -> list[int]:
    """Up to which of 2^64 equally likely numbers a Poisson variable of mean 1 is 0, 1, 2, ..."""
    steps: list[int] = []
    chance, below = math.exp(-1.0), 0.0
    while chance * 2**64 >= 1.0:
        below += chance
        steps.append(min(int(below * 2**64), 2**64 - 1))
        chance /= len(steps)
    return steps


_POISSON: Final = np.array(_steps_of_poisson(), np.uint64)


def poisson_weights(items: Sequence[str]) -> Iterator[Floats]:
    """How often each item is drawn, by item and replicate: in turn for some of the replicates, all of `REPLICATES` together.

    A weight is Poisson of mean 1, by the quantile of a number that is hashed from the item's id and the number of the
    replicate (SplitMix64 of the first 8 bytes of BLAKE2b): it depends on neither the other items nor their order. Whole
    numbers as floats, whose sums are exact.

    >>> weights = np.hstack(list(poisson_weights(["i1", "i2"])))
    >>> weights.shape, weights[:, :8].astype(int).tolist()
    ((2, 200), [[2, 1, 0, 1, 0, 1, 0, 1], [1, 2, 0, 1, 1, 0, 3, 2]])
    >>> bool((np.hstack(list(poisson_weights(["i0", "i2"])))[1] == weights[1]).all())
    True

    References
    ----------
    Chamandy, N., Muralidharan, O., Najmi, A. and Naidu, S. (2012). Estimating uncertainty for massive data streams.
    Google technical report. https://research.google/pubs/pub43157/

    Steele, G. L., Lea, D. and Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA '14, 453-472.
    https://doi.org/10.1145/2660193.2660195
    """
    seeds = [int.from_bytes(hashlib.blake2b(item.encode(), digest_size=8).digest(), "big") for item in items]
    seed = np.array(seeds, np.uint64)[:, None]
    at_once = max(1, MOST_WEIGHTS // max(1, len(items)))
    for first in range(1, REPLICATES + 1, at_once):
        mixed = seed + np.arange(first, min(first + at_once, REPLICATES + 1), dtype=np.uint64) * _STEP
        for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
            mixed = (mixed ^ (mixed >> shift)) * factor
        mixed ^= mixed >> _SHIFTS[2]
        yield np.searchsorted(_POISSON, mixed, side="right").astype(np.float64)


def bootstrapped(reading: Reading, replicates: Floats, lowest: float) -> Reading:
    r"""The reading with the interval that its replicates give, nan where one is undefined; its n is the number of items.

    $$ \hat\theta \pm t_{n - 1} \sqrt{\frac{1}{B - 1} \sum_b (\theta_b - \bar\theta)^2}, $$

    clipped to [lowest, 1]: the standard deviation of the replicates as standard error. The quantiles of replicates are
    narrower and hold the truth less often (`python -m tests.benchmarks.coverage_of_annotators`).

    >>> bootstrapped(Reading(0.5, None, None, 10), np.tile([0.4, 0.6], 100), -1.0)  # doctest: +ELLIPSIS
    Reading(value=0.5, low=0.273..., high=0.726..., n=10, why='')

    References
    ----------
    Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap, chapters 6 and 12. Chapman and Hall.
    https://doi.org/10.1201/9780429246593
    """
    held = np.round(replicates[np.isfinite(replicates)], DIGITS).tolist()
    if reading.value is None or len(held) < FEWEST_DEFINED:
        return reading
    mean = math.fsum(held) / len(held)
    variance = math.fsum([(each - mean) ** 2 for each in held]) / (len(held) - 1)
    return Estimate(reading.value, math.sqrt(variance), reading.n - 1).reading(reading.n, lowest)
