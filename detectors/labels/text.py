"""Nominal labels: names without order."""

from __future__ import annotations

from detectors.labels.base import InDeclaredSet
from detectors.labels.numbers import number_key


class Nominal(InDeclaredSet):
    """A string or a boolean; in a task that is configured as nominal also a number, by value.

    >>> Nominal().key("yes"), Nominal().key(False), Nominal().key(1.0), Nominal().key(["a"])
    ('yes', 'false', '1', None)
    """

    name = "nominal"
    categorical = True
    answers = True

    def key(self, label: object) -> str | None:
        """The string itself."""
        if isinstance(label, str):
            return label
        if isinstance(label, bool):
            return "true" if label else "false"
        if isinstance(label, int | float):
            return number_key(label)
        return None
