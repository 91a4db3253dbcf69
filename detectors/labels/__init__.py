"""Label types: which labels fit a task, and the text key by which equal labels are one label.

A label type is a file of this folder and a line in `LABEL_TYPES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from detectors.config import OTHER, TaskConfig
from detectors.labels.base import (
    GroupMeasuredType,
    GroupMeasuring,
    LabelType,
    LevelType,
    MeasuredType,
    Measuring,
    OpenType,
)
from detectors.labels.boxes import Boxes
from detectors.labels.declared import declared_key
from detectors.labels.numbers import Interval, Ratio, number_key
from detectors.labels.ordinal import Ordinal
from detectors.labels.preference import Preference
from detectors.labels.sets import Multilabel
from detectors.labels.spans import Spans
from detectors.labels.text import Nominal

LABEL_TYPES: Mapping[str, LabelType] = {
    label_type.name: label_type
    for label_type in (Nominal(), Ordinal(), Interval(), Ratio(), Multilabel(), Boxes(), Spans(), Preference())
}

SHAPES = ("nominal", "interval", "multilabel", "boxes", "spans", "preference")
"""The label types that a label's shape alone can name, in the order that decides ties."""


class Fit:
    """Which label type and key a task gives to a label; None for a label that does not fit.

    A configured task has one type. In another, each label has the type of its shape, and the reading picks the type
    that most labels have: a choice that depends on the set of labels alone must not be made when one arrives.

    >>> Fit(TaskConfig())("yes"), Fit(TaskConfig())(1.0), Fit(TaskConfig(label_type="nominal"))(1.0)
    (('nominal', 'yes'), ('interval', '1'), ('nominal', '1'))
    >>> Fit(TaskConfig(labels=("yes", "no")))("maybe") is None
    True
    >>> Fit(TaskConfig(labels=("yes", "no"), unknown="other"))("maybe")
    ('nominal', 'other')
    """

    __slots__ = ("_config", "_declared", "_open", "categorical", "measuring", "measuring_groups", "words")

    def __init__(self, config: TaskConfig) -> None:
        self._config = config
        self.words: dict[str, tuple[str, str] | None] = {}
        """What was found for words: whoever fits very many looks here first."""
        self._declared: frozenset[str] | None = None
        if config.labels is not None:
            self._declared = frozenset(declared_key(label) for label in config.labels)
        self._open: dict[str, OpenType] = {}
        if config.unknown == OTHER:
            self._open = {name: kind for name, kind in LABEL_TYPES.items() if isinstance(kind, OpenType)}
        categorical = frozenset(name for name, kind in LABEL_TYPES.items() if kind.categorical)
        self.categorical = categorical if self._declared is None else categorical | {Interval.name, Ratio.name}
        """The label types whose labels are categories: numbers are where the task declares which there are."""
        self.measuring: dict[str, Measuring] = {
            name: kind.measuring(config)
            for name, kind in LABEL_TYPES.items()
            if name not in self.categorical and isinstance(kind, MeasuredType)
        }
        """How items are measured, of the other label types that have a measure."""
        self.measuring_groups: dict[str, GroupMeasuring] = {
            name: kind.measuring_groups(config)
            for name, kind in LABEL_TYPES.items()
            if name in self.measuring and isinstance(kind, GroupMeasuredType)
        }
        """The same of two groups of an item's annotators, of those that have such a measure."""

    def __call__(self, label: object) -> tuple[str, str] | None:
        """(label type, key), or None."""
        if type(label) is not str:
            return self._fit(label)
        try:
            return self.words[label]
        except KeyError:
            if len(self.words) > 10_000:
                self.words.clear()
            fit = self.words[label] = self._fit(label)
            return fit

    def _fit(self, label: object) -> tuple[str, str] | None:
        if self._config.label_type is not None:
            kind = LABEL_TYPES[self._config.label_type]
            key = kind.key(label)
        else:
            kind = LABEL_TYPES[shape_of(label)]
            key = kind.key(label)
        if key is None:
            return None
        if self._declared is not None and not kind.declared(key, self._declared):
            takes = self._open.get(kind.name)
            return None if takes is None else (kind.name, takes.with_others(key, self._declared))
        return kind.name, key


def level_of(label_type: str) -> str:
    """By which name coefficients know a label type: that of the level of measurement that it says it has, or its own.

    >>> level_of("preference"), level_of("interval"), level_of("multilabel")
    ('nominal', 'interval', 'multilabel')
    """
    kind = LABEL_TYPES[label_type]
    # Items ask this, and to ask whether the Protocol is met takes longer than all else that they do.
    return cast("LevelType", kind).level if hasattr(kind, "level") else label_type


def shape_of(label: object) -> str:
    """The label type that a label's shape names.

    >>> shape_of(True), shape_of(3), shape_of(["a"])
    ('nominal', 'interval', 'multilabel')
    """
    if isinstance(label, str | bool):
        return "nominal"
    if isinstance(label, int | float):
        return "interval"
    if isinstance(label, list | tuple):
        return "multilabel"
    return str(getattr(label, "shape", "nominal"))


__all__ = ["LABEL_TYPES", "SHAPES", "Fit", "LabelType", "declared_key", "level_of", "number_key", "shape_of"]
