import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift import IntegerCusum
from detectors.gold import Accuracy

ANSWERS = st.lists(st.integers(0, 1), max_size=400)


def fed(answers, **parameters):
    detector = IntegerCusum(**parameters)
    for answer in answers:
        detector.update(answer)
    return detector


def plain_cusum(answers, up=10, down=1, threshold=48):
    """The definition, written as it reads: the statistic after each answer up to the first at the threshold."""
    path = [0]
    for answer in answers:
        path.append(max(0, path[-1] + (up if answer else -down)))
        if path[-1] >= threshold:
            break
    return path[1:]


def test_five_errors_in_a_row_alarm_and_four_do_not():
    detector = fed([1] * 4)
    assert not detector.drift_detected
    detector.update(1)
    assert detector.drift_detected
    assert detector.drifted


def test_the_threshold_itself_alarms():
    # 10 + 10 + 10 + 10 + 8 needs two correct answers: 50 - 2 = 48.
    assert fed([1, 1, 0, 1, 1, 0, 1]).drift_detected
    assert not fed([1, 1, 0, 1, 1, 0, 0, 1]).drift_detected


def test_the_counts_since_the_statistic_left_0_give_the_published_log_likelihood_ratio():
    """20 correct answers, then ten with five errors: the CUSUM of 5 % against 15 %, of which 10 : 1 are the whole numbers."""
    expected = [1.098612, 0.987387, 0.876161, 1.974773, 1.863548, 2.962160, 4.060772, 3.949547, 3.838321, 4.936933]
    detector = fed([0] * 20)
    error, correct = math.log(0.15 / 0.05), math.log(0.85 / 0.95)
    for answer, ratio in zip([1, 0, 0, 1, 0, 1, 1, 0, 0, 1], expected, strict=True):
        detector.update(answer)
        evidence = detector.evidence()
        errors, answers = evidence["errors"], evidence["since_change"]
        assert errors * error + (answers - errors) * correct == pytest.approx(ratio, abs=1e-6)
        assert evidence["change_point"] == 20
    assert -error / correct == pytest.approx(9.88, abs=0.005)


@given(ANSWERS)
def test_it_alarms_where_the_definition_says(answers):
    path = plain_cusum(answers)
    detector = IntegerCusum()
    for answer, statistic in zip(answers, path, strict=False):
        detector.update(answer)
        assert detector.evidence()["statistic"] == statistic
        assert detector.drift_detected is (statistic >= 48)
        assert detector.quiet is (statistic == 0)


@given(ANSWERS)
def test_the_change_point_is_where_the_statistic_last_was_0(answers):
    path = plain_cusum(answers)
    seen = answers[: len(path)]
    evidence = fed(seen).evidence()
    last = max((i for i, statistic in enumerate([0, *path]) if statistic == 0), default=0)
    if last == len(seen):
        assert evidence["change_point"] is evidence["after"] is None
    else:
        assert evidence["change_point"] == last
        assert evidence["errors"] == sum(seen[last:])
        assert evidence["after_n"] == evidence["since_change"] == len(seen) - last
        assert evidence["after"] == seen[last:].count(0) / (len(seen) - last)
    assert evidence["before_n"] == last


def test_a_detection_is_the_news_of_one_update_and_stands_until_the_recovery():
    detector = fed([1] * 5)
    assert (detector.drift_detected, detector.drifted, detector.recovered) == (True, True, False)
    detector.update(1)
    assert (detector.drift_detected, detector.drifted, detector.recovered) == (False, True, False)
    for _ in range(49):
        detector.update(0)
    assert (detector.drift_detected, detector.drifted, detector.recovered) == (False, True, False)
    detector.update(0)
    assert (detector.drift_detected, detector.drifted, detector.recovered) == (False, False, True)
    detector.update(0)
    assert (detector.drift_detected, detector.drifted, detector.recovered) == (False, False, False)


@given(ANSWERS)
def test_it_recovers_where_the_mirrored_cusum_crosses(answers):
    detector = fed([1] * 5)
    path = plain_cusum([1 - answer for answer in answers], up=1, down=10, threshold=50)
    for answer, statistic in zip(answers, path, strict=False):
        detector.update(answer)
        assert detector.recovered is (statistic >= 50)
        assert detector.evidence()["back_n"] == 0 or statistic > 0


