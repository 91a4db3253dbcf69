"""Clients of Kafka from the settings: addresses, security, sizes; where a project's home is.

Three client libraries meet here: aiokafka reads and writes, Faust drives aiokafka, librdkafka creates topics.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from aiokafka.partitioner import murmur2

from streams.errors import Refused
from streams.settings import Settings

LARGEST_BATCH: Final = 2 << 20
"""Bytes of a message, and of a batch of messages, that topics and our producers take: twice the contract's 1 MiB."""


@lru_cache(maxsize=65_536)
def partition_for(project: str, count: int) -> int:
    """The partition of a project among `count`, as Kafka's Java clients and aiokafka compute it.

    `(murmur2(project in UTF-8) & 0x7fffffff) mod count`.

    >>> partition_for("foobar", 1000), partition_for("21", 1000)
    (166, 340)
    """
    return int((murmur2(project.encode()) & 0x7FFFFFFF) % count)


# ------------------------------------------------------------------------------------------------------------ options


def client_options(settings: Settings) -> dict[str, Any]:
    """Arguments that every client of aiokafka takes; reads the password and the certificates."""
    kafka = settings.kafka
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers.split(","),
        "client_id": "kappawatch",
        "security_protocol": kafka.security_protocol,
    }
    if kafka.tls:
        options["ssl_context"] = _ssl_context(settings)
    if kafka.sasl:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = _password(settings)
    return options


def producer_options(settings: Settings) -> dict[str, Any]:
    """Arguments of an `AIOKafkaProducer` that loses nothing and repeats nothing while the broker comes and goes."""
    return {
        **client_options(settings),
        "acks": "all",
        "enable_idempotence": True,
        "max_request_size": LARGEST_BATCH,
    }


def consumer_options(settings: Settings) -> dict[str, Any]:
    """Arguments of an `AIOKafkaConsumer` that reads on its own, without a group, and sees committed records only."""
    return {
        **client_options(settings),
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "max_partition_fetch_bytes": LARGEST_BATCH,
    }


def faust_options(settings: Settings) -> dict[str, Any]:
    """Arguments of a `faust.App`: brokers, security, group and the times that depend on the session timeout."""
    import faust

    kafka = settings.kafka
    session = kafka.session_timeout_seconds
    options: dict[str, Any] = {
        "id": kafka.group,
        "broker": [f"kafka://{server}" for server in kafka.bootstrap_servers.split(",")],
        "broker_client_id": "kappawatch",
        "broker_session_timeout": session,
        "broker_heartbeat_interval": session / 10,
        "broker_request_timeout": max(90.0, session + 10),  # Faust refuses one shorter than the session
    }
    if kafka.sasl:
        options["broker_credentials"] = faust.SASLCredentials(
            username=kafka.sasl_username,
            password=_password(settings),
            mechanism=kafka.sasl_mechanism,
            ssl_context=_ssl_context(settings) if kafka.tls else None,
        )
    elif kafka.tls:
        options["broker_credentials"] = faust.SSLCredentials(_ssl_context(settings))
    return options


def librdkafka_options(settings: Settings) -> dict[str, str]:
    """Configuration of a client of confluent-kafka."""
    kafka = settings.kafka
    options: dict[str, str] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "client.id": "kappawatch",
        "security.protocol": kafka.security_protocol,
    }
    if kafka.tls:
        _ssl_context(settings)  # its errors name the key; librdkafka's do not
        files = {
            "ssl.ca.location": kafka.ssl_ca_file,
            "ssl.certificate.location": kafka.ssl_certificate_file,
            "ssl.key.location": kafka.ssl_key_file or kafka.ssl_certificate_file,
        }
        options.update({name: path for name, path in files.items() if path is not None})
    if kafka.sasl:
        options["sasl.mechanism"] = kafka.sasl_mechanism
        options["sasl.username"] = kafka.sasl_username or ""
        options["sasl.password"] = _password(settings)
    return options


def _password(settings: Settings) -> str:
    where = f"{settings.origin}: kafka.sasl_password_file"
    try:
        password = Path(settings.kafka.sasl_password_file or "").read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Refused(
            f"{where}: expected a file with the password, found none that can be read ({reason}); "
            "write the password, and nothing else, to a file that only this user may read, and name that file"
        ) from None
    if not password:
        raise Refused(f"{where}: expected a file with the password, found an empty one; write the password to it")
    return password


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    """TLS as Python has it by default: the broker's certificate and its host name are verified."""
    kafka = settings.kafka
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_ca_file)
    except (OSError, ValueError) as error:
        raise Refused(
            f"{settings.origin}: kafka.ssl_ca_file: expected a file of CA certificates in PEM form, "
            f"found {kafka.ssl_ca_file} ({_reason(error)}); name the file of the CA that signed the broker's certificate"
        ) from None
    if kafka.ssl_certificate_file is not None:
        try:
            # Without a password of its own, OpenSSL would ask for one on the terminal.
            context.load_cert_chain(kafka.ssl_certificate_file, kafka.ssl_key_file, password="")
        except (OSError, ValueError) as error:
            raise Refused(
                f"{settings.origin}: kafka.ssl_certificate_file: expected a certificate and, in it or in "
                f"kafka.ssl_key_file, its unencrypted key in PEM form, found {kafka.ssl_certificate_file} "
                f"({_reason(error)}); name files that belong together and that this user can read"
            ) from None
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return (error.strerror if isinstance(error, OSError) else None) or "not PEM"
