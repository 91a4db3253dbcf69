"""What a coefficient of agreement is, and how its estimate becomes a reading."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from scipy.special import stdtrit

from detectors.agreement.table import Floats, Table, total
from detectors.reading import Reading
from detectors.reasons import NO_PAIRABLE_ITEM, NO_VARIATION, NOT_AVAILABLE


class Estimate(NamedTuple):
    """A coefficient with its standard error and the degrees of freedom of that error."""

    value: float
    error: float
    degrees: int

    def reading(self, n: int, lowest: float) -> Reading:
        """The value with its 95 % interval from Student's t, clipped to [lowest, 1]; no interval for n below 2.

        The interval holds the value even where that lies below `lowest`, as Fleiss' kappa can where most items have
        one label.
        """
        if n < 2:
            return Reading(self.value, None, None, n)
        half = student_quantile(self.degrees) * self.error
        low = min(self.value, max(lowest, self.value - half))
        return Reading(self.value, low, min(1.0, self.value + half), n)


@lru_cache(maxsize=65_536)
def student_quantile(degrees: int) -> float:
    """The 0.975 quantile of Student's t.

    >>> round(student_quantile(11), 9)
    2.20098516
    """
    return float(stdtrit(degrees, 0.975))


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement: its name, the label types it is for, its lower bound, and its estimate.

    `estimate` is given a table with at least one pairable item and the number of declared categories (at least those
    seen); it answers None where chance would agree always.
    """

    name: str
    label_types: frozenset[str]
    lowest: float
    estimate: Callable[[Table, int], Estimate | None]

    def reading(self, table: Table, q: int, label_type: str = "nominal") -> Reading:
        """The coefficient with its interval; q is the number of declared categories, n the pairable items."""
        if label_type not in self.label_types:
            return Reading.undefined(table.pairable, NOT_AVAILABLE)
        if not table.pairable:
            return Reading.undefined(0, NO_PAIRABLE_ITEM)
        estimate = self.estimate(table, max(q, table.categories))
        if estimate is None:
            return Reading.undefined(table.pairable, NO_VARIATION)
        return estimate.reading(table.pairable, self.lowest)


def standard_error(weight: Floats, deviation: Floats, n: int) -> float:
    """The standard error of a mean over n items: root of the sum of squared deviations over n(n - 1)."""
    return math.sqrt(total(weight * deviation * deviation) / (n * (n - 1))) if n > 1 else math.nan


def chance_corrected(table: Table, expected: float, expected_by_row: Floats) -> Estimate:
    r"""The family of Fleiss' kappa, AC1 and Brennan-Prediger: one minus observed over expected disagreement.

    $\kappa = 1 - D_o/D_e$. Of the $N$ items $n$ are pairable; item $i$ with disagreement $d_i$, and $D_{e|i}$ expected
    from its labels, has the linearised value

    $$ x_i = \frac{N}{n} \left([m_i \ge 2] - \frac{d_i}{D_e}\right) - 2 (1 - \kappa) \left(1 - \frac{D_{e|i}}{D_e}\right), $$

    whose mean is $\kappa$; the variance is $\sum_i (x_i - \kappa)^2 / N(N - 1)$ with $N - 1$ degrees of freedom. Items
    with one label take part, as in irrCAC, whose standard errors and limits these are: n is taken as fixed.

    References
    ----------
    Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high agreement.
    British Journal of Mathematical and Statistical Psychology 61(1), 29-48. https://doi.org/10.1348/000711006X126600

    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    value = 1.0 - table.observed_disagreement / expected
    own = (table.size > 1) - table.disagreement / expected
    deviation = table.items / table.pairable * own - 2.0 * (1.0 - value) * (1.0 - expected_by_row / expected) - value
    return Estimate(value, standard_error(table.weight, deviation, table.items), table.items - 1)
