"""The interface of every detector: River's, and what alarms and stores need on top of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self, TypeAlias

from river.base import DriftDetector

State: TypeAlias = dict[str, int | float | str | list[int | float]]
"""A detector's state in plain JSON values."""

Evidence: TypeAlias = dict[str, int | float | None]
"""The numbers behind an alarm, by name."""

WATCHING: Final = 0
DETECTED: Final = 1
DRIFTED: Final = 2
RECOVERED: Final = 3


class SequentialDetector(DriftDetector, ABC):
    """A sequential test on one signal: it sees each observation once, in order, and the order matters.

    As in River, `drift_detected` speaks of the last update only. After a detection the detector watches for the good
    state instead; `recovered` says that the last update brought enough evidence of it. The update after that begins
    again from nothing. In between, `drifted` stays true:

        watching --drift_detected--> drifted --recovered--> watching

    Laws: equal observations in equal order give equal detectors, and a detector that is dumped and loaded anywhere
    goes on exactly as if it had not been.
    """

    signal: ClassVar[str]
    """What is observed."""

    name: ClassVar[str]
    """The method."""

    version: ClassVar[int]
    """Raised when a change of method makes stored states mean something else."""

    def __init__(self) -> None:
        super().__init__()
        self._phase: int = WATCHING

    def update_until(self, xs: Sequence[float]) -> tuple[int, int | None]:
        """Take observations in order, one or more, none beyond the first that detects or recovers.

        How many were taken, and the place of the last of them that found the detector `quiet` (None: none did). The
        detector is as if each had been an `update`, but may have got there faster.
        """
        quiet = None
        for place, x in enumerate(xs):
            if self.quiet:
                quiet = place
            self.update(x)
            if self.drift_detected or self.recovered:
                return place + 1, quiet
        return len(xs), quiet

    @property
    def drift_detected(self) -> bool:
        """Whether the last update detected a drift."""
        return self._phase == DETECTED

    @property
    def recovered(self) -> bool:
        """Whether the last update, after a detection, showed that the good state has returned."""
        return self._phase == RECOVERED

    @property
    def drifted(self) -> bool:
        """Whether a detection stands: made, and not yet recovered from."""
        return self._phase in {DETECTED, DRIFTED}

    @property
    @abstractmethod
    def quiet(self) -> bool:
        """Whether nothing points at a change, so that the next observation would be the first of one."""

    @abstractmethod
    def rearm(self) -> None:
        """Take a detection back: watch on as if the last observation had not quite sufficed."""

    @abstractmethod
    def evidence(self) -> Evidence:
        """The numbers for an alarm; None where undefined.

        Every detector gives: `n` observations seen; `change_point`, how many of them came before the estimated change,
        and `since_change`, how many after; the level `before` and `after` it and `back`, since the good state seems to
        have returned, each with `_low` and `_high` (95 %) and `_n`; and `run_length`, how many observations of an
        unchanged good state there are on average to one false detection. The change point is chosen because the
        observations after it look bad: the intervals describe, the detector has decided.
        """

    @abstractmethod
    def dump(self) -> State:
        """The state as plain JSON values; `load` reads it back exactly."""

    @classmethod
    @abstractmethod
    def load(cls, state: object) -> Self:
        """The detector of a dumped state; ValueError where the state is not one of this method and version."""


class Fields:
    """A dumped state while it is read back: each field is checked for its type.

    >>> Fields({"n": 3}, "cusum").integer("n")
    3
    >>> Fields({"n": "3"}, "cusum").integer("n")
    Traceback (most recent call last):
      ...
    ValueError: state of the detector cusum: expected an integer at $.n, found '3'; rebuild the task from its annotations
    """

    __slots__ = ("_detector", "_values")

    def __init__(self, state: object, detector: str) -> None:
        self._detector = detector
        if not isinstance(state, Mapping):
            raise self.refusal("an object", "$", state)
        self._values = state

    def integer(self, key: str) -> int:
        """The integer at a key."""
        value: object = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refusal("an integer", f"$.{key}", value)
        return value

    def number(self, key: str) -> float:
        """The number at a key."""
        value: object = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refusal("a number", f"$.{key}", value)
        return float(value)

    def text(self, key: str) -> str:
        """The string at a key."""
        value: object = self._values.get(key)
        if not isinstance(value, str):
            raise self.refusal("a string", f"$.{key}", value)
        return value

    def refusal(self, expected: str, path: str, found: object) -> ValueError:
        """The error to raise: what was expected where, what was found, and what to do."""
        return ValueError(
            f"state of the detector {self._detector}: expected {expected} at {path}, found {found!r:.80}; "
            "rebuild the task from its annotations"
        )
