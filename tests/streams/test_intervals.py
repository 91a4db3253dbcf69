"""The intervals of a document that are read from the stored items: bootstrapped, or linearised where pairs are not kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from detectors.agreement import RankedItems, Scale, ranking_intervals
from detectors.config import TaskConfig
from detectors.item import MOST_ANNOTATORS, MOST_PAIRED
from detectors.reading import Reading
from streams import cli
from streams.document import document
from streams.store import Store
from tests.detectors.agreement.test_conger import by_definition
from tests.made_events import annotation, configured, messages, retraction
from tests.streams.folding import PRIVACY, default_task, fold, scans_of, shuffled

LABELS = ("awful", "bad", "fair", "good")
ORDINAL = configured(label_type="ordinal", labels=LABELS)
RANKINGS = ("kendall_w", "kendall_tau_b")
Configure = Callable[[str, str], TaskConfig]


def rated(people: int = 3, items: int = 25, seed: int = 1, **fields: Any) -> list[Any]:
    """All annotators label all items."""
    chance, found = Random(seed), []
    for number in range(items):
        true = chance.choice(LABELS)
        for place in range(people):
            label = true if chance.random() < 0.6 else chance.choice(LABELS)
            found.append(annotation(f"n{place}", f"i{number}", label, number + place / 10, **fields))
    return found


def task_of(store: Store, configure: Configure = ORDINAL, **options: Any) -> dict[str, Any]:
    held: dict[str, Any] = document(store, configure, PRIVACY, **options)["projects"]["news"]["tasks"]["label"]
    return held


def task(events: Sequence[Any], configure: Configure = ORDINAL, **options: Any) -> dict[str, Any]:
    return task_of(fold(messages(events), configure=configure), configure, **options)


def expected_of(given: dict[str, dict[str, str]], found: dict[str, Any]) -> dict[str, Any]:
    """What the items give in other hands, from the values that the document has."""
    people = sorted({name for labels in given.values() for name in labels})
    ranked = RankedItems.of(given.items(), people, Scale.of("ordinal", LABELS))
    values = {name: Reading(found[name]["value"], None, None, len(ranked.items)) for name in RANKINGS}
    return {name: reading.as_document() for name, reading in ranking_intervals(ranked, values).items()}


def test_rankings_have_the_interval_of_their_items() -> None:
    events = rated()
    found = task(events)
    given: dict[str, dict[str, str]] = {}
    for event in events:
        given.setdefault(event.item, {})[event.annotator] = event.label
    agreement = found["agreement"]
    assert {name: agreement[name] for name in RANKINGS} == expected_of(given, agreement)
    for name in RANKINGS:
        assert agreement[name]["low"] < agreement[name]["value"] < agreement[name]["high"]
        assert agreement[name]["n"] == 25
    assert found["by"]["stage"]["annotate"]["agreement"] == agreement


def test_what_counts_on_an_item_is_its_latest_labels_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats, edits, retractions, skips, another stage, another task, and an item that one annotator left out."""
    monkeypatch.setattr("streams.stored_items.STEP", 7)
    events = rated(items=12)
    changed = [
        annotation("n0", "i3", "good", -5, annotation="earlier"),
        annotation("n1", "i4", "awful", 500, annotation="later"),
        annotation("n2", "i5", "bad", 600, revision=1, id="edit"),
        retraction("n0-i6", 700),
        annotation("n1", "i7", None, 800, revision=1, id="skip"),
        annotation("n1", "i8", "awful", 900, stage="review", id="r", annotation="r"),
        annotation("n1", "i9", "unheard of", 900, revision=1, id="unfit"),
        annotation("n1", "i10", "awful", 900, task="another", id="t", annotation="t"),
        annotation("n0", "alone", "bad", 5),
        annotation("n2", "i11", "good", 900, annotation="a tie, the lower id"),
        annotation("n2", "i11", "bad", 900, annotation="a tie, the upper id"),
    ]
    given: dict[str, dict[str, str]] = {}
    for event in events:
        given.setdefault(event.item, {})[event.annotator] = event.label
    given["i4"]["n1"], given["i5"]["n2"], given["i11"]["n2"] = "awful", "bad", "bad"
    del given["i6"]["n0"], given["i7"]["n1"], given["i9"]["n1"]
    sent = messages([*events, *changed])
    expected: dict[str, Any] | None = None
    for seed in range(4):
        store = fold(shuffled(sent, seed), configure=ORDINAL, chunk=1 + 9 * seed, capacity=3, restarts=seed == 2)
        agreement = task_of(store)["agreement"]
        found = {name: agreement[name] for name in RANKINGS}
        expected = expected or expected_of(given, found)
        assert found == expected
    assert expected is not None
    assert {reading["n"] for reading in expected.values()} == {9}
    assert all(reading["low"] is not None for reading in expected.values())


def test_of_two_annotators_tau_b_keeps_its_linearisation() -> None:
    found = task(rated(people=2))["agreement"]
    spared = task(rated(people=2), most_disputed=0)["agreement"]
    assert found["kendall_tau_b"] == spared["kendall_tau_b"]
    assert found["kendall_tau_b"]["low"] is not None
    assert found["kendall_w"]["low"] is not None
    assert spared["kendall_w"]["low"] is None


