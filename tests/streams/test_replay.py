"""`kappawatch replay`: the same monitor on files."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from streams import cli, site
from streams.document import document
from streams.errors import Refused
from streams.replay import replay
from streams.settings import load_settings
from streams.store import Store, open_store
from streams.store.tables import OUTBOX
from tests.made_campaign import campaign as large_campaign
from tests.made_events import annotation, erasure, gold, messages, retraction
from tests.streams.folding import PRIVACY, default_task, fold, projects

SETTINGS = load_settings(None, {})


def campaign() -> Sequence[bytes]:
    return large_campaign(items=50)


def written(path: Path, sent: Sequence[bytes]) -> str:
    content = b"\n".join(sent) + b"\n"
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def replayed(*files: str, store: Store | None = None) -> dict[str, Any]:
    return replay(SETTINGS, files, store or open_store("sqlite://"))


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return document(fold(campaign()), default_task, PRIVACY)


def nameless(alarms: list[dict[str, Any]]) -> list[str]:
    """The alarms without what follows from pseudonyms, which are under each store's own key."""
    return sorted(json.dumps({**alarm, "id": "", "subject": ""}, sort_keys=True) for alarm in alarms)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_a_file_gives_what_the_worker_gives(tmp_path: Path, name: str, expected: dict[str, Any]) -> None:
    found = replayed(written(tmp_path / name, campaign()))
    assert msgspec.json.encode(found["projects"]) == msgspec.json.encode(expected["projects"])
    assert found["events"] == expected["events"]
    assert [letter["reason"] for letter in found["dead_letters"]] == [
        letter["reason"] for letter in expected["dead_letters"]
    ]
    assert nameless(found["alarms"]) == nameless(expected["alarms"])


def test_two_vendors_of_a_file(tmp_path: Path) -> None:
    """Of i1 one of two pairs agrees, of i2 the one; then the edit, and the withdrawal, which leaves i2 to one vendor."""
    ours, theirs = {"vendor": "acme"}, {"vendor": "opaline"}
    events: list[Any] = [
        annotation("ann", "i1", "yes", 1, **ours),
        annotation("bob", "i1", "no", 2, **ours),
        annotation("cleo", "i1", "yes", 3, **theirs),
        annotation("ann", "i2", "no", 4, **ours),
        annotation("cleo", "i2", "no", 5, **theirs),
        annotation("ann", "i3", "no", 6, **ours),
    ]
    later = [annotation("bob", "i1", "yes", 7, revision=1, **ours), retraction("cleo-i2", 8)]
    store, found = open_store("sqlite://"), []
    for place, part in enumerate((events, later)):
        task = replayed(written(tmp_path / f"{place}.jsonl", messages(part)), store=store)["projects"]["news"]["tasks"][
            "label"
        ]
        assert task["between_cut"] == {"vendor": 0}
        (pair,) = task["between"]["vendor"]
        found.append((pair["a"], pair["b"], pair["items"], pair["agreement"]["percent"]["value"]))
    assert found == [("acme", "opaline", 2, 0.75), ("acme", "opaline", 1, 1.0)]
    assert "between.vendor" not in task["by"]


def test_several_files_are_one_log(tmp_path: Path) -> None:
    sent = campaign()
    parts = [written(tmp_path / f"{place}.jsonl", sent[place::3]) for place in range(3)]
    found = replayed(*parts)
    assert found["projects"] == projects(fold([message for place in range(3) for message in sent[place::3]]))


def test_a_dead_letter_is_named_by_file_and_line(tmp_path: Path) -> None:
    good = messages([annotation("ann", "i1", "yes")])[0]
    path = written(tmp_path / "events.jsonl", [good, b"", b"{", b"[" + good + b',{"type": "gold"}]'])
    assert [letter["where"] for letter in replayed(path)["dead_letters"]] == [f"{path}:3", f"{path}:4[1]"]


