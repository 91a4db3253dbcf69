"""Conger's kappa."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from detectors.agreement.arrays import Floats, Integers, sums, total
from detectors.agreement.coefficient import CATEGORIES, Estimate
from detectors.agreement.numbering import numbered
from detectors.agreement.panel import Panel, PanelCoefficient, Who
from detectors.agreement.patterns import LABEL, OTHERS, both, item_pattern
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
    pairs = int(panel.who.cells.count.sum())
    pairs += sum(len(labels) * (len(labels) - 1) // 2 for labels in panel.who.crowded)
    if int(np.sum(table.weight * table.size * (table.size - 1))) != 2 * pairs:
        return Reading(value, None, None, round(table.pairable))
    own = (table.size > 1) - table.disagreement / expected
    deviation = table.items / table.pairable * own - value
    factor = 2.0 * (1.0 - value) / expected
    products = _products(panel.who, use) + _crowded_products(panel.who, use)
    terms = (
        table.total(table.weight * deviation * deviation),
        2.0 * factor * total(use.count * deviation[use.row] * use.influence[use.cell]),
        factor * factor * (total(use.given * np.square(use.influence)) + 2.0 * products),
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
    annotators: Mapping[str, int]
    labels: Mapping[str, int]
    """The numbers of both, in their order."""
    keys: Integers
    """By cell: the annotator's number times how many labels there are, plus the label's; in ascending order."""
    given: Floats
    """By cell: how often the annotator gave the label."""
    influence: Floats
    """By cell: f."""
    cell: Integers
    """By annotator's pattern: the cell of the own label."""
    row: Integers
    """By annotator's pattern: the row of the table that has the items of that pattern."""
    count: Floats
    """By annotator's pattern: how many items have it."""

    @classmethod
    def of(cls, panel: Panel) -> _Use:
        held = {annotator: patterns for annotator, patterns in sorted(panel.who.own.items()) if patterns}
        # The same patterns come with every annotator.
        shown, patterns = numbered(chain.from_iterable(held.values()), sum(map(len, held.values())))
        own = [pattern.partition(OTHERS)[0] for pattern in patterns]
        row = np.array([panel.rows[_item(pattern)] for pattern in patterns], np.int64)
        labels = {label: place for place, label in enumerate(sorted(set(own)))}
        label = np.array([labels[each] for each in own], np.int64)
        count = np.fromiter(chain.from_iterable([each.values() for each in held.values()]), np.float64)
        by = np.repeat(np.arange(len(held)), list(map(len, held.values())))
        keys, cell = np.unique(by * len(labels) + label[shown], return_inverse=True)
        given = sums(cell, count, len(keys))
        who, what = np.divmod(keys, max(1, len(labels)))
        r = len(held)
        labelled = sums(who, given, r)
        share = given / labelled[who]
        of_others = (sums(what, share, len(labels))[what] - share) / (r * (r - 1))
        mean = sums(who, share * of_others, r)
        influence = panel.table.items / labelled[who] * (mean[who] - of_others)
        annotators = {annotator: place for place, annotator in enumerate(held)}
        return cls(total(share * of_others), annotators, labels, keys, given, influence, cell, row[shown], count)

    def cells(self, keys: Integers) -> Integers:
        """The cells with these keys."""
        found = np.searchsorted(self.keys, keys)
        if not np.array_equal(self.keys[found], keys):
            raise KeyError
        return found


def _item(pattern: str) -> str:
    """The pattern of an item as one annotator sees it, as all see it."""
    own, separator, others = pattern.partition(OTHERS)
    return item_pattern([own, *others.split(LABEL)]) if separator else own


def _products(who: Who, use: _Use) -> float:
    """The sum over items of f times f of each two annotators."""
    cells = who.cells
    pairs = [[use.annotators[a], use.annotators[b]] for a, b in sorted(who.pairs)]
    labels = [[use.labels[label] for label in both(pattern)] for pattern in cells.patterns]
    keys = np.array(pairs, np.int64).reshape(-1, 2)[cells.pair] * len(use.labels)
    keys += np.array(labels, np.int64).reshape(-1, 2)[cells.pattern]
    one, other = use.influence[use.cells(keys)].T
    return float(np.sum(cells.count * one * other))


def _crowded_products(who: Who, use: _Use) -> float:
    """The same over the items that are in no confusion: half of what the square of their sum is above their squares."""
    terms: list[float] = []
    for labels in who.crowded:
        keys = [use.annotators[annotator] * len(use.labels) + use.labels[label] for annotator, label in labels.items()]
        influence = use.influence[use.cells(np.array(keys, np.int64))]
        terms.append((total(influence) ** 2 - total(influence * influence)) / 2.0)
    return math.fsum(terms)


CONGER_KAPPA = PanelCoefficient("conger_kappa", CATEGORIES, -1.0, conger_kappa)
