"""The spans that an item's annotators marked, as the figures of spans see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def rounded(numerator: int, denominator: int) -> int:
    """The quotient in multiples of 1 / `ONE`, halves upwards.

    >>> rounded(1, 2) == ONE // 2, rounded(1, 3) * 3 - ONE
    (True, -1)
    """
    return (2 * ONE * numerator + denominator) // (2 * denominator)
