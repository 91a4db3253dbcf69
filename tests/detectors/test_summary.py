"""What a task's statistics say, against figures computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from detectors.agreement import COEFFICIENTS, PANEL_COEFFICIENTS, RANKINGS, Scale, pair_agreement, pair_pattern
from detectors.agreement.patterns import of_any_size
from detectors.config import TaskConfig
from detectors.item import Item, contribution
from detectors.keys import ItemKey
from detectors.labels import Fit
from detectors.reading import Reading
from detectors.reasons import NOT_AVAILABLE
from detectors.records import AnnotationRecord
from detectors.scope import Scope, Tally
from detectors.summary import MOST_VALUES, TaskStatistics
from streams.events import Box, Shape, Span
from tests.made_events import annotation, gold, preference

Labels = dict[str, Any]  # label by annotator


def statistics(
    items: Sequence[Labels], keys: dict[int, Any] | None = None, config: TaskConfig | None = None, **fields: Any
) -> TaskStatistics:
    """The statistics of a task with these items; `keys` has the accepted answer of some."""
    config = config or TaskConfig()
    fit = Fit(config)
    scopes: dict[tuple[str, str], Scope] = {}
    pairs: dict[tuple[str, str, str], dict[str, int]] = {}
    for number, labels in enumerate(items):
        item = Item(ItemKey("news", "label", f"i{number}"))
        for annotator, label in labels.items():
            event = annotation(annotator, f"i{number}", label, **fields)
            item.records[event.key] = AnnotationRecord((event.project, event.key), item.key, event)
        if keys and number in keys:
            item.gold = gold(f"i{number}", keys[number])
        added = contribution(item, fit)
        for place, addition in added.by_place():
            scopes.setdefault(place, Scope()).update(addition)
        for pair, pattern in added.by_pair():
            counts = pairs.setdefault(pair, {})
            counts[pattern] = counts.get(pattern, 0) + 1
    return TaskStatistics(config, scopes, pairs)


# Three annotators, five items; everything below is computed from this table on paper.
TABLE = [
    {"ann": "yes", "bob": "yes", "cleo": "no"},
    {"ann": "yes", "bob": "yes", "cleo": "yes"},
    {"ann": "no", "bob": "yes"},
    {"ann": "no", "bob": "no"},
    {"ann": "maybe"},
]
KEYS = {0: "yes", 1: "yes", 3: "yes"}


def test_the_whole_task() -> None:
    task = statistics(TABLE, KEYS).task()
    assert (task.label_type, task.categories, task.annotations, task.items) == ("nominal", 3, 11, 5)
    assert (task.pairable_items, task.annotators, task.unfit) == (4, 3, 0)
    assert (task.whole.gold.answers, task.whole.gold.correct) == (8, 5)
    agreement = task.whole.agreement
    assert list(agreement) == [*COEFFICIENTS, *PANEL_COEFFICIENTS, *RANKINGS]
    # Item by item one third, 1, 0 and 1 of the pairs agree.
    assert agreement["percent"].value == pytest.approx(float(Fraction(7, 12)), abs=1e-15)
    # Among 10 pairable labels 6 are yes, 4 no; disagreements: 3 * 2/3 + 2 * 1 = 4. alpha = 1 - 9 * 4 / (100 - 52).
    assert agreement["alpha"].value == pytest.approx(0.25, abs=1e-15)
    # Chance of agreeing at random among three labels is one third.
    assert agreement["brennan_prediger"].value == pytest.approx(float(Fraction(3, 8)), abs=1e-15)
    assert all(reading.n == 4 for reading in agreement.values())


def test_the_number_of_annotators_may_be_known_already() -> None:
    """Memory need not hold every annotator's scope to say how many there are."""
    whole = Scope(2, 1, 0, {"nominal": Tally(2, 1, 0, 0, {"a\x1fa": 1})})
    assert TaskStatistics(TaskConfig(), {("gold_item", "false"): whole}, annotators=7).task().annotators == 7


