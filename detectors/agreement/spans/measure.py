"""What an item with spans adds to the figures of its scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    Each group has what its annotators marked. Of two groups all is as if nobody else had marked the item.

    >>> from detectors.agreement.spans.marks import Mark
    >>> one, two, three = [Mark("a", 0, 2)], [Mark("a", 0, 2), Mark("b", 4, 6)], [Mark("b", 0, 2)]
    >>> found, = measure_groups([[one], [two, three]])
    >>> found["span_f1 u"], found["span_f1 v"]  # 2 of 3, 0 of 2
    (2, 5)
    >>> found == measure([one, two, three]).own[0]
    True
    """
    pairs = list(combinations(groups, 2))
    if sum([len(marks) for group in groups for marks in group]) > MOST_SPANS:
        return [{} for _ in pairs]
    return [_each_against_the_others(_see_groups(one, other))[0] for one, other in pairs]


class _Seen(NamedTuple):
    """An item as some groups of annotators see it, figure by figure; at first each annotator is a group."""

    people: Sequence[int]
    f1: Mapping[str, Agreed | None]
    boundaries: Agreed | None
    reach: int
    same: Sequence[int]
    """At how many characters the group's annotators have the category of another group's, over all pairs of these."""
    categories: Sequence[Mapping[str, int]] | None
    """How many characters the group's annotators have in which category, added up."""


def _see(annotators: Sequence[Marks]) -> _Seen:
    sweep = characters(annotators)
    f1 = {
        "span_f1": alike(annotators),
        "span_f1_untyped": alike_untyped(annotators),
        "overlap_f1": nearly_alike(annotators),
        "character_f1": sweep.covered,
    }
    boundaries = similar_boundaries(annotators)
    return _Seen([1] * len(annotators), f1, boundaries, sweep.reach, sweep.same, sweep.categories)


def _see_groups(one: Sequence[Marks], other: Sequence[Marks]) -> _Seen:
    """Two groups: what all have in common by pairs, less what one of the groups has within itself."""
    if len(one) > len(other):
        one, other = other, one
    all_of_them, within = _see([*one, *other]), _see(one)
    j = len(one)
    # Where the group marked nothing any more, but another did, the group agrees.
    same = sum(all_of_them.same[:j]) - sum(within.same) - j * (j - 1) * (all_of_them.reach - within.reach)
    categories = all_of_them.categories
    return _Seen(
        [j, len(other)],
        {name: _between(agreed, within.f1[name], j) for name, agreed in all_of_them.f1.items()},
        _between(all_of_them.boundaries, within.boundaries, j),
        all_of_them.reach,
        [same, same],
        None if categories is None else [_added(categories[:j]), _added(categories[j:])],
    )


def _between(all_of_them: Agreed | None, within: Agreed | None, j: int) -> Agreed | None:
    """What the first j annotators have in common with the others; if these all can be compared, those can."""
    if all_of_them is None or within is None:
        return None
    common = sum(all_of_them.own[:j]) - sum(within.own)
    return Agreed([common, common], [sum(all_of_them.size[:j]), sum(all_of_them.size[j:])])


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
    count = len(seen.people)
    for name, agreed in seen.f1.items():
        if agreed is not None:
            add_ratio(sums, name, 2 * agreed.whole, (count - 1) * sum(agreed.size))
    if seen.boundaries is not None:
        add_ratio(sums, "boundary_similarity", seen.boundaries.whole, ONE * count * (count - 1) // 2)
    if seen.categories is not None:
        equal = count * seen.reach + sum(seen.same)
        add_alpha(sums, rounded(count * count * seen.reach - equal, count - 1), _added(seen.categories))
    return sums


def _each_against_the_others(seen: _Seen) -> list[dict[str, int]]:
    """What the pairs of an annotator of the group and one of another add, for each group."""
    found: list[dict[str, int]] = [{} for _ in seen.people]
    count = sum(seen.people)
    for name, agreed in seen.f1.items():
        if agreed is not None:
            size = sum(agreed.size)
            for sums, n, common, own in zip(found, seen.people, agreed.own, agreed.size, strict=True):
                add_ratio(sums, name, 2 * common, (count - n) * own + n * (size - own))
    if seen.boundaries is not None:
        for sums, n, common in zip(found, seen.people, seen.boundaries.own, strict=True):
            add_ratio(sums, "boundary_similarity", common, ONE * n * (count - n))
    if seen.categories is not None:
        labels = _added(seen.categories)
        for sums, n, same, given in zip(found, seen.people, seen.same, seen.categories, strict=True):
            others = count - n
            shares = {
                category: rounded((others - n) * given.get(category, 0) + n * r, n * others)
                for category, r in labels.items()
            }
            add_alpha(sums, rounded(2 * (n * others * seen.reach - same), n * others), shares, shares=True)
    return found
