"""Tables of the literature, as counters of patterns."""

from collections import Counter

from detectors.agreement import item_pattern, pair_pattern

# Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. Annenberg School for Communication.
# A row an annotator, a column an item. https://repository.upenn.edu/asc_papers/43
CANONICAL = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)

# Fleiss, J. L. (1971). https://doi.org/10.1037/h0031619, in the form of Wikipedia: 14 annotators, labels counted.
FLEISS = "0 0 0 0 14|0 2 6 4 2|0 0 3 5 6|0 3 9 2 0|2 2 8 1 1|7 7 0 0 0|3 2 6 3 0|2 5 3 2 2|6 5 2 1 0|0 2 2 3 7"

VARIABLE = "3 0 0|1 1 0|0 4 1|2 0 0|0 0 1|1 1 1"

# Gwet, K. L. (2014). Handbook of Inter-Rater Reliability: two abstractors, ectopic pregnancies.
ABSTRACTORS = ((13, 0, 0), (0, 20, 7), (0, 4, 56))


def annotations(rows):
    """The labels of each item by annotator: {item: {annotator: label}}."""
    table = {}
    for annotator, row in zip("ABCD", rows, strict=False):
        for item, label in enumerate(row.split(), start=1):
            if label != ".":
                table.setdefault(item, {})[annotator] = label
    return table


def item_counts(table):
    """The counter of item patterns of {item: {annotator: label}}."""
    return Counter(item_pattern(labels.values()) for labels in table.values())


def tally_counts(text):
    """The counter of item patterns where each item is given as how many chose label 0, 1, 2..."""
    tallies = [[int(n) for n in row.split()] for row in text.split("|")]
    return Counter(item_pattern(str(c) for c, n in enumerate(tally) for _ in range(n)) for tally in tallies)


def confusion_items(confusion):
    """A confusion matrix as a counter of item patterns, which forgets who gave which label."""
    counts = Counter()
    for a, row in enumerate(confusion):
        for b, n in enumerate(row):
            counts[item_pattern([str(a), str(b)])] += n
    return +counts


def confusion_pairs(confusion):
    """A confusion matrix as a counter of pair patterns."""
    return {pair_pattern(str(a), str(b)): n for a, row in enumerate(confusion) for b, n in enumerate(row) if n}
