"""What an item with spans adds to the figures of its scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from detectors.agreement.measures import COUNT, ONE, of_class
from detectors.agreement.spans.alpha_of_characters import add_alpha
from detectors.agreement.spans.boundaries import similar_boundaries
from detectors.agreement.spans.characters import Characters, characters
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
    found = MeasuredSpans({}, [{} for _ in annotators])
    for kind, n in _of_types(annotators).items():
        found.whole[of_class(COUNT, kind)] = n
    if len(annotators) < 2 or sum(map(len, annotators)) > MOST_SPANS:
        return found
    sweep = characters(annotators)
    _add_f1(found, "span_f1", alike(annotators))
    _add_f1(found, "span_f1_untyped", alike_untyped(annotators))
    _add_f1(found, "overlap_f1", nearly_alike(annotators))
    _add_f1(found, "character_f1", sweep.covered)
    _add_similarity(found, similar_boundaries(annotators))
    _add_characters(found, sweep)
    for kind, (common, size) in alike_by_type(annotators).items():
        if kind:
            add_ratio(found.whole, "span_f1", common, size, kind)
    return found


def _of_types(annotators: Sequence[Marks]) -> dict[str, int]:
    """How many spans there are of each type; spans without one are of no class."""
    found: dict[str, int] = {}
    for marks in annotators:
        for kind, *_ in marks:
            if kind:
                found[kind] = found.get(kind, 0) + 1
    return found


def _add_f1(found: MeasuredSpans, name: str, agreed: Agreed | None) -> None:
    if agreed is None:
        return
    others, size = len(agreed.size) - 1, sum(agreed.size)
    add_ratio(found.whole, name, 2 * agreed.whole, others * size)
    for sums, common, own in zip(found.own, agreed.own, agreed.size, strict=True):
        add_ratio(sums, name, 2 * common, others * own + size - own)


def _add_similarity(found: MeasuredSpans, agreed: Agreed | None) -> None:
    if agreed is None:
        return
    others = len(agreed.size) - 1
    add_ratio(found.whole, "boundary_similarity", agreed.whole, ONE * others * (others + 1) // 2)
    for sums, common in zip(found.own, agreed.own, strict=True):
        add_ratio(sums, "boundary_similarity", common, ONE * others)


def _add_characters(found: MeasuredSpans, sweep: Characters) -> None:
    if sweep.categories is None:
        return
    count, others = len(sweep.categories), len(sweep.categories) - 1
    labels: dict[str, int] = {}
    for categories in sweep.categories:
        for category, r in categories.items():
            labels[category] = labels.get(category, 0) + r
    equal = count * sweep.reach + sum(sweep.same)
    add_alpha(found.whole, rounded(count * count * sweep.reach - equal, others), labels)
    for sums, same, own in zip(found.own, sweep.same, sweep.categories, strict=True):
        add_alpha(
            sums,
            rounded(2 * (others * sweep.reach - same), others),
            {category: rounded((others - 1) * own.get(category, 0) + r, others) for category, r in labels.items()},
            shares=True,
        )