def test_an_annotator_against_the_others() -> None:
    """Of ann's four items with others: half of them agree, all, none, all."""
    by, _ = statistics(TABLE, KEYS).by()
    ann = by["annotator"]["ann"]
    assert ann.annotations == 5
    assert (ann.gold.answers, ann.gold.correct) == (3, 2)
    assert ann.agreement["percent"].value == pytest.approx(0.625, abs=1e-15)
    assert ann.agreement["percent"].n == 4
    # Two labels an item, the own one and the mean of the others': yes 1.5 + 2 + 1, no 0.5 + 1 + 2; so 4.5 and 3.5 of 8;
    # disagreements 2 * (0.5 + 0 + 1 + 0) = 3. alpha = 1 - 7 * 3 / (64 - 20.25 - 12.25).
    assert ann.agreement["alpha"].value == pytest.approx(1 - 21 / 31.5, abs=1e-15)
    cleo = by["annotator"]["cleo"]
    assert (cleo.agreement["percent"].value, cleo.agreement["percent"].n) == (0.5, 2)


def test_a_class_against_the_rest() -> None:
    by, _ = statistics(TABLE, KEYS).by()
    classes = by["class"]
    assert {name: summary.annotations for name, summary in classes.items()} == {"yes": 6, "no": 4, "maybe": 1}
    assert list(classes) == ["yes", "no", "maybe"], "the largest first"
    # Yes or not: the same disagreements as in the whole task, for maybe stands alone.
    assert classes["yes"].agreement["percent"].value == pytest.approx(float(Fraction(7, 12)), abs=1e-15)
    assert classes["yes"].agreement["alpha"].value == pytest.approx(0.25, abs=1e-15)
    assert classes["yes"].agreement["brennan_prediger"].value == pytest.approx(float(Fraction(1, 6)), abs=1e-15), (
        "q = 2"
    )
    assert classes["maybe"].agreement["percent"].value == 1.0
    assert classes["maybe"].agreement["alpha"] == (None, None, None, 4, "no variation")
    assert (classes["yes"].gold.answers, classes["yes"].gold.correct) == (8, 5)
    assert (classes["no"].gold.answers, classes["no"].gold.correct) == (0, 0)


def test_a_gold_class_that_nobody_gave_is_shown() -> None:
    by, _ = statistics([{"ann": "yes"}], {0: "never"}).by()
    assert by["class"]["never"].annotations == 0
    assert (by["class"]["never"].gold.answers, by["class"]["never"].gold.correct) == (1, 0)
    assert by["class"]["never"].agreement["percent"].why == "no pairable item"
    by, _ = statistics([{"ann": "yes", "bob": "no"}, {"ann": "no", "bob": "no", "cleo": "no"}], {0: "never"}).by()
    assert by["class"]["never"].agreement["percent"].value == 1.0, "all say of both items that they are not of it"
    assert by["class"]["never"].agreement["alpha"] == (None, None, None, 2, "no variation")


def test_pairs_of_annotators() -> None:
    pairs = statistics(TABLE, KEYS).pairs()
    assert [(pair.a, pair.b, pair.items) for pair in pairs] == [
        ("ann", "bob", 4),
        ("ann", "cleo", 2),
        ("bob", "cleo", 2),
    ]
    # ann and bob: yes yes, yes yes, no yes, no no. 1 - kappa = 4 * 1 / (16 - 2 * 3 - 2 * 1).
    assert pairs[0].agreement["cohen_kappa"].value == pytest.approx(0.5, abs=1e-15)
    assert pairs[0].agreement["cohen_kappa"].n == 4
    assert pairs[1].agreement["cohen_kappa"].value == 0.0
    assert statistics([{"ann": "a", "bob": "a"}]).pairs()[0].agreement["cohen_kappa"].why == "no variation"


