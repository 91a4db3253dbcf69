"""What a closed hour says: a view on its pane alone."""

from __future__ import annotations

from typing import Final

from detectors.config import TaskConfig
from detectors.reading import Reading
from detectors.scope import Scope
from detectors.summary import TaskStatistics

GOLD_ACCURACY: Final = "gold_accuracy"


def readings(config: TaskConfig, pane: Scope) -> dict[str, Reading]:
    r"""Agreement by coefficient, and the accuracy on gold, of a pane's items, as if the task had no others.

    So what is not declared, the type of labels or their categories, is that of the pane, and no other hour can change it.

    >>> from detectors.scope import Tally
    >>> pane = Scope(4, 2, 0, {"nominal": Tally(labels=4, pairable=2, patterns={"no\x1fno": 1, "no\x1fyes": 1})})
    >>> found = readings(TaskConfig(), pane)
    >>> found["percent"].value, found["alpha"].n, found["gold_accuracy"].why
    (0.5, 2, 'no answer')
    """
    whole = TaskStatistics(config, {("gold_item", "false"): pane}).task().whole
    return {**whole.agreement, GOLD_ACCURACY: whole.gold.reading()}
