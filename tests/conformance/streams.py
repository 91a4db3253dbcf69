"""Random streams of annotations: labels added, changed and withdrawn, with cells that stay empty."""

import random

from detectors.agreement import PatternCounts, against_others, item_pattern, pair_pattern


class Stream:
    """A table of items by annotators that changes one cell at a time, with the states kept beside it.

    `cells` is the truth that the peers see. The states see only what changes: an item's old pattern is retracted and
    its new one added.
    """

    def __init__(self, seed, items=8, annotators=4, labels="abcd"):
        self.rng = random.Random(seed)
        self.labels, self.annotators = labels, range(annotators)
        # Annotators 0 and 1, the pair, do most of the work.
        self.keys = [(item, a) for item in range(items) for a in (0, 0, 0, 1, 1, 1, *range(2, annotators))]
        self.true = [self.rng.choice(labels) for _ in range(items)]
        self.cells = {}
        self.items, self.pair, self.against = PatternCounts(), PatternCounts(), PatternCounts()

    def labels_of(self, item):
        return [self.cells[item, a] for a in self.annotators if (item, a) in self.cells]

    def rows(self):
        return [labels for item in range(len(self.true)) if (labels := self.labels_of(item))]

    def pairs(self):
        """The labels that annotators 0 and 1 gave to the same items."""
        return [
            (self.cells[item, 0], self.cells[item, 1])
            for item in range(len(self.true))
            if (item, 0) in self.cells and (item, 1) in self.cells
        ]

    def count(self, item, weight):
        labels = self.labels_of(item)
        if labels:
            self.items.update(item_pattern(labels), weight)
        own, other = self.cells.get((item, 0)), self.cells.get((item, 1))
        if own is not None:
            others = [self.cells[item, a] for a in self.annotators if a and (item, a) in self.cells]
            self.against.update(against_others(own, others), weight)
            if other is not None:
                self.pair.update(pair_pattern(own, other), weight)

    def change(self, key, label):
        """Set a cell, or empty it where the label is None."""
        item, _ = key
        self.count(item, -1)
        if label is None:
            self.cells.pop(key, None)
        else:
            self.cells[key] = label
        self.count(item, 1)

    def step(self):
        """One random change: mostly labels, given for the first time or anew; one in seven withdraws one."""
        key = self.rng.choice(self.keys)
        if self.rng.random() < 0.15 and self.cells:
            self.change(self.rng.choice(sorted(self.cells)), None)
        elif self.rng.random() < 0.6:
            self.change(key, self.true[key[0]])
        else:
            self.change(key, self.rng.choice(self.labels))
