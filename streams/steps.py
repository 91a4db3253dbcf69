"""Work on a home between two chunks, in bounded steps: what it needs of the home, and what a step tells."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from detectors.changes import Changes
from detectors.keys import ItemKey, TaskKey
from detectors.monitor import Monitor
from detectors.records import AnnotationRecord
from streams.store.base import Batch, Store


class Step(NamedTuple):
    """A step, which is committed: what it was, up to which row of the annotations it came, and what it changed."""

    what: str
    row: int
    changes: Changes


class Host(Protocol):
    """What such work needs of its home."""

    @property
    def number(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def store(self) -> Store: ...
    @property
    def monitor(self) -> Monitor: ...
    def annotations_after(self, row: int) -> tuple[list[AnnotationRecord], bool]:
        """The next stored annotations beyond a row, as many as a step has; and whether they are the last."""
        ...

    def hold_items(self, items: Iterable[ItemKey]) -> None:
        """Load the items that memory does not hold."""
        ...

    def settle(self) -> None:
        """Let statistics and detectors see what the step did."""
        ...

    def clear_unfounded(self, tasks: Collection[TaskKey]) -> None:
        """Clear the alarms of these tasks that revised histories do not bear out."""
        ...

    def commit(self, batch: Batch, changes: Changes, whole: Collection[TaskKey] = ()) -> None:
        """Write the step, and all that it changed, in one transaction; `whole` tasks are read anew in every closed hour."""
        ...
