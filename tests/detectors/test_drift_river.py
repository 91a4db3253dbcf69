import base64
import builtins
import io
import os
import pickle
import random
import subprocess

import pytest
from river import drift
from river.drift.adwin import ADWIN

from detectors.drift.river_state import ALLOWED, RiverUnpickler, dump_river, load_river


@pytest.fixture
def two_levels():
    rng = random.Random(12345)
    return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)


@pytest.mark.parametrize(
    ("detector", "index"),
    [(drift.ADWIN(), 1023), (drift.KSWIN(alpha=1e-4, seed=42), 1016), (drift.PageHinkley(), 1006)],
)
def test_river_detects_where_its_documentation_says(detector, index, two_levels):
    detected = []
    for i, x in enumerate(two_levels):
        detector.update(x)
        if detector.drift_detected:
            detected.append(i)
    assert detected[0] == index


def test_a_river_detector_is_read_back_at_every_length_and_goes_on_identically(two_levels):
    whole = ADWIN(delta=0.1, clock=1)
    resumed = ADWIN(delta=0.1, clock=1)
    for x in two_levels:
        whole.update(x)
        resumed = load_river(dump_river(resumed), ADWIN)
        resumed.update(x)
        assert resumed.drift_detected == whole.drift_detected
        assert dump_river(resumed) == dump_river(whole)


class Reduced:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call

    def __repr__(self):
        function, arguments = self.call
        return f"{function.__name__}{arguments}"


def as_text(value):
    return base64.b64encode(pickle.dumps(value, 4)).decode()


@pytest.mark.parametrize(
    "hostile",
    [
        Reduced(os.system, "true"),
        Reduced(builtins.eval, "1 + 1"),
        Reduced(builtins.exec, "x = 1"),
        Reduced(builtins.getattr, "x", "upper"),
        Reduced(builtins.__import__, "os"),
        Reduced(subprocess.Popen, ["true"]),
        Reduced(io.open, os.devnull),
        Reduced(drift.PageHinkley),
        [ADWIN(), Reduced(os.getcwd)],
        os.system,
        object,
    ],
    ids=repr,
)
def test_a_pickle_of_anything_else_is_refused(hostile):
    with pytest.raises(ValueError, match=r"expected a pickled ADWIN, found .* is none of River's detectors"):
        load_river(as_text(hostile), ADWIN)


def test_nothing_is_called_on_the_way_to_the_refusal(tmp_path):
    witness = tmp_path / "called"
    text = as_text([ADWIN(), Reduced(os.mkdir, str(witness))])
    with pytest.raises(ValueError, match="none of River's detectors"):
        load_river(text, ADWIN)
    assert not witness.exists()
    # The same bytes do call it where everything is allowed.
    pickle.loads(base64.b64decode(text))  # noqa: S301 - the danger is what is shown
    assert witness.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("river.drift.adwin", "AdaptiveWindowing"),
        ("river.drift.adwin", "ADWIN.__init__.__globals__"),
        ("river.base.base", "inspect.os.system"),
        ("river.drift", "ADWIN"),
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
    ],
)
def test_names_are_exact_and_never_walk_into_what_a_module_imports(module, name):
    with pytest.raises(pickle.UnpicklingError, match="none of River's detectors"):
        RiverUnpickler(io.BytesIO()).find_class(module, name)
    walking = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)) + b"\x93."
    with pytest.raises(ValueError, match="none of River's detectors"):
        load_river(base64.b64encode(walking).decode(), ADWIN)


def test_every_allowed_class_exists():
    for module, name in ALLOWED:
        assert isinstance(RiverUnpickler(io.BytesIO()).find_class(module, name), type)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found Ran out of input"),
        ("no base64!", "found text that is not base64"),
        (base64.b64encode(b"\x80\x04.").decode(), "found "),
        (as_text({"delta": 0.1}), "found a dict"),
        (as_text(None), "found a NoneType"),
        (dump_river(ADWIN())[:400], "found pickle data was truncated"),
    ],
)
def test_what_is_no_state_is_refused(text, found):
    with pytest.raises(
        ValueError, match=rf"expected a pickled ADWIN, {found}.*; rebuild the task from its annotations"
    ):
        load_river(text, ADWIN)


def test_the_compiled_part_of_a_state_may_be_damaged(capfd):
    pickled = pickle.dumps(ADWIN(), 4)
    state = ADWIN()._helper.__getstate__()
    assert pickled.count(state) == 1
    damaged = pickled.replace(state, b"\xff" * len(state))
    with pytest.raises(ValueError, match="found bytes that River cannot read"):
        load_river(base64.b64encode(damaged).decode(), ADWIN)
    assert "panicked" in capfd.readouterr().err


def test_an_interruption_is_no_refusal(monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(RiverUnpickler, "load", interrupted, raising=False)
    with pytest.raises(KeyboardInterrupt):
        load_river(dump_river(ADWIN()), ADWIN)