def test_pairs_of_labels_in_order_are_counted_by_the_number_of_an_items_labels_and_read_without_it() -> None:
    ordinal = statistics(TABLE, config=TaskConfig("ordinal", ("yes", "maybe", "no")))
    nominal = statistics(TABLE, config=TaskConfig("nominal", ("yes", "maybe", "no")))
    assert [(pair.a, pair.b, pair.items) for pair in ordinal.pairs()] == [
        (pair.a, pair.b, pair.items) for pair in nominal.pairs()
    ]
    for one, other in zip(ordinal.pairs(), nominal.pairs(), strict=True):
        assert one.agreement["cohen_kappa"] == other.agreement["cohen_kappa"]
    whole = ordinal.task().whole.agreement
    assert whole["conger_kappa"] == nominal.task().whole.agreement["conger_kappa"]
    # Of the first two items, which all three labelled: ann and bob do not vary there.
    assert whole["kendall_tau_b"] == (None, None, None, 2, "no variation")
    # Ranks 1.5 and 1.5, the same, and 2 and 1: sums 5 and 4. W = (12 * 41 - 3 * 9 * 2 * 9) / (9 * 6 - 3 * (6 + 6)).
    assert whole["kendall_w"] == (pytest.approx(1 / 3, abs=1e-15), None, None, 2, "")


def test_gold_items_and_others_are_apart() -> None:
    by, cut = statistics(TABLE, KEYS).by()
    assert {name: part.annotations for name, part in by["gold_item"].items()} == {"true": 8, "false": 3}
    assert {name: part.annotations for name, part in by["stage"].items()} == {"annotate": 11}
    assert by["stage"]["annotate"].agreement == statistics(TABLE, KEYS).task().whole.agreement
    assert cut == {"annotator": 0, "class": 0, "gold_item": 0, "stage": 0}


def test_the_dimensions_of_annotations_fields() -> None:
    by, _ = statistics(TABLE, vendor="acme", batch="b1", guideline="v1", slice={"lang": "de"}).by()
    whole = statistics(TABLE).task().whole._replace(repeats=None)
    for name in PANEL_COEFFICIENTS:
        assert whole.agreement[name].value is not None
        whole.agreement[name] = Reading.undefined(4, "of whole tasks only")
    for dimension, value in (("vendor", "acme"), ("batch", "b1"), ("guideline", "v1"), ("slice.lang", "de")):
        assert by[dimension] == {value: whole}


@pytest.mark.parametrize(
    ("labels", "expected", "unfit"),
    [
        ([["yes", "no", 3]], "nominal", 1),
        ([["yes", 3, 4]], "interval", 1),
        ([["yes", 3]], "nominal", 1),
        ([[3, ["a"]]], "interval", 1),
        ([[["a"], 3, ["b"], "yes"]], "multilabel", 2),
        ([[True, 1]], "nominal", 1),
        ([[None, 3]], "interval", 0),
        ([[None]], None, 0),
    ],
)
def test_an_unconfigured_task_has_the_type_of_most_labels(
    labels: list[list[Any]], expected: str | None, unfit: int
) -> None:
    task = statistics([{f"n{place}": label for place, label in enumerate(item)} for item in labels]).task()
    assert (task.label_type, task.unfit) == (expected, unfit)


def test_labels_of_other_types_do_not_enter_agreement_nor_gold() -> None:
    items = [{"ann": "yes", "bob": "no", "cleo": 1}, {"ann": "yes", "bob": 1, "cleo": 1}, {"ann": "no"}]
    found = statistics(items, {0: "yes", 1: 1})
    task = found.task()
    assert (task.label_type, task.annotations, task.items, task.pairable_items, task.unfit) == ("nominal", 7, 3, 1, 3)
    assert (task.whole.gold.answers, task.whole.gold.correct) == (3, 1)
    assert [(pair.a, pair.b) for pair in found.pairs()] == [("ann", "bob")]


def test_a_configured_type_stays_whatever_arrives() -> None:
    config = TaskConfig(label_type="nominal", labels=("yes", "no"))
    task = statistics([{"ann": 1, "bob": 2, "cleo": "yes"}, {"ann": "maybe"}], config=config).task()
    assert (task.label_type, task.annotations, task.unfit) == ("nominal", 4, 3)
    numbers = statistics([{"ann": 1, "bob": 1.0}], config=TaskConfig(label_type="nominal")).task()
    assert (numbers.label_type, numbers.unfit, numbers.whole.agreement["percent"].value) == ("nominal", 0, 1.0)


