#!/usr/bin/env python3
"""Sets kappawatch up in .venv beside this file, from the hashed lock, and runs it or its tests; needs only Python.

python3 run.py demo [OPTIONS]              set up once, then a live demonstration
python3 run.py test [PYTEST OPTIONS]       set up once, then lint, types and the tests that need no server
python3 run.py test integration [...]      set up once, then the tests on real servers
python3 run.py COMMAND [OPTIONS]           any other kappawatch command, such as replay FILE; --help after it says more:
                                           worker, topics, publish, replay, show, verify, rebuild, simulate
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional, Tuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "kappawatch-setup"
PYTHON = VENV / "bin" / "python"
LOCKS = {"runtime": "requirements.lock", "development": "requirements-development.lock"}
OLDEST, NEWEST = (3, 11), (3, 13)
REAL_SERVERS = "integration or chaos or browser or thorough"

# Debian ships Python without ensurepip, and a Python built by hand may lack the others.
NEEDED_MODULES = "ensurepip, ssl, sqlite3, venv"
PROBE = "import sys; print('%d.%d' % sys.version_info[:2])\ntry: import {}\nexcept ImportError as e: print(e)".format(
    NEEDED_MODULES
)


class SetupError(Exception):
    """What is missing, and what to do."""


def say(message: str) -> None:
    """One line to the person, apart from what the command prints."""
    print("kappawatch: " + message, file=sys.stderr, flush=True)


def main(arguments: List[str]) -> int:
    """Sets up what the command needs, then runs it; returns its exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print((__doc__ or "").strip())
        return 0 if arguments else 2
    if os.name != "posix":
        say("runs on Linux and macOS; on Windows use WSL.")
        return 3
    level = "development" if arguments[0] == "test" else "runtime"
    try:
        set_up(level)
    except SetupError as error:
        say(str(error))
        return 3
    if arguments[0] != "test":
        os.execv(str(VENV / "bin" / "kappawatch"), ["kappawatch", *arguments])  # noqa: S606
    return test(arguments[1:])


def test(arguments: List[str]) -> int:
    """Every check, or the tests on real servers; all are run even where one fails."""
    pytest = [str(PYTHON), "-m", "pytest", "--no-header"]
    ruff = str(VENV / "bin" / "ruff")
    environment = dict(os.environ)
    if arguments[:1] == ["integration"]:
        environment["KAPPAWATCH_THOROUGH"] = "1"
        checks = {"pytest on real servers": [*pytest, "-m", REAL_SERVERS, *arguments[1:]]}
    else:
        checks = {
            "ruff check": [ruff, "check", "--quiet"],
            "ruff format": [ruff, "format", "--check", "--quiet"],
            "mypy": [str(PYTHON), "-m", "mypy", "--no-error-summary"],
            "pytest": [*pytest, *(arguments or ("--numprocesses", "auto", "--dist", "loadfile"))],
        }
    failed = []
    for name, command in checks.items():
        begin = time.monotonic()
        code = subprocess.call(command, cwd=str(ROOT), env=environment)
        say("{} {} ({:.0f} s)".format(name, "failed" if code else "passed", time.monotonic() - begin))
        if code:
            failed.append(name)
    if failed:
        say("failed: " + ", ".join(failed))
    return 1 if failed else 0


def set_up(level: str) -> None:
    """Brings .venv up to the lock; does nothing, and needs no network, where it already is."""
    wanted = fingerprint()
    done_level, done = STAMP.read_text().split() if STAMP.exists() else ("", "")
    if done == wanted and done_level in {level, "development"} and succeeds([str(PYTHON), "-c", ""]):
        return
    python = suitable_python()
    if STAMP.exists():
        STAMP.unlink()
    begin = time.monotonic()
    lock = ROOT / LOCKS[level]
    count = sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())
    say("installing {} packages into {} (once, a minute or two) ...".format(count, VENV))
    if not succeeds([str(PYTHON), "-m", "pip", "--version"]):
        step([python, "-m", "venv", "--clear", str(VENV)], "the virtual environment could not be made")
    pip = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    step(
        [*pip, "install", "--require-hashes", "-r", str(lock)],
        "the packages of {} could not be installed; this step needs a package index, once".format(lock.name),
    )
    step(
        [*pip, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
        "kappawatch itself could not be installed",
    )
    step([*pip, "check"], "{} does not fit pyproject.toml; make it again as its first lines say".format(lock.name))
    STAMP.write_text("{} {}\n".format(level, wanted))
    say("ready ({:.0f} s).".format(time.monotonic() - begin))


def fingerprint() -> str:
    """Changes with the locks, with pyproject.toml and with the place of the checkout."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in [*sorted(LOCKS.values()), "pyproject.toml"]:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def suitable_python() -> str:
    """This Python where it fits, or else one from PATH."""
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    candidates = [sys.executable, shutil.which("python3")]
    candidates += [shutil.which("python3.{}".format(minor)) for minor in minors]
    remedy = "needs Python 3.{} to 3.{}; this is {}.{} and PATH has no other. Install one of them.".format(
        OLDEST[1], NEWEST[1], *sys.version_info[:2]
    )
    for candidate in candidates:
        version, problem = probe(candidate)
        if version is not None and OLDEST <= version <= NEWEST:
            if not problem:
                return str(candidate)
            remedy = "{} cannot make a virtual environment ({}). On Debian and Ubuntu: apt-get install {}".format(
                candidate, problem, "python{}.{}-venv".format(*version)
            )
    raise SetupError(remedy)


def probe(python: Optional[str]) -> Tuple[Optional[Tuple[int, int]], str]:
    """Its (major, minor) and what it lacks; (None, "") where it does not run, as a shim without a version behind it."""
    if not python:
        return None, ""
    finished = subprocess.run(
        [python, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True, check=False
    )
    lines = finished.stdout.splitlines()
    if finished.returncode or not lines:
        return None, ""
    major, minor = lines[0].split(".")
    return (int(major), int(minor)), " ".join(lines[1:])


def succeeds(command: List[str]) -> bool:
    """Whether the command exists and ends well."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def step(command: List[str], problem: str) -> None:
    """Runs a part of the set-up, whose own message stays visible."""
    if subprocess.call(command, stdout=sys.stderr):
        raise SetupError("{} (the message above says why). The command was: {}".format(problem, " ".join(command)))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
