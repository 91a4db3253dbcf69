"""Multilabel: a set of names."""

from __future__ import annotations


class Multilabel:
    """A list of strings, read as a set.

    >>> Multilabel().key(["b", "a", "b"]) == Multilabel().key(["a", "b"])
    True
    """

    name = "multilabel"
    categorical = False
    answers = True
    _SEPARATOR = "\x1d"

    def key(self, label: object) -> str | None:
        """The members in order; the set of the empty name alone differs from the empty set."""
        if not isinstance(label, list | tuple):
            return None
        members = sorted(set(label))
        return self._SEPARATOR if members == [""] else self._SEPARATOR.join(members)

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether every member lies in the declared set."""
        return not key or labels.issuperset(key.split(self._SEPARATOR))
