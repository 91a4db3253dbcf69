"""Every statistic obeys every law, to exact equality."""

import importlib
import inspect
import pkgutil

import pytest
from hypothesis import strategies as st

import detectors
from detectors.agreement import (
    PatternCounts,
    Scale,
    Sums,
    against_others,
    agreement,
    agreement_of_sums,
    between_groups,
    each_against_rest,
    item_pattern,
    pair_agreement,
    pair_pattern,
    ranking_agreement,
)
from detectors.agreement.boxes import measure as measure_boxes
from detectors.agreement.boxes import measure_groups as measure_groups_of_boxes
from detectors.agreement.boxes.geometry import Rectangle
from detectors.agreement.coefficient import ORDERED
from detectors.agreement.measures import by_class
from detectors.agreement.moments import alpha_of_moments, item_moment, moment_against, moment_between, units
from detectors.agreement.patterns import members, of_any_size, set_key, sized_pattern
from detectors.agreement.spans.figures import SPANS
from detectors.agreement.spans.marks import Mark, marks
from detectors.agreement.spans.measure import measure, measure_groups
from detectors.gold import Accuracy
from detectors.labels import LABEL_TYPES, level_of
from detectors.labels.preference import Preference
from detectors.scope import Scope, Tally
from detectors.statistic import Statistic
from streams.events import Box, Shape, Span
from tests.laws.laws import LAWS, Subject, check
from tests.laws.subjects import of_label_type
from tests.made_events import preference

labels = st.sampled_from(["a", "b", "c", "true", "é 🦊"])
many = st.lists(labels, min_size=1, max_size=4)
sets = st.lists(labels, max_size=3).map(set_key)
few, some = st.integers(0, 3), st.integers(1, 3)
numbers = st.lists(st.sampled_from(["-2.5", "0", "1", "999999999.999999999999"]).map(units), min_size=2, max_size=4)
moments = (
    numbers.map(item_moment)
    | numbers.map(lambda x: moment_against(x[0], x, sum(x), sum(y * y for y in x)))
    | st.builds(moment_between, numbers, numbers)
)
marked = st.lists(
    st.builds(Mark, st.sampled_from(["", "a", "b"]), st.integers(0, 3), st.integers(3, 9)), max_size=3
).map(marks)
spans = st.lists(marked, min_size=2, max_size=4).map(lambda annotators: tuple(measure(annotators).whole.items()))
spans_of_groups = st.lists(st.lists(marked, min_size=1, max_size=3), min_size=2, max_size=2).map(
    lambda groups: tuple(measure_groups(groups)[0].items())
)
measures = st.dictionaries(st.sampled_from(["items", "b", "count\x1fcar"]), st.integers(-(2**90), 2**90)).map(
    lambda found: (("1", 1), *found.items())
)
shares = st.builds(
    lambda kind, labels, pairable, right, wrong, seen: (kind, labels, pairable, right + wrong, right, seen),
    st.sampled_from(["nominal", "interval", "multilabel", "preference"]), some, few, few, few,
    many.map(item_pattern) | moments | measures | spans | st.none(),
)  # fmt: skip
places = st.sampled_from([0.0, 1.0, 2.5])
rectangles = st.builds(Rectangle, places, places, st.just(4.0), places, st.sampled_from(["car", "bus", None]))
drawn = st.lists(st.lists(rectangles, max_size=3), min_size=1, max_size=4)
box_measures = drawn.map(lambda answers: (("items", 1), *measure_boxes(answers, 0.5).whole))
box_measures_of_groups = st.lists(st.lists(rectangles, max_size=3), min_size=2, max_size=4).map(
    lambda answers: (("items", 1), *measure_groups_of_boxes(answers, [0, 1, 1, 0][: len(answers)], 0.5)[0])
)


def read_boxes(state):
    n = state.sums.get("items", 0)
    classes = {name: agreement_of_sums(sums, "boxes", n, of_class=True) for name, sums in by_class(state.sums).items()}
    return agreement_of_sums(state.sums, "boxes", n), classes


additions = st.tuples(some, few, few, st.lists(shares, max_size=2))


ORDER = Scale.of("ordinal", ["b", "a", "true", "c", "é 🦊"], weights="linear")


def read_spans(state):
    return [figure.reading(state.sums, 1) for figure in SPANS]


