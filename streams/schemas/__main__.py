"""Write the committed JSON Schemas, one file each, from the structs: `python -m streams.schemas`.

A message that other programs read or write has a line in `SCHEMAS`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streams import events

FOLDER = Path(__file__).parent
SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "event.json": events.json_schema,
}


def text(name: str) -> str:
    """What the file of this name holds."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write every schema to its file."""
    for name in SCHEMAS:
        (FOLDER / name).write_text(text(name), encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
