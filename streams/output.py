"""How commands print: a document as text or JSON on standard output, progress on a terminal's standard error."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from streams.document import Document

PIPE_WIDTH: Final = 100
"""Columns where there is no terminal to ask: enough for every interval."""


def add_format_argument(parser: argparse.ArgumentParser) -> None:
    """The option --format."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")


def write_document(document: Document, style: str) -> None:
    """Print a document on standard output."""
    if style == "json":
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        sys.stdout.buffer.flush()
        return
    from streams.view import render_document

    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        console.print(render_document(document))
        return
    if "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    with console.capture() as captured:
        console.print(render_document(document))
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().split("\n")[:-1])


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A progress bar on a terminal's standard error; elsewhere none."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress
