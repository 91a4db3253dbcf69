"""What an item with boxes adds to the sums that the figures of boxes are read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from detectors.agreement.arrays import Booleans, Integers
from detectors.agreement.boxes.geometry import MOST_ANNOTATORS, MOST_BOXES, Rectangle, intersection_over_union
from detectors.agreement.boxes.matching import Matches, Units, find_units, match_pairs
from detectors.agreement.measures import COUNT, ONE, Measure, of_class
from detectors.agreement.products import products, totals

MATCHED: Final = "matched"
"""The group of an item's matched boxes: `MEAN`, `RATE`."""
MEAN: Final = "mean"
"""The mean over pairs of annotators of the mean IoU of their matched boxes, where a box without a match has 0."""
RATE: Final = "rate"
"""The mean over pairs of annotators of the share of their boxes that are matched."""

ANSWERS: Final = "answers"
"""The group of an item's units and what each annotator answers in each: `UNITS`, `LABELS`, `DIFFERING`, categories."""
UNITS: Final = "units"
LABELS: Final = "labels"
DIFFERING: Final = "differing"
"""The sum over units of the number of labels times the share of the pairs of labels that differ."""
MISSED: Final = "missed"
UNNAMED: Final = "unnamed"
"""The categories of an annotator without a box in the unit, and of a box without a class."""
NAMED: Final = "="
"""Begins the category of a class."""
WIDE: Final = "wide"
"""Items with more than `MOST_CATEGORIES`, whose products are not kept."""
MOST_CATEGORIES: Final = 20
UNCOMPARED: Final = "uncompared"
"""Items on which there was no room for the annotator."""

DISTANCES: Final = "distances"
"""The group of an item's distances 1 - IoU, all multiplied by the number of answers: `NEAR`, `FAR` and their weights."""
NEAR: Final = "near"
"""The mean distance of two annotators' answers in one unit; `LABELS` is its weight."""
FAR: Final = "far"
"""The mean distance of two annotators' answers in different units, and its weight: 0 for an item with one unit."""
FAR_WEIGHT: Final = "far weight"

OVERLAPS: Final = "overlaps"
"""The group of a class's matched boxes, both of this class: `PAIRS`, `FIRST`, `SECOND`."""
PAIRS: Final = "pairs"
FIRST: Final = "first"
SECOND: Final = "second"
"""The sums of their IoU and of its square."""


class Measurement(NamedTuple):
    """What the whole item adds, and each annotator against the others."""

    whole: Measure
    own: Sequence[Measure]


def measure(answers: Sequence[Sequence[Rectangle]], threshold: float, *, inclusive: bool = False) -> Measurement:
    r"""What an item adds, from each annotator's boxes, in the order of the annotators' ids.

    >>> one, other = [Rectangle(0, 0, 2, 2, "car")], [Rectangle(0, 0, 2, 3, "car")]
    >>> sums = dict(measure([one, other], 0.5).whole)
    >>> round(sums["matched\x1d1\x1dmean"] / ONE, 9), sums["answers\x1d1\x1d=car"] / ONE, sums["count\x1fcar"]
    (0.666666667, 2.0, 2)
    """
    classes = Counter(box.label for boxes in answers for box in boxes if box.label is not None)
    counts = [(of_class(COUNT, name), n) for name, n in classes.items()]
    compared = with_room(answers)
    own: list[Measure] = [((UNCOMPARED, 1),)] * len(answers)
    for place in compared:
        own[place] = ()
    if len(compared) < 2 or not any(answers[place] for place in compared):
        return Measurement(tuple(counts), own)
    item = Comparison([answers[place] for place in compared], threshold, inclusive)
    for place, found in zip(compared, item.own(), strict=True):
        own[place] = found
    return Measurement((*counts, *item.whole()), own)


