"""Accuracy on gold items."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

from detectors.reading import Reading
from detectors.reasons import NO_ANSWER

Z: Final = NormalDist().inv_cdf(0.975)


@dataclass(slots=True)
class Accuracy:
    r"""The share of answers to gold items that are correct, with its Wilson interval.

    With $p = k/n$ for $k$ correct of $n$ answers and $z$ the 0.975 quantile of the normal distribution, the 95 %
    interval is

    $$ \frac{p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}. $$

    The answers are taken as independent with one probability; the interval holds for one look at a time, so decisions
    that look again and again need a sequential test. Undefined without an answer; no interval below two answers.

    It is a commutative group (`detectors.statistic.Statistic`) on two integers.

    >>> accuracy = Accuracy()
    >>> for answer in [True] * 18 + [False] * 2:
    ...     accuracy.update(answer)
    >>> accuracy.reading()  # doctest: +ELLIPSIS
    Reading(value=0.9, low=0.69896635..., high=0.97213351..., n=20, why='')
    >>> accuracy.update(False, -1)
    >>> accuracy
    Accuracy(answers=19, correct=18)
    >>> Accuracy().reading().why
    'no answer'

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212. https://doi.org/10.1080/01621459.1927.10502953
    """

    answers: int = 0
    correct: int = 0

    def update(self, x: bool, weight: int = 1) -> None:
        """Add an answer, correct or not; a negative weight retracts it."""
        self.answers += weight
        if x:
            self.correct += weight

    def merge(self, other: Accuracy, weight: int = 1) -> None:
        """Add the answers of another accuracy; a negative weight removes them."""
        self.answers, self.correct = (
            self.answers + weight * other.answers,
            self.correct + weight * other.correct,
        )

    def copy(self) -> Accuracy:
        """An equal accuracy that shares no state with this one."""
        return replace(self)

    def reading(self) -> Reading:
        """The accuracy with its interval; n is the number of answers."""
        n, k = self.answers, self.correct
        if not 0 <= k <= n:
            raise ValueError(f"expected 0 <= correct <= answers, found {k} of {n}: more was retracted than added")
        return wilson(k, n)


def wilson(k: float, n: float) -> Reading:
    """The share k/n with its Wilson interval (`Accuracy`); weighted answers may add up to fractions.

    >>> wilson(0.75, 1.5)  # doctest: +ELLIPSIS
    Reading(value=0.5, low=0.07597..., high=0.92402..., n=2, why='')
    """
    if n == 0:
        return Reading.undefined(0, NO_ANSWER)
    p = k / n
    if n <= 1:
        return Reading(p, None, None, round(n))
    centre = p + Z * Z / (2 * n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    # At the ends one limit is p itself; the formula reaches it only up to rounding.
    low = (centre - half) / scale if k else 0.0
    high = (centre + half) / scale if k < n else 1.0
    return Reading(p, low, high, round(n))
