"""Figures of spans: worked by hand, against brute force character by character, and against the same labels as patterns."""

import math
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from detectors.agreement import Table, against_others, item_pattern
from detectors.agreement.alpha_nominal import alpha_nominal
from detectors.agreement.measures import COUNT, ONE, by_class
from detectors.agreement.spans.alpha_of_characters import alpha_of_characters
from detectors.agreement.spans.boundaries import similar_boundaries
from detectors.agreement.spans.characters import characters
from detectors.agreement.spans.exact import alike, alike_by_type, alike_untyped
from detectors.agreement.spans.marks import MOST_COMPARED, MOST_SPANS, Mark, marks
from detectors.agreement.spans.measure import measure, measure_groups
from detectors.agreement.spans.overlap import nearly_alike
from detectors.agreement.spans.ratio import ratio
from tests.detectors.agreement.spans_by_characters import (
    COMMON,
    alpha_by_krippendorff,
    category,
    covered,
    most_matched,
    pairs_of,
    similarity,
)

RATIOS = tuple(COMMON)
INT63 = 2**63 - 1


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


def random_marks(rng, types="ab", length=14, most=5):
    """Often overlapping, touching, empty or marked twice."""
    found = []
    for _ in range(rng.randint(0, most)):
        start = rng.randint(0, length)
        found.append(Mark(rng.choice(types), start, min(length, start + rng.choice([0, 1, 2, 3, 4, 8]))))
    return marks(found)


def shifted(rng, given):
    """The same marks as another annotator might see them."""
    return marks(
        Mark(
            kind if rng.random() < 0.8 else "c",
            max(0, start - (rng.random() < 0.2)),
            max(start, end + rng.choice([-1, 0, 0, 0, 1])),
        )
        for kind, start, end in given
        if rng.random() < 0.85
    )


def random_item(rng, annotators=None, **shape):
    seen = random_marks(rng, **shape)
    return [
        shifted(rng, seen) if rng.random() < 0.7 else random_marks(rng, **shape)
        for _ in range(annotators or rng.randint(2, 5))
    ]


def add(sums, added, weight=1):
    for name, x in added.items():
        sums[name] = sums.get(name, 0) + weight * x


def added_up(parts):
    sums = {}
    for part in parts:
        add(sums, part)
    return sums


def total(items):
    return added_up(measure(item).whole for item in items)


def estimate(sums, name):
    return alpha_of_characters(sums) if name == "alpha" else ratio(sums, name)


def classes(sums):
    return {kind: ratio(of, "span_f1") for kind, of in by_class(sums).items()}


# -- by hand --------------------------------------------------------------------------------------------------------------

D12 = (
    [Mark("PER", 0, 2), Mark("LOC", 5, 7), Mark("ORG", 8, 11), Mark("PER", 13, 14)],
    [Mark("PER", 0, 2), Mark("LOC", 5, 6), Mark("ORG", 8, 11)],
)


def test_two_annotators_of_named_entities():
    """What seqeval and token counts say of these: precision 2/4, recall 2/3."""
    first, second = map(marks, D12)
    exact = alike([first, second])
    assert Fraction(exact.whole, exact.size[0]) == Fraction(1, 2)
    assert Fraction(exact.whole, exact.size[1]) == Fraction(2, 3)
    sums = measure([first, second]).whole
    assert estimate(sums, "span_f1").value == close(0.571428571428)
    assert estimate(sums, "span_f1_untyped").value == close(0.571428571428)
    assert estimate(sums, "overlap_f1").value == close(0.857142857142)
    assert estimate(sums, "character_f1").value == close(0.857142857142)
    # Boundaries 2 5 7 8 11 13 14 and 2 5 6 8 11: four in common, 6 next to 7, two more.
    assert estimate(sums, "boundary_similarity").value == close(4.5 / 7)
    # Up to 14: PER 3 and 2, LOC 2 and 1, ORG 3 and 3, none 6 and 8; two characters differ.
    assert estimate(sums, "alpha").value == close(1 - 27 * 4 / (28**2 - 5**2 - 3**2 - 6**2 - 14**2))
    assert {kind: found.value for kind, found in classes(sums).items()} == {"PER": close(2 / 3), "LOC": 0, "ORG": 1}
    assert {kind: of[COUNT] for kind, of in by_class(sums).items()} == {"PER": 3, "LOC": 2, "ORG": 2}


