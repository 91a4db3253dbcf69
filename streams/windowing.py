"""The options by which `show` and `replay` also say how things went over time."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from streams.arguments import hours, hours_or_all
from streams.errors import Refused

DAY = 24


class Windowing(NamedTuple):
    """Windows of so many hours (None: from the beginning), one of which ends every so many hours."""

    length: int | None
    every: int


class OverTime(NamedTuple):
    """What is said of how things went over time: windows; figures in which older items count half after so many hours."""

    windows: Windowing | None = None
    half_life: int | None = None

    def __bool__(self) -> bool:
        return self != OverTime()


def add_window_arguments(parser: argparse.ArgumentParser) -> None:
    """The options --window, --every and --decay."""
    parser.add_argument(
        "--window",
        metavar="TIME",
        type=hours_or_all,
        default=argparse.SUPPRESS,
        help="also windows of this length, such as 6h, 1d or 2w; all: each from the beginning",
    )
    parser.add_argument(
        "--every",
        metavar="TIME",
        type=hours,
        help="how far apart windows end (default: their length, so that they do not overlap; with all a day)",
    )
    parser.add_argument(
        "--decay",
        metavar="TIME",
        type=hours,
        help="also figures in which items count half after this time, a quarter after twice of it, such as 1d",
    )


def over_time(args: argparse.Namespace) -> OverTime:
    """What the options say."""
    return OverTime(_windowing(args), args.decay)


def _windowing(args: argparse.Namespace) -> Windowing | None:
    if not hasattr(args, "window"):
        if args.every is not None:
            raise Refused("expected --window beside --every, found none: say how long windows are")
        return None
    length: int | None = args.window
    every = args.every or length or DAY
    if length is not None and every > length:
        raise Refused(
            f"expected --every of at most the {length} hours of --window, found {every} hours: what lies between two windows "
            "would be in none"
        )
    return Windowing(length, every)
