"""Agreement about one label: all others become one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

from detectors.agreement.patterns import LABEL, OTHERS, against_others, item_pattern

IT, REST = "1", "0"


def one_against_rest(counts: Mapping[str, int], label: str) -> dict[str, int]:
    r"""The counter with the label against all others, to be read with q = 2.

    No state of its own: a view on the counter of the scope. Items that never show the label take part.

    >>> one_against_rest({"a\x1fa\x1fb": 1, "a\x1fb\x1fc": 2, "b\x1fc\x1fc": 4}, "a")
    {'0\x1f1\x1f1': 1, '0\x1f0\x1f1': 2, '0\x1f0\x1f0': 4}
    """
    collapsed: Counter[str] = Counter()
    for pattern, count in counts.items():
        own, labels = _split(pattern)
        collapsed[_collapsed(_is(own, label), len(labels), labels.count(label))] += count
    return dict(collapsed)


def each_against_rest(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    r"""For every label seen, what `one_against_rest` gives, in one pass over the labels written in the counter.

    >>> counts = {"a\x1fa": 3, "a\x1fb": 2, "c\x1fc": 1}
    >>> each_against_rest(counts) == {label: one_against_rest(counts, label) for label in "abc"}
    True
    """
    everywhere: Counter[str] = Counter()
    collapsed: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pattern, count in counts.items():
        own, labels = _split(pattern)
        absent = _collapsed(None if own is None else False, len(labels), 0)
        everywhere[absent] += count
        for label in set(labels) if own is None else {own, *labels}:
            shown = collapsed[label]
            shown[_collapsed(_is(own, label), len(labels), labels.count(label))] += count
            shown[absent] -= count
    # Patterns without the label differ in shape only: all of a shape less those that show it.
    for shown in collapsed.values():
        shown.update(everywhere)
    return {label: {pattern: n for pattern, n in shown.items() if n} for label, shown in collapsed.items()}


def _split(pattern: str) -> tuple[str | None, list[str]]:
    """The own label, None for an item pattern, and the other labels."""
    if OTHERS not in pattern:
        return None, pattern.split(LABEL)
    own, _, others = pattern.partition(OTHERS)
    return own, others.split(LABEL)


def _is(own: str | None, label: str) -> bool | None:
    return None if own is None else own == label


@lru_cache(maxsize=65_536)
def _collapsed(own: bool | None, labels: int, hits: int) -> str:
    """The pattern of that many labels, so many of them hits, against an own label that is one or not, if there is."""
    words = [IT] * hits + [REST] * (labels - hits)
    return item_pattern(words) if own is None else against_others(IT if own else REST, words)
