"""Krippendorff's alpha with every character a unit, from sums over items."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement

from detectors.agreement.coefficient import Estimate
from detectors.agreement.measures import ONE
from detectors.reading import Reading

CATEGORY = "\t"
"""Stands before each category in a sum's name: no label has a control character."""

MOST_CATEGORIES = 20
LONGEST_NAME = 32

WIDE = "alpha wide"
"""Items with more categories, whose products are not kept."""


def add_alpha(sums: dict[str, int], disagreement: int, labels: Mapping[str, int], *, shares: bool = False) -> None:
    r"""What an item adds: the disagreement of its characters, in multiples of 1 / `ONE`, and the labels of each category.

    Of a character with m labels, $r_c$ of them of category c, the disagreement is $(m^2 - \sum r_c^2) / (m - 1)$. Labels
    that are `shares` of labels are in multiples of 1 / `ONE` too. Of more than `MOST_CATEGORIES` there are no products.
    """
    r = "s" if shares else "r"
    sums["alpha n"] = 1
    found = sorted((_short(category), x) for category, x in labels.items())
    for category, x in found:
        sums[f"alpha {r}{CATEGORY}{category}"] = x
    if disagreement:
        sums["alpha d"] = disagreement
    if len(found) > MOST_CATEGORIES:
        sums[WIDE] = 1
        return
    sums.update(character_products(disagreement, found, r))


def character_products(disagreement: int, labels: Sequence[tuple[str, int]], r: str) -> Iterator[tuple[str, int]]:
    """The products of what an item adds, whose labels of each category stand in order under the name of `r`."""
    if disagreement:
        yield "alpha dd", disagreement * disagreement
        for category, x in labels:
            yield f"alpha d{r}{CATEGORY}{category}", disagreement * x
    for (first, x), (second, y) in combinations_with_replacement(labels, 2):
        yield f"alpha {r}{r}{CATEGORY}{first}{CATEGORY}{second}", x * y


def _short(category: str) -> str:
    """A name for a category that may be long, for every two that meet on an item make a name."""
    return category if len(category) <= LONGEST_NAME else "#" + hashlib.sha256(category.encode()).hexdigest()[:24]


def alpha_of_characters(sums: Mapping[str, int]) -> Estimate | Reading | None:
    r"""Nominal alpha of the characters of the n items; None where all have one category.

    $$ \alpha = 1 - \frac{(L - 1) D}{L^2 - \sum_c L_c^2} $$

    with L labels, $L_c$ of them of category c, and D the sum of the characters' disagreements. Characters of a text are
    not independent, so the standard error is the linearisation over items: with d and $r_c$ of item i, $\ell = \sum r_c$
    and $E = L^2 - \sum L_c^2$,

    $$ x_i - \alpha' = \frac{n}{E} \left(-L d + \frac{L - 1}{L} D \ell - \frac{2 D}{E} \sum_c r_c \left(L L_c -
       \sum_k L_k^2\right)\right) + \frac{D}{E}, $$

    that of `alpha_nominal` if each item has one character. The sums of the products of d and $r_c$ give its variance;
    all is exact, and rounded at the end. There is no interval where an item has more than 20 categories, whose products
    are not kept; `detectors.agreement.wide` has them from the item.

    >>> sums = {}
    >>> add_alpha(sums, 4 * ONE, {"": 6, "a": 14})  # ten characters, two annotators who differ at two
    >>> alpha_of_characters(sums).value  # 1 - 19 * 4 / (20^2 - 6^2 - 14^2)
    0.5476190476190477

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43
    """
    moments: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for name, x in sums.items():
        if name.startswith("alpha "):
            moment, *categories = name[len("alpha ") :].split(CATEGORY)
            moments.setdefault(moment, []).append((tuple(categories), x))
    r, unit = ("s", ONE) if "s" in moments else ("r", 1)
    of_category = dict(moments.get(r, ()))
    labels, squared = sum(of_category.values()), sum([x * x for x in of_category.values()])
    expected = labels * labels - squared
    if not expected:
        return None
    n, disagreement = sums["alpha n"], sums.get("alpha d", 0)
    value = (expected * ONE - (labels - unit) * unit * disagreement) / (expected * ONE)
    if n < 2 or sums.get(WIDE):
        return Reading(value, None, None, n)
    # The linearised value less the mean, times L E^2, is c0 + cd d + the sum of cr r: whole numbers in their units.
    c0 = unit * labels * expected * disagreement
    cd = -n * labels * labels * expected
    of_label, by_use = (labels - unit) * expected + 2 * labels * squared, 2 * labels * labels
    cr = {c: n * disagreement * (of_label - by_use * x) for c, x in of_category.items()}
    squares = c0 * c0 * n + cd * cd * sums.get("alpha dd", 0) + 2 * c0 * cd * disagreement
    squares += 2 * c0 * sum([cr[c] * x for c, x in of_category.items()])
    squares += 2 * cd * sum([cr[c] * x for c, x in moments.get("d" + r, ())])
    squares += sum([(1 if a == b else 2) * cr[a,] * cr[b,] * x for (a, b), x in moments.get(r + r, ())])
    scale = labels * expected * expected * (ONE // unit)
    return Estimate(value, math.sqrt(squares / (scale * scale * n * (n - 1))), n - 1)
