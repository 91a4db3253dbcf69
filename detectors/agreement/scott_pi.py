"""Scott's pi."""

from __future__ import annotations

from detectors.agreement.coefficient import CATEGORIES, Coefficient
from detectors.agreement.fleiss_kappa import fleiss_kappa

SCOTT_PI = Coefficient("scott_pi", CATEGORIES, -1.0, fleiss_kappa)
r"""Percent agreement corrected for the chance that two labels drawn from all items are equal, whoever gave them.

Scott defined it for two annotators. Fleiss' kappa is its extension to any number of them and to missing labels, and
equals it where every item has two labels; irrCAC has no other for raw labels (its `scott` is of a table of two). So for
any number of annotators it is `fleiss_kappa`, to the last digit. For a table of two annotators irrCAC divides the
variance by n, where for raw labels it divides by n - 1; so do we, always.

>>> from detectors.agreement.table import Table
>>> SCOTT_PI.reading(Table.of({"a\x1fa": 20, "a\x1fb": 15, "b\x1fb": 15}), q=2)  # doctest: +ELLIPSIS
Reading(value=0.39393939..., low=0.13219..., high=0.65568..., n=50, why='')

References
----------
Scott, W. A. (1955). Reliability of content analysis: the case of nominal scale coding.
Public Opinion Quarterly 19(3), 321-325. https://doi.org/10.1086/266577

Artstein, R. and Poesio, M. (2008). Inter-coder agreement for computational linguistics.
Computational Linguistics 34(4), 555-596. https://doi.org/10.1162/coli.07-034-R2
"""
