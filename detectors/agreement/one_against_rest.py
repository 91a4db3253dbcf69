"""Agreement about one class: all labels that are not of it become one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from detectors.agreement.patterns import LABEL, OTHERS, between_groups, item_pattern

IT, REST = "1", "0"

NOTHING: Mapping[str, int] = {}

Classes: TypeAlias = Callable[[str], Sequence[str]]
"""The classes that a label is of, none of them twice."""


def itself(label: str) -> Sequence[str]:
    """The classes of a label that is one."""
    return (label,)


def one_against_rest(counts: Mapping[str, int], label: str, classes: Classes = itself) -> dict[str, int]:
    r"""The counter with the class against all others, to be read with q = 2; `classes` says which a label is of.

    No state of its own: a view on the counter of the scope. Items that never show the class take part.

    >>> one_against_rest({"a\x1fa\x1fb": 1, "a\x1fb\x1fc": 2, "b\x1fc\x1fc": 4}, "a")
    {'0\x1f1\x1f1': 1, '0\x1f0\x1f1': 2, '0\x1f0\x1f0': 4}
    """
    collapsed: Counter[str] = Counter()
    for pattern, count in counts.items():
        one, other = _split(pattern)
        hits, found = [sum(label in classes(given) for given in group) for group in (one, other)]
        collapsed[_collapsed(len(one), hits, len(other), found)] += count
    return dict(collapsed)


def each_against_rest(counts: Mapping[str, int], classes: Classes = itself) -> dict[str, dict[str, int]]:
    r"""For every class seen, what `one_against_rest` gives, in one pass over the labels written in the counter.

    >>> counts = {"a\x1fa": 3, "a\x1fb": 2, "c\x1fc": 1}
    >>> each_against_rest(counts) == {label: one_against_rest(counts, label) for label in "abc"}
    True
    >>> each_against_rest({"ab\x1fb": 3}, tuple) == {"a": {"0\x1f1": 3}, "b": {"1\x1f1": 3}}
    True
    """
    classes = lru_cache(maxsize=None)(classes)
    everywhere: Counter[str] = Counter()
    collapsed: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pattern, count in counts.items():
        one, other = _split(pattern)
        n, k = len(one), len(other)
        absent = _collapsed(n, 0, k, 0)
        everywhere[absent] += count
        hits = Counter(chain.from_iterable(map(classes, one)))
        found = Counter(chain.from_iterable(map(classes, other))) if other else NOTHING
        for label in {*hits, *found}:
            shown = collapsed[label]
            shown[_collapsed(n, hits.get(label, 0), k, found.get(label, 0))] += count
            shown[absent] -= count
    # Patterns without the class differ in shape only: all of a shape less those that show it.
    for shown in collapsed.values():
        shown.update(everywhere)
    return {label: {pattern: n for pattern, n in shown.items() if n} for label, shown in collapsed.items()}


def _split(pattern: str) -> tuple[list[str], list[str]]:
    """The labels of an item, and those that they are set against, if there are any."""
    if OTHERS not in pattern:
        return pattern.split(LABEL), []
    one, _, other = pattern.partition(OTHERS)
    return one.split(LABEL), other.split(LABEL)


@lru_cache(maxsize=65_536)
def _collapsed(n: int, hits: int, others: int, found: int) -> str:
    """The pattern of n labels, so many of them hits, against so many others, if there are any, and hits among them."""
    one = [IT] * hits + [REST] * (n - hits)
    return between_groups(one, [IT] * found + [REST] * (others - found)) if others else item_pattern(one)
