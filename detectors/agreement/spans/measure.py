"""What an item with spans adds to the figures of its scopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from detectors.agreement.measures import COUNT, ONE, of_class
from detectors.agreement.spans.alpha_of_characters import add_alpha
from detectors.agreement.spans.boundaries import similar_boundaries
from detectors.agreement.spans.characters import characters
from detectors.agreement.spans.exact import alike, alike_by_type, alike_untyped
from detectors.agreement.spans.marks import MOST_SPANS, Agreed, Marks, rounded
from detectors.agreement.spans.overlap import nearly_alike
from detectors.agreement.spans.ratio import add_ratio


class MeasuredSpans(NamedTuple):
    """What an item adds as a whole, and what it adds for each of its annotators against the others: integers by name."""

    whole: dict[str, int]
    own: Sequence[dict[str, int]]


def measure(annotators: Sequence[Marks]) -> MeasuredSpans:
    """The sums of an item, from what each of its annotators marked.

    An F1 adds twice what two annotators have in common, over what both have; against the others these are the pairs
    with the annotator. A class has the spans of its type.

    >>> from detectors.agreement.spans.marks import Mark
    >>> found = measure([[Mark("a", 0, 2), Mark("a", 5, 7)], [Mark("a", 0, 2)]])
    >>> [found.whole[f"span_f1 {moment}"] for moment in ("n", "u", "v", "uu", "uv", "vv")]
    [1, 2, 3, 4, 6, 9]
    """
    counts = {of_class(COUNT, kind): n for kind, n in _of_types(annotators).items()}
    if len(annotators) < 2 or sum(map(len, annotators)) > MOST_SPANS:
        return MeasuredSpans(counts, [{} for _ in annotators])
    seen = _see(annotators)
    found = MeasuredSpans({**counts, **_all_pairs(seen)}, _each_against_the_others(seen))
    for kind, (common, size) in alike_by_type(annotators).items():
        if kind:
            add_ratio(found.whole, "span_f1", common, size, kind)
    return found


def measure_groups(groups: Sequence[Sequence[Marks]]) -> Sequence[dict[str, int]]:
    """The sums of an item as each two groups of its annotators see it, the groups in the order of `itertools.combinations`.

    Each group has what its annotators marked. Of two groups all is as if nobody else had marked the item; but spans and
    boundaries that are too many to be compared are so of all groups together.

    >>> from detectors.agreement.spans.marks import Mark
    >>> one, two, three = [Mark("a", 0, 2)], [Mark("a", 0, 2), Mark("b", 4, 6)], [Mark("b", 0, 2)]
    >>> found, = measure_groups([[one], [two, three]])
    >>> found["span_f1 u"], found["span_f1 v"]  # 2 of 3, 0 of 2
    (2, 5)
    >>> found == measure([one, two, three]).own[0]
    True
    """
    annotators = [marks for group in groups for marks in group]
    if sum(map(len, annotators)) > MOST_SPANS:
        return [{} for _ in combinations(groups, 2)]
    numbers = [number for number, group in enumerate(groups) for _ in group]
    near, boundaries = nearly_alike(annotators), similar_boundaries(annotators)
    near = near and near.of_groups(numbers)
    boundaries = boundaries and boundaries.of_groups(numbers)
    found: list[dict[str, int]] = []
    for a, one in enumerate(groups[:-1]):
        within = _count(one)
        for b, other in enumerate(groups[a + 1 :], a + 1):
            seen = _Seen(
                [len(one), len(other)],
                _count_between(_count([*one, *other]), within, len(one)),
                near and near.of_two(a, b),
                boundaries and boundaries.of_two(a, b),
            )
            found.append(_each_against_the_others(seen)[0])
    return found


class _Counts(NamedTuple):
    """What groups of annotators have in common of marks and characters; at first each annotator is a group."""

    f1: Mapping[str, Agreed]
    reach: int
    same: Sequence[int]
    """At how many characters the group's annotators have the category of another group's, over all pairs of these."""
    categories: Sequence[Mapping[str, int]] | None
    """How many characters the group's annotators have in which category, added up."""
    labels: Mapping[str, int]
    """The same of all groups."""


