"""Label types: which labels fit a task, and the text key by which equal labels are one label.

A label type is a file of this folder and a line in `LABEL_TYPES`.
"""

from __future__ import annotations

from collections.abc import Mapping

from detectors.config import TaskConfig
from detectors.labels.base import LabelType, MeasuredType, Measuring
from detectors.labels.boxes import Boxes
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

_CATEGORICAL = frozenset(name for name, label_type in LABEL_TYPES.items() if label_type.categorical)
_DECLARABLE = _CATEGORICAL | {Interval.name, Ratio.name}


class Fit:
    """Which label type and key a task gives to a label; None for a label that does not fit.

    A configured task has one type. In another, each label has the type of its shape, and the reading picks the type
    that most labels have: a choice that depends on the set of labels alone must not be made when one arrives.

    >>> Fit(TaskConfig())("yes"), Fit(TaskConfig())(1.0), Fit(TaskConfig(label_type="nominal"))(1.0)
    (('nominal', 'yes'), ('interval', '1'), ('nominal', '1'))
    >>> Fit(TaskConfig(labels=("yes", "no")))("maybe") is None
    True
    """

    __slots__ = ("_config", "_declared", "categorical", "measuring", "words")

    def __init__(self, config: TaskConfig) -> None:
        self._config = config
        self.words: dict[str, tuple[str, str] | None] = {}
        """What was found for words: whoever fits very many looks here first."""
        self._declared: frozenset[str] | None = None
        if config.labels is not None:
            self._declared = frozenset(declared_key(label) for label in config.labels)
        self.categorical = _CATEGORICAL if self._declared is None else _DECLARABLE
        """The label types whose labels are categories: numbers are where the task declares which there are."""
        self.measuring: dict[str, Measuring] = {
            name: kind.measuring(config)
            for name, kind in LABEL_TYPES.items()
            if name not in self.categorical and isinstance(kind, MeasuredType)
        }
        """How items are measured, of the other label types that have a measure."""

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
        if key is None or (self._declared is not None and not kind.declared(key, self._declared)):
            return None
        return kind.name, key


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


def declared_key(label: str | bool | int | float) -> str:
    """The key of a label of a declared set.

    >>> declared_key(True), declared_key(1.0), declared_key("a")
    ('true', '1', 'a')
    """
    if isinstance(label, bool):
        return "true" if label else "false"
    if isinstance(label, str):
        return label
    key = number_key(label)
    if key is None:
        raise ValueError(f"expected a number of at most 12 places and at most 10^9, found {label!r}")
    return key


__all__ = ["LABEL_TYPES", "SHAPES", "Fit", "LabelType", "declared_key", "number_key", "shape_of"]