def test_declared_labels_count_for_chance_whether_seen_or_not() -> None:
    seen = [{"ann": "a", "bob": "a"}, {"ann": "a", "bob": "b"}]
    declared = TaskConfig(labels=("a", "b", "c", "d"))
    assert statistics(seen).task().categories == 2
    assert statistics(seen, config=declared).task().categories == 4
    reading = statistics(seen, config=declared).task().whole.agreement["brennan_prediger"]
    assert reading.value == pytest.approx(1 - 0.5 / 0.75, abs=1e-15)
    by, _ = statistics(seen, config=declared).by()
    part = by["annotator"]["ann"].agreement["brennan_prediger"]
    assert part.value == pytest.approx(1 - 0.5 / 0.75, abs=1e-15), "a part has the task's number of labels"


SETS = [
    {"ann": ["x"], "bob": ["x", "y"]},
    {"ann": ["y"], "bob": ["y", "y"]},
    {"ann": ["z", "x"], "bob": ["z"]},
    {"ann": ["x"], "bob": ["x"], "cleo": None},
    {"ann": []},
]


def test_a_multilabel_task() -> None:
    found = statistics(SETS, {0: ["y", "x"], 1: ["y"], 2: ["never"]})
    task = found.task()
    assert (task.label_type, task.categories, task.pairable_items, task.unfit) == ("multilabel", 3, 4, 0)
    assert (task.whole.gold.answers, task.whole.gold.correct) == (6, 3)
    agreement = task.whole.agreement
    # Jaccard: 1/2, 0, 1/2 and 0 within items, 2 D_o = 2; MASI: 2/3 for 1/2. Labels: x 3, xy 1, y 2, xz 1, z 1. Apart by
    # Jaccard xy-x, xy-y, xz-x, xz-z 1/2, xy-xz 2/3, else 1, so of 28 pairs 3 + 2 + 3 + 1 are halves, one 2/3, 3 none.
    assert agreement["alpha_jaccard"].value == pytest.approx(1 - 7 * 1 / (9 / 2 + 2 / 3 + 14), abs=1e-15)
    # By MASI xy-xz 8/9, the halves 2/3.
    assert agreement["alpha"].value == pytest.approx(1 - 7 * (4 / 3) / (9 * 2 / 3 + 8 / 9 + 14), abs=1e-15)
    assert {reading.n for reading in agreement.values()} == {4}
    # Equal sets on two of four items.
    assert agreement["percent"].value == agreement["percent_pairs"].value == 0.5
    assert (agreement["percent"].low, agreement["percent"].high) == (0.0, 1.0)
    for name in ("alpha_nominal", "fleiss_kappa", "conger_kappa", "ac1", "brennan_prediger"):
        assert agreement[name].why == NOT_AVAILABLE
    by, _ = found.by()
    assert by["annotator"]["ann"].agreement["percent"].value == 0.5
    [pair] = found.pairs()
    assert (pair.items, pair.agreement["cohen_kappa"].why) == (4, NOT_AVAILABLE)


def test_a_set_is_of_each_class_that_it_names() -> None:
    """Being of a class or not is nominal; gold is that of the items whose accepted set names the class."""
    keys = {0: ["y", "x"], 1: ["y"], 2: ["never"]}
    by, cut = statistics(SETS, keys).by()
    classes = by["class"]
    assert {name: part.annotations for name, part in classes.items()} == {"x": 5, "y": 3, "z": 2, "never": 0}
    assert cut["class"] == 0
    # x: 11 00 10 11; y: 01 11 00 00; z: 00 00 11 00, and one item with one label.
    assert [classes[name].agreement["percent"].value for name in "xyz"] == [0.75, 0.75, 1.0]
    assert classes["x"].agreement["alpha"].value == pytest.approx(1 - 7 * 2 / (64 - 25 - 9), abs=1e-15)
    assert classes["z"].agreement["alpha"].value == 1.0
    assert classes["never"].agreement["percent"].value == 1.0
    assert classes["never"].agreement["alpha"].why == "no variation"
    assert {part.agreement["percent"].n for part in classes.values()} == {4}
    gold = {name: (part.gold.answers, part.gold.correct) for name, part in classes.items()}
    assert gold == {"x": (2, 1), "y": (4, 3), "z": (0, 0), "never": (2, 0)}


