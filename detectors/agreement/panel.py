"""Who gave which label: what coefficients read that tell a task's annotators apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from detectors.agreement.coefficient import Estimate
from detectors.agreement.confusions import Cells
from detectors.agreement.table import Table
from detectors.reading import Reading
from detectors.reasons import NO_PAIRABLE_ITEM, NO_VARIATION, NOT_AVAILABLE, OF_TASKS


@dataclass(frozen=True, eq=False)
class Who:
    """Who gave which label: an annotator's labels against those of the others, and the confusions of each two.

    The first two are counters that the fold keeps anyway. They are kept of whole tasks only.
    """

    own: Mapping[str, Mapping[str, int]]
    """By annotator: items by the pattern of the own label against the others' (`patterns.against_others`)."""
    pairs: Mapping[tuple[str, str], Mapping[str, int]]
    """By two annotators: items by the pattern of their labels (`patterns.pair_pattern`, or `sized_pattern`)."""
    crowded: Sequence[Mapping[str, str]] = ()
    """Items with too many labels to be in these confusions, as far as they are known: each one's labels by annotator."""

    @cached_property
    def cells(self) -> Cells:
        """The confusions of each two annotators, in the order of these."""
        return Cells.of([self.pairs[two] for two in sorted(self.pairs)])


@dataclass(frozen=True, slots=True)
class Panel:
    """The items of a task, and who gave which label."""

    rows: Mapping[str, int]
    """By pattern: its row in the table."""
    table: Table
    who: Who

    @classmethod
    def of(cls, counts: Mapping[str, float], table: Table, who: Who) -> Panel:
        """Of the table of these counts."""
        return cls({pattern: row for row, pattern in enumerate(sorted(counts))}, table, who)


PanelEstimator: TypeAlias = Callable[[Panel], Estimate | Reading | str | None]
"""A panel with at least one pairable item.

The answer is a `Reading` where there is a value without an error, None where chance would agree always, and a reason
(`detectors.reasons`) where it is undefined otherwise.
"""


class PanelCoefficient(NamedTuple):
    """A coefficient that tells annotators apart: its name, the label types it is for, its lower bound, its estimate."""

    name: str
    label_types: frozenset[str]
    lowest: float
    estimate: PanelEstimator

    def reading(self, panel: Panel | None, pairable: int, label_type: str) -> Reading:
        """The coefficient with its interval; n is the number of pairable items. None is a part of a task."""
        if label_type not in self.label_types:
            return Reading.undefined(pairable, NOT_AVAILABLE)
        if not pairable:
            return Reading.undefined(0, NO_PAIRABLE_ITEM)
        if panel is None:
            return Reading.undefined(pairable, OF_TASKS)
        estimate = self.estimate(panel)
        if isinstance(estimate, Reading):
            return estimate
        if not isinstance(estimate, Estimate):
            return Reading.undefined(pairable, estimate or NO_VARIATION)
        return estimate.reading(pairable, self.lowest)
