"""How a value of the configuration is read: what it must be, in words, and what to do where it is something else.

A `Kind` is given to each key where it is declared (`streams.settings`, `streams.projects`).
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from streams.errors import Refused
from streams.events import EVENT_TYPES

T = TypeVar("T")
NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


class Wrong(Exception):
    """A value that its key does not take; the message is the remedy."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """How a key is read: what it takes, in words, and the function that reads it or raises `Wrong`.

    In the environment a `text` kind is the value itself, another one JSON. A `secret` one is never shown.
    """

    expected: str
    read: Callable[[Any], T]
    text: bool = False
    secret: bool = False


def read(value: object, kind: Kind[T], where: str) -> T:
    """A value as its kind reads it; `Refused` if it is none, with `where` it was written."""
    try:
        return kind.read(value)
    except Wrong as wrong:
        hidden = kind.secret or (isinstance(value, str) and "@" in value)
        found = "another value (not shown: it may be secret)" if hidden else shown(value)
        raise Refused(f"{where}: expected {kind.expected}, found {found}; {wrong}") from None


def read_text(text: str, kind: Kind[T], where: str) -> T:
    """The same of the text of an environment variable."""
    if kind.text:
        return read(text, kind, where)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(f"{where}: expected {kind.expected}, as JSON, found {shown(text)}; write it as JSON") from None
    return read(value, kind, where)


def shown(value: object) -> str:
    """A value that was found, for a message.

    >>> shown(["yes", 1])
    '["yes", 1]'
    """
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def nearest(value: object, names: Iterable[str]) -> str | None:
    """The remedy for a name that is nearly one of these.

    >>> nearest("aler", ["alerts", "gold"]), nearest("x", ["gold"])
    ('did you mean alerts?', None)
    """
    close = difflib.get_close_matches(value, list(names), n=1) if isinstance(value, str) else []
    return f"did you mean {close[0]}?" if close else None


def refuse_unknown(
    table: Mapping[str, object],
    known: Iterable[str],
    origin: str,
    section: str,
    elsewhere: Mapping[str, str] = NOWHERE,
) -> None:
    """Refuse a table with a name that is none of the known ones; `elsewhere` tells in which section names belong."""
    names = tuple(known)
    prefix = f"{section}." if section else ""
    for name in table:
        if name in names:
            continue
        remedy = nearest(name, names)
        if remedy is None and name in elsewhere:
            remedy = f"it belongs under [{elsewhere[name]}]"
        raise Refused(
            f"{origin}: {prefix}{name}: expected one of {', '.join(names)}, found an unknown name; "
            f"{remedy or 'take it out'}"
        )


# ------------------------------------------------------------------------------------------------------------- kinds


NOT_PRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _words(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or NOT_PRINTABLE.search(value):
        raise Wrong("write it in quotes, on one line")
    return value


def _optional(value: object) -> str | None:
    return None if value == "" else _words(value)


def one_of(*names: str) -> Kind[str]:
    """One of these names, in upper or lower case."""

    def read(value: object) -> str:
        for name in names:
            if isinstance(value, str) and value.casefold() == name.casefold():
                return name
        raise Wrong(nearest(value, names) or "write one of them")

    return Kind(f"one of {', '.join(names)}", read, text=True)


_OUT_OF_BOUNDS = "choose one within these bounds"


def whole(low: int, high: int, *, or_else: int | None = None) -> Kind[int]:
    """A whole number within these bounds, or one other."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong("write a whole number without quotes")
        if not low <= value <= high and value != or_else:
            raise Wrong(_OUT_OF_BOUNDS)
        return value

    other = "" if or_else is None else f", or {or_else}"
    return Kind(f"a whole number from {low} to {high}{other}", read)