def test_confused_sets_are_spelled_as_events_have_them() -> None:
    found = statistics([*SETS, SETS[2], {"ann": [], "bob": ["x"]}])
    assert [(confusion.a, confusion.b, confusion.pairs) for confusion in found.confused()] == [
        ('["x", "z"]', '["z"]', 2),
        ("[]", '["x"]', 1),
        ('["x"]', '["x", "y"]', 1),
    ]
    assert found.alpha_parts().labels == {}, "what adds up is nominal alpha, which sets have not"


def test_other_is_a_category_beside_those_declared() -> None:
    seen = [{"ann": "a", "bob": "b"}, {"ann": "a", "bob": "x"}]
    for declared in (("a", "b", "c"), ("a", "b", "c", "other")):
        task = statistics(seen, config=TaskConfig(labels=declared, unknown="other")).task()
        assert (task.categories, task.pairable_items, task.unfit) == (4, 2, 0)
    sets = TaskConfig(label_type="multilabel", labels=("x", "y"), unknown="other")
    assert statistics([{"ann": ["x", "v"], "bob": ["w"]}], config=sets).task().categories == 3
    by, _ = statistics([{"ann": ["x", "v"], "bob": ["w"]}], config=sets).by()
    assert {name: value.annotations for name, value in by["class"].items()} == {"other": 2, "x": 1}
    ordered = TaskConfig(label_type="ordinal", labels=("low", "high"), unknown="other")
    assert statistics([{"ann": "low", "bob": "middle"}], config=ordered).task().categories == 2


def test_declared_names_are_the_classes_of_sets() -> None:
    declared = TaskConfig(label_type="multilabel", labels=("x", "y", "z", "w"))
    task = statistics([*SETS, {"ann": ["v"]}], config=declared).task()
    assert (task.categories, task.unfit) == (4, 1)


PREFERENCES = [
    {"ann": preference("m1", "m2"), "bob": preference("m1", "m2")},
    {"ann": preference("m2", "m1"), "bob": preference("m1", "m2")},
    {"ann": Shape(tie=True), "bob": Shape(tie=True)},
]


def test_a_preference_task_has_three_categories_seen_or_not() -> None:
    found = statistics(PREFERENCES[:2], {0: preference("m1", "m2"), 1: Shape(tie=True)})
    task = found.task()
    assert (task.label_type, task.categories) == ("preference", 3)
    assert (task.whole.gold.answers, task.whole.gold.correct) == (4, 2)
    agreement = task.whole.agreement
    assert agreement["percent"].value == 0.5
    # First 3, second 1: 1 - 3 * 2 / (16 - 9 - 1); half of what equal chances of three leave.
    assert agreement["alpha"].value == agreement["alpha_nominal"].value == 0.0
    assert agreement["brennan_prediger"].value == pytest.approx(1 - 0.5 / (2 / 3), abs=1e-15)
    assert agreement["ac1"].value == pytest.approx(1 - 0.5 / (1 - (3 / 8) / 2), abs=1e-15)
    [pair] = found.pairs()
    assert pair.agreement["cohen_kappa"].value == 0.0
    by, _ = statistics(PREFERENCES).by()
    assert {name: part.annotations for name, part in by["class"].items()} == {"first": 3, "tie": 2, "second": 1}
    assert by["class"]["tie"].agreement["alpha"].value == 1.0


@pytest.mark.parametrize(
    ("labels", "whys"),
    [
        ([1, 1], {"labels are not declared", "no variation", NOT_AVAILABLE}),
        ([["a"], ["a"]], {"", "no variation", NOT_AVAILABLE}),
    ],
)
def test_agreement_that_is_not_computed_says_why(labels: list[Any], whys: set[str]) -> None:
    task = statistics([dict(zip("ab", labels, strict=True))], {0: labels[0]}).task()
    assert {reading.why for reading in task.whole.agreement.values()} == whys
    assert {reading.n for reading in task.whole.agreement.values()} == {1}
    assert task.pairable_items == 1
    assert (task.whole.gold.answers, task.whole.gold.correct) == (2, 2)


LEVELS = [{"ann": "low", "bob": "low"}, {"ann": "mid", "bob": "high"}, {"ann": "high", "bob": "high"}]


