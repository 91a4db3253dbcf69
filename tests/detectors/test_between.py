"""What pairs of vendors say of the same items: where it is counted, and that it follows every edit and retraction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from random import Random
from typing import Any

import pytest

from detectors.agreement import COEFFICIENTS, PANEL_COEFFICIENTS, RANKINGS
from detectors.between import BETWEEN_VENDORS, MOST_VENDORS, pair_name, pair_of
from detectors.config import TaskConfig
from detectors.item import Item, contribution
from detectors.keys import ItemKey
from detectors.labels import Fit
from detectors.records import AnnotationRecord
from detectors.scope import Scope
from detectors.summary import MOST_VALUES, TaskStatistics
from streams.events import Annotation, Event, Shape, Span
from tests.detectors.test_monitor import Lone
from tests.made_events import annotation, boxes, configured, gold, retraction

Truth = Mapping[str, Mapping[str, tuple[str, str | None]]]
"""By item and annotator: the label that counts, and the vendor."""


def scopes(*events: Annotation, config: TaskConfig | None = None) -> dict[str, Scope]:
    """The pairs of vendors that one item brings."""
    item = Item(ItemKey("news", "label", "i1"))
    for event in events:
        item.records.setdefault(event.key, AnnotationRecord((event.project, event.key))).deliver(event)
    found: dict[str, Scope] = {}
    for (dimension, value), addition in contribution(item, Fit(config or TaskConfig())).by_place():
        if dimension == BETWEEN_VENDORS:
            assert value not in found, "an item enters a scope once"
            found[value] = Scope()
            found[value].update(addition)
    return found


def given(labels: Sequence[tuple[Any, str | None]]) -> list[Annotation]:
    return [annotation(f"n{place:03}", "i1", label, vendor=vendor) for place, (label, vendor) in enumerate(labels)]


def patterns(found: Mapping[str, Scope], kind: str = "nominal") -> dict[str, list[str]]:
    return {
        value.replace("\x1f", "-"): [
            pattern.replace("\x1f", ",").replace("\x1e", "|") for pattern in scope.tallies[kind].patterns
        ]
        for value, scope in found.items()
    }


# -- which items -----------------------------------------------------------------------------------------------------------


def test_the_labels_of_each_vendor_stand_against_those_of_each_other() -> None:
    found = scopes(*given([("yes", "opaline"), ("no", "acme"), ("no", "opaline"), ("maybe", "zeta"), ("yes", None)]))
    assert patterns(found) == {
        "acme-opaline": ["no|no,yes"],
        "acme-zeta": ["no|maybe"],
        "opaline-zeta": ["no,yes|maybe"],
    }
    assert found["acme\x1fopaline"].state() == (3, 1, 0, {"nominal": (3, 1, 0, 0, {"no\x1eno\x1fyes": 1}, {})})


@pytest.mark.parametrize(
    "labels",
    [
        [("yes", "acme"), ("no", "acme")],
        [("yes", "acme"), ("no", None)],
        [("yes", None), ("no", None)],
        [("yes", "acme")],
        [("yes", "acme"), (None, "opaline")],
        [("yes", "acme"), (3, "opaline")],
        [(["a"], "acme"), (3, "opaline")],
    ],
)
def test_two_vendors_must_have_labels_of_one_type_that_count(labels: list[tuple[Any, str | None]]) -> None:
    assert scopes(*given(labels)) == {}


def test_labels_that_do_not_fit_are_not_compared() -> None:
    config = TaskConfig(label_type="nominal", labels=("yes", "no"))
    assert scopes(*given([("yes", "acme"), ("maybe", "opaline")]), config=config) == {}
    found = scopes(*given([("yes", "acme"), ("maybe", "opaline"), ("no", "opaline")]), config=config)
    assert patterns(found) == {"acme-opaline": ["yes|no"]}


def test_a_person_has_one_label_the_latest_with_its_vendor() -> None:
    people = [
        annotation("ann", "i1", "yes", 1, annotation="a1", vendor="acme"),
        annotation("ann", "i1", "no", 2, annotation="a2", vendor="opaline"),
        annotation("bob", "i1", "no", 1, vendor="acme"),
    ]
    assert patterns(scopes(*people)) == {"acme-opaline": ["no|no"]}
    assert scopes(*people[:2]) == {}


def test_other_stages_are_not_compared() -> None:
    reviewed = annotation("rita", "i1", "no", stage="review", vendor="opaline")
    assert scopes(*given([("yes", "acme")]), reviewed) == {}


def test_an_item_with_labels_of_two_types_enters_a_pair_once() -> None:
    found = scopes(*given([("yes", "a"), ("yes", "b"), (1, "a"), (2.5, "b"), (["x"], "a"), (["y"], "b"), (4, "c")]))
    assert {value.replace("\x1f", "-"): sorted(scope.tallies) for value, scope in found.items()} == {
        "a-b": ["interval", "multilabel", "nominal"],
        "a-c": ["interval"],
        "b-c": ["interval"],
    }
    assert (found["a\x1fb"].annotations, found["a\x1fb"].items) == (6, 1)


SHAPES = {
    "boxes": [boxes([0, 0, 2, 2]), boxes([0, 0, 2, 3]), boxes(), boxes([0, 0, 2, 2], [9, 9, 2, 2])],
    "spans": [
        Shape(spans=found) for found in ([Span(0, 6, "a")], [Span(0, 5, "a")], [], [Span(0, 6, "a"), Span(8, 9)])
    ],
}


@pytest.mark.parametrize("kind", SHAPES)
def test_boxes_and_spans_of_two_vendors_are_measured_as_if_no_other_had_labelled(kind: str) -> None:
    chance = Random(5)
    for _ in range(20):
        labels = [(chance.choice(SHAPES[kind]), chance.choice(["acme", "opaline", "zeta", None])) for _ in range(6)]
        found = scopes(*given(labels))
        for (a, b), (name, scope) in zip(map(pair_of, found), found.items(), strict=True):
            alone = [(label if vendor in {a, b} else None, vendor) for label, vendor in labels]
            assert scopes(*given(alone)) == {name: scope}
        assert found.keys() == {
            pair_name(a, b) for a, b in combinations(sorted({vendor for _, vendor in labels if vendor}), 2)
        }


@pytest.mark.parametrize("kind", SHAPES)
def test_a_vendor_with_one_person_is_an_annotator_against_the_others(kind: str) -> None:
    for own in SHAPES[kind]:
        item = Item(ItemKey("news", "label", "i1"))
        for event in given([(own, "acme"), *[(label, "opaline") for label in SHAPES[kind]]]):
            item.records[event.key] = AnnotationRecord((event.project, event.key), item.key, event)
        by = {place: addition[3] for place, addition in contribution(item, Fit(TaskConfig())).by_place()}
        ((_, n, pairable, *_, measure),) = by[BETWEEN_VENDORS, pair_name("acme", "opaline")]
        assert (n, pairable) == (5, 1)
        assert ((kind, 1, 1, 0, 0, measure),) == by["annotator", "n000"]


def test_boxes_of_two_vendors_worked_out_by_hand() -> None:
    """One of acme's people against two of opaline's, of whom one drew the object half as high again and the other none."""
    found = statistics([[(boxes([0, 0, 2, 2]), "acme"), (boxes([0, 0, 2, 3]), "opaline"), (boxes(), "opaline")]])
    ((a, b, items, agreement),), cut = found.between_vendors()
    assert (a, b, items, cut) == ("acme", "opaline", 1, 0)
    assert list(agreement) == list(found.task().whole.agreement), "the coefficients of a task of boxes"
    assert agreement["mean_iou"].value == pytest.approx((2 / 3 + 0) / 2, abs=1e-9)
    assert agreement["match_rate"].value == pytest.approx((1 + 0) / 2, abs=1e-9)
    # One unit: a box, against one half a box and one half missed. Shares 3/4 and 1/4; 1/2 differ; of two labels.
    assert agreement["alpha"].value == pytest.approx(1 - (1 / 2) * (1 / 2) / (2 * 3 / 4 / 4), abs=1e-9)
    assert agreement["iou_alpha"].why == "no variation"
    assert agreement["percent"].why == "not available for this label type"


def test_spans_of_two_vendors_worked_out_by_hand() -> None:
    """Two of acme's people marked one span and another; one of opaline's both: 1 of 3 spans in common with either, twice."""
    one, two = Span(0, 4, "a"), Span(4, 8, "b")
    labels = [(Shape(spans=[one]), "acme"), (Shape(spans=[two]), "acme"), (Shape(spans=[one, two]), "opaline")]
    ((_, _, items, agreement),), _ = statistics([labels, [labels[0], labels[1]]]).between_vendors()
    assert items == 1
    for name in ("span_f1", "span_f1_untyped", "overlap_f1", "character_f1"):
        assert agreement[name].value == pytest.approx(2 * 2 / (3 + 3), abs=1e-15)
    # Boundaries: 4 of 4 and 8; 4 and 8 of 4 and 8.
    assert agreement["boundary_similarity"].value == pytest.approx((1 / 2 + 1) / 2, abs=1e-12)
    # Eight characters: half of the pairs differ. Shares: a and b 2 + 4 each, none 4, of 16.
    expected = 1 - (6 / 16) ** 2 - (6 / 16) ** 2 - (4 / 16) ** 2
    assert agreement["alpha"].value == pytest.approx(1 - (15 / 16) * (1 / 2) / expected, abs=1e-12)


@pytest.mark.parametrize("kind", SHAPES)
def test_boxes_and_spans_of_very_many_vendors_count_no_pairs(kind: str) -> None:
    labels = [(SHAPES[kind][n % 4], f"v{n:02}") for n in range(MOST_VENDORS + 1)]
    assert len(scopes(*given(labels[:MOST_VENDORS]))) == 45
    assert scopes(*given(labels)) == {}


def test_a_vendor_whose_boxes_have_no_room_is_too_much_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.agreement.boxes.quantities.MOST_ANNOTATORS", 2)
    labels = [(boxes([0, 0, 2, 2]), vendor) for vendor in ("acme", "opaline", "zeta")]
    pairs, _ = statistics([labels]).between_vendors()
    assert {(pair.a, pair.b): pair.agreement["mean_iou"].value for pair in pairs} == {
        ("acme", "opaline"): 1.0,
        ("acme", "zeta"): None,
        ("opaline", "zeta"): None,
    }
    assert {pair.agreement["alpha"].why for pair in pairs[1:]} == {"too much to compare"}


def test_too_many_spans_of_all_vendors_are_too_much_to_compare() -> None:
    label = Shape(spans=[Span(2 * n, 2 * n + 1) for n in range(1000)])
    for count, why in ((10, ""), (11, "too much to compare")):
        (pair,), _ = statistics([[(label, f"v{n % 2}") for n in range(count)]]).between_vendors()
        assert (pair.items, pair.agreement["span_f1"].why) == (1, why)


def test_an_item_of_very_many_vendors_counts_no_pairs_of_them() -> None:
    labels = [("yes", f"v{n:02}") for n in range(MOST_VENDORS + 1)]
    assert len(scopes(*given(labels[:MOST_VENDORS]))) == 45
    assert scopes(*given(labels)) == {}


# -- what is read ----------------------------------------------------------------------------------------------------------


def statistics(items: Sequence[Sequence[tuple[Any, str | None]]], config: TaskConfig | None = None) -> TaskStatistics:
    found: dict[tuple[str, str], Scope] = {}
    for number, labels in enumerate(items):
        item = Item(ItemKey("news", "label", f"i{number}"))
        for event in given(labels):
            item.records[event.key] = AnnotationRecord((event.project, event.key), item.key, event)
        for place, addition in contribution(item, Fit(config or TaskConfig())).by_place():
            found.setdefault(place, Scope()).update(addition)
    return TaskStatistics(config or TaskConfig(), found)


def test_two_vendors_worked_out_by_hand() -> None:
    """Item by item one half, none and all of the pairs agree. Shares of yes: 1/2 + 1/4, 0 + 1/2, 1, so 9/12 of all."""
    items = [
        [("yes", "acme"), ("yes", "opaline"), ("no", "opaline")],
        [("no", "acme"), ("yes", "opaline")],
        [("yes", "acme"), ("yes", "acme"), ("yes", "opaline")],
        [("yes", "acme"), ("no", "acme")],
        [("no", "opaline"), ("no", None)],
    ]
    found = statistics(items)
    pairs, cut = found.between_vendors()
    assert ([pair[:3] for pair in pairs], cut) == ([("acme", "opaline", 3)], 0)
    agreement = pairs[0].agreement
    assert list(agreement) == [*COEFFICIENTS, *PANEL_COEFFICIENTS, *RANKINGS]
    assert {reading.n for reading in agreement.values()} == {3}
    assert agreement["percent"].value == pytest.approx(1 / 2, abs=1e-15)
    assert agreement["percent_pairs"].value == pytest.approx(3 / 5, abs=1e-15)
    # Chance of disagreeing 2 (3/4)(1/4) = 3/8; of six labels alpha corrects by 5/6.
    assert agreement["fleiss_kappa"].value == pytest.approx(1 - (1 / 2) / (3 / 8), abs=1e-15)
    assert agreement["alpha"].value == pytest.approx(1 - 5 / 6 * (1 / 2) / (3 / 8), abs=1e-15)
    by, _ = found.by()
    assert list(by) == ["annotator", "gold_item", "stage", "vendor", "class"], "pairs of vendors are no vendors"


def test_people_of_one_vendor_each_agree_as_two_raters_do() -> None:
    """With one label of either vendor on an item all is as of the task, which has no other labels."""
    chance = Random(2)
    labels: list[list[tuple[Any, str | None]]] = [
        [(chance.choice("aab"), "acme"), (chance.choice("aab"), "opaline")] for _ in range(30)
    ]
    for config in (TaskConfig(), TaskConfig(label_type="ordinal", labels=("a", "b", "c"))):
        found = statistics(labels, config)
        (pair,), _ = found.between_vendors()
        whole = found.task().whole.agreement
        for name in COEFFICIENTS:
            reading = pair.agreement[name]
            assert reading.why == whole[name].why
            if reading.value is not None:
                assert reading[:3] == pytest.approx(whole[name][:3], abs=1e-12)


def test_numbers_are_compared_whether_they_are_declared_or_not() -> None:
    chance = Random(3)
    labels = [[(chance.choice([1, 2, 5]), f"v{n % 2}") for n in range(chance.randint(2, 5))] for _ in range(20)]
    readings = []
    for declared in (None, (1, 2, 5)):
        (pair,), _ = statistics(labels, TaskConfig(label_type="interval", labels=declared)).between_vendors()
        assert pair.items == 20
        readings.append(pair.agreement["alpha"])
    assert readings[0] == pytest.approx(readings[1], abs=1e-9)


def test_pairs_without_labels_of_the_tasks_type_are_not_shown() -> None:
    found = statistics([[("yes", "a"), ("no", "b"), (3, "c"), (4, "b")], [("yes", "a"), ("yes", "b")]])
    assert [pair[:3] for pair in found.between_vendors()[0]] == [("a", "b", 2)]


def test_a_thousand_pairs_are_shown_and_the_others_are_counted() -> None:
    items = [[("yes", f"v{n:04}"), ("yes", "zeta")] for n in range(MOST_VALUES + 2)]
    pairs, cut = statistics([*items, items[-1]]).between_vendors()
    assert (len(pairs), cut) == (MOST_VALUES, 2)
    assert [pair[:3] for pair in pairs[:2]] == [("v1001", "zeta", 2), ("v0000", "zeta", 1)]


# -- every prefix of a stream ----------------------------------------------------------------------------------------------


class Stream:
    """A random stream in which labels and vendors are edited and withdrawn, with what is true after each event."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.revisions: Counter[str] = Counter()
        self.held: dict[str, tuple[str, str, str, str | None]] = {}

    def events(self, n: int) -> Iterator[Event]:
        for number in range(n):
            if self.chance.random() < 0.2 and self.held:
                key = self.chance.choice(sorted(self.held))
                del self.held[key]
                yield retraction(key, number, revision=self.revisions[key], id=f"e{number}")
            elif self.chance.random() < 0.1:
                yield gold(self.chance.choice("ijk"), self.chance.choice("abc"), seconds=number, version=number)
            else:
                item, annotator = self.chance.choice("ijk"), self.chance.choice(["ann", "bob", "cleo", "dora", "ed"])
                key = f"{annotator}-{item}"
                label = self.chance.choice("abc")
                vendor = self.chance.choice(["acme", "acme", "opaline", "zeta", None])
                self.revisions[key] += 1
                self.held[key] = item, annotator, label, vendor
                yield annotation(annotator, item, label, number, vendor=vendor, revision=self.revisions[key])

    def truth(self) -> Truth:
        found: defaultdict[str, dict[str, tuple[str, str | None]]] = defaultdict(dict)
        for item, annotator, label, vendor in self.held.values():
            found[item][annotator] = label, vendor
        return found


