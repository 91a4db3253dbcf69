import json
import math
import random

import pytest

from detectors.drift import AdwinDuration
from tests.benchmarks.detector_quality import (
    correlated,
    duration_changes,
    duration_false_alarms,
    duration_return_lengths,
    mean_of,
    median_of,
    normal,
    with_breaks,
)


def seconds(rng, n, median=10.0, deviation=0.55):
    return [rng.lognormvariate(math.log(median), deviation) for _ in range(n)]


def fed(xs, detector=None):
    """Feeds until something happens; the detector and how many it took, or None."""
    detector = detector or AdwinDuration()
    for number, x in enumerate(xs, 1):
        detector.update(x)
        if detector.drift_detected or detector.recovered:
            return detector, number
    return detector, None


@pytest.fixture
def rng():
    return random.Random(99)


@pytest.mark.parametrize("factor", [0.37, 2.0])
def test_a_change_of_pace_is_found_and_placed_and_its_end_clears_it(factor, rng):
    detector, delay = fed(seconds(rng, 300))
    assert delay is None
    detector, delay = fed(seconds(rng, 100, 10 * factor), detector)
    assert detector.drift_detected
    assert delay < 60
    evidence = detector.evidence()
    assert evidence["n"] == 300 + delay
    assert abs(evidence["change_point"] - 300) < 20
    assert evidence["before_n"] + evidence["after_n"] == evidence["n"]
    assert evidence["after_n"] == evidence["since_change"] == evidence["n"] - evidence["change_point"]
    # Good to three standard errors of the means.
    for level, median in (("before", 10), ("after", 10 * factor)):
        error = 0.55 / math.sqrt(evidence[f"{level}_n"])
        assert abs(math.log(evidence[level] / median)) < 3 * error
        width = math.log(evidence[f"{level}_high"] / evidence[f"{level}_low"])
        assert width == pytest.approx(2 * 1.959964 * evidence["deviation"] / math.sqrt(evidence[f"{level}_n"]))
    assert evidence["deviation"] == pytest.approx(0.55, abs=0.06)

    detector, event = fed(seconds(rng, 300, 10 * factor), detector)
    assert event is None
    assert detector.drifted
    assert not detector.drift_detected
    detector, delay = fed(seconds(rng, 300), detector)
    assert detector.recovered
    assert not detector.drifted
    assert abs(math.log(detector.evidence()["back"] / 10)) < 3 * 0.55 / math.sqrt(detector.evidence()["back_n"])
    assert detector.evidence()["change_point"] == evidence["change_point"]

    detector.update(10.0)
    assert not detector.recovered
    assert detector.evidence()["change_point"] is None
    detector, event = fed(seconds(rng, 300), detector)
    assert event is None
    detector, delay = fed(seconds(rng, 100, 10 * factor), detector)
    assert detector.drift_detected


def test_a_level_that_passes_the_band_is_no_recovery(rng):
    detector, _ = fed(seconds(rng, 300))
    detector, _ = fed(seconds(rng, 100, 4), detector)
    assert detector.drift_detected
    detector, event = fed(seconds(rng, 500, 30), detector)
    assert event is None
    assert detector.drifted
    detector, _ = fed(seconds(rng, 500), detector)
    assert detector.recovered


def test_the_first_durations_are_learnt_not_judged(rng):
    # Twenty slow durations and then the true pace: ADWIN cuts, but so short a beginning is no level.
    detector = AdwinDuration()
    for x in seconds(rng, 20, 60) + seconds(rng, 600):
        detector.update(x)
        assert not detector.drift_detected
    assert len(detector.dump()["adwin"]) > 0
    # ADWIN did cut: the detector began again.
    assert detector.dump()["begun"] > 0


def test_quiet_is_the_moment_before_a_run_begins(rng):
    detector = AdwinDuration()
    assert detector.quiet
    first = 0
    for number, x in enumerate(seconds(rng, 300) + seconds(rng, 100, 3.7)):
        if detector.quiet:
            first = number
        detector.update(x)
        if detector.drift_detected:
            break
    assert detector.drift_detected
    assert first == detector.evidence()["change_point"]


def test_a_detection_taken_back_is_learnt_again(rng):
    detector, _ = fed(seconds(rng, 300) + seconds(rng, 100, 3.7))
    seen = detector.evidence()["n"]
    detector.rearm()
    assert not detector.drifted
    assert detector.quiet
    assert detector.evidence()["n"] == seen
    detector, event = fed(seconds(rng, 300, 3.7), detector)
    assert event is None
    before = detector.dump()
    detector.rearm()
    assert detector.dump() == before


