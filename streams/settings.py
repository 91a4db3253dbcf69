"""Configuration: kappawatch.toml and the environment, read into frozen values.

A key is a field of one of the sections below: its default, and the `_Kind` that reads it. `docs/configuration.md` lists
them all. Whatever is wrong is `Refused` with the place, what was expected, what was found and what to do; a found value
that may be a secret is never shown.
"""

from __future__ import annotations

import argparse
import difflib
import ipaddress
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from detectors.agreement.scale import WEIGHTS
from detectors.config import OTHER, UNFIT, TaskConfig
from detectors.labels import LABEL_TYPES, declared_key
from detectors.labels.base import OpenType
from detectors.signals import SIGNALS
from streams.errors import Refused
from streams.events import EVENT_TYPES, LONGEST_ID, LONGEST_LABEL

CONFIG_VARIABLE: Final = "KAPPAWATCH_CONFIG"
ANYTHING: Final = "*"
"""As a project's or a task's name in the configuration: all that have no table of their own."""

GOLD_EVENTS: Final = frozenset({"gold", "context", "erasure"})
ANNOTATION_EVENTS: Final = frozenset({"annotation", "retraction", "review", "context"})

T = TypeVar("T")


class _Wrong(Exception):
    """A value that its key does not take; the message is the remedy."""


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """How a key is read: what it takes, in words, and the function that reads it or raises `_Wrong`.

    In the environment a `text` kind is the value itself, another one JSON. A `secret` one is never shown.
    """

    expected: str
    read: Callable[[Any], T]
    text: bool = False
    secret: bool = False


def _key(default: T, kind: _Kind[T], *, hidden: bool = False) -> T:
    return field(default=default, metadata={"kind": kind}, repr=not hidden)


# ------------------------------------------------------------------------------------------------------------- kinds


