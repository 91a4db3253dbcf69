"""Kendall's W and tau-b: published examples, brute force, and what their errors linearise."""

import math
import random
from fractions import Fraction
from itertools import combinations

import pytest
from scipy.stats import kendalltau, rankdata

from detectors import reasons
from detectors.agreement import RANKINGS, Scale, ranking_agreement
from detectors.agreement.kendall_tau_b import kendall_tau_b
from detectors.agreement.kendall_w import kendall_w
from detectors.agreement.patterns import pair_pattern, sized_pattern
from detectors.agreement.rankings import MOST_ANNOTATORS, Rankings
from detectors.reading import Reading


def of_cells(confusions, annotators):
    """Rankings from places in place of labels."""
    places = {place for cells in confusions.values() for cell in cells for place in cell}
    patterns = {
        two: {pair_pattern(f"{k:g}", f"{x:g}"): n for (k, x), n in cells.items()} for two, cells in confusions.items()
    }
    return Rankings.of(patterns, annotators, Scale.of("ordinal", [f"{place:g}" for place in sorted(places)]))


def confusions(rows):
    """The confusions of each two of these annotators, a row of places each."""
    found = {}
    for (a, first), (b, second) in combinations(enumerate(rows), 2):
        cells = found[a, b] = {}
        for two in zip(first, second, strict=True):
            cells[two] = cells.get(two, 0) + 1
    return of_cells(found, len(rows))


def table(rows):
    """A two-way table as what two annotators said."""
    return of_cells({(0, 1): {(k, x): n for k, row in enumerate(rows) for x, n in enumerate(row) if n}}, 2)


def w_by_definition(rows):
    """From the ranks of each item, as Siegel has it: the sum of squares of R about its mean, over the largest one."""
    ranks = [rankdata(row) for row in rows]
    m, n = len(rows), len(rows[0])
    sums = [sum(column) for column in zip(*ranks, strict=True)]
    mean = sum(sums) / n
    ties = sum(row.count(x) ** 3 - row.count(x) for row in map(list, rows) for x in set(row)) / 12
    largest = m * m * (n**3 - n) / 12 - m * ties
    return sum((r - mean) ** 2 for r in sums) / largest if largest else math.nan


def pairs_of(rows, names="abcdefgh"):
    """The state that the fold keeps of a table, a row an annotator; None for a cell that is empty."""
    found = {}
    for column in zip(*rows, strict=True):
        given = [(name, label) for name, label in zip(names, column, strict=False) if label is not None]
        for (a, first), (b, second) in combinations(given, 2):
            counts = found.setdefault(("ordinal", a, b), {})
            pattern = sized_pattern(first, second, len(given))
            counts[pattern] = counts.get(pattern, 0) + 1
    return found


# Siegel, S. (1956). Nonparametric Statistics for the Behavioral Sciences, chapter 9: three executives on six applicants;
# and three rankings of ten, with ties.
EXECUTIVES = ((1, 6, 3, 2, 5, 4), (1, 5, 6, 4, 2, 3), (6, 3, 2, 5, 4, 1))
TIED = (
    (1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10),
    (2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5),
    (2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10),
)


def test_published_concordances():
    assert kendall_w(confusions(EXECUTIVES)).value == 25.5 / 157.5
    assert round(kendall_w(confusions(EXECUTIVES)).value, 2) == 0.16
    assert kendall_w(confusions(TIED)).value == 591 / 714
    assert round(kendall_w(confusions(TIED)).value, 3) == 0.828


def test_published_tau_and_error():
    """SAS/STAT User's Guide, PROC FREQ, the example of the Cochran-Armitage trend test: adverse effects by dose."""
    found = kendall_tau_b(table([(26, 26, 23, 18, 9), (6, 7, 9, 14, 23)]))
    assert (round(found.value, 4), round(found.error, 4), found.degrees) == (0.3373, 0.0642, 160)