def test_an_ordinal_task_reads_its_labels_in_the_declared_order() -> None:
    config = TaskConfig(label_type="ordinal", labels=("low", "mid", "high", "top"))
    found = statistics(LEVELS, config=config)
    agreement = found.task().whole.agreement
    assert agreement["percent"].value == pytest.approx(2 / 3, abs=1e-15)
    # Weights of neighbours 1 - 1/9; p_a = 1 - 1/27. The 16 weights add up to 4 + 6 * 8/9 + 4 * 5/9 = 104/9; p_e = 13/18.
    assert agreement["brennan_prediger"].value == pytest.approx(1 - (1 / 27) / (5 / 18), abs=1e-15)
    # Of six labels two are low, one mid, three high: F = 1/6, 5/12, 3/4; D_o = 2/6 * 1/9;
    # D_e = 2 (2/6 * 1/36 + 1/6 * 25/144 + 3/6 * 9/16 - 1/4) = 0.152777...
    expected = 2 * (2 / 6 / 36 + 25 / 144 / 6 + 9 / 32 - 1 / 4)
    assert agreement["alpha"].value == pytest.approx(1 - 5 / 6 * (1 / 27) / expected, abs=1e-15)
    assert agreement["alpha_ordinal"] == agreement["alpha"]
    [pair] = found.pairs()
    # ann low mid high, bob low high high: one step in 3 items; of all 9 combinations (0 + 2 + 2) + (1 + 1 + 1) + (2 + 0 + 0).
    assert pair.agreement["weighted_kappa_linear"].value == pytest.approx(1 - 3 * 1 / 9, abs=1e-15)
    by, _ = found.by()
    assert by["annotator"]["ann"].agreement["alpha"].value == agreement["alpha"].value
    low = by["class"]["low"].agreement
    assert low["alpha"].value == 1.0, "a class against the rest is nominal"
    assert low["ac2"].why == NOT_AVAILABLE


def test_weights_are_configured() -> None:
    config = TaskConfig(label_type="ordinal", labels=("low", "mid", "high", "top"), weights="linear")
    agreement = statistics(LEVELS, config=config).task().whole.agreement
    # Weights of neighbours 2/3; the 16 weights add up to 4 + 6 * 2/3 + 4 * 1/3 = 28/3.
    assert agreement["brennan_prediger"].value == pytest.approx(1 - (1 / 9) / (1 - 28 / 48), abs=1e-15)


@pytest.mark.parametrize("label_type", ["interval", "ratio", None])
def test_numbers_of_a_declared_set_are_categories(label_type: str | None) -> None:
    items = [{"ann": 1, "bob": 1}, {"ann": 2, "bob": 4}, {"ann": 4, "bob": 4.0}]
    declared = (1, 2, 4) if label_type else ("x", 4, 2, 1)
    found = statistics(items, config=TaskConfig(label_type=label_type, labels=declared))
    agreement = found.task().whole.agreement
    assert agreement["percent"].value == pytest.approx(2 / 3, abs=1e-15)
    # 1 1 2 4 4 4: n = 6, sum 16, squares 54; 2 * 2^2 apart. alpha = 1 - (n - 1) 8 / 2 (n 54 - 16^2).
    assert agreement["alpha_interval"].value == pytest.approx(1 - 5 * 8 / (2 * (6 * 54 - 16**2)), abs=1e-15)
    assert agreement["alpha"].value == agreement[f"alpha_{label_type or 'interval'}"].value
    [pair] = found.pairs()
    assert pair.items == 3
    assert pair.agreement["weighted_kappa_quadratic"].value == pytest.approx(1 - 3 * 4 / 36, abs=1e-15)
    by, _ = found.by()
    assert by["class"].keys() == {"1", "2", "4"}


def test_other_numbers_have_alpha_by_their_values() -> None:
    items = [{"ann": 1, "bob": 1}, {"ann": 2, "bob": 4, "cleo": 4.5}, {"ann": 4, "bob": 4.0}, {"ann": 77}]
    undeclared = statistics(items).task().whole.agreement
    declared = statistics(items, config=TaskConfig(labels=(1, 2, 4, 4.5, 77))).task().whole.agreement
    for name in ("alpha", "alpha_interval"):
        assert list(undeclared[name][:4]) == pytest.approx(list(declared[name][:4]), abs=1e-12)
    assert undeclared["percent"].why == "labels are not declared"
    assert {reading.n for reading in undeclared.values()} == {3}
    by, _ = statistics(items).by()
    ann = by["annotator"]["ann"].agreement["alpha"]
    with_others = statistics(items, config=TaskConfig(labels=(1, 2, 4, 4.5, 77))).by()[0]["annotator"]["ann"]
    assert ann.value == pytest.approx(with_others.agreement["alpha"].value, abs=1e-12)
    assert statistics(items).pairs() == []


