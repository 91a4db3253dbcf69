"""After every event of random streams, Conger's kappa equals its definition on the whole table, and so does its error.

No peer that this environment can hold has it (irrCAC is compared with in `test_irrcac.py`), so the definition in fractions
stands in, with irrCAC's standard error item by item. The state is compared too, with that of the whole table: to exact
equality, by integers.
"""

from collections import Counter, defaultdict

import pytest

from detectors.agreement import PatternCounts, Table, Who, against_others, agreement, pair_pattern
from detectors.agreement.conger_kappa import conger_kappa
from detectors.agreement.panel import Panel
from tests.conformance.streams import Stream
from tests.detectors.agreement.test_conger import by_definition, panel_of

SEEDS, EVENTS = range(5), 80


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


class People(Stream):
    """The state tells the annotators apart: the labels of each against the others', and the confusions of each two."""

    def __init__(self, seed):
        self.own, self.pairs = defaultdict(PatternCounts), defaultdict(PatternCounts)
        super().__init__(seed, items=6, labels="aaaaaabc")

    def labelled(self, item):
        return {str(a): self.cells[item, a] for a in self.annotators if (item, a) in self.cells}

    def table(self):
        return [labels for item in range(len(self.true)) if (labels := self.labelled(item))]

    def count(self, item, weight):
        super().count(item, weight)
        labels = self.labelled(item)
        for annotator, label in labels.items():
            others = [given for who, given in labels.items() if who != annotator]
            self.own[annotator].update(against_others(label, others), weight)
            for other, given in labels.items():
                if annotator < other:
                    self.pairs[annotator, other].update(pair_pattern(label, given), weight)

    def who(self):
        """What is held, without what became empty again."""
        return Who(*({of: held.counts for of, held in each.items() if held.counts} for each in (self.own, self.pairs)))


def prefixes():
    for seed in SEEDS:
        stream = People(seed)
        for _ in range(EVENTS):
            stream.step()
            yield stream


def test_congers_kappa_equals_its_definition():
    compared = Counter()
    for stream in prefixes():
        items, who = stream.table(), stream.who()
        counts, whole = panel_of(items)
        assert (stream.items.counts, who.own, who.pairs) == (counts, whole.own, whole.pairs)
        compared["states"] += 1
        reading = agreement(stream.items.counts, "nominal", 3, None, who)["conger_kappa"]
        labels = {label for each in items for label in each.values()}
        if not any(len(each) > 1 for each in items):
            assert reading.why == "no pairable item"
        elif len(labels) == 1:
            assert reading.why == "no variation"
        else:
            value, error = by_definition(items)
            estimate = conger_kappa(Panel.of(stream.items.counts, Table.of(stream.items.counts), who))
            assert (reading.value, estimate.value) == (close(value), close(value))
            assert estimate.error == close(error)
        compared[reading.why or "conger_kappa"] += 1
    assert compared == {"states": 400, "conger_kappa": 369, "no variation": 6, "no pairable item": 25}
