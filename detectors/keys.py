"""Where things live: the keys of rows within a home, which memory and the stores share."""

from __future__ import annotations

from typing import NamedTuple

AnnotationKey = tuple[str, str]  # project, annotation
ReviewKey = tuple[str, str, str, str]  # project, annotation, reviewer, stage
ContextKey = tuple[str, str]  # project, id
ClockKey = tuple[str, str]  # project, annotator
TaskKey = tuple[str, str]  # project, task


class ItemKey(NamedTuple):
    """An item of a task."""

    project: str
    task: str
    item: str


class ScopeKey(NamedTuple):
    """A scope: one value of a dimension, in one task."""

    project: str
    task: str
    dimension: str
    value: str


class PairKey(NamedTuple):
    """Two annotators, a before b, and the label type they are compared on."""

    project: str
    task: str
    label_type: str
    a: str
    b: str
