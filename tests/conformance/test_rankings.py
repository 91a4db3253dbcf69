"""After every event of random streams, Kendall's W and tau-b are what scipy says of the items that all annotators ranked.

Labels are given, changed, skipped and withdrawn; the statistics are those that the fold keeps and reads. scipy's
kendalltau says nan without variation, where we say so; it has no W, so that is from its ranks.
"""

import math
from collections import Counter
from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest
from scipy.stats import kendalltau, rankdata

from detectors.config import TaskConfig
from detectors.reasons import NO_PAIRABLE_ITEM, NO_RANKING, NO_VARIATION, NOT_AVAILABLE, OF_TASKS, ONE_ANNOTATOR
from detectors.summary import TaskStatistics
from streams.homes import Home
from streams.store import open_store
from tests.made_events import annotation, configured, messages, retraction
from tests.streams.folding import TOPIC, Record, rules

LABELS = ["awful", "bad", "fair", "good"]
SEEDS, EVENTS, ITEMS, PEOPLE = range(6), 90, 7, 4
CONFIG = TaskConfig("ordinal", tuple(LABELS), detectors=())


class Rated:
    """A task under way, and beside it the labels in force, which the peer sees."""

    def __init__(self, seed):
        self.chance = Random(seed)
        self.people = ["ann", "bob", "cleo", "dan"][: 2 + seed % (PEOPLE - 1)]
        self.true = [self.chance.choice(LABELS) for _ in range(ITEMS)]
        self.home = Home(0, open_store("sqlite://"), rules(configured(label_type="ordinal", labels=CONFIG.labels)))
        self.cells, self.revisions, self.sent = {}, Counter(), 0

    def step(self):
        item, annotator = self.chance.randrange(ITEMS), self.chance.choice(self.people)
        cell, kind = (item, annotator), self.chance.random()
        label = self.true[item] if self.chance.random() < 0.6 else self.chance.choice(LABELS)
        label = None if kind < 0.05 else label
        name = f"{annotator}-i{item}"
        self.revisions[cell] += 1
        fields = {"seconds": self.sent, "revision": self.revisions[cell], "id": f"e{self.sent}"}
        if kind > 0.88 and cell in self.cells:
            event = retraction(name, **fields)
            del self.cells[cell]
        else:
            event = annotation(annotator, f"i{item}", label, annotation=name, **fields)
            self.cells[cell] = label
        [value] = messages([event])
        list(self.home.process(TOPIC, [Record(self.sent, value)]))
        self.sent += 1

    def statistics(self):
        monitor = self.home.monitor
        return TaskStatistics(
            CONFIG,
            {(key.dimension, key.value): scope for key, scope in monitor.scopes.rows.items()},
            {(key.label_type, key.a, key.b): confusion for key, confusion in monitor.pairs.rows.items()},
        )

    def ranked(self):
        """The annotators who have a label, and how they rank the items that all of them labelled, a row each."""
        given = {cell: LABELS.index(label) for cell, label in self.cells.items() if label is not None}
        people = sorted({annotator for _, annotator in given})
        complete = [item for item in range(ITEMS) if all((item, annotator) in given for annotator in people)]
        return people, [[given[item, annotator] for item in complete] for annotator in people]


def concordance(rows):
    """W as one minus what is missing to the largest sum of squares, from the ranks themselves."""
    ranks = np.array([rankdata(row) for row in rows])
    about = ranks - ranks.mean()
    # The largest variance of the sums is that of annotators who are all alike: m times the sum of their own.
    largest = len(rows) * np.square(about).sum()
    return float(np.square(about.sum(axis=0)).sum() / largest) if largest else math.nan