def exam(people: int, seed: int = 4) -> tuple[list[Any], list[dict[str, str]]]:
    """A test that everybody takes, and items of some of them; the events, and the labels by annotator."""
    chance, events, given = Random(seed), [], []
    for number in range(30):
        on_it = range(people) if number < 3 else sorted(chance.sample(range(people), chance.randint(1, 4)))
        labels = {f"n{place:04}": chance.choices("abc", (8, 1, 1))[0] for place in on_it}
        given.append(labels)
        events += [annotation(who, f"i{number}", label, number) for who, label in labels.items()]
    return events, given


def test_congers_kappa_with_a_crowded_item_has_the_interval_of_irrcac() -> None:
    events, given = exam(MOST_PAIRED + 10)
    found = task(events, default_task)["agreement"]["conger_kappa"]
    value, error = by_definition(given)
    half = 2.0452296421327034 * error  # t of 29
    assert (found["value"], found["n"]) == (pytest.approx(value, abs=1e-9), sum(len(labels) > 1 for labels in given))
    assert found["n"] < 30
    quantile = (found["high"] - found["value"]) / error
    assert found["value"] - found["low"] == pytest.approx(half, rel=1e-9)
    assert quantile == pytest.approx(2.0452296421327034, rel=1e-9)
    assert task(events, default_task, most_disputed=0)["agreement"]["conger_kappa"]["low"] is None


def test_of_more_people_than_count_on_an_item_there_is_an_interval_too() -> None:
    events, _ = exam(MOST_PAIRED + 10)
    late = [annotation(f"late{place:04}", "i0", "abc"[place % 3], 1e6 + place) for place in range(MOST_ANNOTATORS)]
    found = task([*late, *events], default_task)["agreement"]["conger_kappa"]
    assert found["low"] < found["value"] < found["high"]


@pytest.mark.parametrize(
    ("events", "configure", "expected"),
    [
        (rated(), default_task, 1),
        (rated(), ORDINAL, 2),
        ([*rated(), annotation("n0", "i1", "bad", 5, annotation="again")], ORDINAL, 4),
        (rated(items=1), ORDINAL, 1),
        ([*rated(), annotation("n3", "alone", "bad")], ORDINAL, 1),
        (exam(20)[0], default_task, 1),
        (exam(60)[0], default_task, 2),
    ],
    ids=["nominal", "ranked", "repeats", "one item", "nobody labelled all", "an exam of 20", "an exam of 60"],
)
def test_items_are_read_only_where_an_interval_needs_them(
    events: list[Any], configure: Configure, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other scan is that of the most disputed items; repeats take one more of each."""
    store = fold(messages(events), configure=configure)
    scans = scans_of(store, monkeypatch)
    task_of(store, configure)
    assert len(scans) == expected


def test_with_none_disputed_asked_for_no_annotation_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    store = fold(messages(rated()), configure=ORDINAL)
    scans = scans_of(store, monkeypatch)
    found = task_of(store, most_disputed=0)
    assert scans == []
    for name in RANKINGS:
        reading = found["agreement"][name]
        assert (reading["low"], reading["high"]) == (None, None)
        assert reading["value"] == task_of(store)["agreement"][name]["value"]


def test_nothing_else_in_the_document_is_touched() -> None:
    events = [*rated(), *rated(people=4, items=9, seed=2, task="other", id="")]
    events = [msgspec.structs.replace(event, id=f"e{number}") for number, event in enumerate(events)]
    store = fold(messages(events), configure=ORDINAL)
    whole = document(store, ORDINAL, PRIVACY)
    spared = document(store, ORDINAL, PRIVACY, most_disputed=0)
    filled = 0
    for name, held in whole["projects"]["news"]["tasks"].items():
        bare = spared["projects"]["news"]["tasks"][name]
        for key in ("disputed", "disputed_cut"):
            del held[key]
        for ranking in RANKINGS:
            for agreement in (bare["agreement"], bare["by"]["stage"]["annotate"]["agreement"]):
                assert agreement[ranking]["low"] is None
                agreement[ranking] = held["agreement"][ranking]
                filled += agreement[ranking]["low"] is not None
    assert whole == spared
    assert filled == 8


def test_a_task_that_is_only_half_rebuilt_has_no_interval() -> None:
    """Statistics that do not know all items say nothing of how far they vary."""
    store = fold(messages(rated()), configure=ORDINAL)
    before = task_of(store)["agreement"]
    found = store.scan_annotations
    store.scan_annotations = lambda *where: [each for each in found(*where) if each.item.item != "i0"]  # type: ignore[method-assign, union-attr]
    after = task_of(store)["agreement"]
    for name in RANKINGS:
        assert (after[name]["value"], after[name]["low"]) == (before[name]["value"], None)


@pytest.mark.parametrize("options", [[], ["--disputed", "0"]])
def test_show_and_replay_say_the_same(options: list[str], tmp_path: Path, capsysbinary: Any) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(messages(rated())))
    config = tmp_path / "kappawatch.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/kept.db"\n'
        '[projects.news.tasks.label]\nlabel_type = "ordinal"\nlabels = ["awful", "bad", "fair", "good"]\n'
    )
    found = []
    kept = ["--store", f"sqlite:///{tmp_path}/kept.db"]
    for command in (["replay", str(tmp_path / "events.jsonl"), *kept], ["show"]):
        assert cli.main([*command, "--config", str(config), "--format", "json", *options]) == 0
        found.append(capsysbinary.readouterr().out)
    tasks = [json.loads(text)["projects"]["news"]["tasks"]["label"] for text in found]
    assert msgspec.json.encode(tasks[0]) == msgspec.json.encode(tasks[1])
    assert (tasks[0]["agreement"]["kendall_w"]["low"] is None) == bool(options)
