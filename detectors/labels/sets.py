"""Multilabel: a set of names."""

from __future__ import annotations

import json
from collections.abc import Sequence

from detectors.agreement.patterns import members, set_key
from detectors.config import OTHER


class Multilabel:
    """A list of strings, read as a set.

    >>> Multilabel().key(["b", "a", "b"]) == Multilabel().key(["a", "b"])
    True
    """

    name = "multilabel"
    categorical = True
    answers = True

    def key(self, label: object) -> str | None:
        """The members in order; the set of the empty name alone differs from the empty set."""
        return set_key(label) if isinstance(label, list | tuple) else None

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether every member lies in the declared set."""
        return labels.issuperset(members(key))

    def with_others(self, key: str, labels: frozenset[str]) -> str:
        r"""The set with each member that is not declared called other; of several one is left.

        >>> Multilabel().with_others("a\x1db\x1dc", frozenset({"b"}))
        'b\x1dother'
        """
        return set_key(name if name in labels else OTHER for name in members(key))

    def classes_of(self, key: str) -> Sequence[str]:
        """Its members: a label has a name or has it not."""
        return members(key)

    def text(self, key: str) -> str:
        """The list as events have it, its members in order.

        >>> Multilabel().text(Multilabel().key(["b", "a"]))
        '["a", "b"]'
        """
        return json.dumps(members(key), ensure_ascii=False)