def measure_groups(
    answers: Sequence[Sequence[Rectangle]], groups: Sequence[int], threshold: float, *, inclusive: bool = False
) -> Sequence[Measure]:
    r"""What an item adds as each two groups of its annotators see it, the groups in the order of `itertools.combinations`.

    `answers` has each annotator's boxes, in the order of the annotators' ids, and `groups` which group the annotator is in:
    0, 1, 2, and so on. Of two groups all is as if nobody else had boxed the item; but which annotators there is room for is
    decided over all groups, so that the work is bounded however many there are.

    >>> answers = [[Rectangle(0, 0, 2, 2, "car")], [Rectangle(0, 0, 2, 3, "car")], []]
    >>> sums = dict(measure_groups(answers, [0, 1, 1], 0.5)[0])
    >>> round(sums["matched\x1d1\x1dmean"] / ONE, 9)  # the mean of 2/3 and 0
    0.333333333
    >>> measure_groups(answers, [0, 1, 1], 0.5)[0] == measure(answers, 0.5).own[0]
    True
    """
    compared = with_room(answers)
    members = [[place for place in compared if groups[place] == group] for group in range(max(groups) + 1)]
    return [_between(answers, one, other, threshold, inclusive) for one, other in combinations(members, 2)]


def _between(
    answers: Sequence[Sequence[Rectangle]], one: Sequence[int], other: Sequence[int], threshold: float, inclusive: bool
) -> Measure:
    if not one or not other:
        return ((UNCOMPARED, 1),)
    both = sorted((*one, *other))
    if not any(answers[place] for place in both):
        return ()
    first = np.isin(both, one)
    return Comparison([answers[place] for place in both], threshold, inclusive).between(first, ~first)


def with_room(answers: Sequence[Sequence[Rectangle]]) -> Sequence[int]:
    """Which annotators are compared; two always are, for a label has at most 1,000 boxes."""
    found: list[int] = []
    room = MOST_BOXES
    for place, boxes in enumerate(answers):
        if len(boxes) <= room and len(found) < MOST_ANNOTATORS:
            found.append(place)
            room -= len(boxes)
    return found


def _order(box: Rectangle) -> tuple[float, float, float, float, bool, str]:
    """An order that depends on nothing but the boxes, for it decides between equal overlaps."""
    return *box[:4], box.label is None, box.label or ""


def _rounded(numerator: int, denominator: int) -> int:
    """The quotient, rounded to the nearest integer."""
    return (2 * numerator + denominator) // (2 * denominator)


