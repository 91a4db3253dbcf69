import pytest

from detectors.gold import Accuracy


@pytest.mark.parametrize(
    ("correct", "answers", "low", "high"),
    [(18, 20, 0.698966355, 0.972133519), (88, 100, 0.801879006, 0.930005936), (0, 10, 0.0, 0.277532800)],
)
def test_wilson_intervals(correct, answers, low, high):
    reading = Accuracy(answers, correct).reading()
    assert reading.value == correct / answers
    assert reading.low == pytest.approx(low, rel=0, abs=1e-9)
    assert reading.high == pytest.approx(high, rel=0, abs=1e-9)
    assert reading.n == answers


@pytest.mark.parametrize("answers", [2, 7, 10, 1000])
def test_none_and_all_correct_mirror_each_other_and_touch_the_ends(answers):
    none, every = Accuracy(answers, 0).reading(), Accuracy(answers, answers).reading()
    assert (none.low, every.high) == (0.0, 1.0)
    assert none.high == pytest.approx(1 - every.low, abs=1e-15)


def test_no_answer_has_no_accuracy_and_one_has_no_interval():
    assert Accuracy().reading() == (None, None, None, 0, "no answer")
    assert Accuracy(1, 1).reading() == (1.0, None, None, 1, "")


def test_answers_are_added_and_taken_back():
    accuracy = Accuracy()
    accuracy.update(True, 3)
    accuracy.update(False)
    accuracy.update(True, -1)
    assert accuracy == Accuracy(answers=3, correct=2)


@pytest.mark.parametrize("accuracy", [Accuracy(-1, 0), Accuracy(2, 3), Accuracy(2, -1)])
def test_more_retracted_than_added_cannot_be_read(accuracy):
    with pytest.raises(ValueError, match="expected 0 <= correct <= answers, found"):
        accuracy.reading()
