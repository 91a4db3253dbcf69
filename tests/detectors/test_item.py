"""What an item adds to its task's statistics: which annotations count, where, and how they are compared."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from detectors.config import TaskConfig
from detectors.item import LONGEST_CLASS, MOST_ANNOTATORS, MOST_PAIRED, Contribution, Item, contribution, verdicts
from detectors.keys import ItemKey
from detectors.labels import Fit
from detectors.panes import PANE
from detectors.records import AnnotationRecord
from detectors.scope import Scope, Tally
from streams.events import Annotation, Answer, Gold, Retraction
from tests.made_events import annotation, boxes, gold, retraction

Place = tuple[str, str]


def item_of(*events: Annotation | Gold | Retraction) -> Item:
    item = Item(ItemKey("news", "label", "i1"))
    for event in events:
        if isinstance(event, Gold):
            item.gold = event
        elif isinstance(event, Retraction):
            item.records[event.annotation].withdraw(event.revision, event.at)
        else:
            item.records.setdefault(event.key, AnnotationRecord((event.project, event.key))).deliver(event)
    return item


def added(item: Item, config: TaskConfig | None = None) -> Contribution:
    return contribution(item, Fit(config or TaskConfig()))


def scopes(item: Item, config: TaskConfig | None = None) -> dict[Place, Scope]:
    """The scopes of a task that holds this item alone, but for its pane."""
    return {place: scope for place, scope in all_scopes(item, config).items() if place[0] != PANE}


def all_scopes(item: Item, config: TaskConfig | None = None) -> dict[Place, Scope]:
    found: dict[Place, Scope] = {}
    for place, addition in added(item, config).by_place():
        assert place not in found, "an item enters a scope once"
        found[place] = Scope()
        found[place].update(addition)
    return found


def whole(item: Item, config: TaskConfig | None = None) -> Scope:
    found = scopes(item, config)
    assert ("gold_item", "true") not in found or ("gold_item", "false") not in found
    return found.get(("gold_item", "true")) or found[("gold_item", "false")]


def nominal(scope: Scope) -> Tally:
    return scope.tallies["nominal"]


def patterns(scope: Scope) -> list[str]:
    return [pattern.replace("\x1f", ",").replace("\x1e", "|") for pattern in nominal(scope).patterns]


# -- which annotations count -------------------------------------------------------------------------------------------


def test_an_item_without_annotations_adds_nothing() -> None:
    assert added(item_of()) == Contribution()
    assert added(item_of(gold("i1", "yes"))) == Contribution()
    assert added(item_of(annotation("ann", "i1", "yes"), retraction("ann-i1"))) == Contribution()


def test_annotators_labels_are_one_item() -> None:
    item = item_of(annotation("ann", "i1", "yes"), annotation("bob", "i1", "no"), annotation("cleo", "i1", "yes"))
    assert whole(item).state() == (3, 1, 0, {"nominal": (3, 1, 0, 0, {"no\x1fyes\x1fyes": 1}, {})})


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_repeats_the_latest_by_time_and_annotation_counts(order: tuple[int, ...]) -> None:
    repeats = [
        annotation("ann", "i1", "first", 1, annotation="a3", id="e1"),
        annotation("ann", "i1", "second", 2, annotation="a1", id="e2"),
        annotation("ann", "i1", "third", 2, annotation="a2", id="e3"),
    ]
    item = item_of(*(repeats[place] for place in order), annotation("bob", "i1", "third"))
    assert patterns(whole(item)) == ["third,third"]
    assert whole(item).annotations == 4, "repeats are annotations in force"
    assert scopes(item)["annotator", "ann"].annotations == 3


def test_withdrawing_a_repeat_brings_the_earlier_one_back() -> None:
    first = annotation("ann", "i1", "first", 1, annotation="a1")
    second = annotation("ann", "i1", "second", 2, annotation="a2")
    assert patterns(whole(item_of(first, second))) == ["second"]
    assert patterns(whole(item_of(first, second, retraction("a2")))) == ["first"]


def test_a_skip_is_a_repeat_without_a_label() -> None:
    labelled = annotation("ann", "i1", "yes", 1, annotation="a1")
    skipped = annotation("ann", "i1", None, 2, annotation="a2")
    assert whole(item_of(labelled, skipped)).state() == (2, 1, 0, {})
    earlier = annotation("ann", "i1", None, 0, annotation="a0")
    assert patterns(whole(item_of(labelled, earlier))) == ["yes"]


def test_a_skip_that_carries_a_label_all_the_same_has_none() -> None:
    item = item_of(annotation("ann", "i1", "yes", skipped=True))
    assert whole(item).state() == (1, 1, 0, {})


def test_the_first_thousand_annotators_by_time_and_annotation_count() -> None:
    assert MOST_ANNOTATORS == 1000
    people = [annotation(f"n{n:04}", "i1", "yes" if n < MOST_ANNOTATORS else "no", n // 2) for n in range(1003)]
    Random(1).shuffle(people)
    found = scopes(item_of(*people))
    task = found["gold_item", "false"]
    assert (task.annotations, task.items, nominal(task).labels) == (1003, 1, 1000)
    assert patterns(task) == [",".join(["yes"] * 1000)]
    late = found["annotator", "n1001"]
    assert (late.annotations, late.tallies) == (1, {}), "an annotator like others, whose label does not count"


def test_the_latest_annotation_decides_who_is_among_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.item.MOST_ANNOTATORS", 3)
    people = [annotation(f"n{n}", "i1", "yes", n) for n in range(4)]
    assert patterns(whole(item_of(*people))) == ["yes,yes,yes"]
    late = annotation("n0", "i1", "no", 5000, annotation="again")
    assert [counted.annotator for counted in item_of(*people, late).latest("annotate")] == ["n1", "n2", "n3"]


def test_other_stages_appear_by_stage_only() -> None:
    item = item_of(
        annotation("ann", "i1", "yes", vendor="acme"),
        annotation("rita", "i1", "no", stage="review", vendor="other", slice={"lang": "de"}),
        annotation("rolf", "i1", "no", stage="review", annotation="r1"),
        annotation("rolf", "i1", 5, 9, stage="review", annotation="r2"),
        annotation("m-1", "i1", "no", stage="model"),
        gold("i1", "yes"),
    )
    found = scopes(item)
    assert found.keys() == {
        ("gold_item", "true"),
        ("class", "yes"),
        ("vendor", "acme"),
        ("annotator", "ann"),
        ("stage", "review"),
        ("stage", "model"),
    }
    review = found["stage", "review"]
    assert review.state() == (3, 1, 0, {"nominal": (1, 0, 0, 0, {"no": 1}, {}), "interval": (1, 0, 0, 0, {}, {})})
    assert found["stage", "model"].state() == (1, 1, 0, {"nominal": (1, 0, 0, 0, {"no": 1}, {})})
    assert (nominal(found["gold_item", "true"]).answers, nominal(found["gold_item", "true"]).correct) == (1, 1)


def test_an_annotator_of_two_stages_is_counted_in_each() -> None:
    item = item_of(annotation("ann", "i1", "yes"), annotation("ann", "i1", "no", 9, stage="review", annotation="r"))
    assert patterns(whole(item)) == ["yes"]
    assert patterns(scopes(item)["stage", "review"]) == ["no"]


def test_an_item_with_other_stages_alone_has_no_other_scope() -> None:
    assert scopes(item_of(annotation("rita", "i1", "no", stage="adjudicate"))).keys() == {("stage", "adjudicate")}


# -- labels -------------------------------------------------------------------------------------------------------------


def test_labels_of_several_shapes_are_counted_apart() -> None:
    item = item_of(
        annotation("ann", "i1", "yes"),
        annotation("bob", "i1", 3),
        annotation("cleo", "i1", True),
        annotation("dora", "i1", boxes([0, 0, 1, 1])),
    )
    assert whole(item).state() == (
        4,
        1,
        0,
        {
            "nominal": (2, 1, 0, 0, {"true\x1fyes": 1}, {}),
            "interval": (1, 0, 0, 0, {}, {}),
            "boxes": (1, 0, 0, 0, {}, {}),
        },
    )
    assert list(added(item).by_pair()) == [(("nominal", "ann", "cleo"), "yes\x1ftrue")], (
        "only labels of one type are compared"
    )


def test_a_label_that_does_not_fit_is_stored_and_does_not_count() -> None:
    config = TaskConfig(label_type="nominal", labels=("yes", "no"))
    item = item_of(annotation("ann", "i1", "yes"), annotation("bob", "i1", "maybe"), annotation("cleo", "i1", ["yes"]))
    assert whole(item, config).state() == (3, 1, 2, {"nominal": (1, 0, 0, 0, {"yes": 1}, {})})
    assert scopes(item, config)["annotator", "bob"].state() == (1, 1, 0, {})


def test_a_label_outside_the_declared_set_can_count_as_other() -> None:
    config = TaskConfig(labels=("yes", "no"), unknown="other")
    item = item_of(
        annotation("ann", "i1", "yes"),
        annotation("bob", "i1", "maybe", 0),
        annotation("bob", "i1", "perhaps", 1, annotation="again"),
        annotation("cleo", "i1", 3),
        gold("i1", "who knows"),
    )
    assert whole(item, config).state() == (
        4,
        1,
        1,
        {
            "nominal": (2, 1, 2, 1, {"other\x1fyes": 1}, {}),
            "repeats": (0, 0, 0, 0, {}, {"hour": 1, "hour equal": 1}),
        },
    )
    assert scopes(item, config)["class", "other"].tallies["nominal"].correct == 1


def test_an_unfit_latest_does_not_bring_the_earlier_one_back() -> None:
    config = TaskConfig(labels=("yes",))
    earlier = annotation("ann", "i1", "yes", 1, annotation="a1")
    unfit = annotation("ann", "i1", "maybe", 2, annotation="a2")
    assert whole(item_of(earlier, unfit), config).state() == (2, 1, 1, {})


def test_the_empty_label_is_a_label() -> None:
    item = item_of(annotation("ann", "i1", ""), annotation("bob", "i1", ""), gold("i1", ""))
    assert whole(item).state() == (2, 1, 0, {"nominal": (2, 1, 2, 2, {"\x1f": 1}, {})})
    assert patterns(whole(item_of(annotation("ann", "i1", "")))) == [""]


# -- gold ---------------------------------------------------------------------------------------------------------------

ANSWERS = (annotation("ann", "i1", "yes"), annotation("bob", "i1", "no"), annotation("cleo", "i1", "perhaps"))


def gold_counts(*events: Any, config: TaskConfig | None = None) -> dict[Place, tuple[int, int]]:
    """Answers and correct ones in every scope that has some."""
    return {
        place: (tally.answers, tally.correct)
        for place, scope in scopes(item_of(*events), config).items()
        for tally in scope.tallies.values()
        if tally.answers
    }


def test_an_answer_is_correct_if_it_is_accepted() -> None:
    assert gold_counts(*ANSWERS, gold("i1", "yes", "no")) == {
        ("gold_item", "true"): (3, 2),
        ("class", "yes"): (3, 2),
        ("annotator", "ann"): (1, 1),
        ("annotator", "bob"): (1, 1),
        ("annotator", "cleo"): (1, 0),
    }


def test_withdrawn_gold_is_none() -> None:
    found = scopes(item_of(*ANSWERS, gold("i1")))
    assert ("gold_item", "false") in found
    assert not gold_counts(*ANSWERS, gold("i1"))
    assert verdicts(item_of(*ANSWERS, gold("i1")), Fit(TaskConfig())) == {}


@pytest.mark.parametrize(
    ("labels", "weights", "gold_class", "correct"),
    [
        (["yes", "no"], [0.5, 1], "no", 2),
        (["yes", "no"], [1, 1], "yes", 2),
        (["no", "yes"], [1, 1], "no", 2),
        (["yes", "no", "perhaps"], [0.2, 0.7, 0.7], "no", 3),
        (["yes", "no"], [0, 1], "no", 1),
        (["yes", "no"], [0, 0], "yes", 0),
    ],
)
def test_gold_class_is_the_accepted_label_of_highest_weight_the_first_on_ties(
    labels: list[str], weights: list[float], gold_class: str, correct: int
) -> None:
    counts = gold_counts(*ANSWERS, gold("i1", *labels, weights=weights))
    assert [place for place in counts if place[0] == "class"] == [("class", gold_class)]
    assert counts["class", gold_class] == counts["gold_item", "true"] == (3, correct)
    found = scopes(item_of(*ANSWERS, gold("i1", *labels, weights=weights)))["class", gold_class]
    assert found.state() == (0, 0, 0, {"nominal": (0, 0, 3, correct, {}, {})}), "answers, and nothing else"


def test_gold_that_does_not_fit_accepts_nothing_and_names_no_class() -> None:
    config = TaskConfig(label_type="nominal", labels=("yes", "no"))
    counts = gold_counts(*ANSWERS, gold("i1", "maybe"), config=config)
    assert counts["gold_item", "true"] == (2, 0), "cleo's answer does not fit"
    assert not [place for place in counts if place[0] == "class"]


@pytest.mark.parametrize(("names", "named"), [(["é" * 511, "a"], True), (["é" * 511, "ab"], False)])
def test_a_key_with_a_very_long_name_is_of_no_class(names: list[str], named: bool) -> None:
    """A set of many labels has no name that a table could take for its key."""
    found = scopes(item_of(annotation("ann", "i1", names), gold("i1", names)))
    assert len("\x1d".join(sorted(names)).encode()) - LONGEST_CLASS in {0, 1}
    assert any(place[0] == "class" for place in found) == named
    assert found["gold_item", "true"].tallies["multilabel"].correct == 1


def test_a_key_that_nobody_answered_names_no_class() -> None:
    for event in (annotation("ann", "i1", None), annotation("ann", "i1", boxes([0, 0, 1, 1]))):
        assert ("class", "yes") not in scopes(item_of(event, gold("i1", "yes")))


def test_gold_is_compared_by_value_and_by_type() -> None:
    numbers = [annotation("ann", "i1", 1), annotation("bob", "i1", 1.5), annotation("cleo", "i1", "1")]
    counts = gold_counts(*numbers, gold("i1", 1.0))
    assert counts["annotator", "ann"] == (1, 1)
    assert counts["annotator", "bob"] == (1, 0)
    assert counts["annotator", "cleo"] == (1, 0), "the text is another label than the number"
    sets = [annotation("ann", "i1", ["b", "a"]), annotation("bob", "i1", ["a"])]
    assert gold_counts(*sets, gold("i1", ["a", "b"]))["gold_item", "true"] == (2, 1)


def test_overlap_is_not_judged_by_equality() -> None:
    box = boxes([0, 0, 1, 1])
    assert gold_counts(annotation("ann", "i1", box), gold("i1", box)) == {}


def test_only_counting_answers_are_judged() -> None:
    answers = [
        annotation("ann", "i1", "yes", 1, annotation="a1"),
        annotation("ann", "i1", "no", 2, annotation="a2"),
        annotation("bob", "i1", None),
        annotation("rita", "i1", "yes", stage="review"),
        annotation("cleo", "i1", "yes"),
    ]
    item = item_of(*answers, gold("i1", "yes"))
    found = verdicts(item, Fit(TaskConfig()))
    assert {key: wrong for key, (_, wrong) in found.items()} == {"a2": True, "cleo-i1": False}
    assert item.gold is not None
    assert item.gold.accepted == [Answer("yes")]


# -- dimensions ---------------------------------------------------------------------------------------------------------


def test_each_value_of_a_dimension_has_its_annotations_among_themselves() -> None:
    item = item_of(
        annotation("ann", "i1", "yes", vendor="acme", batch="b1", guideline="v1", slice={"lang": "de", "paid": True}),
        annotation("bob", "i1", "no", vendor="acme", batch="b2", guideline="v1", slice={"lang": "en", "paid": True}),
        annotation("cleo", "i1", "no", vendor="other", batch="b2", guideline="v1"),
        annotation("dora", "i1", "yes"),
        gold("i1", "no"),
    )
    found = {place: scope.state() for place, scope in scopes(item).items() if place[0] not in {"annotator", "class"}}

    def state(labels: Iterable[str]) -> tuple[Any, ...]:
        labels = sorted(labels)
        n = len(labels)
        return n, 1, 0, {"nominal": (n, int(n > 1), n, labels.count("no"), {"\x1f".join(labels): 1}, {})}

    assert found == {
        ("gold_item", "true"): state(["yes", "no", "no", "yes"]),
        ("vendor", "acme"): state(["yes", "no"]),
        ("vendor", "other"): state(["no"]),
        ("batch", "b1"): state(["yes"]),
        ("batch", "b2"): state(["no", "no"]),
        ("guideline", "v1"): state(["yes", "no", "no"]),
        ("slice.lang", "de"): state(["yes"]),
        ("slice.lang", "en"): state(["no"]),
        ("slice.paid", "true"): state(["yes", "no"]),
        ("between.vendor", "acme\x1fother"): (3, 1, 0, {"nominal": (3, 1, 0, 0, {"no\x1fyes\x1eno": 1}, {})}),
    }


@pytest.mark.parametrize("differing", ["vendor", "batch", "guideline", "slice"])
def test_one_attribute_that_differs_is_split_and_the_others_are_not(differing: str) -> None:
    alike: dict[str, Any] = {"vendor": "acme", "batch": "b1", "guideline": "v1", "slice": {"lang": "de"}}
    other = {**alike, differing: {"lang": "en"} if differing == "slice" else "other"}
    item = item_of(annotation("ann", "i1", "yes", **alike), annotation("bob", "i1", "no", **other))
    found = {
        place: scope.annotations for place, scope in scopes(item).items() if place[0] not in {"annotator", "gold_item"}
    }
    expected = {("vendor", "acme"): 2, ("batch", "b1"): 2, ("guideline", "v1"): 2, ("slice.lang", "de"): 2}
    one = ("slice.lang", "de") if differing == "slice" else (differing, str(alike[differing]))
    expected[one] = 1
    expected[one[0], "en" if differing == "slice" else "other"] = 1
    if differing == "vendor":
        expected["between.vendor", "acme\x1fother"] = 2
    assert found == expected


def test_where_all_have_one_value_its_scope_is_the_whole_item() -> None:
    fields = {"vendor": "acme", "batch": "b1", "guideline": "v1", "slice": {"lang": "de"}}
    item = item_of(annotation("ann", "i1", "yes", **fields), annotation("bob", "i1", "no", **fields), gold("i1", "no"))
    found = scopes(item)
    expected = found["gold_item", "true"].state()
    for place in (("vendor", "acme"), ("batch", "b1"), ("guideline", "v1"), ("slice.lang", "de")):
        assert found[place].state() == expected


def test_the_value_of_a_repeat_that_does_not_count_has_an_annotation_and_no_label() -> None:
    item = item_of(
        annotation("ann", "i1", "yes", 1, annotation="a1", batch="b1"),
        annotation("ann", "i1", "no", 2, annotation="a2", batch="b2"),
    )
    found = scopes(item)
    assert found["batch", "b1"].state() == (1, 1, 0, {})
    assert found["batch", "b2"].state() == (1, 1, 0, {"nominal": (1, 0, 0, 0, {"no": 1}, {})})


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([1, 1.0], {"1"}),
        ([True, 1], {"true", "1"}),
        ([False, 0, 0.0, -0.0], {"false", "0"}),
        ([0.1, 0.5], {"0.1", "0.5"}),
        ([1234567890123456, 1234567890123457], {"1234567890123456", "1234567890123457"}),
        ([0.1234567890123, 0.1234567890124], {"0.1234567890123", "0.1234567890124"}),
        (["de", "en", ""], {"de", "en", ""}),
    ],
)
def test_values_of_a_slice_compare_by_value(values: list[Any], names: set[str]) -> None:
    for order in (values, values[::-1]):
        people = [annotation(f"n{place}", "i1", "yes", slice={"x": value}) for place, value in enumerate(order)]
        found = {place[1]: scope for place, scope in scopes(item_of(*people)).items() if place[0] == "slice.x"}
        assert set(found) == names
        assert sum(scope.annotations for scope in found.values()) == len(values)


# -- annotators and pairs -----------------------------------------------------------------------------------------------


def test_an_annotator_is_compared_with_the_others_on_the_same_item() -> None:
    item = item_of(annotation("ann", "i1", "yes"), annotation("bob", "i1", "no"), annotation("cleo", "i1", "yes"))
    found = scopes(item)
    assert {name: patterns(found["annotator", name]) for name in ("ann", "bob", "cleo")} == {
        "ann": ["yes|no,yes"],
        "bob": ["no|yes,yes"],
        "cleo": ["yes|no,yes"],
    }
    assert nominal(found["annotator", "ann"]).pairable == 1
    assert patterns(scopes(item_of(annotation("ann", "i1", "yes")))["annotator", "ann"]) == ["yes"]


def test_others_with_labels_of_another_type_are_no_others() -> None:
    item = item_of(annotation("ann", "i1", "yes"), annotation("bob", "i1", 3))
    found = scopes(item)
    assert patterns(found["annotator", "ann"]) == ["yes"]
    assert found["annotator", "bob"].state() == (1, 1, 0, {"interval": (1, 0, 0, 0, {}, {})})


def test_pairs_are_in_the_order_of_their_names_whoever_came_first() -> None:
    people = [annotation("cleo", "i1", "c", 0), annotation("ann", "i1", "a", 1), annotation("bob", "i1", "b", 2)]
    expected = {("ann", "bob"): "a\x1fb", ("ann", "cleo"): "a\x1fc", ("bob", "cleo"): "b\x1fc"}
    for order in (people, people[::-1]):
        assert {(a, b): pattern for (_, a, b), pattern in added(item_of(*order)).by_pair()} == expected


def test_an_item_that_everybody_labels_makes_no_pairs() -> None:
    people = [annotation(f"n{n:02}", "i1", "yes") for n in range(MOST_PAIRED + 1)]
    assert len(list(added(item_of(*people[:MOST_PAIRED])).by_pair())) == 50 * 49 // 2
    assert added(item_of(*people)).twos == []
    assert nominal(whole(item_of(*people))).labels == MOST_PAIRED + 1, "it counts in all else"


def test_only_categories_make_pairs() -> None:
    people = [annotation("ann", "i1", 1), annotation("bob", "i1", 1), annotation("cleo", "i1", ["a"])]
    assert added(item_of(*people)).twos == []
    assert len(added(item_of(*people), TaskConfig(label_type="ordinal")).twos) == 1


def test_the_order_of_arrival_means_nothing() -> None:
    events: list[Any] = [
        annotation("ann", "i1", "yes", 1, annotation="a1", vendor="acme", slice={"x": 1}),
        annotation("ann", "i1", "no", 2, annotation="a2", batch="b1"),
        annotation("bob", "i1", 3, 2, vendor="acme"),
        annotation("cleo", "i1", None, 3),
        annotation("dora", "i1", "no", 3, slice={"x": True}),
        annotation("rita", "i1", "no", 4, stage="review"),
    ]
    expected = {place: scope.state() for place, scope in scopes(item_of(*events, gold("i1", "no"))).items()}
    chance = Random(3)
    for _ in range(20):
        chance.shuffle(events)
        found = scopes(item_of(gold("i1", "no"), *events))
        assert {place: scope.state() for place, scope in found.items()} == expected
