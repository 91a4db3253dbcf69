"""Why a reading has no value: the closed list that documents and dashboards may rely on."""

from __future__ import annotations

from typing import Final

NO_PAIRABLE_ITEM: Final = "no pairable item"
"""No item has two labels that could agree."""

NO_VARIATION: Final = "no variation"
"""One label only: chance alone would agree always, and the ratio is 0/0."""

NOT_AVAILABLE: Final = "not available for this label type"
"""The coefficient has no meaning for labels of this type."""

NO_ORDER: Final = "no declared order"
"""The coefficient needs to know how labels are ordered: their set is not declared, and they are not all numbers."""

NO_RATIO: Final = "labels are not all numbers from 0"
"""The coefficient compares labels by their ratio."""

NOT_DECLARED: Final = "labels are not declared"
"""Numbers are categories only where the task's configuration says which there are."""

NO_ANSWER: Final = "no answer"
"""No answer to a gold item counts."""

NO_REPEAT: Final = "no repeat"
"""Nobody labelled an item twice."""

TOO_MUCH: Final = "too much to compare"
"""No item has labels of a size that can be compared while events arrive; or there are too many different sets of names,
or of labels that rank items."""

OF_TASKS: Final = "of whole tasks only"
"""The coefficient tells annotators apart, which is kept of whole tasks, not of their parts."""

ALL_CLASSES: Final = "of all classes together only"
"""The figure compares labels of several classes as wholes: what it says of one class alone is another figure."""

ONE_ANNOTATOR: Final = "fewer than two annotators"
"""Nobody, or one annotator only, has a label that counts."""

MANY_ANNOTATORS: Final = "more than 50 annotators"
"""The coefficient compares all annotators of a task by pairs, which are kept of items with at most 50 labels."""

NO_RANKING: Final = "fewer than two items that all annotators ranked"
"""The coefficient compares how annotators rank the same items."""

INCONSISTENT: Final = "counters do not belong together"
"""Annotators or pairs have labels that no item of the task has: what `kappawatch verify` finds in a store that was tampered with."""

REASONS: Final = (
    NO_PAIRABLE_ITEM,
    NO_VARIATION,
    NOT_AVAILABLE,
    NO_ORDER,
    NO_RATIO,
    NOT_DECLARED,
    NO_ANSWER,
    NO_REPEAT,
    TOO_MUCH,
    OF_TASKS,
    ALL_CLASSES,
    INCONSISTENT,
    ONE_ANNOTATOR,
    MANY_ANNOTATORS,
    NO_RANKING,
)
