"""Labels that are objects: events give each its shape and one spelling."""

from __future__ import annotations

from typing import Protocol, cast


class ObjectLabel(Protocol):
    """A label that is an object."""

    @property
    def shape(self) -> str:
        """boxes, spans or preference."""
        ...

    def text(self) -> str:
        """One spelling for equal labels."""
        ...


class ObjectType:
    """A label type whose labels are objects."""

    name: str

    def key(self, label: object) -> str | None:
        """The label's one spelling."""
        # As `ObjectLabel` would say, but asking a Protocol whether it is met takes longer than all else here.
        return cast("ObjectLabel", label).text() if getattr(label, "shape", None) == self.name else None

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether the label fits a declared set: the set names classes inside the object, not the object."""
        return True


class Preference(ObjectType):
    """The better one of a pair, or a tie."""

    name = "preference"
    categorical = False
    answers = True
