"""A command's arguments: their types, and errors in one line that say what was expected, what was found and what to do."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Final, NoReturn

LONGEST_FOUND: Final = 80
"""Characters of a wrong value that are repeated in its error."""


class ArgumentParser(argparse.ArgumentParser):
    """A parser whose errors are one line, like those of the commands themselves; they end with exit code 2."""

    def error(self, message: str) -> NoReturn:
        """End with the message."""
        self.exit(2, f"{self.prog}: {_reworded(message)}; --help lists the arguments\n")


def _reworded(message: str) -> str:
    r"""What argparse says, in the words of our own errors.

    >>> _reworded("argument --format: invalid choice: 'xml' (choose from 'text', 'json')")
    "argument --format: expected text or json, found 'xml'"
    >>> _reworded("argument --rate: invalid float value: 'fast'")
    "argument --rate: expected a number, found 'fast'"
    >>> _reworded("argument --rate: expected one argument")
    'argument --rate: expected a value, found none'
    >>> _reworded("the following arguments are required: FILE, --url")
    'expected FILE, --url, found none'
    >>> _reworded("unrecognized arguments: --colour")
    'expected no further argument, found --colour'
    """
    if found := re.fullmatch(r"(.*: )invalid choice: (.+?) \(choose from (.+)\)", message, re.DOTALL):
        choices = [choice.strip("'") for choice in found[3].split(", ")]
        wanted = " or ".join([", ".join(choices[:-1]), choices[-1]] if choices[1:] else choices)
        return f"{found[1]}expected {wanted}, found {_short(found[2])}"
    if found := re.fullmatch(r"(.*: )invalid (int|float) value: (.+)", message, re.DOTALL):
        return f"{found[1]}expected {'a whole number' if found[2] == 'int' else 'a number'}, found {_short(found[3])}"
    if found := re.fullmatch(r"(.*: )expected one argument", message, re.DOTALL):
        return f"{found[1]}expected a value, found none"
    if found := re.fullmatch(r"the following arguments are required: (.+)", message, re.DOTALL):
        return f"expected {found[1]}, found none"
    if found := re.fullmatch(r"unrecognized arguments: (.+)", message, re.DOTALL):
        return f"expected no further argument, found {_short(found[1])}"
    return message


def wrong(expected: str, text: str) -> argparse.ArgumentTypeError:
    """What a type of an argument raises for a value that it cannot take."""
    return argparse.ArgumentTypeError(f"expected {expected}, found {_short(repr(text))}")


def positive(text: str) -> float:
    """A finite number above 0, as the type of an argument.

    >>> positive("2.5")
    2.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (number > 0 and math.isfinite(number)):
        raise wrong("a number above 0", text)
    return number


def whole(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """A whole number within bounds, as the type of an argument.

    >>> whole(0, 65535)("8080")
    8080
    """
    bounds = "" if low is None else f" from {low}" if high is None else f" from {low} to {high}"

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or (low is not None and number < low) or (high is not None and number > high):
            raise wrong(f"a whole number{bounds}", text)
        return number

    return read


_HOURS: Final = {"h": 1, "d": 24, "w": 7 * 24}
LONGEST_HOURS: Final = 100 * 366 * 24
ALL: Final = "all"


def hours(text: str) -> int:
    """A time of whole hours, days or weeks, as the type of an argument.

    >>> hours("6h"), hours("1d"), hours("2w")
    (6, 24, 336)
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})([hdw])", text)
    number = int(found[1]) * _HOURS[found[2]] if found is not None else 0
    if not 0 < number <= LONGEST_HOURS:
        raise wrong("hours, days or weeks such as 6h, 1d or 2w, at most a century", text)
    return number


def hours_or_all(text: str) -> int | None:
    """The same, or `all` for a time without bound.

    >>> hours_or_all("all"), hours_or_all("1d")
    (None, 24)
    """
    return None if text == ALL else hours(text)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_FOUND else f"{text[:LONGEST_FOUND]}..."