def test_a_type_that_differs_is_another_span_but_the_same_stretch():
    item = [[Mark("PER", 3, 9)], [Mark("LOC", 3, 9)]]
    sums = measure(item).whole
    assert [estimate(sums, name).value for name in RATIOS] == [0, 1, 0, 1, 1]
    assert estimate(sums, "alpha").value == close(1 - 17 * 12 / (18**2 - 6**2 - 6**2 - 6**2))


def test_annotators_of_whom_none_marked_anything_have_equal_boundaries_and_no_f1():
    sums = measure([[], [], []]).whole
    assert [estimate(sums, name) for name in (*RATIOS[:4], "alpha")] == [None] * 5
    assert estimate(sums, "boundary_similarity").value == 1
    assert all(sums[f"{name} n"] == 1 for name in (*RATIOS, "alpha"))


def test_a_mark_against_none():
    sums = measure([[Mark("", 0, 4)], []]).whole
    assert [estimate(sums, name).value for name in RATIOS] == [0] * 5
    assert estimate(sums, "alpha").value == close(1 - 7 * 8 / (8**2 - 2 * 4**2))


def test_one_annotator_adds_spans_to_their_classes_and_nothing_else():
    assert measure([]) == ({}, [])
    assert measure([[Mark("a", 0, 4), Mark("a", 7, 8), Mark("", 9, 9)]]) == ({"count\x1fa": 2}, [{}])


def test_empty_spans_are_spans_of_no_character():
    item = [[Mark("a", 3, 3), Mark("a", 5, 5)], [Mark("a", 3, 3), Mark("a", 4, 8)]]
    sums = measure(item).whole
    assert estimate(sums, "span_f1").value == 0.5
    assert estimate(sums, "overlap_f1").value == 0.5
    assert estimate(sums, "character_f1").value == 0
    # 3 and 5 against 3, 4 and 8: 4 next to 5.
    assert estimate(sums, "boundary_similarity").value == close(1.5 / 3)


def test_half_of_the_union_is_near_enough_and_less_is_not():
    whole = [Mark("a", 0, 100)]
    for end, near in ((49, 0), (50, 1), (199, 1), (200, 1), (201, 0)):
        assert nearly_alike([whole, [Mark("a", 0, end)]]).agreed().whole == near
    for start, near in ((33, 1), (34, 0)):
        assert nearly_alike([whole, [Mark("a", start, start + 100)]]).agreed().whole == near
    assert nearly_alike([whole, [Mark("b", 0, 100)]]).agreed().whole == 0


def test_as_many_spans_are_matched_as_can_be():
    """Matching the equal ones first would leave one of each annotator alone."""
    first = marks([Mark("a", 0, 4), Mark("a", 0, 8)])
    second = marks([Mark("a", 0, 4), Mark("a", 0, 2)])
    assert nearly_alike([first, second]).agreed().whole == 2
    # One span cannot have two partners.
    assert nearly_alike([[Mark("a", 0, 4)], marks([Mark("a", 0, 2), Mark("a", 2, 4)])]).agreed().whole == 1


def test_marking_twice_says_nothing_more():
    once, twice = [Mark("a", 2, 5), Mark("a", 7, 9)], [Mark("a", 7, 9), Mark("a", 2, 5), Mark("a", 7, 9)]
    assert measure([marks(once), marks(twice)]) == measure([once, once])


def test_a_character_of_several_types_has_the_set_of_them():
    of = characters([marks([Mark("b", 0, 6), Mark("a", 2, 4), Mark("b", 3, 8)]), [Mark("", 1, 2)]])
    assert of.categories == [{"b": 6, "a\x1db": 2}, {"": 7, "\x1d": 1}]
    assert of.covered == ([1, 1], [8, 1])
    assert of.same == [0, 0]


def test_spans_without_a_type_are_no_class():
    assert by_class(measure([[Mark("", 0, 4)], [Mark("", 0, 4)]]).whole) == {}


