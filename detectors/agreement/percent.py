"""Percent agreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from detectors.agreement.coefficient import CATEGORIES, Coefficient
from detectors.agreement.patterns import LABEL, OTHERS
from detectors.agreement.rows import Answer, Figure, Rows


def percent(table: Rows[Figure, Answer], _q: int) -> Answer:
    r"""The mean over pairable items of the share of their pairs of labels that are equal.

    $$ p_a = \frac{1}{n} \sum_{m_i \ge 2} \sum_c \frac{r_{ic} (r_{ic} - 1)}{m_i (m_i - 1)} $$

    Not corrected for chance. Every item counts the same, however many labels it has. Sets of names are equal if all
    their names are. The interval is that of a mean, with $n - 1$ degrees of freedom. Undefined without a pairable item.

    >>> from detectors.agreement.table import Table
    >>> PERCENT.reading(Table.of({"a\x1fa": 3, "a\x1fb": 1}), q=2)
    Reading(value=0.75, low=0.0, high=1.0, n=4, why='')

    References
    ----------
    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    weight = np.where(table.size > 1, table.weight, 0.0)
    deviation = table.disagreement - table.to_rows(table.observed_disagreement)
    value = table.total(weight * (1.0 - table.disagreement)) / table.pairable
    return table.estimate(value, weight, deviation, table.pairable)


PERCENT = Coefficient("percent", CATEGORIES | {"multilabel"}, 0.0, percent)


def percent_of(counts: Mapping[str, int]) -> float | None:
    r"""The value of `percent` alone, of a counter of patterns: for very many scopes with few patterns each.

    Equal to it but for rounding; None without a pairable item.

    >>> percent_of({"a\x1fa": 3, "a\x1fb": 1, "b": 2}), percent_of({"a\x1ea\x1fb": 1}), percent_of({"a": 1})
    (0.75, 0.5, None)
    """
    agreeing: defaultdict[int, int] = defaultdict(int)
    items = 0
    for pattern, n in counts.items():
        equal, pairs = _pairs(pattern)
        if pairs:
            agreeing[pairs] += n * equal
            items += n
    return sum([agreeing[pairs] / pairs for pairs in sorted(agreeing)]) / items if items else None


@lru_cache(maxsize=65_536)
def _pairs(pattern: str) -> tuple[int, int]:
    """How many pairs of an item's labels are equal, of how many; of labels against others those between the two."""
    one, against, other = pattern.partition(OTHERS)
    labels = one.split(LABEL)
    if against:
        others = other.split(LABEL)
        found = Counter(others)
        return sum([found[label] for label in labels]), len(labels) * len(others)
    return sum([n * (n - 1) // 2 for n in Counter(labels).values()]), len(labels) * (len(labels) - 1) // 2
