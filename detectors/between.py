"""How the people of one vendor label the items that those of another label too."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, groupby
from operator import itemgetter
from typing import Final, TypeAlias

from detectors.agreement.measures import Measure
from detectors.agreement.patterns import between_groups
from detectors.labels import Fit
from detectors.labels.base import Given, GroupMeasuring
from detectors.protocols import Annotation

BETWEEN_VENDORS: Final = "between.vendor"
"""The dimension whose values are pairs of vendors."""

MOST_VENDORS: Final = 10
"""Items that more vendors label count no pairs of vendors: ten have 45."""

_AND: Final = "\x1f"
"""Stands between two vendors; no vendor's name contains it."""

Compared: TypeAlias = tuple[str, int, str | Measure]
"""A label type, how many labels two vendors have of it on an item, and the pattern, or what numbers measure."""


def pair_name(a: str, b: str) -> str:
    r"""The value of the dimension for two vendors, a before b.

    >>> pair_name("acme", "opaline")
    'acme\x1fopaline'
    """
    return a + _AND + b


def pair_of(name: str) -> tuple[str, str]:
    r"""The two vendors of a value of the dimension.

    >>> pair_of("acme\x1fopaline")
    ('acme', 'opaline')
    """
    a, _, b = name.partition(_AND)
    return a, b


def between_vendors(
    labels: Iterable[tuple[str, str, str, Annotation]], fit: Fit
) -> dict[tuple[str, str], list[Compared]]:
    """For each two vendors that have counting labels of one type on an item, what is compared.

    `labels` are those that count (`detectors.item.Counted`), in order of their types.
    """
    found: dict[tuple[str, str], list[Compared]] = {}
    for kind, given in groupby(labels, itemgetter(0)):
        measuring = fit.measuring_groups.get(kind)
        if measuring is not None:
            _add_measures(found, kind, given, measuring)
        elif kind in fit.categorical:
            _add_patterns(found, kind, given)
    return found


_Found: TypeAlias = dict[tuple[str, str], list[Compared]]
_Labels: TypeAlias = Iterable[tuple[str, str, str, Annotation]]


def _add_patterns(found: _Found, kind: str, given: _Labels) -> None:
    vendors: dict[str, list[str]] = {}
    for _, _, label, annotation in given:
        if annotation.vendor is not None:
            vendors.setdefault(annotation.vendor, []).append(label)
    if len(vendors) <= MOST_VENDORS:
        for a, b in combinations(sorted(vendors), 2):
            one, other = vendors[a], vendors[b]
            found.setdefault((a, b), []).append((kind, len(one) + len(other), between_groups(one, other)))


def _add_measures(found: _Found, kind: str, given: _Labels, measuring: GroupMeasuring) -> None:
    vendors: dict[str, list[Given]] = {}
    for _, annotator, key, annotation in given:
        if annotation.vendor is not None:
            vendors.setdefault(annotation.vendor, []).append((annotator, key, annotation.label))
    if 2 <= len(vendors) <= MOST_VENDORS:
        names = sorted(vendors)
        measures = measuring([vendors[name] for name in names])
        for (a, b), measure in zip(combinations(names, 2), measures, strict=True):
            found.setdefault((a, b), []).append((kind, len(vendors[a]) + len(vendors[b]), measure))
