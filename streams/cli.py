"""The command `kappawatch`: one module a command, and what its exit codes mean."""

from __future__ import annotations

import difflib
import errno
import importlib
import sys
from collections.abc import Sequence
from typing import Final

from streams.arguments import ArgumentParser
from streams.errors import Refused, Unavailable
from streams.garbage import collect_rarely
from streams.standard import let_go, make_writable, reader_is_gone
from streams.version import installed_version

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
    make_writable()
    try:
        code = _run(words)
        sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE and reader_is_gone():
            code = 0
        elif error.errno == errno.ENOSPC:
            where = error.filename or "standard output"
            print(f"kappawatch: {where}: expected room to write, found a full disk; make room", file=sys.stderr)
            code = 3
        else:
            raise
        let_go()
    return code


def _run(words: Sequence[str]) -> int:
    parser = ArgumentParser(prog="kappawatch", description="Live quality monitor for data annotation.")
    parser.add_argument("--version", action="version", version=f"kappawatch {installed_version()}")
    if not words or (not words[0].startswith("-") and words[0] not in COMMANDS):
        alike = difflib.get_close_matches("".join(words[:1]), COMMANDS, 1)
        found = repr(words[0]) if words else "none"
        meant = f" (did you mean {alike[0]}?)" if alike else ""
        parser.error(f"expected a command ({', '.join(COMMANDS)}), found {found}{meant}")
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
