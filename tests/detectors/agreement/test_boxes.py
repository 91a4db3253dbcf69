"""Agreement of boxes: published values, errors, ties, and the bounds of the work."""

import math
import random

import pytest

from detectors.agreement import Sums, Table, agreement, agreement_of_sums, item_pattern
from detectors.agreement.alpha_nominal import alpha_nominal
from detectors.agreement.boxes import BOXES, geometry, measure, measure_groups
from detectors.agreement.boxes.alpha import alpha
from detectors.agreement.boxes.geometry import Rectangle, intersection_over_union
from detectors.agreement.coefficient import student_quantile
from detectors.agreement.measures import ONE, by_class
from detectors.reasons import TOO_MUCH

IMAGE_A = [
    [(10, 10, 40, 40, "1"), (100, 100, 50, 20, "2"), (150, 20, 30, 30, "2")],
    [(12, 11, 40, 40, "1"), (102, 101, 50, 20, "2"), (151, 21, 30, 30, "1")],
    [(10, 14, 40, 36, "1"), (150, 22, 30, 30, "2")],
]
IMAGE_B = [[(20, 20, 60, 60, "1")], [(20, 20, 60, 60, "1")], [(22, 22, 60, 60, "2"), (140, 140, 30, 30, "2")]]


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


def measured(answers, threshold=0.5, **options):
    return measure([[Rectangle(*box) for box in boxes] for boxes in answers], threshold, **options)


def between(answers, groups, threshold=0.5):
    return measure_groups([[Rectangle(*box) for box in boxes] for boxes in answers], groups, threshold)


def sums_of(*items, **options):
    state = Sums()
    for answers in items:
        state.update(measured(answers, **options).whole)
    return state


def readings(*items, **options):
    return agreement_of_sums(sums_of(*items, **options).sums, "boxes", sum(len(answers) > 1 for answers in items))


def class_readings(*items):
    return {
        name: agreement_of_sums(sums, "boxes", len(items), of_class=True)
        for name, sums in by_class(sums_of(*items).sums).items()
    }


def test_the_published_overlaps():
    boxes = [Rectangle(*answers[0]) for answers in IMAGE_A]
    found = intersection_over_union(boxes) / ONE
    assert (found[0, 1], found[0, 2], found[1, 2]) == close((0.862630966, 0.9, 0.818181818))
    assert (found == found.T).all()


def test_the_published_alpha():
    assert readings(IMAGE_A)["alpha"].value == close(1 / 3)
    assert readings(IMAGE_B)["alpha"].value == close(1 / 6)
    assert readings(IMAGE_A, IMAGE_B)["alpha"].value == close(2 / 9)


def test_the_figures_by_hand():
    """Two annotators who share an object, one of whom drew another; the shared boxes have an IoU of 2/3."""
    of = readings([[(0, 0, 2, 2, "car")], [(0, 0, 2, 3, "car"), (50, 50, 1, 1, "bus")]])
    assert of["mean_iou"] == (close(1 / 3), None, None, 1, "")
    assert of["match_rate"].value == close(2 / 3)
    # Near: 1/3 and 1 (missed). Far: the first's car and the second's bus, 1; the first's miss and the second's car, 1.
    assert of["iou_alpha"].value == close(1 - (2 / 3) / 1)
    # Answers car, car, missed, bus.
    assert of["alpha"].value == close(1 - (3 / 4) * 0.5 / (1 - 4 / 16 - 1 / 16 - 1 / 16))


def test_a_class_has_the_overlaps_of_pairs_of_which_both_are_of_it():
    shared = [[(0, 0, 2, 2, "car"), (9, 9, 2, 2, "bus")], [(0, 0, 2, 3, "car"), (9, 9, 2, 2, "car")]]
    of = class_readings(shared, [[(0, 0, 4, 4, "car")], [(0, 0, 4, 4, "car")]])
    assert of["car"]["iou_mean"].value == close(5 / 6)
    assert of["car"]["iou_variance"].value == close(1 / 36)
    assert of["car"]["iou_mean"].n == 2
    assert of["bus"]["iou_mean"] == (None, None, None, 0, "no pairable item")
    assert sums_of(shared).sums["count\x1fcar"] == 3


