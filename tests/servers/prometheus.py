"""Prometheus and Alertmanager from the distribution's packages."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.servers.process import free_port, program
from tests.servers.server import Server

INSTALL_PROMETHEUS = "apt-get install -y --no-install-recommends prometheus"
INSTALL_ALERTMANAGER = "apt-get install -y --no-install-recommends prometheus-alertmanager"


def promtool() -> str:
    """The path of Prometheus's checker of configuration, rules and metrics."""
    return program("promtool", install=INSTALL_PROMETHEUS)


def amtool() -> str:
    """The path of Alertmanager's checker of configuration and routes."""
    return program("amtool", install=INSTALL_ALERTMANAGER)


class Prometheus(Server):
    """A Prometheus with this configuration; rule files and the like lie beside it under their names."""

    name: ClassVar[str] = "prometheus"

    def __init__(self, configuration: str, files: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.port = free_port()
        self.files = {**(files or {}), "prometheus.yml": configuration}

    @property
    def url(self) -> str:
        """The address of its pages and its API."""
        return f"http://127.0.0.1:{self.port}"

    def api(self, path: str, **parameters: str) -> Any:
        """The data of GET /api/v1/PATH; a refused query raises with Prometheus's own words."""
        return _get(f"{self.url}/api/v1/{path}", parameters)["data"]

    def query(self, expression: str, time: float | None = None) -> list[dict[str, Any]]:
        """The samples of an instant query: [{"metric": {...}, "value": [time, "1.0"]}, ...]."""
        at = {} if time is None else {"time": str(time)}
        result: list[dict[str, Any]] = self.api("query", query=expression, **at)["result"]
        return result

    def reload(self) -> None:
        """Reads configuration and rules again, from the files as they now are in self.files."""
        self._prepare()
        request = urllib.request.Request(f"{self.url}/-/reload", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def _prepare(self) -> None:
        for name, text in self.files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def _command(self) -> list[str]:
        return [
            program("prometheus", install=INSTALL_PROMETHEUS),
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--web.external-url={self.url}",  # or links carry the host's name
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=1s",  # an alert that fires before the first discovery of Alertmanager is not sent
            "--log.level=warn",
        ]

    def _answers(self) -> bool:
        return _ready(self.url)


class Alertmanager(Server):
    """An Alertmanager with this configuration, alone (no gossip)."""

    name: ClassVar[str] = "alertmanager"

    def __init__(self, configuration: str) -> None:
        super().__init__()
        self.port = free_port()
        self.configuration = configuration

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def target(self) -> str:
        """Host and port, as Prometheus's configuration names it."""
        return f"127.0.0.1:{self.port}"

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts it holds, as GET /api/v2/alerts says."""
        result: list[dict[str, Any]] = _get(f"{self.url}/api/v2/alerts", {})
        return result

    def _prepare(self) -> None:
        (self.folder / "alertmanager.yml").write_text(self.configuration, encoding="utf-8")

    def _command(self) -> list[str]:
        return [
            program("prometheus-alertmanager", "alertmanager", install=INSTALL_ALERTMANAGER),
            "--config.file=alertmanager.yml",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--web.external-url={self.url}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def _answers(self) -> bool:
        return _ready(self.url)


def _ready(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/-/ready", timeout=5).close()
    except OSError:
        return False
    return True


def _get(url: str, parameters: Mapping[str, str]) -> Any:
    try:
        with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise ValueError(f"{url} answered {error.code} to {dict(parameters)}: {error.read().decode()}") from None
