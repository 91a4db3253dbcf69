"""A figure with its interval: what every statistic answers when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple


class Reading(NamedTuple):
    """A value with its 95 % interval, the number of observations behind it, and why it is undefined if it is.

    `value`, `low` and `high` are None where undefined; `why` is "" unless `value` is None.

    >>> Reading(0.8, 0.6, 0.95, 20).as_document()
    {'value': 0.8, 'low': 0.6, 'high': 0.95, 'n': 20}
    >>> Reading.undefined(0, "no pairable item").as_document()
    {'value': None, 'low': None, 'high': None, 'n': 0, 'why': 'no pairable item'}
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    why: str = ""

    @classmethod
    def undefined(cls, n: int, why: str) -> Reading:
        """A reading without a value, and the reason."""
        return cls(None, None, None, n, why)

    @classmethod
    def of_each(
        cls, values: Sequence[float], lows: Sequence[float], highs: Sequence[float], counts: Sequence[int]
    ) -> list[Reading]:
        """Many readings at once."""
        # What `_make` does, but for its check of the length, which takes as long again.
        return list(map(partial(tuple.__new__, cls), zip(values, lows, highs, counts, repeat(""))))

    @classmethod
    def undefined_of_each(cls, counts: Sequence[int], why: str) -> list[Reading]:
        """The readings without a value of each of these numbers of observations."""
        found = {n: cls.undefined(n, why) for n in set(counts)}
        return [found[n] for n in counts]

    def as_document(self) -> dict[str, float | int | str | None]:
        """The object S of the replay document; `why` only where the value is null."""
        document: dict[str, float | int | str | None] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
        }
        if self.value is None:
            document["why"] = self.why
        return document
