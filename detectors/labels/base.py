"""What a label type is."""

from __future__ import annotations

from typing import Protocol


class LabelType(Protocol):
    """A kind of label: which labels it takes, and the key by which equal ones are one label."""

    name: str
    categorical: bool
    """Whether its labels are categories, so that agreement is counted by equal labels."""

    answers: bool
    """Whether an answer to a gold item is right exactly if its key is among the accepted ones."""

    def key(self, label: object) -> str | None:
        """A text without control characters below 0x1e that equal labels share; None if the label does not fit."""
        ...

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether the key lies in the declared set."""
        ...


class InDeclaredSet:
    """The usual rule for a declared set: the key is one of its members."""

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether the key is a member."""
        return key in labels
