"""Which spans two annotators marked alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from detectors.agreement.spans.marks import Agreed, Marks


def alike(annotators: Sequence[Marks]) -> Agreed:
    """Spans of the same start, end and type. O(1) a span, whatever the number of annotators.

    >>> from detectors.agreement.spans.marks import Mark
    >>> alike([[Mark("a", 0, 2), Mark("a", 5, 7)], [Mark("a", 0, 2), Mark("b", 5, 7)]])
    Agreed(own=[1, 1], size=[2, 2])
    """
    return _common(annotators)


def alike_untyped(annotators: Sequence[Marks]) -> Agreed:
    """Stretches of the same start and end; one that an annotator marked with two types is one.

    >>> from detectors.agreement.spans.marks import Mark
    >>> alike_untyped([[Mark("a", 0, 2), Mark("b", 0, 2)], [Mark("c", 0, 2)]])
    Agreed(own=[1, 1], size=[1, 1])
    """
    return _common([{(start, end) for _, start, end in marks} for marks in annotators])


def alike_by_type(annotators: Sequence[Marks]) -> dict[str, tuple[int, int]]:
    """Of each type, twice what pairs of annotators marked alike, and what they marked, over all pairs.

    >>> from detectors.agreement.spans.marks import Mark
    >>> alike_by_type([[Mark("a", 0, 2), Mark("a", 5, 7)], [Mark("a", 0, 2), Mark("b", 5, 7)]])
    {'a': (2, 3), 'b': (0, 1)}
    """
    found = Counter([mark for marks in annotators for mark in marks])
    by_type: dict[str, tuple[int, int]] = {}
    for (kind, *_), n in found.items():
        common, size = by_type.get(kind, (0, 0))
        by_type[kind] = common + n * (n - 1), size + n * (len(annotators) - 1)
    return by_type


def _common(annotators: Sequence[Sequence[Hashable] | set[tuple[int, int]]]) -> Agreed:
    found = Counter([mark for marks in annotators for mark in marks])
    return Agreed([sum([found[mark] - 1 for mark in marks]) for marks in annotators], [*map(len, annotators)])
