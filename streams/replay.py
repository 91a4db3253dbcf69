"""`kappawatch replay`: the same monitor on files of JSON lines, without a broker."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from rich.progress import Progress

from streams import site
from streams.disputed import MOST_DISPUTED, add_disputed_argument
from streams.document import NOT_OVER_TIME, Document, document
from streams.errors import Refused, Unavailable
from streams.homes import Home, Rules
from streams.lines import Lines, check_readable
from streams.output import add_format_argument, progress_bar, write_document
from streams.parsing import Parser
from streams.settings import Settings, add_config_argument, load_settings
from streams.store import Store, StoreFailed, open_store
from streams.windowing import OverTime, add_window_arguments, over_time

CHUNK: Final = 1000
IN_MEMORY: Final = "sqlite://"
REPLAY_KEY: Final = b"kappawatch replay, nothing secret".hex()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file as a record of a log: its offset is its number, from 1."""

    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def replay(
    settings: Settings,
    files: Sequence[str],
    store: Store,
    progress: Progress | None = None,
    over_time: OverTime = NOT_OVER_TIME,
    most_disputed: int = MOST_DISPUTED,
) -> Document:
    """Fold the files' events into the store, in order, and answer its document.

    A file that was replayed into this store before is read again: its events are duplicates then.
    """
    if store.meta(site.PARTITIONS) is not None:
        raise Refused(
            "expected a store of its own for replay, found one that a worker feeds: name another file with --store"
        )
    check_readable(files)
    site.check_configuration(store, settings, adopt=False)
    privacy = site.privacy(store, settings)
    parser = Parser()
    rules = Rules(
        configure=settings.task_config,
        privacy=privacy,
        home_of=lambda _: 0,
        parsers=dict.fromkeys(files, parser),
        alerts_topic=settings.kafka.alerts_topic,
        dead_letters_topic=settings.kafka.dead_letters_topic,
        capacity=settings.memory.items,
        publishes=False,
    )
    home = Home(0, store, rules)
    home.finish_work()
    for name in files:
        home.positions.pop(name, None)
        with Lines(name) as lines:
            task = None if progress is None else progress.add_task(lines.name, total=lines.size)
            for chunk in _chunks(lines):
                for _ in home.process(name, chunk):
                    pass
                if progress is not None and task is not None:
                    progress.update(task, completed=lines.position)
    return document(
        store, settings.task_config, privacy, where=_where, over_time=over_time, most_disputed=most_disputed
    )


def _where(file: str, _: int, line: int, element: int) -> str:
    return f"{file}:{line}" + (f"[{element}]" if element else "")


def _chunks(lines: Lines) -> Iterator[list[Line]]:
    numbered = (Line(number, line) for number, line in lines)
    while chunk := list(islice(numbered, CHUNK)):
        yield chunk


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kappawatch replay`."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="JSON lines, plain or .gz; - reads standard input")
    parser.add_argument("--store", metavar="URL", default=IN_MEMORY, help="keep the state there (default: memory)")
    add_config_argument(parser)
    add_window_arguments(parser)
    add_disputed_argument(parser)
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run `kappawatch replay`."""
    wanted = over_time(args)
    settings = load_settings(args.config, os.environ)
    site.check_key(settings)
    check_readable(args.files)
    url = args.store if "://" in args.store else f"sqlite:///{args.store}"
    try:
        store = open_store(url)
        if url == IN_MEMORY:
            # Nothing of this store outlives the command, and equal files give equal alarms.
            site.remember(store, site.PRIVACY_KEY, REPLAY_KEY)
        with progress_bar() as progress:
            found = replay(settings, args.files, store, progress, wanted, args.disputed)
        store.close()
    except StoreFailed as error:
        raise Unavailable(str(error)) from None
    write_document(found, args.format)
    return 0
