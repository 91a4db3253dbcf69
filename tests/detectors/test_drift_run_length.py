import math

import pytest

from detectors.drift.cusum import IntegerCusum
from detectors.drift.run_length import average_run_length, threshold_for
from tests.benchmarks.detector_quality import cusum_recovery_lengths, cusum_run_lengths, mean_of


@pytest.mark.parametrize(
    ("threshold", "error_rate", "expected"),
    [
        (48, 0.03, 123369.8998),
        (48, 0.05, 5212.9715),
        (48, 0.10, 190.1979),
        (48, 0.15, 66.0957),
        (48, 0.25, 27.7038),
        (60, 0.05, 19372.1009),
        (60, 0.15, 84.5121),
    ],
)
def test_run_lengths_are_those_published_for_the_integer_cusum(threshold, error_rate, expected):
    assert average_run_length(error_rate, 10, 1, threshold) == pytest.approx(expected, rel=0, abs=1e-4)


def test_run_lengths_that_can_be_had_by_hand():
    # Every answer an error: 5 steps of 10 reach 48. Any error alarms at 10: a geometric wait.
    assert average_run_length(1.0, 10, 1, 48) == pytest.approx(5)
    assert average_run_length(0.2, 10, 1, 10) == pytest.approx(5)
    # Two errors in a row (a correct answer returns to 0): (1 + p) / p^2.
    assert average_run_length(0.2, 10, 10, 20) == pytest.approx(1.2 / 0.04)
    # One step below the threshold, the next error alarms; otherwise one is a step lower.
    below, lower = (average_run_length(0.2, 10, 1, 48, start) for start in (47, 46))
    assert below == pytest.approx(1 + 0.8 * lower)
    assert average_run_length(0.0, 10, 1, 48) == math.inf


def test_a_higher_start_is_a_head_start():
    lengths = [average_run_length(0.05, 10, 1, 48, start) for start in range(48)]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.5, 10, 1, 48), "expected an error rate from 0 to 1, found 1.5"),
        ((math.nan, 10, 1, 48), "expected an error rate from 0 to 1, found nan"),
        ((0.05, 0, 1, 48), "expected steps and a threshold of at least 1"),
        ((0.05, 10, 1, 48, 48), "a start below the threshold, found .* start 48"),
    ],
)
def test_what_has_no_run_length_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        average_run_length(*arguments)


@pytest.mark.parametrize(
    ("run_length", "error_rate"), [(1, 0.05), (100, 0.05), (5_000, 0.05), (1e6, 0.03), (1e4, 0.02)]
)
def test_the_threshold_is_the_smallest_that_lasts_long_enough(run_length, error_rate):
    threshold = threshold_for(run_length, error_rate)
    assert average_run_length(error_rate, 10, 1, threshold) >= run_length
    assert threshold == 1 or average_run_length(error_rate, 10, 1, threshold - 1) < run_length


def test_the_default_thresholds_are_solved_for():
    cusum = IntegerCusum()
    assert threshold_for(5_000, 0.05, cusum.error_step, cusum.correct_step) == cusum.threshold
    # To recover wrongly at 15 % is made as rare as to alarm wrongly at 5 %: the roles of the steps change places.
    false_alarm = average_run_length(0.05, cusum.error_step, cusum.correct_step, cusum.threshold)
    assert threshold_for(false_alarm, 0.85, cusum.correct_step, cusum.error_step) == cusum.recovery_threshold


def test_no_threshold_suffices_for_steps_that_drift_upwards():
    with pytest.raises(
        ValueError, match=r"no threshold up to 1024 gives a run length of 1000000000.0 .* drift upwards"
    ):
        threshold_for(1e9, 0.25)
    with pytest.raises(ValueError, match=r"expected a run length from 1 to 1,000,000,000, found 10000000000\.0"):
        threshold_for(1e10, 0.05)


@pytest.mark.parametrize(
    ("simulate", "error_rate", "exact"),
    [
        (cusum_run_lengths, 0.05, 5212.9715),
        (cusum_run_lengths, 0.10, 190.1979),
        (cusum_run_lengths, 0.15, 66.0957),
        (cusum_run_lengths, 0.25, 27.7038),
        (cusum_recovery_lengths, 0.03, average_run_length(0.97, 1, 10, 50)),
        (cusum_recovery_lengths, 0.05, average_run_length(0.95, 1, 10, 50)),
        (cusum_recovery_lengths, 0.15, average_run_length(0.85, 1, 10, 50)),
    ],
)
def test_simulated_run_lengths_agree_with_the_exact_ones(simulate, error_rate, exact):
    runs = 200 if exact > 1000 else 2000
    simulated = mean_of(simulate(error_rate, runs, seed=17))
    print(f"{simulate.__name__} at {error_rate}: {simulated}, exact {exact:.1f}")
    assert simulated.n == runs
    # Four standard errors: the seed is fixed, so this either always passes or shows a wrong figure.
    assert abs(simulated.value - exact) < 4 * (simulated.high - simulated.value) / 1.96
