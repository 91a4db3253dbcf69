"""How similar the boundaries are that two annotators drew: where their spans start and end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from detectors.agreement.spans.marks import MOST_COMPARED, ByPair, Marks, rounded


def similar_boundaries(annotators: Sequence[Marks]) -> ByPair | None:
    r"""Boundary similarity of each pair of annotators.

    With $M$ boundaries in common, $T$ pairs of boundaries that are next to each other, one of each annotator
    (transpositions, found from the left), and $A$ others,

    $$ B = 1 - \frac{A + T / 2}{A + T + M} $$

    and 1 where neither drew any, in multiples of 1 / `ONE`; `size` is all 1. Where the text begins is no boundary, but
    where the last span ends is one, for the text's length is not known: so B is that of segeval 2.0.11, with its defaults,
    of any text that goes on after the last span. The type of a span does not matter.

    The cost is O(log n) a span, and O(1) for each two annotators that have a boundary at the same place or at the next;
    None where these are more than `MOST_COMPARED`.

    >>> from detectors.agreement.measures import ONE
    >>> from detectors.agreement.spans.marks import Mark
    >>> found = similar_boundaries([[Mark("a", 2, 5), Mark("a", 7, 9)], [Mark("a", 2, 6)]])
    >>> found.common[0, 1] / ONE == (1 + 0.5) / (1 + 1 + 2)
    True

    References
    ----------
    Fournier, C. (2013). Evaluating text segmentation using boundary edit distance.
    Proceedings of the 51st Annual Meeting of the Association for Computational Linguistics, 1702-1712.
    https://aclanthology.org/P13-1167
    """
    drawn = [{place for _, *places in marks for place in places if place} for marks in annotators]
    places: dict[int, set[int]] = {}
    for annotator, boundaries in enumerate(drawn):
        for place in boundaries:
            places.setdefault(place, set()).add(annotator)
    common: dict[tuple[int, int], int] = {}
    moved: dict[tuple[int, int], int] = {}
    taken: dict[tuple[int, int], int] = {}
    compared = 0
    for place in sorted(places):
        here, after = places[place], places.get(place + 1, set())
        only_here, only_after = here - after, after - here
        compared += len(here) * (len(here) - 1) // 2 + len(only_here) * len(only_after)
        if compared > MOST_COMPARED:
            return None
        for pair in combinations(sorted(here), 2):
            common[pair] = common.get(pair, 0) + 1
        for a in only_here:
            for b in only_after:
                pair = (a, b) if a < b else (b, a)
                if taken.get(pair) != place:
                    moved[pair] = moved.get(pair, 0) + 1
                    taken[pair] = place + 1
    similar: dict[tuple[int, int], int] = {}
    for pair in common.keys() | moved.keys():
        a, b = pair
        m, t = common.get(pair, 0), moved.get(pair, 0)
        similar[pair] = rounded(2 * m + t, 2 * (len(drawn[a]) + len(drawn[b]) - m - t))
    return ByPair(similar, [1] * len(annotators), [int(not boundaries) for boundaries in drawn])
