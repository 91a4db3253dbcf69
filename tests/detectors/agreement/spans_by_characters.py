"""Figures of spans from their definitions, character by character and pair by pair; marks are (type, start, end)."""

import math
from collections import Counter
from fractions import Fraction
from itertools import combinations

import krippendorff
import numpy as np


def covered(given):
    return {place for _, start, end in given for place in range(start, end)}


def category(given, place):
    return frozenset(kind for kind, start, end in given if start <= place < end)


def near(a, b):
    if a[0] != b[0]:
        return False
    x, y = covered([a]), covered([b])
    return a[1:] == b[1:] if not x | y else 2 * len(x & y) >= len(x | y) and bool(x & y)


def most_matched(first, second):
    """Tries every choice."""
    if not first:
        return 0
    head, *rest = first
    found = most_matched(rest, second)
    for other in second:
        if near(head, other):
            found = max(found, 1 + most_matched(rest, [mark for mark in second if mark is not other]))
    return found


def pairs_of(item, common):
    own = [0] * len(item)
    for a, b in combinations(range(len(item)), 2):
        n = common(item[a], item[b])
        own[a] += n
        own[b] += n
    return own


def similarity(first, second):
    """Boundary similarity as the paper's edit distance reads, on a string of positions."""
    strings = [
        [place in {end for _, *ends in given for end in ends if end} for place in range(20)]
        for given in (first, second)
    ]
    differ = [a != b for a, b in zip(*strings, strict=True)]
    common = sum(a and b for a, b in zip(*strings, strict=True))
    moved, place = 0, 0
    while place < 19:
        if differ[place] and differ[place + 1] and strings[0][place] != strings[0][place + 1]:
            moved += 1
            place += 1
        place += 1
    added = sum(differ) - 2 * moved
    edits = added + moved + common
    return 1 - (added + Fraction(moved, 2)) / edits if edits else Fraction(1)


def reach_of(given):
    return max([end for _, start, end in given if start < end], default=0)


def alpha_by_krippendorff(items):
    """None where all characters have one category."""
    cells = [
        Counter(category(given, place) for given in item)
        for item in items
        if len(item) > 1
        for place in range(max(map(reach_of, item)))
    ]
    names = list({kinds for row in cells for kinds in row})
    if len(names) < 2:
        return None
    counts = np.array([[row[name] for name in names] for row in cells])
    return krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")


def alpha_between(items, one):
    """Of two groups, each a label that is spread over what its people gave: of `one` and of everybody else.

    Items map annotators to marks.
    """
    disagreement, used = Fraction(0), Counter()
    for item in items:
        sides = [[marks for name, marks in item.items() if (name in one) is of] for of in (True, False)]
        if all(sides):
            for place in range(max(map(reach_of, item.values()))):
                given = [[category(marks, place) for marks in side] for side in sides]
                pairs = [x != y for x in given[0] for y in given[1]]
                disagreement += 2 * Fraction(sum(pairs), len(pairs))
                for side in given:
                    for kinds in side:
                        used[kinds] += Fraction(1, len(side))
    labels = sum(used.values())
    expected = labels * labels - sum(x * x for x in used.values())
    return float(1 - (labels - 1) * disagreement / expected) if expected else None


def dispute(item):
    """The mean entropy of the marked characters' categories, the span F1, and how often each category was given."""
    marked = sorted({place for given in item for place in covered(given)})
    rows = [[category(given, place) for given in item] for place in marked]
    entropies = [-sum(n / len(row) * math.log2(n / len(row)) for n in Counter(row).values()) for row in rows]
    pairs = [COMMON["span_f1"](x, y) for x, y in combinations(item, 2)]
    return sum(entropies) / len(rows) if rows else 0.0, ratio(pairs), Counter(kinds for row in rows for kinds in row)


def ratio(parts):
    u, v = sum(u for u, _ in parts), sum(v for _, v in parts)
    return float(Fraction(u) / v) if v else None


COMMON = {
    "span_f1": lambda x, y: (2 * len(set(x) & set(y)), len(set(x)) + len(set(y))),
    "span_f1_untyped": lambda x, y: COMMON["span_f1"]({mark[1:] for mark in x}, {mark[1:] for mark in y}),
    "overlap_f1": lambda x, y: (2 * most_matched(x, y), len(x) + len(y)),
    "character_f1": lambda x, y: COMMON["span_f1"](covered(x), covered(y)),
    "boundary_similarity": lambda x, y: (similarity(x, y), 1),
}


def figures(items, one=None):
    """The ratios of items, each a mapping of annotators to what they marked; or those of a group and everybody else."""
    return {
        name: ratio(
            [
                common(item[a], item[b])
                for item in items
                for a, b in combinations(item, 2)
                if one is None or (a in one) != (b in one)
            ]
        )
        for name, common in COMMON.items()
    }
