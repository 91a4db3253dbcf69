"""The parts of nominal alpha that add up over tasks, so that whoever has them can pool tasks as they like."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from detectors.agreement.patterns import LABEL


class AlphaParts(NamedTuple):
    r"""Of pairable items: how often each label is given, and the labels that disagree.

    With $n_c$ labels $c$, $n = \sum_c n_c$, and over items with $m_i$ labels of which $r_{ic}$ are $c$

    $$ D = \sum_i \frac{m_i^2 - \sum_c r_{ic}^2}{m_i - 1}, \qquad
       \alpha = 1 - \frac{(n - 1) D}{n^2 - \sum_c n_c^2}, $$

    where $n_c$ and $D$ are sums over items, and so over tasks.
    """

    labels: dict[str, int]
    disagreeing: Fraction


def alpha_parts(counts: Mapping[str, int]) -> AlphaParts:
    r"""The parts from a counter of item patterns.

    >>> alpha_parts({"a\x1fa": 6, "a\x1fb\x1fb": 2, "b": 7})
    AlphaParts(labels={'a': 14, 'b': 4}, disagreeing=Fraction(4, 1))

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43
    """
    labels: Counter[str] = Counter()
    by_size: defaultdict[int, int] = defaultdict(int)
    for pattern, n in counts.items():
        size, differing, given = _read(pattern)
        if size > 1:
            by_size[size] += n * differing
            for label, times in given:
                labels[label] += n * times
    disagreeing = sum((Fraction(n, size - 1) for size, n in by_size.items()), Fraction(0))
    return AlphaParts(dict(labels), disagreeing)


@lru_cache(maxsize=16_384)
def _read(pattern: str) -> tuple[int, int, tuple[tuple[str, int], ...]]:
    """Labels, ordered pairs of them that differ, and how often each is given."""
    given = Counter(pattern.split(LABEL))
    size = given.total()
    return size, size * size - sum(n * n for n in given.values()), tuple(given.items())