_NOT_PRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _words(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or _NOT_PRINTABLE.search(value):
        raise _Wrong("write it in quotes, on one line")
    return value


def _optional(value: object) -> str | None:
    return None if value == "" else _words(value)


def _one_of(*names: str) -> _Kind[str]:
    def read(value: object) -> str:
        for name in names:
            if isinstance(value, str) and value.casefold() == name.casefold():
                return name
        raise _Wrong(_nearest(value, names) or "write one of them")

    return _Kind(f"one of {', '.join(names)}", read, text=True)


def _whole(low: int, high: int, *, or_else: int | None = None) -> _Kind[int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or (not low <= value <= high and value != or_else):
            raise _Wrong("write a whole number without quotes")
        return value

    other = "" if or_else is None else f", or {or_else}"
    return _Kind(f"a whole number from {low} to {high}{other}", read)


def _number(low: float, high: float) -> _Kind[float]:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _Wrong("write a number without quotes")
        return float(value)

    return _Kind(f"a number from {low:g} to {high:g}", read)


_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def _topic(value: object) -> str:
    if not isinstance(value, str) or not _TOPIC.fullmatch(value) or value in {".", ".."}:
        raise _Wrong("Kafka takes letters, digits, '.', '_' and '-', at most 249 of them")
    return value


def _topics(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise _Wrong(f"write a list: [{json.dumps(value)}]")
    if not isinstance(value, list) or not value:
        raise _Wrong('write a list of one or more names, such as ["annotations", "gold"]')
    return tuple(_topic(name) for name in value)


def _accept(value: object) -> Mapping[str, frozenset[str]] | None:
    if not isinstance(value, dict):
        raise _Wrong('write a table [kafka.accept] with lines such as annotations = ["annotation", "review"]')
    return {_topic(topic): _event_types(types) for topic, types in value.items()}


def _event_types(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not value:
        raise _Wrong(f"name at least one event type in a list; a topic without a line has its default ({_TYPES})")
    for name in value:
        if name not in EVENT_TYPES:
            raise _Wrong(_nearest(name, EVENT_TYPES) or f"the event types are {_TYPES}")
    return frozenset(value)


_TYPES = ", ".join(EVENT_TYPES)


def _servers(value: object) -> str:
    """`host:port` pairs, comma-separated, each with its port."""
    text = _words(value)
    if "@" in text:
        raise _Wrong(
            "a user name or password does not belong here: set kafka.sasl_username and kafka.sasl_password_file, "
            "and change a password that was written into a file others can read"
        )
    if "://" in text:
        raise _Wrong("leave out the scheme: kafka.security_protocol says whether TLS and SASL are used")
    servers = []
    for part in text.split(","):
        host, port = _host_and_port(part.strip(), default_port=9092)
        servers.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return ",".join(servers)


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")


def _host_and_port(text: str, default_port: int | None = None) -> tuple[str, int]:
    """The parts of an address.

    >>> _host_and_port("[::1]:0"), _host_and_port("broker", 9092)
    (('::1', 0), ('broker', 9092))
    """
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?", text)
    plain = re.fullmatch(r"([^:\[\]]+)(?::(\d{1,5}))?", text)
    found = bracketed or plain
    if found is None:
        raise _Wrong("write host:port; an IPv6 address stands in brackets: [::1]:9092")
    host, port = found[1], int(found[2]) if found[2] else default_port
    if bracketed:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise _Wrong("the address in brackets is not an IPv6 address") from None
    elif not _HOST.fullmatch(host):
        raise _Wrong("the host is a name or an address: letters, digits, '.' and '-'")
    if port is None:
        raise _Wrong("name the port too, such as 127.0.0.1:8080; port 0 takes a free one")
    if port > 65535:
        raise _Wrong("a port is at most 65535")
    return host, port


def _listen(value: object) -> str:
    text = _words(value)
    _host_and_port(text)
    return text


def _store_url(value: object) -> str:
    text = _words(value)
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and separator:
        if not rest.startswith("/") or rest in {"/", "//", "/:memory:"}:
            raise _Wrong(
                "name a file: sqlite:///kappawatch.db is in the working directory, sqlite:////var/lib/kappawatch.db "
                "is an absolute path; the state has to outlive the worker"
            )
        if "?" in rest or "#" in rest:
            raise _Wrong("a SQLite address is only a path: leave out '?' and '#' and what follows")
        return text
    if scheme in {"postgresql", "postgres"} and separator:
        try:
            urlsplit(text).port  # noqa: B018 - reading it is the check
        except ValueError:
            raise _Wrong("the port is not a number, or the password has characters to be percent-encoded") from None
        return text
    raise _Wrong("the stores are SQLite (one machine) and PostgreSQL (several)")


_TEXT = _Kind("a text", _words, text=True)
_OPTIONAL = _Kind("a text", _optional, text=True)
_FILE = _Kind("the path of a file", _optional, text=True)
_SECRET_FILE = _Kind("the path of a file that holds the secret", _optional, text=True, secret=True)
_TOPIC_NAME = _Kind("the name of a topic", _topic, text=True)
_DAYS = _whole(1, 36_500, or_else=-1)


# ---------------------------------------------------------------------------------------------------------- sections


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """The broker, the topics and the group."""

    bootstrap_servers: str = _key("127.0.0.1:9092", _Kind("host:port, or several with commas", _servers, text=True))
    topics: tuple[str, ...] = _key(("annotations", "gold"), _Kind("a list of names of topics", _topics))
    alerts_topic: str = _key("alerts", _TOPIC_NAME)
    dead_letters_topic: str = _key("dead-letters", _TOPIC_NAME)
    group: str = _key("kappawatch", _TEXT)
    accept: Mapping[str, frozenset[str]] | None = _key(None, _Kind("event types by topic", _accept))
    security_protocol: str = _key("PLAINTEXT", _one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"))
    sasl_mechanism: str = _key("SCRAM-SHA-512", _one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
    sasl_username: str | None = _key(None, _OPTIONAL)
    sasl_password_file: str | None = _key(None, _SECRET_FILE, hidden=True)
    ssl_ca_file: str | None = _key(None, _FILE)
    ssl_certificate_file: str | None = _key(None, _FILE)
    ssl_key_file: str | None = _key(None, _FILE)
    session_timeout_seconds: float = _key(30.0, _number(1, 1800))
    partitions: int = _key(12, _whole(1, 10_000))
    replication_factor: int = _key(-1, _whole(1, 100, or_else=-1))
    retention_days: int = _key(-1, _DAYS)
    alerts_retention_days: int = _key(90, _DAYS)
    dead_letters_retention_days: int = _key(14, _DAYS)

    @property
    def dead_letters_kept_seconds(self) -> float:
        """How long the store keeps dead letters: as long as their topic does.

        >>> KafkaSettings(dead_letters_retention_days=1).dead_letters_kept_seconds
        86400.0
        >>> KafkaSettings(dead_letters_retention_days=-1).dead_letters_kept_seconds
        inf
        """
        days = self.dead_letters_retention_days
        return math.inf if days < 0 else days * 86_400.0

    @property
    def loopback(self) -> bool:
        """Whether every bootstrap server is this machine."""
        return all(_is_loopback(_host_and_port(server)[0]) for server in self.bootstrap_servers.split(","))

    @property
    def sasl(self) -> bool:
        """Whether clients log in."""
        return self.security_protocol.startswith("SASL_")

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol.endswith("SSL")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The database that holds the state."""

    url: str = _key(
        "sqlite:///kappawatch.db",
        _Kind("sqlite:///FILE or postgresql://...", _store_url, text=True, secret=True),
        hidden=True,
    )

    @property
    def kind(self) -> str:
        """The store: sqlite or postgresql."""
        return "sqlite" if self.url.startswith("sqlite:") else "postgresql"

    @property
    def path(self) -> Path:
        """The file of a SQLite store; a relative one is in the working directory.

        >>> StoreSettings("sqlite:///a/b.db").path, StoreSettings("sqlite:////a/b.db").path
        (PosixPath('a/b.db'), PosixPath('/a/b.db'))
        """
        if self.kind != "sqlite":
            raise ValueError("expected a SQLite store, found one in PostgreSQL: it has no file")
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def shown(self) -> str:
        """The address without what may be secret, for messages.

        >>> StoreSettings("postgresql://me:secret@db.example:5433/qa?password=secret").shown
        'postgresql://db.example:5433/qa'
        """
        if self.kind == "sqlite":
            return self.url
        parts = urlsplit(self.url)
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where /metrics, /healthz and /readyz are served."""

    listen: str = _key("127.0.0.1:8080", _Kind("host:port", _listen, text=True))

    @property
    def host(self) -> str:
        """The address to bind to."""
        return _host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        """The port; 0 takes a free one."""
        return _host_and_port(self.listen)[1]


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """How much of the state is kept in memory."""

    items: int = _key(200_000, _whole(1, 10**9))


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """The key of the annotators' pseudonyms."""

    key_file: str | None = _key(None, _SECRET_FILE, hidden=True)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how."""

    level: str = _key("info", _one_of("debug", "info", "warning", "error"))
    format: str = _key("text", _one_of("json", "text"))


class Projects:
    """The tasks that are configured, by project and task."""

    def __init__(self, tasks: Mapping[tuple[str, str], TaskConfig] | None = None) -> None:
        self._tasks = dict(tasks or {})
        self.task = lru_cache(maxsize=4096)(self._task)

    def _task(self, project: str, task: str) -> TaskConfig:
        for names in ((project, task), (project, ANYTHING), (ANYTHING, task), (ANYTHING, ANYTHING)):
            if names in self._tasks:
                return self._tasks[names]
        return _UNCONFIGURED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Projects) and self._tasks == other._tasks

    def __hash__(self) -> int:
        return hash(self.canonical())

    def __repr__(self) -> str:
        return f"Projects({self._tasks!r})"

    def canonical(self) -> str:
        """JSON that equal configurations share: keys in order, defaults left out, equal numbers written alike.

        >>> Projects({("a", "t"): TaskConfig(labels=(1.0, "x"), detectors=TaskConfig().detectors)}).canonical()
        '{"a":{"tasks":{"t":{"labels":[1,"x"]}}}}'
        """
        document: dict[str, dict[str, dict[str, object]]] = {}
        for (project, task), config in self._tasks.items():
            values = {
                each.name: _plain(getattr(config, each.name))
                for each in fields(config)
                if getattr(config, each.name) != each.default
            }
            document.setdefault(project, {"tasks": {}})["tasks"][task] = values
        return json.dumps(document, sort_keys=True, separators=(",", ":"))


_UNCONFIGURED = TaskConfig()


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class Settings:
    """All of the configuration; `origin` is the file that it came from, for messages."""

    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    log: LogSettings = field(default_factory=LogSettings)
    projects: Projects = field(default_factory=Projects)
    origin: str = "the defaults"

    def task_config(self, project: str, task: str) -> TaskConfig:
        """The most specific table that is there: of project and task, project and "*", "*" and task, "*" and "*"."""
        return self.projects.task(project, task)

    def projects_canonical(self) -> str:
        """The [projects] section as JSON in one spelling: stored in the database, to notice another configuration."""
        return self.projects.canonical()

    def accepts(self, topic: str) -> frozenset[str]:
        """The event types that a consumed topic may carry.

        >>> sorted(Settings().accepts("gold"))
        ['context', 'erasure', 'gold']
        """
        if topic not in self.kafka.topics:
            raise ValueError(f"expected one of the consumed topics {', '.join(self.kafka.topics)}, found {topic}")
        if self.kafka.accept is not None and topic in self.kafka.accept:
            return self.kafka.accept[topic]
        if len(self.kafka.topics) == 1 or not any(map(_is_for_gold, self.kafka.topics)):
            return frozenset(EVENT_TYPES)
        return GOLD_EVENTS if _is_for_gold(topic) else ANNOTATION_EVENTS

    def topic_of(self, event_type: str) -> str | None:
        """The topic an event of this type is published to: the first consumed one that accepts it."""
        return next((topic for topic in self.kafka.topics if event_type in self.accepts(topic)), None)


SECTIONS: Final[Mapping[str, type[Any]]] = {
    "kafka": KafkaSettings,
    "store": StoreSettings,
    "http": HttpSettings,
    "memory": MemorySettings,
    "privacy": PrivacySettings,
    "log": LogSettings,
}


def _is_for_gold(topic: str) -> bool:
    return topic == "gold" or topic.endswith(".gold")


def _is_loopback(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# ----------------------------------------------------------------------------------------------------------- loading


def load_settings(
    path: Path | None, environ: Mapping[str, str], arguments: Mapping[str, object] | None = None
) -> Settings:
    """The configuration of a file (or of the one KAPPAWATCH_CONFIG names, or none) with the environment over it.

    `arguments` are values that a command was given for keys, such as {"kafka.partitions": 6}; they come first.
    """
    if path is None and environ.get(CONFIG_VARIABLE):
        path = Path(environ[CONFIG_VARIABLE])
    if path is None:
        return read_settings({}, environ, arguments=arguments)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(
            f"{path}: expected a configuration file, found none that can be read ({error.strerror}); "
            f"name one with --config or {CONFIG_VARIABLE}, or leave both out for the defaults"
        ) from None
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: expected UTF-8, found another byte at {error.start}; save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, and integers of 5,000 digits
        raise Refused(f"{path}: expected TOML, found a mistake: {error}; mend that line") from None
    return read_settings(document, environ, str(path), arguments)


def read_settings(
    document: Mapping[str, object],
    environ: Mapping[str, str],
    origin: str = "the defaults",
    arguments: Mapping[str, object] | None = None,
) -> Settings:
    """The configuration of a document in the shape of kappawatch.toml, with the environment over it."""
    _refuse_unknown(document, (*SECTIONS, "projects"), origin, "")
    _refuse_unknown_variables(environ)
    given: dict[str, str] = {}  # key -> where it was written
    sections: dict[str, Any] = {}
    for section, kind in SECTIONS.items():
        table = document.get(section, {})
        if not isinstance(table, dict):
            raise Refused(f"{origin}: {section}: expected a table, found {_shown(table)}; begin it with [{section}]")
        _refuse_unknown(table, [each.name for each in fields(kind)], origin, section)
        values = {}
        for each in fields(kind):
            key, variable = f"{section}.{each.name}", _variable(section, each.name)
            if arguments is not None and key in arguments:
                given[key] = f"argument --{each.name.replace('_', '-')}"
                values[each.name] = _read(arguments[key], each.metadata["kind"], given[key])
            elif variable in environ:
                given[key] = f"environment variable {variable}"
                values[each.name] = _from_text(environ[variable], each.metadata["kind"], given[key])
            elif each.name in table:
                given[key] = f"{origin}: {key}"
                values[each.name] = _read(table[each.name], each.metadata["kind"], given[key])
        sections[section] = kind(**values)
    settings = Settings(**sections, projects=_read_projects(document.get("projects", {}), origin), origin=origin)
    _check(settings, lambda key: given.get(key, f"{origin}: {key}"))
    return settings


def _variable(section: str, name: str) -> str:
    return f"KAPPAWATCH_{section}__{name}".upper()


def variables() -> Iterator[str]:
    """The environment variables that set a key."""
    for section, kind in SECTIONS.items():
        for each in fields(kind):
            yield _variable(section, each.name)


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    """A mistyped variable would be overlooked; one of another form may be somebody else's (KAPPAWATCH_SERVICE_HOST)."""
    known = tuple(variables())
    single = {name.replace("__", "_"): name for name in known}
    for name in environ:
        if name in single:
            raise Refused(
                f"environment variable {name}: expected two underscores between section and key; write {single[name]}"
            )
        if name.startswith("KAPPAWATCH_") and "__" in name and name not in known:
            close = difflib.get_close_matches(name[11:], [each[11:] for each in known], n=1)
            remedy = f"did you mean KAPPAWATCH_{close[0]}?" if close else "docs/configuration.md lists them all"
            raise Refused(f"environment variable {name}: expected the name of a key; {remedy}")


def _refuse_unknown(table: Mapping[str, object], known: Iterator[str] | Any, origin: str, section: str) -> None:
    names = tuple(known)
    prefix = f"{section}." if section else ""
    for name in table:
        if name in names:
            continue
        remedy = _nearest(name, names)
        if remedy is None and section in SECTIONS:  # a key in the wrong section
            homes = [other for other, kind in SECTIONS.items() if name in {each.name for each in fields(kind)}]
            remedy = f"it belongs under [{homes[0]}]" if homes else None
        raise Refused(
            f"{origin}: {prefix}{name}: expected one of {', '.join(names)}, found an unknown name; "
            f"{remedy or 'take it out'}"
        )


def _nearest(value: object, names: Any) -> str | None:
    close = difflib.get_close_matches(value, list(names), n=1) if isinstance(value, str) else []
    return f"did you mean {close[0]}?" if close else None


def _from_text(text: str, kind: _Kind[T], where: str) -> T:
    if kind.text:
        return _read(text, kind, where)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(f"{where}: expected {kind.expected}, as JSON, found {_shown(text)}; write it as JSON") from None
    return _read(value, kind, where)


def _read(value: object, kind: _Kind[T], where: str) -> T:
    try:
        return kind.read(value)
    except _Wrong as wrong:
        hidden = kind.secret or (isinstance(value, str) and "@" in value)
        found = "another value (not shown: it may be secret)" if hidden else _shown(value)
        raise Refused(f"{where}: expected {kind.expected}, found {found}; {wrong}") from None


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


# ------------------------------------------------------------------------------------- keys that depend on each other


def _check(settings: Settings, where: Callable[[str], str]) -> None:
    _check_topics(settings, where)
    _check_security(settings.kafka, where)
    if settings.log.level == "debug" and not settings.kafka.loopback:
        raise Refused(
            f"{where('log.level')}: expected info, warning or error with a broker on another machine, found debug; "
            "debug is for trying out against a broker on this one"
        )


def _check_topics(settings: Settings, where: Callable[[str], str]) -> None:
    kafka = settings.kafka
    for topic in kafka.topics:
        if kafka.topics.count(topic) > 1:
            raise Refused(f"{where('kafka.topics')}: expected each topic once, found {topic} again; take one out")
    for key in ("alerts_topic", "dead_letters_topic"):
        topic = getattr(kafka, key)
        if topic in kafka.topics:
            raise Refused(
                f"{where(f'kafka.{key}')}: expected a topic that is not consumed, found {topic}, which is in "
                "kafka.topics: the worker would read what it writes; use another topic"
            )
    if kafka.alerts_topic == kafka.dead_letters_topic:
        raise Refused(
            f"{where('kafka.dead_letters_topic')}: expected another topic than kafka.alerts_topic, "
            f"found {kafka.alerts_topic} for both; alerts and dead letters have different readers: use two"
        )
    for topic in kafka.accept or {}:
        if topic not in kafka.topics:
            remedy = _nearest(topic, kafka.topics) or "add it to kafka.topics or take the line out"
            raise Refused(
                f"{where('kafka.accept')}: expected consumed topics ({', '.join(kafka.topics)}), found {topic}; {remedy}"
            )
    if settings.topic_of("annotation") is None:
        raise Refused(
            f"{where('kafka.accept')}: expected a topic that accepts annotations, found none among "
            f"{', '.join(kafka.topics)}; add annotation to one of them, or consume another topic"
        )


def _check_security(kafka: KafkaSettings, where: Callable[[str], str]) -> None:
    protocol = where("kafka.security_protocol")
    if kafka.sasl and not kafka.tls and not kafka.loopback:
        raise Refused(
            f"{protocol}: expected SASL_SSL with a broker on another machine, found {kafka.security_protocol}: the "
            "password would cross the network in the clear; set SASL_SSL (and kafka.ssl_ca_file for a CA of your own)"
        )
    for key in ("sasl_username", "sasl_password_file"):
        if kafka.sasl and getattr(kafka, key) is None:
            raise Refused(
                f"{protocol}: expected kafka.{key} with {kafka.security_protocol}, found none; "
                f"set it ({_variable('kafka', key)}), or another protocol"
            )
        if not kafka.sasl and getattr(kafka, key) is not None:
            raise Refused(
                f"{where(f'kafka.{key}')}: expected none with kafka.security_protocol {kafka.security_protocol}, "
                "which does not log in; set SASL_SSL, or take it out"
            )
    for key in ("ssl_ca_file", "ssl_certificate_file", "ssl_key_file"):
        if not kafka.tls and getattr(kafka, key) is not None:
            raise Refused(
                f"{where(f'kafka.{key}')}: expected none with kafka.security_protocol {kafka.security_protocol}, "
                "which does not encrypt; set SSL or SASL_SSL, or take it out"
            )
    if kafka.ssl_key_file is not None and kafka.ssl_certificate_file is None:
        raise Refused(
            f"{where('kafka.ssl_key_file')}: expected kafka.ssl_certificate_file beside it, found none; "
            "name the certificate that belongs to the key"
        )


# ----------------------------------------------------------------------------------------------------------- projects


def _read_projects(table: object, origin: str) -> Projects:
    tasks: dict[tuple[str, str], TaskConfig] = {}
    for project, project_table in _tables(table, origin, "projects"):
        name = f"projects.{_quoted(project)}"
        _refuse_unknown(project_table, ("tasks",), origin, name)
        for task, task_table in _tables(project_table.get("tasks", {}), origin, f"{name}.tasks"):
            tasks[project, task] = _read_task(task_table, origin, f"{name}.tasks.{_quoted(task)}")
    return Projects(tasks)


def _tables(value: object, origin: str, name: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The tables inside a table whose names are projects or tasks."""
    parts = value if isinstance(value, dict) else {"": value}
    for part, table in parts.items():
        if not isinstance(table, dict):
            where = f"{name}.{_quoted(part)}" if part else name
            raise Refused(
                f"{origin}: {where}: expected a table, found {_shown(table)}; "
                "a task is configured under [projects.NAME.tasks.TASK]"
            )
        if not 1 <= len(part) <= LONGEST_ID or _NOT_PRINTABLE.search(part):
            raise Refused(
                f"{origin}: {name}: expected a name of 1 to {LONGEST_ID} printable characters, found {_shown(part)}; "
                "no event can carry that name: mend it"
            )
        yield part, table


def _quoted(name: str) -> str:
    """A part of a key as TOML writes it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _read_task(table: Mapping[str, object], origin: str, name: str) -> TaskConfig:
    _refuse_unknown(table, [each.name for each in fields(TaskConfig)], origin, name)
    where = f"{origin}: {name}"
    values: dict[str, Any] = {}
    if "label_type" in table:
        values["label_type"] = _read(table["label_type"], _LABEL_TYPE, f"{where}.label_type")
    if "labels" in table:
        values["labels"] = _read_labels(table["labels"], values.get("label_type"), f"{where}.labels")
    if "unknown" in table:
        values["unknown"] = _read(table["unknown"], _UNKNOWN, f"{where}.unknown")
        _check_unknown(TaskConfig(**values), f"{where}.unknown")
    if "weights" in table:
        values["weights"] = _read(table["weights"], _WEIGHTS, f"{where}.weights")
    if "iou" in table:
        values["iou"] = _read(table["iou"], _IOU, f"{where}.iou")
    if "inclusive_pixels" in table:
        values["inclusive_pixels"] = _read(table["inclusive_pixels"], _YES_OR_NO, f"{where}.inclusive_pixels")
    if "detectors" in table:
        values["detectors"] = _read(table["detectors"], _SIGNALS, f"{where}.detectors")
    if "lateness_minutes" in table:
        values["lateness_minutes"] = _read(table["lateness_minutes"], _LATENESS, f"{where}.lateness_minutes")
    if "hourly_days" in table:
        values["hourly_days"] = _read(table["hourly_days"], _HOURLY, f"{where}.hourly_days")
    return TaskConfig(**values)


def _check_unknown(config: TaskConfig, where: str) -> None:
    """Other is one more label: it has to have a place among those that are declared."""
    if config.unknown != OTHER:
        return
    if config.label_type is not None and not isinstance(LABEL_TYPES[config.label_type], OpenType):
        able = ", ".join(name for name, kind in LABEL_TYPES.items() if isinstance(kind, OpenType))
        raise Refused(
            f"{where}: expected {UNFIT} for {config.label_type}, found {OTHER}, which has no place among such labels; "
            f"take the line out, or set label_type to one of {able}"
        )
    if config.labels is None:
        raise Refused(
            f"{where}: expected labels beside {OTHER}, found none: every label is known then; "
            "declare them, or take the line out"
        )
    if config.label_type is None and any(not isinstance(label, str | bool) for label in config.labels):
        raise Refused(
            f"{where}: expected a label_type beside {OTHER} where numbers are declared, found none: they are read as "
            'interval labels, among which other has no place; set label_type = "nominal", or take the line out'
        )


def _signals(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Wrong('write a list, such as ["gold_errors"]; an empty one watches nothing')
    for name in value:
        if name not in SIGNALS:
            raise _Wrong(_nearest(name, SIGNALS) or "name only signals that there are")
    if len(set(value)) < len(value):
        raise _Wrong("name each signal once")
    return tuple(value)


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise _Wrong(
            "write a number without quotes, such as 0.5; the nearer to 1, the closer two boxes must be to match"
        )
    return float(value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("write true or false, without quotes")
    return value


def _label_type(value: object) -> str:
    if isinstance(value, str) and re.sub(r"[^a-z]", "", value.casefold()) in {"text", "freetext"}:
        raise _Wrong(
            "free text is not compared, for two people who mean the same seldom write the same; ask for a label of a "
            "closed set, or for spans, or leave the task out of the topics"
        )
    return _ANY_TYPE.read(value)


_IOU = _Kind("a number above 0 and at most 1", _share)
_YES_OR_NO = _Kind("true or false", _yes_or_no)
_LATENESS = _whole(0, 365 * 24 * 60)
_HOURLY = _whole(1, 100 * 365)
_ANY_TYPE = _one_of(*LABEL_TYPES)
_LABEL_TYPE = _Kind(_ANY_TYPE.expected, _label_type, text=True)
_UNKNOWN = _one_of(UNFIT, OTHER)
_WEIGHTS = _one_of(*WEIGHTS)
_SIGNALS = _Kind(f"a list of signals among {', '.join(SIGNALS)}", _signals)


def _read_labels(value: object, label_type: str | None, where: str) -> tuple[str | bool | int | float, ...]:
    """A declared set: labels that the type takes, no two of them equal."""
    if label_type == "preference":
        raise Refused(f"{where}: expected none for preference, whose labels name items, found some; take the line out")
    if not isinstance(value, list) or not value:
        raise Refused(
            f'{where}: expected a list of labels, found {_shown(value)}; write one, such as ["yes", "no"], '
            "or take the line out: then every label of the type counts"
        )
    if label_type in {"multilabel", "boxes", "spans"}:  # the set names what is inside a label
        takes: Callable[[object], bool] = lambda label: isinstance(label, str)  # noqa: E731
    else:
        kinds = [LABEL_TYPES[label_type]] if label_type else [LABEL_TYPES["nominal"], LABEL_TYPES["interval"]]
        takes = lambda label: any(kind.key(label) is not None for kind in kinds)  # noqa: E731
    seen: dict[str, object] = {}
    for label in value:
        if not _is_label(label) or not takes(label):
            raise Refused(
                f"{where}: expected labels of the type {label_type or 'nominal or interval'}, found {_shown(label)}; "
                "mend it, or the label_type beside it"
            )
        key = declared_key(label)
        if key in seen:
            raise Refused(
                f"{where}: expected labels that differ, found {_shown(seen[key])} and {_shown(label)}, "
                "which are one label; take one out"
            )
        seen[key] = label
    if label_type == "ordinal" and len({isinstance(label, str) for label in value}) > 1:
        raise Refused(
            f"{where}: expected either names or numbers for ordinal labels, found both; write them all as one kind"
        )
    return tuple(value)


def _is_label(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_LABEL and not _NOT_PRINTABLE.search(value)
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """The `--config` that every command takes."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"kappawatch.toml (default: what {CONFIG_VARIABLE} names, if set)"
    )
