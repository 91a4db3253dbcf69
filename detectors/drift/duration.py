"""River's ADWIN on log duration: whether an annotator works at another pace than before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import ClassVar, Final, Self

from river.drift import ADWIN

from detectors.drift.base import DETECTED, DRIFTED, RECOVERED, WATCHING, Evidence, Fields, SequentialDetector, State
from detectors.drift.river_state import dump_river, load_river

SHORTEST: Final = 0.05
"""Seconds; a shorter duration counts as this: no person decides faster, and the logarithm of 0 does not exist."""

LOG_SHORTEST: Final = math.log(SHORTEST)

LEAST_BEFORE: Final = 30
"""A level known from fewer durations than this is still being learnt: leaving it is no change."""

SLACK: Final = 0.25
"""Half-width, in standard deviations, of the band about the level before the change."""

RETURN_THRESHOLD: Final = 12.0
"""Of the CUSUM that clears: while the level is 0.5 standard deviations off, one false recovery in 6,000 durations."""

CLIP: Final = 3.0
"""Standard deviations; one break of an hour is one observation, not the evidence of ten."""

LEVEL_WEIGHT: Final = 0.1
"""Of the newest duration in the current level: a memory of about 20 durations."""

SMALLEST_DEVIATION: Final = 0.05
"""Of log durations; clocks that tick in seconds may show an annotator without any variation."""

GRAIN: Final = 2.0**40
"""Logarithms are rounded to multiples of its inverse, so that the last digit of a platform's log does not count."""

RUN_LENGTHS: Final = {(0.01, 4): 400_000}
"""Measured average run length to a false alarm, by ADWIN's delta and clock."""

Z: Final = NormalDist().inv_cdf(0.975)


