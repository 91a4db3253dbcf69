"""Figures over time: a window says what the items alone would say that were last labelled in it, edits included."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from detectors.agreement import PANEL_COEFFICIENTS
from detectors.config import TaskConfig
from streams.arguments import ArgumentParser
from streams.document import document
from streams.errors import Refused
from streams.events import Annotation, Event, from_microseconds
from streams.replay import replay
from streams.settings import load_settings
from streams.show import load_document
from streams.store import Store, open_store
from streams.windowing import OverTime, Windowing, add_window_arguments, over_time
from tests.made_events import annotation, gold, messages, retraction
from tests.streams.by_the_contract import _in_force
from tests.streams.folding import PRIVACY, fold

HOUR = 3600
CONFIG = TaskConfig(label_type="nominal", labels=("a", "b", "c"))


def configure(_project: str, _task: str) -> TaskConfig:
    return CONFIG


def campaign(seed: int) -> list[Event]:
    """A fortnight: labels, second thoughts, retractions, gold."""
    random = Random(seed)
    events: list[Event] = []
    for number in range(60):
        item, begun = f"i{number}", random.uniform(0, 14 * 24 * HOUR)
        if random.random() < 0.3:
            events.append(gold(item, random.choice("abc"), seconds=begun))
        for who in random.sample(["ann", "bob", "cleo", "dan"], random.randint(1, 4)):
            at = begun + random.expovariate(1 / (12 * HOUR))
            events.append(annotation(who, item, random.choice("aabc"), at, id=f"{item}-{who}"))
            if random.random() < 0.2:
                later = at + random.expovariate(1 / (24 * HOUR))
                events.append(
                    annotation(
                        who,
                        item,
                        random.choice("abc"),
                        later,
                        id=f"{item}-{who}-2",
                        revision=1,
                        annotation=f"{item}-{who}",
                    )
                )
            if random.random() < 0.1:
                events.append(retraction(f"{item}-{who}", at + HOUR))
    random.shuffle(events)
    return events


def shown(events: list[Event], windows: Windowing | None = None, half_life: int | None = None) -> dict[str, Any]:
    found = document(
        fold(messages(events), configure=configure), configure, PRIVACY, over_time=OverTime(windows, half_life)
    )
    tasks: dict[str, Any] = found["projects"].get("news", {"tasks": {}})["tasks"]
    return tasks["label"]


def of_items(events: list[Event], items: set[str]) -> list[Event]:
    named = {event.key: event.item for event in events if isinstance(event, Annotation)}
    return [
        event
        for event in events
        if getattr(event, "item", None) in items or named.get(getattr(event, "annotation", "")) in items
    ]


def of_parts(figures: Any) -> Any:
    """Without what tells annotators apart, which is kept of whole tasks only."""
    if not isinstance(figures, dict):
        return figures
    return {name: reading for name, reading in figures.items() if name not in PANEL_COEFFICIENTS}


def watermark(events: list[Event], lateness: timedelta = timedelta(hours=1)) -> datetime:
    """By its definition: the third-highest of the annotators' latest times (the lowest, if fewer), less the lateness."""
    latest: dict[str, datetime] = {}
    for event in events:
        if isinstance(event, Annotation):
            latest[event.annotator] = max(event.time, latest.get(event.annotator, event.time))
    return sorted(latest.values(), reverse=True)[:3][-1] - lateness


@pytest.mark.parametrize(("length", "every"), [(24, 24), (7 * 24, 24), (None, 48), (6, 6)])
def test_a_window_is_what_its_items_alone_would_say(length: int | None, every: int) -> None:
    events = campaign(every)
    latest: defaultdict[str, int] = defaultdict(int)
    for event in _in_force(events):
        latest[event.item] = max(latest[event.item], event.at)
    windows = shown(events, Windowing(length, every))["windows"]
    for window in windows:
        start, end = (datetime.fromisoformat(window[name]) for name in ("start", "end"))
        items = {item for item, at in latest.items() if start <= from_microseconds(at) < end}
        alone = shown(of_items(events, items))
        for name in ("annotations", "items", "pairable_items", "pairable_share", "agreement", "gold"):
            assert of_parts(window[name]) == of_parts(alone[name]), (name, window["end"])
        assert (
            (end - start) == timedelta(hours=length)
            if length
            else start <= min(map(from_microseconds, latest.values()))
        )
    assert len(windows) >= 5
    over = watermark(events)
    assert [window["open"] for window in windows] == [
        datetime.fromisoformat(window["end"]) > over for window in windows
    ]
    assert [window["open"] for window in windows[:1] + windows[-1:]] == [False, True]


def test_windows_that_do_not_overlap_add_up_to_the_task() -> None:
    task = shown(campaign(3), Windowing(24, 24))
    for name in ("annotations", "items", "pairable_items"):
        assert sum(window[name] for window in task["windows"]) == task[name]
    assert sum(window["gold"]["answers"] for window in task["windows"]) == task["gold"]["answers"] > 0


