"""The command `kappawatch`: one module a command, and what its exit codes mean."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final

from streams.errors import Refused, Unavailable
from streams.garbage import collect_rarely

COMMANDS: Final = {
    "demo": ("streams.demo", "watch a simulated campaign live; needs nothing else"),
    "worker": ("streams.worker", "take in events from Kafka"),
    "topics": ("streams.topics", "create the topics"),
    "publish": ("streams.publish", "send events from files, or refused ones again"),
    "replay": ("streams.replay", "the same monitor on files, without a broker"),
    "show": ("streams.show", "print what the store says"),
    "verify": ("streams.verify", "recompute everything and compare with the live state"),
    "rebuild": ("streams.rebuild", "compute the statistics anew from the stored annotations"),
    "simulate": ("streams.simulator", "write a simulated campaign as JSON lines"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 fine, 1 verify found a difference, 2 refused, 3 the environment failed."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="kappawatch", description="Live quality monitor for data annotation.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        # Only the command that is run is imported: Kafka's clients alone take half a second.
        if words[:1] == [name]:
            importlib.import_module(module).add_arguments(command)
        command.set_defaults(module=module)
    args = parser.parse_args(words)
    collect_rarely()
    try:
        return int(importlib.import_module(args.module).run(args))
    except Refused as error:
        print(f"kappawatch: {error}", file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"kappawatch: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
