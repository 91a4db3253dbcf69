"""After every event of random streams with spans, every figure of the document is what its definition says of the labels left.

The definitions go character by character and pair by pair (`tests/detectors/agreement/spans_by_characters.py`); alpha is that
of krippendorff with every character a unit.
"""

import json
import random
from collections import Counter
from itertools import combinations

import pytest

from streams.homes import Home
from streams.store import open_store
from streams.verify import Report, verify_statistics
from tests.detectors.agreement.spans_by_characters import COMMON, alpha_between, alpha_by_krippendorff, figures
from tests.streams.folding import TOPIC, Record, default_task, projects, rules

SEEDS, EVENTS, ITEMS, ANNOTATORS, VENDORS = range(4), 60, 5, "abcd", "uvw"


def close(x):
    return None if x is None else pytest.approx(x, rel=0, abs=1e-9)


class Stream:
    """Annotations given, edited, withdrawn and brought back.

    `cells` holds what each annotator marked on each item, and for which vendor.
    """

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.seen = [self.spans() for _ in range(ITEMS)]
        self.cells, self.revisions, self.time = {}, Counter(), 0

    def spans(self):
        found = []
        for _ in range(self.rng.randint(0, 4)):
            start = self.rng.randint(0, 11)
            found.append(
                {"start": start, "end": start + self.rng.choice([0, 1, 2, 3, 6]), "type": self.rng.choice("xy")}
            )
        if found and self.rng.random() < 0.2:
            del found[0]["type"]
        return found

    def like(self, spans):
        """What another annotator makes of the same text."""
        found = [dict(span) for span in spans if self.rng.random() < 0.85]
        for span in found:
            if self.rng.random() < 0.3:
                span["end"] += 1
        self.rng.shuffle(found)
        return found

    def step(self):
        """The next event."""
        self.time += 1
        item, annotator = self.rng.randrange(ITEMS), self.rng.choice(ANNOTATORS)
        if self.cells and self.rng.random() < 0.2:
            item, annotator = self.rng.choice(sorted(self.cells))
            del self.cells[item, annotator]
            kind = {"type": "retraction", "revision": self.revisions[item, annotator]}
        else:
            spans = self.like(self.seen[item]) if self.rng.random() < 0.7 else self.spans()
            vendor = self.rng.choice(VENDORS)
            self.cells[item, annotator] = spans, vendor
            self.revisions[item, annotator] += 1
            kind = {"type": "annotation", "revision": self.revisions[item, annotator], "item": f"i{item}"}
            kind |= {"annotator": annotator, "label": {"spans": spans}, "vendor": vendor}
        at = f"2026-01-05T09:{self.time // 60:02}:{self.time % 60:02}Z"
        own = {"id": f"e{self.time}", "source": "test", "time": at, "project": "p", "annotation": f"{item}{annotator}"}
        return json.dumps(own | kind).encode()

    def items(self, vendors=VENDORS):
        """What these vendors' people have left: of each item its annotators' distinct marks."""
        return [{annotator: marks for (annotator, _), marks in item.items()} for item in self.by_vendor(vendors)]

    def by_vendor(self, vendors):
        """The same by annotator and vendor, for somebody may work for several."""
        found = {}
        for (item, annotator), (spans, vendor) in sorted(self.cells.items()):
            if vendor in vendors:
                marked = {(span.get("type", ""), span["start"], span["end"]) for span in spans}
                found.setdefault(item, {})[annotator, vendor] = sorted(marked)
        return list(found.values())


def check(agreement, items, compared, one=None, kind=""):
    """All pairs of annotators, or those of one of a group and one of all others."""
    if one is None:
        pairable = sum(len(item) > 1 for item in items)
        alpha = alpha_by_krippendorff([list(item.values()) for item in items])
    else:
        pairable = sum(0 < len(one & item.keys()) < len(item) for item in items)
        alpha = alpha_between(items, one)
    expected = {**figures(items, one), "alpha": alpha}
    for name, value in expected.items():
        found = agreement[name]
        assert (found["value"], found["n"]) == (close(value), pairable), name
        if pairable < 2 or value is None:
            assert found["low"] is found["high"] is None
        else:
            assert found["low"] <= found["value"] <= found["high"]
        compared[kind + name if value is not None else found["why"]] += 1
    return pairable


