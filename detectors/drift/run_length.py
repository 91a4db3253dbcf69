"""Exact run lengths of the integer CUSUM: how long to a false alarm, how long to a true one."""

from __future__ import annotations

import math

import numpy as np


def average_run_length(
    error_rate: float,
    error_step: int,
    correct_step: int,
    threshold: int,
    start: int = 0,
) -> float:
    r"""How many answers an integer CUSUM takes on average to reach its threshold.

    The statistic begins at `start`, rises by `error_step` at an error, falls by `correct_step` at a correct answer, no
    further than 0, and stops at or above `threshold` $h$. Its $h$ states below are a Markov chain; with $p$ the error
    rate, the run lengths $L_0, \ldots, L_{h-1}$ solve

    $$ L_s = 1 + p L_{s+a} + (1-p) L_{\max(s-b, 0)}, \qquad L_s = 0 \text{ for } s \geq h. $$

    Answers are taken as independent, of one error rate. The result carries a relative error of about its own size times
    $10^{-16}$. Infinite where no error can occur.

    Swapping the roles gives the mirrored CUSUM, which rises with correct answers: for it pass the share of correct
    answers and the steps in the other order.

    >>> round(average_run_length(0.05, 10, 1, 48), 4)
    5212.9715
    >>> round(average_run_length(0.15, 10, 1, 48), 4)
    66.0957

    References
    ----------
    Brook, D., Evans, D. A. (1972). An approach to the probability distribution of CUSUM run length.
    Biometrika 59(3), 539-549. https://doi.org/10.1093/biomet/59.3.539

    Reynolds, M. R., Stoumbos, Z. G. (1999). A CUSUM chart for monitoring a proportion when inspecting continuously.
    Journal of Quality Technology 31(1), 87-108. https://doi.org/10.1080/00224065.1999.11979900
    """
    if not 0 <= error_rate <= 1:
        raise ValueError(f"expected an error rate from 0 to 1, found {error_rate}")
    if min(error_step, correct_step, threshold) < 1 or not 0 <= start < threshold:
        raise ValueError(
            f"expected steps and a threshold of at least 1 and a start below the threshold, found steps "
            f"{error_step} and {correct_step}, threshold {threshold}, start {start}"
        )
    if error_rate == 0:
        return math.inf
    states = np.arange(threshold)
    system = np.eye(threshold)
    # One entry a row each: rows never repeat, so plain fancy indexing adds all of them.
    rising = states + error_step < threshold
    system[states[rising], states[rising] + error_step] -= error_rate
    system[states, np.maximum(states - correct_step, 0)] -= 1 - error_rate
    return float(np.linalg.solve(system, np.ones(threshold))[start])


def threshold_for(run_length: float, error_rate: float, error_step: int = 10, correct_step: int = 1) -> int:
    """The smallest threshold with at least this average run length at this error rate.

    >>> threshold_for(5_000, 0.05)
    48
    >>> threshold_for(10_000, 0.05)
    54
    """
    if not 1 <= run_length <= MAXIMUM_RUN_LENGTH:
        raise ValueError(f"expected a run length from 1 to {MAXIMUM_RUN_LENGTH:,}, found {run_length}")

    def enough(threshold: int) -> bool:
        return average_run_length(error_rate, error_step, correct_step, threshold) >= run_length

    # The run length grows with the threshold: double until it suffices, then bisect.
    high = 1
    while not enough(high):
        high *= 2
        if high > MAXIMUM_THRESHOLD:
            raise ValueError(
                f"no threshold up to {MAXIMUM_THRESHOLD} gives a run length of {run_length} at an error rate of "
                f"{error_rate}: the steps {error_step} and {correct_step} drift upwards at it; expected a lower "
                "acceptable error rate, or a smaller error step"
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


MAXIMUM_RUN_LENGTH = 1_000_000_000
"""Beyond it the linear system loses its accuracy."""

MAXIMUM_THRESHOLD = 1024
"""The linear system has this many unknowns at most."""
