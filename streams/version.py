"""The version of the installed distribution."""

from __future__ import annotations

from importlib import metadata


def installed_version() -> str:
    """The version of kappawatch as it is installed; "unknown" where only its source is at hand."""
    try:
        return metadata.version("kappawatch")
    except metadata.PackageNotFoundError:
        return "unknown"
