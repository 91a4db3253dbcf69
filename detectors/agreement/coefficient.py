"""What a coefficient of agreement is, and how its estimate becomes a reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from detectors.agreement.arrays import Floats
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.reading import Reading
from detectors.reasons import NO_PAIRABLE_ITEM, NO_VARIATION, NOT_AVAILABLE

ORDERED: Final = frozenset({"ordinal", "interval", "ratio"})
"""The levels of measurement whose categories have an order."""

UNORDERED: Final = frozenset({"nominal"})
"""The level whose categories are equal or not, and nothing else."""

CATEGORIES: Final = ORDERED | UNORDERED
"""All levels: a label type whose labels are categories has one of these (`detectors.labels.level_of`)."""


class Estimate(NamedTuple):
    """A coefficient with its standard error and the degrees of freedom of that error."""

    value: float
    error: float
    degrees: float

    def reading(self, n: int, lowest: float) -> Reading:
        """The value with its 95 % interval from Student's t, clipped to [lowest, 1]; no interval for n below 2.

        The interval holds the value even where that lies below `lowest`, as Fleiss' kappa can where most items have
        one label.
        """
        if n < 2 or self.degrees < 1:
            return Reading(self.value, None, None, n)
        half = student_quantile(self.degrees) * self.error
        low = min(self.value, max(lowest, self.value - half))
        return Reading(self.value, low, min(1.0, self.value + half), n)


@lru_cache(maxsize=65_536)
def student_quantile(degrees: float) -> float:
    """The 0.975 quantile of Student's t.

    >>> round(student_quantile(11), 9)
    2.20098516
    """
    return float(stdtrit(degrees, 0.975))


@lru_cache(maxsize=16)
def _student_quantiles(degrees: bytes) -> Floats:
    """Those of an array: the coefficients of many scopes have the same degrees of freedom."""
    return np.array(list(map(student_quantile, np.frombuffer(degrees).tolist())))


class Estimates(NamedTuple):
    """Estimates of one coefficient, by scope or by pair of annotators."""

    value: Floats
    error: Floats
    degrees: Floats
    defined: NDArray[np.bool_] | None = None
    """Which of them mean something; None if all do."""

    def readings(self, n: Sequence[int], lowest: float) -> list[Reading]:
        """What `Estimate.reading` gives of each; every n is at least 2."""
        half = _student_quantiles(self.degrees.tobytes()) * self.error
        low = np.minimum(self.value, np.maximum(lowest, self.value - half))
        high = np.minimum(1.0, self.value + half)
        return Reading.of_each(self.value.tolist(), low.tolist(), high.tolist(), n)


class Estimator(Protocol):
    """Of rows with at least one pairable item in each scope, and the number of declared categories (at least those seen).

    The answer is None where chance would agree always, and a reason (`detectors.reasons`) where it is undefined otherwise.
    """

    def __call__(self, rows: Rows[Figure, Answer], q: int, /) -> Answer | str | None: ...


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement: its name, the label types it is for, its lower bound, and its estimate.

    Of a label type that has a level of measurement, the level stands for it. `by_type` has the estimates of those that have
    another one.
    """

    name: str
    label_types: frozenset[str]
    lowest: float
    estimate: Estimator
    by_type: Mapping[str, Estimator] = field(default_factory=dict)

    def reading(
        self,
        table: Rows[float, Estimate],
        q: int,
        label_type: str = "nominal",
        known: dict[Estimator, Estimate | str | None] | None = None,
    ) -> Reading:
        """The coefficient with its interval; q is the number of declared categories, n the pairable items.

        `known` keeps the estimates of one table and q, for coefficients that are equal there.
        """
        n = round(table.pairable)
        if label_type not in self.label_types:
            return Reading.undefined(n, NOT_AVAILABLE)
        if not table.pairable:
            return Reading.undefined(0, NO_PAIRABLE_ITEM)
        estimator = self.by_type.get(label_type, self.estimate)
        known = {} if known is None else known
        if estimator not in known:
            found = estimator(table, int(max(q, table.categories)))
            known[estimator] = found
        estimate = known[estimator]
        if not isinstance(estimate, Estimate):
            return Reading.undefined(n, estimate or NO_VARIATION)
        return estimate.reading(n, self.lowest)

    def readings(
        self,
        stack: Rows[Floats, Estimates],
        q: int,
        label_type: str,
        known: dict[tuple[Estimator, float], Sequence[Reading]],
    ) -> Sequence[Reading]:
        """What `reading` gives of each table of a stack, where it is regular; `known` as there, of readings.

        The coefficient is for the label type.
        """
        n = stack.pairable.astype(np.int64).tolist()
        estimator = self.by_type.get(label_type, self.estimate)
        key = estimator, self.lowest
        if key not in known:
            estimates = estimator(stack, q)
            known[key] = (
                estimates.readings(n, self.lowest)
                if isinstance(estimates, Estimates)
                else Reading.undefined_of_each(n, estimates or NO_VARIATION)
            )
        return known[key]


