"""docs/demo.svg: what the program shows now, and nothing that is fetched from elsewhere."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.pictures import PICTURE, ROOT, drawn, replayed

NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return replayed(tmp_path_factory.mktemp("campaign"))


def lines() -> list[str]:
    """The picture's lines as they are read: its texts by height, then from left to right."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for text in ET.parse(PICTURE).iter(f"{{{NAMESPACE}}}text"):  # noqa: S314 - our own file
        rows.setdefault(float(text.get("y", 0)), []).append((float(text.get("x", 0)), text.text or ""))
    return [" ".join("".join(text for _, text in sorted(row)).split()) for _, row in sorted(rows.items())]


def test_the_committed_picture_is_current(document: Any):
    assert PICTURE.read_text(encoding="utf-8") == drawn(document), "run `python3 -m tests.pictures`, and look at it"


def test_an_alarm_names_the_annotator_who_went_bad(document: Any):
    [alarm] = [alarm for alarm in document["alarms"] if alarm["kind"] == "gold_errors"]
    shown = lines()
    assert f"warning {alarm['subject']} gold_errors street-scenes/weather since 08:00:15 UTC" in shown


def test_no_figure_is_cut_at_the_edge(document: Any):
    shown = lines()
    for project, held in document["projects"].items():
        for task, figures in held["tasks"].items():
            [line] = [line for line in shown if line.startswith(f"{project} / {task} {figures['annotations']:,} ")]
            assert line.endswith(f" {figures['gold']['accuracy']['n']:,}")


def test_the_picture_is_whole_in_itself_and_small():
    text = PICTURE.read_text(encoding="utf-8")
    assert re.findall(r"\w+:?//[^\s\"<>]*", text) == [NAMESPACE]
    assert re.findall(r"@import|@font-face|<script|<image|href|src\b", text) == []
    assert set(re.findall(r"url\((.)", text)) == {"#"}
    assert not re.search(r"/(work|tmp|home|root|usr)\b", text)
    assert PICTURE.stat().st_size < 150_000


def test_the_readme_shows_it_with_words_for_those_who_cannot_see_it():
    [alternative] = re.findall(r"!\[(.+)\]\(docs/demo\.svg\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert "alarm" in alternative