class _Seen(NamedTuple):
    """An item as some groups of annotators see it: how many are in each, and what they have in common."""

    people: Sequence[int]
    counts: _Counts
    near: Agreed | None
    boundaries: Agreed | None

    @property
    def f1(self) -> Iterator[tuple[str, Agreed]]:
        """By name of the figure, where it was compared."""
        yield from self.counts.f1.items()
        if self.near is not None:
            yield "overlap_f1", self.near


def _see(annotators: Sequence[Marks]) -> _Seen:
    near, boundaries = nearly_alike(annotators), similar_boundaries(annotators)
    counts = _count(annotators)
    return _Seen([1] * len(annotators), counts, near and near.agreed(), boundaries and boundaries.agreed())


def _count(annotators: Sequence[Marks]) -> _Counts:
    sweep = characters(annotators)
    f1 = {
        "span_f1": alike(annotators),
        "span_f1_untyped": alike_untyped(annotators),
        "character_f1": sweep.covered,
    }
    return _Counts(f1, sweep.reach, sweep.same, sweep.categories, _added(sweep.categories or ()))


def _count_between(whole: _Counts, within: _Counts, j: int) -> _Counts:
    """The first j annotators against the others: what they have in common with all, less what they have among themselves."""
    f1: dict[str, Agreed] = {}
    for name, (own, size) in whole.f1.items():
        common = sum(own[:j]) - sum(within.f1[name].own)
        f1[name] = Agreed([common, common], [sum(size[:j]), sum(size[j:])])
    # Behind its last mark the group agrees on having none.
    same = sum(whole.same[:j]) - sum(within.same) - j * (j - 1) * (whole.reach - within.reach)
    categories = whole.categories
    parts = None if categories is None else [_added(categories[:j]), _added(categories[j:])]
    return _Counts(f1, whole.reach, [same, same], parts, whole.labels)


def _added(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for held in counts:
        for name, n in held.items():
            found[name] = found.get(name, 0) + n
    return found


def _of_types(annotators: Sequence[Marks]) -> dict[str, int]:
    """How many spans there are of each type; spans without one are of no class."""
    found: dict[str, int] = {}
    for marks in annotators:
        for kind, *_ in marks:
            if kind:
                found[kind] = found.get(kind, 0) + 1
    return found


def _all_pairs(seen: _Seen) -> dict[str, int]:
    """What all pairs of annotators add."""
    sums: dict[str, int] = {}
    count, counts = len(seen.people), seen.counts
    for name, agreed in seen.f1:
        add_ratio(sums, name, 2 * agreed.whole, (count - 1) * sum(agreed.size))
    if seen.boundaries is not None:
        add_ratio(sums, "boundary_similarity", seen.boundaries.whole, ONE * count * (count - 1) // 2)
    if counts.categories is not None:
        equal = count * counts.reach + sum(counts.same)
        add_alpha(sums, rounded(count * count * counts.reach - equal, count - 1), counts.labels)
    return sums


def _each_against_the_others(seen: _Seen) -> list[dict[str, int]]:
    """What the pairs of an annotator of the group and one of another add, for each group."""
    found: list[dict[str, int]] = [{} for _ in seen.people]
    count, counts = sum(seen.people), seen.counts
    for name, agreed in seen.f1:
        size = sum(agreed.size)
        for sums, n, common, own in zip(found, seen.people, agreed.own, agreed.size, strict=True):
            add_ratio(sums, name, 2 * common, (count - n) * own + n * (size - own))
    if seen.boundaries is not None:
        for sums, n, common in zip(found, seen.people, seen.boundaries.own, strict=True):
            add_ratio(sums, "boundary_similarity", common, ONE * n * (count - n))
    if counts.categories is not None:
        for sums, n, same, given in zip(found, seen.people, counts.same, counts.categories, strict=True):
            pairs = n * (count - n)
            shares = {
                category: rounded((count - 2 * n) * given.get(category, 0) + n * r, pairs)
                for category, r in counts.labels.items()
            }
            add_alpha(sums, rounded(2 * (pairs * counts.reach - same), pairs), shares, shares=True)
    return found
