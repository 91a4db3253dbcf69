"""The state of agreement: how many items have which labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

LABEL: Final = "\x1f"
"""Separates labels in a pattern. Label keys contain neither separator, nor a line feed."""

OTHERS: Final = "\x1e"
"""Separates an annotator's own label from those of the others, or the labels of one group from those of another."""

MEMBER: Final = "\x1d"
"""Separates the names in the key of a label that is a set of them; alone it is the set of the empty name."""


def set_key(names: Iterable[str]) -> str:
    r"""The key of a set of names: they stand in order.

    >>> set_key(["b", "a", "b"]), set_key([]), set_key([""])
    ('a\x1db', '', '\x1d')
    """
    found = sorted(set(names))
    return MEMBER if found == [""] else MEMBER.join(found)


def members(key: str) -> tuple[str, ...]:
    r"""The names of the set with this key, in order.

    >>> members("a\x1db"), members(""), members("\x1d")
    (('a', 'b'), (), ('',))
    """
    if key == MEMBER:
        return ("",)
    return tuple(key.split(MEMBER)) if key else ()


def item_pattern(labels: Iterable[str]) -> str:
    r"""The pattern of an item: its labels, sorted, so that who gave which does not matter.

    One label is a pattern too: such an item is not pairable, but tells how often its label is used.

    >>> item_pattern(["dog", "cat", "dog"])
    'cat\x1fdog\x1fdog'
    """
    return LABEL.join(sorted(labels))


def against_others(own: str, others: Iterable[str]) -> str:
    r"""The pattern of an item as one annotator sees it: the own label against those of the others.

    Where there are no others it is the pattern of an item with one label.

    >>> against_others("dog", ["dog", "cat"])
    'dog\x1ecat\x1fdog'
    >>> against_others("dog", [])
    'dog'
    """
    labels = sorted(others)
    return own + OTHERS + LABEL.join(labels) if labels else own


def between_groups(one: Iterable[str], other: Iterable[str]) -> str:
    r"""The pattern of an item as two groups of annotators see it: the labels of one against those of the other.

    Each group has at least one label. Where the first has just one it is the pattern of an annotator against others.

    >>> between_groups(["dog", "cat"], ["dog", "dog"])
    'cat\x1fdog\x1edog\x1fdog'
    >>> between_groups(["dog"], ["dog", "cat"]) == against_others("dog", ["dog", "cat"])
    True
    """
    return item_pattern(one) + OTHERS + item_pattern(other)


def pair_pattern(first: str, second: str) -> str:
    r"""The cell of a pair's confusion matrix: the first annotator's label, then the second's; the order matters.

    >>> pair_pattern("dog", "cat")
    'dog\x1fcat'
    """
    return first + LABEL + second


BY_SIZE: Final = frozenset({"ordinal"})
"""The levels of the label types whose confusions are counted by how many labels the item has: they tell which items everybody ranked."""


def sized_pattern(first: str, second: str, size: int) -> str:
    r"""The cell of a pair's confusion matrix on the items with so many labels.

    >>> sized_pattern("3", "5", 4)
    '3\x1f5\x1f4'
    """
    return f"{first}{LABEL}{second}{LABEL}{size}"


def both(pattern: str) -> list[str]:
    r"""The labels of a cell of a confusion matrix, from a `pair_pattern` or a `sized_pattern`.

    >>> both("3\x1f5"), both("3\x1f5\x1f4")
    (['3', '5'], ['3', '5'])
    """
    return pattern.split(LABEL)[:2]


def of_any_size(counts: Mapping[str, int]) -> dict[str, int]:
    r"""The confusion matrix on all items, from a counter of `sized_pattern`.

    Patterns without a size stay as they are: a store that is to be rebuilt may be read before that.

    >>> of_any_size({"3\x1f5\x1f4": 2, "3\x1f5\x1f2": 1, "5\x1f5": 1})
    {'3\x1f5': 3, '5\x1f5': 1}
    """
    found: dict[str, int] = {}
    for pattern, n in counts.items():
        cell = pair_pattern(*both(pattern))
        found[cell] = found.get(cell, 0) + n
    return found


def size_of(pattern: str) -> int | None:
    r"""How many labels the items of a `sized_pattern` have; None of a `pair_pattern`.

    >>> size_of("3\x1f5\x1f4"), size_of("3\x1f5")
    (4, None)
    """
    _, _, size = pattern.split(LABEL) if pattern.count(LABEL) == 2 else ("", "", "")
    return int(size) if size else None


class PatternCounts:
    r"""How many items show each pattern: the one state from which every nominal coefficient and interval is read.

    A commutative group (`detectors.statistic.Statistic`) over integers. Counts that reach zero are dropped, so memory
    follows the distinct patterns that are held now. Counts may be negative in between (a retraction seen before its
    addition), but then cannot be read.

    >>> state = PatternCounts()
    >>> state.update(item_pattern(["cat", "cat"]))
    >>> state.update(item_pattern(["cat", "dog"]))
    >>> state.update(item_pattern(["cat", "cat"]), -1)
    >>> state
    PatternCounts({'cat\x1fdog': 1})
    """

    __slots__ = ("counts",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts: dict[str, int] = {} if counts is None else {x: count for x, count in counts.items() if count}

    def update(self, x: str, weight: int = 1) -> None:
        """Count an item with this pattern; a negative weight retracts it."""
        count = self.counts.get(x, 0) + weight
        if count:
            self.counts[x] = count
        else:
            self.counts.pop(x, None)

    def merge(self, other: PatternCounts, weight: int = 1) -> None:
        """Add the counts of another state; a negative weight removes them."""
        # A list, for a state may be merged with itself.
        for x, count in list(other.counts.items()):
            self.update(x, weight * count)

    def copy(self) -> PatternCounts:
        """An equal state that shares nothing with this one."""
        return PatternCounts(self.counts)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same patterns equally often."""
        return isinstance(other, PatternCounts) and self.counts == other.counts

    def __repr__(self) -> str:
        """The counts as they would be given to the constructor."""
        return f"PatternCounts({self.counts!r})"
