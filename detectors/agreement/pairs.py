"""The agreement of two annotators on the items that both labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from detectors.agreement.coefficient import CATEGORIES, ORDERED, Estimate
from detectors.agreement.cohen_kappa import cohen_kappa
from detectors.agreement.patterns import LABEL
from detectors.agreement.scale import Scale
from detectors.agreement.weighted_kappa import LINEAR, QUADRATIC, weighted_kappa
from detectors.reading import Reading
from detectors.reasons import NO_ORDER, NO_PAIRABLE_ITEM, NO_VARIATION, NOT_AVAILABLE

PairEstimator: TypeAlias = Callable[[Mapping[str, int], Scale | None], Estimate | str | None]
"""A confusion that is not empty, and the task's scale if there is one.

The answer is None where chance would agree always, and a reason (`detectors.reasons`) where it is undefined otherwise.
"""


class PairCoefficient(NamedTuple):
    """A coefficient of two annotators: its name, the label types it is for, and its estimate."""

    name: str
    label_types: frozenset[str]
    estimate: PairEstimator


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


PAIR_COEFFICIENTS: Mapping[str, PairCoefficient] = MappingProxyType(
    {
        coefficient.name: coefficient
        for coefficient in (
            PairCoefficient("cohen_kappa", CATEGORIES, _cohen_kappa),
            PairCoefficient("weighted_kappa_linear", ORDERED, _weighted_kappa(LINEAR)),
            PairCoefficient("weighted_kappa_quadratic", ORDERED, _weighted_kappa(QUADRATIC)),
        )
    }
)


def pair_agreement(
    counts: Mapping[str, int], label_type: str = "nominal", scale: Scale | None = None
) -> dict[str, Reading]:
    r"""All coefficients of a pair, by name in the registry's order; n is the number of items that both labelled.

    >>> pair_agreement({"a\x1fa": 20, "a\x1fb": 5, "b\x1fa": 10, "b\x1fb": 15})["cohen_kappa"]  # doctest: +ELLIPSIS
    Reading(value=0.4, low=0.14479..., high=0.65520..., n=50, why='')
    >>> pair_agreement({})["cohen_kappa"].why
    'no pairable item'
    """
    n = sum(counts.values())
    return {
        name: _reading(coefficient, counts, n, label_type, scale) for name, coefficient in PAIR_COEFFICIENTS.items()
    }


def _reading(
    coefficient: PairCoefficient, counts: Mapping[str, int], n: int, label_type: str, scale: Scale | None
) -> Reading:
    if label_type not in coefficient.label_types:
        return Reading.undefined(n, NOT_AVAILABLE)
    if not counts:
        return Reading.undefined(0, NO_PAIRABLE_ITEM)
    estimate = coefficient.estimate(counts, scale)
    if not isinstance(estimate, Estimate):
        return Reading.undefined(n, estimate or NO_VARIATION)
    return estimate.reading(n, -1.0)