def test_nothing_found_is_an_answer():
    box = [(0, 0, 2, 2, "car")]
    nothing = readings([[], []])
    assert {nothing[name].why for name in ("alpha", "mean_iou", "match_rate", "iou_alpha")} == {"no variation"}
    of = readings([[], box])
    assert (of["mean_iou"].value, of["match_rate"].value) == (0.0, 0.0)
    both = readings([[], box], [[], []], [box, box])
    assert both["mean_iou"] == (close(0.5), 0.0, 1.0, 2, ""), "an item where nobody found a box is left out"
    # Two units: missed and car, car and car.
    assert both["alpha"].value == close(1 - (3 / 4) * 0.5 / (1 - 1 / 16 - 9 / 16))
    one = measured([box])
    assert (one.whole, one.own) == ((("count\x1fcar", 1),), [()])


def test_boxes_without_area_overlap_nothing():
    flat = [(1, 1, 0, 5, "line")]
    assert readings([flat, flat])["match_rate"].value == 0.0
    assert readings([flat, flat], inclusive=True)["mean_iou"].value == close(1.0)


def test_the_threshold_itself_matches():
    answers = [[(0, 0, 1, 1, None)], [(0, 0, 1, 2, None)]]
    assert readings(answers, threshold=0.5)["match_rate"].value == 1.0
    assert readings(answers, threshold=0.5000001)["match_rate"].value == 0.0
    third = [[(0, 0, 1, 1, None)], [(0, 0, 1, 3, None)]]
    assert readings(third, threshold=1 / 3)["match_rate"].value == 1.0


def test_the_order_of_boxes_in_a_label_does_not_matter():
    """Where overlaps are equal, the boxes themselves decide; two that are equal but for the class are such."""
    chance = random.Random(1)
    for _ in range(30):
        answers = [
            [(chance.choice((0, 1)), 0, 3, 3, chance.choice(("a", "b"))) for _ in range(chance.randint(0, 4))]
            for _ in range(3)
        ]
        mixed = [chance.sample(boxes, len(boxes)) for boxes in answers]
        assert sorted(measured(mixed).whole) == sorted(measured(answers).whole)
        assert [sorted(own) for own in measured(mixed).own] == [sorted(own) for own in measured(answers).own]


def random_items(seed, n, objects=3):
    chance = random.Random(seed)
    items = []
    for _ in range(n):
        things = [(40 * place, 0, 9, 9) for place in range(chance.randint(1, objects))]
        items.append(
            [
                [
                    (x + chance.choice((0, 0.5, 1, 4)), y, w, h + chance.choice((0, 1)), chance.choice("aab"))
                    for x, y, w, h in things
                    if chance.random() < 0.8
                ]
                for _ in range(chance.randint(2, 4))
            ]
        )
    return items


def test_with_one_object_an_item_alpha_is_that_of_categories():
    """Value and error: an item then is a unit."""
    items = [item for item in random_items(3, 60, objects=1) if any(item)]
    items = [
        item for item in items if max(len(boxes) for boxes in item) == 1 and readings(item)["match_rate"].value == 1.0
    ] + [[[(0, 0, 9, 9, "a")], []], [[], [(0, 0, 9, 9, "b")], []]]
    counts = {}
    for item in items:
        pattern = item_pattern([boxes[0][4] if boxes else "missed" for boxes in item])
        counts[pattern] = counts.get(pattern, 0) + 1
    expected, found = alpha_nominal(Table.of(counts), 0), alpha(sums_of(*items).sums)
    assert found[:4] == close(expected.reading(len(items), -1.0)[:4])
    assert readings(*items)["alpha"][:4] == close(agreement(counts, "nominal", 3)["alpha"][:4])


@pytest.mark.parametrize("name", [coefficient.name for coefficient in BOXES if not coefficient.of_classes])
@pytest.mark.parametrize("part", ["whole", "against the others", "between groups"])
def test_errors_are_those_of_the_derivatives(name, part):
    """What the figure moves where an item counts a little more is the item's influence."""
    items = random_items(5, 40)
    if part == "between groups":
        contributions = [between(item, [place % 2 for place in range(len(item))])[0] for item in items]
    else:
        contributions = [measured(item).whole if part == "whole" else measured(item).own[0] for item in items]
    check_error(name, contributions, of_class=False)


