"""Agreement between annotators: one integer state, many coefficients.

The state is a counter of patterns (`patterns`); a `Table` decodes it once, and each coefficient is a view of that
table in a file of its own. To add one: a new file with a `Coefficient`, and its line in `COEFFICIENTS`.

How all annotators rank the items is read from the confusions of their pairs (`rankings`): a `RankingCoefficient` is a
coefficient of whole tasks, with its line in `RANKINGS`.

Labels that are no categories are measured: the state is sums by name (`measures`), and each figure a view of these, a
`MeasuredCoefficient` with its line in `MEASURED`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from detectors.agreement.ac1 import AC1
from detectors.agreement.ac2 import AC2
from detectors.agreement.alpha import ALPHA
from detectors.agreement.alpha_interval import ALPHA_INTERVAL
from detectors.agreement.alpha_jaccard import ALPHA_JACCARD
from detectors.agreement.alpha_nominal import ALPHA_NOMINAL
from detectors.agreement.alpha_ordinal import ALPHA_ORDINAL
from detectors.agreement.alpha_ratio import ALPHA_RATIO
from detectors.agreement.boxes import BOXES
from detectors.agreement.brennan_prediger import BRENNAN_PREDIGER
from detectors.agreement.coefficient import CATEGORIES, Coefficient, Estimate, Estimator
from detectors.agreement.confused import Confused, confused, involved
from detectors.agreement.conger_kappa import CONGER_KAPPA
from detectors.agreement.fleiss_kappa import FLEISS_KAPPA
from detectors.agreement.kendall_tau_b import KENDALL_TAU_B
from detectors.agreement.kendall_w import KENDALL_W
from detectors.agreement.measured import MeasuredCoefficient
from detectors.agreement.measures import Sums
from detectors.agreement.moments import MOMENTS
from detectors.agreement.one_against_rest import each_against_rest, one_against_rest
from detectors.agreement.pairs import PAIR_COEFFICIENTS, pair_agreement, pair_agreement_of_cells
from detectors.agreement.panel import Panel, PanelCoefficient, Who
from detectors.agreement.patterns import (
    BY_SIZE,
    PatternCounts,
    against_others,
    between_groups,
    item_pattern,
    pair_pattern,
)
from detectors.agreement.percent import PERCENT, percent_of
from detectors.agreement.percent_pairs import PERCENT_PAIRS
from detectors.agreement.pooled import AlphaParts, alpha_parts
from detectors.agreement.ranked_items import RankedItems, ranking_intervals
from detectors.agreement.rankings import RankingCoefficient, rankings_of
from detectors.agreement.scale import Scale
from detectors.agreement.scott_pi import SCOTT_PI
from detectors.agreement.spans.figures import SPANS
from detectors.agreement.stack import Stack
from detectors.agreement.table import Table
from detectors.reading import Reading
from detectors.reasons import ALL_CLASSES, NO_PAIRABLE_ITEM, NOT_AVAILABLE, NOT_DECLARED, OF_TASKS

COEFFICIENTS: Mapping[str, Coefficient] = MappingProxyType(
    {
        coefficient.name: coefficient
        for coefficient in (
            PERCENT,
            PERCENT_PAIRS,
            ALPHA,
            ALPHA_NOMINAL,
            ALPHA_ORDINAL,
            ALPHA_INTERVAL,
            ALPHA_RATIO,
            ALPHA_JACCARD,
            SCOTT_PI,
            FLEISS_KAPPA,
            AC1,
            AC2,
            BRENNAN_PREDIGER,
        )
    }
)

PANEL_COEFFICIENTS: Mapping[str, PanelCoefficient] = MappingProxyType(
    {coefficient.name: coefficient for coefficient in (CONGER_KAPPA,)}
)
"""Coefficients that tell a task's annotators apart; they are shown after the others."""

RANKINGS: Mapping[str, RankingCoefficient] = MappingProxyType(
    {coefficient.name: coefficient for coefficient in (KENDALL_W, KENDALL_TAU_B)}
)
"""Coefficients of whole tasks, which every scope lists after those."""

