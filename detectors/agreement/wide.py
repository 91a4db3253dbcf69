"""Items with more categories than the fold keeps products of: what their scopes lack for the interval of alpha."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from detectors.agreement.boxes import quantities
from detectors.agreement.measures import Measure
from detectors.agreement.products import Products, products
from detectors.agreement.spans import alpha_of_characters
from detectors.agreement.spans.alpha_of_characters import CATEGORY, character_products

MOST_CATEGORIES: Final = 300
"""An item with more is left as it is, and its scopes without the interval: 300 have 45,000 products."""

FEWEST_CLASSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        # Each class is a category, to have none is another, and to miss the object one more.
        "boxes": quantities.MOST_CATEGORIES,
        # Each set of types is a category.
        "spans": alpha_of_characters.MOST_CATEGORIES.bit_length(),
    }
)
"""By label type: an item whose annotators name fewer different classes (to name none is one) has all its products."""

MARKS: Final[Mapping[str, str]] = MappingProxyType({"boxes": quantities.WIDE, "spans": alpha_of_characters.WIDE})
"""By label type the sum that counts the items whose products are not kept."""


def missing_products(measure: Measure, label_type: str) -> Measure:
    r"""What must be added to the sums of a scope so that they are those of an item whose products are all kept.

    Nothing for an item with all of them. The products are those of the quantities that the item added itself.

    >>> from detectors.agreement.spans.alpha_of_characters import add_alpha
    >>> sums = {}
    >>> add_alpha(sums, 0, {f"type {number}": 2 for number in range(21)})
    >>> missing = dict(missing_products(tuple(sums.items()), "spans"))
    >>> len(missing), missing["alpha wide"], missing["alpha rr\ttype 1\ttype 12"]
    (232, -1, 4)
    """
    mark = MARKS.get(label_type)
    sums = dict(measure)
    if mark is None or not sums.get(mark):
        return ()
    found = dict(_of_boxes(sums) if label_type == "boxes" else _of_spans(sums))
    return ((mark, -1), *found.items()) if found else ()


def _of_boxes(sums: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    held = Products(sums, quantities.ANSWERS)
    names = held.names()
    if len(names) <= MOST_CATEGORIES:
        for name, n in products(quantities.ANSWERS, {name: held.total(name) for name in names}):
            if name not in sums:
                yield name, n


def _of_spans(sums: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for r in "rs":
        begin = f"alpha {r}{CATEGORY}"
        labels = [(name.removeprefix(begin), n) for name, n in sums.items() if name.startswith(begin)]
        if labels and len(labels) <= MOST_CATEGORIES:
            yield from character_products(sums.get("alpha d", 0), sorted(labels), r)