def test_groups_see_the_same_whichever_is_first_and_whoever_else_is_there():
    for item in random_items(8, 30):
        groups = [place % 2 for place in range(len(item))]
        (found,) = between(item, groups)
        assert between(item, [1 - group for group in groups]) == [found]
        # A third group, whose people stand before, after and in the middle.
        other = [(0, 0, 9, 9, "b"), (41, 0, 9, 9, "c")]
        more = [other, *item[:1], other, *item[1:], other]
        assert between(more, [2, *groups[:1], 2, *groups[1:], 2])[0] == found


@pytest.mark.parametrize("name", ["iou_mean", "iou_variance"])
def test_errors_of_classes_are_those_of_the_derivatives(name):
    contributions = []
    for item in random_items(6, 40):
        sums = by_class(dict(measured(item).whole)).get("a", {})
        if len(sums) > 1:
            contributions.append(tuple(sums.items()))
    assert len(contributions) > 20
    check_error(name, contributions, of_class=True)


def check_error(name, contributions, *, of_class):
    weight = 10**7

    def value(sums):
        return agreement_of_sums(sums.sums, "boxes", 40, of_class=of_class)[name].value

    base, often = Sums(), Sums()
    for measure_ in contributions:
        base.update(measure_)
        often.update(measure_, weight)
    influences = []
    for measure_ in contributions:
        more, less = often.copy(), often.copy()
        more.update(measure_, weight // 1000)
        less.update(measure_, -weight // 1000)
        influences.append((value(more) - value(less)) / 0.002)
    used = [influence for influence, measure_ in zip(influences, contributions, strict=True) if measure_]
    n = sum(any(part.startswith(("matched", "overlaps")) for part, _ in measure_) for measure_ in contributions)
    assert len([x for x in used if x]) <= n
    error = math.sqrt(n / (n - 1) * sum(x * x for x in influences))
    found = agreement_of_sums(base.sums, "boxes", 40, of_class=of_class)[name]
    half = student_quantile(n - 1) * error
    low, high = found.value - half, found.value + half
    assert low > -1, "not clipped"
    assert found.low == pytest.approx(low, abs=0.02 * half)
    assert found.high == pytest.approx(min(high, 1.0), abs=0.02 * half)


def test_an_item_with_very_many_categories_has_no_interval():
    few = random_items(7, 10)
    many = [[(9 * place, 0, 5, 5, f"c{place}") for place in range(25)]] * 2
    of = readings(*few, many)
    assert of["alpha"].value is not None
    assert of["alpha"].low is of["alpha"].high is None
    assert of["mean_iou"].low is not None
    assert len(measured(many).whole) < 500
    retracted = sums_of(*few, many)
    retracted.update(measured(many).whole, -1)
    assert retracted == sums_of(*few)


def test_the_first_annotators_with_room_are_compared(monkeypatch):
    monkeypatch.setattr("detectors.agreement.boxes.quantities.MOST_ANNOTATORS", 3)
    monkeypatch.setattr("detectors.agreement.boxes.quantities.MOST_BOXES", 4)
    box, other = (0, 0, 9, 9, "a"), (50, 0, 9, 9, "a")
    found = measured([[box, other], [box], [box, other], [box], [box]])
    assert [own == (("uncompared", 1),) for own in found.own] == [False, False, True, False, True]
    assert [alpha(dict(own)).why == TOO_MUCH for own in found.own] == [False, False, True, False, True]
    assert {*measured([[box, other], [box], [box]]).whole} ^ {*found.whole} == {("count\x1fa", 4), ("count\x1fa", 7)}
    assert geometry.MOST_BOXES >= 2000, "two labels of the largest size have room"


def test_crowded_boxes_are_assigned_as_if_each_pair_were_alone():
    chance = random.Random(4)
    answers = [
        [(chance.randint(0, 6), chance.randint(0, 6), 9, 9, None) for _ in range(chance.randint(0, 20))]
        for _ in range(5)
    ]
    whole = measured(answers)
    found = dict(whole.whole)
    pairs = [
        dict(measured([answers[a], answers[b]]).whole) for a in range(5) for b in range(a) if answers[a] or answers[b]
    ]
    for name in ("mean", "rate"):
        key = f"matched\x1d1\x1d{name}"
        assert found.get(key, 0) == pytest.approx(sum(pair.get(key, 0) for pair in pairs) / len(pairs), abs=1)
