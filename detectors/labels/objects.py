"""Labels that are objects: events give each its shape and one spelling."""

from __future__ import annotations

from collections.abc import Callable
from json import JSONDecoder, dumps
from typing import Final, Protocol, cast

from detectors.config import OTHER, TaskConfig
from detectors.labels.declared import declared_key

_decode = JSONDecoder().raw_decode
_OTHER: Final = dumps(OTHER)


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

    def with_others(self, key: str, labels: frozenset[str]) -> str:
        r"""The label with each class that is not declared called other; the parts stand in order again.

        >>> spans = ObjectType()
        >>> spans.classes = "type"
        >>> spans.with_others('{"end":2,"start":1,"type":"z"};{"end":3,"start":0,"type":"a"}', frozenset({"a"}))
        '{"end":2,"start":1,"type":"other"};{"end":3,"start":0,"type":"a"}'
        """
        parts: list[str] = []
        name = f'"{self.classes}":'
        place = 0
        while place < len(key):
            part, end = _decode(key, place)
            text = key[place:end]
            if self.classes in part and part[self.classes] not in labels:
                # Inside a text quotes are escaped, so this is the field's name.
                start = text.index(name) + len(name)
                text = text[:start] + _OTHER + text[_decode(text, start)[1] :]
            parts.append(text)
            place = end + 1
        return ";".join(sorted(parts))


def class_names(config: TaskConfig) -> Callable[[str | None], str | None]:
    """Under which name a task counts the class of a part; a part without one stays without."""
    if config.unknown != OTHER or config.labels is None:
        return lambda name: name
    declared = frozenset(map(declared_key, config.labels))
    return lambda name: name if name is None or name in declared else OTHER
