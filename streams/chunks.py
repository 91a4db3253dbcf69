"""Chunks of the log, and whether one continues the position that a home has reached.

Between the fetch and the fold chunks get lost: Faust clears its queues when partitions are revoked, and a fetch may
overlap a seek. So a chunk carries the offset from which its records were read on. Where that lies above the position,
what is between was lost on the way and is read again. Where only the records begin above it, the log itself holds
nothing between (compaction, transaction markers), unless it was cut.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import accumulate
from typing import Any, Final, NamedTuple

from faust.types.tuples import TP

MOST_RECORDS: Final = 15_000
MOST_BYTES: Final = 4 << 20
"""A chunk ends at whichever comes first. A backlog passes in large chunks, so that a row which many events change is
written once for thousands of them."""


class Chunk(NamedTuple):
    """Records of one partition in order, read on from the offset `since`.

    `reads` says how often the partition had been sought or revoked when they were fetched.
    """

    topic: str
    partition: int
    reads: int
    since: int
    records: Sequence[Any]

    @property
    def tp(self) -> TP:
        """The chunk's topic and partition."""
        return TP(self.topic, self.partition)


class Following(Enum):
    """How a chunk stands to a position."""

    ON = auto()
    """It continues the position, or lies below it."""
    LOST = auto()
    """Records between were fetched and lost on the way: read again from the position."""
    GONE = auto()
    """The log holds no records between: right if the broker removed them, wrong if the log was cut."""
    BACK = auto()
    """It was read from an offset at which the log has ended before: it is another log."""


def follows(chunk: Chunk, position: int) -> Following:
    """How the chunk stands to the last offset that was taken in (-1: none, so the log's start is as good as 0).

    >>> records = [type("Record", (), {"offset": offset}) for offset in (7, 8)]
    >>> [follows(Chunk("gold", 0, 1, 7, records), position).name for position in (5, 6, 7)]
    ['LOST', 'ON', 'ON']
    >>> follows(Chunk("gold", 0, 1, 3, records), 2).name
    'GONE'
    """
    first = chunk.records[0].offset
    if first < chunk.since:
        return Following.BACK
    if chunk.since > position + 1:
        return Following.LOST
    if first > position + 1 and position >= 0:
        return Following.GONE
    return Following.ON


class Cursors:
    """Where the reading of each partition goes on; used by the thread that fetches and seeks, so that it is exact."""

    def __init__(self) -> None:
        self.reads: dict[TP, int] = defaultdict(int)
        self._next: dict[TP, int] = {}

    def seek(self, tp: TP, offset: int) -> None:
        """The partition is read on from this offset."""
        self.reads[tp] += 1
        self._next[tp] = offset

    def forget(self, partitions: Iterable[TP]) -> None:
        """These partitions are no longer read; where another reading of them begins is not known."""
        for tp in partitions:
            self.reads[tp] += 1
            self._next.pop(tp, None)

    def next(self, tp: TP) -> int | None:
        """The offset after the last record that was fetched; None where it is not known."""
        return self._next.get(tp)

    def cut(self, tp: TP, records: Sequence[Any]) -> list[Chunk]:
        """Fetched records as chunks: at most `MOST_RECORDS` of them and, unless one record is larger, `MOST_BYTES`."""
        reads, chunks = self.reads[tp], []
        since = self._next.get(tp)
        for part in _parts(records):
            chunks.append(Chunk(*tp, reads, part[0].offset if since is None else since, part))
            since = self._next[tp] = part[-1].offset + 1
        return chunks


def _parts(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    before = list(accumulate([len(record.value or b"") for record in records], initial=0))
    start = 0
    while start < len(records):
        fitting = bisect_right(before, before[start] + MOST_BYTES) - 1
        end = min(max(fitting, start + 1), start + MOST_RECORDS)
        yield records[start:end]
        start = end
