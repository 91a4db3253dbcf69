"""Rectangles as arrays, and how far each two of them overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from detectors.agreement.arrays import Floats, Integers
from detectors.agreement.measures import ONE

MOST_ANNOTATORS: Final = 200
MOST_BOXES: Final = 2000
"""Of an item's annotators, in the order of their ids, the first this many with boxes for which there is room."""

ROWS: Final = 256
"""How many boxes are compared with all others in one step, so that memory stays bounded."""


class Rectangle(NamedTuple):
    """A box: its corner, its extent, and its class."""

    x: float
    y: float
    width: float
    height: float
    label: str | None


def intersection_over_union(boxes: Sequence[Rectangle], *, inclusive: bool = False) -> Integers:
    r"""For each two boxes the area of their intersection over that of their union, in multiples of 2^-40.

    $$ \mathrm{IoU}(A, B) = \frac{|A \cap B|}{|A \cup B|} $$

    0 where the union has no area. `inclusive` counts the last row and column of pixels: a box from pixel 10 with width
    2 then covers the pixels 10, 11 and 12.

    >>> one, other = Rectangle(10, 10, 40, 40, None), Rectangle(12, 11, 40, 40, None)
    >>> float(round(intersection_over_union([one, other])[0, 1] / ONE, 9))
    0.862630966
    >>> float(round(intersection_over_union([one, other], inclusive=True)[0, 1] / ONE, 9))
    0.865704772
    """
    extent = float(inclusive)
    corners = np.array([box[:4] for box in boxes], np.float64).reshape(len(boxes), 4)
    left, top = corners[:, 0], corners[:, 1]
    right, bottom = left + corners[:, 2] + extent, top + corners[:, 3] + extent
    area = (right - left) * (bottom - top)
    found = np.empty((len(boxes), len(boxes)), np.int64)
    for start in range(0, len(boxes), ROWS):
        rows = slice(start, start + ROWS)
        width = _shared(left, right, rows)
        width *= _shared(top, bottom, rows)
        union = area[rows, None] + area - width
        share = np.divide(width, union, out=np.zeros_like(width), where=union > 0)
        np.rint(share * ONE, out=share)
        found[rows] = share
    return found


def _shared(begin: Floats, end: Floats, rows: slice) -> Floats:
    """How long the parts are that some intervals share with all."""
    shared = np.minimum(end[rows, None], end)
    shared -= np.maximum(begin[rows, None], begin)
    return np.maximum(shared, 0.0, out=shared)
