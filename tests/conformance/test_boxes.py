"""After every event of random streams of boxes, sums are those of a batch, and figures those of the definitions."""

import random
from collections import Counter
from itertools import combinations

import pytest

from detectors.agreement import Sums, agreement_of_sums
from detectors.agreement.boxes import measure, measure_groups
from detectors.agreement.boxes.geometry import Rectangle
from detectors.agreement.measures import by_class
from tests.conformance.boxes_by_definition import figures

OBJECTS = [(0, 0, 8, 6), (5, 1, 8, 6), (30, 3, 5, 9), (33, 3, 4, 8)]
"""Two pairs of objects that overlap: which box shows which is often disputed."""
ANNOTATORS = ["ann", "bob", "cleo", "dora"]
VENDORS = ["acme", "opaline", "zeta"]
OPTIONS = [(0.5, False), (0.3, True), (0.75, False)]


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


def drawn(chance):
    """What an annotator draws: each object perhaps, not quite where it is; at times nothing."""
    if chance.random() < 0.1:
        return []
    found = []
    for x, y, w, h in OBJECTS:
        if chance.random() < 0.6:
            # No two overlaps are equal, for then either could be matched.
            dx, dy, dw, dh = (chance.uniform(-0.7, 0.7) for _ in range(4))
            found.append((x + dx, y + dy, w + dw, h + dh, chance.choice(("car", "car", "bus", None))))
    chance.shuffle(found)
    return found


def given(boxes):
    return [Rectangle(*box) for box in boxes]


def contributions(answers, threshold, inclusive):
    names = sorted(answers)
    found = measure([given(answers[name]) for name in names], threshold, inclusive=inclusive)
    return found.whole, dict(zip(names, found.own, strict=True))


def between(answers, vendors, threshold, inclusive):
    """What each two vendors add that have a label of the item."""
    names = sorted(answers)
    held = sorted({vendors[name] for name in names})
    if len(held) < 2:
        return {}
    groups = [held.index(vendors[name]) for name in names]
    found = measure_groups([given(answers[name]) for name in names], groups, threshold, inclusive=inclusive)
    return dict(zip(combinations(held, 2), found, strict=True))


def read(sums, pairable, **options):
    return agreement_of_sums(sums.sums, "boxes", pairable, **options)


def check(found, expected, compared, kind):
    for name in ("mean_iou", "match_rate", "alpha", "iou_alpha"):
        ours = found[name].value
        if expected is None or expected[name] is None:
            assert ours is None, name
            compared[f"{kind} undefined"] += 1
        else:
            assert ours == close(expected[name]), (kind, name)
            compared[f"{kind} {name}"] += 1


def check_classes(sums, overlaps, compared):
    classes = by_class(sums.sums)
    for name in ("car", "bus"):
        own = [overlap for one, other, overlap in overlaps if one == other == name]
        found = agreement_of_sums(classes.get(name, {}), "boxes", 1, of_class=True)
        if own:
            mean = sum(own) / len(own)
            assert found["iou_mean"].value == close(mean)
            assert found["iou_variance"].value == close(sum((x - mean) ** 2 for x in own) / len(own))
            compared["class"] += 1
        else:
            assert found["iou_mean"].value is found["iou_variance"].value is None


@pytest.mark.parametrize(("threshold", "inclusive"), OPTIONS)
def test_every_prefix_is_a_batch(threshold, inclusive):
    compared = Counter()
    chance = random.Random(f"{threshold}")
    items = [{} for _ in range(4)]
    vendors = [{} for _ in items]
    whole, own = Sums(), {name: Sums() for name in ANNOTATORS}
    pairs = {pair: Sums() for pair in combinations(VENDORS, 2)}

    def add(item, weight):
        added, each = contributions(items[item], threshold, inclusive)
        whole.update(added, weight)
        for name, measured in each.items():
            own[name].update(measured, weight)
        for pair, measured in between(items[item], vendors[item], threshold, inclusive).items():
            pairs[pair].update(measured, weight)

    for event in range(90):
        item, name = chance.randrange(len(items)), chance.choice(ANNOTATORS)
        add(item, -1)
        if chance.random() < 0.15:
            items[item].pop(name, None)
            vendors[item].pop(name, None)
        else:
            items[item][name] = drawn(chance)
            vendors[item][name] = chance.choice(VENDORS)
        add(item, 1)
        batch, apart = Sums(), {name: Sums() for name in ANNOTATORS}
        by_pair = {pair: Sums() for pair in pairs}
        for answers, named in zip(items, vendors, strict=True):
            for pair, measured in between(answers, named, threshold, inclusive).items():
                by_pair[pair].update(measured)
            added, each = contributions(answers, threshold, inclusive)
            batch.update(added)
            for one, measured in each.items():
                apart[one].update(measured)
        assert (whole, own, pairs) == (batch, apart, by_pair)
        if event % 5 == 4:
            pairable = sum(len(answers) > 1 for answers in items)
            expected = figures(items, threshold, int(inclusive))
            check(read(whole, pairable), expected, compared, "whole")
            check_classes(whole, expected["overlaps"] if expected else [], compared)
            for name in ANNOTATORS:
                shared = sum(len(answers) > 1 and name in answers for answers in items)
                sides = {name}, set(ANNOTATORS) - {name}
                check(read(own[name], shared), figures(items, threshold, int(inclusive), sides), compared, "own")
            for pair, sums in pairs.items():
                # Somebody may work for one vendor here and for another there: by item and name.
                sides = [
                    {(place, name) for place, named in enumerate(vendors) for name in named if named[name] == vendor}
                    for vendor in pair
                ]
                labelled = [{(place, name): boxes for name, boxes in of.items()} for place, of in enumerate(items)]
                both = sum(all(side & of.keys() for side in sides) for of in labelled)
                check(read(sums, both), figures(labelled, threshold, int(inclusive), sides), compared, "vendors")
    for item, answers in enumerate(items):
        add(item, -1)
        answers.clear()
        vendors[item].clear()
    assert whole == Sums()
    assert all(sums == Sums() for sums in pairs.values())
    assert all(sums == Sums() for sums in own.values())
    assert compared["whole mean_iou"] >= 16
    assert compared["own alpha"] >= 50
    assert compared["own iou_alpha"] >= 50
    assert min(compared[f"vendors {name}"] for name in ("alpha", "mean_iou", "match_rate")) >= 25
    assert compared["vendors iou_alpha"] >= 15
    assert compared["class"] >= 10
