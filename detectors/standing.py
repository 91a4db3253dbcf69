"""How each annotator of a task stands, where nothing more is asked than that: of many at once, and of one after a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from detectors.agreement import COEFFICIENTS, percent_of
from detectors.labels import level_of
from detectors.scope import Scope, Tally


class Standing(NamedTuple):
    """Items with an annotation in force; counted answers to gold, the correct ones; percent agreement with the others."""

    items: int
    answers: int
    correct: int
    agreement: float | None
    """None without a pairable item, and of labels that are measured."""

    @property
    def accuracy(self) -> float | None:
        """The share of the answers that is correct; None without an answer."""
        return self.correct / self.answers if self.answers else None


def standings(scopes: Mapping[str, Scope], label_type: str | None) -> dict[str, Standing]:
    r"""The standing of each annotator, whose scope it is, on labels of this type.

    The agreement is the annotator's `percent` of the document.

    >>> scope = Scope(3, 3, 0, {"nominal": Tally(3, 2, 1, 1, {"a\x1ea": 1, "a\x1eb": 1, "b": 1})})
    >>> standings({"ann": scope}, "nominal")
    {'ann': Standing(items=3, answers=1, correct=1, agreement=0.5)}
    """
    comparable = label_type is not None and level_of(label_type) in COEFFICIENTS["percent"].label_types
    found = {}
    for annotator, scope in scopes.items():
        tally = scope.tallies.get(label_type or "", _NOTHING)
        agreement = percent_of(tally.patterns) if comparable else None
        found[annotator] = Standing(scope.items, tally.answers, tally.correct, agreement)
    return found


_NOTHING = Tally()