def test_the_last_window_from_the_beginning_is_the_task() -> None:
    task = shown(campaign(4), Windowing(None, 24))
    assert of_parts(task["windows"][-1]["agreement"]) == of_parts(task["agreement"])
    assert task["windows"][-1]["gold"] == task["gold"]


def test_a_late_label_corrects_two_windows_and_no_third() -> None:
    events = [event for event in campaign(5) if event.time < datetime(2024, 5, 10, tzinfo=UTC)]
    [held] = [event for event in _in_force(events) if event.item == next(iter(_in_force(events))).item][:1]
    before = {window["end"]: window for window in shown(events, Windowing(24, 24))["windows"]}
    late = annotation("eve", held.item, "b", 13 * 24 * HOUR)
    after = {window["end"]: window for window in shown([*events, late], Windowing(24, 24))["windows"]}
    changed = [
        end for end in {*before, *after} if {**before.get(end, {}), "open": 0} != {**after.get(end, {}), "open": 0}
    ]
    assert len(changed) == 2, "the window that the item left, and the one that it entered"


def test_replay_and_show_say_the_same(tmp_path: Path) -> None:
    file, store = tmp_path / "labels.jsonl", f"sqlite:///{tmp_path}/state.db"
    file.write_bytes(b"\n".join(messages(campaign(6))) + b"\n")
    settings = load_settings(None, {"KAPPAWATCH_STORE__URL": store})
    opened: Store = open_store(store)
    replayed = replay(settings, [str(file)], opened, over_time=OverTime(Windowing(48, 24), 36))
    opened.close()
    seen = load_document(settings, over_time=OverTime(Windowing(48, 24), 36))
    assert msgspec.json.encode(seen["projects"]) == msgspec.json.encode(replayed["projects"])
    assert len(seen["projects"]["news"]["tasks"]["label"]["windows"]) > 7
    assert "windows" not in load_document(settings)["projects"]["news"]["tasks"]["label"]


def test_of_very_many_windows_the_latest_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.summary.MOST_VALUES", 5)
    task = shown(campaign(7), Windowing(24, 24))
    assert len(task["windows"]) == 5
    assert task["windows_cut"] > 3
    assert task["windows"][-1]["open"]


# -- the options -------------------------------------------------------------------------------------------------------


def options(*words: str) -> OverTime:
    parser = ArgumentParser(prog="kappawatch show")
    add_window_arguments(parser)
    return over_time(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), OverTime()),
        (("--window", "1d"), OverTime(Windowing(24, 24))),
        (("--window", "2w", "--every", "1d"), OverTime(Windowing(336, 24))),
        (("--window", "all"), OverTime(Windowing(None, 24))),
        (("--every", "6h", "--window", "all"), OverTime(Windowing(None, 6))),
        (("--decay", "2d"), OverTime(None, 48)),
        (("--window", "1d", "--decay", "1w"), OverTime(Windowing(24, 24), 168)),
    ],
)
def test_options(words: tuple[str, ...], expected: OverTime) -> None:
    assert options(*words) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--every", "1d"), "expected --window beside --every"),
        (("--window", "1d", "--every", "2d"), "expected --every of at most the 24 hours of --window, found 48"),
    ],
)
def test_options_that_do_not_go_together(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(Refused, match=message):
        options(*words)


@pytest.mark.parametrize("text", ["0d", "1", "d", "1.5h", "+1d", "1m", "1000000d", "5300w", ""])
def test_times_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options("--window", text)
    assert (
        f"--window: expected hours, days or weeks such as 6h, 1d or 2w, at most a century, found {text!r}"
        in capsys.readouterr().err
    )


def test_compared_enough() -> None:
    """The campaigns hold what the windows must get right."""
    kinds = Counter(type(event).__name__ for seed in range(3, 8) for event in campaign(seed))
    assert min(kinds[name] for name in ("Annotation", "Gold", "Retraction")) >= 40


def test_what_decays_is_the_document_s_and_the_text_s() -> None:
    task = shown(campaign(7), half_life=24)
    assert "windows" not in task
    found = task["decayed"]
    assert list(found) == ["half_life_hours", "until", "effective_items", "agreement", "gold"]
    assert found["half_life_hours"] == 24
    assert 0 < found["effective_items"] < task["items"]
    assert found["agreement"]["alpha"]["n"] < task["agreement"]["alpha"]["n"]
    assert found["agreement"]["alpha"]["value"] != task["agreement"]["alpha"]["value"]
    assert list(found["agreement"]) == list(task["agreement"])
    latest = shown(campaign(7), Windowing(24, 24))["windows"][-1]
    assert found["until"] <= latest["end"]
    assert "decayed" not in shown(campaign(7), Windowing(24, 24))
