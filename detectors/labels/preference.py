"""Preference: which of two options is better, or neither."""

from __future__ import annotations

from typing import Final

FIRST: Final = "first"
SECOND: Final = "second"
TIE: Final = "tie"


class Preference:
    """One of three answers: the first option, the second, or a tie.

    First is the option with the smaller id, character by character, in whatever order the options were shown: so the
    answers to a pair agree exactly if they prefer the same option, and an item's gold is right for the same answer.

    >>> from types import SimpleNamespace
    >>> def label(chosen: str, rejected: str) -> object:
    ...     return SimpleNamespace(shape="preference", chosen=chosen, rejected=rejected, tie=False)
    >>> Preference().key(label("model-a", "model-b")), Preference().key(label("model-b", "model-a"))
    ('first', 'second')
    """

    name = "preference"
    categorical = True
    answers = True
    level = "nominal"
    options: tuple[str, ...] = (FIRST, SECOND, TIE)

    def key(self, label: object) -> str | None:
        """First, second or tie."""
        # Asking for each attribute costs a tenth of asking whether the label fulfils a Protocol.
        if getattr(label, "shape", None) != self.name:
            return None
        if getattr(label, "tie", None) is True:
            return TIE
        chosen, rejected = getattr(label, "chosen", None), getattr(label, "rejected", None)
        if not isinstance(chosen, str) or not isinstance(rejected, str) or chosen == rejected:
            return None
        return FIRST if chosen < rejected else SECOND

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Always: a declared set names labels, and a preference names what is compared."""
        return True