MEASURED: tuple[MeasuredCoefficient, ...] = (*MOMENTS, *BOXES, *SPANS)
"""Figures of measured labels, in the order in which they are shown; one for each name and label type."""

MOST_PATTERNS: Final = 1000
"""A scope with more is read by itself: its arrays are long enough."""

FEWEST_SCOPES: Final = 2
"""Fewer are read one by one, which is faster."""

MOST_ROWS: Final = 100_000
"""Scopes with so many patterns, one more or less, are read together: what that takes in memory is bounded."""

__all__ = [
    "COEFFICIENTS",
    "MEASURED",
    "PAIR_COEFFICIENTS",
    "PANEL_COEFFICIENTS",
    "RANKINGS",
    "AlphaParts",
    "Coefficient",
    "Confused",
    "MeasuredCoefficient",
    "Panel",
    "PanelCoefficient",
    "PatternCounts",
    "RankedItems",
    "RankingCoefficient",
    "Scale",
    "Stack",
    "Sums",
    "Table",
    "Who",
    "against_others",
    "agreement",
    "agreement_of_each",
    "agreement_of_sums",
    "alpha_parts",
    "between_groups",
    "confused",
    "each_against_rest",
    "involved",
    "item_pattern",
    "one_against_rest",
    "pair_agreement",
    "pair_agreement_of_cells",
    "pair_pattern",
    "percent_of",
    "ranking_agreement",
    "ranking_intervals",
]


def agreement(
    counts: Mapping[str, float],
    label_type: str,
    q: int,
    scale: Scale | None = None,
    who: Who | None = None,
) -> dict[str, Reading]:
    r"""All coefficients of a scope, by name in the registries' order.

    `q` is the number of labels that the task declares; where more are seen, or none are declared, those seen. For a
    part of a task (an annotator, a class, a slice) pass the task's number, for AC1 and Brennan-Prediger depend on it;
    and the task's scale, which says how its labels are ordered. q is at least the number of categories of the scale.
    `who` says of a whole task who gave which label.

    >>> for name, reading in agreement({"a\x1fa": 8, "a\x1fb": 1, "b\x1fb": 1}, "nominal", q=2).items():
    ...     if reading.value is not None:
    ...         print(f"{name:16} {reading.value:.3f} [{reading.low:.3f}, {reading.high:.3f}] n={reading.n}")
    percent          0.900 [0.674, 1.000] n=10
    percent_pairs    0.900 [0.674, 1.000] n=10
    alpha            0.627 [-0.222, 1.000] n=10
    alpha_nominal    0.627 [-0.222, 1.000] n=10
    scott_pi         0.608 [-0.241, 1.000] n=10
    fleiss_kappa     0.608 [-0.241, 1.000] n=10
    ac1              0.866 [0.535, 1.000] n=10
    brennan_prediger 0.800 [0.348, 1.000] n=10
    """
    table = Table.of(counts, scale)
    known: dict[Estimator, Estimate | str | None] = {}
    found = {name: coefficient.reading(table, q, label_type, known) for name, coefficient in COEFFICIENTS.items()}
    panel = None if who is None else Panel.of(counts, table, who)
    for name, of_panel in PANEL_COEFFICIENTS.items():
        found[name] = of_panel.reading(panel, round(table.pairable), label_type)
    return found | _no_rankings(label_type, round(table.pairable))


def ranking_agreement(
    pairs: Mapping[tuple[str, str, str], Mapping[str, int]],
    annotators: Sequence[str],
    label_type: str,
    scale: Scale | None,
) -> dict[str, Reading]:
    """The coefficients of how all annotators of a task rank its items; n is the items that all of them labelled.

    `pairs` and `annotators` are what `detectors.agreement.rankings.rankings_of` takes.
    """
    rankings = rankings_of(pairs, annotators, label_type, scale)
    return {name: coefficient.reading(rankings) for name, coefficient in RANKINGS.items()}


def _without(label_type: str, pairable: int) -> dict[str, Reading]:
    """What a part of a task has, in the registries' order, before the coefficients that it can have are put in."""
    found = dict.fromkeys(COEFFICIENTS, Reading.undefined(pairable, NOT_AVAILABLE))
    found |= {name: each.reading(None, pairable, label_type) for name, each in PANEL_COEFFICIENTS.items()}
    return found | _no_rankings(label_type, pairable)


