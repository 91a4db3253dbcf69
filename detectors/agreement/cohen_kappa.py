"""Cohen's kappa of a pair of annotators."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from detectors.agreement.arrays import in_order
from detectors.agreement.coefficient import Estimate, Estimates
from detectors.agreement.confusions import EXACT, Confusions
from detectors.agreement.patterns import LABEL


def cohen_kappa(counts: Mapping[str, int]) -> Estimate | None:
    r"""The agreement of two annotators corrected for the chance that follows from how each uses the labels.

    With $n_{kl}$ items labelled $k$ by the first and $l$ by the second, of $n$ labelled by both,

    $$ \kappa = 1 - \frac{n \sum_{k \ne l} n_{kl}}{n^2 - \sum_k n_{k \cdot} n_{\cdot k}}, $$

    from integers and one division. The standard error is the asymptotic one of Fleiss, Cohen and Everitt, which divides
    by n, with $n - 1$ degrees of freedom, as irrCAC has it for tables; SAS and statsmodels take the normal quantile for
    their limits.

    Takes a counter of `detectors.agreement.patterns.pair_pattern`. None where both use one and the same label only
    (scikit-learn answers nan there).

    >>> cohen_kappa({"a\x1fa": 20, "a\x1fb": 5, "b\x1fa": 10, "b\x1fb": 15})  # doctest: +ELLIPSIS
    Estimate(value=0.4, error=0.12699606..., degrees=49)

    References
    ----------
    Cohen, J. (1960). A coefficient of agreement for nominal scales.
    Educational and Psychological Measurement 20(1), 37-46. https://doi.org/10.1177/001316446002000104

    Fleiss, J. L., Cohen, J. and Everitt, B. S. (1969). Large sample standard errors of kappa and weighted kappa.
    Psychological Bulletin 72(5), 323-327. https://doi.org/10.1037/h0028106
    """
    cells: list[tuple[str, str, int]] = []
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    equal = 0
    for pattern, count in counts.items():
        if count < 0:
            raise ValueError(
                f"expected counts above 0, found {count} for pair {pattern!r}: more was retracted than added"
            )
        a, _, b = pattern.partition(LABEL)
        cells.append((a, b, count))
        first[a] += count
        second[b] += count
        if a == b:
            equal += count
    cells.sort()
    n = first.total()
    by_chance = sum(count * second[a] for a, count in first.items() if a in second)
    expected = n * n - by_chance
    if not expected:
        return None
    ratio = n * (n - equal) / expected  # 1 - kappa
    centre = equal / n - 2.0 * ratio * by_chance / (n * n)
    deviations = [((a == b) - ratio * (second.get(a, 0) + first.get(b, 0)) / n - centre) for a, b, _ in cells]
    squares = float(in_order(np.array([count * (x * x) for x, (_, _, count) in zip(deviations, cells, strict=True)])))
    return Estimate(1.0 - ratio, math.sqrt(squares) * n / expected, n - 1)


def cohen_kappas(confusions: Confusions) -> Estimates:
    """The same of many pairs, by the same arithmetic: figures by pair."""
    counts, n = confusions.counts, confusions.items
    equal = np.trace(counts, axis1=1, axis2=2)
    first, second = counts.sum(axis=2), counts.sum(axis=1)
    by_chance = (first * second).sum(axis=1)
    expected = n * n - by_chance
    defined = (expected > 0) & (n * n < EXACT)
    expected[~defined] = 1
    ratio = n * (n - equal) / expected
    centre = equal / n - 2.0 * ratio * by_chance / (n * n)
    used = second[:, :, None] + first[:, None, :]
    ratio_, n_, centre_ = ratio[:, None, None], n[:, None, None], centre[:, None, None]
    squares = confusions.squares(np.eye(counts.shape[1]) - ratio_ * used / n_ - centre_)
    return Estimates(1.0 - ratio, np.sqrt(squares) * n / expected, (n - 1).astype(np.float64), defined)
