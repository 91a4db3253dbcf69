"""After every event of random streams with spans, every figure of the document is what its definition says of the labels left.

The definitions go character by character and pair by pair (`tests/detectors/agreement/spans_by_characters.py`); alpha is that
of krippendorff with every character a unit.
"""

import json
import random
from collections import Counter

import pytest

from streams.homes import Home
from streams.store import open_store
from streams.verify import Report, verify_statistics
from tests.detectors.agreement.spans_by_characters import COMMON, alpha_against, alpha_by_krippendorff, figures
from tests.streams.folding import TOPIC, Record, default_task, projects, rules

SEEDS, EVENTS, ITEMS, ANNOTATORS = range(4), 60, 5, "abcd"


def close(x):
    return None if x is None else pytest.approx(x, rel=0, abs=1e-9)


class Stream:
    """Annotations given, edited, withdrawn and brought back; `cells` holds what each annotator marked on each item."""

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
            self.cells[item, annotator] = spans
            self.revisions[item, annotator] += 1
            kind = {"type": "annotation", "revision": self.revisions[item, annotator], "item": f"i{item}"}
            kind |= {"annotator": annotator, "label": {"spans": spans}, "vendor": "v" + str(annotator in "ab")}
        at = f"2026-01-05T09:{self.time // 60:02}:{self.time % 60:02}Z"
        own = {"id": f"e{self.time}", "source": "test", "time": at, "project": "p", "annotation": f"{item}{annotator}"}
        return json.dumps(own | kind).encode()

    def items(self, annotators=ANNOTATORS):
        """What is left: of each item its annotators' distinct marks."""
        found = {}
        for (item, annotator), spans in sorted(self.cells.items()):
            if annotator in annotators:
                marked = {(span.get("type", ""), span["start"], span["end"]) for span in spans}
                found.setdefault(item, {})[annotator] = sorted(marked)
        return list(found.values())


def check(agreement, items, compared, annotator=None):
    pairable = sum(len(item) > 1 and (annotator is None or annotator in item) for item in items)
    expected = figures(items, annotator)
    if annotator is None:
        expected["alpha"] = alpha_by_krippendorff([list(item.values()) for item in items])
    else:
        expected["alpha"] = alpha_against(items, annotator)
    for name, value in expected.items():
        found = agreement[name]
        assert (found["value"], found["n"]) == (close(value), pairable), name
        if pairable < 2 or value is None:
            assert found["low"] is found["high"] is None
        else:
            assert found["low"] <= found["value"] <= found["high"]
        compared[name if value is not None else found["why"]] += 1


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
        for vendor, own in (("vTrue", "ab"), ("vFalse", "cd")):
            if vendor in task["by"]["vendor"]:
                check(task["by"]["vendor"][vendor]["agreement"], stream.items(own), compared)
        for annotator, scope in task["by"]["annotator"].items():
            check(scope["agreement"], items, compared, annotator)
        marked = Counter(mark[0] for item in items for marks in item.values() for mark in marks if mark[0])
        assert {kind: scope["annotations"] for kind, scope in task["by"]["class"].items()} == marked
        for kind, scope in task["by"]["class"].items():
            of_kind = [{name: [m for m in marks if m[0] == kind] for name, marks in item.items()} for item in items]
            expected = figures(of_kind)["span_f1"]
            if expected is not None:
                assert scope["agreement"]["span_f1"]["value"] == close(expected)
                assert scope["agreement"]["span_f1"]["n"] == sum(len(i) > 1 and any(i.values()) for i in of_kind)
                compared["class"] += 1
            assert set(scope["agreement"]).isdisjoint(set(COMMON) - {"span_f1"})
    report = Report()
    verify_statistics(report, store, 0, default_task)
    assert report.differences == []
    assert min(compared[name] for name in (*COMMON, "alpha")) > 200
    assert compared["class"] > 60
    assert set(compared) - {"no variation"} == {*COMMON, "alpha", "class", "no pairable item"}


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
