import json
import random

import pytest
from river.base import DriftDetector

from detectors.drift import DETECTORS, SequentialDetector

STREAMS = {
    "gold_errors": lambda rng, bad: int(rng.random() < (0.5 if bad else 0.02)),
    "log_duration": lambda rng, bad: rng.lognormvariate(1.0 if bad else 3.0, 0.5),
}
"""By signal, a draw from the good and the bad state."""


@pytest.fixture(params=DETECTORS)
def signal(request):
    return request.param


def observations(signal, seed=8):
    rng = random.Random(seed)
    return [STREAMS[signal](rng, bad) for bad in [False] * 200 + [True] * 100 + [False] * 300]


def fed(signal, xs):
    detector = DETECTORS[signal]()
    for x in xs:
        detector.update(x)
    return detector


def test_every_detector_is_watched_by_these_laws():
    assert DETECTORS.keys() == STREAMS.keys()
    assert len({(detector.name, detector.version) for detector in DETECTORS.values()}) == len(DETECTORS)


def test_it_is_a_river_detector(signal):
    detector = DETECTORS[signal]()
    assert isinstance(detector, DriftDetector)
    assert isinstance(detector, SequentialDetector)
    assert detector.signal == signal
    fresh = fed(signal, observations(signal)[:50]).clone()
    assert fresh.dump() == detector.dump()


def test_it_finds_the_change_and_its_end(signal):
    detector, events = DETECTORS[signal](), []
    for number, x in enumerate(observations(signal)):
        was_drifted = detector.drifted
        detector.update(x)
        assert not (detector.drift_detected and detector.recovered)
        assert detector.drift_detected is (detector.drifted and not was_drifted)
        assert detector.recovered is (was_drifted and not detector.drifted)
        if detector.drift_detected or detector.recovered:
            events.append((number, detector.recovered))
    (detected, first), (recovered, second) = events
    assert 200 <= detected < 250
    assert 300 <= recovered < 450
    assert (first, second) == (False, True)


def test_equal_observations_give_equal_detectors(signal):
    xs = observations(signal)
    assert fed(signal, xs).dump() == fed(signal, xs).dump()


def test_a_dumped_detector_goes_on_exactly_and_does_not_change(signal):
    xs = observations(signal)
    detector = DETECTORS[signal]()
    compared = 0
    for cut in range(0, len(xs), 7):
        detector = fed(signal, xs[:cut])
        text = json.dumps(detector.dump())
        resumed = DETECTORS[signal].load(json.loads(text))
        assert json.dumps(detector.dump()) == json.dumps(resumed.dump()) == text
        for x in xs[cut:]:
            resumed.update(x)
            detector.update(x)
        assert resumed.dump() == detector.dump()
        assert resumed.evidence() == detector.evidence()
        compared += 1
    assert compared == 86


def test_states_and_evidence_are_plain(signal):
    detector = DETECTORS[signal]()
    keys = set(detector.evidence())
    assert {f"{level}{part}" for level in ("before", "after", "back") for part in ("", "_low", "_high", "_n")} <= keys
    assert {"n", "change_point", "since_change", "run_length"} <= keys
    for x in observations(signal):
        detector.update(x)
        evidence = detector.evidence()
        assert set(evidence) == keys
        assert all(value is None or type(value) in {int, float} for value in evidence.values())
        json.dumps(evidence, allow_nan=False)
    assert all(type(value) in {int, float, str} for value in detector.dump().values())
    json.dumps(detector.dump(), allow_nan=False)


def test_a_state_of_another_shape_is_refused(signal):
    detector = DETECTORS[signal]
    state = detector().dump()
    for key, value in state.items():
        for wrong in (None, True, [], 7 if isinstance(value, str) else "7"):
            with pytest.raises(ValueError, match=r"expected .*; rebuild the task from its annotations"):
                detector.load(state | {key: wrong})
        with pytest.raises(
            ValueError, match=rf"state of the detector {detector.name}: expected .* at \$\.{key}, found None"
        ):
            detector.load({name: kept for name, kept in state.items() if name != key})
    with pytest.raises(ValueError, match=r"expected an object at \$, found"):
        detector.load("state")


def test_memory_is_not_shared(signal):
    state = DETECTORS[signal]().dump()
    one, other = DETECTORS[signal].load(state), DETECTORS[signal].load(state)
    for x in observations(signal):
        one.update(x)
    assert other.dump() == state


def test_an_unfinished_detector_cannot_be_made():
    class Unfinished(SequentialDetector):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Unfinished()
