"""Configuration: kappawatch.toml and the environment, read into frozen values.

A key is a field of one of the sections below: its default, and the kind of value that it takes (`streams.values`). What
[projects] says of tasks is read by `streams.projects`. `docs/configuration.md` lists all of them. Whatever is wrong is
`Refused` with the place, what was expected, what was found and what to do; a found value that may be a secret is never shown.
"""

from __future__ import annotations

import argparse
import difflib
import ipaddress
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from detectors.config import TaskConfig
from streams.errors import Refused
from streams.events import EVENT_TYPES
from streams.projects import Projects, read_projects
from streams.values import (
    ADDRESS,
    DAYS,
    EVENT_TYPES_BY_TOPIC,
    FILE,
    OPTIONAL,
    SECRET_FILE,
    SERVERS,
    STORE_URL,
    TEXT,
    TOPIC_NAME,
    TOPIC_NAMES,
    Kind,
    host_and_port,
    nearest,
    number,
    one_of,
    read,
    read_text,
    refuse_unknown,
    shown,
    whole,
)

CONFIG_VARIABLE: Final = "KAPPAWATCH_CONFIG"
GOLD_EVENTS: Final = frozenset({"gold", "context", "erasure"})
ANNOTATION_EVENTS: Final = frozenset({"annotation", "retraction", "review", "context"})

T = TypeVar("T")


def _key(default: T, kind: Kind[T], *, hidden: bool = False) -> T:
    return field(default=default, metadata={"kind": kind}, repr=not hidden)


# ---------------------------------------------------------------------------------------------------------- sections


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """The broker, the topics and the group."""

    bootstrap_servers: str = _key("127.0.0.1:9092", SERVERS)
    topics: tuple[str, ...] = _key(("annotations", "gold"), TOPIC_NAMES)
    alerts_topic: str = _key("alerts", TOPIC_NAME)
    dead_letters_topic: str = _key("dead-letters", TOPIC_NAME)
    group: str = _key("kappawatch", TEXT)
    accept: Mapping[str, frozenset[str]] | None = _key(None, EVENT_TYPES_BY_TOPIC)
    security_protocol: str = _key("PLAINTEXT", one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"))
    sasl_mechanism: str = _key("SCRAM-SHA-512", one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
    sasl_username: str | None = _key(None, OPTIONAL)
    sasl_password_file: str | None = _key(None, SECRET_FILE, hidden=True)
    ssl_ca_file: str | None = _key(None, FILE)
    ssl_certificate_file: str | None = _key(None, FILE)
    ssl_key_file: str | None = _key(None, FILE)
    session_timeout_seconds: float = _key(30.0, number(1, 1800))
    partitions: int = _key(12, whole(1, 10_000))
    replication_factor: int = _key(-1, whole(1, 100, or_else=-1))
    retention_days: int = _key(-1, DAYS)
    alerts_retention_days: int = _key(90, DAYS)
    dead_letters_retention_days: int = _key(14, DAYS)

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
        return all(_is_loopback(host_and_port(server)[0]) for server in self.bootstrap_servers.split(","))

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
        STORE_URL,
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

    listen: str = _key("127.0.0.1:8080", ADDRESS)

    @property
    def host(self) -> str:
        """The address to bind to."""
        return host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        """The port; 0 takes a free one."""
        return host_and_port(self.listen)[1]


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """How much of the state is kept in memory."""

    items: int = _key(200_000, whole(1, 10**9))


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """The key of the annotators' pseudonyms."""

    key_file: str | None = _key(None, SECRET_FILE, hidden=True)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged, and how."""

    level: str = _key("info", one_of("debug", "info", "warning", "error"))
    format: str = _key("text", one_of("json", "text"))


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


_SECTION_OF: Final = {each.name: section for section, kind in SECTIONS.items() for each in fields(kind)}
"""By key, for those who wrote it under another section."""


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
    refuse_unknown(document, (*SECTIONS, "projects"), origin, "")
    _refuse_unknown_variables(environ)
    given: dict[str, str] = {}  # key -> where it was written
    sections: dict[str, Any] = {}
    for section, kind in SECTIONS.items():
        table = document.get(section, {})
        if not isinstance(table, dict):
            raise Refused(f"{origin}: {section}: expected a table, found {shown(table)}; begin it with [{section}]")
        refuse_unknown(table, [each.name for each in fields(kind)], origin, section, _SECTION_OF)
        values = {}
        for each in fields(kind):
            key, variable = f"{section}.{each.name}", _variable(section, each.name)
            if arguments is not None and key in arguments:
                given[key] = f"argument --{each.name.replace('_', '-')}"
                values[each.name] = read(arguments[key], each.metadata["kind"], given[key])
            elif variable in environ:
                given[key] = f"environment variable {variable}"
                values[each.name] = read_text(environ[variable], each.metadata["kind"], given[key])
            elif each.name in table:
                given[key] = f"{origin}: {key}"
                values[each.name] = read(table[each.name], each.metadata["kind"], given[key])
        sections[section] = kind(**values)
    settings = Settings(**sections, projects=read_projects(document.get("projects", {}), origin), origin=origin)
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
            remedy = nearest(topic, kafka.topics) or "add it to kafka.topics or take the line out"
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


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """The `--config` that every command takes."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"kappawatch.toml (default: what {CONFIG_VARIABLE} names, if set)"
    )
