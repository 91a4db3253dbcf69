"""Statistics are a cache of the annotations: where their fingerprint differs they are computed anew, and nothing else is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from shutil import copyfile
from types import SimpleNamespace
from typing import Any

import pytest

from detectors.config import TaskConfig
from detectors.fingerprint import STATISTICS_VERSION, fingerprint
from streams import cli
from streams.document import Document
from streams.homes import Home
from streams.rebuild import rebuild
from streams.settings import load_settings
from streams.store import Store, StoreFailed, open_store
from streams.store.tables import ANNOTATIONS, PAIRS, SCOPES, TASKS, WATCHES
from streams.verify import Report, verify_statistics
from tests.made_campaign import campaign
from tests.made_events import annotation, configured, erasure, messages
from tests.streams.folding import TOPIC, Record, default_task, fold, projects, rules

Configure = Callable[[str, str], TaskConfig]
SENT = campaign(items=30)


def changed(project: str, task: str) -> TaskConfig:
    """Another declared set for one task, another type for a second, everything else as before."""
    if (project, task) == ("news", "label"):
        return TaskConfig(labels=("a", "b"))
    if (project, task) == ("shapes", "score"):
        return TaskConfig(label_type="nominal")
    return TaskConfig()


def reopened(store: Store, configure: Configure = default_task) -> Home:
    """The home as a worker holds it that just started."""
    store.close_home(0)
    return Home(0, store, rules(configure))


def spoil(store: Store, of: str = "") -> None:
    """Statistics that a recomputation would mend: a sign of what was computed anew and what was not."""
    connection: sqlite3.Connection = store._connection  # type: ignore[attr-defined]
    connection.execute(f"UPDATE scopes SET annotations = annotations + 1000 {of}")


def spoilt(store: Store) -> set[tuple[object, object]]:
    """The tasks with spoilt statistics."""
    return {(row[1], row[2]) for row in store.scan(SCOPES, 0) if isinstance(row[5], int) and row[5] >= 1000}


def rows(store: Store) -> list[Sequence[object]]:
    """What a rebuild must not touch."""
    return [*store.scan(ANNOTATIONS, 0), *store.scan(WATCHES, 0)]


REBUILT_TO = TASKS.names.index("rebuilt_to")
TASK_NAMES = {("news", "label"), *(("shapes", task) for task in ("mixed", "pair", "region", "score", "tags"))}


@pytest.fixture(scope="module")
def as_configured() -> Document:
    return projects(fold(SENT, configure=changed), changed)


# -- what is rebuilt ------------------------------------------------------------------------------------------------------


def test_nothing_is_rebuilt_where_nothing_differs() -> None:
    store = fold(SENT)
    spoil(store)
    home = reopened(store)
    version = home.version
    assert home.step() is None
    home.finish_work()
    assert home.version == version
    assert spoilt(store) == TASK_NAMES


def test_another_version_of_the_statistics_rebuilds_every_task(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = projects(fold(SENT))
    store = fold(SENT)
    spoil(store)
    kept = rows(store)
    monkeypatch.setattr("streams.rebuilding.fingerprint", partial(fingerprint, version=STATISTICS_VERSION + 1))
    reopened(store).finish_work()
    assert projects(store) == expected
    assert rows(store) == kept, "annotations and detectors stay as they are"
    spoil(store)
    reopened(store).finish_work()
    assert spoilt(store) == TASK_NAMES, "once is enough"


def test_another_configuration_rebuilds_its_tasks_and_leaves_the_others(as_configured: Document) -> None:
    store = fold(SENT)
    assert projects(store) != as_configured
    spoil(store)
    reopened(store, changed).finish_work()
    assert spoilt(store) == TASK_NAMES - {("news", "label"), ("shapes", "score")}
    again = fold(SENT)
    reopened(again, changed).finish_work()
    assert projects(again, changed) == as_configured
    task = as_configured["shapes"]["tasks"]["score"]
    assert (task["label_type"], task["agreement"]["alpha"]["value"] is None) == ("nominal", False)


def test_another_rule_for_unknown_labels_rebuilds_the_task() -> None:
    unfit, other = (configured(labels=("a", "b"), unknown=unknown) for unknown in ("unfit", "other"))
    store = fold(SENT, configure=unfit)
    before = projects(store, unfit)["news"]["tasks"]["label"]
    reopened(store, other).finish_work()
    after = projects(store, other)
    assert after == projects(fold(SENT, configure=other), other)
    others = after["news"]["tasks"]["label"]["by"]["class"]["other"]["annotations"]
    assert others == before["unfit"] - after["news"]["tasks"]["label"]["unfit"] > 0
    reopened(store, unfit).finish_work()
    assert projects(store, unfit)["news"]["tasks"]["label"] == before


def test_back_and_forth_leaves_no_trace_in_the_statistics() -> None:
    store = fold(SENT)
    before = [list(store.scan(table, 0)) for table in (SCOPES, PAIRS)]
    counts = {row[1:3]: row[3:8] for row in store.scan(TASKS, 0)}
    reopened(store, changed).finish_work()
    assert list(store.scan(SCOPES, 0)) != before[0]
    reopened(store).finish_work()
    assert [list(store.scan(table, 0)) for table in (SCOPES, PAIRS)] == before
    for row in store.scan(TASKS, 0):
        annotators, passed, failed, passed_retracted, failed_retracted = counts[row[1:3]]
        assert row[3] == annotators
        assert (row[4] - row[6], row[5] - row[7]) == (passed - passed_retracted, failed - failed_retracted)


def test_a_task_of_other_stages_is_rebuilt_too() -> None:
    sent = messages([annotation("rita", "i1", "maybe", stage="review", task="label")])
    store = fold(sent)
    reopened(store, changed).finish_work()
    assert projects(store, changed) == projects(fold(sent, configure=changed), changed)
    (scope,) = store.scan(SCOPES, 0)
    assert scope[7] == 1, "the label does not fit any more"


def test_detectors_that_are_switched_rebuild_nothing() -> None:
    store = fold(SENT)
    spoil(store)
    reopened(store, lambda *_: TaskConfig(detectors=())).finish_work()
    assert spoilt(store) == TASK_NAMES


@pytest.mark.parametrize("capacity", [3, 10**6])
def test_a_rebuilt_home_goes_on(capacity: int, as_configured: Document) -> None:
    """Events that come after the rebuild, also for items of before."""
    store = fold(SENT[:150], capacity=capacity)
    store.close_home(0)
    home = Home(0, store, rules(changed, capacity))
    home.finish_work()
    take(home, SENT, 150)
    assert projects(store, changed) == as_configured
    report = Report()
    verify_statistics(report, store, 0, changed)
    assert report.differences == []


def take(home: Home, sent: Sequence[bytes], first: int) -> None:
    for place in range(first, len(sent), 40):
        part = sent[place : place + 40]
        for _ in home.process(TOPIC, [Record(place + number, value) for number, value in enumerate(part)]):
            pass


# -- in steps, and interrupted ----------------------------------------------------------------------------------------------


class Interrupted(StoreFailed):
    pass


def interrupt(store: Store, at: int, *, after: bool) -> Callable[[], int]:
    """Let the commit of this number fail, before it is done or after; answers how many there were."""
    commit, calls = store.commit, 0

    def failing(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            raise Interrupted
        commit(*arguments)
        if calls == at:
            raise Interrupted

    store.commit = failing  # type: ignore[method-assign]
    return lambda: calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_interrupted_rebuild_goes_on_and_new_events_wait(
    after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_configured: Document
) -> None:
    monkeypatch.setattr("streams.homes.STEP", 50)
    before = tmp_path / "before.db"
    fold(SENT[:200], store=open_store(f"sqlite:///{before}")).close()
    calls, at, failures = 0, 0, 1
    while failures:
        at += 1
        copyfile(before, tmp_path / f"{at}.db")
        store = open_store(f"sqlite:///{tmp_path}/{at}.db")
        counted = interrupt(store, at, after=after)
        failures = 0
        while True:
            home = reopened(store, changed)
            try:
                take(home, SENT, 200)
            except Interrupted:
                failures += 1
            else:
                break
        calls = counted()
        assert projects(store, changed) == as_configured
        assert [row[REBUILT_TO] for row in store.scan(TASKS, 0)] == [-1] * len(TASK_NAMES), "finished"
        store.close()
    assert at == calls + 1 >= 6


def test_a_half_done_rebuild_shows_in_the_tasks_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.homes.STEP", 50)
    store = fold(SENT)
    home = reopened(store, changed)
    told = home.step()
    assert told is not None
    assert told[0] == "home 0: a rebuild of 2 tasks"
    assert told[1] > 0
    unfinished = {(row[1], row[2]): row[REBUILT_TO] for row in store.scan(TASKS, 0) if row[REBUILT_TO] != -1}
    assert unfinished == {("news", "label"): told[1], ("shapes", "score"): told[1]}
    steps = 1
    while (told := home.step()) is not None:
        steps += 1
    assert steps == -(-(store.count(ANNOTATIONS, 0) + 1) // 50)


def test_another_change_in_the_middle_comes_after_it(monkeypatch: pytest.MonkeyPatch, as_configured: Document) -> None:
    monkeypatch.setattr("streams.homes.STEP", 50)
    store = fold(SENT)
    other = partial(TaskConfig, labels=("c",))
    half = reopened(store, lambda *_: other())
    half.step()
    half.step()
    reopened(store, changed).finish_work()
    assert projects(store, changed) == as_configured


@pytest.mark.parametrize(
    ("later", "first"), [("configuration", "an erasure"), ("version", "a rebuild of 6 tasks")], ids=["adopt", "version"]
)
def test_an_erasure_that_was_interrupted_and_a_rebuild(later: str, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked for before another configuration came, and takes from the statistics what our code has put there."""
    monkeypatch.setattr("streams.homes.STEP", 50)
    store = fold(SENT)
    interrupt(store, 3, after=False)
    place = len(SENT)
    with pytest.raises(Interrupted):
        take(reopened(store), [*SENT, *messages([erasure("n2", 10**6)])], place)
    if later == "version":
        monkeypatch.setattr("streams.rebuilding.fingerprint", partial(fingerprint, version=STATISTICS_VERSION + 1))
    home = reopened(store, default_task if later == "version" else changed)
    told = home.step()
    assert told is not None
    assert first in told[0]
    home.finish_work()
    home = reopened(store, changed)
    home.finish_work()
    without = [*messages([erasure("n2", 10**6)]), *SENT]
    assert projects(store, changed) == projects(fold(without, configure=changed), changed)


