"""An index of appended rows that costs little to write, however random its keys.

A B-tree keyed by random ids rewrites a page for every row. Here entries are sorted among those that came with them, and
short runs are merged into longer ones, so that there are never more than a few to search. An entry is one integer: 28 bits
of a checksum of its key, then 36 bits of row number. So a lookup may answer rows that are not meant (four in a hundred
lookups among ten million entries) and never misses one that is; who fetches the rows compares. What a key
begins with is what many others begin with: its checksum is made once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Prefix = str | tuple[str, ...]
Key = tuple[Prefix, str]
"""What it shares with many others, and a name."""

Entries = npt.NDArray[np.uint64]
"""Sorted entries: of all those of one checksum, the lowest row first."""

ROW_BITS: Final = 36
_ROW: Final = np.uint64((1 << ROW_BITS) - 1)
_GROWTH: Final = 4
"""A run is merged into the one before that is not more than this many times as long."""


class Prefixes(dict[Prefix, int]):
    """The checksums of what keys begin with: a key's own is `crc32(name.encode(), prefixes[prefix])`."""

    def __missing__(self, prefix: Prefix) -> int:
        names = (prefix,) if isinstance(prefix, str) else prefix
        checksum = self[prefix] = zlib.crc32("".join(f"{name}\x1f" for name in names).encode())
        return checksum


def entries(keys: list[int], rows: Sequence[int]) -> Entries:
    """The entries of rows, each with the checksum of its key.

    >>> entries(checksums([("p", "a"), ("p", "b")]), [1, 2]).nbytes
    16
    """
    return np.sort(_raised(keys) | np.array(rows, np.uint64))


def marks(keys: Iterable[Key]) -> Entries:
    """The entries of keys that have no row, for an index that only says which keys there are.

    >>> marks([("p", "a"), ("p", "b")]).nbytes
    16
    """
    return np.sort(_checksums(keys))


def merged(runs: Iterable[Entries]) -> Entries:
    """One run of several."""
    return np.sort(np.concatenate([np.empty(0, np.uint64), *runs]), kind="stable")


class RowIndex:
    """Which rows may carry a key.

    >>> index = RowIndex()
    >>> index.add(entries(checksums([("p", "seven"), ("p", "seven"), ("p", "nine")]), [1, 2, 3]))
    >>> index.find([("p", "seven"), ("p", "eight")])
    [1, 2]
    """

    def __init__(self, run: Entries | None = None) -> None:
        self._runs = [] if run is None else [run]

    def add(self, run: Entries) -> None:
        """Take in entries."""
        runs = self._runs
        while runs and len(runs[-1]) <= _GROWTH * len(run):
            run = merged((runs.pop(), run))
        runs.append(run)

    def after(self, row: int) -> Entries:
        """The entries of rows above this one."""
        return merged(run[run & _ROW > row] for run in self._runs)

    def find(self, keys: Iterable[Key]) -> list[int]:
        """The rows that may carry one of these keys, in order."""
        wanted = np.unique(_checksums(keys))
        found: set[int] = set()
        for run in self._runs:
            first, held = _places(run, wanted)
            last = np.searchsorted(run, wanted[held] | _ROW, side="right")
            for start, stop in zip(first[held].tolist(), last.tolist(), strict=True):
                found.update((run[start:stop] & _ROW).tolist())
        return sorted(found)

    def may_hold(self, keys: Iterable[Key]) -> list[bool]:
        """Of each key whether there is a row that may carry it."""
        wanted = _checksums(keys)
        held = np.zeros(len(wanted), bool)
        for run in self._runs:
            held |= _places(run, wanted)[1]
        return held.tolist()


def _places(run: Entries, wanted: Entries) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where in a run these checksums begin, and which of them it holds."""
    first = np.searchsorted(run, wanted)
    held = first < len(run)
    held[held] = run[first[held]] <= wanted[held] | _ROW
    return first, held


def checksums(keys: Iterable[Key]) -> list[int]:
    """The keys' checksums."""
    crc32, prefixes = zlib.crc32, Prefixes()
    return [crc32(name.encode(), prefixes[prefix]) for prefix, name in keys]


def _checksums(keys: Iterable[Key]) -> Entries:
    """The keys' checksums in the upper bits."""
    return _raised(checksums(keys))


def _raised(checksums: list[int]) -> Entries:
    return np.array(checksums, np.uint64) >> np.uint64(ROW_BITS - 32) << np.uint64(ROW_BITS)
