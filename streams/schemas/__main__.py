"""Write the committed JSON Schemas, one file each, from the structs: `python -m streams.schemas`.

A message that other programs read or write has a line in `SCHEMAS`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streams import alerts, events

FOLDER = Path(__file__).parent
SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "alert.json": alerts.json_schema,
    "event.json": events.json_schema,
}


def text(name: str) -> str:
    """What the file of this name holds."""
    return json.dumps(_tidy(SCHEMAS[name]()), indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:
    """The same schema with docstrings dedented, as Python itself does from 3.13 on."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if isinstance(node, dict):
        return {name: _tidy(part) for name, part in node.items()}
    return inspect.cleandoc(node) if isinstance(node, str) else node


def main() -> int:
    """Write every schema to its file."""
    for name in SCHEMAS:
        (FOLDER / name).write_text(text(name), encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