# -- the command --------------------------------------------------------------------------------------------------------------


def test_every_home_is_rebuilt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/kappawatch.db"
    store = open_store(url)
    fold(SENT, store=store)
    spoil(store)
    settings = load_settings(None, {"KAPPAWATCH_STORE__URL": url})
    assert rebuild(store, settings) == 1
    assert spoilt(store) == set()
    assert "home 0: a rebuild of 6 tasks, up to row" in capsys.readouterr().err
    report = Report()
    verify_statistics(report, store, 0, default_task)
    assert report.differences == []
    store.close()


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    url = f"sqlite:///{tmp_path}/kappawatch.db"
    monkeypatch.delenv("KAPPAWATCH_CONFIG", raising=False)
    monkeypatch.setenv("KAPPAWATCH_STORE__URL", url)
    store = open_store(url)
    fold(SENT, store=store)
    store.close()

    def command(*words: str) -> SimpleNamespace:
        code = cli.main(words)
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return command


def test_another_configuration_has_to_be_adopted(tmp_path: Path, run: Any, as_configured: Document) -> None:
    assert run("rebuild").code == 0
    config = tmp_path / "kappawatch.toml"
    config.write_text(
        '[projects.news.tasks.label]\nlabels = ["a", "b"]\n[projects.shapes.tasks.score]\nlabel_type = "nominal"\n',
        encoding="utf-8",
    )
    refused = run("rebuild", "--config", str(config))
    assert refused.code == 2
    assert "--adopt" in refused.err
    done = run("rebuild", "--adopt", "--config", str(config))
    assert (done.code, done.out) == (0, "rebuilt 1 homes\n")
    assert [line.split(":")[1].split(",")[0] for line in done.err.splitlines()] == [
        " a rebuild of 4 tasks",
        " a rebuild of 2 tasks",
    ], "none twice"
    store = open_store(f"sqlite:///{tmp_path}/kappawatch.db")
    assert projects(store, changed) == as_configured
    store.close()
    assert run("verify", "--no-log", "--config", str(config)).code == 0


def test_a_worker_that_writes_meanwhile_is_code_2(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from streams.store import Conflict

    def busy(*_: object) -> None:
        raise Conflict("home 0: another worker wrote version 9")

    monkeypatch.setattr("streams.store.sqlite.SqliteStore.commit", busy)
    done = run("rebuild")
    assert done.code == 2
    assert "stop it, rebuild, and start it again" in done.err
