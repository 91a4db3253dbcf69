"""The figures of boxes from their definitions, slow and without a line of the code under test."""

import math
from collections import Counter
from itertools import combinations, permutations, product

MISSED = ("missed",)


def iou(one, other, more=0):
    (x, y, w, h), (a, b, c, d) = one[:4], other[:4]
    w, h, c, d = w + more, h + more, c + more, d + more
    shared = max(0, min(x + w, a + c) - max(x, a)) * max(0, min(y + h, b + d) - max(y, b))
    union = w * h + c * d - shared
    return shared / union if union else 0.0


def assignment(table, threshold):
    """The pairs (row, column) of the largest sum, none below the threshold, by trying all."""
    columns = len(table[0]) if table else 0
    best, found = 0.0, []
    slots = [*range(columns), *[None] * len(table)]
    for chosen in set(permutations(slots, len(table))):
        pairs = [(row, column) for row, column in enumerate(chosen) if column is not None]
        if all(table[row][column] >= threshold for row, column in pairs):
            total = math.fsum(table[row][column] for row, column in pairs)
            if total > best + 1e-12:
                best, found = total, pairs
    return found


def matched(one, other, threshold, more):
    table = [[iou(box, its, more) for its in other] for box in one]
    return [(one[row], other[column], table[row][column]) for row, column in assignment(table, threshold)]


def units_of(answers, threshold, more):
    """Each a mapping from the annotator's place to the box."""
    units = []
    for place, boxes in enumerate(answers):
        table = [
            [math.fsum(iou(box, its, more) for its in unit.values()) / len(unit) for unit in units] for box in boxes
        ]
        placed = dict(assignment(table, threshold)) if units else {}
        for row, box in enumerate(boxes):
            if row in placed:
                units[placed[row]][place] = box
            else:
                units.append({place: box})
    return units


def distance(one, other, more):
    if one is None or other is None:
        return float((one is None) != (other is None))
    return 1.0 - iou(one, other, more)


def item_figures(answers, threshold, more, first=None):
    """Of an item with two annotators and a box; where some are `first`, these are compared with each of the others."""
    pairs = [(a, b) for a, b in combinations(range(len(answers)), 2) if first is None or (a in first) != (b in first)]
    means, rates, overlaps = [], [], []
    for a, b in pairs:
        size = len(answers[a]) + len(answers[b])
        if size:
            found = matched(answers[a], answers[b], threshold, more)
            means.append(math.fsum(overlap for *_, overlap in found) / (size - len(found)))
            rates.append(2 * len(found) / size)
            overlaps += [(one[4], other[4], overlap) for one, other, overlap in found]
    units = units_of(answers, threshold, more)
    near = [distance(unit.get(a), unit.get(b), more) for unit in units for a, b in pairs]
    far = [
        distance(one.get(a), other.get(b), more)
        for one, other in product(units, units)
        if one is not other
        for a, b in pairs
    ]
    weight = len(units) * (len(answers) if first is None else 2)
    rows = []
    for unit in units:
        row = [(unit[place][4],) if place in unit else MISSED for place in range(len(answers))]
        rows.append(
            row if first is None else [[x for a, x in enumerate(row) if (a in first) is of] for of in (True, False)]
        )
    return {
        "mean_iou": mean(means), "match_rate": mean(rates), "near": (weight, mean(near)),
        "far": (weight, mean(far)) if far else None, "rows": rows, "overlaps": overlaps,
    }  # fmt: skip


def entropy(answers):
    shares = [count / len(answers) for count in Counter(answers).values()]
    return -math.fsum(share * math.log2(share) for share in shares)


def dispute(answers, threshold=0.5, more=0):
    """The mean entropy of the units' answers, the mean IoU, and how often each answer was given."""
    units = units_of(answers, threshold, more)
    rows = [[(unit[place][4],) if place in unit else () for place in range(len(answers))] for unit in units]
    counts = Counter(answer for row in rows for answer in row)
    return mean([entropy(row) for row in rows]), item_figures(answers, threshold, more)["mean_iou"], counts


def mean(numbers):
    return math.fsum(numbers) / len(numbers)


def figures(items, threshold=0.5, more=0, sides=None):
    """Of items, each the boxes by annotator; those with one annotator, or without a box, say nothing.

    `sides` are two groups of annotators: those of one are compared with those of the other, as if nobody else were there.
    """
    found = []
    for answers in items:
        names = sorted(answers if sides is None else answers.keys() & (sides[0] | sides[1]))
        boxes = [answers[name] for name in names]
        first = None if sides is None else {place for place, name in enumerate(names) if name in sides[0]}
        if len(names) > 1 and any(boxes) and (first is None or 0 < len(first) < len(names)):
            found.append(item_figures(boxes, threshold, more, first))
    if not found:
        return None
    weights, nears = zip(*(each["near"] for each in found), strict=True)
    fars = [each["far"] for each in found if each["far"]]
    observed = math.fsum(w * near for w, near in zip(weights, nears, strict=True)) / sum(weights)
    expected = math.fsum(w * far for w, far in fars) / sum(w for w, _ in fars) if fars else 0.0
    return {
        "mean_iou": mean([each["mean_iou"] for each in found]),
        "match_rate": mean([each["match_rate"] for each in found]),
        "iou_alpha": 1 - observed / expected if expected else None,
        "alpha": alpha([row for each in found for row in each["rows"]], sides is not None),
        "overlaps": [overlap for each in found for overlap in each["overlaps"]],
        "items": len(found),
    }


def alpha(rows, against):
    """Nominal alpha; `against` has rows of the answers of two groups, each of which is one annotator together."""
    shares, disagreement, n = {}, 0.0, 0
    for row in rows:
        if against:
            disagreement += 2 * mean([float(one != other) for one, other in product(*row)])
            parts = [(answer, 1 / len(group)) for group in row for answer in group]
            n += 2
        else:
            pairs = list(combinations(row, 2))
            disagreement += len(row) * mean([float(one != other) for one, other in pairs])
            parts = [(answer, 1.0) for answer in row]
            n += len(row)
        for answer, part in parts:
            shares[answer] = shares.get(answer, 0.0) + part
    if len(shares) < 2:
        return None
    expected = 1 - math.fsum((share / n) ** 2 for share in shares.values())
    return 1 - (1 - 1 / n) * (disagreement / n) / expected