# -- brute force ----------------------------------------------------------------------------------------------------------


def test_counts_equal_brute_force():
    rng, compared = random.Random(7), Counter()
    for _ in range(400):
        item = random_item(rng)
        sizes = [len(given) for given in item]
        assert alike(item) == (pairs_of(item, lambda x, y: len(set(x) & set(y))), sizes)
        assert nearly_alike(item).agreed() == (pairs_of(item, most_matched), sizes)
        stretches = [{mark[1:] for mark in given} for given in item]
        assert alike_untyped(item) == (pairs_of(stretches, lambda x, y: len(x & y)), [*map(len, stretches)])
        by_type = {}
        for kind in {mark.type for given in item for mark in given}:
            of = alike([[mark for mark in given if mark.type == kind] for given in item])
            by_type[kind] = 2 * of.whole, (len(item) - 1) * sum(of.size)
        assert alike_by_type(item) == by_type
        compared["matched"] += nearly_alike(item).agreed().whole > alike(item).whole
    assert compared["matched"] > 100


def test_characters_equal_brute_force():
    rng, compared = random.Random(8), 0
    for _ in range(400):
        item = random_item(rng)
        found = characters(item)
        sets = [covered(given) for given in item]
        reach = max([place + 1 for own in sets for place in own], default=0)
        assert found.reach == reach
        assert found.covered == (pairs_of(sets, lambda x, y: len(x & y)), [*map(len, sets)])
        columns = [[category(given, place) for place in range(reach)] for given in item]
        assert found.same == pairs_of(columns, lambda x, y: sum(map(frozenset.__eq__, x, y)))
        for own, column in zip(found.categories, columns, strict=True):
            assert sum(own.values()) == reach
            assert own == Counter("\x1d".join(sorted(kinds)) for kinds in column)
            compared += len(own) > 1
    assert compared > 700


def test_boundaries_equal_brute_force():
    rng, compared = random.Random(9), Counter()
    for _ in range(400):
        item = random_item(rng)
        expected = pairs_of(item, similarity)
        for own, value in zip(similar_boundaries(item).agreed().own, expected, strict=True):
            assert abs(Fraction(own, ONE) - value) <= Fraction(len(item), 2 * ONE)
            compared[value.denominator == 1] += 1
    assert compared[False] > 800


def test_alpha_of_characters_equals_krippendorff():
    rng, compared = random.Random(10), 0
    for _ in range(60):
        items = [random_item(rng) for _ in range(rng.randint(1, 8))]
        found = estimate(total(items), "alpha")
        if found is not None:
            assert found.value == close(alpha_by_krippendorff(items))
            compared += 1
    assert compared > 55


def test_the_whole_is_that_of_two_and_each_against_the_other():
    """With one other annotator the figures against the others are the ordinary ones."""
    rng = random.Random(11)
    for _ in range(50):
        item = random_item(rng, annotators=2)
        found = measure(item)
        assert found.own[0] == found.own[1]
        for name in (*RATIOS, "alpha"):
            assert estimate(found.own[0], name) == estimate(found.whole, name)
    items = [measure(random_item(rng, annotators=2)) for _ in range(50)]
    for name in (*RATIOS, "alpha"):
        own = estimate(added_up(item.own[0] for item in items), name)
        assert own == estimate(added_up(item.whole for item in items), name)
        assert own.error > 0.01


def test_pairs_with_each_annotator_make_up_the_whole_twice():
    rng = random.Random(12)
    for _ in range(50):
        found = measure(random_item(rng))
        for name in RATIOS:
            for moment in "uv":
                key = f"{name} {moment}"
                assert sum(own.get(key, 0) for own in found.own) == 2 * found.whole.get(key, 0)


def test_the_order_of_annotators_moves_only_their_own():
    rng = random.Random(13)
    for _ in range(50):
        item = random_item(rng)
        order = rng.sample(range(len(item)), len(item))
        found, turned = measure(item), measure([item[n] for n in order])
        assert turned.whole == found.whole
        assert list(turned.own) == [found.own[n] for n in order]


# -- characters as labels -------------------------------------------------------------------------------------------------


