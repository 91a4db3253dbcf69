"""Krippendorff's alpha of sets, with Jaccard's distance."""

from __future__ import annotations

from detectors.agreement.coefficient import Coefficient, alpha_of
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.reasons import TOO_MUCH


def alpha_jaccard(table: Rows[Figure, Answer], _q: int) -> Answer | str | None:
    r"""One minus observed over expected disagreement, with the share of members that two sets have not in common.

    $$ \alpha = 1 - \left(1 - \frac 1 n\right) \frac{D_o}{D_e}, \qquad
       \delta_{AB} = 1 - \frac{|A \cap B|}{|A \cup B|} $$

    and 0 between empty sets. A label is a set of names, whose key is `detectors.agreement.patterns.set_key`. The interval is that of
    `detectors.agreement.coefficient.alpha_of`; `detectors.agreement.sets` says what it costs. Undefined without a
    pairable item, where the pairable items show one set only, and for more different sets than can be compared.

    >>> from detectors.agreement.table import Table
    >>> table = Table.of({"x\x1fx\x1dy": 1, "y\x1fy": 1, "x\x1dz\x1fz": 1, "x\x1fx": 1})
    >>> ALPHA_JACCARD.reading(table, q=3, label_type="multilabel")  # doctest: +ELLIPSIS
    Reading(value=0.634782608..., low=..., high=1.0, n=4, why='')

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    Annenberg School for Communication. https://repository.upenn.edu/asc_papers/43

    Jaccard, P. (1912). The distribution of the flora in the alpine zone.
    New Phytologist 11(2), 37-50. https://doi.org/10.1111/j.1469-8137.1912.tb05611.x
    """
    sets = table.sets
    return TOO_MUCH if sets is None else alpha_of(table, *sets.jaccard)


ALPHA_JACCARD = Coefficient("alpha_jaccard", frozenset({"multilabel"}), -1.0, alpha_jaccard)
