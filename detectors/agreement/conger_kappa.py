"""Conger's kappa."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from detectors.agreement.arrays import Floats, Integers, sums, total
from detectors.agreement.coefficient import CATEGORIES, Estimate
from detectors.agreement.panel import Panel, PanelCoefficient
from detectors.agreement.patterns import LABEL, OTHERS, item_pattern
from detectors.reading import Reading
from detectors.reasons import INCONSISTENT

_ROUNDING: Final = 1e-14


def conger_kappa(panel: Panel) -> Estimate | Reading | str | None:
    r"""Percent agreement corrected for the chance that two annotators agree who use the labels each in their own way.

    $$ \kappa = \frac{p_a - p_e}{1 - p_e}, \qquad p_e = \frac{1}{R(R - 1)} \sum_{g \ne h} \sum_c p_{gc} p_{hc} $$

    with $p_{gc}$ annotator g's share of label c, over all items that g labelled, of R annotators: the mean of Cohen's
    chance agreement over all pairs. With two annotators and no missing label it is Cohen's kappa.

    An item with disagreement $d_i$, and the label $c_{ig}$ of each annotator g on it, has the linearised value

    $$ x_i = \frac{N}{n} \left([m_i \ge 2] - \frac{d_i}{D_e}\right) + 2 (1 - \kappa) \frac{1}{D_e} \sum_{g \in i} f_g(c_{ig}),
       \qquad f_g(c) = \frac{N}{n_g} \left(\sum_k p_{gk} a_{gk} - a_{gc}\right), \qquad
       a_{gc} = \frac{\sum_{h \ne g} p_{hc}}{R(R - 1)} $$

    where $D_e = 1 - p_e$, and g labelled $n_g$ of the N items. The variance $\sum_i (x_i - \kappa)^2 / N(N - 1)$ is that of
    irrCAC. It needs no item: its squares are sums over the item patterns, its products of an item's agreement and a label
    sums over each annotator's labels against the others', its products of two labels sums over confusions. Items with
    more than 50 labels have no confusions; these must be given themselves (`detectors.agreement.panel.Who.crowded`), for
    without them there is no interval.

    Undefined without a pairable item and where all items have one same label.

    >>> from detectors.agreement.panel import Who
    >>> from detectors.agreement.table import Table
    >>> counts = {"a\x1fa": 20, "a\x1fb": 15, "b\x1fb": 15}
    >>> own = {"ann": {"a\x1ea": 20, "a\x1eb": 5, "b\x1ea": 10, "b\x1eb": 15}}
    >>> own["bob"] = {"a\x1ea": 20, "b\x1ea": 5, "a\x1eb": 10, "b\x1eb": 15}
    >>> pairs = {("ann", "bob"): {"a\x1fa": 20, "a\x1fb": 5, "b\x1fa": 10, "b\x1fb": 15}}
    >>> conger_kappa(Panel.of(counts, Table.of(counts), Who(own, pairs)))  # doctest: +ELLIPSIS
    Estimate(value=0.4, error=0.12828..., degrees=49.0)

    References
    ----------
    Conger, A. J. (1980). Integration and generalization of kappas for multiple raters.
    Psychological Bulletin 88(2), 322-328. https://doi.org/10.1037/0033-2909.88.2.322

    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics. ISBN 978-0970806284.
    """
    if panel.table.categories < 2:
        return None
    try:
        return _estimate(panel)
    except (KeyError, IndexError):
        return INCONSISTENT


def _estimate(panel: Panel) -> Estimate | Reading:
    table = panel.table
    use = _Use.of(panel)
    expected = 1.0 - use.chance
    value = 1.0 - table.observed_disagreement / expected
    pairs = sum(sum(confusion.values()) for confusion in panel.who.pairs.values())
    pairs += sum(len(labels) * (len(labels) - 1) // 2 for labels in panel.who.crowded)
    if int(np.sum(table.weight * table.size * (table.size - 1))) != 2 * pairs:
        return Reading(value, None, None, round(table.pairable))
    own = (table.size > 1) - table.disagreement / expected
    deviation = table.items / table.pairable * own - value
    factor = 2.0 * (1.0 - value) / expected
    products = _products(panel, use) + _crowded_products(panel, use)
    terms = (
        total(table.weight * deviation * deviation),
        2.0 * factor * total(use.count * deviation[use.row] * use.influence[use.cell]),
        factor * factor * (total(use.count * use.influence[use.cell] ** 2) + 2.0 * products),
    )
    squares = math.fsum(terms)
    # Where all items say the same the terms cancel, and what is left is their rounding.
    if squares < _ROUNDING * max(map(abs, terms)):
        squares = 0.0
    return Estimate(value, math.sqrt(squares / (table.items * max(table.items - 1.0, 1.0))), table.items - 1)


@dataclass(frozen=True, eq=False)
class _Use:
    """How each annotator uses the labels; a cell is an annotator with a label that this one gave."""

    chance: float
    """Conger's agreement by chance."""
    influence: Floats
    """By cell: f."""
    number: dict[tuple[str, str], int]
    """The cell of an annotator and a label."""
    cell: Integers
    """By annotator's pattern: the cell of the own label."""
    row: Integers
    """By annotator's pattern: the row of the table that has the items of that pattern."""
    count: Floats
    """By annotator's pattern: how many items have it."""

    @classmethod
    def of(cls, panel: Panel) -> _Use:
        number: dict[tuple[str, str], int] = {}
        found: list[tuple[int, int, int]] = []
        read: dict[str, tuple[str, int]] = {}
        for annotator, patterns in sorted(panel.who.own.items()):
            for pattern, n in sorted(patterns.items()):
                # The same patterns come with every annotator.
                if pattern not in read:
                    own, _, others = pattern.partition(OTHERS)
                    whole = item_pattern([own, *others.split(LABEL)]) if others or OTHERS in pattern else own
                    read[pattern] = own, panel.rows[whole]
                own, row_of_item = read[pattern]
                found.append((number.setdefault((annotator, own), len(number)), row_of_item, n))
        cell, row, count = np.array(found, np.int64).reshape(-1, 3).T
        given = sums(cell, count.astype(np.float64), len(number))
        annotators = {annotator: place for place, annotator in enumerate(sorted({one for one, _ in number}))}
        labels = {label: place for place, label in enumerate(sorted({label for _, label in number}))}
        who = np.array([annotators[annotator] for annotator, _ in number], np.int64)
        what = np.array([labels[label] for _, label in number], np.int64)
        r = len(annotators)
        labelled = sums(who, given, r)
        share = given / labelled[who]
        # Summed in one order, so that equal counters have equal readings to the last digit.
        of_others = (sums(what, share, len(labels))[what] - share) / (r * (r - 1))
        mean = sums(who, share * of_others, r)
        influence = panel.table.items / labelled[who] * (mean[who] - of_others)
        return cls(total(share * of_others), influence, number, cell, row, count.astype(np.float64))