@pytest.mark.parametrize("seed", SEEDS)
def test_every_figure_after_every_event(seed):
    stream, compared = Stream(seed), Counter()
    store = open_store("sqlite://")
    home = Home(0, store, rules())
    for offset in range(EVENTS):
        list(home.process(TOPIC, [Record(offset, stream.step())]))
        if not stream.cells:
            continue
        task = projects(store)["p"]["tasks"]["label"]
        items = stream.items()
        assert (task["label_type"], task["items"], task["annotations"]) == ("spans", len(items), len(stream.cells))
        check(task["agreement"], items, compared)
        for vendor, scope in task["by"]["vendor"].items():
            check(scope["agreement"], stream.items(vendor), compared)
        for annotator, scope in task["by"]["annotator"].items():
            check(scope["agreement"], items, compared, {annotator})
        for pair in task["between"]["vendor"]:
            of_two = stream.by_vendor(pair["a"] + pair["b"])
            one = {(annotator, pair["a"]) for annotator in ANNOTATORS}
            assert check(pair["agreement"], of_two, compared, one, "vendors ") == pair["items"]
        met = [{vendor for _, vendor in item} for item in stream.by_vendor(VENDORS)]
        pairs = {(a, b) for a, b in combinations(VENDORS, 2) if any({a, b} <= found for found in met)}
        assert {(pair["a"], pair["b"]) for pair in task["between"]["vendor"]} == pairs
        marked = Counter(mark[0] for item in items for marks in item.values() for mark in marks if mark[0])
        assert {kind: scope["annotations"] for kind, scope in task["by"]["class"].items()} == marked
        for kind, scope in task["by"]["class"].items():
            of_kind = [{name: [m for m in marks if m[0] == kind] for name, marks in item.items()} for item in items]
            expected = figures(of_kind)["span_f1"]
            if expected is not None:
                assert scope["agreement"]["span_f1"]["value"] == close(expected)
                assert scope["agreement"]["span_f1"]["n"] == sum(len(i) > 1 and any(i.values()) for i in of_kind)
                compared["class"] += 1
            why = "of all classes together only" if task["pairable_items"] else "no pairable item"
            assert {scope["agreement"][name]["why"] for name in {*COMMON, "alpha"} - {"span_f1"}} == {why}
    report = Report()
    verify_statistics(report, store, 0, default_task)
    assert report.differences == []
    assert min(compared[name] for name in (*COMMON, "alpha")) > 200
    assert min(compared[f"vendors {name}"] for name in (*COMMON, "alpha")) > 60
    assert compared["class"] > 60
    counted = {*COMMON, "alpha"}
    assert set(compared) - {"no variation"} == {
        *counted,
        *(f"vendors {x}" for x in counted),
        "class",
        "no pairable item",
    }


def test_after_all_is_withdrawn_nothing_is_left():
    stream, store = Stream(5), open_store("sqlite://")
    home = Home(0, store, rules())
    for offset in range(EVENTS):
        list(home.process(TOPIC, [Record(offset, stream.step())]))
    held = sorted(stream.cells)
    assert len(held) > 10
    for number, (item, annotator) in enumerate(held):
        own = {"id": f"r{number}", "source": "test", "time": "2026-01-06T09:00:00Z", "project": "p"}
        event = json.dumps({**own, "type": "retraction", "annotation": f"{item}{annotator}"}).encode()
        list(home.process(TOPIC, [Record(EVENTS + number, event)]))
    assert projects(store)["p"]["tasks"] == {}
