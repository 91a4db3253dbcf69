"""Files of JSON lines, plain or compressed with gzip, or standard input, read a line at a time."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Self, cast

from streams.errors import Refused, Unavailable
from streams.parsing import LONGEST_MESSAGE

STANDARD_INPUT: Final = "-"
UTF8_MARK: Final = b"\xef\xbb\xbf"

OTHER_KINDS: Final = (
    (b"\x28\xb5\x2f\xfd", "zstd", "decompress it (zstd -d)"),
    (b"BZh", "bzip2", "decompress it (bunzip2)"),
    (b"\xfd7zXZ", "xz", "decompress it (xz -d)"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"PAR1", "Parquet", "export it as JSON lines"),
    (b"SQLite format 3", "a SQLite database", "name the events, not the store"),
    (b"\xff\xfe", "UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16", "save it as UTF-8"),
)
"""How files begin that are given by mistake, what they are, and the remedy."""


class Lines:
    """The lines of a file with their numbers, without their ends; blank ones are left out.

    Of a line longer than a message may be, only the beginning is kept: too long to be taken for an event.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == STANDARD_INPUT else name
        self.size: int | None = None
        try:
            if name == STANDARD_INPUT:
                raw = sys.stdin.buffer
            else:
                raw = Path(name).open("rb")  # noqa: SIM115 - see __exit__
                status = os.fstat(raw.fileno())
                self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
            self._raw = cast("io.BufferedReader", raw)
            begin = self._raw.peek(16)
        except OSError as error:
            raise _not_there(name, error.strerror) from None
        compressed = begin[:2] == b"\x1f\x8b"
        if not compressed and (kind := _other_kind(begin, whole=self.size is not None)):
            self._close_raw()
            raise Refused(f"{self.name}: expected JSON lines, plain or .gz, found {kind}")
        self._lines = gzip.GzipFile(fileobj=self._raw) if compressed else self._raw

    @property
    def position(self) -> int:
        """Bytes of the file that were read so far; 0 for a stream, which has no size."""
        return 0 if self.size is None else self._raw.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lines is not self._raw:
            self._lines.close()
        self._close_raw()

    def _close_raw(self) -> None:
        if self._raw is not sys.stdin.buffer:  # that one belongs to the process
            self._raw.close()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        number = 0
        while line := self._line(number + 1):
            number += 1
            if len(line) > LONGEST_MESSAGE and not line.endswith(b"\n"):
                while (rest := self._line(number)) and not rest.endswith(b"\n"):
                    pass
            line = line.rstrip(b"\r\n")
            if number == 1:
                line = line.removeprefix(UTF8_MARK)
            if line.strip():
                yield number, line

    def _line(self, number: int) -> bytes:
        try:
            return self._lines.readline(LONGEST_MESSAGE + 2)
        except (EOFError, zlib.error, gzip.BadGzipFile):  # BadGzipFile is an OSError too
            raise Refused(
                f"{self.name}: line {number}: expected gzip to its end, found it damaged or cut off; "
                "the lines before were read; make the file again"
            ) from None
        except OSError as error:
            raise Unavailable(
                f"{self.name}: line {number}: expected to read on, found an error of the disk ({error.strerror}); "
                "the lines before were read"
            ) from None


def check_readable(names: Iterable[str]) -> None:
    """Refuse files that are not there or of another kind, before the first of them is used; a pipe is left alone."""
    for name in names:
        if name != STANDARD_INPUT:
            path = Path(name)
            if not path.exists():
                raise _not_there(name, "No such file or directory")
            if path.is_dir() or not os.access(path, os.R_OK):
                raise _not_there(name, "Is a directory" if path.is_dir() else "Permission denied")
            if path.is_file():
                with Lines(name):
                    pass


def _other_kind(begin: bytes, *, whole: bool) -> str:
    """What a file is that holds no JSON lines, and the remedy: one error, instead of thousands of lines; "" if none.

    `begin` is the first block of a regular file (`whole`), or what a pipe has given so far.
    """
    for mark, kind, remedy in OTHER_KINDS:
        if begin.startswith(mark):
            return f"{kind}; {remedy}"
    # A binary line among others is refused as a line; a file has to look as if it held no event at all.
    if whole and b"\0" in begin and not re.search(rb"^[ \t]*[{\[]", begin, re.MULTILINE):
        return "a binary file; name another"
    return ""


def _not_there(name: str, reason: str | None) -> Refused:
    return Refused(f"{name}: expected a file of JSON lines, found none that can be read ({reason}); name one")
