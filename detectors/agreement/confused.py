"""Which labels annotators confuse: how often two of them gave one item these two labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Final, NamedTuple

from detectors.agreement.patterns import LABEL

MOST_LABELS: Final = 50


class Confused(NamedTuple):
    """Two labels, a before b: on how many items both were given, and how many pairs of annotators differed so."""

    a: str
    b: str
    items: int
    pairs: int


def confused(counts: Mapping[str, int]) -> list[Confused]:
    r"""The confused labels of a counter of item patterns, those of the most pairs first, then by name.

    An item whose labels are $r_a$ times a and $r_b$ times b has $r_a r_b$ such pairs. All pairs of a scope add up to the
    pairs that `percent_pairs` says differ, but for items with more than `MOST_LABELS` different labels, which are left out:
    a test that everybody takes in words of their own has half a million pairs of labels.

    >>> confused({"cat\x1fdog\x1fdog": 2, "cat\x1ffox": 1, "cat\x1fcat": 5})
    [Confused(a='cat', b='dog', items=2, pairs=4), Confused(a='cat', b='fox', items=1, pairs=1)]
    """
    items: Counter[tuple[str, str]] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for pattern, n in counts.items():
        given = Counter(pattern.split(LABEL))
        if len(given) > MOST_LABELS:
            continue
        # A pattern's labels are sorted, so are the pairs.
        for two in combinations(given, 2):
            items[two] += n
            pairs[two] += n * given[two[0]] * given[two[1]]
    found = [Confused(*two, items[two], n) for two, n in pairs.items()]
    return sorted(found, key=lambda confusion: (-confusion.pairs, confusion.a, confusion.b))


def involved(counts: Mapping[str, int]) -> dict[str, int]:
    r"""By label, how many pairs of labels of an item it is in: of the items that `confused` is read from.

    An item with m labels, r of them this one, has $r (m - r) + r (r - 1) / 2$ such pairs. So of the pairs of labels that
    have a or b, the share that are a and b is `pairs / (involved[a] + involved[b] - pairs)`, for these alone are in both.

    >>> involved({"cat\x1fdog\x1fdog": 2, "cat\x1fcat": 5, "fox": 3})
    {'cat': 9, 'dog': 6}
    """
    found: Counter[str] = Counter()
    for pattern, n in counts.items():
        labels = pattern.split(LABEL)
        given = Counter(labels)
        if len(given) <= MOST_LABELS and len(labels) > 1:
            for label, times in given.items():
                found[label] += n * times * (2 * len(labels) - times - 1) // 2
    return dict(found)