class Comparison:
    """An item with at least two annotators and a box: what they matched, and the units."""

    def __init__(self, answers: Sequence[Sequence[Rectangle]], threshold: float, inclusive: bool) -> None:
        boxes = [box for given in answers for box in sorted(given, key=_order)]
        self.m = len(answers)
        self.sizes = np.array([len(given) for given in answers])
        ends = np.cumsum(self.sizes).tolist()
        self._owned = [slice(end - len(given), end) for end, given in zip(ends, answers, strict=True)]
        self.owner = np.repeat(np.arange(self.m), self.sizes)
        self.overlap = intersection_over_union(boxes, inclusive=inclusive)
        for own in self._owned:
            self.overlap[own, own] = 0
        self._least = max(1, round(threshold * ONE))
        self.units: Units = find_units(self.overlap, self._owned, self._least)
        names = sorted({_category(box) for box in boxes} | {MISSED})
        numbers = {name: number for number, name in enumerate(names)}
        self.categories = names
        self.box_category = np.array([numbers[_category(box)] for box in boxes])
        # By unit and annotator the category of the answer.
        self.answers = np.full((self.units.n, self.m), numbers[MISSED])
        self.answers[self.units.unit, self.owner] = self.box_category
        self.missed = self.answers == numbers[MISSED]

    @cached_property
    def matches(self) -> Matches:
        """The matched boxes of each two annotators."""
        return match_pairs(self.overlap, self.owner, self._owned, self._least)

    @cached_property
    def overlaps(self) -> Integers:
        """Their overlaps."""
        return self.overlap[self.matches]

    @cached_property
    def all_overlaps(self) -> Integers:
        """By annotator the sum of the overlaps with all boxes of others."""
        found = np.zeros(self.m, np.int64)
        np.add.at(found, self.owner, self.overlap.sum(axis=1))
        return found

    @cached_property
    def unit_overlaps(self) -> Integers:
        """The same within units."""
        found = np.zeros(self.m, np.int64)
        np.add.at(found, self.owner, self.units.within)
        return found

    @property
    def mean(self) -> int:
        """The mean over pairs of annotators of the mean IoU of their matched boxes."""
        means, _, compared = self.by_pair
        return _mean(means, compared)

    def whole(self) -> Iterator[tuple[str, int]]:
        """All annotators together."""
        _, rates, compared = self.by_pair
        # Each pair is there twice, which changes no mean.
        yield from products(MATCHED, {MEAN: self.mean, RATE: _mean(rates, compared)})
        yield from self._answers_of_all()
        yield from self._distances_of_all()
        yield from self._by_class()

    def own(self) -> Iterator[Measure]:
        """Each annotator against the others: the smallest case of a group against another."""
        means, rates, compared = self.by_pair
        agreeing = self._agreeing()
        in_all = self._given(self.answers)
        missing = self.missed.sum(axis=1)
        for a in range(self.m):
            given, lost = self._given(self.answers[:, a]), self.missed[:, a]
            yield self._against(
                (1, self.m - 1),
                (means[a], rates[a], compared[a]),
                int(agreeing[:, a].sum()) - self.units.n,
                (given, in_all - given),
                (lost, missing - lost),
                (int(self.unit_overlaps[a]), int(self.all_overlaps[a])),
            )

    def between(self, one: Booleans, other: Booleans) -> Measure:
        """A group of the annotators against another, which are all of them together."""
        means, rates, compared = self.by_pair
        pairs = np.ix_(one, other)
        equal = self.answers[:, one, None] == self.answers[:, None, other]
        boxes = np.ix_(one[self.owner], other[self.owner])
        overlaps = self.overlap[boxes]
        in_unit = (self.units.unit[:, None] == self.units.unit)[boxes]
        return self._against(
            (int(one.sum()), int(other.sum())),
            (means[pairs], rates[pairs], compared[pairs]),
            int(equal.sum()),
            (self._given(self.answers[:, one]), self._given(self.answers[:, other])),
            (self.missed[:, one].sum(axis=1), self.missed[:, other].sum(axis=1)),
            (int(overlaps[in_unit].sum()), int(overlaps.sum())),
        )

    def _given(self, answers: Integers) -> Integers:
        """How often each category is among these answers."""
        return np.bincount(answers.ravel(), minlength=len(self.categories))

    def _against(
        self,
        sizes: tuple[int, int],
        by_pair: tuple[Integers, Integers, Booleans],
        equal: int,
        given: tuple[Integers, Integers],
        missing: tuple[Integers, Integers],
        overlaps: tuple[int, int],
    ) -> Measure:
        """A group against another, read as two annotators, each of whom is a group together.

        Of either group its size; of the pairs of an annotator of each what `by_pair` says, how many answers are equal, and
        the sums of their overlaps in one unit and in all; of either how often it gives each category, and how often it
        misses each unit.
        """
        (j, k), (mine, theirs), units = sizes, missing, self.units.n
        pairs = j * k
        means, rates, compared = by_pair
        matched = {MEAN: _mean(means, compared), RATE: _mean(rates, compared)}
        categories = {
            name: _rounded(ONE * (k * one + j * other), pairs)
            for name, one, other in zip(self.categories, given[0].tolist(), given[1].tolist(), strict=True)
        }
        differing = _rounded(2 * ONE * (units * pairs - equal), pairs)
        within, anywhere = overlaps
        both = int((mine * theirs).sum())
        near = ONE * (units * pairs - both) - within
        apart = int(mine.sum()) * int(theirs.sum()) - both
        far = ONE * (units * (units - 1) * pairs - apart) - (anywhere - within)
        return (
            *products(MATCHED, matched),
            *self._answers(2 * units, differing, categories),
            *self._distances(2 * units, 2 * near, 2 * far, pairs),
        )

    @cached_property
    def by_pair(self) -> tuple[Integers, Integers, Booleans]:
        """For each two annotators the mean IoU, the share of matched boxes, and whether either has a box."""
        pairs = np.zeros((self.m, self.m), np.int64)
        overlaps = np.zeros_like(pairs)
        place = self.owner[self.matches.one], self.owner[self.matches.other]
        np.add.at(pairs, place, 1)
        np.add.at(overlaps, place, self.overlaps)
        pairs, overlaps = pairs + pairs.T, overlaps + overlaps.T
        boxes = self.sizes[:, None] + self.sizes
        np.fill_diagonal(boxes, 0)
        whole, entries = np.maximum(boxes, 1), np.maximum(boxes - pairs, 1)
        return (2 * overlaps + entries) // (2 * entries), (4 * ONE * pairs + whole) // (2 * whole), boxes > 0

    def _agreeing(self) -> Integers:
        """By unit and annotator: how many gave this answer, the annotator among them."""
        cell = np.arange(self.units.n)[:, None] * len(self.categories) + self.answers
        _, place, counts = np.unique(cell, return_inverse=True, return_counts=True)
        return counts[place].reshape(cell.shape)

    def _answers_of_all(self) -> Iterator[tuple[str, int]]:
        units, m = self.units.n, self.m
        # Each of the r who gave an answer counts r - 1 others who gave it.
        equal = int(self._agreeing().sum()) - units * m
        in_all = self._given(self.answers).tolist()
        categories = {name: ONE * n for name, n in zip(self.categories, in_all, strict=True)}
        return self._answers(units * m, _rounded(ONE * (units * m * (m - 1) - equal), m - 1), categories)

    def _answers(self, labels: int, differing: int, categories: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        values = {UNITS: self.units.n, LABELS: labels, DIFFERING: differing, **categories}
        if len(categories) <= MOST_CATEGORIES:
            return products(ANSWERS, values)
        return iter([*totals(ANSWERS, values), (WIDE, 1)])

    def _distances_of_all(self) -> Iterator[tuple[str, int]]:
        units, m = self.units.n, self.m
        missing, lost = self.missed.sum(axis=1), self.missed.sum(axis=0)
        within, anywhere = int(self.unit_overlaps.sum()), int(self.all_overlaps.sum())
        near = ONE * (units * m * (m - 1) - int((missing * (missing - 1)).sum())) - within
        total = int(missing.sum())
        both = total * total - int((missing * missing).sum()) - int((lost * lost).sum()) + total
        far = ONE * (units * (units - 1) * m * (m - 1) - both) - (anywhere - within)
        return self._distances(units * m, near, far, m - 1)

    def _distances(self, labels: int, near: int, far: int, times: int) -> Iterator[tuple[str, int]]:
        """From the sums of the distances over pairs of answers, in one unit and in different ones.

        An answer is in so many pairs of one unit, or of two.
        """
        units = self.units.n
        values = {LABELS: labels, NEAR: _rounded(near, times), FAR: 0, FAR_WEIGHT: 0}
        if units > 1:
            values |= {FAR: _rounded(far, (units - 1) * times), FAR_WEIGHT: labels}
        return products(DISTANCES, values)

    def _by_class(self) -> Iterator[tuple[str, int]]:
        category = self.box_category[self.matches.one]
        both = category == self.box_category[self.matches.other]
        category, overlaps = category[both], self.overlaps[both]
        held = np.zeros((3, len(self.categories)), np.int64)
        squares = np.rint((overlaps / ONE) ** 2 * ONE).astype(np.int64)
        for row, quantity in zip(held, (np.ones_like(overlaps), overlaps, squares), strict=True):
            np.add.at(row, category, quantity)
        for name, (pairs, first, second) in zip(self.categories, held.T.tolist(), strict=True):
            if pairs and name.startswith(NAMED):
                for quantity, n in products(OVERLAPS, {PAIRS: pairs, FIRST: first, SECOND: second}):
                    yield of_class(quantity, name.removeprefix(NAMED)), n


def _category(box: Rectangle) -> str:
    return UNNAMED if box.label is None else NAMED + box.label


def _mean(numbers: Integers, compared: Booleans) -> int:
    return _rounded(int(numbers[compared].sum()), int(compared.sum()))
