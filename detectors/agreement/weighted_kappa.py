"""Weighted kappas of a pair of annotators."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from detectors.agreement.arrays import in_order
from detectors.agreement.coefficient import Estimate, Estimates
from detectors.agreement.confusions import EXACT, Confusions
from detectors.agreement.patterns import LABEL, both
from detectors.agreement.scale import Scale

LINEAR, QUADRATIC = 1, 2


def weighted_kappa(counts: Mapping[str, int], scale: Scale, power: int) -> Estimate | None:
    r"""The agreement of two annotators on ordered labels, where labels that are near each other agree in part.

    With $n_{kl}$ items labelled $k$ by the first and $l$ by the second, of $n$ labelled by both, and the distance
    $v_{kl} = |k - l|$ (linear) or $(k - l)^2$ (quadratic),

    $$ \kappa = 1 - \frac{n \sum_{k, l} n_{kl} v_{kl}}{\sum_{k, l} n_{k \cdot} n_{\cdot l} v_{kl}}, $$

    from integers and one division. k and l are ranks in the declared set for ordinal labels, else the numbers. With
    $D_o$ and $D_e$ the mean distances observed and by chance, $r = D_o/D_e$, $\bar v_{k \cdot}$ the mean distance of k
    to the second's labels and $\bar v_{\cdot l}$ that of l to the first's, the variance is that of Fleiss, Cohen and
    Everitt,

    $$ \frac{1}{n^2 D_e^2} \sum_{k, l} n_{kl} \left(r (\bar v_{k \cdot} + \bar v_{\cdot l}) - v_{kl} - D_o\right)^2, $$

    with $n - 1$ degrees of freedom. Takes a counter of `detectors.agreement.patterns.pair_pattern`, whose labels the
    scale knows. None where both use one and the same label only (scikit-learn answers nan there).

    >>> scale = Scale.of("ordinal", "abc")
    >>> weighted_kappa({"a\x1fa": 5, "a\x1fb": 2, "b\x1fc": 1, "c\x1fc": 4}, scale, LINEAR)  # doctest: +ELLIPSIS
    Estimate(value=0.74647887..., error=0.12779..., degrees=11)

    References
    ----------
    Cohen, J. (1968). Weighted kappa: nominal scale agreement with provision for scaled disagreement or partial credit.
    Psychological Bulletin 70(4), 213-220. https://doi.org/10.1037/h0026256

    Fleiss, J. L., Cohen, J. and Everitt, B. S. (1969). Large sample standard errors of kappa and weighted kappa.
    Psychological Bulletin 72(5), 323-327. https://doi.org/10.1037/h0028106
    """
    places = scale.steps
    cells: list[tuple[int, int, int, int]] = []
    first: dict[int, int] = {}
    second: dict[int, int] = {}
    for pattern, count in sorted(counts.items(), key=lambda cell: both(cell[0])):
        if count < 0:
            raise ValueError(
                f"expected counts above 0, found {count} for pair {pattern!r}: more was retracted than added"
            )
        label, _, other = pattern.partition(LABEL)
        a, b = places[label], places[other]
        cells.append((a, b, count, abs(a - b) ** power))
        first[a] = first.get(a, 0) + count
        second[b] = second.get(b, 0) + count
    n = sum(first.values())
    observed = sum([count * distance for _, _, count, distance in cells])
    from_first, from_second = _distances(first, second, power), _distances(second, first, power)
    expected = sum(count * from_first[a] for a, count in first.items())
    if not expected:
        return None
    ratio = n * observed / expected
    # Distances in units of that by chance, so that the digits of large numbers do not matter.
    unit = expected / (n * n)
    by_first = {a: ratio * (distance / n / unit) - observed / n / unit for a, distance in from_first.items()}
    by_second = {b: ratio * (distance / n / unit) for b, distance in from_second.items()}
    deviations = [by_first[a] + by_second[b] - distance / unit for a, b, _, distance in cells]
    squares = float(
        in_order(np.array([count * (x * x) for x, (_, _, count, _) in zip(deviations, cells, strict=True)]))
    )
    return Estimate(1.0 - ratio, math.sqrt(squares) / n, n - 1)


def weighted_kappas(confusions: Confusions, scale: Scale, power: int) -> Estimates | None:
    """The same of many pairs, by the same arithmetic; None where the scale lacks labels or its numbers are too large."""
    if not scale.steps.keys() >= set(confusions.labels):
        return None
    steps = [scale.steps[label] for label in confusions.labels]
    most = max((max(steps) - min(steps)) ** power, 1)
    counts, n = confusions.counts, confusions.items
    if most * int(n.max()) ** 2 >= EXACT:
        return None
    places = np.array([step - min(steps) for step in steps])
    distance = np.abs(places[:, None] - places) ** power
    observed = (counts * distance).sum(axis=(1, 2))
    first, second = counts.sum(axis=2), counts.sum(axis=1)
    from_first, from_second = second @ distance, first @ distance
    expected = (first * from_first).sum(axis=1)
    defined = expected > 0
    expected[~defined] = 1
    ratio = n * observed / expected
    unit = expected / (n * n)
    by_first = ratio[:, None] * (from_first / n[:, None] / unit[:, None]) - (observed / n / unit)[:, None]
    by_second = ratio[:, None] * (from_second / n[:, None] / unit[:, None])
    squares = confusions.squares(by_first[:, :, None] + by_second[:, None, :] - distance / unit[:, None, None])
    return Estimates(1.0 - ratio, np.sqrt(squares) / n, (n - 1).astype(np.float64), defined)


def _distances(places: Mapping[int, int], counts: Mapping[int, int], power: int) -> dict[int, int]:
    """For each place the sum of its distances to what is counted, in one pass over both in order."""
    if power == QUADRATIC:
        n = sum(counts.values())
        plain = sum(count * place for place, count in counts.items())
        squares = sum(count * place * place for place, count in counts.items())
        return {place: n * place * place - 2 * place * plain + squares for place in places}
    below = mass = 0
    n, plain = sum(counts.values()), sum(count * place for place, count in counts.items())
    found: dict[int, int] = {}
    for place in sorted(places.keys() | counts.keys()):
        # Those below are place - x away, the others x - place.
        if place in places:
            found[place] = 2 * (place * mass - below) + plain - place * n
        mass += counts.get(place, 0)
        below += place * counts.get(place, 0)
    return found
