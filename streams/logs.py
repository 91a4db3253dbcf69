"""Logs on standard error, as text or JSON lines, without payloads.

What may be logged beside the message is a closed list of fields; an event's content, a label or an annotator is not on
it. The libraries do not keep to that (Faust logs keys and values at DEBUG, exceptions quote what they choke on), so of
their records the level is limited, the arguments are let through by kind, and errors lose their messages unless those
are known to speak of the environment only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, TextIO, cast

from aiokafka.errors import KafkaError

from streams.errors import Refused, Unavailable

FIELDS: Final = (
    "topic",
    "partition",
    "offset",
    "first",
    "last",
    "home",
    "version",
    "project",
    "task",
    "kind",
    "reason",
    "count",
    "seconds",
)
"""What `extra` may name: `log.info("read again", extra={"topic": topic, "partition": 3})`."""

OURS: Final = ("streams", "detectors", "dashboards", "__main__")
CHATTY: Final = ("aiohttp", "aiokafka", "asyncio", "confluent_kafka", "faust", "mode", "psycopg")
LONGEST_MESSAGE: Final = 2000
REPEAT_AFTER: Final = 10.0
"""Seconds for which a library's message is not repeated; a broker that is away is announced ten times a second."""


def configure(level: str, style: str, stream: TextIO | None = None) -> None:
    """Log from this level on ("debug", "info", "warning", "error"), as "text" or "json", to standard error.

    Libraries are heard from WARNING on, at debug from INFO on.
    """
    ours = getattr(logging, level.upper())
    theirs = logging.INFO if ours == logging.DEBUG else max(ours, logging.WARNING)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(_Quiet(theirs))
    handler.setFormatter(JsonLines() if style == "json" else Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(ours)
    for name in CHATTY:  # the filter decides; this spares them the work
        logging.getLogger(name).setLevel(theirs)
    logging.captureWarnings(capture=True)


def describe(error: BaseException) -> str:
    """An error in a line: its kind, and its message where that cannot quote an event.

    >>> describe(KafkaError("no leader")), describe(ValueError("label of item 7 is cat"))
    ('KafkaError: no leader', 'ValueError')
    >>> describe(FileNotFoundError(2, "No such file or directory"))
    'FileNotFoundError: [Errno 2] No such file or directory'
    """
    name = type(error).__name__
    if isinstance(error, OSError | KafkaError | Refused | Unavailable):
        text = " ".join(str(error).split()).removeprefix(f"{name}: ")
        return f"{name}: {text}" if text else name
    code = error.sqlite_errorname if isinstance(error, sqlite3.Error) and hasattr(error, "sqlite_errorname") else None
    code = code or getattr(error, "sqlstate", None)  # of psycopg
    return f"{name}: {code}" if isinstance(code, str) else name


class _Quiet(logging.Filter):
    """Lets our records through, and of the libraries' those from a level on that were not just said."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if _is_ours(record):
            return True
        if record.levelno < self._level:
            return False
        now, what = time.monotonic(), (record.name, str(record.msg))
        if now - self._said.get(what, -REPEAT_AFTER) < REPEAT_AFTER:
            return False
        if len(self._said) > 1000:
            self._said.clear()
        self._said[what] = now
        return True


def _is_ours(record: logging.LogRecord) -> bool:
    # What mode says of a service ("[^--Consumer]: ...") bears the name of the module that made the service.
    return record.name.partition(".")[0] in OURS and not str(record.msg).startswith("[^")


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **dict(_fields(record)),
        }
        if record.exc_info and record.exc_info[1]:
            document["error"], *document["trace"] = _trace(record.exc_info[1])
        return json.dumps(document)


class Text(logging.Formatter):
    """Time, level, message and fields on a line; an error's frames on the lines below."""

    def format(self, record: logging.LogRecord) -> str:
        words = [_time(record), f"{record.levelname.lower():7}", _message(record)]
        words += [f"{name}={value}" for name, value in _fields(record)]
        lines = [" ".join(words)]
        if record.exc_info and record.exc_info[1]:
            lines += [f"    {part}" for part in _trace(record.exc_info[1])]
        return "\n".join(map(_printable, lines))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    for name in FIELDS:
        if name in record.__dict__:
            value = record.__dict__[name]
            yield name, value if isinstance(value, int | float) else str(value)[:256]


def _message(record: logging.LogRecord) -> str:
    let_through = _without_error if _is_ours(record) else _harmless
    arguments = record.args
    if isinstance(arguments, Mapping):
        arguments = {name: let_through(value) for name, value in arguments.items()}
    elif arguments:
        arguments = tuple(let_through(value) for value in arguments)
    text = str(record.msg)
    with contextlib.suppress(TypeError, ValueError):  # a %d of what is now a text
        text = text % arguments if arguments else text
    if record.name == "asyncio":  # what follows is the repr of a task, with the exception in it
        text = text.partition("\n")[0]
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}..."


def _without_error(value: object) -> object:
    return describe(value) if isinstance(value, BaseException) else value


def _harmless(value: object) -> object:
    """An argument of a library's message: texts, numbers and names of partitions as they are, of others the kind."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, BaseException):
        return describe(value)
    if type(value) in {list, tuple, set, frozenset}:
        parts = list(cast("Iterable[object]", value))
        return value if all(isinstance(part, str | int) or _is_of_kafka(part) for part in parts) else f"<{len(parts)}>"
    return value if _is_of_kafka(value) else f"<{type(value).__name__}>"


def _is_of_kafka(value: object) -> bool:
    """Whether a value is one of aiokafka's or Faust's names for a partition."""
    return type(value).__name__ in {"TopicPartition", "TP"}


def _trace(error: BaseException) -> list[str]:
    """The error and those it came from, then where it was raised, last call first."""
    names, cause = [describe(error)], error.__cause__ or error.__context__
    while cause is not None and len(names) < 5:
        names.append(describe(cause))
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(error.__traceback__)
    return [
        " from ".join(names),
        *(
            f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}"
            for frame in reversed(frames[-20:])
        ),
    ]


def _printable(line: str) -> str:
    """A line that cannot pretend to be two, nor move the cursor."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
