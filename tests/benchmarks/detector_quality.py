"""How often the drift detectors alarm falsely, how soon they find a change and its end: seeded simulations.

    python -m tests.benchmarks.detector_quality [--scale S]

prints every figure that the detectors' docstrings state, with 95 % intervals; tests run a small part of it.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from detectors.drift import AdwinDuration, IntegerCusum, SequentialDetector
from detectors.drift.base import DRIFTED
from detectors.drift.run_length import average_run_length

Noise = Callable[[np.random.Generator, int], NDArray[np.float64]]

BLOCK = 30_000


class Estimate(NamedTuple):
    """A simulated figure with its 95 % interval and the number of runs or events behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:,.0f} [{self.low:,.0f}, {self.high:,.0f}] n={self.n:,}"


def mean_of(lengths: list[int]) -> Estimate:
    """The mean, with the interval of its standard error."""
    mean, error = float(np.mean(lengths)), float(np.std(lengths, ddof=1)) / math.sqrt(len(lengths))
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error, len(lengths))


def median_of(lengths: list[int]) -> Estimate:
    """The median, with the interval of the order statistics."""
    ordered, n = sorted(lengths), len(lengths)
    low, high = (int(k) for k in stats.binom.interval(0.95, n, 0.5))
    return Estimate(float(np.median(ordered)), ordered[low], ordered[min(high, n - 1)], n)


def rate_of(observations: int, events: int) -> Estimate:
    """Observations per event, with the Poisson interval of the events."""
    low = stats.chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
    high = stats.chi2.ppf(0.975, 2 * events + 2) / 2
    return Estimate(
        observations / events if events else math.inf,
        observations / high,
        observations / low if low else math.inf,
        events,
    )


def answers(error_rate: float, seed: int) -> Iterator[int]:
    """Independent answers without end: 1 is an error."""
    rng = np.random.default_rng(seed)
    while True:
        yield from (rng.random(BLOCK) < error_rate).astype(int).tolist()


def cusum_run_lengths(error_rate: float, runs: int, seed: int) -> list[int]:
    """From a fresh CUSUM to its detection, again and again."""
    lengths, stream = [], answers(error_rate, seed)
    for _ in range(runs):
        detector = IntegerCusum()
        for length, answer in enumerate(stream, 1):
            detector.update(answer)
            if detector.drift_detected:
                lengths.append(length)
                break
    return lengths


def cusum_recovery_lengths(error_rate: float, runs: int, seed: int) -> list[int]:
    """From a detection to the recovery, at this error rate."""
    lengths, stream = [], answers(error_rate, seed)
    for _ in range(runs):
        detector = IntegerCusum()
        while not detector.drift_detected:
            detector.update(1)
        for length, answer in enumerate(stream, 1):
            detector.update(answer)
            if detector.recovered:
                lengths.append(length)
                break
    return lengths


def normal(deviation: float) -> Noise:
    """Log-normal durations."""
    return lambda rng, n: rng.normal(0.0, deviation, n)


