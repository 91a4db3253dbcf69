"""Stored states of River's own detectors that only pickle, read back without trusting the pickle.

A pickle may name any function of any installed module and have it called. This one may name River's detectors and
nothing else, each by its exact module and name: a prefix would let in whatever those modules import.
"""

from __future__ import annotations

import base64
import binascii
import io
import pickle
from typing import Final, TypeVar

from river.base import DriftDetector

Detector = TypeVar("Detector", bound=DriftDetector)

ALLOWED: Final = frozenset(
    {
        ("river.drift.adwin", "ADWIN"),
        ("river._river_rust.drift", "AdaptiveWindowing"),
    }
)
"""Module and name of each class that a stored state may hold; a further River detector adds its own here."""

PROTOCOL: Final = 4
"""Fixed, so that equal detectors give equal bytes whatever the Python version."""


class RiverUnpickler(pickle.Unpickler):
    """An unpickler that knows `ALLOWED` and no other class or function."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is none of River's detectors")
        return super().find_class(module, name)


def dump_river(detector: DriftDetector) -> str:
    """A River detector as text.

    >>> from river.drift import ADWIN
    >>> load_river(dump_river(ADWIN(delta=0.1)), ADWIN).delta
    0.1
    """
    return base64.b64encode(pickle.dumps(detector, PROTOCOL)).decode("ascii")


def load_river(text: str, expected: type[Detector]) -> Detector:
    """The River detector of such a text; ValueError where it is not one of the expected class."""
    try:
        detector = RiverUnpickler(io.BytesIO(base64.b64decode(text, validate=True))).load()
    except binascii.Error as error:
        raise _refusal(expected, "text that is not base64") from error
    except Exception as error:
        raise _refusal(expected, str(error) or type(error).__name__) from error
    except BaseException as error:
        # River's compiled code panics on bytes that are not its own, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise _refusal(expected, "bytes that River cannot read") from error
    if type(detector) is not expected:
        raise _refusal(expected, f"a {type(detector).__name__}")
    return detector


def _refusal(expected: type[DriftDetector], found: str) -> ValueError:
    return ValueError(
        f"stored state of a River detector: expected a pickled {expected.__name__}, found {found}; "
        "rebuild the task from its annotations"
    )
