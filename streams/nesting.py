"""How deep JSON text nests, and the elements of an array that is too deep for a decoder.

A decoder gives up at a depth that depends on how much of the stack its caller has used, so one event could be read by
a worker and refused by a replay. A fixed limit, looked at before decoding, makes the answer a function of the bytes.
"""

from __future__ import annotations

import re
from typing import Final

_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]++|[\]}]++|,', re.DOTALL)  # brackets in runs, for speed
_SPACE: Final = b" \t\r\n"
_PASSES: Final = 5  # each takes away the innermost one or two levels, and an array of events with boxes has six


def nests_deeper(text: bytes, limit: int) -> bool:
    """Whether objects and arrays stand within each other more than `limit` deep, strings left aside.

    >>> nests_deeper(b'{"a": [{"b": "[[["}]}', 3), nests_deeper(b'{"a": [{"b": []}]}', 3)
    (False, True)
    """
    brackets = text.translate(None, _NOT_BRACKETS)
    if len(brackets) <= limit:
        return False
    for _ in range(min(limit // 2, _PASSES)):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    if not brackets:
        return False
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0] in b"[{":
            depth += len(token)
            if depth > limit:
                return True
        elif token[0] in b"]}":
            depth -= len(token)
    return False


def elements(text: bytes, most: int) -> list[bytes] | None:
    """The elements of a JSON array, cut at its own commas, at most `most` and one; None where it is not one array.

    Only the array's own brackets and commas are looked at: each element is still to be decoded.

    >>> elements(b'[{"a": [1, 2]}, "],[", 3]', 1000)
    [b'{"a": [1, 2]}', b'"],["', b'3']
    """
    found: list[bytes] = []
    depth = begin = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0] in b"[{":
            if depth == 0:
                begin = match.start() + 1
            depth += len(token)
        elif token[0] in b"]}":
            depth -= len(token)
            if depth == 0:
                found.append(text[begin : match.end() - 1].strip(_SPACE))
                return None if text[match.end() :].strip(_SPACE) else found
        elif token == b"," and depth == 1:
            found.append(text[begin : match.start()].strip(_SPACE))
            if len(found) > most:
                return found
            begin = match.end()
    return None
