"""Which labels fit a task, and which of them are one label."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.config import TaskConfig
from detectors.labels import LABEL_TYPES, SHAPES, Fit, declared_key, level_of, number_key, shape_of
from detectors.labels.base import ClosedType, CompoundType, OpenType
from detectors.labels.preference import Preference
from detectors.labels.sets import Multilabel
from streams.events import Box, Shape, Span
from tests.made_events import boxes, preference

BOXES = boxes([1, 2, 3, 4])
SPANS = Shape(spans=[Span(0, 5, "name")])
PAIR = preference("A", "B")
TIE = Shape(tie=True)

LABELS = {
    "text": "yes",
    "empty text": "",
    "true": True,
    "whole number": 3,
    "decimal": -2.5,
    "too large": 10**9 + 1,
    "too fine": 1e-13,
    "list": ["a", "b"],
    "boxes": BOXES,
    "spans": SPANS,
    "pair": PAIR,
    "tie": TIE,
}

# By label type, the key of each label above; None where it does not fit. An unconfigured task goes by shape.
KEYS: dict[str | None, dict[str, Any]] = {
    "nominal": {"text": "yes", "empty text": "", "true": "true", "whole number": "3", "decimal": "-2.5"},
    "ordinal": {"text": "yes", "empty text": "", "true": "true", "whole number": "3", "decimal": "-2.5"},
    "interval": {"whole number": "3", "decimal": "-2.5"},
    "ratio": {"whole number": "3"},
    "multilabel": {"list": "a\x1db"},
    "boxes": {"boxes": BOXES.text()},
    "spans": {"spans": SPANS.text()},
    "preference": {"pair": "first", "tie": "tie"},
    None: {
        "text": ("nominal", "yes"),
        "empty text": ("nominal", ""),
        "true": ("nominal", "true"),
        "whole number": ("interval", "3"),
        "decimal": ("interval", "-2.5"),
        "list": ("multilabel", "a\x1db"),
        "boxes": ("boxes", BOXES.text()),
        "spans": ("spans", SPANS.text()),
        "pair": ("preference", "first"),
        "tie": ("preference", "tie"),
    },
}


def test_every_type_has_its_expectations() -> None:
    assert set(LABEL_TYPES) == set(KEYS) - {None}
    assert set(SHAPES) <= set(LABEL_TYPES)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("label_type", KEYS)
def test_label_fits(label_type: str | None, label: str) -> None:
    expected = KEYS[label_type].get(label)
    if expected is not None and label_type is not None:
        expected = (label_type, expected)
    fit = Fit(TaskConfig(label_type=label_type))
    assert fit(LABELS[label]) == expected
    assert fit(LABELS[label]) == expected, "a remembered answer is the same"


numbers = st.one_of(st.integers(-(10**10), 10**10), st.floats(-1e10, 1e10), st.decimals(-100, 100, places=3).map(float))


@settings(max_examples=200)
@given(numbers)
def test_a_number_is_spelled_by_its_value_or_refused(number: float) -> None:
    key = number_key(number)
    exact = Decimal(repr(number))
    places = -min(0, int(exact.normalize().as_tuple().exponent))
    if abs(number) > 10**9 or places > 12:
        assert key is None
    else:
        assert key is not None
        assert Decimal(key) == exact
        assert "e" not in key.lower()
        assert not key.startswith("+")
        assert key != "-0"


@settings(max_examples=100)
@given(numbers, numbers)
def test_numbers_have_one_key_exactly_if_they_are_equal(one: float, other: float) -> None:
    first, second = number_key(one), number_key(other)
    if first is not None and second is not None:
        assert (first == second) == (one == other)


@pytest.mark.parametrize("number", [10**9, -(10**9), 1e9, 1e-12, 123456789.123456])
def test_the_bounds_themselves_fit(number: float) -> None:
    assert Decimal(str(number_key(number))) == Decimal(repr(number))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e300])
def test_what_is_no_bounded_number_does_not_fit(number: float) -> None:
    assert number_key(number) is None


@pytest.mark.parametrize("spelling", [1, 1.0])
def test_numbers_compare_by_value(spelling: float) -> None:
    assert Fit(TaskConfig())(spelling) == ("interval", "1")
    assert Fit(TaskConfig(label_type="nominal", labels=(1.0, 2)))(spelling) == ("nominal", "1")


def test_a_boolean_is_its_word_and_no_number() -> None:
    assert Fit(TaskConfig())(False) == Fit(TaskConfig())("false") == ("nominal", "false")
    assert Fit(TaskConfig(label_type="interval"))(True) is None


def spans(*types: str | None) -> Shape:
    return Shape(spans=[Span(place, place + 1, kind) for place, kind in enumerate(types)])


@pytest.mark.parametrize(
    ("label_type", "declared", "fits", "does_not"),
    [
        ("nominal", ("yes", "no"), ["yes", "no"], ["maybe", True, 1]),
        ("nominal", (True, False), [True, "true", False], ["yes", 1]),
        ("nominal", (1, 2.5), [1, 1.0, 2.5], [2, True]),
        ("ordinal", ("low", "high"), ["low", "high"], ["middle"]),
        ("ordinal", (1, 0, -1), [1, 0.0, -0.0, -1], [2, "one"]),
        ("interval", (1, 2), [1, 2.0], [1.5]),
        ("multilabel", ("a", "b"), [[], ["a"], ["b", "a"], ["a", "a"]], [["a", "c"], ["c"], ["ab"], [""]]),
        ("multilabel", ("", "b"), [[], [""], ["", "b"]], [["a"]]),
        (
            "boxes",
            ("car",),
            [BOXES, Shape(boxes=[Box([0, 0, 1, 1], "car")])],
            [SPANS, Shape(boxes=[Box([0, 0, 1, 1], "bus")])],
        ),
        ("spans", ("a;b", "c"), [spans(), spans("c", "a;b", None), spans(None)], [spans("c", "a"), spans("b"), BOXES]),
        (None, ("yes", 3), ["yes", 3, 3.0], ["no", 4, True]),
        (None, ("a", "b"), ["a", ["a", "b"]], ["c", ["c"], 1]),
    ],
)
def test_a_declared_set_bounds_the_labels(
    label_type: str | None, declared: tuple[Any, ...], fits: list[Any], does_not: list[Any]
) -> None:
    fit = Fit(TaskConfig(label_type=label_type, labels=declared))
    assert [label for label in fits if fit(label) is None] == []
    assert [label for label in does_not if fit(label) is not None] == []


@pytest.mark.parametrize(
    ("label_type", "declared", "label", "as_if"),
    [
        ("nominal", ("yes", "no"), "maybe", "other"),
        ("nominal", ("yes", "no"), "no", "no"),
        ("nominal", ("yes", "other"), "maybe", "other"),
        ("nominal", (1, 2), 3, "other"),
        ("nominal", ("1", "2"), 1.0, 1),
        ("multilabel", ("a", "b"), ["c", "a", "d"], ["a", "other"]),
        ("multilabel", ("a", "b"), ["c"], ["other"]),
        ("multilabel", ("a", "b"), [""], ["other"]),
        ("multilabel", ("a", "b"), [], []),
        ("multilabel", ("a", "other"), ["other", "z", "a"], ["a", "other"]),
        ("spans", ("a",), spans("x", "a", None), spans("other", "a", None)),
        ("spans", ("a",), spans('"type":"a"', "}"), spans("other", "other")),
        (
            "boxes",
            ("car",),
            Shape(boxes=[Box([0, 0, 1, 1e-7], "zebra"), Box([0, 0, 1, 1e-7], "other"), Box([0, 0, 2, 2])]),
            Shape(boxes=[Box([0, 0, 1, 1e-7], "other"), Box([0, 0, 1.0, 1e-7], "other"), Box([0, 0, 2, 2])]),
        ),
        (None, ("a", True), "c", "other"),
        (None, ("a", True), ["c"], ["other"]),
        (None, ("a", True), spans("c"), spans("other")),
    ],
)
def test_an_unknown_label_can_count_as_other(
    label_type: str | None, declared: tuple[Any, ...], label: Any, as_if: Any
) -> None:
    fit = Fit(TaskConfig(label_type=label_type, labels=declared, unknown="other"))
    found = fit(label)
    assert found is not None
    assert found == fit(label) == fit(as_if)
    known = Fit(TaskConfig(label_type=label_type, labels=(*declared, *({"other"} - {*declared}))))
    assert found == known(as_if), "as if other had been declared"


@pytest.mark.parametrize(
    ("label_type", "declared", "label"),
    [
        ("nominal", ("yes",), ["maybe"]),
        ("nominal", ("yes",), 1e-13),
        ("multilabel", ("yes",), "maybe"),
        ("boxes", ("car",), spans("car")),
        (None, ("yes",), 3),
        ("ordinal", ("low", "high"), "middle"),
        ("ordinal", ("low", "high"), "other"),
        ("interval", (1, 2), 3),
    ],
)
def test_what_has_no_place_among_the_labels_is_unfit_even_where_others_count(
    label_type: str | None, declared: tuple[Any, ...], label: Any
) -> None:
    assert Fit(TaskConfig(label_type=label_type, labels=declared, unknown="other"))(label) is None


@pytest.mark.parametrize(
    ("label_type", "answers", "as_if"),
    [
        (
            "boxes",
            [Shape(boxes=[Box([0, 0, 4, 4], "lorry"), Box([9, 9, 4, 4], "car")]), Shape(boxes=[Box([0, 0, 4, 5], "van")])],
            [Shape(boxes=[Box([0, 0, 4, 4], "other"), Box([9, 9, 4, 4], "car")]), Shape(boxes=[Box([0, 0, 4, 5], "other")])],
        ),
        ("spans", [spans("lorry", "car", None), spans("van")], [spans("other", "car", None), spans("other")]),
    ],
)  # fmt: skip
def test_unknown_classes_are_measured_as_other(label_type: str, answers: list[Shape], as_if: list[Shape]) -> None:
    def measured(labels: list[Shape], config: TaskConfig) -> Any:
        return Fit(config).measuring[label_type]([(f"n{n}", "", label) for n, label in enumerate(labels)])

    config = TaskConfig(label_type=label_type, labels=("car",), unknown="other")
    plain = TaskConfig(label_type=label_type)
    assert measured(answers, config) == measured(as_if, plain) != measured(answers, plain)
    assert "count\x1fother" in dict(measured(answers, config).whole)


def test_lists_are_sets_of_their_members() -> None:
    fit = Fit(TaskConfig())
    keys = [fit(label) for label in (["a", "b"], ["b", "a"], ["a", "b", "a"])]
    assert keys[0] == keys[1] == keys[2]
    different = [fit(label) for label in ([], [""], ["a"], ["a", ""], ["a", "b"], ["ab"])]
    assert len(set(different)) == len(different)


def test_objects_are_compared_by_what_they_say() -> None:
    key = Fit(TaskConfig())
    one, other = [1, 2, 3, 4], [5, 6, 7, 8]
    assert key(boxes(one, other)) == key(boxes([5, 6.0, 7, 8], [1.0, 2, 3, 4]))
    assert key(boxes(one)) != key(boxes(other))
    assert key(Shape(spans=[Span(0, 1), Span(2, 3)])) == key(Shape(spans=[Span(2, 3), Span(0, 1)]))
    assert key(preference("A", "B")) == key(Shape(chosen="A", rejected="B", tie=False))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (preference("model-a", "model-b"), "first"),
        (preference("model-b", "model-a"), "second"),
        (preference("10", "9"), "first"),
        (preference("a", "B"), "second"),
        (preference("é", "z"), "second"),
        (preference("z", "🦊"), "first"),
        (preference("a", "ab"), "first"),
        (TIE, "tie"),
        (Shape(chosen="a", rejected="a"), None),
        (Shape(chosen="a"), None),
        (Shape(), None),
        (BOXES, None),
        ("first", None),
    ],
)
def test_first_is_the_option_with_the_smaller_id(label: Any, expected: str | None) -> None:
    """Character by character, as text is compared: ids that are numbers are text too."""
    assert Preference().key(label) == expected
    assert expected is None or expected in Preference.options


def test_a_preference_has_three_labels_and_others_are_for_the_task_to_declare() -> None:
    open_ = {name for name, kind in LABEL_TYPES.items() if isinstance(kind, OpenType)}
    assert open_ == {"nominal", "multilabel", "boxes", "spans"}
    closed = {name: kind.options for name, kind in LABEL_TYPES.items() if isinstance(kind, ClosedType)}
    assert closed == {"preference": ("first", "second", "tie")}


@pytest.mark.parametrize(
    ("names", "classes", "text"),
    [
        ([], (), "[]"),
        ([""], ("",), '[""]'),
        (["a"], ("a",), '["a"]'),
        (["b", "a", "b"], ("a", "b"), '["a", "b"]'),
        (["", "é"], ("", "é"), '["", "é"]'),
    ],
)
def test_a_set_is_of_the_classes_that_it_names(names: list[str], classes: tuple[str, ...], text: str) -> None:
    multilabel = Multilabel()
    key = multilabel.key(names)
    assert key is not None
    assert (tuple(multilabel.classes_of(key)), multilabel.text(key)) == (classes, text)
    assert [name for name, kind in LABEL_TYPES.items() if isinstance(kind, CompoundType)] == ["multilabel"]


def test_only_categories_are_counted_by_equal_labels_and_only_overlaps_are_no_answers() -> None:
    assert {name for name, kind in LABEL_TYPES.items() if kind.categorical} == {
        "nominal", "ordinal", "multilabel", "preference",
    }  # fmt: skip
    assert {name for name, kind in LABEL_TYPES.items() if not kind.answers} == {"boxes", "spans"}


def test_many_labels_do_not_fill_memory() -> None:
    fit = Fit(TaskConfig())
    for number in range(10_500):
        assert fit(f"label {number}") == ("nominal", f"label {number}")
    assert len(fit.words) < 10_100


@pytest.mark.parametrize("label", [True, "a", 3, 2.5, -0.0])
def test_a_declared_label_has_the_key_of_the_label(label: Any) -> None:
    fit = Fit(TaskConfig(label_type="nominal"))(label)
    assert fit == ("nominal", declared_key(label))


def test_a_label_that_cannot_be_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 12 places"):
        declared_key(1e-13)


def test_an_unknown_kind_of_label_is_read_as_a_name_that_does_not_fit() -> None:
    assert shape_of(None) == "nominal"
    assert Fit(TaskConfig())(None) is None


def test_coefficients_know_a_type_by_the_level_that_it_says_it_has_or_by_its_name() -> None:
    assert {name for name in LABEL_TYPES if level_of(name) != name} == {"preference"}
    assert level_of("preference") == "nominal"