def as_spans(labels):
    return [[Mark(label, 0, 1)] for label in labels]


def counts(patterns):
    return dict(Counter(patterns))


def are_equal(found, expected):
    """Whether there was anything to compare."""
    if expected is None:
        assert found is None
        return False
    assert found.value == close(expected.value)
    assert (found.error, found.degrees) == (close(expected.error), expected.degrees)
    return True


def test_items_of_one_character_have_the_alpha_and_the_error_of_nominal_labels():
    rng, compared = random.Random(14), 0
    for _ in range(80):
        items = [rng.choices("abc", (6, 2, 1), k=rng.randint(2, 5)) for _ in range(rng.randint(2, 30))]
        table = Table.of(counts(map(item_pattern, items)))
        expected, found = alpha_nominal(table, 3), estimate(total(map(as_spans, items)), "alpha")
        compared += are_equal(found, expected)
    assert compared > 70


def test_an_annotator_against_the_others_on_items_of_one_character():
    rng, compared = random.Random(15), 0
    for _ in range(80):
        items = [rng.choices("abc", (6, 2, 1), k=rng.randint(2, 5)) for _ in range(rng.randint(2, 30))]
        table = Table.of(counts(against_others(own, others) for own, *others in items))
        sums = added_up(measure(as_spans(item)).own[0] for item in items)
        expected, found = alpha_nominal(table, 3), estimate(sums, "alpha")
        compared += are_equal(found, expected)
    assert compared > 70


# -- intervals ------------------------------------------------------------------------------------------------------------