def test_a_line_that_is_too_long_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    good = messages([annotation("ann", "i1", "yes")])[0]
    found = replayed(written(tmp_path / "events.jsonl", [b'{"x": "' + b"y" * (1 << 20) + b'"}', good]))
    assert [letter["reason"] for letter in found["dead_letters"]] == ["too_large"]
    assert found["events"]["applied"] == 1


def test_the_same_file_again_changes_nothing(tmp_path: Path, expected: dict[str, Any]) -> None:
    store = open_store("sqlite://")
    path = written(tmp_path / "events.jsonl", campaign())
    first = replayed(path, store=store)
    again = replayed(path, store=store)
    assert again["projects"] == first["projects"] == expected["projects"]
    assert again["alarms"] == first["alarms"]
    assert again["events"]["applied"] == first["events"]["applied"]
    assert again["events"]["received"] == 2 * first["events"]["received"]


def test_a_later_replay_goes_on_with_the_state_of_an_earlier(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kappawatch.db"
    sent = campaign()
    for place, part in enumerate((sent[:200], sent[200:])):
        store = open_store(url)
        found = replayed(written(tmp_path / f"{place}.jsonl", part), store=store)
        store.close()
    assert found["projects"] == projects(fold(sent))


def test_an_interrupted_erasure_is_finished_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store("sqlite://")
    sent = messages([annotation(name, f"i{n}", "yes") for n in range(5) for name in ("ann", "bob")])
    replayed(written(tmp_path / "one.jsonl", sent), store=store)
    with monkeypatch.context() as broken:
        broken.setattr("streams.erasing.Erasing._forget", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            replayed(written(tmp_path / "two.jsonl", messages([erasure("bob", 9)])), store=store)
    found = replayed(written(tmp_path / "three.jsonl", messages([gold("i1", "yes")])), store=store)
    assert found["projects"]["news"]["tasks"]["label"]["by"]["annotator"].keys() == {"ann"}


def test_nothing_is_to_be_published(tmp_path: Path) -> None:
    store = open_store("sqlite://")
    found = replayed(written(tmp_path / "events.jsonl", campaign()), store=store)
    assert len(found["alarms"]) >= 2
    assert found["events"]["dead_letters"] == 5
    assert list(store.scan(OUTBOX, 0)) == []


def test_a_store_that_a_worker_feeds_is_refused(tmp_path: Path) -> None:
    store = open_store("sqlite://")
    site.check_partitions(store, {"annotations": 4})
    with pytest.raises(Refused, match="expected a store of its own for replay, found one that a worker feeds"):
        replayed(written(tmp_path / "events.jsonl", campaign()), store=store)
    assert store.homes() == []


# -- the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("KAPPAWATCH_CONFIG", raising=False)

    def command(*words: str) -> SimpleNamespace:
        code = cli.main(words)
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out, err=err.decode())

    return command


def test_json_is_one_object_on_standard_output(tmp_path: Path, run: Any, expected: dict[str, Any]) -> None:
    done = run("replay", "--format", "json", written(tmp_path / "events.jsonl", campaign()))
    assert done.code == 0, "dead letters are no failure"
    assert json.loads(done.out)["projects"] == expected["projects"]
    assert done.err == ""


def test_text_is_for_people(tmp_path: Path, run: Any) -> None:
    done = run("replay", written(tmp_path / "events.jsonl", campaign()))
    assert done.code == 0
    for word in ("news", "shapes", "Krippendorff's alpha", "invalid_json", "n1"):
        assert word in done.out.decode()


def test_the_readmes_events_are_a_file_of_events(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = readme.partition("```json\n")[2].partition("```")[0]
    found = replayed(written(tmp_path / "readme.jsonl", [block.encode()]))
    assert found["events"] == {**dict.fromkeys(found["events"], 0), "received": 2, "applied": 2}
    assert found["projects"]["birds"]["tasks"]["label"]["gold"]["correct"] == 1


def test_standard_input_is_a_file_too(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = io.BufferedReader(io.BytesIO(messages([annotation("ann", "i1", "yes")])[0] + b"\n{\n"))  # type: ignore[arg-type]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=piped))
    done = run("replay", "--format", "json", "-")
    assert done.code == 0
    assert json.loads(done.out)["events"]["received"] == 2


def test_the_state_can_be_kept(tmp_path: Path, run: Any) -> None:
    kept = str(tmp_path / "kept.db")
    for number in range(2):
        path = written(tmp_path / f"{number}.jsonl", messages([annotation("ann", f"i{number}", "yes")]))
        done = run("replay", "--format", "json", "--store", kept, path)
    assert json.loads(done.out)["projects"]["news"]["tasks"]["label"]["items"] == 2
    url = f"sqlite:///{kept}"
    done = run(
        "replay", "--format", "json", "--store", url, written(tmp_path / "2.jsonl", messages([retraction("ann-i0")]))
    )
    assert json.loads(done.out)["projects"]["news"]["tasks"]["label"]["items"] == 1


def test_tasks_are_configured_and_a_store_keeps_to_it(tmp_path: Path, run: Any) -> None:
    events = [annotation("ann", "i1", "yes"), annotation("bob", "i1", "maybe")]
    path, kept = written(tmp_path / "events.jsonl", messages(events)), str(tmp_path / "kept.db")
    config = tmp_path / "kappawatch.toml"
    config.write_text('[projects.news.tasks.label]\nlabels = ["yes", "no"]\n', encoding="utf-8")
    words = ("replay", "--format", "json", "--store", kept, path)
    done = run(*words, "--config", str(config))
    task = json.loads(done.out)["projects"]["news"]["tasks"]["label"]
    assert (task["unfit"], task["pairable_items"]) == (1, 0)
    refused = run(*words)
    assert refused.code == 2
    assert "[projects] is not the configuration" in refused.err
    assert refused.out == b""


@pytest.mark.parametrize("words", [("missing.jsonl",), ("--store", "oracle://db", "events.jsonl"), ("--format", "xml")])
def test_wrong_usage_is_code_2(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "events.jsonl", [])
    try:
        code = run("replay", *words).code
    except SystemExit as exit_:
        code = exit_.code
    assert code == 2


def test_a_store_that_cannot_be_opened_is_code_3(tmp_path: Path, run: Any) -> None:
    (tmp_path / "folder.db").mkdir()
    path = written(tmp_path / "events.jsonl", [])
    done = run("replay", "--store", str(tmp_path / "folder.db"), path)
    assert done.code == 3
    assert done.err.startswith("kappawatch: SQLite store")


def test_unknown_labels_count_as_the_configuration_says(tmp_path: Path, capsysbinary: Any) -> None:
    given = {"ann": "yes", "bob": "maybe", "cleo": "perhaps"}
    path = written(
        tmp_path / "events.jsonl",
        messages([*(annotation(name, "i1", label) for name, label in given.items()), gold("i1", "who knows")]),
    )
    config = tmp_path / "kappawatch.toml"
    found = {}
    for unknown in ("unfit", "other"):
        config.write_text(f'[projects.news.tasks.label]\nlabels = ["yes", "no"]\nunknown = "{unknown}"\n')
        assert cli.main(["replay", path, "--config", str(config), "--format", "json"]) == 0
        task = json.loads(capsysbinary.readouterr().out)["projects"]["news"]["tasks"]["label"]
        found[unknown] = task["unfit"], task["pairable_items"], task["gold"]["correct"], task["disputed"]
    assert found["unfit"] == (2, 0, 0, [])
    disputed = {"item": "i1", "labels": 3, "entropy": 0.918295834054, "counts": {"other": 2, "yes": 1}}
    assert found["other"] == (0, 1, 2, [disputed])