def test_random_tables_with_empty_cells_equal_scipy_on_the_complete_items():
    rng, compared, undefined, others = random.Random(3), 0, 0, 0
    scale = Scale.of("ordinal", list("dcba"))
    for _ in range(400):
        m, n = rng.randint(2, 4), rng.randint(2, 12)
        true = rng.choices("abcd", k=n)
        rows = [
            [None if rng.random() < 0.1 else true[i] if rng.random() < 0.6 else rng.choice("abcd") for i in range(n)]
            for _ in range(m)
        ]
        complete = [column for column in zip(*rows, strict=True) if None not in column]
        found = ranking_agreement(pairs_of(rows), "abcd"[:m], "ordinal", scale)
        assert list(found) == ["kendall_w", "kendall_tau_b"] == list(RANKINGS)
        if len(complete) < 2:
            assert set(found.values()) == {Reading.undefined(len(complete), reasons.NO_RANKING)}
            undefined += 1
            continue
        places = [["dcba".index(label) for label in row] for row in zip(*complete, strict=True)]
        taus = [kendalltau(first, second).statistic for first, second in combinations(places, 2)]
        for name, peer in (("kendall_w", w_by_definition(places)), ("kendall_tau_b", sum(taus) / len(taus))):
            reading = found[name]
            assert reading.n == len(complete)
            if math.isnan(peer):
                assert reading.why == reasons.NO_VARIATION
                undefined += 1
            else:
                assert reading.value == pytest.approx(peer, rel=0, abs=1e-12)
                assert (reading.low is None) == (name == "kendall_w" or m > 2)
                compared += 1
        # Each two annotators on all items that these two labelled: another figure, so incomplete items do not enter.
        if len(complete) < n and found["kendall_tau_b"].value is not None:
            of_two = [
                kendalltau(*zip(*[(x, y) for x, y in zip(a, b, strict=True) if x and y], strict=True)).statistic
                for a, b in combinations([[x and "zdcba".index(x) for x in row] for row in rows], 2)
            ]
            others += bool(abs(sum(of_two) / len(of_two) - found["kendall_tau_b"].value) > 1e-9)
    assert (compared, undefined, others) == (713, 59, 180)


def test_labels_that_are_many_numbers_equal_scipy():
    rng, compared = random.Random(8), 0
    for _ in range(40):
        n = rng.randint(20, 60)
        rows = [[str(rng.randint(0, 40)) for _ in range(n)] for _ in range(2)]
        scale = Scale.of("ordinal", None, {label for row in rows for label in row})
        found = ranking_agreement(pairs_of(rows), "ab", "ordinal", scale)
        numbers = [list(map(int, row)) for row in rows]
        assert found["kendall_tau_b"].value == pytest.approx(kendalltau(*numbers).statistic, rel=0, abs=1e-12)
        assert found["kendall_w"].value == pytest.approx(w_by_definition(numbers), rel=0, abs=1e-12)
        compared += 2
    assert compared == 80


def test_errors_are_those_of_small_changes():
    """The infinitesimal jackknife, as of the other coefficients; the mean of the derivatives is not zero by itself."""
    rng, many, step = random.Random(11), 10**6, 10**3
    for _ in range(20):
        cells = {(k, other): rng.randint(0, 6) * many for k in range(4) for other in range(5)}
        cells = {cell: n for cell, n in cells.items() if n}
        at = kendall_tau_b(of_cells({(0, 1): cells}, 2))
        squares = 0.0
        for cell, count in cells.items():
            nudged = kendall_tau_b(of_cells({(0, 1): {**cells, cell: count + step}}, 2))
            squares += count * ((nudged.value - at.value) / step) ** 2
        assert at.error == pytest.approx(math.sqrt(squares), rel=2e-3)


def test_the_interval_is_as_wide_as_that_of_drawn_items():
    """Tau-b of 2,000 draws of as many items: their spread is the standard error."""
    rng = random.Random(5)
    cells = {(0, 0): 30, (0, 1): 12, (1, 0): 8, (1, 1): 25, (1, 2): 14, (2, 1): 9, (2, 2): 20, (2, 0): 3}
    drawn = []
    for _ in range(2000):
        of = {}
        for cell in rng.choices(list(cells), list(cells.values()), k=sum(cells.values())):
            of[cell] = of.get(cell, 0) + 1
        drawn.append(kendall_tau_b(of_cells({(0, 1): of}, 2)).value)
    mean = sum(drawn) / len(drawn)
    spread = math.sqrt(sum((value - mean) ** 2 for value in drawn) / (len(drawn) - 1))
    assert kendall_tau_b(of_cells({(0, 1): cells}, 2)).error == pytest.approx(spread, rel=0.05)


def test_perfect_order_and_its_reverse():
    same = confusions([(0, 1, 1, 3)] * 3)
    assert (kendall_w(same).value, kendall_tau_b(same).value) == (1.0, 1.0)
    reverse = confusions([(0, 1, 2), (2, 1, 0)])
    assert (kendall_w(reverse).value, kendall_tau_b(reverse)) == (0.0, (-1.0, 0.0, 2))


