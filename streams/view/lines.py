"""Lines that are never wrapped: where there is no room, names give way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text


class Named(NamedTuple):
    """A name in a line: it gives way where there is no room for all of the line."""

    text: str
    style: str = ""


Part = str | tuple[str, str] | Named


@dataclass(frozen=True, slots=True, init=False)
class Line:
    """One line, never wrapped: where there is no room for all, its names are shortened in their middle."""

    parts: tuple[Part, ...]

    def __init__(self, *parts: Part) -> None:
        object.__setattr__(self, "parts", parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ellipsis = "..." if options.ascii_only else "…"
        room = options.max_width - sum(_cells(part) for part in self.parts if not isinstance(part, Named))
        names = sorted(_cells(part) for part in self.parts if isinstance(part, Named))
        longest = max(names, default=0)
        for place, cells in enumerate(names):
            # A short name leaves what it does not need to the longer ones.
            if cells > (share := max(room // (len(names) - place), 0)):
                longest = share
                break
            room -= cells
        yield Text.assemble(
            *(
                (shortened(part.text, longest, ellipsis), part.style) if isinstance(part, Named) else part
                for part in self.parts
            ),
            no_wrap=True,
            overflow="crop",
        )

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, sum(map(_cells, self.parts)))


def _cells(part: Part) -> int:
    return cell_len(part if isinstance(part, str) else part[0])


def shortened(name: str, width: int, ellipsis: str = "…") -> str:
    """A name in so many columns: its beginning and its end, since either may be what differs.

    >>> shortened("annotator-0017-of-vendor-b", 15), shortened("ada", 15)
    ('annotat…endor-b', 'ada')
    """
    if cell_len(name) <= width:
        return name
    kept = max(0, width - len(ellipsis))
    tail = ""
    for character in reversed(name):
        if cell_len(character + tail) > kept // 2:
            break
        tail = character + tail
    return (set_cell_size(name, kept - cell_len(tail)) + ellipsis[:width]) + tail
