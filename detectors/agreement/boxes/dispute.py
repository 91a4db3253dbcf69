"""How far the boxes of an item's annotators differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from detectors.agreement.boxes.geometry import Rectangle
from detectors.agreement.boxes.quantities import MISSED, NAMED, UNNAMED, Comparison, with_room
from detectors.agreement.disputed import DIGITS, Difference, mean_entropy
from detectors.agreement.measures import ONE


def difference(
    answers: Sequence[Sequence[Rectangle]], threshold: float, *, inclusive: bool = False
) -> Difference | None:
    r"""The mean over an item's units of the entropy of what its annotators say of each, in bits, and their mean IoU.

    $$ \bar H = \frac{1}{U} \sum_u \left(-\sum_c \frac{r_{uc}}{m} \log_2 \frac{r_{uc}}{m}\right) $$

    for m annotators, of whom $r_{uc}$ answer c in the unit u: a class, no class, or nothing where they have no box (units are
    those of `alpha`, `detectors.agreement.boxes.matching.find_units`). 0 where all drew every object and named it alike,
    however exactly, for boxes that match are one answer; 1 where of every object half of them say one thing and half
    another. A mean, not a sum: a picture of many objects is not more disputed than one of few. None where it is 0, where there
    are fewer than two annotators, or no box.

    An answer is written as a JSON list of what is there: `[]` nothing, `["car"]` a car, `[null]` a box without a class.

    >>> car, bus = Rectangle(0, 0, 4, 4, "car"), Rectangle(0, 0, 4, 3, "bus")
    >>> difference([[car], [bus], [car, Rectangle(9, 9, 2, 2, "car")]], 0.5)
    Difference(degree=0.918295834054, likeness=0.541666666667, counts={'["car"]': 3, '["bus"]': 1, '[]': 2})
    """
    compared = with_room(answers)
    if len(compared) < 2 or not any(answers[place] for place in compared):
        return None
    item = Comparison([answers[place] for place in compared], threshold, inclusive)
    rows = item.answers.tolist()
    degree = mean_entropy(Counter([tuple(sorted(Counter(row).values())) for row in rows]))
    if not degree:
        return None
    counts = Counter([category for row in rows for category in row])
    texts = {_text(item.categories[category]): n for category, n in counts.items()}
    return Difference(degree, round(item.mean / ONE, DIGITS), texts)


def _text(category: str) -> str:
    if category == MISSED:
        return "[]"
    return json.dumps([None if category == UNNAMED else category.removeprefix(NAMED)], ensure_ascii=False)
