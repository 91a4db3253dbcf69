"""What a home says: messages that are written in the transaction they tell of, and published after it.

A message has a deterministic id, so that whoever hears it twice can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, cast

import msgspec

from detectors.alarms import Alarm
from streams.alerts import alert_message
from streams.dead_letters import Origin, headers_of
from streams.parsing import DeadLetter
from streams.store import rows
from streams.store.base import Batch, Row
from streams.store.tables import OUTBOX

FORWARDED: Final = "kappawatch-forwarded"
"""The header of an event that was sent on to its home; it is not sent on again."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish."""

    number: int
    id: str
    topic: str
    partition: int | None
    key: str | None
    value: bytes
    headers: tuple[tuple[str, str], ...]


class Outbox:
    """The messages of one home. Where nobody is to be told, as in a replay, it stays empty."""

    def __init__(self, home: int, next_number: int, *, publishes: bool) -> None:
        self.next_number = next_number
        self.unsent: list[Message] = []
        """Those that are stored, and not known to be published."""
        self._home = home
        self._publishes = publishes
        self._said: list[Message] = []

    def load(self, row: Row) -> None:
        """Take a stored message, if it is unsent."""
        _, number, name, topic, partition, key, value, headers, state = cast(
            "tuple[int, int, str, str, int | None, str | None, bytes, str, str]", row
        )
        if state == "unsent":
            pairs = tuple((name, value) for name, value in msgspec.json.decode(headers))
            self.unsent.append(Message(number, name, topic, partition, key, bytes(value), pairs))

    def committed(self) -> None:
        """What was said is stored now."""
        self.unsent += self._said
        self._said.clear()

    def refuse(self, batch: Batch, topic: str, letter: DeadLetter, origin: Origin, element: int) -> None:
        """Say that an event was refused, and why."""
        self._say(batch, _name("dead-letter", origin, element), topic, letter.value, headers_of(letter, origin))

    def forward(
        self, batch: Batch, topic: str, value: bytes, origin: Origin, element: int, *, partition: int, project: str
    ) -> None:
        """Send an event on to its project's home."""
        name, headers = _name("forward", origin, element), ((FORWARDED, str(origin)),)
        self._say(batch, name, topic, value, headers, partition=partition, key=project)

    def alert(self, batch: Batch, topic: str, alarm: Alarm) -> None:
        """Say that an alarm was raised, went on, or was cleared."""
        name = f"{alarm.id}-{alarm.sequence}"
        self._say(batch, name, topic, alert_message(alarm), (), key=alarm.cause.project)

    def _say(
        self,
        batch: Batch,
        name: str,
        topic: str,
        value: bytes,
        headers: tuple[tuple[str, str], ...],
        *,
        partition: int | None = None,
        key: str | None = None,
    ) -> None:
        if not self._publishes:
            return
        headers = (("kappawatch-id", name), *headers)
        message = Message(self.next_number, name, topic, partition, key, value, headers)
        self.next_number += 1
        self._said.append(message)
        row = (self._home, message.number, name, topic, partition, key, value, rows.to_json(headers), "unsent")
        batch.put(OUTBOX, row)


def _name(kind: str, origin: Origin, element: int) -> str:
    return sha256(f"{kind}/{origin}/{element}".encode()).hexdigest()[:24]