def with_breaks(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """2 % of the durations contain a break: about twenty times as long."""
    noise = rng.normal(0.0, 0.55, n)
    breaks = rng.random(n) < 0.02
    noise[breaks] += rng.normal(3.0, 0.7, int(breaks.sum()))
    return noise


def heavy_tails(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Student's t with four degrees of freedom, scaled to a standard deviation of 0.55."""
    return 0.55 / math.sqrt(2) * rng.standard_t(4, n)


def correlated(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Neighbours correlate by 0.2."""
    steps = rng.normal(0.0, 0.55 * math.sqrt(1 - 0.2**2), n)
    for i in range(1, n):
        steps[i] += 0.2 * steps[i - 1]
    return steps


def durations(noise: Noise, rng: np.random.Generator, n: int, factor: float = 1.0) -> list[float]:
    """Seconds about a median of 10, times the factor."""
    seconds: list[float] = (10.0 * factor * np.exp(noise(rng, n))).tolist()
    return seconds


def duration_false_alarms(observations: int, seed: int, noise: Noise) -> Estimate:
    """Durations per false alarm, a fresh detector after each."""
    rng = np.random.default_rng(seed)
    alarms = 0
    for _ in range(observations // BLOCK):
        detector = AdwinDuration()
        for x in durations(noise, rng, BLOCK):
            detector.update(x)
            if detector.drift_detected:
                alarms += 1
                detector = AdwinDuration()
    return rate_of(observations // BLOCK * BLOCK, alarms)


class Change(NamedTuple):
    """What became of one simulated change and its end; lengths are None where the horizon came first."""

    delay: int | None
    misplaced: int | None
    cleared_early: bool
    back: int | None


def duration_changes(factor: float, before: int, runs: int, seed: int, bad: int = 300) -> list[Change]:
    """Good durations, changed ones until the detection and `bad` more, and good ones again.

    Runs with an alarm before the change are left out: they count as false alarms.
    """
    rng, noise = np.random.default_rng(seed), normal(0.55)
    changes: list[Change] = []
    while len(changes) < runs:
        detector: SequentialDetector = AdwinDuration()
        if _feed(detector, durations(noise, rng, before), "drift_detected") is not None:
            continue
        delay = _feed(detector, durations(noise, rng, 3000, factor), "drift_detected")
        if delay is None:
            changes.append(Change(None, None, False, None))
            continue
        point = detector.evidence()["change_point"]
        misplaced = None if point is None else int(point) - before
        early = _feed(detector, durations(noise, rng, bad, factor), "recovered") is not None
        back = None if early else _feed(detector, durations(noise, rng, 3000), "recovered")
        changes.append(Change(delay, misplaced, early, back))
    return changes


def duration_return_lengths(deviations: float, runs: int, seed: int) -> list[int]:
    """From a detection to the recovery, while the level is this many standard deviations off a level known exactly."""
    rng, noise, lengths = np.random.default_rng(seed), normal(0.55), []
    drifted = AdwinDuration().dump() | {
        "phase": DRIFTED,
        "before_n": 1000,
        "before": math.log(10.0),
        "deviation": 0.55,
        "direction": -1,
        "adwin": "",
    }
    for _ in range(runs):
        detector, length = AdwinDuration.load(drifted), None
        fed = 0
        while length is None:
            length = _feed(detector, durations(noise, rng, 2000, math.exp(-0.55 * deviations)), "recovered")
            fed += 2000
        lengths.append(fed - 2000 + length)
    return lengths


def _feed(detector: SequentialDetector, xs: list[float], event: str) -> int | None:
    for length, x in enumerate(xs, 1):
        detector.update(x)
        if getattr(detector, event):
            return length
    return None


def report(scale: float) -> Iterator[str]:
    """The figures, a line each."""
    runs = max(int(1000 * scale), 20)
    yield f"IntegerCusum: answers to an alarm, mean of {runs} runs (exact value)"
    for rate in (0.05, 0.10, 0.15, 0.25):
        exact = average_run_length(rate, 10, 1, 48)
        yield f"  error rate {rate:4.0%}: {mean_of(cusum_run_lengths(rate, runs, 1))} ({exact:,.1f})"
    yield f"IntegerCusum: answers from an alarm to its recovery, mean of {runs} runs (exact value)"
    for rate in (0.03, 0.05, 0.10, 0.15):
        exact = average_run_length(1 - rate, 1, 10, 50)
        yield f"  error rate {rate:4.0%}: {mean_of(cusum_recovery_lengths(rate, runs, 2))} ({exact:,.1f})"
    yield "AdwinDuration: durations per false alarm"
    # Rarer alarms take more durations to count.
    for name, noise, millions in (
        ("log sd 0.55", normal(0.55), 24),
        ("log sd 0.38", normal(0.38), 18),
        ("log sd 0.90", normal(0.90), 12),
        ("breaks in 2 %", with_breaks, 12),
        ("heavy tails", heavy_tails, 12),
        ("correlated 0.2", correlated, 6),
    ):
        observations = max(int(1_000_000 * millions * scale), BLOCK)
        yield f"  {name:14}: {duration_false_alarms(observations, 3, noise)}, of {observations:,}"
    yield "AdwinDuration: a change and its end, log sd 0.55; medians in durations"
    for before in (100, 1000):
        for factor in (0.78, 0.61, 0.37, 1.6):
            changes = duration_changes(factor, before, max(int(400 * scale), 20), 4)
            delays = [change.delay for change in changes if change.delay is not None]
            misplaced = sorted(change.misplaced for change in changes if change.misplaced is not None)
            early = sum(change.cleared_early for change in changes)
            back = [change.back for change in changes if change.back is not None]
            # Undetected changes count as the longest delays.
            delay = median_of(delays + [3000] * (len(changes) - len(delays)))
            tenth = len(misplaced) // 10
            yield (
                f"  x{factor:4.2f} after {before:5,}: found after {delay}, undetected within 3,000: "
                f"{len(changes) - len(delays)}; placed off by {misplaced[len(misplaced) // 2]:+d} "
                f"(80 %: {misplaced[tenth]:+d} to {misplaced[-tenth - 1]:+d}); cleared within 300: {early}; "
                f"return found after {median_of(back)}"
            )
    yield "AdwinDuration: durations from an alarm to its recovery, mean, the level being so many sd off the one before"
    for deviations, share in ((0.0, 1.0), (0.25, 0.5), (0.4, 0.5), (0.5, 0.5)):
        lengths = duration_return_lengths(deviations, max(int(1000 * share * scale), 20), 6)
        yield f"  {deviations:4.2f} sd: {mean_of(lengths)}"
    yield "Cost of an update, microseconds"
    rng = np.random.default_rng(5)
    for fresh, xs in (
        (IntegerCusum, (rng.random(200_000) < 0.05).astype(int).tolist()),
        (AdwinDuration, durations(normal(0.55), rng, 200_000)),
    ):
        yield f"  {fresh.__name__}: {min(_cost(fresh(), xs) for _ in range(3)):.2f}"


def _cost(detector: SequentialDetector, xs: list[float]) -> float:
    begun = time.perf_counter()
    for x in xs:
        detector.update(x)
    return (time.perf_counter() - begun) / len(xs) * 1e6


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of runs")
    for line in report(parser.parse_args().scale):
        print(line, flush=True)


if __name__ == "__main__":
    main()
