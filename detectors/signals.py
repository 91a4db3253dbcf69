"""The signals that are watched of each annotator: what is observed, which detector reads it, what an alarm says.

A signal is an entry of `SIGNALS`; its detector a file of `detectors.drift`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """A stream of numbers about one annotator in one task.

    `corrected` says that its observations are kept (the last 1,000), so that the detector is rebuilt when history is
    corrected; another signal's observations are facts of the moment, which no later event changes.
    """

    name: str
    corrected: bool
    severity: str
    causes: tuple[str, ...]
    action: str


SIGNALS: Mapping[str, Signal] = {
    signal.name: signal
    for signal in (
        Signal(
            "gold_errors",
            corrected=True,
            severity="warning",
            causes=("annotator", "guideline", "gold key", "item mix"),
            action=(
                "Look at the annotator's wrong gold answers since the change. If one gold item is missed by most "
                "annotators, check its key; if one class is, check its guideline; else talk to the annotator."
            ),
        ),
        Signal(
            "log_duration",
            corrected=False,
            severity="info",
            causes=("annotator", "item mix", "tool", "guideline"),
            action=(
                "Compare the annotator's pace with the others on the same queue since the change. If all changed, "
                "look for a change of tool, guideline or items; if one did, look at the quality of that work."
            ),
        ),
    )
}
