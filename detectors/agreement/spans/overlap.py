"""Which spans two annotators marked nearly alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from detectors.agreement.spans.marks import MOST_COMPARED, ByPair, Marks


def nearly_alike(annotators: Sequence[Marks]) -> ByPair | None:
    r"""Spans of the same type that overlap by half: $|a \cap b| \ge |a \cup b| / 2$, each matched to one at most.

    Of two annotators as many are matched as can be (a maximum matching), so the number depends on no order. Where the
    spans of an annotator do not overlap, a span lies near one or two of another's, and the cost is O(log n) a span.
    None where more than `MOST_COMPARED` lie near each other.

    >>> from detectors.agreement.spans.marks import Mark
    >>> nearly_alike([[Mark("a", 0, 10), Mark("a", 20, 30)], [Mark("a", 0, 5), Mark("a", 26, 30)]])
    ByPair(common={(0, 1): 1}, size=[2, 2], empty=[0, 0])
    """
    spans = sorted([(*mark, annotator) for annotator, marks in enumerate(annotators) for mark in marks])
    near: dict[tuple[int, int], list[tuple[int, int]]] = {}
    compared = 0
    for i, (kind, start, end, annotator) in enumerate(spans):
        # What overlaps by half and starts later does so before the middle.
        middle = (start + end) // 2
        for j in range(i + 1, len(spans)):
            other_kind, other_start, other_end, other = spans[j]
            if other_start > middle or other_kind != kind:
                break
            compared += 1
            if compared > MOST_COMPARED:
                return None
            common = min(end, other_end) - other_start
            if other != annotator and 3 * common >= end - start + other_end - other_start:
                pair, edge = ((annotator, other), (i, j)) if annotator < other else ((other, annotator), (j, i))
                near.setdefault(pair, []).append(edge)
    matched = {pair: _matched(edges) for pair, edges in near.items()}
    return ByPair(matched, [*map(len, annotators)], [0] * len(annotators))


def _matched(edges: Sequence[tuple[int, int]]) -> int:
    """The size of a maximum matching."""
    left, right = ({place: n for n, place in enumerate(set(places))} for places in zip(*edges, strict=True))
    if len(left) == len(right) == len(edges):
        return len(edges)
    rows, columns = [left[i] for i, _ in edges], [right[j] for _, j in edges]
    graph = csr_array((np.ones(len(edges)), (rows, columns)), shape=(len(left), len(right)))
    return int((maximum_bipartite_matching(graph) >= 0).sum())