def test_every_prefix():
    compared = Counter()
    for seed in SEEDS:
        rated = Rated(seed)
        for _ in range(EVENTS):
            rated.step()
            statistics = rated.statistics()
            task = statistics.task()
            assert task.annotations == len(rated.cells)
            found = task.whole.agreement
            people, rows = rated.ranked()
            if len(people) < 2:
                assert found["kendall_w"].why == found["kendall_tau_b"].why == ONE_ANNOTATOR
                compared["one annotator"] += 1
                continue
            if len(rows[0]) < 2:
                assert found["kendall_w"].why == found["kendall_tau_b"].why == NO_RANKING
                compared["no ranking"] += 1
                continue
            taus = [kendalltau(*two).statistic for two in combinations(rows, 2)]
            for name, peer in (("kendall_w", concordance(rows)), ("kendall_tau_b", sum(taus) / len(taus))):
                assert found[name].n == len(rows[0])
                if math.isnan(peer):
                    assert found[name].why == NO_VARIATION
                    compared[f"{name} undefined"] += 1
                else:
                    assert found[name].value == pytest.approx(peer, rel=0, abs=1e-12)
                    compared[name] += 1
                    compared[f"{name} of two"] += len(people) == 2
            by, _ = statistics.by()
            assert by["stage"]["annotate"].agreement == found
            for part in by["annotator"].values():
                assert part.agreement["kendall_w"].why == (
                    OF_TASKS if part.agreement["percent"].n else NO_PAIRABLE_ITEM
                )
            assert {each.agreement["kendall_w"].why for each in by["class"].values()} == {NOT_AVAILABLE}
            assert {each.agreement["kendall_tau_b"].why for each in by["gold_item"].values()} == {OF_TASKS}
    assert compared == {
        "kendall_w": 405, "kendall_w of two": 163, "kendall_tau_b": 350, "kendall_tau_b of two": 148,
        "kendall_tau_b undefined": 55, "no ranking": 125, "one annotator": 10,
    }  # fmt: skip


def test_pairs_are_over_all_items_whatever_their_number_of_labels():
    """The confusions of pairs are kept by that number, and read without it."""
    rated, compared = Rated(2), 0
    for _ in range(EVENTS):
        rated.step()
    given = {cell: label for cell, label in rated.cells.items() if label is not None}
    sizes = Counter(item for item, _ in given)
    assert len(set(sizes.values())) > 1
    for pair in rated.statistics().pairs():
        shared = [item for item in range(ITEMS) if (item, pair.a) in given and (item, pair.b) in given]
        equal = sum(given[item, pair.a] == given[item, pair.b] for item in shared)
        assert pair.items == pair.agreement["cohen_kappa"].n == len(shared)
        firsts, seconds = ([given[item, name] for item in shared] for name in (pair.a, pair.b))
        chance = sum(firsts.count(label) * seconds.count(label) for label in LABELS) / len(shared) ** 2
        assert pair.agreement["cohen_kappa"].value == pytest.approx((equal / len(shared) - chance) / (1 - chance))
        compared += 1
    assert compared == 6


def test_an_item_that_one_annotator_skipped_does_not_count():
    """It would change both figures: on it the two others differ, on all complete ones everybody agrees."""
    rated = Rated(1)
    labels = {"i0": "bad", "i1": "good", "i2": "fair"}
    sent = [annotation(name, item, label) for name in rated.people for item, label in labels.items()]
    sent += [annotation("ann", "i3", "awful"), annotation("bob", "i3", "good"), annotation("cleo", "i3", None)]
    list(rated.home.process(TOPIC, [Record(place, value) for place, value in enumerate(messages(sent))]))
    found = rated.statistics().task().whole.agreement
    assert [(found[name].value, found[name].n) for name in ("kendall_w", "kendall_tau_b")] == [(1.0, 3), (1.0, 3)]


def test_orders_of_events_do_not_matter():
    """The same annotations in another order, one by one: the same rows, so the same readings to the last digit."""
    events = [annotation(name, f"i{n}", LABELS[n * k % 4]) for k, name in enumerate("abc", 1) for n in range(ITEMS)]
    found = []
    for seed in range(4):
        rated = Rated(0)
        Random(seed).shuffle(events)
        for place, value in enumerate(messages(events)):
            list(rated.home.process(TOPIC, [Record(place, value)]))
        found.append((dict(rated.home.monitor.pairs.rows), rated.statistics().task().whole.agreement))
    assert found[0][1]["kendall_tau_b"].value is not None
    assert all(one == other for one, other in pairwise(found))
