"""The fingerprint of a task's statistics: where it differs from that of the stored ones, they are computed anew."""

from __future__ import annotations

import hashlib

from detectors.config import TaskConfig

STATISTICS_VERSION = 7
"""Raised when a change of the code gives stored statistics, or the readings of closed hours, another meaning."""


def fingerprint(config: TaskConfig, version: int = STATISTICS_VERSION) -> str:
    """A short text that equals another's where the same annotations would give the same statistics.

    Detectors have states of their own, weights and lateness are a matter of reading, and a store says which days it has
    merged: none of them enters.

    >>> fingerprint(TaskConfig()) == fingerprint(TaskConfig(detectors=(), weights="linear", lateness_minutes=0, hourly_days=1))
    True
    >>> fingerprint(TaskConfig()) == fingerprint(TaskConfig(label_type="nominal"))
    False
    >>> fingerprint(TaskConfig(labels=("a",))) == fingerprint(TaskConfig(labels=("a",), unknown="other"))
    False
    """
    counted = version, config.label_type, config.labels, config.unknown, config.iou, config.inclusive_pixels
    return hashlib.sha256(repr(counted).encode()).hexdigest()[:16]
