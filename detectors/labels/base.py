"""What a label type is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from detectors.agreement.disputed import Difference
from detectors.agreement.measures import Measure
from detectors.config import TaskConfig

Given: TypeAlias = tuple[str, str, object]
"""A label that counts on an item: the annotator, its key, and the label itself."""


class Measured(NamedTuple):
    """What an item with measured labels adds: the whole of it, and in the labels' order each against the others."""

    whole: Measure
    own: Sequence[Measure]


Measuring: TypeAlias = Callable[[Sequence[Given]], Measured]
"""How a task measures an item, from its labels in the order of the annotators' ids; each annotator has one."""


GroupMeasuring: TypeAlias = Callable[[Sequence[Sequence[Given]]], Sequence[Measure]]
"""What an item adds as each two groups of annotators see it, in the order of `itertools.combinations`.

Each group has a label, and its labels are in the order of the annotators' ids; nobody is in two groups.
"""


class LabelType(Protocol):
    """A kind of label: which labels it takes, and the key by which equal ones are one label."""

    name: str
    categorical: bool
    """Whether its labels are categories, so that agreement is counted by equal labels."""

    answers: bool
    """Whether an answer to a gold item is right exactly if its key is among the accepted ones."""

    def key(self, label: object) -> str | None:
        """A text without line feeds, U+001E and U+001F that equal labels share; None if the label does not fit."""
        ...

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether the key lies in the declared set."""
        ...


class LevelType(Protocol):
    """A label type whose labels are categories, and which has the coefficients of a level of measurement.

    Those that have none have the coefficients that name them in their `label_types`.
    """

    level: str
    """nominal, if its categories are equal or not; ordinal, if they are in order."""


@runtime_checkable
class MeasuredType(Protocol):
    """A label type whose labels, where they are no categories, are measured.

    The quantities are integers, so that what an item adds can be taken away again without a trace; `MEASURED` in
    `detectors/agreement/__init__.py` has the figures that are read from their sums.
    """

    def measuring(self, config: TaskConfig) -> Measuring:
        """How a task with this configuration measures an item."""
        ...


@runtime_checkable
class GroupMeasuredType(Protocol):
    """A measured label type whose labels can be compared by groups too: the labels of one with those of the other.

    What such an item adds is read by the figures that read the whole of one.
    """

    def measuring_groups(self, config: TaskConfig) -> GroupMeasuring:
        """How a task with this configuration measures two groups of an item."""
        ...


Differing: TypeAlias = Callable[[Sequence[Given]], Difference | None]
"""How far an item's labels differ, from those that count in the order of the annotators' ids; None if they do not."""


@runtime_checkable
class DisputedType(Protocol):
    """A measured label type that says how far labels differ, so that items can be ranked by it."""

    likeness: str
    """What it is called how alike an item's labels are."""

    def differing(self, config: TaskConfig) -> Differing:
        """How a task with this configuration tells how far labels differ."""
        ...


@runtime_checkable
class ClosedType(Protocol):
    """A label type that says itself which labels there are, seen or not; of others it is for the task to declare them."""

    options: tuple[str, ...]
    """All their keys; in their order, if they have one."""


@runtime_checkable
class OpenType(Protocol):
    """A label type whose labels, or what is inside them, can be called `other` where the task did not declare them."""

    def with_others(self, key: str, labels: frozenset[str]) -> str:
        """The key of the same label with all that lies outside the declared set called `other`."""
        ...


@runtime_checkable
class CompoundType(Protocol):
    """A label type whose labels are of any number of classes; a label of another is a class of its own."""

    def classes_of(self, key: str) -> Sequence[str]:
        """The classes that a label with this key is of, none of them twice."""
        ...

    def text(self, key: str) -> str:
        """How people read the label with this key."""
        ...


class InDeclaredSet:
    """The usual rule for a declared set: the key is one of its members."""

    def declared(self, key: str, labels: frozenset[str]) -> bool:
        """Whether the key is a member."""
        return key in labels
