"""docs/configuration.md lists every key with its environment variable and its default, and none that there is not."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from detectors.config import TaskConfig
from streams.parsing import LONGEST_KEPT
from streams.settings import SECTIONS, read_settings, variables

pytestmark = pytest.mark.docs

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (?:`(\w+)` \| )?(.+?) \| .{20,} \|$")


def rows(section: str) -> list[tuple[str, str | None, str]]:
    text = PAGE.split(f"### [{section}]\n")[1].split("\n#")[0]
    return [match.groups() for line in text.splitlines() if (match := ROW.match(line))]


def test_every_key_is_listed_in_order_with_its_variable_and_default():
    listed = {section: rows(section) for section in SECTIONS}
    assert {section: [row[0] for row in found] for section, found in listed.items()} == {
        section: [key.name for key in fields(kind)] for section, kind in SECTIONS.items()
    }
    assert [row[1] for found in listed.values() for row in found] == list(variables())
    for section, kind in SECTIONS.items():
        for key, (name, _, default) in zip(fields(kind), listed[section], strict=True):
            if key.default is None:
                assert default == "none", name
            else:
                value = tomllib.loads(f"value = {default.strip('`')}")["value"]
                assert (tuple(value) if isinstance(value, list) else value) == key.default, name


def test_every_key_of_a_task_is_listed():
    listed = rows("projects.NAME.tasks.TASK")
    assert [row[0] for row in listed] == [key.name for key in fields(TaskConfig)]
    defaults = {row[0]: row[2].strip("`") for row in listed}
    assert tomllib.loads(f"value = {defaults['detectors']}")["value"] == list(TaskConfig().detectors)
    assert tomllib.loads(f"value = {defaults['lateness_minutes']}")["value"] == TaskConfig().lateness_minutes
    assert tomllib.loads(f"value = {defaults['hourly_days']}")["value"] == TaskConfig().hourly_days


def test_the_examples_are_configurations():
    examples = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        read_settings(tomllib.loads(example), {})


def test_the_size_that_a_dead_letter_keeps_is_the_one_of_the_code():
    assert f"more than {LONGEST_KEPT >> 10} KiB" in PAGE
