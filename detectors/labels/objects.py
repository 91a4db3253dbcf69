"""Labels that are objects: events give each its shape and one spelling."""

from __future__ import annotations

from json import JSONDecoder
from typing import Protocol, cast

_decode = JSONDecoder().raw_decode


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
    classes: str | None = None
    """The field that has the class of a part of the object; None where parts have none."""

    def key(self, label: object) -> str | None:
        """The label's one spelling."""
        # As `ObjectLabel` would say, but asking a Protocol whether it is met takes longer than all else here.
        return cast("ObjectLabel", label).text() if getattr(label, "shape", None) == self.name else None

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether the class of every part lies in the declared set; a part without one says none that does not."""
        place = 0
        while self.classes is not None and place < len(key):
            part, end = _decode(key, place)
            if self.classes in part and part[self.classes] not in labels:
                return False
            place = end + 1  # a semicolon stands between two parts
        return True
