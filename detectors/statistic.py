"""What every statistic of a set of items is: a commutative group."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar, runtime_checkable

X_contra = TypeVar("X_contra", contravariant=True)


@runtime_checkable
class Statistic(Protocol[X_contra]):
    """A commutative group of integers, so that order, batching and sharding of the events cannot matter.

    Each law says what would go wrong without it; all hold to exact equality, which integers allow and floats do not.

    - *Identity.* Merging an empty statistic changes nothing, also into an empty one: a shard without data is harmless.
    - *Commutativity* and *associativity.* Elements may arrive, and shards be merged, in any order and grouping.
    - *Inverse.* `update(x, -1)` undoes `update(x)` whenever it comes, even before it, and `merge(other, -1)` undoes
      `merge(other)`. Edits and deletions are retractions, so nothing else keeps them right.
    - *No trace.* What was added and taken back leaves nothing behind: equal sets have equal states (`==`), and memory
      follows the data held, not the history.
    - *Merge is concatenation.* Merging equals having seen both streams.
    - *Reading is pure.* Reading changes nothing, and equal states give equal readings to the last digit.

    How a statistic is read is its own affair: a reading may need configuration (the declared labels of a task)
    that is no part of the state.
    """

    def update(self, x: X_contra, weight: int = 1) -> None:
        """Add an element; a negative weight retracts it."""

    def merge(self, other: Self, weight: int = 1) -> None:
        """Add another statistic of the same kind; a negative weight removes it."""

    def copy(self) -> Self:
        """An equal statistic that shares no state with this one."""
