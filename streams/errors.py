"""The two ways in which a command ends badly; their messages are for people."""

from __future__ import annotations


class Refused(Exception):
    """Wrong usage, configuration or input: nothing was touched, and trying again will not help (exit code 2)."""


class Unavailable(Exception):
    """The environment failed: broker, database or disk are away (exit code 3)."""