@pytest.mark.parametrize("label_type", ["interval", "ratio", None])
def test_numbers_that_are_not_declared_are_no_classes_and_say_so(label_type: str | None) -> None:
    items, keys = [{"ann": 1, "bob": 1}, {"ann": 2, "bob": 4}], {0: 1, 1: 7}
    found = statistics(items, keys, config=TaskConfig(label_type=label_type))
    whole = found.task().whole
    assert (whole.gold.answers, whole.gold.correct) == (4, 2)
    by, cut = found.by()
    assert (by["class"], cut["class"]) == ({}, 0)
    for part in (whole, by["annotator"]["ann"], by["gold_item"]["true"]):
        for name in ("percent", "fleiss_kappa", "conger_kappa"):
            assert part.agreement[name] == (None, None, None, 2, "labels are not declared")
    assert (found.pairs(), found.confused()) == ([], [])
    declared = statistics(items, keys, config=TaskConfig(label_type=label_type, labels=(1, 2, 4, 7)))
    assert declared.by()[0]["class"].keys() == {"1", "2", "4", "7"}


@pytest.mark.parametrize(
    ("label", "of_whole", "of_class"),
    [
        (
            Shape(boxes=(Box((0, 0, 2, 2), "car"),)),
            ["alpha", "match_rate", "mean_iou", "iou_alpha"],
            ["iou_mean", "iou_variance"],
        ),
        (
            Shape(spans=(Span(0, 4, "car"),)),
            ["alpha", "span_f1_untyped", "overlap_f1", "character_f1", "boundary_similarity"],
            ["span_f1"],
        ),
    ],
)
def test_a_class_of_measured_labels_says_of_which_figures_it_has_none(
    label: Shape, of_whole: list[str], of_class: list[str]
) -> None:
    found = statistics([{"ann": label, "bob": label}])
    [(name, part)] = found.by()[0]["class"].items()
    assert (name, part.annotations) == ("car", 2)
    without = [key for key, reading in part.agreement.items() if reading.why == "of all classes together only"]
    assert sorted(without) == sorted(of_whole)
    assert {part.agreement[key].n for key in of_whole} == {1}
    assert all(part.agreement[key].why != NOT_AVAILABLE for key in of_class)
    assert part.agreement.keys() >= found.task().whole.agreement.keys(), "no key of the task is missing"
    alone = statistics([{"ann": label}]).by()[0]["class"]["car"].agreement
    assert {alone[key].why for key in (*of_whole, *of_class)} == {"no pairable item"}


def test_ordinal_numbers_need_no_declaration_and_names_do() -> None:
    config = TaskConfig(label_type="ordinal")
    numbers = statistics([{"ann": 1, "bob": 2}, {"ann": 3, "bob": 3}], config=config).task().whole.agreement
    assert numbers["alpha"].value is not None
    names = statistics(LEVELS, config=config).task().whole.agreement
    assert names["alpha"].why == "no declared order"
    assert names["alpha_nominal"].value is not None


def test_another_stage_may_have_labels_that_the_task_has_not() -> None:
    tally, review = Tally(4, 2, 0, 0, {"1\x1f2": 1, "2\x1f2": 1}), Tally(2, 1, 0, 0, {"2\x1f7": 1})
    scopes = {
        ("gold_item", "false"): Scope(4, 2, 0, {"ordinal": tally}),
        ("stage", "review"): Scope(2, 1, 0, {"ordinal": review}),
    }
    by, _ = TaskStatistics(TaskConfig(label_type="ordinal"), scopes).by()
    assert by["stage"]["review"].agreement["alpha"].value == 0.0


