"""Files of JSON lines, plain or compressed with gzip, or standard input, read a line at a time."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self, cast

from streams.errors import Refused
from streams.parsing import LONGEST_MESSAGE

STANDARD_INPUT: Final = "-"


class Lines:
    """The lines of a file with their numbers, without their ends; blank ones are left out.

    Of a line longer than a message may be, only the beginning is kept: too long to be taken for an event.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == STANDARD_INPUT else name
        try:
            raw = sys.stdin.buffer if name == STANDARD_INPUT else Path(name).open("rb")  # noqa: SIM115 - see __exit__
            self.size = None if name == STANDARD_INPUT else Path(name).stat().st_size
            self._raw = cast("io.BufferedReader", raw)
            compressed = self._raw.peek(2)[:2] == b"\x1f\x8b"
        except OSError as error:
            raise Refused(f"{name}: expected a file of JSON lines, found none ({error.strerror}); name one") from None
        self._read = 0
        self._lines = gzip.GzipFile(fileobj=self._raw) if compressed else self._raw

    @property
    def position(self) -> int:
        """Bytes of the file that were read so far."""
        return self._read

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._raw.close()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        number = 0
        while line := self._line(number + 1):
            number += 1
            if len(line) > LONGEST_MESSAGE and not line.endswith(b"\n"):
                while (rest := self._line(number)) and not rest.endswith(b"\n"):
                    pass
            if self.size is not None:
                self._read = self._raw.tell()
            line = line.rstrip(b"\r\n")
            if line.strip():
                yield number, line

    def _line(self, number: int) -> bytes:
        try:
            return self._lines.readline(LONGEST_MESSAGE + 2)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise Refused(
                f"{self.name}: line {number}: expected gzip to its end, found it damaged or cut off; "
                "the lines before were read; make the file again"
            ) from None