def test_an_error_throws_the_mirrored_cusum_back_by_ten():
    detector = fed([1] * 5 + [0] * 45 + [1] + [0] * 14)
    assert not detector.recovered
    detector.update(0)
    assert detector.recovered
    evidence = detector.evidence()
    assert (evidence["back_n"], evidence["back"]) == (61, 60 / 61)


def test_after_the_recovery_both_begin_again_at_0():
    detector = fed([1] * 5 + [0] * 50)
    assert detector.recovered
    assert detector.quiet
    for _ in range(4):
        detector.update(1)
        assert not detector.drift_detected
    assert detector.evidence()["before_n"] == 0
    detector.update(1)
    assert detector.drift_detected
    assert detector.evidence()["n"] == 60
    assert detector.evidence()["change_point"] == 55


def test_evidence_names_the_change_and_both_levels():
    detector = fed([0] * 30 + [1] + [0] * 29 + [1, 1, 0, 1, 1, 0, 1])
    assert detector.drift_detected
    before, after = Accuracy(60, 59).reading(), Accuracy(7, 2).reading()
    assert detector.evidence() == {
        "n": 67,
        "change_point": 60,
        "since_change": 7,
        "errors": 5,
        "before": 59 / 60,
        "before_low": before.low,
        "before_high": before.high,
        "before_n": 60,
        "after": 2 / 7,
        "after_low": after.low,
        "after_high": after.high,
        "after_n": 7,
        "back": None,
        "back_low": None,
        "back_high": None,
        "back_n": 0,
        "statistic": 48,
        "threshold": 48,
        "run_length": 5213,
        "acceptable_error_rate": 0.05,
    }


def test_a_detection_taken_back_needs_one_more_error():
    detector = fed([1] * 5)
    detector.rearm()
    assert not detector.drifted
    detector.update(0)
    assert not detector.drift_detected
    detector.update(1)
    assert detector.drift_detected
    assert detector.evidence()["errors"] == 6


def test_taking_back_nothing_changes_nothing():
    detector = fed([0, 1, 0])
    before = detector.dump()
    detector.rearm()
    assert detector.dump() == before


def test_every_prefix_dumped_and_loaded_goes_on_identically():
    rng = random.Random(5)
    answers = [int(rng.random() < rate) for rate in [0.03] * 150 + [0.4] * 60 + [0.02] * 150 + [0.5] * 40]
    whole, events = IntegerCusum(), []
    for cut in range(len(answers)):
        whole.update(answers[cut])
        events.append((whole.drift_detected, whole.recovered))
        resumed = IntegerCusum.load(json.loads(json.dumps(whole.dump())))
        assert resumed.dump() == whole.dump()
        assert resumed.evidence() == whole.evidence()
        reference = fed(answers[: cut + 1])
        for answer in answers[cut + 1 :]:
            resumed.update(answer)
            reference.update(answer)
        assert resumed.dump() == reference.dump()
        assert resumed.evidence() == reference.evidence()
    # The stream shows every state there is.
    assert sum(detected for detected, _ in events) == 2
    assert sum(recovered for _, recovered in events) == 1


@pytest.mark.parametrize("answer", [0.5, 2, -1, math.nan, math.inf])
def test_what_is_neither_right_nor_wrong_is_refused_and_changes_nothing(answer):
    for answers in ([], [1] * 5, [1] * 5 + [0] * 10):
        detector = fed(answers)
        before = detector.dump()
        with pytest.raises(ValueError, match="expected 1 for an error or 0 for a correct answer, found"):
            detector.update(answer)
        assert detector.dump() == before


def test_truth_values_are_answers():
    assert fed([True] * 5).drift_detected
    assert fed([False] * 5).quiet


@pytest.mark.parametrize("parameter", ["error_step", "correct_step", "threshold", "recovery_threshold"])
def test_a_step_or_threshold_of_nothing_is_refused(parameter):
    with pytest.raises(ValueError, match="steps and thresholds of the CUSUM to be at least 1, found"):
        IntegerCusum(**{parameter: 0})
