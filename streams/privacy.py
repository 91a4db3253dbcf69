"""The names under which annotators may be shown, and what stays of an erased one: keyed hashes."""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache

PSEUDONYM_VERSION = "v1"


class Privacy:
    """Pseudonyms and erasure hashes under one secret key; both differ between projects.

    >>> privacy = Privacy(b"secret")
    >>> privacy.pseudonym("p", "ada") == privacy.pseudonym("q", "ada")
    False
    >>> privacy.pseudonym("p", "ada")[:3], len(privacy.pseudonym("p", "ada"))
    ('v1-', 19)
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.pseudonym = lru_cache(maxsize=100_000)(self._pseudonym)
        self.erasure_hash = lru_cache(maxsize=100_000)(self._erasure_hash)

    def _pseudonym(self, project: str, annotator: str) -> str:
        """The name of an annotator in metrics, alerts and dashboards."""
        return f"{PSEUDONYM_VERSION}-{self._hash('annotator', project, annotator)[:16]}"

    def _erasure_hash(self, project: str, annotator: str) -> str:
        """What stays of an erased annotator; its key is never rotated."""
        return self._hash("erasure", project, annotator)

    def _hash(self, *parts: str) -> str:
        digest = hmac.digest(self._key, "\x1f".join(parts).encode(), "sha256")
        return base64.b32encode(digest).decode().lower().rstrip("=")
