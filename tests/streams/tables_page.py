"""docs/tables.md as data: the tables it lists, and its examples by the database they are for."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")

_SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)
_COLUMN = re.compile(r"^\| (\*\*)?(\w+)(?:\*\*)? \| (integer|real|text|bytes) \| .*\|$", re.MULTILINE)
_NAMES = re.compile(r"^\| ([a-z_, ]+) \| .*\|$", re.MULTILINE)


def tables() -> dict[str, list[tuple[str, str, bool]]]:
    """Of each table the columns in order: name, type, and whether it is of the key."""
    found = {name: [(c[1], c[2], bool(c[0])) for c in _COLUMN.findall(text)] for name, text in _SECTION.findall(PAGE)}
    return {name: columns for name, columns in found.items() if columns}


def views() -> dict[str, list[str]]:
    """Of each view the columns in order."""
    text = PAGE.split("\n## Views\n")[1].split("\n## ")[0]
    rows = {name: _NAMES.findall(part) for name, part in _SECTION.findall(text)}
    return {name: [c for row in found if row != "column" for c in row.split(", ")] for name, found in rows.items()}


def examples(language: str) -> list[str]:
    """The statements in this language: sql is for both databases."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return [statement.strip() for block in blocks for statement in block.split(";") if statement.strip()]
