"""What counts depends on the set of events received, not on their order or number (design 4)."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from statistics import variance
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.config import TaskConfig
from streams.document import Document, document
from streams.homes import Home
from streams.parsing import DeadLetter, Parser
from streams.store import open_store
from streams.verify import Report, verify_statistics
from tests.detectors.agreement.spans_by_characters import dispute
from tests.strategies import LABELS, event_sets
from tests.streams.by_the_contract import figures
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, fold, projects, rules, shuffled
from tests.thoroughness import enough, often

pytestmark = pytest.mark.thorough
compared: Counter[str] = Counter()
CONFIGURED = {
    "label": TaskConfig(labels=("yes", "no"), unknown="other"),
    "score": TaskConfig(label_type="nominal", labels=(1, 2), unknown="other"),
    "tags": TaskConfig(label_type="multilabel", labels=("a",), unknown="other"),
    "region": TaskConfig(labels=("name",), unknown="other"),
    "pair": TaskConfig(),
}


@settings(max_examples=often(120))
@given(event_sets(tasks=("label", "score", "tags", "pair"), max_size=40), st.integers(0, 1000))
def test_any_permutation_with_any_duplicates_gives_the_same_projects(messages: list[bytes], seed: int) -> None:
    expected = projects(fold(messages))
    other = fold(shuffled(messages, seed), chunk=1 + seed % 7, capacity=1 + seed % 5, restarts=seed % 3 == 0)
    assert projects(other) == expected
    compared["permutations"] += 1


@settings(max_examples=often(80))
@given(event_sets(tasks=tuple(CONFIGURED), max_size=40), st.integers(0, 1000))
def test_so_it_is_where_unknown_labels_count_as_other(messages: list[bytes], seed: int) -> None:
    def configure(_project: str, task: str) -> TaskConfig:
        return CONFIGURED[task]

    store = fold(messages, configure=configure)
    expected = projects(store, configure)
    other = fold(shuffled(messages, seed), chunk=1 + seed % 7, capacity=1 + seed % 5, configure=configure)
    assert projects(other, configure) == expected
    report = Report()
    verify_statistics(report, store, 0, configure)
    assert not report.differences
    for task in (task for found in expected.values() for task in found["tasks"].values()):
        compared["of other"] += "other" in task["by"]["class"]


@settings(max_examples=often(100))
@given(event_sets(tasks=("label", "score", "tags", "region", "pair"), max_size=40))
def test_projects_follow_the_words_of_the_contract(messages: list[bytes]) -> None:
    _follow_the_contract(messages)


@settings(max_examples=often(200))
@given(event_sets(tasks=("label",), min_size=25, max_size=60))
def test_agreement_follows_its_definition(messages: list[bytes]) -> None:
    _follow_the_contract(messages)


@settings(max_examples=often(60))
@given(event_sets(tasks=("score",), min_size=25, max_size=60))
def test_agreement_of_numbers_follows_its_definition(messages: list[bytes]) -> None:
    before = compared["alpha"]
    _follow_the_contract(messages)
    compared["alpha of numbers"] += compared["alpha"] - before


@pytest.mark.parametrize("task", ["tags", "pair"])
def test_agreement_of_sets_and_of_preferences_follows_its_definition(task: str) -> None:
    @settings(max_examples=often(60))
    @given(event_sets(tasks=(task,), min_size=25, max_size=60))
    def check(messages: list[bytes]) -> None:
        before = compared["alpha"]
        _follow_the_contract(messages)
        compared[f"alpha of {task}"] += compared["alpha"] - before

    check()


@pytest.mark.parametrize("task", ["tags", "pair"])
def test_after_every_event_agreement_is_that_of_a_batch(task: str) -> None:
    """Annotations, their edits, withdrawals and skips, gold and its corrections, one event at a time."""
    messages = _edits(task, 120)
    parser = Parser()
    parsed = [event for message in messages for event in parser.parse(message) if not isinstance(event, DeadLetter)]
    assert len(parsed) == len(messages)
    assert {event.__class__.__name__ for event in parsed} >= {"Annotation", "Retraction", "Gold"}
    store = open_store("sqlite://")
    home = Home(0, store, rules(capacity=2))
    before = compared["alpha"]
    for offset, message in enumerate(messages):
        for _ in home.process(TOPIC, [Record(offset, message)]):
            pass
        _compare_projects(projects(store), figures(parsed[: offset + 1]))
        compared["prefixes"] += 1
    store.close()
    compared[f"alpha of prefixes of {task}"] += compared["alpha"] - before


def _edits(task: str, length: int) -> list[bytes]:
    """Three annotators on four items, each with one annotation an item that is edited and withdrawn again and again."""
    chance, place = random.Random(task), (("n1", "n2", "n3"), ("i1", "i2", "i3", "i4"))
    labels = LABELS[task]
    found: list[bytes] = []
    for number in range(length):
        annotator, item = (chance.choice(names) for names in place)
        moment = {
            "id": f"e{number}",
            "source": "tool",
            "project": "news",
            "time": f"2024-03-01T12:{number // 60:02}:{number % 60:02}Z",
        }
        name, revision = f"{annotator}-{item}", number
        if chance.random() < 0.12:
            event = {"type": "retraction", "annotation": name, "revision": revision}
        elif chance.random() < 0.1:
            event = {
                "type": "gold",
                "item": item,
                "task": task,
                "version": revision,
                "accepted": [{"label": chance.choice(labels)}],
            }
        else:
            answer = {"skipped": True} if chance.random() < 0.08 else {"label": chance.choice(labels)}
            event = {"type": "annotation", "item": item, "annotator": annotator, "task": task, **answer}
            event |= {"annotation": name, "revision": revision}
        found.append(json.dumps({**moment, **event}).encode())
    return found


def _follow_the_contract(messages: list[bytes]) -> None:
    parser = Parser()
    events = [event for message in messages for event in parser.parse(message) if not isinstance(event, DeadLetter)]
    found = projects(fold(messages, chunk=7))
    _compare_projects(found, figures(events))


def _compare_projects(found: Document, expected: dict[str, dict[str, Any]]) -> None:
    assert found.keys() == expected.keys()
    for project, tasks in expected.items():
        assert found[project]["tasks"].keys() == tasks.keys()
        for task, figure in tasks.items():
            _compare(found[project]["tasks"][task], figure)
            compared["tasks"] += 1


def _compare(found: dict, figure: dict) -> None:  # type: ignore[type-arg]
    for name in ("label_type", "annotations", "items", "annotators", "unfit", "pairable_items"):
        assert found[name] == figure[name], name
    assert (found["gold"]["answers"], found["gold"]["correct"]) == (figure["answers"], figure["correct"])
    for name in ("percent", "percent_pairs", "alpha", "alpha_jaccard"):
        value = found["agreement"][name]["value"]
        if figure[name] is None:
            assert value is None
        else:
            assert value == pytest.approx(float(figure[name]), abs=1e-12)
            compared[name] += 1
            compared[f"{name} of {figure['label_type']}"] += 1
    _compare_disputed(found, figure)
    by = found["by"]
    own = {name: _repeats(value["repeats"]) for name, value in by.get("annotator", {}).items()}
    assert {name: repeats for name, repeats in own.items() if repeats[0]} == figure["repeats"]
    sums = tuple(sum(counts) for counts in zip(*figure["repeats"].values(), strict=True)) or (0, 0)
    assert _repeats(found["repeats"]) == sums
    compared["repeats"] += sums[0]
    if figure["classes"] is not None:
        _compare_classes(by["class"], figure)
    assert {name: value["annotations"] for name, value in by.get("stage", {}).items()} == figure["stages"]
    assert {name: value["annotations"] for name, value in by.get("annotator", {}).items()} == figure["by_annotator"]
    assert {name: value["annotations"] for name, value in by.get("vendor", {}).items()} == figure["by_vendor"]


def _compare_disputed(found: Document, figure: dict[str, Any]) -> None:
    if figure["label_type"] == "boxes":
        assert {each["item"] for each in found["disputed"]} <= figure["given"].keys()
        for each in found["disputed"]:
            assert each["labels"] == len(figure["given"][each["item"]])
            compared["disputed boxes"] += 1
        return
    if figure["label_type"] == "spans":
        _compare_disputed_spans(found, figure["given"])
        return
    assert {each["item"] for each in found["disputed"]} == figure["disputed"].keys()
    assert found["disputed_cut"] == 0
    for each in found["disputed"]:
        counts = figure["disputed"][each["item"]]
        n = counts.total()
        assert (each["labels"], sorted(each["counts"].values())) == (n, sorted(counts.values()))
        if figure["label_type"] == "interval":
            assert {Fraction(label): r for label, r in each["counts"].items()} == counts
            assert each["variance"] == float(variance(counts.elements()))
        else:
            expected = -sum(r / n * math.log2(r / n) for r in counts.values())
            assert each["entropy"] == pytest.approx(expected, abs=1e-9)
        compared["disputed"] += 1


def _compare_disputed_spans(found: Document, given: dict[str, list[Any]]) -> None:
    marked = {
        item: [sorted({(span.type or "", span.start, span.end) for span in label.spans}) for label in labels]
        for item, labels in given.items()
    }
    differing = {item: marks for item, marks in marked.items() if len({tuple(own) for own in marks}) > 1}
    assert {each["item"] for each in found["disputed"]} == differing.keys()
    for each in found["disputed"]:
        entropy, likeness, counts = dispute(differing[each["item"]])
        assert each["labels"] == len(differing[each["item"]])
        assert (each["entropy"], each["span_f1"]) == (
            pytest.approx(entropy, abs=1e-9),
            pytest.approx(likeness, abs=1e-9),
        )
        assert sum(each["counts"].values()) == sum(counts.values())
        compared["disputed spans"] += 1


def _compare_classes(found: Document, figure: dict[str, Any]) -> None:
    classes = {name: value for name, value in found.items() if value["annotations"]}
    assert {name: value["annotations"] for name, value in classes.items()} == {
        name: n for name, (n, _) in figure["classes"].items()
    }
    for name, (_, alpha) in figure["classes"].items():
        reading = classes[name]["agreement"]["alpha"]
        assert reading["n"] == figure["pairable_items"]
        assert reading["value"] == (None if alpha is None else pytest.approx(float(alpha), abs=1e-12))
        compared["classes"] += alpha is not None


def _repeats(repeats: dict[str, Any]) -> tuple[int, int]:
    """Pairs, and equal ones; those by gap are the same."""
    pairs = repeats["pairs"]
    assert sum(gap["pairs"] for gap in repeats["by_gap"].values()) == pairs
    equal = [round((held["equal"]["value"] or 0) * held["pairs"]) for held in (repeats, *repeats["by_gap"].values())]
    assert equal[0] == sum(equal[1:])
    return pairs, equal[0]


@settings(max_examples=often(60))
@given(event_sets(tasks=("label",), min_size=20, max_size=50), st.integers(1, 9))
def test_statistics_equal_a_batch_and_counts_are_conserved(messages: list[bytes], chunk: int) -> None:
    store = fold(messages, chunk=chunk, capacity=3)
    report = Report()
    verify_statistics(report, store, 0, default_task)
    assert not report.differences
    events = document(store, default_task, PRIVACY)["events"]
    assert events.pop("received") == sum(events.values()) == len(messages)
    compared["rows"] += sum(report.compared.values())


@settings(max_examples=often(80))
@given(event_sets(tasks=("label", "score"), max_size=40), st.integers(1, 9))
def test_where_a_chunk_ends_makes_no_difference(messages: Sequence[bytes], chunk: int) -> None:
    """Not even to detectors and alarms, nor to what memory holds in between."""
    whole = fold(messages)
    parts = fold(messages, chunk=chunk, capacity=2, restarts=chunk % 2 == 0)
    assert document(whole, default_task, PRIVACY) == document(parts, default_task, PRIVACY)
    compared["chunkings"] += 1


def test_enough_was_compared() -> None:
    """The properties above are worth what they compared."""
    assert compared["permutations"] >= enough(120)
    assert compared["of other"] >= enough(40)
    assert compared["disputed"] >= enough(200)
    assert compared["tasks"] >= enough(200)
    assert compared["alpha"] >= enough(30)
    assert compared["alpha of numbers"] >= enough(10)
    assert compared["alpha of tags"] >= enough(8)
    assert compared["alpha of pair"] >= enough(8)
    assert compared["classes"] >= enough(100)
    assert compared["prefixes"] == 240
    assert compared["alpha_jaccard"] >= enough(100)
    assert compared["alpha of prefixes of tags"] >= 90
    assert compared["alpha of prefixes of pair"] >= 90
    assert compared["percent"] >= enough(40)
    assert compared["percent of multilabel"] == compared["percent_pairs of multilabel"] >= enough(100)
    assert compared["rows"] >= enough(500)
    assert compared["repeats"] >= enough(50)
    assert compared["chunkings"] >= enough(80)
