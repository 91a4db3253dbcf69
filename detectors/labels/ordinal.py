"""Ordinal labels: names or numbers with an order, given by the declared set or by value."""

from __future__ import annotations

from detectors.labels.text import Name


class Ordinal(Name):
    """A string, boolean or number; its rank is its place in the declared set."""

    name = "ordinal"
