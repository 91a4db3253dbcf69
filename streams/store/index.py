"""An index of appended rows that costs little to write, however random its keys.

A B-tree keyed by random ids rewrites a page for every row. Here the newest entries are a dictionary, and every
100,000 of them become one sorted run that is written once. Keys are 32-bit checksums: a lookup may answer rows that
are not meant, never misses one that is; who fetches the rows compares.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RUN = 100_000


class Run(NamedTuple):
    """A sorted run: checksums (uint32) and row numbers (int64), both as bytes."""

    checksums: bytes
    rows: bytes


def checksum(*parts: str) -> int:
    """The 32-bit checksum of a key.

    >>> checksum("project", "annotation") == checksum("project", "annotation")
    True
    """
    return zlib.crc32("\x1f".join(parts).encode())


class RowIndex:
    """Which rows carry a key, by checksum.

    >>> index = RowIndex()
    >>> index.add(7, 1); index.add(7, 2); index.add(9, 3)
    >>> index.find([7, 8])
    [1, 2]
    """

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._checksums: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self._rows: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._tail: dict[int, int | list[int]] = {}
        self.tail_size = 0
        runs = list(runs)
        if runs:
            checksums = np.concatenate([np.frombuffer(run.checksums, np.uint32) for run in runs])
            rows = np.concatenate([np.frombuffer(run.rows, np.int64) for run in runs])
            order = np.argsort(checksums, kind="stable")
            self._checksums, self._rows = checksums[order], rows[order]

    def add(self, key: int, row: int) -> None:
        """Append an entry."""
        held = self._tail.setdefault(key, row)
        if held is not row:
            if isinstance(held, list):
                held.append(row)
            elif held != row:
                self._tail[key] = [held, row]
        self.tail_size += 1

    def find(self, keys: Sequence[int]) -> list[int]:
        """The rows of all these keys, in no order that means anything."""
        found: list[int] = []
        tail = self._tail
        for key in keys:
            rows = tail.get(key)
            if rows is not None:
                if isinstance(rows, list):
                    found.extend(rows)
                else:
                    found.append(rows)
        if len(self._checksums) and keys:
            wanted = np.unique(np.array(keys, np.uint32))
            first = np.searchsorted(self._checksums, wanted, "left")
            last = np.searchsorted(self._checksums, wanted, "right")
            for start, stop in zip(first[last > first], last[last > first], strict=True):
                found.extend(self._rows[start:stop].tolist())
        return found

    def cut(self) -> Run:
        """Turn the newest entries into a sorted run, and answer it for writing."""
        entries = sorted(
            (key, row) for key, rows in self._tail.items() for row in (rows if isinstance(rows, list) else (rows,))
        )
        checksums = np.array([key for key, _ in entries], np.uint32)
        rows = np.array([row for _, row in entries], np.int64)
        places = np.searchsorted(self._checksums, checksums, "right")
        self._checksums = np.insert(self._checksums, places, checksums)
        self._rows = np.insert(self._rows, places, rows)
        self._tail = {}
        self.tail_size = 0
        return Run(checksums.tobytes(), rows.tobytes())