PARTS = {
    "whole": lambda item: measure(item).whole,
    "against the others": lambda item: measure(item).own[0],
    "between groups": lambda item: measure_groups([item[: len(item) // 2], item[len(item) // 2 :]])[0],
    "class": lambda item: by_class(measure(item).whole).get("a", {}),
}
FIGURES_OF = ("whole", "against the others", "between groups")


@pytest.mark.parametrize(
    ("part", "name"),
    [*((part, name) for part in FIGURES_OF for name in (*RATIOS, "alpha")), ("class", "span_f1")],
)
def test_the_error_is_that_of_a_numeric_derivative(part, name):
    """Weighting one item a little more moves the figure by its linearised value: their squares make the variance."""
    rng = random.Random(16)
    parts = [PARTS[part](random_item(rng, length=300, most=12)) for _ in range(40)]
    parts = [sums for sums in parts if sums]
    n, step = len(parts), 10**6

    def value(weights):
        sums = {}
        for added, weight in zip(parts, weights, strict=True):
            add(sums, added, weight)
        return estimate(sums, name).value

    moved = []
    for i in range(n):
        up, down = (value([step + (d if j == i else 0) for j in range(n)]) for d in (1000, -1000))
        moved.append((up - down) / 0.002)
    expected = math.sqrt(n / (n - 1) * sum(x * x for x in moved))
    found = estimate(added_up(parts), name)
    # Alpha's small-sample correction is taken as fixed, as irrCAC does: one part in the number of labels.
    assert found.error == pytest.approx(expected, rel=2e-3 if name == "alpha" else 1e-6)
    assert found.error > 0.005
    assert found.degrees == n - 1


@pytest.mark.parametrize("name", [*RATIOS, "alpha"])
def test_the_error_is_near_that_of_a_jackknife(name):
    rng = random.Random(17)
    parts = [measure(random_item(rng, length=300, most=12)).whole for _ in range(150)]
    sums = added_up(parts)
    whole, values = estimate(sums, name), []
    for part in parts:
        add(sums, part, -1)
        values.append(estimate(sums, name).value)
        add(sums, part)
    jackknife = math.sqrt((len(parts) - 1) / len(parts) * sum((x - np.mean(values)) ** 2 for x in values))
    assert whole.error == pytest.approx(jackknife, rel=0.03)


# -- sums -----------------------------------------------------------------------------------------------------------------


def test_every_prefix_of_additions_and_retractions_equals_a_recount():
    rng, sums, held, compared = random.Random(18), {}, [], 0
    for _ in range(120):
        if held and rng.random() < 0.4:
            add(sums, measure(held.pop(rng.randrange(len(held)))).whole, -1)
        else:
            held.append(random_item(rng))
            add(sums, measure(held[-1]).whole)
        sums = {name: x for name, x in sums.items() if x}
        assert sums == total(held)
        for name in (*RATIOS, "alpha"):
            assert estimate(sums, name) == estimate(total(rng.sample(held, len(held))), name)
            compared += 1
    assert compared == 720


def test_long_spans_cost_nothing_and_stay_exact():
    item = [[Mark("a", 0, INT63)], [Mark("a", 1, INT63)], [Mark("a", 0, INT63 - 1), Mark("b", INT63 - 1, INT63)]]
    found = characters(item)
    assert found.covered.own == [2 * INT63 - 1, 2 * INT63 - 2, 2 * INT63 - 1]
    assert found.categories[2] == {"a": INT63 - 1, "b": 1}
    sums = measure(item).whole
    assert sums["alpha d"] == ONE * 4 * 2 // 2
    assert estimate(sums, "overlap_f1").value == close(6 / 8)
    assert 0 < estimate(sums, "character_f1").value <= 1


# -- bounds ---------------------------------------------------------------------------------------------------------------


def test_an_item_of_very_many_spans_is_not_measured():
    item = [[Mark("a", 2 * n, 2 * n + 1) for n in range(MOST_SPANS // 2)] for _ in range(2)]
    assert measure(item).whole["span_f1 u"] == MOST_SPANS
    item[0] = [*item[0], Mark("a", 10**9, 10**9)]
    assert measure(item) == ({"count\x1fa": MOST_SPANS + 1}, [{}, {}])


def test_spans_that_all_lie_near_each_other_are_not_compared_by_pairs():
    n = math.isqrt(MOST_COMPARED)
    item = [marks(Mark("a", 0, 10**6 + 2 * k + own) for k in range(n)) for own in range(2)]
    assert nearly_alike(item) is None
    sums = measure(item).whole
    assert "overlap_f1 n" not in sums
    assert estimate(sums, "character_f1").value > 0.999
    few = [given[: n // 2] for given in item]
    assert nearly_alike(few).agreed().whole == n // 2


def test_very_many_annotators_are_compared_where_that_takes_no_pairs():
    item = [[Mark("a", 3, 9)] for _ in range(500)]
    assert nearly_alike(item) is None
    assert similar_boundaries(item) is None
    sums = measure(item).whole
    assert {name for name in (*RATIOS, "alpha") if f"{name} n" in sums} == {*RATIOS[:2], "character_f1", "alpha"}
    assert estimate(sums, "span_f1").value == estimate(sums, "character_f1").value == estimate(sums, "alpha").value == 1
    assert sum(name.endswith(" n") for name in measure(item[:150]).whole) == 6


def test_what_is_too_much_to_be_compared_is_so_of_all_groups_together():
    """Each two groups alone could be compared."""
    groups = [[[Mark("a", 3, 9)] for _ in range(75)] for _ in range(3)]
    assert {"overlap_f1 n", "boundary_similarity n"} <= measure_groups(groups[:2])[0].keys()
    for sums in measure_groups(groups):
        assert {"overlap_f1 n", "boundary_similarity n"}.isdisjoint(sums)
        assert estimate(sums, "span_f1").value == estimate(sums, "alpha").value == 1


def test_the_order_of_groups_and_of_their_people_does_not_matter():
    rng = random.Random(19)
    for _ in range(40):
        one, other = random_item(rng), random_item(rng)
        (found,) = measure_groups([one, other])
        assert measure_groups([other[::-1], one[::-1]]) == [found]


def test_categories_that_are_too_many_or_have_too_long_names_have_no_alpha():
    many = [[Mark(f"{kind:03}", kind, kind + 1) for kind in range(112)] for _ in range(2)]
    assert characters(many).categories is None
    assert "alpha n" not in measure(many).whole
    assert characters([given[:105] for given in many]).categories is not None
    long = [[Mark(kind * 600, 0, 5) for kind in "ab"], []]
    assert characters(long).categories is None
    assert characters([[Mark("a" * 1024, 0, 5)], []]).categories is not None
