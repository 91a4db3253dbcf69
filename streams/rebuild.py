"""`kappawatch rebuild`: compute the statistics anew from the stored annotations, whether they are outdated or not."""

from __future__ import annotations

import argparse
import os
import sys

from streams import site
from streams.errors import Refused, Unavailable
from streams.homes import Home, Rules
from streams.settings import Settings, add_config_argument, load_settings
from streams.store import Conflict, Store, StoreFailed, open_store


def rebuild(store: Store, settings: Settings) -> int:
    """Rebuild every task of every home; answers how many homes there are."""
    rules = Rules(
        configure=settings.task_config,
        privacy=site.privacy(store, settings),
        home_of=lambda _: 0,
        parsers={},
        alerts_topic=settings.kafka.alerts_topic,
        dead_letters_topic=settings.kafka.dead_letters_topic,
        capacity=settings.memory.items,
    )
    homes = store.homes()
    for number in homes:
        home = Home(number, store, rules)
        home.rebuild_all(lambda what, row: print(f"{what}, up to row {row}", file=sys.stderr))
        store.close_home(number)
    return len(homes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `kappawatch rebuild`."""
    add_config_argument(parser)
    parser.add_argument("--adopt", action="store_true", help="take over this [projects] configuration")


def run(args: argparse.Namespace) -> int:
    """Run `kappawatch rebuild`."""
    settings = load_settings(args.config, os.environ)
    site.check_key(settings)
    if settings.store.kind == "sqlite" and not settings.store.path.exists():
        raise Refused(f"{settings.store.shown}: expected a store, found none: there is nothing to rebuild")
    try:
        store = open_store(settings.store.url)
        site.check_configuration(store, settings, adopt=args.adopt)
        count = rebuild(store, settings)
        store.close()
    except StoreFailed as error:
        raise Unavailable(str(error)) from None
    except Conflict as error:
        raise Refused(f"{error}: a worker is taking in events; stop it, rebuild, and start it again") from None
    print(f"rebuilt {count} homes")
    return 0
