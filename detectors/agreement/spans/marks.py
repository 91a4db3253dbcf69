"""The spans that an item's annotators marked, as the figures of spans see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from detectors.agreement.measures import ONE

MOST_SPANS = 10_000
"""An item whose annotators marked more than this together is not measured: that bounds the work of an event."""

MOST_COMPARED = 25_000
"""Of spans, or of boundaries, that lie near each other; an item with more has no figure that compares them by pairs."""


class Marked(Protocol):
    """A stretch of text `[start, end)` in characters and its type."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def type(self) -> str | None: ...


class Mark(NamedTuple):
    """A span with a type; one without has the empty type."""

    type: str
    start: int
    end: int


Marks: TypeAlias = Sequence[Mark]
"""What one annotator marked: in order, each mark once."""


def marks(spans: Iterable[Marked]) -> Marks:
    """A label's marks: marking the same twice says nothing more.

    >>> marks([Mark("name", 3, 5), Mark("name", 0, 2), Mark("name", 3, 5)])
    [Mark(type='name', start=0, end=2), Mark(type='name', start=3, end=5)]
    """
    return sorted({Mark(span.type or "", span.start, span.end) for span in spans})


class Agreed(NamedTuple):
    """How far an item's annotators agree by pairs.

    `own` has, for each annotator in order, what is common to the annotator and each of the others, added up; `whole`
    is that of all pairs. `size` is how much each annotator has of what could be common.
    """

    own: Sequence[int]
    size: Sequence[int]

    @property
    def whole(self) -> int:
        """Over all pairs."""
        return sum(self.own) // 2


class ByPair(NamedTuple):
    """What each two annotators of an item have in common, or each two groups of them.

    `common` names those that have anything, the smaller number first; `size` is how much each has of what could be common.
    Of those who have nothing each two agree by 1, in multiples of 1 / `ONE`: `empty` is how many of these there are.
    """

    common: Mapping[tuple[int, int], int]
    size: Sequence[int]
    empty: Sequence[int]

    def agreed(self) -> Agreed:
        """Each against all others."""
        nothing = sum(self.empty)
        own = [ONE * n * (nothing - n) for n in self.empty]
        for (a, b), n in self.common.items():
            own[a] += n
            own[b] += n
        return Agreed(own, self.size)

    def of_two(self, a: int, b: int) -> Agreed:
        """The first of these against the second, which has the larger number."""
        common = self.common.get((a, b), 0) + ONE * self.empty[a] * self.empty[b]
        return Agreed([common, common], [self.size[a], self.size[b]])

    def of_groups(self, groups: Sequence[int]) -> ByPair:
        """The same of groups, by the number of each annotator's group: what is common within one is left out.

        >>> ByPair({(0, 1): 5, (0, 2): 3, (1, 2): 2}, [4, 5, 6], [0, 0, 0]).of_groups([0, 1, 0])
        ByPair(common={(0, 1): 7}, size=[10, 5], empty=[0, 0])
        """
        common: dict[tuple[int, int], int] = {}
        size, empty = ([0] * (max(groups) + 1) for _ in range(2))
        for (a, b), n in self.common.items():
            one, other = sorted((groups[a], groups[b]))
            if one != other:
                common[one, other] = common.get((one, other), 0) + n
        for group, own, none in zip(groups, self.size, self.empty, strict=True):
            size[group] += own
            empty[group] += none
        return ByPair(common, size, empty)


def rounded(numerator: int, denominator: int) -> int:
    """The quotient in multiples of 1 / `ONE`, halves upwards.

    >>> rounded(1, 2) == ONE // 2, rounded(1, 3) * 3 - ONE
    (True, -1)
    """
    return (2 * ONE * numerator + denominator) // (2 * denominator)
