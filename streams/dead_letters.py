"""Dead letters as messages: why an event was refused, and where it was read, in their headers.

Homes write them, `kappawatch publish` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.parsing import DeadLetter

# Headers of a dead letter's message, beside kappawatch-id, which repeats of one message share.
REASON: Final = "kappawatch-reason"
PATH: Final = "kappawatch-path"
ORIGIN: Final = "kappawatch-origin"
LENGTH: Final = "kappawatch-length"
SHA256: Final = "kappawatch-sha256"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message was read; `topic/partition/offset` in a header."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def of(cls, text: str) -> Origin:
        """Read what `str` wrote.

        >>> Origin.of("annotations/3/17")
        Origin(topic='annotations', partition=3, offset=17)
        """
        topic, partition, offset = text.split("/")
        return cls(topic, int(partition), int(offset))


def headers_of(letter: DeadLetter, origin: Origin) -> tuple[tuple[str, str], ...]:
    """What a dead letter's message says of it, beside its value."""
    return (
        (REASON, letter.reason),
        (PATH, letter.path),
        (ORIGIN, str(origin)),
        (LENGTH, str(letter.length)),
        (SHA256, letter.sha256),
    )


def read_dead_letter(value: bytes | None, headers: Any) -> tuple[DeadLetter, Origin]:
    """A dead letter and its origin from a message of the topic; ValueError if another program wrote the message."""
    named: Mapping[str, bytes] = dict(headers)
    try:
        letter = DeadLetter(
            named[REASON].decode(), named[PATH].decode(), value or b"", int(named[LENGTH]), named[SHA256].decode()
        )
        return letter, Origin.of(named[ORIGIN].decode())
    except (KeyError, AttributeError, TypeError, ValueError):
        raise ValueError("expected the headers of a dead letter, found others") from None
