"""Repeats: an annotator labels an item again. How often the labels are equal tells how consistent a person is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from detectors.agreement.measures import Measure
from detectors.gold import Accuracy
from detectors.labels import Fit
from detectors.panes import HOUR
from detectors.protocols import Annotation
from detectors.reading import Reading
from detectors.reasons import NO_REPEAT

REPEATS: Final = "repeats"
"""The name of the tally that a scope has of them: that of no label type, with sums alone."""

GAPS: Final[Mapping[str, int | None]] = {"hour": HOUR, "day": 24 * HOUR, "week": 7 * 24 * HOUR, "longer": None}
"""The time between two labels: below so many microseconds, and not below the one before."""

_EQUAL: Final = " equal"


class Consistency(NamedTuple):
    """How many consecutive repeats there are, and the share of them with equal labels."""

    pairs: int
    equal: Reading


class Repeats(NamedTuple):
    """The consistency over all repeats, and by the time between the two labels."""

    whole: Consistency
    by_gap: dict[str, Consistency]


def repeats(annotations: Iterable[Annotation], fit: Fit) -> dict[str, Measure]:
    """What each annotator's consecutive repeats on one item add, by annotator; of those who repeat nothing, nothing.

    Consecutive in the order of (time, annotation); skips and labels that do not fit are left out. Labels are equal if
    their type and their key are.
    """
    given: defaultdict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        if not annotation.skipped and fit(annotation.label) is not None:
            given[annotation.annotator].append(annotation)
    found: dict[str, Measure] = {}
    for annotator, own in given.items():
        if len(own) > 1:
            own.sort(key=lambda annotation: (annotation.at, annotation.key))
            counts: Counter[str] = Counter()
            for first, second in pairwise(own):
                name = gap(second.at - first.at)
                counts[name] += 1
                counts[name + _EQUAL] += fit(first.label) == fit(second.label)
            found[annotator] = tuple(sorted((+counts).items()))
    return found


def gap(microseconds: int) -> str:
    """The name of a time between two labels.

    >>> gap(0), gap(HOUR - 1), gap(HOUR), gap(30 * 24 * HOUR)
    ('hour', 'hour', 'day', 'longer')
    """
    return next(name for name, below in GAPS.items() if below is None or microseconds < below)


def consistency(sums: Mapping[str, int]) -> Repeats:
    r"""What the sums of a scope say: the share of equal pairs with its Wilson interval (`detectors.gold.Accuracy`).

    The pairs are taken as independent. Undefined without a repeat.

    >>> found = consistency({"hour": 3, "hour equal": 2, "week": 1})
    >>> found.whole.pairs, found.whole.equal.value, found.by_gap["day"].equal.why
    (4, 0.5, 'no repeat')
    """
    by_gap = {name: _consistency(sums.get(name, 0), sums.get(name + _EQUAL, 0)) for name in GAPS}
    pairs = sum(sums.get(name, 0) for name in GAPS)
    return Repeats(_consistency(pairs, sum(sums.get(name + _EQUAL, 0) for name in GAPS)), by_gap)


def _consistency(pairs: int, equal: int) -> Consistency:
    return Consistency(pairs, Accuracy(pairs, equal).reading() if pairs else Reading.undefined(0, NO_REPEAT))
