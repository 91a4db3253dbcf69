"""Which characters of the text the annotators marked, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from detectors.agreement.spans.marks import MOST_COMPARED, Agreed, Marks

JOIN = "\x1d"
"""Between the types of a character that spans of several types cover."""

LONGEST_CATEGORY = 1024
"""Characters; as long as the longest type."""


class Characters(NamedTuple):
    """The characters of an item, up to the last that anyone marked.

    `covered` says how many of those that an annotator marked each of the others marked too, whatever the type.
    `same` says at how many characters each of the others has the annotator's category, `categories` how many characters
    each annotator has in which category; None where these are too many to be compared, or have too long names.
    """

    reach: int
    covered: Agreed
    same: Sequence[int]
    categories: Sequence[Mapping[str, int]] | None


def types_of(annotators: Sequence[Marks]) -> Sequence[str]:
    """The types that they marked, in order: that of the place n is the bit n of a category."""
    return sorted({kind for marks in annotators for kind, *_ in marks})


def changes(annotators: Sequence[Marks], types: Sequence[str]) -> Sequence[tuple[int, int, int, int]]:
    """Where an annotator's category changes, along the text: the place, the annotator, the category before and after.

    A category is a number whose bits are the types that cover the characters from there on; 0 where there is no mark.

    >>> from detectors.agreement.spans.marks import Mark
    >>> changes([[Mark("a", 0, 4), Mark("b", 2, 4)]], ["a", "b"])
    [(0, 0, 0, 1), (2, 0, 1, 3), (4, 0, 3, 2), (4, 0, 2, 0)]
    """
    bits = {kind: bit for bit, kind in enumerate(types)}
    turns = [
        (place, annotator, bits[kind], change)
        for annotator, marks in enumerate(annotators)
        for kind, start, end in marks
        if start < end
        for place, change in ((start, 1), (end, -1))
    ]
    turns.sort()
    open_spans: list[dict[int, int]] = [{} for _ in annotators]
    masks = [0] * len(annotators)
    found: list[tuple[int, int, int, int]] = []
    for place, annotator, bit, change in turns:
        held = open_spans[annotator]
        before = held.get(bit, 0)
        held[bit] = before + change
        if not (before and before + change):
            mask = masks[annotator]
            masks[annotator] = mask ^ (1 << bit)
            found.append((place, annotator, mask, masks[annotator]))
    return found


def types_in(category: int, types: Sequence[str]) -> Sequence[str]:
    """The types of a category.

    >>> types_in(5, ["a", "b", "c"])
    ['a', 'c']
    """
    return [kind for bit, kind in enumerate(types) if category >> bit & 1]


class _Share:
    """How many annotators share something, and the sum of that over the characters so far."""

    __slots__ = ("annotators", "area", "place")

    def __init__(self, annotators: int = 0) -> None:
        self.annotators = annotators
        self.area = 0
        self.place = 0

    def until(self, place: int) -> int:
        """The sum over all characters before this one."""
        self.area += self.annotators * (place - self.place)
        self.place = place
        return self.area


def characters(annotators: Sequence[Marks]) -> Characters:
    r"""One sweep over where spans start and end: O(log n) a span, however long it is and however many annotators there are.

    A character's category is the set of the types that cover it: the empty one if the annotator did not mark it.

    >>> from detectors.agreement.spans.marks import Mark
    >>> found = characters([[Mark("a", 0, 4)], [Mark("a", 2, 4), Mark("b", 3, 5)]])
    >>> found.reach, found.covered, found.same
    (5, Agreed(own=[2, 2], size=[4, 3]), [1, 1])
    >>> found.categories
    [{'a': 4, '': 1}, {'': 2, 'a': 1, 'a\x1db': 1, 'b': 1}]
    """
    count = len(annotators)
    types = types_of(annotators)
    turns = changes(annotators, types)
    reach = turns[-1][0] if turns else 0
    covered, shares = _Share(), {0: _Share(count)}
    masks, since = [0] * count, [0] * count
    same_from, covered_from = [0] * count, [0] * count
    same, both, size = [0] * count, [0] * count, [0] * count
    lengths: list[dict[int, int]] = [{} for _ in annotators]

    def leave(annotator: int, place: int) -> None:
        """Account for the characters from `since` to here, in which the annotator's category was the same."""
        mask, length = masks[annotator], place - since[annotator]
        if length:
            lengths[annotator][mask] = lengths[annotator].get(mask, 0) + length
            same[annotator] += shares[mask].until(place) - same_from[annotator] - length
            if mask:
                both[annotator] += covered.until(place) - covered_from[annotator] - length
                size[annotator] += length

    for place, annotator, mask, entered in turns:
        leave(annotator, place)
        share = shares[mask]
        share.until(place)
        share.annotators -= 1
        share = shares.setdefault(entered, _Share())
        same_from[annotator] = share.until(place)
        share.annotators += 1
        if not mask or not entered:
            covered.until(place)
            covered.annotators += 1 if entered else -1
        covered_from[annotator] = covered.until(place)
        masks[annotator], since[annotator] = entered, place
    for annotator in range(count):
        leave(annotator, reach)
    return Characters(reach, Agreed(both, size), same, _named(lengths, types))


def _named(lengths: Sequence[Mapping[int, int]], types: Sequence[str]) -> Sequence[Mapping[str, int]] | None:
    masks = {mask for held in lengths for mask in held}
    if len(lengths) * len(masks) ** 2 > MOST_COMPARED:
        return None
    names: dict[int, str] = {}
    for mask in masks:
        found = types_in(mask, types)
        if len(found) + sum(map(len, found)) > LONGEST_CATEGORY + 1:
            return None
        names[mask] = JOIN if found == [""] else JOIN.join(found)
    return [{names[mask]: length for mask, length in held.items()} for held in lengths]
