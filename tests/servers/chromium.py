"""Headless Chromium: pictures and the final text of pages on loopback."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.servers.process import FailedProcessError, Process, program

INSTALL = "apt-get install -y --no-install-recommends chromium"

# Without these Chromium calls its maker at every start, which a closed network refuses many times over.
QUIET = [
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


def version() -> str:
    """Such as "Chromium 140.0.7339.127"."""
    command = [_chromium(), "--version"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def screenshot(url: str, picture: Path, *, width: int = 1280, height: int = 900, settle_ms: int = 4000) -> None:
    """Writes a PNG of the page as it looks once its own clock has run for `settle_ms` (which takes less time than that)."""
    _run(url, [f"--window-size={width},{height}", f"--screenshot={picture}", "--hide-scrollbars"], settle_ms)
    if not picture.exists():
        raise FailedProcessError(f"Chromium wrote no picture of {url}")


def document(url: str, *, settle_ms: int = 4000) -> str:
    """The page's HTML after its scripts ran for `settle_ms` of its own clock."""
    return _run(url, ["--dump-dom"], settle_ms)


def _run(url: str, options: list[str], settle_ms: int) -> str:
    with tempfile.TemporaryDirectory(prefix="kappawatch-chromium-", ignore_cleanup_errors=True) as folder:
        command = [_chromium(), "--headless", "--disable-gpu", *QUIET, f"--user-data-dir={folder}/profile"]
        command.append("--no-sandbox")  # the pages are our own; root and most containers cannot have one
        command += [f"--virtual-time-budget={settle_ms}", *options, url]
        process = Process(command, Path(folder) / "output", errors=Path(folder) / "errors")
        try:
            code = process.wait(90)
        finally:
            process.kill()
        if code:
            raise FailedProcessError(f"Chromium ended with {code} on {url}\n{process.tail()}")
        return process.log.read_text(encoding="utf-8", errors="replace")


def _chromium() -> str:
    return program("chromium", "chromium-browser", "google-chrome", install=INSTALL)