class AdwinDuration(SequentialDetector):
    r"""River's ADWIN on the logarithm of durations, which clears when the level returns to where it was.

    Feed durations in seconds. ADWIN decides whether the mean log duration has changed, up or down. It does not say well
    when: what it keeps of its window may be mostly old, and River empties it on the next update. So the change is placed
    where the current level (an exponential mean of weight 0.1) last crossed the mean of all durations, or where ADWIN cut,
    whichever explains more of the variation.

    The level before that, $\mu$, and the standard deviation $\sigma$ are kept. With $z$ the standardised deviation in the
    direction of the change, at most 3 either way, the CUSUM

    $$ R_0 = 0, \qquad R_t = \max(0, R_{t-1} + 1/4 - z_t) $$

    grows while the level is in the band of a quarter standard deviation about $\mu$, and recovers at 12 or above; then
    all begins again. Where the level has passed the band and left it on the other side (the durations since $R$ last left
    0 are on average more than half a standard deviation off), the change stands and the direction turns.

    Seeded simulation of log-normal durations of standard deviation 0.55, as in real annotation, with the defaults
    (`python -m tests.benchmarks.detector_quality` prints it all, with intervals):

    - one false alarm in 400,000 durations (95 % interval 320,000 to 530,000). At standard deviations of 0.38 and 0.9, with
      breaks in 2 % of the durations, or with heavier tails, still less than one in 150,000; but one in 29,000 where
      neighbours correlate by 0.2.
    - a change to 61 % or 37 % of the time is found after a median of 64 and 20 durations if 100 came before it, 40 and 20
      if 1,000 did.
    - the return to the level before is found after 49 durations on average. The recovery is wrong once in 6,000 durations
      while the level is half a standard deviation off, and practically never beyond.
    - smaller changes are at the edge of what this sees. One to 78 % (0.45 standard deviations) after 100 durations is not
      found within 3,000 in two of three cases, and of the found a quarter clear by themselves within 300; after 1,000
      durations it is always found, after a median of 116, and one in eight clears by itself.

    That is the price of few false alarms. A delta of 0.1 finds the change to 61 % after 36 and 28 durations and three of
    four of those to 78 %, and cries wolf once in 26,000 durations: a campaign that makes 200 a second would hear it every
    two minutes.

    Durations that a tool computes as equal shares of a page's are one observation: feed the detector one of them. Fed
    singly they correlate by 0.7 and more, and it alarms at the pages.

    A dumped detector keeps its `delta` and `clock`. Changed defaults reach stored detectors through `version` only.

    >>> import random
    >>> draw = random.Random(1).lognormvariate
    >>> detector = AdwinDuration()
    >>> for number in range(1, 500):
    ...     detector.update(draw(3, 0.5) * (0.4 if 200 <= number < 300 else 1))
    ...     if detector.drift_detected or detector.recovered:
    ...         print(number, "drift" if detector.drift_detected else "recovered")
    228 drift
    349 recovered

    References
    ----------
    Bifet, A., Gavaldà, R. (2007). Learning from time-changing data with adaptive windowing. SIAM International
    Conference on Data Mining, 443-448. https://doi.org/10.1137/1.9781611972771.42
    """

    signal: ClassVar[str] = "log_duration"
    name: ClassVar[str] = "adwin"
    version: ClassVar[int] = 2

    _COUNTS: ClassVar = ("phase", "n", "begun", "side", "run_n", "before_n", "direction", "back_n")
    _SUMS: ClassVar = ("total", "squares", "level", "run_total", "before", "deviation", "statistic", "back_total")
    __slots__ = ("_adwin", "clock", "delta", *(f"_{name}" for name in (*_COUNTS, *_SUMS)))

    def __init__(self, delta: float = 0.01, clock: int = 4) -> None:
        super().__init__()
        if not 0 < delta < 1 or clock < 1:
            raise ValueError(
                f"expected ADWIN's delta between 0 and 1 and a clock of at least 1, found {delta}, {clock}"
            )
        self.delta = delta
        self.clock = clock
        self._n = 0  # durations seen
        self._begin()

    def _begin(self) -> None:
        self._phase = WATCHING
        self._adwin: ADWIN | None = ADWIN(delta=self.delta, clock=self.clock)  # type: ignore[no-untyped-call]
        self._begun = self._n  # durations seen when ADWIN began
        self._total = 0.0  # of log durations since then, and of their squares
        self._squares = 0.0
        self._level = 0.0  # exponential mean
        self._side = -1  # of the mean that the level is on: 1 above, -1 not
        self._run_n = 0  # log durations since the level last crossed the mean; after a detection, since the change
        self._run_total = 0.0
        self._before_n = 0
        self._before = 0.0  # mean before the change
        self._deviation = 0.0  # standard deviation within both sides of the change
        self._direction = 0  # of the change: 1 slower, -1 faster
        self._statistic = 0.0  # of the CUSUM that clears
        self._back_n = 0  # standardised deviations since that CUSUM last left 0
        self._back_total = 0.0

    def update(self, x: float) -> None:
        """Take one duration in seconds; shorter ones than 0.05 count as that."""
        if self._phase == RECOVERED:
            self._begin()
        if self._phase == WATCHING:
            self._watch(_logarithms((x,)))
        else:
            self._watch_return(*_logarithms((x,)))

    def update_until(self, xs: Sequence[float]) -> tuple[int, int | None]:
        """As in the base class; while watching nothing between two cuts of ADWIN needs the detector's own state."""
        return self._watch(_logarithms(xs)) if self._phase == WATCHING else super().update_until(xs)

    def _watch(self, ys: Sequence[float]) -> tuple[int, int | None]:
        """Take log durations up to the first at which ADWIN cuts; as `update_until`."""
        adwin = self._adwin
        if adwin is None:
            raise AssertionError("expected an ADWIN while watching, found none")
        begun, n, total, squares, level = self._begun, self._n - self._begun, self._total, self._squares, self._level
        side, run_n, run_total = self._side, self._run_n, self._run_total
        quiet, before, update = None, n, adwin.update
        for y in ys:
            if run_n == 0:
                quiet = n - before
            n += 1
            total += y
            squares += y * y
            level = y if n == 1 else level + LEVEL_WEIGHT * (y - level)
            if (1 if level * n > total else -1) == side:
                run_n += 1
                run_total += y
            else:
                side = -side
                run_n, run_total = 0, 0.0
            update(y)  # type: ignore[no-untyped-call]
            if adwin.drift_detected:
                break
        self._n, self._total, self._squares, self._level = begun + n, total, squares, level
        self._side, self._run_n, self._run_total = side, run_n, run_total
        if adwin.drift_detected:
            self._place_change(n, adwin)
        return n - before, quiet

    def _place_change(self, n: int, adwin: ADWIN) -> None:
        explained = -1.0
        for after_n, after_total in ((int(adwin.width), adwin.total), (self._run_n, self._run_total)):
            before_n = n - after_n
            if not 0 < after_n < n:
                continue
            before = (self._total - after_total) / before_n
            squares = before_n * after_n / n * (after_total / after_n - before) ** 2
            if squares > explained:
                explained = squares
                self._before_n, self._before = before_n, before
                self._run_n, self._run_total = after_n, after_total
        if self._before_n < LEAST_BEFORE:
            self._begin()
            return
        self._phase = DETECTED
        self._adwin = None
        self._direction = 1 if self._run_total > self._before * self._run_n else -1
        within = self._squares - self._total**2 / n - explained
        self._deviation = max(math.sqrt(max(within, 0.0) / (n - 2)), SMALLEST_DEVIATION)

    def _watch_return(self, y: float) -> None:
        self._phase = DRIFTED
        self._n += 1
        self._level += LEVEL_WEIGHT * (y - self._level)
        self._run_n += 1
        self._run_total += y
        z = self._direction * (y - self._before) / self._deviation
        z = max(-CLIP, min(CLIP, z))
        self._statistic += SLACK - z
        if self._statistic <= 0:
            self._watch_from_zero()
            return
        self._back_n += 1
        self._back_total += z
        if self._statistic >= RETURN_THRESHOLD:
            if abs(self._back_total) <= 2 * SLACK * self._back_n:
                self._phase = RECOVERED
            else:
                self._direction = -self._direction
                self._watch_from_zero()

    def _watch_from_zero(self) -> None:
        self._statistic = 0.0
        self._back_n = 0
        self._back_total = 0.0

    @property
    def quiet(self) -> bool:
        return self._phase == RECOVERED or self._run_n == 0

    def rearm(self) -> None:
        """Take a detection back: ADWIN's window is gone by then, so the level is learnt again."""
        if self.drifted:
            self._begin()

    def evidence(self) -> Evidence:
        """The numbers for an alarm; levels are geometric means of durations, in seconds.

        Besides what every detector gives: the current `level`, the standard `deviation` of log durations, ADWIN's
        `delta`. The change is known after a detection only.
        """
        changed = self._before_n > 0
        back = (
            self._before + self._direction * self._back_total / self._back_n * self._deviation if self._back_n else 0.0
        )
        return {
            "n": self._n,
            "change_point": self._n - self._run_n if changed else None,
            "since_change": self._run_n if changed else None,
            **self._seconds("before", self._before_n, self._before),
            **self._seconds("after", self._run_n if changed else 0, self._run_total / (self._run_n or 1)),
            **self._seconds("back", self._back_n, back),
            "level": math.exp(self._level) if self._n else None,
            "deviation": self._deviation if changed else None,
            "delta": self.delta,
            "run_length": RUN_LENGTHS.get((self.delta, self.clock)),
        }

    def _seconds(self, name: str, n: int, mean: float) -> Evidence:
        if n == 0:
            return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_n": 0}
        half = Z * self._deviation / math.sqrt(n)
        return {
            name: math.exp(mean),
            f"{name}_low": math.exp(mean - half),
            f"{name}_high": math.exp(mean + half),
            f"{name}_n": n,
        }

    def dump(self) -> State:
        state: State = {"delta": self.delta, "clock": self.clock}
        for name in (*self._COUNTS, *self._SUMS):
            state[name] = getattr(self, f"_{name}")
        state["adwin"] = "" if self._adwin is None else dump_river(self._adwin)
        return state

    @classmethod
    def load(cls, state: object) -> Self:
        fields = Fields(state, cls.name)
        detector = cls(fields.number("delta"), fields.integer("clock"))
        for name in cls._COUNTS:
            setattr(detector, f"_{name}", fields.integer(name))
        for name in cls._SUMS:
            setattr(detector, f"_{name}", fields.number(name))
        adwin = fields.text("adwin")
        detector._adwin = load_river(adwin, ADWIN) if adwin else None
        seen = detector._n - detector._begun
        found = None if detector._adwin is None else (detector._adwin.delta, int(detector._adwin.width))
        if found != ((detector.delta, seen) if detector._phase == WATCHING else None):
            expected = f"an ADWIN of this delta with all {seen} durations while watching, none after a detection"
            raise fields.refusal(expected, "$.adwin", found)
        return detector


def _logarithms(xs: Sequence[float]) -> list[float]:
    """The logarithms of durations in seconds."""
    if not (min(xs) >= 0 and sum(xs) < math.inf):
        wrong = next(x for x in xs if not 0 <= x < math.inf)
        raise ValueError(f"expected a duration in seconds of 0 or more, found {wrong!r}")
    return [round((math.log(x) if x > SHORTEST else LOG_SHORTEST) * GRAIN) / GRAIN for x in xs]
