"""Krippendorff's alpha at the task's level of measurement."""

from __future__ import annotations

from detectors.agreement.alpha_interval import alpha_interval
from detectors.agreement.alpha_masi import alpha_masi
from detectors.agreement.alpha_nominal import alpha_nominal
from detectors.agreement.alpha_ordinal import alpha_ordinal
from detectors.agreement.alpha_ratio import alpha_ratio
from detectors.agreement.coefficient import CATEGORIES, Coefficient

ALPHA = Coefficient(
    "alpha",
    CATEGORIES | {"multilabel"},
    -1.0,
    alpha_nominal,
    by_type={
        "ordinal": alpha_ordinal,
        "interval": alpha_interval,
        "ratio": alpha_ratio,
        "multilabel": alpha_masi,
    },
)
r"""One minus observed over expected disagreement, with the distance that the label type has.

Of nominal labels and preferences it is `alpha_nominal`, of ordinal labels `alpha_ordinal`, of interval ones
`alpha_interval`, of ratio ones `alpha_ratio`, to the last digit; of sets it is `detectors.agreement.alpha_masi`.

>>> from detectors.agreement.table import Table
>>> ALPHA.reading(Table.of({"a\x1fa": 6, "a\x1fb": 1, "b\x1fb": 5}), q=2)  # doctest: +ELLIPSIS
Reading(value=0.83916083..., low=0.46980..., high=1.0, n=12, why='')

References
----------
Krippendorff, K. (2004). Reliability in content analysis: some common misconceptions and recommendations.
Human Communication Research 30(3), 411-433. https://doi.org/10.1111/j.1468-2958.2004.tb00738.x
"""
