"""The fixtures that start real servers, once a run; a server that a test broke serves again for the next one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.servers.kafka import ApacheKafka
from tests.servers.postgres import PostgreSQL
from tests.servers.process import MissingProgramError
from tests.servers.server import Server

S = TypeVar("S", bound=Server)

_shared: list[Server] = []


@pytest.fixture(scope="session")
def kafka() -> Iterator[ApacheKafka]:
    """A running Apache Kafka, shared by the run: tests use topics and groups of their own."""
    yield from _serve(ApacheKafka())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running PostgreSQL, shared by the run: tests use databases of their own."""
    yield from _serve(PostgreSQL())


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """The address of an empty database that is dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    yield postgresql.create_database(name)
    postgresql.heal()
    postgresql.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store: a test that takes it runs once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """Makes a name for a topic or a group that no other test has: fresh_name("gold") -> "gold-1f0c9a3e2b7d"."""
    return lambda prefix: f"{prefix}-{secrets.token_hex(6)}"


@pytest.fixture(autouse=True)
def healed_servers() -> Iterator[None]:
    """Starts or thaws the shared servers that the test left dead or frozen."""
    yield
    for server in _shared:
        server.heal()


def _serve(server: S) -> Iterator[S]:
    try:
        server.start()
    except MissingProgramError as missing:
        server.close()
        pytest.fail(str(missing), pytrace=False)
    except BaseException:
        server.close()
        raise
    _shared.append(server)
    yield server
    _shared.remove(server)
    server.close()
