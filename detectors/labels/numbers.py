"""Interval and ratio labels: numbers, exact decimals of at most 12 places and at most 10^9 in size."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from detectors.agreement.measures import Measure
from detectors.agreement.moments import item_moment, moment_against, moment_between, units
from detectors.config import TaskConfig
from detectors.labels.base import Given, GroupMeasuring, InDeclaredSet, Measured, Measuring

LARGEST = 10**9
MOST_PLACES = 12


def number_key(label: int | float) -> str | None:
    """The number's shortest decimal spelling, so that 1, 1.0 and 1e0 are one label; None outside the bounds.

    >>> number_key(1.0), number_key(-0.0), number_key(2.50), number_key(1e-13), number_key(10**10)
    ('1', '0', '2.5', None, None)
    """
    if not -LARGEST <= label <= LARGEST:
        return None
    if label == int(label):
        return str(int(label))
    exact = Decimal(repr(label)).normalize()
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > MOST_PLACES:
        return None
    return format(exact, "f")


class Interval(InDeclaredSet):
    """A number on a scale without a zero."""

    name = "interval"
    categorical = False
    answers = True

    def key(self, label: object) -> str | None:
        """The number's shortest spelling."""
        if isinstance(label, bool) or not isinstance(label, int | float):
            return None
        return number_key(label)

    def measuring(self, _config: TaskConfig) -> Measuring:
        """By moments."""
        return _moments

    def measuring_groups(self, _config: TaskConfig) -> GroupMeasuring:
        """By moments."""
        return _moments_between


class Ratio(Interval):
    """A number on a scale with a zero: never negative."""

    name = "ratio"

    def key(self, label: object) -> str | None:
        """The number's shortest spelling."""
        key = super().key(label)
        return None if key is None or key.startswith("-") else key


def _moments(given: Sequence[Given]) -> Measured:
    numbers = [units(key) for _, key, _ in given]
    a, b = sum(numbers), sum([x * x for x in numbers])
    return Measured(item_moment(numbers), [moment_against(x, numbers, a, b) for x in numbers])


def _moments_between(groups: Sequence[Sequence[Given]]) -> Sequence[Measure]:
    numbers = [[units(key) for _, key, _ in given] for given in groups]
    return [moment_between(one, other) for one, other in combinations(numbers, 2)]
