"""After every event of random streams, alpha of numbers that nobody declared equals what krippendorff 0.9.0 computes.

It raises or answers nan where the pairable items show one number only; we say "no variation". The state is compared too,
with that of the whole table: to exact equality, by integers.
"""

import random
import warnings
from collections import Counter

import krippendorff
import numpy as np
import pytest

from detectors.agreement import Sums, agreement_of_sums
from detectors.config import TaskConfig
from detectors.labels import LABEL_TYPES, Fit
from tests.conformance.streams import Stream

SEEDS, EVENTS = range(5), 80


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


class Numbers(Stream):
    """Labels are numbers of a task that declares none, of another size in each stream.

    The state is that of the items with even numbers, and that of the others.
    """

    measure = staticmethod(Fit(TaskConfig("interval")).measuring["interval"])

    def __init__(self, seed):
        rng = random.Random(seed)
        self.halves = Sums(), Sums()
        super().__init__(seed, labels=[round(rng.uniform(-1, 1) * 100**seed, 4) for _ in range(60)])

    def measured(self, item):
        given = [(str(a), self.cells[item, a]) for a in self.annotators if (item, a) in self.cells]
        key = LABEL_TYPES["interval"].key
        return self.measure([(annotator, key(number), number) for annotator, number in given]).whole

    def count(self, item, weight):
        self.halves[item % 2].update(self.measured(item), weight)

    @property
    def state(self):
        whole = self.halves[0].copy()
        whole.merge(self.halves[1])
        return whole

    def table(self):
        return [[self.cells.get((item, a), np.nan) for item in range(len(self.true))] for a in self.annotators]


def prefixes():
    for seed in SEEDS:
        stream = Numbers(seed)
        for _ in range(EVENTS):
            stream.step()
            yield stream


def test_alpha_of_undeclared_numbers_equals_krippendorff():
    compared = Counter()
    for stream in prefixes():
        state, whole = stream.state, Sums()
        for item in range(len(stream.true)):
            whole.update(stream.measured(item))
        assert state == whole
        compared["states"] += 1
        pairable = sum(len(row) > 1 for row in stream.rows())
        ours = agreement_of_sums(state.sums, "interval", pairable)
        of_ratio = agreement_of_sums(state.sums, "ratio", pairable)
        assert ours["alpha"] == ours["alpha_interval"] == of_ratio["alpha_interval"]
        if not pairable:
            assert ours["alpha"].why == "no pairable item"
        elif len({number for row in stream.rows() if len(row) > 1 for number in row}) == 1:
            assert ours["alpha"].why == "no variation"
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                peer = krippendorff.alpha(reliability_data=stream.table(), level_of_measurement="interval")
            assert ours["alpha"].value == close(peer)
        compared[ours["alpha"].why or "alpha"] += 1
    assert compared == {"states": 400, "alpha": 371, "no variation": 10, "no pairable item": 19}
