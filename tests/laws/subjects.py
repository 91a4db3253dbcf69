"""Subjects of the laws that are made of what is registered: of a coefficient, and of a label type.

Whoever adds either has its laws checked by one call: `check(law, of_coefficient(...))`.
"""

from hypothesis import strategies as st

from detectors.agreement import PatternCounts, Scale, Table, against_others, between_groups, item_pattern
from detectors.config import TaskConfig
from detectors.item import Item, contribution
from detectors.keys import ItemKey
from detectors.labels import Fit
from detectors.records import AnnotationRecord
from detectors.scope import Scope
from detectors.summary import TaskStatistics
from tests.laws.laws import Subject
from tests.made_events import annotation, gold

LABELS = ("a", "b", "c", "d")
_labels = st.sampled_from(LABELS)
_some = st.lists(_labels, min_size=1, max_size=4)
patterns = (
    _some.map(item_pattern)
    | st.builds(against_others, _labels, st.lists(_labels, max_size=3))
    | st.builds(between_groups, _some, _some)
)
"""Of items, of an annotator against others, and of two groups."""


def of_coefficient(coefficient, label_type="nominal"):
    """Counters of patterns, read by one coefficient for labels of this type."""
    scale = None if label_type == "nominal" else Scale.of("ordinal", LABELS)

    def read(state):
        return coefficient.reading(Table.of(state.counts, scale), len(LABELS), label_type)

    return Subject(PatternCounts, patterns, read)


class TaskState:
    """All scopes and confusions of a task: what its items add, which is asked anew when it is taken back."""

    __hash__ = None

    def __init__(self, added):
        self.added = added
        self.scopes, self.pairs = {}, {}

    def update(self, x, weight=1):
        found = self.added(x)
        for place, addition in found.by_place():
            self.scopes.setdefault(place, Scope()).update(addition, weight)
        for pair, pattern in found.by_pair():
            self.pairs.setdefault(pair, PatternCounts()).update(pattern, weight)

    def merge(self, other, weight=1):
        for held, more in ((self.scopes, other.scopes), (self.pairs, other.pairs)):
            # A list, for a state may be merged with itself.
            for key, statistic in list(more.items()):
                held.setdefault(key, type(statistic)()).merge(statistic, weight)

    def copy(self):
        copied = TaskState(self.added)
        copied.merge(self)
        return copied

    def __eq__(self, other):
        return self.held() == other.held()

    def held(self):
        """The scopes, and the counts of the confusions; what became empty again is as if it never had been."""
        scopes = {place: scope for place, scope in self.scopes.items() if not scope.empty}
        return scopes, {pair: confusion.counts for pair, confusion in self.pairs.items() if confusion.counts}


def of_label_type(label_type, labels):
    """All that items with such labels add to their task, read as the document reads it.

    An item is what the fold makes of it: labels of up to four annotators of two vendors, some with a gold answer.
    """
    config = TaskConfig(label_type)
    fit = Fit(config)

    def item(given, answer):
        found = Item(ItemKey("news", "label", "i"))
        for annotator, label in given.items():
            event = annotation(annotator, "i", label, vendor="acme" if annotator < "c" else "opaline")
            found.records[event.key] = AnnotationRecord((event.project, event.key), found.key, event)
        if answer is not None:
            found.gold = gold("i", answer)
        return found

    def read(state):
        task = TaskStatistics(config, *state.held())
        return task.task(), task.by(), task.pairs(), task.between_vendors(), task.confused()

    items = st.builds(item, st.dictionaries(st.sampled_from("abcd"), labels, min_size=1), st.none() | labels)
    return Subject(lambda: TaskState(lambda each: contribution(each, fit)), items, read)