def test_one_annotator_without_variation():
    """W has a value, for ranks of one tied group are known; an order of pairs there is none."""
    rankings = confusions([(0, 1, 2), (1, 1, 1), (0, 1, 2)])
    assert kendall_w(rankings).value == pytest.approx(w_by_definition([(0, 1, 2), (1, 1, 1), (0, 1, 2)]))
    assert kendall_tau_b(rankings) is None
    assert kendall_w(confusions([(1, 1), (2, 2)])) is None


SCALE = Scale.of("ordinal", ["1", "2", "3"])
TWO = pairs_of([["1", "2", "3"], ["1", "3", "2"]])


@pytest.mark.parametrize(
    ("pairs", "annotators", "label_type", "scale", "n", "why"),
    [
        (TWO, "ab", "nominal", None, 0, reasons.NOT_AVAILABLE),
        (TWO, "ab", "interval", SCALE, 0, reasons.NOT_AVAILABLE),
        (TWO, "a", "ordinal", SCALE, 0, reasons.ONE_ANNOTATOR),
        ({}, "", "ordinal", SCALE, 0, reasons.ONE_ANNOTATOR),
        (TWO, "abc", "ordinal", SCALE, 0, reasons.NO_RANKING),
        ({}, "ab", "ordinal", SCALE, 0, reasons.NO_RANKING),
        (pairs_of([["1"], ["2"]]), "ab", "ordinal", SCALE, 1, reasons.NO_RANKING),
        (TWO, [f"n{n}" for n in range(MOST_ANNOTATORS + 1)], "ordinal", SCALE, 0, reasons.MANY_ANNOTATORS),
        (pairs_of([["lo", "hi"], ["lo", "hi"]]), "ab", "ordinal", None, 2, reasons.NO_ORDER),
        (pairs_of([["lo", "hi"], ["lo", "hi"]]), "ab", "ordinal", SCALE, 2, reasons.NO_ORDER),
        (pairs_of([["2", "2"], ["2", "2"]]), "ab", "ordinal", SCALE, 2, reasons.NO_VARIATION),
        ({("ordinal", "a", "b"): {"1\x1f2": 3, "2\x1f2": 4}}, "ab", "ordinal", SCALE, 0, reasons.NO_RANKING),
    ],
)  # fmt: skip
def test_where_it_is_undefined(pairs, annotators, label_type, scale, n, why):
    """The last is of a store that an earlier version has written, before it is rebuilt."""
    found = ranking_agreement(pairs, annotators, label_type, scale)
    assert set(found.values()) == {Reading.undefined(n, why)}


def test_too_many_labels_are_not_compared(monkeypatch):
    """Each two labels of each two annotators: of two annotators three labels are nine."""
    assert ranking_agreement(TWO, "ab", "ordinal", SCALE)["kendall_w"].n == 3
    monkeypatch.setattr("detectors.agreement.rankings.MOST_COMPARED", 8)
    assert ranking_agreement(TWO, "ab", "ordinal", SCALE)["kendall_w"] == Reading.undefined(3, reasons.TOO_MUCH)


def test_sums_beyond_64_bits_are_exact():
    """Ten million items have sums of cubes: every item a million times is the same W but for n + 1."""
    cells = {(0, 0): 3 * 10**6, (0, 1): 10**6, (1, 1): 4 * 10**6, (2, 1): 10**6, (2, 2): 2 * 10**6}
    n, first, second = 11 * 10**6, (4, 4, 3), (3, 6, 2)
    places = [[2 * sum(of[:k]) * 10**6 + of[k] * 10**6 + 1 for k in range(3)] for of in (first, second)]
    sums = sum(count * (places[0][k] + places[1][x] - 2 * (n + 1)) ** 2 for (k, x), count in cells.items())
    ties = sum((count * 10**6) ** 3 - count * 10**6 for of in (first, second) for count in of)
    expected = Fraction(3 * sums, 4 * (n**3 - n) - 2 * ties)
    assert kendall_w(of_cells({(0, 1): cells}, 2)).value == float(expected)
    assert sums > 2**63


def test_labels_of_an_old_configuration_are_placed_by_number():
    found = ranking_agreement(pairs_of([["1", "2", "7"], ["1", "2", "7"]]), "ab", "ordinal", SCALE)
    assert found["kendall_w"].value == found["kendall_tau_b"].value == 1.0


def test_more_retracted_than_added_is_refused():
    with pytest.raises(ValueError, match="more was retracted than added"):
        ranking_agreement({("ordinal", "a", "b"): {"1\x1f2\x1f2": -1}}, "ab", "ordinal", SCALE)