def read_scope(state):
    whole = agreement(state.counts, "nominal", 3), *(agreement(state.counts, kind, 5, ORDER) for kind in ORDERED)
    classes = {label: agreement(counts, "nominal", 2) for label, counts in each_against_rest(state.counts).items()}
    return whole, classes


def read_sets(state):
    classes = each_against_rest(state.counts, members)
    return agreement(state.counts, "multilabel", 3), {name: agreement(of, "nominal", 2) for name, of in classes.items()}


def read_preferences(state):
    return agreement(state.counts, level_of("preference"), 3)


def read_pair(state):
    return pair_agreement(state.counts, "ordinal", ORDER)


def read_sized_pair(state):
    rankings = ranking_agreement({("ordinal", "a", "b"): state.counts}, "ab", "ordinal", ORDER)
    return pair_agreement(of_any_size(state.counts), "ordinal", ORDER), rankings


SUBJECTS = {
    "items": Subject(PatternCounts, many.map(item_pattern), read_scope),
    "against others": Subject(
        PatternCounts, st.builds(against_others, labels, st.lists(labels, max_size=3)), read_scope
    ),
    "between groups": Subject(PatternCounts, st.builds(between_groups, many, many), read_scope),
    "sets": Subject(PatternCounts, st.lists(sets, min_size=1, max_size=4).map(item_pattern), read_sets),
    "sets against others": Subject(
        PatternCounts, st.builds(against_others, sets, st.lists(sets, max_size=3)), read_sets
    ),
    "sets between groups": Subject(
        PatternCounts, st.builds(between_groups, *[st.lists(sets, min_size=1, max_size=3)] * 2), read_sets
    ),
    "preferences": Subject(
        PatternCounts, st.lists(st.sampled_from(Preference.options), min_size=1).map(item_pattern), read_preferences
    ),
    "pairs": Subject(PatternCounts, st.builds(pair_pattern, labels, labels), read_pair),
    "pairs by size": Subject(
        PatternCounts, st.builds(sized_pattern, labels, labels, st.integers(2, 4)), read_sized_pair
    ),
    "accuracy": Subject(Accuracy, st.booleans(), Accuracy.reading),
    "moments": Subject(Sums, moments, lambda state: alpha_of_moments(state.sums) if state.sums else None),
    "boxes": Subject(Sums, box_measures, read_boxes),
    "boxes between groups": Subject(Sums, box_measures_of_groups, read_boxes),
    "sums": Subject(Sums, measures, lambda state: by_class(state.sums)),
    "spans": Subject(Sums, spans, read_spans),
    "spans between groups": Subject(Sums, spans_of_groups, read_spans),
    "tallies": Subject(Tally, shares, Tally.state),
    "scopes": Subject(Scope, additions, Scope.state),
}

GIVEN = {
    "nominal": st.sampled_from(["a", "b", True]),
    "ordinal": st.sampled_from([1, 2, 5]),
    "interval": st.sampled_from([0, 0.5, -2.25, 10**9]),
    "ratio": st.sampled_from([0, 0.5, 3, 10**9]),
    "multilabel": st.lists(st.sampled_from("abc"), max_size=3),
    "boxes": st.lists(
        st.builds(Box, st.sampled_from([[0, 0, 4, 4], [1, 0, 4, 5]]), st.sampled_from(["car", None])), max_size=2
    ).map(lambda found: Shape(boxes=found)),
    "spans": st.lists(
        st.builds(Span, st.integers(0, 2), st.integers(3, 5), st.sampled_from(["a", "b", None])), max_size=2
    ).map(lambda found: Shape(spans=found)),
    "preference": st.sampled_from([preference("x", "y"), preference("y", "x"), Shape(tie=True)]),
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", SUBJECTS)
def test_law(law, name):
    check(law, SUBJECTS[name])


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("label_type", LABEL_TYPES)
def test_law_of_label_types(law, label_type):
    check(law, of_label_type(label_type, GIVEN[label_type]), 10)


def discovered():
    """Every class of the core that claims to be a statistic."""
    for module in pkgutil.walk_packages(detectors.__path__, "detectors."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if found.__module__ == module.name and found is not Statistic and issubclass(found, Statistic):
                yield found


def test_no_statistic_escapes_the_laws():
    assert {subject.make for subject in SUBJECTS.values()} == set(discovered())
