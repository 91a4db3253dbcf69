"""A Kafka broker in memory, for trying out and for tests: librdkafka's mock cluster in a process of its own.

It speaks the real protocol on a loopback port and keeps 5 MiB (as compressed by the producer) a partition, of which it
drops the oldest batches silently; it knows no CreateTopics, so topics are named at its start. librdkafka declares the
mock cluster experimental, hence the exact version of confluent-kafka that this project asks for.

`python -m streams.broker annotations=4 gold=4` prints its address and ends when its standard input closes.
"""

from __future__ import annotations

import ctypes
import importlib.util
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streams.child import Child, end_with_parent
from streams.errors import Refused, Unavailable

RD_KAFKA_PRODUCER: Final = 0
REBALANCE_DELAY_MS: Final = 500
"""How long a new group waits for further members."""


@cache
def _librdkafka() -> ctypes.CDLL:
    """The library that the confluent-kafka wheel carries; its mock API is not part of the Python package."""
    package = importlib.util.find_spec("confluent_kafka")
    if package is None or package.origin is None:
        raise Unavailable("expected the package confluent-kafka, found none; install kappawatch's requirements")
    inside = Path(package.origin).parent
    folders = (inside.parent / "confluent_kafka.libs", inside / ".dylibs")  # of Linux wheels, of macOS wheels
    found = [path for folder in folders for path in sorted(folder.glob("librdkafka*"))]
    if not found:
        raise Unavailable(
            f"expected librdkafka of the confluent-kafka wheel in {' or '.join(map(str, folders))}, found none; "
            "a confluent-kafka built from source has none: install the wheel with "
            "pip install --force-reinstall --only-binary confluent-kafka confluent-kafka"
        )
    try:
        library = ctypes.CDLL(str(found[0]))
        _declare(library)
    except (OSError, AttributeError) as error:
        raise Unavailable(
            f"{found[0]}: expected librdkafka with its mock cluster, but {error}; "
            "install the version of confluent-kafka that kappawatch asks for"
        ) from error
    return library


def _declare(library: ctypes.CDLL) -> None:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, returns, takes in (
        ("rd_kafka_conf_new", pointer, []),
        ("rd_kafka_conf_set", number, [pointer, text, text, text, ctypes.c_size_t]),
        ("rd_kafka_new", pointer, [number, pointer, text, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, number]),
        ("rd_kafka_mock_cluster_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
        ("rd_kafka_mock_topic_create", number, [pointer, text, number, number]),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = returns, takes


class MockCluster:
    """The cluster inside this process: topics with their partition counts, until `close`."""

    def __init__(self, topics: Mapping[str, int], brokers: int = 1) -> None:
        wrong = [name for name, partitions in topics.items() if not name or partitions < 1]
        if wrong:  # librdkafka would abort the process
            raise Refused(f"topic {wrong[0]}: expected a name and at least 1 partition, found {topics[wrong[0]]}")
        self._library = _librdkafka()
        message = ctypes.create_string_buffer(512)
        conf = self._library.rd_kafka_conf_new()
        # Errors only: it would warn that this client, which is only there to host the cluster, knows no broker.
        self._library.rd_kafka_conf_set(conf, b"log_level", b"3", message, len(message))
        self._handle = self._library.rd_kafka_new(RD_KAFKA_PRODUCER, conf, message, len(message))
        if not self._handle:
            raise Unavailable(f"librdkafka did not start: {message.value.decode(errors='replace')}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, brokers)
        if not self._cluster:
            raise Unavailable("librdkafka's mock cluster did not start: are loopback ports to be had on this machine?")
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, REBALANCE_DELAY_MS)
        for name, partitions in topics.items():
            error = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
            if error:
                raise Refused(f"topic {name} with {partitions} partitions: librdkafka refuses it with error {error}")
        self.bootstrap_servers: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def close(self) -> None:
        """End the cluster; what it held is gone."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)


class DemoBroker:
    """The cluster in a process of its own, ended by `stop` and in any case with this process.

    >>> with DemoBroker({"annotations": 4}) as broker:
    ...     broker.bootstrap_servers.split(":")[0]
    '127.0.0.1'
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        arguments = [f"{name}={partitions}" for name, partitions in topics.items()]
        with ExitStack() as stack:
            log = stack.enter_context(tempfile.TemporaryFile())
            self._child = stack.enter_context(Child("streams.broker", *arguments, log=log, answers=True))
            self.bootstrap_servers = self._child.output.readline().decode().strip()
            if not self.bootstrap_servers:
                self._child.stop()
                raise Unavailable(f"the broker in memory did not start:\n{self._child.last_lines()}")
            self._end = stack.pop_all()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._child.exit_code

    def last_lines(self) -> str:
        """The end of what it said on standard error."""
        return self._child.last_lines()

    def stop(self) -> None:
        """End it."""
        self._end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def main(arguments: Sequence[str]) -> int:
    """Serve the topics named as NAME=PARTITIONS until standard input closes or SIGTERM arrives."""
    topics = {}
    for argument in arguments:
        name, _, partitions = argument.partition("=")
        if not name or not partitions.isdecimal() or int(partitions) < 1:
            sys.stderr.write(f"expected TOPIC=PARTITIONS, such as annotations=4, found {argument}\n")
            return 2
        topics[name] = int(partitions)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    end_with_parent()
    try:
        cluster = MockCluster(topics)
    except (Refused, Unavailable) as error:
        sys.stderr.write(f"{error}\n")
        return 3
    sys.stdout.write(f"{cluster.bootstrap_servers}\n")
    sys.stdout.flush()
    while True:
        signal.pause()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
