"""What a change of a JSON Schema takes away from those who write messages by the earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_AT_MOST = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_AT_LEAST = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_SAME = ("pattern", "format", "multipleOf", "uniqueItems", "const", "prefixItems", "not", "oneOf", "allOf", "if")


def incompatible_changes(earlier: Schema, later: Schema) -> list[str]:
    """Each way in which a message written by the earlier schema may be refused or understood otherwise by the later.

    Fields and whole types of message may be added, limits widened, alternatives added; nothing may be removed, narrowed
    or newly required, and no default may change.
    """
    return list(dict.fromkeys(_Comparison(earlier, later).value(earlier, later, "$")))


class _Comparison:
    def __init__(self, earlier: Schema, later: Schema) -> None:
        self._earlier, self._later = earlier, later

    def value(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """What the later schema of one value takes away."""
        if old.get("default", _NONE) != new.get("default", _NONE):
            yield f"{path}: the default changed"
        candidates = _alternatives(new, self._later)
        for one in _alternatives(old, self._earlier):
            kind = _kind(one)
            like = [other for other in candidates if _kind(other) == kind] or [
                other for other in candidates if _kind(other) is None or (kind, _kind(other)) == ("integer", "number")
            ]
            if not like:
                yield f"{path}: {kind} is no longer taken"
            else:
                yield from min((list(self._alternative(one, other, path)) for other in like), key=len)

    def _alternative(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        if "enum" in new:
            gone = [value for value in old.get("enum", ["any value"]) if value not in new["enum"]]
            if gone:
                yield f"{path}: narrowed, {gone} is no longer taken"
        for name in (*_AT_MOST, *_AT_LEAST):
            if name in new and (name not in old or _narrower(name, old[name], new[name])):
                yield f"{path}: narrowed by {name}"
        for name in _SAME:
            if name in new and new[name] != old.get(name):
                yield f"{path}: narrowed by {name}"
        for name, part in old.get("properties", {}).items():
            if name not in new.get("properties", {}):
                yield f"{path}.{name}: removed"
            else:
                yield from self.value(part, new["properties"][name], f"{path}.{name}")
        for name in new.get("required", []):
            if name not in old.get("required", []):
                yield f"{path}.{name}: newly required"
        for name, inside in (("items", "[]"), ("additionalProperties", "{}"), ("propertyNames", "{}")):
            if new.get(name, True) is not True:
                if old.get(name, True) is True:
                    yield f"{path}{inside}: narrowed by {name}"
                elif new[name] is not False:
                    yield from self.value(old[name], new[name], f"{path}{inside}")
                elif old[name] is not False:
                    yield f"{path}{inside}: narrowed by {name}"


_NONE = object()


def _narrower(name: str, old: float, new: float) -> bool:
    return new < old if name in _AT_MOST else new > old


def _alternatives(node: Schema, root: Schema) -> list[Schema]:
    while "$ref" in node:
        node = root["$defs"][node["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in node:
        return [found for part in node["anyOf"] for found in _alternatives(part, root)]
    return [node]


def _kind(node: Schema) -> object:
    """What tells the alternatives of one value apart: the type, and of a type of message its name."""
    if node.get("type") == "object":
        return ("object", *node.get("properties", {}).get("type", {}).get("enum", ()))
    return node.get("type") or ("enum" if "enum" in node else None)
