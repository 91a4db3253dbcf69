"""What the items of a home add up to: the counts of scopes, and the confusions of annotators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, repeat
from typing import NamedTuple, TypeVar

from detectors.changes import Changes
from detectors.item import Contribution, Each, Pair, Place, Twos, Whole, pairs_of
from detectors.keys import PairKey, ScopeKey, TaskKey
from detectors.panes import PANE, bound_name, merged_name
from detectors.scope import Scope
from detectors.shelf import Shelf

T = TypeVar("T", bound=Hashable)


class Moves(NamedTuple):
    """What a chunk's items bring to the counters of a task, and what they take away."""

    fresh: Contribution
    """Of items that brought nothing before: nearly all."""
    new: Contribution
    old: Contribution

    def wholes(self) -> Iterator[tuple[Whole, int]]:
        """Each with how often it is to be added; those of many items are counted, so that each comes once."""
        return iter(_counted(self.fresh.wholes + self.new.wholes, self.old.wholes).items())

    def each(self) -> Iterator[tuple[Each, int]]:
        """As these seldom repeat, all as they are, but what is taken away and brought again."""
        return chain(zip(self.fresh.each, repeat(1)), _counted(self.new.each, self.old.each).items())

    def twos(self) -> Iterator[tuple[Twos, int]]:
        """The same of pairs."""
        return chain(zip(self.fresh.twos, repeat(1)), _counted(self.new.twos, self.old.twos).items())


class Counters:
    """The scopes and the confusions of a home, as far as memory holds them.

    `bound` is the name of the hour below which a task's hours are merged into days (`detectors.panes.bound_name`).
    """

    __slots__ = ("pairs", "scopes")

    def __init__(self) -> None:
        self.scopes: Shelf[ScopeKey, Scope] = Shelf()
        self.pairs: Shelf[PairKey, dict[str, int]] = Shelf()

    def lacks(self, task: TaskKey, moves: Moves, bound: str) -> tuple[set[ScopeKey], set[PairKey]]:
        """The scopes and the pairs that the moves change and memory does not hold."""
        if self.scopes.complete and self.pairs.complete:
            return set(), set()
        places = {place for (places, _), _ in moves.wholes() for place in places}
        places.update(("annotator", annotator) for (people, _), _ in moves.each() for annotator in people)
        pairs = {pair for twos, _ in moves.twos() for pair, _ in pairs_of(twos)}
        return (
            self.scopes.missing([_scope_key(*task, place, bound) for place in places]),
            self.pairs.missing([PairKey(*task, *pair) for pair in pairs]),
        )

    def apply(self, task: TaskKey, moves: Moves, bound: str) -> int:
        """Add and take away; so many annotators more than before have an annotation in force."""
        scopes: dict[Place, Scope] = {}
        for (places, addition), times in moves.wholes():
            for place in places:
                scope = scopes.get(place)
                if scope is None:
                    scope = scopes[place] = self._scope(_scope_key(*task, place, bound))
                scope.update(addition, times)
        confusions: dict[Pair, dict[str, int]] = {}
        for (kind, people, patterns), times in moves.twos():
            for (a, b), pattern in zip(combinations(people, 2), patterns, strict=True):
                pair = kind, a, b
                confusion = confusions.get(pair)
                if confusion is None:
                    confusion = confusions[pair] = self._pair(PairKey(*task, *pair))
                count = confusion.get(pattern, 0) + times
                if count:
                    confusion[pattern] = count
                else:
                    del confusion[pattern]
        return self._apply_each(task, moves)

    def _apply_each(self, task: TaskKey, moves: Moves) -> int:
        scopes: dict[str, Scope] = {}
        were = 0
        for (people, additions), times in moves.each():
            for annotator, addition in zip(people, additions, strict=True):
                scope = scopes.get(annotator)
                if scope is None:
                    scope = scopes[annotator] = self._scope(ScopeKey(*task, "annotator", annotator))
                    were += scope.annotations > 0
                scope.update(addition, times)
        return sum(scope.annotations > 0 for scope in scopes.values()) - were

    def _scope(self, key: ScopeKey) -> Scope:
        self.scopes.changed.add(key)
        scope = self.scopes.rows.get(key)
        if scope is None:
            scope = self.scopes.rows[key] = Scope()
        return scope

    def _pair(self, key: PairKey) -> dict[str, int]:
        self.pairs.changed.add(key)
        patterns = self.pairs.rows.get(key)
        if patterns is None:
            patterns = self.pairs.rows[key] = {}
        return patterns

    def merge_panes(self, task: TaskKey, to: int, panes: Mapping[str, Scope], changes: Changes) -> None:
        """Sum up these hours of before `to` by day."""
        days: dict[ScopeKey, Scope] = {}
        for name, hour in panes.items():
            day = _scope_key(*task, (PANE, name), bound_name(to))
            days.setdefault(day, Scope()).merge(hour)
            key = ScopeKey(*task, PANE, name)
            self.scopes.rows.pop(key, None)
            changes.scopes[key] = None
        self.scopes.rows.update(days)
        changes.scopes.update(days)

    def drop(self, tasks: Collection[TaskKey]) -> None:
        """Forget what these tasks add up to, which a rebuild begins anew."""
        dropped = {*tasks}
        for key in [key for key in self.scopes.rows if key[:2] in dropped]:
            del self.scopes.rows[key]
        for pair in [pair for pair in self.pairs.rows if pair[:2] in dropped]:
            del self.pairs.rows[pair]

    def take(self, changes: Changes) -> None:
        """Hand over what was changed; what counts nothing any more is gone."""
        for key in self.scopes.changed:
            scope: Scope | None = self.scopes.rows[key]
            if scope is not None and scope.empty:
                del self.scopes.rows[key]
                scope = None
            changes.scopes[key] = scope
        for pair in self.pairs.changed:
            patterns: dict[str, int] | None = self.pairs.rows[pair]
            if not patterns:
                del self.pairs.rows[pair]
                patterns = None
            changes.pairs[pair] = patterns


def _counted(new: Iterable[T], old: Sequence[T]) -> dict[T, int]:
    """How often each is to be added, if not 0."""
    counts = Counter(new)
    if old:
        counts.subtract(old)
        return {move: times for move, times in counts.items() if times}
    return counts


def _scope_key(project: str, task: str, place: Place, bound: str) -> ScopeKey:
    """The scope that stands for this place, where hours below the bound are merged into days."""
    dimension, value = place
    return ScopeKey(project, task, dimension, merged_name(value, bound) if dimension == PANE else value)
