"""Krippendorff's alpha of sets, with Passonneau's distance."""

from __future__ import annotations

from detectors.agreement.coefficient import alpha_of
from detectors.agreement.rows import Answer, Figure, Rows
from detectors.reasons import TOO_MUCH


def alpha_masi(table: Rows[Figure, Answer], _q: int) -> Answer | str | None:
    r"""One minus observed over expected disagreement, with a distance that forgives a set within another.

    $$ \alpha = 1 - \left(1 - \frac 1 n\right) \frac{D_o}{D_e}, \qquad
       \delta_{AB} = 1 - \frac{|A \cap B|}{|A \cup B|} M_{AB} $$

    with M 1 for equal sets, 2/3 where one contains the other, 1/3 where they overlap otherwise; 0 between empty sets.
    The package nltk has the same, but divides by zero for two empty sets. The interval is that of
    `detectors.agreement.coefficient.alpha_of`; `detectors.agreement.sets` says what it costs. Undefined without a
    pairable item, where the pairable items show one set only, and for more different sets than can be compared.

    >>> from detectors.agreement.alpha import ALPHA
    >>> from detectors.agreement.table import Table
    >>> table = Table.of({"x\x1fx\x1dy": 1, "y\x1fy": 1, "x\x1dz\x1fz": 1, "x\x1fx": 1})
    >>> ALPHA.reading(table, q=3, label_type="multilabel")  # doctest: +ELLIPSIS
    Reading(value=0.553191489..., low=..., high=1.0, n=4, why='')

    References
    ----------
    Passonneau, R. (2006). Measuring agreement on set-valued items (MASI) for semantic and pragmatic annotation.
    Proceedings of LREC 2006, 831-836. https://aclanthology.org/L06-1392/
    """
    sets = table.sets
    return TOO_MUCH if sets is None else alpha_of(table, *sets.masi)
