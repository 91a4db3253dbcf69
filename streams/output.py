"""How commands print: a document as text or JSON on standard output, progress on a terminal's standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from streams.document import Document


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

    Console().print(render_document(document))


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
