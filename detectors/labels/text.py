"""Labels that are names: nominal ones have no order."""

from __future__ import annotations

from detectors.config import OTHER
from detectors.labels.base import InDeclaredSet
from detectors.labels.numbers import number_key


class Name(InDeclaredSet):
    """A string, a boolean, or a number by value."""

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


class Nominal(Name):
    """A string or a boolean; in a task that is configured as nominal also a number, by value.

    >>> Nominal().key("yes"), Nominal().key(False), Nominal().key(1.0), Nominal().key(["a"])
    ('yes', 'false', '1', None)
    """

    name = "nominal"

    def with_others(self, key: str, labels: frozenset[str]) -> str:
        """The label itself, if it is declared."""
        return key if key in labels else OTHER
