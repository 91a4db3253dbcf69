"""What a task's statistics say: the readings of the task, of every value of every dimension, and of annotator pairs."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from detectors.agreement import (
    PANEL_COEFFICIENTS,
    RANKINGS,
    AlphaParts,
    Confused,
    RankedItems,
    Scale,
    Who,
    agreement,
    agreement_of_each,
    agreement_of_sums,
    alpha_parts,
    confused,
    each_against_rest,
    involved,
    one_against_rest,
    pair_agreement_of_cells,
    ranking_agreement,
    ranking_intervals,
)
from detectors.agreement.coefficient import CATEGORIES, ORDERED
from detectors.agreement.measures import COUNT, add, by_class
from detectors.agreement.patterns import BY_SIZE, LABEL
from detectors.agreement.wide import MARKS, missing_products
from detectors.between import BETWEEN_VENDORS, pair_of
from detectors.config import OTHER, TaskConfig
from detectors.decay import decayed
from detectors.gold import Accuracy
from detectors.item import MOST_PAIRED, Item, contribution
from detectors.labels import LABEL_TYPES, SHAPES, Fit, LabelType, declared_key, level_of
from detectors.labels.base import ClosedType, CompoundType, OpenType
from detectors.panes import PANE, begin, bound_name, hour_of, hours_in, merged_name
from detectors.reading import Reading
from detectors.repeats import REPEATS, Repeats, consistency
from detectors.scope import Scope, Tally
from detectors.watermark import hours_over
from detectors.windows import Window, windows

MOST_VALUES = 1000
"""Of a dimension's values, and of the pairs of annotators and of vendors, this many are shown: those with the largest n,
then by name. Of windows the latest."""

NO_CATEGORIES: dict[str, int] = {}


class ScopeSummary(NamedTuple):
    """The readings of one scope."""

    annotations: int
    pairable_share: float | None
    """Of the items with an annotation, how many have two labels that count; None without any."""
    agreement: dict[str, Reading]
    gold: Accuracy
    repeats: Repeats | None = None
    """Of the task and of annotators only."""


class WindowSummary(NamedTuple):
    """The readings of the items whose latest annotation came in a stretch of time (microseconds since 1970 UTC).

    Open if it ends beyond the watermark.
    """

    start: int
    end: int
    open: bool
    items: int
    pairable_items: int
    summary: ScopeSummary


class DecayedSummary(NamedTuple):
    """The readings of a task in which older items count less: up to when, how many pairable items they are worth."""

    until: int
    pairable_items: float
    agreement: dict[str, Reading]
    gold: Reading


class PairSummary(NamedTuple):
    """Two annotators, or two vendors, a before b: how many items both labelled, and how they agree on these."""

    a: str
    b: str
    items: int
    agreement: dict[str, Reading]


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """The readings of one task; `categories` is how many classes labels may be of, the q of coefficients that need one."""

    label_type: str | None
    categories: int
    annotations: int
    items: int
    pairable_items: int
    annotators: int
    unfit: int
    whole: ScopeSummary


class TaskStatistics:
    """A task's scopes and pairs, ready to be read.

    `scopes` maps (dimension, value) to a scope, as `detectors.item` names them. `panel` says whether the coefficients that
    tell annotators apart are wanted (`detectors.agreement.panel`).
    """

    def __init__(
        self,
        config: TaskConfig,
        scopes: Mapping[tuple[str, str], Scope],
        pairs: Mapping[tuple[str, str, str], Mapping[str, int]] | None = None,
        annotators: int | None = None,
        *,
        panel: bool = True,
    ) -> None:
        self._config = config
        self._scopes = scopes
        self._pairs = pairs or {}
        self._panel = panel
        if annotators is None:
            annotators = sum(key[0] == "annotator" for key in scopes)
        self._annotators = annotators
        self._total = Scope()
        for value in ("false", "true"):
            part = scopes.get(("gold_item", value))
            if part is not None:
                self._total.merge(part)
        self.label_type = config.label_type or _majority(self._total)
        kind = LABEL_TYPES[self.label_type or "nominal"]
        # By which the coefficients know it; statistics are kept by label type.
        self._level = level_of(kind.name)
        self._compound = kind if isinstance(kind, CompoundType) else None
        # To be of a class or not are two categories without order.
        of_categories = self._compound is not None or self._level in CATEGORIES
        self._level_of_class = "nominal" if of_categories else self._level
        options = kind.options if isinstance(kind, ClosedType) else _labels(config, kind)
        self._declared: Collection[str] = options or ()
        seen = () if options else self._seen()
        self.categories = len(options or seen)
        self._scale = self._scale_of(kind, seen)

    def _scale_of(self, kind: LabelType, seen: Collection[str]) -> Scale | None:
        """How the task's labels are ordered; None where they are not, or nothing says how."""
        if self._level not in ORDERED:
            return None
        declared: Sequence[str] | None = None
        if isinstance(kind, ClosedType):
            declared = kind.options
        elif self._config.labels:
            declared = [declared_key(label) for label in self._config.labels if kind.key(label) is not None]
        return Scale.of(self._level, declared, seen, self._config.weights)

    @property
    def empty(self) -> bool:
        """Whether no annotation of the task is in force, in any stage."""
        return self._total.empty and not any(key[0] == "stage" for key in self._scopes)

    def task(self) -> TaskSummary:
        """The readings of the whole task."""
        total = self._total
        others = sum(tally.labels for name, tally in total.tallies.items() if name != self.label_type)
        return TaskSummary(
            self.label_type,
            self.categories,
            total.annotations,
            total.items,
            self._tally(total).pairable,
            self._annotators,
            total.unfit + others,
            _with_repeats(self._whole, total),
        )

    def by(self) -> tuple[dict[str, dict[str, ScopeSummary]], dict[str, int]]:
        """The readings of each value of each dimension, and how many values of each were cut."""
        found = {dimension: shown for dimension, shown in self._shown.items() if dimension != BETWEEN_VENDORS}
        cut = {dimension: max(0, len(self._values[dimension]) - MOST_VALUES) for dimension in found}
        if "annotator" in found:
            scopes = self._values["annotator"]
            found["annotator"] = {
                value: _with_repeats(summary, scopes[value]) for value, summary in found["annotator"].items()
            }
        if "annotate" in found["stage"]:
            found["stage"] = found["stage"] | {"annotate": self._whole}
        found["class"], cut["class"] = self._by_class()
        return found, cut

    @cached_property
    def _values(self) -> dict[str, dict[str, Scope]]:
        """By dimension its values, those with the most annotations first; of pairs of vendors, with the most items."""
        dimensions: dict[str, dict[str, Scope]] = {"stage": {}}
        for (dimension, value), scope in self._scopes.items():
            if dimension == BETWEEN_VENDORS and not self._tally(scope).pairable:
                continue
            if dimension not in {"class", PANE}:
                dimensions.setdefault(dimension, {})[value] = scope
        if not self._total.empty:
            dimensions["stage"]["annotate"] = self._total

        def place(held: tuple[str, Scope]) -> tuple[int, str | tuple[str, str]]:
            value, scope = held
            return -scope.annotations, value

        def of_pair(held: tuple[str, Scope]) -> tuple[int, str | tuple[str, str]]:
            value, scope = held
            return -self._tally(scope).pairable, pair_of(value)

        return {
            dimension: dict(sorted(scopes.items(), key=of_pair if dimension == BETWEEN_VENDORS else place))
            for dimension, scopes in sorted(dimensions.items())
        }

    @cached_property
    def _shown(self) -> dict[str, dict[str, ScopeSummary]]:
        """Of each dimension the readings of the values that are shown, and so of the pairs of vendors."""
        places = [
            (dimension, value, scope)
            for dimension, scopes in self._values.items()
            for value, scope in islice(scopes.items(), MOST_VALUES)
        ]
        found: dict[str, dict[str, ScopeSummary]] = {dimension: {} for dimension in self._values}
        # All together, for that takes little longer than those of one dimension.
        summaries = self._summaries([scope for _, _, scope in places])
        for (dimension, value, _), summary in zip(places, summaries, strict=True):
            found[dimension][value] = summary
        return found

    def _by_class(self) -> tuple[dict[str, ScopeSummary], int]:
        """Each class against the rest; its gold is that of the items whose key is of it.

        Numbers that no task declares are no classes, whatever gold accepts.
        """
        tally = self._tally(self._total)
        patterns = each_against_rest(tally.patterns, self._classes)
        sums = by_class(tally.sums)
        counts = Counter({value: held.get(COUNT, 0) for value, held in sums.items()})
        for label, n in _label_counts(tally.patterns).items():
            for value in self._classes(label):
                counts[value] += n
        gold = self.gold_by_class(self._scopes) if tally.patterns or sums else {}
        values = sorted(counts.keys() | gold.keys(), key=lambda value: (-counts[value], value))
        shown = values[:MOST_VALUES]
        counted = [value for value in shown if value not in sums]
        # What only gold accepts is on no item: every label is of another class.
        unseen = [value for value in counted if value not in patterns]
        nowhere = one_against_rest(tally.patterns, unseen[0], self._classes) if unseen else NO_CATEGORIES
        of_counted = agreement_of_each([patterns.get(value, nowhere) for value in counted], self._level_of_class, 2)
        readings = dict(zip(counted, of_counted, strict=True))
        found = {}
        for value in shown:
            found[value] = ScopeSummary(
                counts[value],
                _pairable_share(self._total, tally),
                readings[value] if value in readings else self._of_class(tally, sums[value]),
                gold.get(value, Accuracy()),
            )
        return found, max(0, len(values) - MOST_VALUES)

    def gold_by_class(self, scopes: Mapping[tuple[str, str], Scope]) -> dict[str, Accuracy]:
        """Of each class the answers to the items whose key is of it; only the scopes of keys are read."""
        found: dict[str, Accuracy] = {}
        for (dimension, key), scope in scopes.items():
            if dimension == "class":
                answered = self._tally(scope)
                for value in self._classes(key):
                    found.setdefault(value, Accuracy()).merge(Accuracy(answered.answers, answered.correct))
        return found

    def _classes(self, label: str) -> Sequence[str]:
        """The classes that a label is of."""
        return (label,) if self._compound is None else self._compound.classes_of(label)

    def named_classes(self, most: int) -> Collection[str]:
        """The classes that the task declares, or else those of the labels that were given, if they are not more than so many.

        What people write freely, and gold keys that nobody gave, are not among them.
        """
        if self._declared:
            return self._declared
        seen = self._seen()
        return seen if len(seen) <= most else ()

    def _seen(self) -> set[str]:
        """The classes of the task's labels."""
        labels = {label for pattern in self._tally(self._total).patterns for label in pattern.split(LABEL)}
        return {value for label in labels for value in self._classes(label)}

    def _of_class(self, tally: Tally, sums: Mapping[str, int]) -> dict[str, Reading]:
        return agreement_of_sums(sums, self._level, tally.pairable, of_class=True)

    @property
    def pairs_cut(self) -> int:
        """How many pairs of annotators are not among those shown."""
        return max(0, sum(key[0] == self.label_type for key in self._pairs) - MOST_VALUES)

    def pairs(self) -> list[PairSummary]:
        """The pairs of annotators with the most items in common."""
        pairs, cells = sorted(self._who.pairs), self._who.cells
        items = cells.items.tolist()
        shown = sorted(range(len(pairs)), key=lambda place: -items[place])[:MOST_VALUES]
        of_shown = pair_agreement_of_cells(cells.some(shown), self._level, self._scale)
        found = dict(zip(sorted(shown), of_shown, strict=True))
        return [PairSummary(*pairs[place], items[place], found[place]) for place in shown]

    @cached_property
    def _labelling(self) -> list[str]:
        """The annotators who have a label that counts."""
        return [
            value
            for (dimension, value), scope in self._scopes.items()
            if dimension == "annotator" and self._tally(scope).labels
        ]

    @cached_property
    def _rankings(self) -> dict[str, Reading]:
        """How all annotators who have a label that counts rank the items of the task."""
        pairs = {(self._level, *pair): confusion for pair, confusion in self._who.pairs.items()}
        return ranking_agreement(pairs, self._labelling, self._level, self._scale)

    @property
    def fewest_labels(self) -> int | None:
        """The figures of the whole task that lack an interval need the items of at least so many labels; None if none lacks."""
        needed = [len(self._labelling)] if self._lacking(RANKINGS) else []
        needed += [MOST_PAIRED + 1] if self._lacking(PANEL_COEFFICIENTS) else []
        return min(needed, default=None)

    def intervals(self, items: Sequence[tuple[str, Mapping[str, str]]]) -> dict[str, Reading]:
        """Of the whole task the readings that lack an interval, with that which these items tell.

        Each is an item with its counting labels of the task's type, by annotator; those with `fewest_labels` must all be there.
        """
        found: dict[str, Reading] = {}
        of_annotators, rankings = self._lacking(PANEL_COEFFICIENTS), self._lacking(RANKINGS)
        if of_annotators:
            crowded = [labels for _, labels in items if len(labels) > MOST_PAIRED]
            who = Who(self._who.own, self._who.pairs, crowded)
            patterns = self._tally(self._total).patterns
            again = agreement(patterns, self._level, self.categories, self._scale, who)
            found.update({name: again[name] for name in of_annotators})
        if rankings and self._scale is not None:
            found.update(ranking_intervals(RankedItems.of(items, self._labelling, self._scale), rankings))
        return {name: reading for name, reading in found.items() if reading.low is not None}

    @property
    def wide(self) -> bool:
        """Whether an item has so many categories that the scopes that it is in lack the products for an interval."""
        mark = MARKS.get(self.label_type or "")
        return mark is not None and any(self._tally(scope).sums.get(mark) for scope in self._scopes.values())

    def widened(self, items: Iterable[Item]) -> TaskStatistics:
        """The same with the products of these items, which are whole: those with so many categories must all be there."""
        fit, label_type, scopes = Fit(self._config), self.label_type or "", dict(self._scopes)
        bound = bound_name(self._panes()[1])
        for item in items:
            for (dimension, value), (_, _, _, shares) in contribution(item, fit).by_place():
                place = dimension, merged_name(value, bound) if dimension == PANE else value
                for kind, *_, seen in shares:
                    missing = missing_products(seen, kind) if kind == label_type and isinstance(seen, tuple) else ()
                    # Statistics that are being rebuilt may not know the item yet.
                    if missing and place in scopes and label_type in scopes[place].tallies:
                        if scopes[place] is self._scopes[place]:
                            scopes[place] = scopes[place].copy()
                        add(scopes[place].tallies[label_type].sums, missing, 1)
        return TaskStatistics(self._config, scopes, self._pairs, self._annotators)

    def _lacking(self, names: Iterable[str]) -> dict[str, Reading]:
        """Which of these figures of the whole task have a value, and no interval."""
        readings = {name: self._whole.agreement[name] for name in names}
        return {
            name: each for name, each in readings.items() if each.value is not None and each.low is None and each.n > 1
        }

    def between_vendors(self) -> tuple[list[PairSummary], int]:
        """The pairs of vendors with the most items in common, and how many others were cut."""
        scopes = self._values.get(BETWEEN_VENDORS, {})
        found = [
            PairSummary(*pair_of(value), self._tally(scopes[value]).pairable, summary.agreement)
            for value, summary in self._shown.get(BETWEEN_VENDORS, {}).items()
        ]
        return found, len(scopes) - len(found)

    def _panes(self) -> tuple[dict[int, Scope], int]:
        """The panes by their first hour, and the end of those that are days, which come before all hours."""
        names = {value: scope for (dimension, value), scope in self._scopes.items() if dimension == PANE}
        ends = [hour_of(value) + hours_in(value) for value in names if hours_in(value) > 1]
        return {hour_of(value): scope for value, scope in names.items()}, max(ends, default=0)

    def windows(self, length: int | None, every: int, reached: int) -> tuple[list[WindowSummary], int]:
        """The readings of the latest windows (`detectors.windows`), and how many earlier ones were cut.

        `reached` is the moment that the project's annotators have come to (`detectors.watermark`).
        """
        panes, merged_to = self._panes()
        latest: deque[Window] = deque(maxlen=MOST_VALUES)
        count = 0
        over = hours_over(reached, self._config.lateness_minutes)
        for window in windows(panes, length, every, over, merged_to):
            latest.append(window._replace(scope=window.scope.copy()))
            count += 1
        summaries = self._summaries([window.scope for window in latest])
        return list(map(self._window, latest, summaries)), count - len(latest)

    def decayed(self, half_life: int) -> DecayedSummary | None:
        """The readings in which an item of so many hours before the last pane counts half (`detectors.decay`)."""
        panes, merged_to = self._panes()
        found = decayed(panes, self.label_type or "nominal", half_life, merged_to)
        if found is None:
            return None
        if found.patterns:
            readings = agreement(found.patterns, self._level, self.categories, self._scale)
        else:
            # Sums say how far items differ only if all count alike.
            readings = {
                name: reading._replace(low=None, high=None, n=round(found.pairable))
                for name, reading in agreement_of_sums(found.sums, self._level, round(found.pairable)).items()
            }
        return DecayedSummary(begin(found.hour + 1), found.pairable, readings, found.gold)

    def _window(self, window: Window, summary: ScopeSummary) -> WindowSummary:
        return WindowSummary(
            begin(window.start),
            begin(window.end),
            window.open,
            window.scope.items,
            self._tally(window.scope).pairable,
            summary,
        )

    def confused(self) -> list[Confused]:
        """The labels that annotators confuse, the most often confused first; of labels that are no categories none."""
        found = confused(self._tally(self._total).patterns)
        if self._compound is None:
            return found
        text = self._compound.text
        return [confusion._replace(a=text(confusion.a), b=text(confusion.b)) for confusion in found]

    def confusion_ratios(self, most: int, named: Collection[str]) -> list[tuple[str, str, float]]:
        """Of the labels that are confused most often: which two, and of the pairs that have either the share that are both.

        In the order of `confused`, and only labels of these classes; the share is that of
        `detectors.agreement.confused.involved`.
        """
        patterns = self._tally(self._total).patterns
        pairs = involved(patterns)
        text = str if self._compound is None else self._compound.text
        shown = (each for each in confused(patterns) if {*self._classes(each.a), *self._classes(each.b)} <= {*named})
        return [
            (text(each.a), text(each.b), each.pairs / (pairs[each.a] + pairs[each.b] - each.pairs))
            for each in islice(shown, most)
        ]

    def alpha_parts(self) -> AlphaParts:
        """Of the whole task, what adds up to the nominal alpha of several; empty where labels have none."""
        return alpha_parts(self._tally(self._total).patterns if self._level in CATEGORIES else NO_CATEGORIES)

    def _tally(self, scope: Scope) -> Tally:
        return scope.tallies.get(self.label_type or "", _NOTHING)

    @cached_property
    def _who(self) -> Who:
        """Who gave which label; empty where that was not given."""
        own = {
            value: self._tally(scope).patterns for (kind, value), scope in self._scopes.items() if kind == "annotator"
        }
        return Who(own, {(a, b): cells for (kind, a, b), cells in self._pairs.items() if kind == self.label_type})

    @cached_property
    def _whole(self) -> ScopeSummary:
        """The readings of the whole task; `_who` gave which label counts there only."""
        tally = self._tally(self._total)
        patterns = tally.patterns
        who = self._who if self._panel and patterns and self._who.own else None
        counted = agreement(patterns, self._level, self.categories, self._scale, who)
        summary = self._summary(self._total, tally, counted)
        if self._level in BY_SIZE and self._who.own:
            summary.agreement.update(self._rankings)
        return summary

    def _summaries(self, scopes: Sequence[Scope]) -> Iterator[ScopeSummary]:
        tallies = list(map(self._tally, scopes))
        counts = [tally.patterns for tally in tallies]
        counted = agreement_of_each(counts, self._level, self.categories, self._scale)
        return map(self._summary, scopes, tallies, counted)

    def _summary(self, scope: Scope, tally: Tally, counted: dict[str, Reading]) -> ScopeSummary:
        """The readings of a scope, of which `counted` are those of its patterns, if there are any."""
        if not tally.patterns:
            counted = agreement_of_sums(tally.sums, self._level, tally.pairable)
        return ScopeSummary(
            scope.annotations, _pairable_share(scope, tally), counted, Accuracy(tally.answers, tally.correct)
        )


_NOTHING = Tally()


def _pairable_share(scope: Scope, tally: Tally) -> float | None:
    return tally.pairable / scope.items if scope.items else None


def _with_repeats(summary: ScopeSummary, scope: Scope) -> ScopeSummary:
    return summary._replace(repeats=consistency(scope.tallies.get(REPEATS, _NOTHING).sums))


def _labels(config: TaskConfig, kind: LabelType) -> Collection[str] | None:
    """The labels that the task declares, with `other` where what is not among them counts as that."""
    if config.labels is None:
        return None
    declared = {declared_key(label) for label in config.labels}
    return declared | {OTHER} if config.unknown == OTHER and isinstance(kind, OpenType) else declared


def _majority(total: Scope) -> str | None:
    """The type that most counting labels have; ties go to the earlier shape."""
    found = [(-tally.labels, SHAPES.index(name), name) for name, tally in total.tallies.items() if tally.labels]
    return min(found)[2] if found else None


def _label_counts(patterns: Mapping[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pattern, n in patterns.items():
        for label in pattern.split(LABEL):
            counts[label] = counts.get(label, 0) + n
    return counts