def test_a_task_without_anything_is_empty() -> None:
    found = TaskStatistics(TaskConfig(), {})
    assert found.empty
    assert found.task().whole.agreement["alpha"].why == "no pairable item"
    assert found.by() == ({"stage": {}, "class": {}}, {"stage": 0, "class": 0})
    assert found.pairs() == []


def test_a_task_of_other_stages_is_not_empty() -> None:
    tally = Tally(1, 0, 0, 0, {"yes": 1})
    found = TaskStatistics(TaskConfig(), {("stage", "review"): Scope(1, 1, 0, {"nominal": tally})})
    assert not found.empty
    assert (found.task().annotations, found.task().items) == (0, 0)
    by, _ = found.by()
    assert by["stage"].keys() == {"review"}
    assert by["stage"]["review"].annotations == 1


def test_of_each_dimension_the_largest_are_shown_and_the_cut_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_VALUES == 1000
    monkeypatch.setattr("detectors.summary.MOST_VALUES", 10)
    scopes: dict[tuple[str, str], Scope] = {}
    for number in range(17):
        n = 5 if number == 3 else 2 if number % 2 else 1
        tally = Tally(n, 0, 0, 0, {"yes": n})
        for dimension in ("annotator", "vendor", "slice.x"):
            scopes[dimension, f"n{number:02}"] = Scope(n, n, 0, {"nominal": tally})
    labels = {f"l{number:02}": 2 if number % 2 else 1 for number in range(15)}
    scopes["gold_item", "false"] = Scope(1, 1, 0, {"nominal": Tally(sum(labels.values()), 0, 0, 0, labels)})
    by, cut = TaskStatistics(TaskConfig(), scopes).by()
    assert cut == {"annotator": 7, "vendor": 7, "slice.x": 7, "class": 5, "gold_item": 0, "stage": 0}
    for dimension in ("annotator", "vendor", "slice.x"):
        assert list(by[dimension]) == ["n03", "n01", "n05", "n07", "n09", "n11", "n13", "n15", "n00", "n02"]
    assert list(by["class"]) == ["l01", "l03", "l05", "l07", "l09", "l11", "l13", "l00", "l02", "l04"]


def test_of_the_pairs_those_with_most_items_are_shown() -> None:
    pairs = {("nominal", f"a{n:04}", "b"): {"x\x1fx": 2 if n == 7 else 1} for n in range(MOST_VALUES + 9)}
    pairs["interval", "zoe", "zora"] = {"1\x1f1": 99}
    found = TaskStatistics(TaskConfig(label_type="nominal"), {}, pairs).pairs()
    assert len(found) == MOST_VALUES
    assert [pair.a for pair in found[:3]] == ["a0007", "a0000", "a0001"]


@pytest.mark.parametrize("most", [7, 25, MOST_VALUES])
@pytest.mark.parametrize("label_type", ["nominal", "ordinal"])
def test_each_pair_has_its_own_figures_whichever_are_shown(
    label_type: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of ranked labels are kept by the items' numbers of labels."""
    monkeypatch.setattr("detectors.summary.MOST_VALUES", most)
    monkeypatch.setattr("detectors.agreement.pairs.MOST_PAIRS", 5)
    chance = Random(most)
    pairs: dict[tuple[str, str, str], dict[str, int]] = {}
    for number in range(25):
        cells = [pair_pattern(*chance.choices("123", k=2)) for _ in range(chance.randint(1, 6))]
        sized = cells if label_type == "nominal" else [f"{cell}\x1f{size}" for cell in cells for size in (2, 11)]
        pairs[label_type, f"a{number:02}", "b"] = {cell: chance.randint(1, 40) for cell in sized}
    found = TaskStatistics(TaskConfig(label_type, ("1", "2", "3")), {}, pairs).pairs()
    assert len(found) == min(most, 25)
    assert [pair.items for pair in found] == sorted((sum(held.values()) for held in pairs.values()), reverse=True)[
        :most
    ]
    scale = Scale.of("ordinal", "123") if label_type == "ordinal" else None
    for pair in found:
        held = of_any_size(pairs[label_type, pair.a, "b"])
        assert (pair.items, pair.agreement) == (sum(held.values()), pair_agreement(held, label_type, scale))
