"""What a store remembers of itself: the key of its pseudonyms, its partition count, its configuration."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from streams import cli, site
from streams.errors import Refused
from streams.settings import KafkaSettings, Settings, load_settings
from streams.store import Store, open_store
from streams.worker import Worker


def settings(text: str, folder: Path) -> Settings:
    path = folder / "kappawatch.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, {})


def memory() -> Store:
    return open_store("sqlite://")


NO_KEY = '[privacy]\nkey_file = "missing"\n'
NO_PASSWORD = """
[kafka]
security_protocol = "SASL_PLAINTEXT"
sasl_username = "u"
sasl_password_file = "missing"
"""
NO_CA = '[kafka]\nsecurity_protocol = "SSL"\nssl_ca_file = "missing"\n'


@pytest.mark.parametrize(
    ("command", "text"),
    [
        *[(["worker"], text) for text in (NO_KEY, NO_PASSWORD, NO_CA)],
        (["rebuild"], NO_KEY),
        (["replay", "--store", "new.db", "events.jsonl"], NO_KEY),
    ],
)
def test_files_that_are_missing_are_refused_before_anything_is_touched(
    command: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kappawatch.toml").write_text(text, encoding="utf-8")
    Path("events.jsonl").write_text("", encoding="utf-8")
    if command == ["rebuild"]:
        Path("kappawatch.db").write_bytes(b"never opened")
    before = {path.name for path in tmp_path.iterdir()}
    assert cli.main([*command, "--config", "kappawatch.toml"]) == 2
    key = text.splitlines()[-1].partition(" ")[0]
    assert f"{key}: expected a file" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == before


# -- pseudonyms ---------------------------------------------------------------------------------------------------------


def test_a_store_makes_itself_a_key_and_keeps_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kappawatch.db"
    plain = settings("", tmp_path)
    store = open_store(url)
    name = site.privacy(store, plain).pseudonym("news", "ada")
    assert re.fullmatch(r"[0-9a-f]{64}", str(store.meta(site.PRIVACY_KEY)))
    store.close()
    again = open_store(url, read_only=True)
    assert site.privacy_to_read(again, plain).pseudonym("news", "ada") == name
    again.close()
    assert site.privacy(memory(), plain).pseudonym("news", "ada") != name, "another store, another key"


def test_a_key_that_is_there_is_never_overwritten() -> None:
    store = memory()
    assert store.settle(site.PRIVACY_KEY, "aa" * 32) == "aa" * 32
    assert store.settle(site.PRIVACY_KEY, "bb" * 32) == "aa" * 32
    assert store.meta(site.PRIVACY_KEY) == "aa" * 32


def test_a_key_file_serves_several_stores(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef\n")
    configured = settings(f'[privacy]\nkey_file = "{key}"\n', tmp_path)
    one, other = (site.privacy(store, configured) for store in (memory(), memory()))
    assert one.pseudonym("news", "ada") == other.pseudonym("news", "ada")
    store = memory()
    site.privacy(store, configured)
    assert store.meta(site.PRIVACY_KEY) is None, "the key stays in its file"


def test_a_store_that_is_only_read_must_have_its_key(tmp_path: Path) -> None:
    """Workers with a key file leave no key in the store: whoever reads it without that file cannot make another."""
    url = f"sqlite:///{tmp_path}/kappawatch.db"
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef\n")
    configured = settings(f'[store]\nurl = "{url}"\n[privacy]\nkey_file = "{key}"\n', tmp_path)
    store = open_store(url)
    name = site.privacy(store, configured).pseudonym("news", "ada")
    store.close()
    reader = open_store(url, read_only=True)
    assert site.privacy_to_read(reader, configured).pseudonym("news", "ada") == name
    plain = settings(f'[store]\nurl = "{url}"\n', tmp_path)
    with pytest.raises(Refused, match=r"privacy\.key_file: expected the key file of the workers") as refused:
        site.privacy_to_read(reader, plain)
    assert f"that fill {url}, for" in str(refused.value)
    reader.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "found none that can be read (No such file or directory)"), (b"short \n", "at least 16 bytes, found 5")],
)
def test_a_key_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_bytes(content)
    configured = settings(f'[privacy]\nkey_file = "{key}"\n', tmp_path)
    with pytest.raises(Refused) as refused:
        site.privacy(memory(), configured)
    assert message in str(refused.value)
    assert "write 32 random bytes to it once" in str(refused.value)
    assert "short" not in str(refused.value)


# -- partitions ---------------------------------------------------------------------------------------------------------


def test_the_first_count_is_remembered() -> None:
    store = memory()
    assert site.check_partitions(store, {"annotations": 12, "gold": 12}) == 12
    assert store.meta(site.PARTITIONS) == "12"
    assert site.check_partitions(store, {"annotations": 12}) == 12


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"annotations": 12, "gold": 6}, "equal partition counts, found annotations 12, gold 6"),
        ({"annotations": 24, "gold": 24}, "expected 12 partitions in every consumed topic"),
        ({"annotations": 6}, "expected 12 partitions in every consumed topic"),
    ],
)
def test_another_count_is_refused_and_nothing_is_changed(counts: dict[str, int], message: str) -> None:
    store = memory()
    site.check_partitions(store, {"annotations": 12, "gold": 12})
    with pytest.raises(Refused) as refused:
        site.check_partitions(store, counts)
    assert message in str(refused.value)
    assert store.meta(site.PARTITIONS) == "12"


def test_unequal_counts_are_not_remembered() -> None:
    store = memory()
    with pytest.raises(Refused):
        site.check_partitions(store, {"annotations": 12, "gold": 6})
    assert store.meta(site.PARTITIONS) is None


# -- configuration ------------------------------------------------------------------------------------------------------

YES_NO = '[projects.news.tasks.label]\nlabels = ["yes", "no"]\n'
MAYBE = '[projects.news.tasks.label]\nlabels = ["yes", "no", "maybe"]\n'


def test_the_configuration_is_kept_with_the_store(tmp_path: Path) -> None:
    store = memory()
    site.check_configuration(store, settings(YES_NO, tmp_path), adopt=False)
    held = store.meta(site.PROJECTS)
    assert held is not None
    assert "yes" in held
    site.check_configuration(
        store, settings('# the same\n[projects.news.tasks]\nlabel = {labels = ["yes", "no"]}', tmp_path), adopt=False
    )
    assert store.meta(site.PROJECTS) == held


@pytest.mark.parametrize("other", [MAYBE, ""])
def test_another_configuration_is_refused_unless_adopted(tmp_path: Path, other: str) -> None:
    store = memory()
    site.check_configuration(store, settings(YES_NO, tmp_path), adopt=False)
    held = store.meta(site.PROJECTS)
    with pytest.raises(Refused) as refused:
        site.check_configuration(store, settings(other, tmp_path), adopt=False)
    assert "--adopt" in str(refused.value)
    assert "nothing was changed" in str(refused.value)
    assert store.meta(site.PROJECTS) == held
    site.check_configuration(store, settings(other, tmp_path), adopt=True)
    assert store.meta(site.PROJECTS) == settings(other, tmp_path).projects_canonical() != held
    site.check_configuration(store, settings(other, tmp_path), adopt=False)


def test_other_keys_are_no_part_of_it(tmp_path: Path) -> None:
    store = memory()
    site.check_configuration(store, settings(YES_NO, tmp_path), adopt=False)
    more = f'{YES_NO}[http]\nlisten = "127.0.0.1:9999"\n'
    site.check_configuration(store, settings(more, tmp_path), adopt=False)


@pytest.mark.parametrize(("days", "seconds"), [(3, 259_200.0), (-1, math.inf)])
def test_the_store_keeps_dead_letters_as_long_as_their_topic(days: int, seconds: float) -> None:
    worker = Worker(Settings(kafka=KafkaSettings(dead_letters_retention_days=days)))
    assert worker._make_rules(open_store("sqlite://")).letters_kept_seconds == seconds
