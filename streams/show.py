"""`kappawatch show`: print what the store says."""

from __future__ import annotations

import argparse
import os

from streams import site
from streams.disputed import MOST_DISPUTED, add_disputed_argument
from streams.document import NOT_OVER_TIME, Document, document
from streams.errors import Refused, Unavailable
from streams.output import add_format_argument, write_document
from streams.rebuilding import following
from streams.settings import Settings, add_config_argument, load_settings
from streams.store import StoreFailed, open_store
from streams.windowing import OverTime, add_window_arguments, over_time


def load_document(
    settings: Settings,
    project: str | None = None,
    over_time: OverTime = NOT_OVER_TIME,
    most_disputed: int = MOST_DISPUTED,
) -> Document:
    """The document of the configured store, under the configuration that the store follows."""
    try:
        store = open_store(settings.store.url, read_only=True)
        try:
            configure = following(store, settings.task_config)
            return document(
                store,
                configure,
                site.privacy_to_read(store, settings),
                project=project,
                over_time=over_time,
                most_disputed=most_disputed,
            )
        finally:
            store.close()
    except StoreFailed as error:
        raise Unavailable(str(error)) from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kappawatch show`."""
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="only this project")
    add_config_argument(parser)
    add_window_arguments(parser)
    add_disputed_argument(parser)
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run `kappawatch show`."""
    found = load_document(load_settings(args.config, os.environ), args.project, over_time(args), args.disputed)
    if args.project is not None and args.project not in found["projects"]:
        raise Refused(f"expected a project of the store, found none named {args.project}; `kappawatch show` lists them")
    write_document(found, args.format)
    return 0
