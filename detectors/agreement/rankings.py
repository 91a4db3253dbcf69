"""How all annotators of a task rank its items: coefficients over the items that each of them labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from detectors.agreement.arrays import Integers
from detectors.agreement.coefficient import Estimate
from detectors.agreement.patterns import BY_SIZE, LABEL, of_size
from detectors.agreement.scale import Scale
from detectors.reading import Reading
from detectors.reasons import (
    MANY_ANNOTATORS,
    NO_ORDER,
    NO_RANKING,
    NO_VARIATION,
    NOT_AVAILABLE,
    ONE_ANNOTATOR,
    TOO_MUCH,
)

MOST_ANNOTATORS: Final = 50
"""Of items with more labels no pairs are kept (`detectors.item.MOST_PAIRED`)."""

MOST_COMPARED: Final = 16_000_000
"""Pairs of different labels, times pairs of annotators: of two 4,000 labels, of fifty 114. So a reading takes seconds at most."""


class Confusion(NamedTuple):
    """By pair of places: that of the first annotator, that of the second, and how many items they put there."""

    first: Integers
    second: Integers
    items: Integers


@dataclass(frozen=True, slots=True)
class Rankings:
    """How annotators rank the items that all of them labelled; there are at least two of either.

    Places are those of the labels that they gave, in order, from 0.
    """

    items: int
    ranks: tuple[Integers, ...]
    """By annotator and place: twice the rank from 1 of the items there, tied ones at the mean of theirs. An integer."""
    counts: tuple[Integers, ...]
    """By annotator and place: how many items are there."""
    confusions: Mapping[tuple[int, int], Confusion]
    """By two annotators, numbered from 0."""

    @classmethod
    def of(cls, confusions: Mapping[tuple[int, int], Mapping[str, int]], annotators: int, scale: Scale) -> Rankings:
        r"""From the confusions of each two annotators on the same items, counters of `pair_pattern`.

        >>> confusion = {"a\x1fa": 1, "c\x1fa": 1, "c\x1fb": 2}
        >>> Rankings.of({(0, 1): confusion}, 2, Scale.of("ordinal", "abcd")).ranks
        (array([2, 3, 6]), array([3, 7, 9]))
        """
        given = {two: LABEL.join(confusion).split(LABEL) for two, confusion in confusions.items()}
        seen = sorted(set[str]().union(*given.values()), key=scale.rank.__getitem__)
        place = {label: number for number, label in enumerate(seen)}
        placed: dict[tuple[int, int], Confusion] = {}
        counts: dict[int, Integers] = {}
        for two, labels in given.items():
            places = np.fromiter(map(place.__getitem__, labels), np.int64, len(labels))
            count = np.fromiter(confusions[two].values(), np.int64, len(confusions[two]))
            placed[two] = Confusion(places[::2], places[1::2], count)
            # Any one pair of an annotator tells how many items are where.
            for annotator, side in zip(two, placed[two], strict=False):
                if annotator not in counts:
                    counts[annotator] = np.zeros(len(seen), np.int64)
                    np.add.at(counts[annotator], side, count)
        each = tuple(counts[annotator] for annotator in range(annotators))
        ranks = tuple(2 * held.cumsum() - held + 1 for held in each)
        return cls(int(each[0].sum()), ranks, each, placed)


class RankingCoefficient(NamedTuple):
    """A coefficient of all annotators' rankings: its name, its lower bound, and its estimate.

    An estimate with no degrees of freedom has no interval; None is one where nothing varies that must.
    """

    name: str
    lowest: float
    estimate: Callable[[Rankings], Estimate | None]

    def reading(self, rankings: Rankings | Reading) -> Reading:
        """The coefficient with its interval; what is undefined for all of them is so for each."""
        if isinstance(rankings, Reading):
            return rankings
        estimate = self.estimate(rankings)
        if estimate is None:
            return Reading.undefined(rankings.items, NO_VARIATION)
        return estimate.reading(rankings.items, self.lowest)


def rankings_of(
    pairs: Mapping[tuple[str, str, str], Mapping[str, int]],
    annotators: Sequence[str],
    label_type: str,
    scale: Scale | None,
) -> Rankings | Reading:
    """The rankings of these annotators, or the reading that says why there are none.

    `pairs` are counters of `detectors.agreement.patterns.sized_pattern`, by label type and two annotators, the one with
    the smaller id first. Items with as many labels as there are annotators are those that all of them labelled.
    """
    if label_type not in BY_SIZE:
        return Reading.undefined(0, NOT_AVAILABLE)
    if len(annotators) < 2:
        return Reading.undefined(0, ONE_ANNOTATOR)
    if len(annotators) > MOST_ANNOTATORS:
        return Reading.undefined(0, MANY_ANNOTATORS)
    found: dict[tuple[int, int], dict[str, int]] = {}
    for (a, first), (b, second) in combinations(enumerate(sorted(annotators)), 2):
        found[a, b] = of_size(pairs.get((label_type, first, second), {}), len(annotators))
        _check(found[a, b], first, second)
        items = sum(found[a, b].values())
        if items < 2:
            return Reading.undefined(items, NO_RANKING)
    labels = set[str]().union(*(LABEL.join(confusion).split(LABEL) for confusion in found.values()))
    # Seldom: an old configuration had labels that this one has not.
    held = None if scale is None else scale.holding(labels)
    if held is None:
        return Reading.undefined(items, NO_ORDER)
    if len(labels) ** 2 * len(found) > MOST_COMPARED:
        return Reading.undefined(items, TOO_MUCH)
    return Rankings.of(found, len(annotators), held)


def _check(confusion: Mapping[str, int], first: str, second: str) -> None:
    if min(confusion.values(), default=0) < 0:
        pattern, count = min(confusion.items(), key=lambda cell: cell[1])
        raise ValueError(
            f"expected counts above 0, found {count} for pair {pattern!r} of {first!r} and {second!r}: more was "
            "retracted than added"
        )
