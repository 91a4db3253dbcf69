"""What all tests share: hypothesis profiles, the data sets beside the repository, and the real servers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.fixtures import fresh_name, healed_servers, kafka, postgresql, postgresql_url, store_url

__all__ = ["fresh_name", "healed_servers", "kafka", "postgresql", "postgresql_url", "store_url"]

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("ci"), derandomize=False, max_examples=5000, print_blob=True)
settings.load_profile(os.environ.get("KAPPAWATCH_HYPOTHESIS", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests that need the shared data sets where these are not beside the repository."""
    if not SHARED_DATA.is_dir():
        absent = pytest.mark.skip(reason="the data sets are not beside the repository (../shared/data)")
        for item in items:
            if "shared" in item.keywords:
                item.add_marker(absent)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data sets; only for tests marked `shared`."""
    return SHARED_DATA
