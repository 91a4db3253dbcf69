"""How all annotators of a task rank its items: coefficients over the items that each of them labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple, TypeAlias

from detectors.agreement.coefficient import Estimate
from detectors.agreement.patterns import BY_SIZE, LABEL, of_size
from detectors.agreement.scale import Scale
from detectors.reading import Reading
from detectors.reasons import MANY_ANNOTATORS, NO_ORDER, NO_RANKING, NO_VARIATION, NOT_AVAILABLE, ONE_ANNOTATOR

MOST_ANNOTATORS: Final = 50
"""Of items with more labels no pairs are kept (`detectors.item.MOST_PAIRED`)."""

Confusion: TypeAlias = Mapping[tuple[int, int], int]
"""How many items the one of two annotators put in this place of the scale, and the other in that."""


@dataclass(frozen=True, slots=True)
class Rankings:
    """How annotators rank the items that all of them labelled; there are at least two of either."""

    items: int
    counts: tuple[Mapping[int, int], ...]
    """By annotator: how many items have which place of the scale."""
    confusions: Mapping[tuple[int, int], Confusion]
    """By two annotators."""

    @classmethod
    def of(cls, confusions: Mapping[tuple[int, int], Confusion], annotators: int) -> Rankings:
        """From the confusions of each two annotators, numbered from 0, on the same items."""
        counts: list[Counter[int]] = [Counter() for _ in range(annotators)]
        for (a, b), confusion in confusions.items():
            # Each annotator's places are told by any one pair.
            for annotator, side in ((a, 0), (b, 1)):
                if not counts[annotator]:
                    for places, n in confusion.items():
                        counts[annotator][places[side]] += n
        return cls(counts[0].total(), tuple(counts), confusions)


def doubled_ranks(counts: Mapping[int, int]) -> dict[int, int]:
    """Twice the rank from 1 of items in each place, tied ones at the mean of theirs: an integer.

    >>> doubled_ranks({0: 1, 4: 2})
    {0: 2, 4: 5}
    """
    found: dict[int, int] = {}
    below = 0
    for place in sorted(counts):
        found[place] = 2 * below + counts[place] + 1
        below += counts[place]
    return found


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
    labels = {label for confusion in found.values() for pattern in confusion for label in pattern.split(LABEL)}
    # Seldom: an old configuration had labels that this one has not.
    held = None if scale is None else scale.holding(labels)
    if held is None:
        return Reading.undefined(items, NO_ORDER)
    placed: dict[tuple[int, int], Confusion] = {}
    for two, confusion in found.items():
        cells = ((pattern.partition(LABEL), n) for pattern, n in confusion.items())
        placed[two] = {(held.rank[first], held.rank[second]): n for (first, _, second), n in cells}
    return Rankings.of(placed, len(annotators))


def _check(confusion: Mapping[str, int], first: str, second: str) -> None:
    for pattern, count in confusion.items():
        if count < 0:
            raise ValueError(
                f"expected counts above 0, found {count} for pair {pattern!r} of {first!r} and {second!r}: more was "
                "retracted than added"
            )
