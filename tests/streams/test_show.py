"""`kappawatch show` prints what a store says; for the same events that is what `replay` prints."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from shutil import copyfile
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from streams import cli, site
from streams.errors import Refused, Unavailable
from streams.homes import Home
from streams.replay import replay
from streams.settings import Settings, load_settings
from streams.show import load_document
from streams.store import open_store
from tests.made_campaign import campaign
from tests.streams.folding import TOPIC, Record, fold, rules


def settings(url: str) -> Settings:
    return load_settings(None, {"KAPPAWATCH_STORE__URL": url})


SENT = campaign(items=50)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A store in which a replay was kept, and the replay's document."""
    folder = tmp_path_factory.mktemp("replayed")
    (folder / "events.jsonl").write_bytes(b"\n".join(SENT))
    store = open_store(f"sqlite:///{folder}/kappawatch.db")
    found = replay(settings("sqlite:///unused.db"), [str(folder / "events.jsonl")], store)
    store.close()
    return folder / "kappawatch.db", found


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/kappawatch.db"


@pytest.fixture
def replayed(kept: tuple[Path, dict[str, Any]], tmp_path: Path) -> dict[str, Any]:
    """The document of a replay that was kept in the store."""
    copyfile(kept[0], tmp_path / "kappawatch.db")
    return kept[1]


def test_show_after_replay_is_the_same_document(url: str, replayed: dict[str, Any]) -> None:
    shown = load_document(settings(url))
    letters = [{**letter, "where": ""} for letter in replayed["dead_letters"]]
    assert [{**letter, "where": ""} for letter in shown["dead_letters"]] == letters, "a store knows topics, not files"
    for part in ("events", "projects", "alarms"):
        assert msgspec.json.encode(shown[part]) == msgspec.json.encode(replayed[part]), part


@pytest.mark.parametrize(("chunk", "restarts"), [(60, True), (1000, False)])
def test_show_after_a_worker_is_the_replay_of_the_same_events(
    tmp_path: Path, replayed: dict[str, Any], chunk: int, restarts: bool
) -> None:
    """To the last digit, from a file, however the worker's chunks fell."""
    other = f"sqlite:///{tmp_path}/worker.db"
    store = open_store(other)
    site.privacy(store, settings(other))
    fold(SENT, store=store, chunk=chunk, capacity=chunk, restarts=restarts)
    store.close()
    shown = load_document(settings(other))
    assert msgspec.json.encode(shown["projects"]) == msgspec.json.encode(replayed["projects"])
    assert shown["events"] == replayed["events"]
    assert len(shown["alarms"]) == len(replayed["alarms"])


def test_showing_writes_nothing(tmp_path: Path, url: str, replayed: dict[str, Any]) -> None:
    path = tmp_path / "kappawatch.db"
    before = path.read_bytes()
    path.chmod(0o444)
    load_document(settings(url))
    assert path.read_bytes() == before
    assert replayed["projects"]


def test_a_store_can_be_shown_while_a_worker_writes_to_it(url: str, replayed: dict[str, Any]) -> None:
    """What is read is one committed state, or the next."""
    store = open_store(url)
    home = Home(0, store, rules())
    done = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            sent = campaign(seed=2, items=30)
            for first in range(0, len(sent), 20):
                records = [Record(first + place, value) for place, value in enumerate(sent[first : first + 20])]
                for _ in home.process(TOPIC, records):
                    pass
        except BaseException as error:  # noqa: BLE001 - it is raised below, in the test's own thread
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    shown = 0
    while not done.is_set() or not shown:
        events = load_document(settings(url))["events"]
        assert events["received"] == sum(count for name, count in events.items() if name != "received")
        shown += 1
    thread.join()
    store.close()
    assert failures == []
    assert load_document(settings(url))["events"]["received"] > replayed["events"]["received"]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        load_document(settings(f"sqlite:///{tmp_path}/missing.db"))
    assert list(tmp_path.iterdir()) == []


# -- the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(url: str, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("KAPPAWATCH_CONFIG", raising=False)
    monkeypatch.setenv("KAPPAWATCH_STORE__URL", url)

    def command(*words: str) -> SimpleNamespace:
        code = cli.main(("show", *words))
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out, err=err.decode())

    return command


def test_json_and_text(run: Any, replayed: dict[str, Any]) -> None:
    done = run("--format", "json")
    assert done.code == 0
    assert json.loads(done.out)["projects"] == replayed["projects"]
    text = run()
    assert text.code == 0
    assert "shapes" in text.out.decode()


def test_one_project(run: Any, replayed: dict[str, Any]) -> None:
    found = json.loads(run("shapes", "--format", "json").out)
    assert found["projects"] == {"shapes": replayed["projects"]["shapes"]}


def test_a_project_that_is_not_there_is_code_2(run: Any, replayed: dict[str, Any]) -> None:
    done = run("shape")
    assert (done.code, done.out) == (2, b"")
    assert "found none named shape" in done.err
    assert replayed["projects"]


def test_no_store_is_code_3(run: Any) -> None:
    done = run()
    assert (done.code, done.out) == (3, b"")
    assert "no such file" in done.err


def test_an_unknown_kind_of_store_is_refused() -> None:
    with pytest.raises(Refused, match="KAPPAWATCH_STORE__URL"):
        settings("oracle://db")


def test_it_follows_the_stores_configuration(url: str, replayed: dict[str, Any], tmp_path: Path) -> None:
    """What is stored was counted under it; whoever shows the store need not know it."""
    config = tmp_path / "other.toml"
    text = f'[store]\nurl = "{url}"\n[projects."*".tasks."*"]\nlabel_type = "interval"\nlabels = [1, 2]\n'
    config.write_text(text, encoding="utf-8")
    assert load_document(load_settings(config, {}))["projects"] == replayed["projects"]