def _products(panel: Panel, use: _Use) -> float:
    """The sum over items of f times f of each two annotators."""
    people = {annotator: place for place, annotator in enumerate(dict.fromkeys(one for one, _ in use.number))}
    labels = {label: place for place, label in enumerate(dict.fromkeys(label for _, label in use.number))}
    keys = np.array([people[annotator] * len(labels) + labels[label] for annotator, label in use.number], np.int64)
    order = np.argsort(keys)
    confusions = panel.who.pairs.values()
    lengths = list(map(len, confusions))
    patterns = {pattern: place for place, pattern in enumerate(dict.fromkeys(chain.from_iterable(confusions)))}
    both = np.array([[labels[label] for label in pattern.split(LABEL)] for pattern in patterns], np.int64).reshape(
        -1, 2
    )
    who = np.array([[people[a], people[b]] for a, b in panel.who.pairs], np.int64).reshape(-1, 2)
    shown = np.fromiter(map(patterns.__getitem__, chain.from_iterable(confusions)), np.int64, sum(lengths))
    count = np.fromiter(chain.from_iterable(each.values() for each in confusions), np.float64, sum(lengths))
    cells = np.repeat(who, lengths, axis=0) * len(labels) + both[shown]
    one, other = order[np.searchsorted(keys[order], cells)].T
    return total(count * use.influence[one] * use.influence[other])


def _crowded_products(panel: Panel, use: _Use) -> float:
    """The same over the items that are in no confusion: half of what the square of their sum is above their squares."""
    terms: list[float] = []
    for labels in panel.who.crowded:
        influence = use.influence[[use.number[cell] for cell in labels.items()]]
        terms.append((total(influence) ** 2 - total(influence * influence)) / 2.0)
    return math.fsum(terms)


CONGER_KAPPA = PanelCoefficient("conger_kappa", CATEGORIES, -1.0, conger_kappa)
