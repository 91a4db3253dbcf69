"""Figures in which what is older counts less, computed from panes when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from detectors.gold import wilson
from detectors.panes import DAY
from detectors.reading import Reading
from detectors.scope import Scope

_UNIT: Final = 1 << 20
_LIVES: Final = 50.0  # what is older weighs less than the rounding of what is new


class Decayed(NamedTuple):
    """What panes add up to where they are weighted by age, as so many items and answers as they are worth."""

    hour: int
    """The last one of the last pane: what is half a life older counts half."""
    pairable: float
    patterns: dict[str, float]
    sums: dict[str, int]
    """What is measured, times 2^20."""
    gold: Reading


def decayed(panes: Mapping[int, Scope], label_type: str, half_life: float, merged_to: int = 0) -> Decayed | None:
    r"""The sum of panes, each with the weight $2^{-a/h}$ at an age of $a$ hours before the last pane; None without one.

    Weighted means are what these readings are of. They are as certain as those of

    $$ n_{\text{eff}} = \frac{(\sum_i w_i)^2}{\sum_i w_i^2} $$

    pairable items of one weight (Kish): weights are scaled so that theirs add up to that, which gives the correction of alpha for few
    labels, the standard errors and their degrees of freedom. Answers to gold likewise, by their own number. The errors are
    exact where older items vary as newer ones do; `half_life` is in hours. The panes that begin below `merged_to` are days:
    the age of a day is that of its middle.

    >>> from detectors.scope import Tally
    >>> old, new = (Scope(2, 1, 0, {"nominal": Tally(2, 1, 0, 0, {labels: 1})}) for labels in ("a\x1fb", "a\x1fa"))
    >>> found = decayed({0: old, 24: new}, "nominal", 24)
    >>> round(found.pairable, 9), found.patterns["a\x1fa"] / found.patterns["a\x1fb"]
    (1.8, 2.0)

    References
    ----------
    Cormode, G., Shkapenyuk, V., Srivastava, D. and Xu, B. (2009). Forward decay: a practical time decay model for
    streaming systems. IEEE International Conference on Data Engineering, 138-149. https://doi.org/10.1109/ICDE.2009.65

    Kish, L. (1965). Survey Sampling. Wiley. ISBN 978-0471109495.
    """
    if not panes:
        return None
    last = max(panes)
    ages = {hour: (_middle(last, merged_to) - _middle(hour, merged_to)) / half_life for hour in sorted(panes)}
    weights = {hour: 0.5**age for hour, age in ages.items() if age < _LIVES}
    tallies = {hour: tally for hour in weights if (tally := panes[hour].tallies.get(label_type)) is not None}
    by_items = _scale(weights, {hour: tally.pairable for hour, tally in tallies.items()})
    patterns: dict[str, float] = {}
    sums: dict[str, int] = {}
    for hour, tally in tallies.items():
        for pattern, count in sorted(tally.patterns.items()):
            patterns[pattern] = patterns.get(pattern, 0.0) + by_items * weights[hour] * count
        for name, amount in tally.sums.items():
            sums[name] = sums.get(name, 0) + round(by_items * weights[hour] * _UNIT) * amount
    by_answers = _scale(weights, {hour: tally.answers for hour, tally in tallies.items()})
    answers = sum(by_answers * weights[hour] * tally.answers for hour, tally in tallies.items())
    correct = sum(by_answers * weights[hour] * tally.correct for hour, tally in tallies.items())
    pairable = sum(by_items * weights[hour] * tally.pairable for hour, tally in tallies.items())
    last = last + DAY - 1 if last < merged_to else last
    return Decayed(last, pairable, patterns, sums, wilson(correct, answers))


def _middle(begun: int, merged_to: int) -> float:
    """The middle of the pane that begins with this hour."""
    return begun + (DAY if begun < merged_to else 1) / 2


def _scale(weights: Mapping[int, float], counts: Mapping[int, int]) -> float:
    """By what to multiply the weights, so that they add up to the effective number."""
    squares = sum(weights[hour] ** 2 * n for hour, n in counts.items())
    return sum(weights[hour] * n for hour, n in counts.items()) / squares if squares else 0.0
