"""`python3 -m tests.pictures`: draw docs/demo.svg anew, what the demo shows of its campaign.

The campaign is written and replayed by the commands themselves; a test compares the committed picture with a new one.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from streams.view import events_line, render_overview

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "demo.svg"
EVENTS = 9000
"""Half a minute of the demo, half of it after an annotator went bad."""
COLUMNS = 100
LINES = 40

# Rich's own frame loads its font from another host; here each text is as wide as its cells, whatever the font.
FRAME = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font: {char_height}px/{line_height}px "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def replayed(folder: Path) -> Any:
    """The document of the demo's campaign."""
    campaign = str(folder / "campaign.jsonl")
    _kappawatch("simulate", "--seed", "1", "--events", str(EVENTS), "--output", campaign)
    return json.loads(_kappawatch("replay", campaign, "--format", "json"))


def drawn(document: Any) -> str:
    """The demo's view of a document, as SVG without a remote font."""
    console = Console(
        file=io.StringIO(), record=True, width=COLUMNS, height=LINES, force_terminal=True, color_system="truecolor"
    )
    console.print(events_line(document["events"]), Text(), render_overview(document), sep="\n")
    picture = console.export_svg(title="kappawatch demo", code_format=FRAME, unique_id="demo")
    return re.sub(r"<text [^>]*>\n</text>", "", picture).replace("</text><", "</text>\n<")


def _kappawatch(*arguments: str) -> bytes:
    command = [sys.executable, "-m", "streams.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=120, check=True).stdout


def main() -> None:
    """Draw the picture and print its path."""
    with tempfile.TemporaryDirectory(prefix="kappawatch-pictures-") as folder:
        PICTURE.write_text(drawn(replayed(Path(folder))), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
