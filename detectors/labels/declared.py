"""The labels that a task declares."""

from __future__ import annotations

from detectors.labels.numbers import number_key


def declared_key(label: str | bool | int | float) -> str:
    """The key of a label of a declared set.

    >>> declared_key(True), declared_key(1.0), declared_key("a")
    ('true', '1', 'a')
    """
    if isinstance(label, bool):
        return "true" if label else "false"
    if isinstance(label, str):
        return label
    key = number_key(label)
    if key is None:
        raise ValueError(f"expected a number of at most 12 places and at most 10^9, found {label!r}")
    return key