def number(low: float, high: float) -> Kind[float]:
    """A number within these bounds."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong("write a number without quotes")
        if not low <= value <= high:
            raise Wrong(_OUT_OF_BOUNDS)
        return float(value)

    return Kind(f"a number from {low:g} to {high:g}", read)


_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def _topic(value: object) -> str:
    if not isinstance(value, str) or not _TOPIC.fullmatch(value) or value in {".", ".."}:
        raise Wrong("Kafka takes letters, digits, '.', '_' and '-', at most 249 of them")
    return value


def _topics(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise Wrong(f"write a list: [{json.dumps(value)}]")
    if not isinstance(value, list) or not value:
        raise Wrong('write a list of one or more names, such as ["annotations", "gold"]')
    return tuple(_topic(name) for name in value)


def _accept(value: object) -> Mapping[str, frozenset[str]] | None:
    if not isinstance(value, dict):
        raise Wrong('write a table [kafka.accept] with lines such as annotations = ["annotation", "review"]')
    return {_topic(topic): _event_types(types) for topic, types in value.items()}


def _event_types(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not value:
        raise Wrong(f"name at least one event type in a list; a topic without a line has its default ({_TYPES})")
    for name in value:
        if name not in EVENT_TYPES:
            raise Wrong(nearest(name, EVENT_TYPES) or f"the event types are {_TYPES}")
    return frozenset(value)


_TYPES = ", ".join(EVENT_TYPES)


def _servers(value: object) -> str:
    """`host:port` pairs, comma-separated, each with its port."""
    text = _words(value)
    if "@" in text:
        raise Wrong(
            "a user name or password does not belong here: set kafka.sasl_username and kafka.sasl_password_file, "
            "and change a password that was written into a file others can read"
        )
    if "://" in text:
        raise Wrong("leave out the scheme: kafka.security_protocol says whether TLS and SASL are used")
    servers = []
    for part in text.split(","):
        host, port = host_and_port(part.strip(), default_port=9092)
        servers.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return ",".join(servers)


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")


def host_and_port(text: str, default_port: int | None = None) -> tuple[str, int]:
    """The parts of an address.

    >>> host_and_port("[::1]:0"), host_and_port("broker", 9092)
    (('::1', 0), ('broker', 9092))
    """
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?", text)
    plain = re.fullmatch(r"([^:\[\]]+)(?::(\d{1,5}))?", text)
    found = bracketed or plain
    if found is None:
        raise Wrong("write host:port; an IPv6 address stands in brackets: [::1]:9092")
    host, port = found[1], int(found[2]) if found[2] else default_port
    if bracketed:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise Wrong("the address in brackets is not an IPv6 address") from None
    elif not _HOST.fullmatch(host):
        raise Wrong("the host is a name or an address: letters, digits, '.' and '-'")
    if port is None:
        raise Wrong("name the port too, such as 127.0.0.1:8080; port 0 takes a free one")
    if port > 65535:
        raise Wrong("a port is at most 65535")
    return host, port


def _listen(value: object) -> str:
    text = _words(value)
    host_and_port(text)
    return text


def _store_url(value: object) -> str:
    text = _words(value)
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and separator:
        if not rest.startswith("/") or rest in {"/", "//", "/:memory:"}:
            raise Wrong(
                "name a file: sqlite:///kappawatch.db is in the working directory, sqlite:////var/lib/kappawatch.db "
                "is an absolute path; the state has to outlive the worker"
            )
        if "?" in rest or "#" in rest:
            raise Wrong("a SQLite address is only a path: leave out '?' and '#' and what follows")
        return text
    if scheme in {"postgresql", "postgres"} and separator:
        try:
            urlsplit(text).port  # noqa: B018 - reading it is the check
        except ValueError:
            raise Wrong("the port is not a number, or the password has characters to be percent-encoded") from None
        return text
    raise Wrong("the stores are SQLite (one machine) and PostgreSQL (several)")


TEXT = Kind("a text", _words, text=True)
OPTIONAL = Kind("a text", _optional, text=True)
FILE = Kind("the path of a file", _optional, text=True)
SECRET_FILE = Kind("the path of a file that holds the secret", _optional, text=True, secret=True)
TOPIC_NAME = Kind("the name of a topic", _topic, text=True)
DAYS = whole(1, 36_500, or_else=-1)
SERVERS = Kind("host:port, or several with commas", _servers, text=True)
TOPIC_NAMES = Kind("a list of names of topics", _topics)
EVENT_TYPES_BY_TOPIC = Kind("event types by topic", _accept)
ADDRESS = Kind("host:port", _listen, text=True)
STORE_URL = Kind("sqlite:///FILE or postgresql://...", _store_url, text=True, secret=True)