def from_scratch(truth: Truth) -> dict[tuple[str, str], tuple[int, Fraction, Fraction | None]]:
    """By pair of vendors: items, percent agreement and nominal alpha, from the labels in force."""
    found = {}
    for a, b in combinations(["acme", "opaline", "zeta"], 2):
        items = []
        for labels in truth.values():
            sides = [[label for label, vendor in labels.values() if vendor == name] for name in (a, b)]
            if all(sides):
                items.append(sides)
        if items:
            found[a, b] = (len(items), *_figures(items))
    return found


def _figures(items: Sequence[Sequence[Sequence[str]]]) -> tuple[Fraction, Fraction | None]:
    shares: Counter[str] = Counter()
    differing = Fraction(0)
    for one, other in items:
        differing += Fraction(sum(x != y for x in one for y in other), len(one) * len(other) * len(items))
        for side in (one, other):
            for label in side:
                shares[label] += Fraction(1, 2 * len(side) * len(items))  # type: ignore[assignment]
    expected = 1 - sum((Fraction(share) ** 2 for share in shares.values()), Fraction(0))
    corrected = differing * Fraction(2 * len(items) - 1, 2 * len(items))
    return 1 - differing, 1 - corrected / expected if expected else None


@pytest.mark.parametrize("chunk", [1, 7])
def test_after_every_event_it_is_what_the_labels_in_force_say(chunk: int) -> None:
    compared: Counter[str] = Counter()
    for seed in range(4):
        lone, stream = Lone(configured(detectors=())), Stream(seed)
        waiting: list[Event] = []
        for event in stream.events(140):
            waiting.append(event)
            if len(waiting) < chunk:
                continue
            lone.take(*waiting)
            waiting.clear()
            held = {(key.dimension, key.value): scope for key, scope in lone.monitor.scopes.rows.items()}
            pairs, _ = TaskStatistics(TaskConfig(detectors=()), held).between_vendors()
            expected = from_scratch(stream.truth())
            assert {(pair.a, pair.b): pair.items for pair in pairs} == {pair: of[0] for pair, of in expected.items()}
            for pair in pairs:
                _, percent, alpha = expected[pair.a, pair.b]
                assert pair.agreement["percent"].value == pytest.approx(float(percent), abs=1e-12)
                assert pair.agreement["alpha"].value == (
                    None if alpha is None else pytest.approx(float(alpha), abs=1e-12)
                )
                compared["alpha" if alpha is not None else "no variation"] += 1
            assert all(scope.items for place, scope in held.items() if place[0] == BETWEEN_VENDORS), "empty is dropped"
    assert compared["alpha"] > 800 // chunk
    assert compared["no variation"] > 50 // chunk
