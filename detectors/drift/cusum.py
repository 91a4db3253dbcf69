"""The CUSUM of errors, in integers: whether an annotator's error rate on gold has risen."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Final, Self

from detectors.drift.base import DETECTED, DRIFTED, RECOVERED, WATCHING, Evidence, Fields, SequentialDetector, State
from detectors.drift.run_length import average_run_length
from detectors.gold import Accuracy

ACCEPTABLE_ERROR_RATE: Final = 0.05
"""The error rate at which the run length to a false alarm is stated."""


class IntegerCusum(SequentialDetector):
    r"""Bernoulli CUSUM on integers, with a mirrored CUSUM that clears.

    Feed 1 for an error and 0 for a correct answer. The statistic

    $$ S_0 = 0, \qquad S_t = \max(0, S_{t-1} + a) \text{ at an error}, \quad \max(0, S_{t-1} - b) \text{ otherwise} $$

    detects a drift where $S_t \geq h$. After that the mirrored CUSUM, with $a$ and $b$ changing places, rises with
    correct answers and recovers where it reaches its own threshold; then both begin again at 0.

    The steps are the log-likelihood ratio of two error rates, $\log(p_1/p_0) : \log((1-p_0)/(1-p_1))$, in whole numbers:
    10 to 1 tests 5 % against 15 % (9.88 to 1). The change is estimated where the statistic last left 0, which then is its
    maximum-likelihood point.

    The default thresholds, by the exact run length (`run_length`), answers being independent:

    - 48: at an error rate of 5 % one false alarm in 5,213 answers, at 3 % one in 123,370; found after 66 answers on
      average at 15 %, 28 at 25 %.
    - 50 to recover, as rare when wrong: at 15 % a false recovery in 5,549 answers, at 25 % in 3.9 million; found after 98
      answers at 5 %, 71 at 3 %.

    >>> cusum = IntegerCusum()
    >>> for answer in range(1, 200):
    ...     cusum.update(1 if answer > 100 and answer % 4 == 0 else 0)
    ...     if cusum.drift_detected:
    ...         break
    >>> answer, cusum.evidence()["change_point"], cusum.evidence()["errors"]
    (128, 103, 7)

    References
    ----------
    Page, E. S. (1954). Continuous inspection schemes. Biometrika 41(1/2), 100-115. https://doi.org/10.1093/biomet/41.1-2.100

    Reynolds, M. R., Stoumbos, Z. G. (1999). A CUSUM chart for monitoring a proportion when inspecting continuously.
    Journal of Quality Technology 31(1), 87-108. https://doi.org/10.1080/00224065.1999.11979900
    """

    signal: ClassVar[str] = "gold_errors"
    name: ClassVar[str] = "cusum"
    version: ClassVar[int] = 1

    _PARAMETERS: ClassVar = ("error_step", "correct_step", "threshold", "recovery_threshold")
    _COUNTS: ClassVar = (
        "phase",
        "n",
        "begun",
        "cusum",
        "all_errors",
        "answers",
        "errors",
        "mirrored",
        "back_answers",
        "back_errors",
    )
    __slots__ = (*_PARAMETERS, *(f"_{count}" for count in _COUNTS))

    def __init__(
        self,
        error_step: int = 10,
        correct_step: int = 1,
        threshold: int = 48,
        recovery_threshold: int = 50,
    ) -> None:
        super().__init__()
        if min(error_step, correct_step, threshold, recovery_threshold) < 1:
            raise ValueError(
                "expected steps and thresholds of the CUSUM to be at least 1, found "
                f"{error_step}, {correct_step}, {threshold}, {recovery_threshold}"
            )
        self.error_step = error_step
        self.correct_step = correct_step
        self.threshold = threshold
        self.recovery_threshold = recovery_threshold
        self._n = 0  # answers seen
        self._begin()

    def _begin(self) -> None:
        self._phase = WATCHING
        self._begun = self._n  # answers seen when the statistics last began at 0
        self._all_errors = 0  # errors since then
        self._cusum = 0
        self._answers = 0  # since the CUSUM last left 0
        self._errors = 0
        self._mirrored = 0
        self._back_answers = 0  # since the mirrored CUSUM last left 0
        self._back_errors = 0

    def update(self, x: float) -> None:
        """Take one answer: 1 is an error, 0 is correct."""
        if self._phase:
            if self._phase != RECOVERED:
                self._watch_return(x)
                return
            self._begin()
        if x == 0:
            if self._cusum:
                if self._cusum > self.correct_step:
                    self._cusum -= self.correct_step
                    self._answers += 1
                else:
                    self._cusum = self._answers = self._errors = 0
        elif x == 1:
            self._all_errors += 1
            self._answers += 1
            self._errors += 1
            self._cusum += self.error_step
            if self._cusum >= self.threshold:
                self._phase = DETECTED
        else:
            raise _not_an_answer(x)
        self._n += 1

    def _watch_return(self, x: float) -> None:
        if x not in {0, 1}:
            raise _not_an_answer(x)
        self._phase = DRIFTED
        self._n += 1
        self._answers += 1
        if x:
            self._errors += 1
            self._all_errors += 1
            if self._mirrored > self.error_step:
                self._mirrored -= self.error_step
                self._back_answers += 1
                self._back_errors += 1
            else:
                self._mirrored = self._back_answers = self._back_errors = 0
        else:
            self._back_answers += 1
            self._mirrored += self.correct_step
            if self._mirrored >= self.recovery_threshold:
                self._phase = RECOVERED

    @property
    def quiet(self) -> bool:
        return self._phase == RECOVERED or self._cusum == 0

    def rearm(self) -> None:
        """Take a detection back: the statistic stands just below its threshold, so one more error detects again."""
        if self.drifted:
            self._phase = WATCHING
            self._cusum = self.threshold - 1
            self._mirrored = self._back_answers = self._back_errors = 0

    def evidence(self) -> Evidence:
        """The numbers for an alarm; levels are accuracies with Wilson intervals.

        Besides what every detector gives: `errors` among the answers since the change, the statistic and its threshold,
        and the error rate at which `run_length` holds. Before a detection the change is the one that would be reported.
        """
        changed = self._answers > 0
        before_n = self._n - self._begun - self._answers
        before_errors = self._all_errors - self._errors
        return {
            "n": self._n,
            "change_point": self._n - self._answers if changed else None,
            "since_change": self._answers if changed else None,
            "errors": self._errors if changed else None,
            **_level("before", before_n, before_errors),
            **_level("after", self._answers, self._errors),
            **_level("back", self._back_answers, self._back_errors),
            "statistic": self._cusum,
            "threshold": self.threshold,
            "run_length": round(_run_length(self.error_step, self.correct_step, self.threshold)),
            "acceptable_error_rate": ACCEPTABLE_ERROR_RATE,
        }

    def dump(self) -> State:
        state: State = {name: getattr(self, name) for name in self._PARAMETERS}
        for name in self._COUNTS:
            state[name] = getattr(self, f"_{name}")
        return state

    @classmethod
    def load(cls, state: object) -> Self:
        fields = Fields(state, cls.name)
        detector = cls(*(fields.integer(name) for name in cls._PARAMETERS))
        for name in cls._COUNTS:
            setattr(detector, f"_{name}", fields.integer(name))
        return detector


def _level(name: str, n: int, errors: int) -> Evidence:
    reading = Accuracy(n, n - errors).reading()
    return {name: reading.value, f"{name}_low": reading.low, f"{name}_high": reading.high, f"{name}_n": n}


@lru_cache(maxsize=64)
def _run_length(error_step: int, correct_step: int, threshold: int) -> float:
    return average_run_length(ACCEPTABLE_ERROR_RATE, error_step, correct_step, threshold)


def _not_an_answer(x: float) -> ValueError:
    return ValueError(f"expected 1 for an error or 0 for a correct answer, found {x!r}")
