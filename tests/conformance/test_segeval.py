"""Boundary similarity equals what segeval said of recorded segmentations.

segeval raises where neither annotator has a boundary; we say 1, as its source does where there are no edits to divide by.
A text that ends with the last span has no boundary there for segeval: lengths are not in the events, so we count it.
"""

import json
from itertools import combinations
from pathlib import Path

import pytest

from detectors.agreement.measures import ONE
from detectors.agreement.spans.boundaries import similar_boundaries
from detectors.agreement.spans.marks import Mark

RECORDED = json.loads((Path(__file__).parent / "data" / "segeval.json").read_text(encoding="utf-8"))


def spans(boundaries):
    """Spans whose starts and ends are these boundaries: an odd one out ends a span from the beginning of the text."""
    places = boundaries if len(boundaries) % 2 == 0 else [0, *boundaries]
    return [Mark("a", start, end) for start, end in zip(places[::2], places[1::2], strict=True)]


def test_pairs_equal_segeval():
    compared = 0
    for first, second, value in RECORDED["pairs"]:
        of = similar_boundaries([spans(first), spans(second)]).agreed()
        assert of.whole / ONE == pytest.approx(value, rel=0, abs=1e-12)
        assert of == similar_boundaries([spans(second), spans(first)]).agreed()
        compared += 1
    assert compared == 400
    assert len({value for *_, value in RECORDED["pairs"]}) > 50


def test_an_item_adds_up_its_pairs():
    """All the recorded segmentations as the labels of one item, and every two of them alone."""
    annotators = [spans(boundaries) for pair in RECORDED["pairs"][:12] for boundaries in pair[:2]]
    whole = similar_boundaries(annotators).agreed()
    own = [0] * len(annotators)
    for a, b in combinations(range(len(annotators)), 2):
        value = similar_boundaries([annotators[a], annotators[b]]).agreed().whole
        own[a] += value
        own[b] += value
    assert list(whole.own) == own
    assert whole.whole == sum(own) // 2
