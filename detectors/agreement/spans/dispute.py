"""How far the spans of an item's annotators differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from detectors.agreement.disputed import Difference, mean_entropy
from detectors.agreement.spans.characters import changes, types_in, types_of
from detectors.agreement.spans.exact import alike
from detectors.agreement.spans.marks import MOST_SPANS, Marks


def difference(annotators: Sequence[Marks]) -> Difference | None:
    r"""The mean over the characters that anyone marked of the entropy of what annotators say of each, and their span F1.

    $$ \bar H = \frac{1}{|M|} \sum_{t \in M} \left(-\sum_c \frac{r_{tc}}{m} \log_2 \frac{r_{tc}}{m}\right) $$

    in bits, for m annotators and the set M of the characters that at least one of them marked, of whom $r_{tc}$ say c of the
    character t: the types of the spans that cover it, or nothing. Each character counts, so a span weighs as much as it is
    long; characters that nobody marked do not, for how far a text reaches says nothing of how hard it is. 0 where the
    characters are marked alike but cut into other spans; then F1 tells. None where all marked the same, where there are
    fewer than two annotators, or more than `MOST_SPANS` spans.

    An answer is written as a JSON list of the types: `[]` nothing, `["name"]` a name, `[null]` a span without a type.

    >>> from detectors.agreement.spans.marks import Mark
    >>> difference([[Mark("a", 0, 4)], [Mark("a", 0, 6)]])
    Difference(degree=0.333333333333, likeness=0.0, counts={'["a"]': 10, '[]': 2})
    """
    if len(annotators) < 2 or sum(map(len, annotators)) > MOST_SPANS:
        return None
    exact = alike(annotators)
    common, size = 2 * exact.whole, (len(annotators) - 1) * sum(exact.size)
    if common == size:
        return None
    types = types_of(annotators)
    given = Counter({0: len(annotators)})
    places: Counter[tuple[int, ...]] = Counter()
    answers: Counter[int] = Counter()
    before = 0
    for place, _, left, entered in changes(annotators, types):
        if place > before and given[0] < len(annotators):
            places[tuple(sorted(given.values()))] += place - before
            for category, n in given.items():
                answers[category] += n * (place - before)
        before = place
        given[entered] += 1
        given[left] -= 1
        if not given[left]:
            del given[left]
    counts = {
        json.dumps([kind or None for kind in types_in(category, types)], ensure_ascii=False): n
        for category, n in answers.items()
    }
    return Difference(mean_entropy(places) if places else 0.0, common / size, counts)