def test_every_prefix_dumped_and_loaded_goes_on_identically():
    rng = random.Random(3)
    xs = seconds(rng, 120) + seconds(rng, 80, 3) + seconds(rng, 120) + seconds(rng, 60, 40)
    whole, resumed, events = AdwinDuration(), AdwinDuration(), []
    for x in xs:
        whole.update(x)
        resumed = AdwinDuration.load(json.loads(json.dumps(resumed.dump())))
        resumed.update(x)
        assert resumed.dump() == whole.dump()
        assert resumed.evidence() == whole.evidence()
        assert resumed.quiet == whole.quiet
        events.append((whole.drift_detected, whole.recovered))
    assert events.count((True, False)) == 2
    assert events.count((False, True)) == 1


def test_durations_without_variation_have_no_change_and_a_step_is_found():
    for steady in ([5.0] * 500, [5.0, 5.01] * 250):
        detector, event = fed(steady)
        assert event is None
        detector, event = fed([2.0] * 50, detector)
        assert detector.drift_detected
        assert detector.evidence()["after"] < detector.evidence()["before"]
        detector, event = fed(steady, detector)
        assert detector.recovered
    assert detector.evidence()["deviation"] == 0.05


def test_a_duration_of_nothing_counts_as_the_shortest():
    none, shortest = AdwinDuration(), AdwinDuration()
    for x in (3, 0, 0.0, 1e-300, 0.001):
        none.update(x)
        shortest.update(max(x, 0.05))
    assert none.dump() == shortest.dump()


@pytest.mark.parametrize("x", [-1, -1e-9, math.nan, math.inf, -math.inf])
def test_what_is_no_duration_is_refused_and_changes_nothing(x):
    detector, _ = fed([3.0] * 20)
    before = detector.dump()
    with pytest.raises(ValueError, match="expected a duration in seconds of 0 or more, found"):
        detector.update(x)
    assert detector.dump() == before


@pytest.mark.parametrize("contradiction", [{"adwin": ""}, {"n": 21}, {"phase": 2}, {"phase": 4}, {"delta": 0.3}])
def test_a_state_that_contradicts_itself_is_refused(contradiction):
    detector, _ = fed([3.0] * 20)
    state = detector.dump()
    assert AdwinDuration.load(state).dump() == state
    with pytest.raises(ValueError, match=r"expected an ADWIN of this delta with all .* durations while watching"):
        AdwinDuration.load(state | contradiction)


@pytest.mark.parametrize(("delta", "clock"), [(0, 4), (1, 4), (math.nan, 4), (0.1, 0)])
def test_parameters_outside_adwins_are_refused(delta, clock):
    with pytest.raises(ValueError, match="ADWIN's delta between 0 and 1 and a clock of at least 1, found"):
        AdwinDuration(delta, clock)


def test_the_run_length_is_stated_where_it_was_measured():
    assert AdwinDuration().evidence()["run_length"] == 400_000
    assert AdwinDuration(delta=0.1).evidence()["run_length"] is None


@pytest.mark.parametrize(
    ("noise", "durations", "at_least", "at_most"),
    [
        (normal(0.55), 3_000_000, 200_000, 800_000),
        (with_breaks, 1_200_000, 75_000, 300_000),
        (correlated, 600_000, 20_000, 45_000),
    ],
    ids=["normal", "with breaks", "correlated"],
)
def test_false_alarms_are_as_rare_as_stated(noise, durations, at_least, at_most):
    simulated = duration_false_alarms(durations, 21, noise)
    print(f"durations per false alarm: {simulated}")
    assert simulated.n >= 5
    assert at_least < simulated.value < at_most


@pytest.mark.parametrize(
    ("factor", "before", "median"),
    [(0.61, 100, 72), (0.37, 100, 24), (0.61, 1000, 48), (0.37, 1000, 20)],
)
def test_changes_of_pace_are_found_placed_and_cleared_as_stated(factor, before, median):
    changes = duration_changes(factor, before, 40, 22)
    delays = [change.delay for change in changes]
    backs = [change.back for change in changes if change.back is not None]
    print(f"x{factor} after {before}: found after {median_of(delays)}, return after {median_of(backs)}")
    assert median_of(delays).value <= median
    assert sum(change.cleared_early for change in changes) <= 1
    assert len(backs) >= 38
    assert median_of(backs).value <= 60
    assert sum(abs(change.misplaced) <= 25 for change in changes) >= 30


def test_recoveries_take_as_long_as_stated():
    at_once, never = (mean_of(duration_return_lengths(off, runs, 23)) for off, runs in ((0.0, 300), (0.5, 40)))
    print(f"back at the level: {at_once}; half a standard deviation off: {never}")
    assert at_once.low < 49 < at_once.high
    assert never.value > 3_000
