"""The agreement of two annotators on the items that both labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np

from detectors.agreement.coefficient import CATEGORIES, ORDERED, Estimate, Estimates
from detectors.agreement.cohen_kappa import cohen_kappa, cohen_kappas
from detectors.agreement.confusions import MOST_PAIRS, Cells, Confusions
from detectors.agreement.patterns import BY_SIZE, LABEL, of_any_size
from detectors.agreement.scale import Scale
from detectors.agreement.weighted_kappa import LINEAR, QUADRATIC, weighted_kappa, weighted_kappas
from detectors.reading import Reading
from detectors.reasons import NO_ORDER, NO_PAIRABLE_ITEM, NO_VARIATION, NOT_AVAILABLE

PairEstimator: TypeAlias = Callable[[Mapping[str, int], Scale | None], Estimate | str | None]
"""A confusion that is not empty, and the task's scale if there is one.

The answer is None where chance would agree always, and a reason (`detectors.reasons`) where it is undefined otherwise.
"""


class PairCoefficient(NamedTuple):
    """A coefficient of two annotators: its name, the label types it is for, and its estimate.

    `together` is the same of many pairs, to the last digit; None where they must be taken one by one.
    """

    name: str
    label_types: frozenset[str]
    estimate: PairEstimator
    together: Callable[[Confusions, Scale | None], Estimates | None] | None = None


def _cohen_kappa(counts: Mapping[str, int], _scale: Scale | None) -> Estimate | None:
    return cohen_kappa(counts)


def _weighted_kappa(power: int) -> PairEstimator:
    def estimate(counts: Mapping[str, int], scale: Scale | None) -> Estimate | str | None:
        if scale is None:
            return NO_ORDER
        try:
            return weighted_kappa(counts, scale, power)
        except KeyError:
            # Seldom: an old configuration had labels that this one has not.
            held = scale.holding(label for pattern in counts for label in pattern.split(LABEL))
            return NO_ORDER if held is None else weighted_kappa(counts, held, power)

    return estimate


def _cohen_kappas(confusions: Confusions, _scale: Scale | None) -> Estimates | None:
    return cohen_kappas(confusions)


def _weighted_kappas(power: int) -> Callable[[Confusions, Scale | None], Estimates | None]:
    def together(confusions: Confusions, scale: Scale | None) -> Estimates | None:
        return None if scale is None else weighted_kappas(confusions, scale, power)

    return together


PAIR_COEFFICIENTS: Mapping[str, PairCoefficient] = MappingProxyType(
    {
        coefficient.name: coefficient
        for coefficient in (
            PairCoefficient("cohen_kappa", CATEGORIES, _cohen_kappa, _cohen_kappas),
            PairCoefficient("weighted_kappa_linear", ORDERED, _weighted_kappa(LINEAR), _weighted_kappas(LINEAR)),
            PairCoefficient(
                "weighted_kappa_quadratic", ORDERED, _weighted_kappa(QUADRATIC), _weighted_kappas(QUADRATIC)
            ),
        )
    }
)


def pair_agreement(
    counts: Mapping[str, int], label_type: str = "nominal", scale: Scale | None = None
) -> dict[str, Reading]:
    r"""All coefficients of a pair, by name in the registry's order; n is the number of items that both labelled.

    The counter is of `detectors.agreement.patterns.pair_pattern`, or of `sized_pattern` where the label type is `BY_SIZE`.

    >>> pair_agreement({"a\x1fa": 20, "a\x1fb": 5, "b\x1fa": 10, "b\x1fb": 15})["cohen_kappa"]  # doctest: +ELLIPSIS
    Reading(value=0.4, low=0.14479..., high=0.65520..., n=50, why='')
    >>> pair_agreement({})["cohen_kappa"].why
    'no pairable item'
    """
    n = sum(counts.values())
    return {
        name: _reading(coefficient, counts, n, label_type, scale) for name, coefficient in PAIR_COEFFICIENTS.items()
    }


def pair_agreement_of_cells(
    cells: Cells, label_type: str = "nominal", scale: Scale | None = None
) -> list[dict[str, Reading]]:
    r"""What `pair_agreement` gives of each of several pairs of a task, to the last digit, in a fraction of the time.

    >>> counts = [{"a\x1fa": 20, "a\x1fb": 5}, {}, {"a\x1fb": 5, "b\x1fa": 10, "b\x1fb": 15}]
    >>> pair_agreement_of_cells(Cells.of(counts)) == [pair_agreement(each) for each in counts]
    True
    """
    found: dict[int, dict[str, Reading]] = {}
    several = np.flatnonzero(cells.several).tolist()
    for start in range(0, len(several), MOST_PAIRS):
        block = several[start : start + MOST_PAIRS]
        of_block = cells.some(block)
        confusions = Confusions.of(of_block)
        if confusions is not None:
            found.update(zip(block, _together(confusions, of_block, label_type, scale), strict=True))
    return [found.get(pair) or pair_agreement(cells.counter(pair), label_type, scale) for pair in range(cells.pairs)]


def _together(
    confusions: Confusions, cells: Cells, label_type: str, scale: Scale | None
) -> Iterator[dict[str, Reading]]:
    items = confusions.items.tolist()
    columns: list[list[Reading]] = []
    for coefficient in PAIR_COEFFICIENTS.values():
        if label_type not in coefficient.label_types:
            columns.append(Reading.undefined_of_each(items, NOT_AVAILABLE))
            continue
        estimates = None if coefficient.together is None else coefficient.together(confusions, scale)
        if estimates is None:
            counters = map(cells.counter, range(cells.pairs))
            one_by_one = zip(counters, items, strict=True)
            columns.append([_reading(coefficient, each, n, label_type, scale) for each, n in one_by_one])
            continue
        readings = estimates.readings(items, -1.0)
        if estimates.defined is not None:
            for place in np.flatnonzero(~estimates.defined).tolist():
                readings[place] = _reading(coefficient, cells.counter(place), items[place], label_type, scale)
        columns.append(readings)
    return (dict(zip(PAIR_COEFFICIENTS, readings, strict=True)) for readings in zip(*columns, strict=True))


def _reading(
    coefficient: PairCoefficient, counts: Mapping[str, int], n: int, label_type: str, scale: Scale | None
) -> Reading:
    if label_type not in coefficient.label_types:
        return Reading.undefined(n, NOT_AVAILABLE)
    if not counts:
        return Reading.undefined(0, NO_PAIRABLE_ITEM)
    estimate = coefficient.estimate(of_any_size(counts) if label_type in BY_SIZE else counts, scale)
    if not isinstance(estimate, Estimate):
        return Reading.undefined(n, estimate or NO_VARIATION)
    return estimate.reading(n, -1.0)
