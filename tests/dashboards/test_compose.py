"""The shape of docker-compose.yml, without Docker."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.generate import dashboards
from dashboards.thresholds import SAMPLE_LIMIT, SAMPLES_MANY
from streams.events import LONGEST_ID
from streams.settings import read_settings
from tests.servers.process import program
from tests.servers.prometheus import promtool

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"topics"}
STATEFUL = {"kafka", "postgres", "prometheus", "alertmanager", "grafana"}
# Why a service may write to its own file system.
WRITABLE = {"kafka": "its start script writes the configuration beside the programs"}

each_service = pytest.mark.parametrize("name", SERVICES)


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(*volume.split(":"), "rw")[:3] for volume in service.get("volumes", ())]


def test_the_services():
    assert set(SERVICES) == {"kafka", "postgres", "topics", "worker", "prometheus", "alertmanager", "grafana"}


@each_service
def test_an_image_is_built_here_or_pinned(name: str):
    service = SERVICES[name]
    if "build" in service:
        assert (ROOT / service["build"] / "Dockerfile").is_file()
    else:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"]), "a version, never latest"


@each_service
def test_nobody_is_root_or_may_become_it(name: str):
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service.get("read_only") is True or name in WRITABLE


@each_service
def test_a_service_is_watched_and_started_again(name: str):
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "on-failure"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])


@each_service
def test_ports_are_open_to_this_machine_only(name: str):
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


def test_ports_differ():
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(set(ports)) == len(ports) == 6


@each_service
def test_what_is_mounted_exists(name: str):
    for source, target, mode in mounts(SERVICES[name]):
        assert target.startswith("/")
        if source.startswith("./"):
            assert (ROOT / source).exists(), source
            assert mode == "ro"
        else:
            assert source in COMPOSE["volumes"]


def test_state_outlives_the_containers():
    named = {
        name
        for name, service in SERVICES.items()
        if any(source in COMPOSE["volumes"] for source, _, _ in mounts(service))
    }
    assert named == STATEFUL
    assert set(COMPOSE["volumes"]) == STATEFUL


@each_service
def test_what_is_waited_for_can_come(name: str):
    for other, dependency in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert dependency["condition"] == expected


def test_the_worker_starts_behind_broker_database_and_topics():
    assert set(SERVICES["worker"]["depends_on"]) == {"kafka", "postgres", "topics"}
    assert SERVICES["topics"]["command"] == ["topics", "create"]
    assert SERVICES["topics"]["image"] == SERVICES["worker"]["image"]


def test_the_worker_understands_its_configuration():
    environment = {
        key: re.sub(r"\$\{\w+:-(\w+)\}", r"\1", value) for key, value in SERVICES["worker"]["environment"].items()
    }
    mounted = {target: source for source, target, _ in mounts(SERVICES["worker"])}
    path = ROOT / mounted[environment["KAPPAWATCH_CONFIG"]]
    settings = read_settings(tomllib.loads(path.read_text(encoding="utf-8")), environment)
    assert settings.http.listen == "0.0.0.0:8080"
    assert settings.store.url == "postgresql://kappawatch:kappawatch@postgres:5432/kappawatch"
    assert settings.kafka.bootstrap_servers == "kafka:19092"
    assert "INSIDE://kafka:19092" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_the_image_is_not_root_and_installs_what_is_locked():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(images) == {images[0]}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", images[0])
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == [SERVICES["worker"]["user"]]
    lock = re.search(r"--require-hashes .*-r /src/(\S+)", text)
    assert lock
    assert "--hash=sha256:" in (ROOT / lock[1]).read_text(encoding="utf-8")


def test_the_image_is_built_from_what_it_needs():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert {"pyproject.toml", "requirements.lock", "streams", "detectors", "dashboards"} <= allowed


def test_scrapes_are_limited():
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text(encoding="utf-8"))
    worker = next(job for job in config["scrape_configs"] if job["job_name"] == "kappawatch")
    assert worker["sample_limit"] == SAMPLE_LIMIT
    assert SAMPLES_MANY == 0.8 * SAMPLE_LIMIT, "seen before it is dropped"
    assert {"label_limit", "body_size_limit"} <= set(worker)
    assert worker["label_value_length_limit"] == 4 * LONGEST_ID, "no name that the contract allows may end the scrape"
    assert worker["static_configs"][0]["targets"] == ["worker:8080"]


def test_grafana_finds_its_data_and_its_dashboards():
    mounted = {target: ROOT / source for source, target, _ in mounts(SERVICES["grafana"]) if source.startswith("./")}
    provisioning = mounted["/etc/grafana/provisioning"]
    sources = yaml.safe_load((provisioning / "datasources" / "kappawatch.yml").read_text(encoding="utf-8"))
    assert {source["type"]: source["uid"] for source in sources["datasources"]} == {
        "prometheus": "prometheus",
        "alertmanager": "alertmanager",
    }
    provider = yaml.safe_load((provisioning / "dashboards" / "kappawatch.yml").read_text(encoding="utf-8"))
    folder = mounted[provider["providers"][0]["options"]["path"]]
    assert {path.stem for path in folder.glob("*.json")} == {dashboard["uid"] for dashboard in dashboards()}
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (folder / home.name).is_file()
    assert home.parent == Path(provider["providers"][0]["options"]["path"])


def test_grafana_knows_how_to_read_the_dashboards():
    version = re.search(r":(\d+)\.(\d+)", SERVICES["grafana"]["image"])
    assert version
    assert (int(version[1]), int(version[2])) >= (11, 6)


def test_prometheus_serves_the_runbooks():
    assets = next(
        option.partition("=")[2]
        for option in SERVICES["prometheus"]["command"]
        if option.startswith("--web.user-assets=")
    )
    mounted = {target: ROOT / source for source, target, _ in mounts(SERVICES["prometheus"])}
    assert (mounted[assets] / "KappawatchWorkerDown.md").is_file()


@pytest.mark.integration
def test_docker_compose_accepts_the_file():
    compose = program("docker-compose", install="apt-get install -y --no-install-recommends docker-compose")
    run(compose, "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet")


@pytest.mark.integration
def test_promtool_accepts_the_configuration(tmp_path: Path):
    """With the rule files where the container has them."""
    text = (ROOT / "deploy" / "prometheus.yml").read_text(encoding="utf-8")
    rules = ROOT / "dashboards" / "prometheus"
    assert "/etc/prometheus/rules" in text
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/rules", str(rules)), encoding="utf-8")
    checked = run(promtool(), "check", "config", str(tmp_path / "prometheus.yml"))
    assert "kappawatch.rules.yml" in checked


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