def chance_corrected(
    table: Rows[Figure, Answer],
    expected: Figure | float,
    expected_by_row: Floats,
    disagreement: Floats | None = None,
) -> Answer:
    r"""The family of Fleiss' kappa, AC1 and Brennan-Prediger: one minus observed over expected disagreement.

    $\kappa = 1 - D_o/D_e$. Of the $N$ items $n$ are pairable; item $i$ with disagreement $d_i$, and $D_{e|i}$ expected
    from its labels, has the linearised value

    $$ x_i = \frac{N}{n} \left([m_i \ge 2] - \frac{d_i}{D_e}\right) - 2 (1 - \kappa) \left(1 - \frac{D_{e|i}}{D_e}\right), $$

    whose mean is $\kappa$; the variance is $\sum_i (x_i - \kappa)^2 / N(N - 1)$ with $N - 1$ degrees of freedom. Items
    with one label take part, as in irrCAC, whose standard errors and limits these are: n is taken as fixed.

    `disagreement` is $d_i$ by row where it is weighted; without, the share of the pairs of labels that differ.

    References
    ----------
    Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high agreement.
    British Journal of Mathematical and Statistical Psychology 61(1), 29-48. https://doi.org/10.1348/000711006X126600

    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    if disagreement is None:
        disagreement, observed = table.disagreement, table.observed_disagreement
    else:
        observed = table.total(table.weight * disagreement) / table.pairable
    value = 1.0 - observed / expected
    own = (table.size > 1) - disagreement / table.to_rows(expected)
    chance = table.to_rows(2.0 * (1.0 - value)) * (1.0 - expected_by_row / table.to_rows(expected))
    deviation = table.to_rows(table.items / table.pairable) * own - chance - table.to_rows(value)
    return table.estimate(value, table.weight, deviation, table.items)


def alpha_of(
    table: Rows[Figure, Answer],
    disagreement: Floats,
    expected_by_label: Floats,
    moved: Callable[[Figure], Floats] | None = None,
) -> Answer | None:
    r"""Krippendorff's alpha from the mean distance of the pairs of labels of each item, and that expected of each label.

    $$ \alpha = 1 - \left(1 - \frac 1 n\right) \frac{D_o}{D_e}, \qquad D_o = \frac{1}{n} \sum_i m_i d_i, \qquad
       D_e = \sum_c \pi_c e_c $$

    over the $N$ pairable items with $n$ labels, $\pi_c$ of them $c$, whose mean distance to all labels is $e_c$.

    The standard error is the linearisation of irrCAC: with $\bar m$ the mean of $m_i$, $\alpha' = 1 - D_o/D_e$,
    $D = (1 - 1/n) D_o$ and $u_i = m_i/\bar m$,

    $$ x_i = 1 + \frac{u_i (D - d_i) - D}{D_e} - 2 (1 - \alpha') u_i \left(1 - \frac{1}{D_e} \sum_c s_{ic} e_c\right), $$

    whose mean is $\alpha'$, and the variance $\sum_i (x_i - \alpha')^2 / N(N - 1)$ over the pairable items, with
    $N - 1$ degrees of freedom. `moved` gives, for $1 - \alpha'$, what to add to $x_i D_e / u_i$ by row where the
    distances themselves depend on $\pi$. None where the pairable items show one label only.

    References
    ----------
    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    if not table.varied:
        return None
    weight = np.where(table.size > 1, table.weight, 0.0)
    expected = table.over_labels(table.pair_shares * expected_by_label)
    uncorrected = table.total(weight * table.size * disagreement) / table.pair_labels
    observed = (1.0 - 1.0 / table.pair_labels) * uncorrected
    centre = 1.0 - uncorrected / expected
    relative_size = table.size * table.to_rows(table.pairable / table.pair_labels)
    expected_by_row, observed_by_row = table.to_rows(expected), table.to_rows(observed)
    deviation = (
        1.0
        + (relative_size * (observed_by_row - disagreement) - observed_by_row) / expected_by_row
        - table.to_rows(2.0 * (1.0 - centre))
        * relative_size
        * (1.0 - table.by_row(expected_by_label) / expected_by_row)
        - table.to_rows(centre)
    )
    if moved is not None:
        deviation += relative_size * moved(1.0 - centre) / expected_by_row
    return table.estimate(1.0 - observed / expected, weight, deviation, table.pairable)
