"""PostgreSQL from the distribution's package, on a data folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

import psycopg
from psycopg import sql

from tests.servers.process import FailedProcessError, free_port, program, run_as
from tests.servers.server import Server

INSTALL = "apt-get install -y --no-install-recommends postgresql"


class PostgreSQL(Server):
    """A server that trusts everybody on 127.0.0.1; where the tests run as root it runs as postgres, as it refuses root.

    It leaves writing to disk to the kernel, which keeps what was committed when the server is killed, though not when the
    machine is: a measurement wants settings={"fsync": "on"}.
    """

    name: ClassVar[str] = "postgresql"
    user: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": does not wait for clients to leave

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.port = free_port()
        self.settings = dict(settings or {})

    @property
    def url(self) -> str:
        """The address of the maintenance database."""
        return self._url("postgres")

    def create_database(self, name: str) -> str:
        """Creates an empty database and returns its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self._url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database, whoever is still connected to it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _url(self, database: str) -> str:
        return f"postgresql://kappawatch@127.0.0.1:{self.port}/{database}"

    def _prepare(self) -> None:
        initdb = program("initdb", install=INSTALL)
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)
        command = [initdb, "--auth=trust", "--username=kappawatch", "--encoding=UTF8", "--locale=C", "--no-sync"]
        finished = subprocess.run(
            [*run_as(self.user), *command, "-D", str(self.folder / "data")],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if finished.returncode:
            raise FailedProcessError(f"initdb failed\n{finished.stdout}{finished.stderr}")

    def _command(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": "60",
            "fsync": "off",
            "logging_collector": "off",
            **self.settings,
        }
        options = [f"--{key}={value}" for key, value in settings.items()]
        return [program("postgres", install=INSTALL), "-D", str(self.folder / "data"), *options]

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=5).close()
            return True
        return False
