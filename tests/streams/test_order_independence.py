"""What counts depends on the set of events received, not on their order or number (design 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.document import document
from streams.parsing import DeadLetter, Parser
from streams.verify import Report, verify_statistics
from tests.strategies import event_sets
from tests.streams.by_the_contract import figures
from tests.streams.folding import PRIVACY, default_task, fold, projects, shuffled

compared: Counter[str] = Counter()


@settings(max_examples=120)
@given(event_sets(tasks=("label", "score"), max_size=40), st.integers(0, 1000))
def test_any_permutation_with_any_duplicates_gives_the_same_projects(messages: list[bytes], seed: int) -> None:
    expected = projects(fold(messages))
    other = fold(shuffled(messages, seed), chunk=1 + seed % 7, capacity=1 + seed % 5, restarts=seed % 3 == 0)
    assert projects(other) == expected
    compared["permutations"] += 1


@settings(max_examples=100)
@given(event_sets(tasks=("label", "score", "tags", "region", "pair"), max_size=40))
def test_projects_follow_the_words_of_the_contract(messages: list[bytes]) -> None:
    _follow_the_contract(messages)


@settings(max_examples=200)
@given(event_sets(tasks=("label",), min_size=25, max_size=60))
def test_agreement_follows_its_definition(messages: list[bytes]) -> None:
    _follow_the_contract(messages)


@settings(max_examples=60)
@given(event_sets(tasks=("score",), min_size=25, max_size=60))
def test_agreement_of_numbers_follows_its_definition(messages: list[bytes]) -> None:
    before = compared["alpha"]
    _follow_the_contract(messages)
    compared["alpha of numbers"] += compared["alpha"] - before


def _follow_the_contract(messages: list[bytes]) -> None:
    parser = Parser()
    events = [event for message in messages for event in parser.parse(message) if not isinstance(event, DeadLetter)]
    found = projects(fold(messages, chunk=7))
    expected = figures(events)
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
    for name in ("percent", "alpha"):
        value = found["agreement"][name]["value"]
        if figure[name] is None:
            assert value is None
        else:
            assert value == pytest.approx(float(figure[name]), abs=1e-12)
            compared[name] += 1
    by = found["by"]
    own = {name: _repeats(value["repeats"]) for name, value in by.get("annotator", {}).items()}
    assert {name: repeats for name, repeats in own.items() if repeats[0]} == figure["repeats"]
    sums = tuple(sum(counts) for counts in zip(*figure["repeats"].values(), strict=True)) or (0, 0)
    assert _repeats(found["repeats"]) == sums
    compared["repeats"] += sums[0]
    assert {name: value["annotations"] for name, value in by.get("stage", {}).items()} == figure["stages"]
    assert {name: value["annotations"] for name, value in by.get("annotator", {}).items()} == figure["by_annotator"]
    assert {name: value["annotations"] for name, value in by.get("vendor", {}).items()} == figure["by_vendor"]


def _repeats(repeats: dict[str, Any]) -> tuple[int, int]:
    """Pairs, and equal ones; those by gap are the same."""
    pairs = repeats["pairs"]
    assert sum(gap["pairs"] for gap in repeats["by_gap"].values()) == pairs
    equal = [round((held["equal"]["value"] or 0) * held["pairs"]) for held in (repeats, *repeats["by_gap"].values())]
    assert equal[0] == sum(equal[1:])
    return pairs, equal[0]


@settings(max_examples=60)
@given(event_sets(tasks=("label",), min_size=20, max_size=50), st.integers(1, 9))
def test_statistics_equal_a_batch_and_counts_are_conserved(messages: list[bytes], chunk: int) -> None:
    store = fold(messages, chunk=chunk, capacity=3)
    report = Report()
    verify_statistics(report, store, 0, default_task)
    assert not report.differences
    events = document(store, default_task, PRIVACY)["events"]
    assert events.pop("received") == sum(events.values()) == len(messages)
    compared["rows"] += sum(report.compared.values())


@settings(max_examples=80)
@given(event_sets(tasks=("label", "score"), max_size=40), st.integers(1, 9))
def test_where_a_chunk_ends_makes_no_difference(messages: Sequence[bytes], chunk: int) -> None:
    """Not even to detectors and alarms, nor to what memory holds in between."""
    whole = fold(messages)
    parts = fold(messages, chunk=chunk, capacity=2, restarts=chunk % 2 == 0)
    assert document(whole, default_task, PRIVACY) == document(parts, default_task, PRIVACY)
    compared["chunkings"] += 1


def test_enough_was_compared() -> None:
    """The properties above are worth what they compared."""
    assert compared["permutations"] >= 120
    assert compared["tasks"] >= 200
    assert compared["alpha"] >= 30
    assert compared["alpha of numbers"] >= 10
    assert compared["percent"] >= 40
    assert compared["rows"] >= 500
    assert compared["repeats"] >= 50
    assert compared["chunkings"] >= 80