def _no_rankings(label_type: str, pairable: int) -> dict[str, Reading]:
    """What a part of a task has in place of its rankings."""
    why = OF_TASKS if pairable else NO_PAIRABLE_ITEM
    return dict.fromkeys(RANKINGS, Reading.undefined(pairable, why if label_type in BY_SIZE else NOT_AVAILABLE))


def agreement_of_each(
    counts: Sequence[Mapping[str, int]], label_type: str, q: int, scale: Scale | None = None
) -> list[dict[str, Reading]]:
    r"""What `agreement` gives of each of several scopes of a task, to the last digit, in a fraction of the time.

    A scope of a few patterns costs little but the calls of numpy, so that those of many are computed as one `Stack`.

    >>> counts = [{"a\x1fa": 8, "a\x1fb": 1, "b\x1fb": 1}, {"a": 3}, {"a\x1fb\x1fb": 2, "b\x1fb": 5}]
    >>> agreement_of_each(counts, "nominal", 2) == [agreement(each, "nominal", 2) for each in counts]
    True
    """
    found: dict[int, dict[str, Reading]] = {}
    if label_type in CATEGORIES:
        small = [place for place, held in enumerate(counts) if 0 < len(held) <= MOST_PATTERNS]
        for block in _blocks(small, [len(counts[place]) for place in small]):
            stack = Stack.of([counts[place] for place in block], scale) if len(block) >= FEWEST_SCOPES else None
            if stack is not None:
                of_block = _agreement_of_stack(stack, label_type, q)
                regular = zip(block, of_block, stack.regular(q).tolist(), strict=True)
                found.update((place, readings) for place, readings, each in regular if each)
    return [found.get(place) or agreement(held, label_type, q, scale) for place, held in enumerate(counts)]


def _blocks(places: Sequence[int], rows: Sequence[int]) -> Iterator[list[int]]:
    """Scopes that follow each other, and have not many more than `MOST_ROWS` rows together."""
    block: list[int] = []
    held = 0
    for place, more in zip(places, rows, strict=True):
        block.append(place)
        held += more
        if held >= MOST_ROWS:
            yield block
            block, held = [], 0
    yield block


def _agreement_of_stack(stack: Stack, label_type: str, q: int) -> Iterator[dict[str, Reading]]:
    known: dict[tuple[Estimator, float], Sequence[Reading]] = {}
    names = [name for name, coefficient in COEFFICIENTS.items() if label_type in coefficient.label_types]
    # What comes out where a scope is not regular is not used.
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [COEFFICIENTS[name].readings(stack, q, label_type, known) for name in names]
    pairable = stack.pairable.astype(np.int64).tolist()
    without = {n: _without(label_type, n) for n in set(pairable)}
    for n, *readings in zip(pairable, *columns, strict=True):
        found = without[n].copy()
        found.update(zip(names, readings, strict=True))
        yield found


def agreement_of_sums(
    sums: Mapping[str, int], label_type: str, pairable: int, *, of_class: bool = False
) -> dict[str, Reading]:
    """What there is of labels that are measured, or of one class of them.

    By name, in the registries' order: all that any task has, and what only tasks of this label type have; of a class
    also what only the whole of such a task has, which says so.
    """
    counted: tuple[Coefficient | PanelCoefficient, ...] = (*COEFFICIENTS.values(), *PANEL_COEFFICIENTS.values())
    found: dict[str, Reading] = {}
    for each in counted:
        why = NOT_DECLARED if pairable else NO_PAIRABLE_ITEM
        found[each.name] = Reading.undefined(pairable, why if label_type in each.label_types else NOT_AVAILABLE)
    found |= _no_rankings(label_type, pairable)
    own = [measured for measured in MEASURED if label_type in measured.label_types]
    if of_class:
        missing = Reading.undefined(pairable, ALL_CLASSES if pairable else NO_PAIRABLE_ITEM)
        found.update({measured.name: missing for measured in own})
    found.update(
        {measured.name: measured.reading(sums, pairable) for measured in own if measured.of_classes == of_class}
    )
    return found
