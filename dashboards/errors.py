"""The two ways in which publishing ends badly; as everywhere, their messages are for people."""


class Refused(Exception):
    """Wrong usage, or a Grafana that will not: trying again does not help (exit code 2)."""


class Unavailable(Exception):
    """Grafana is away (exit code 3)."""
