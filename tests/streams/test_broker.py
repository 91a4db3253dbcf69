"""The broker in memory serves the topics it was asked for and never outlives who started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams import broker
from streams.broker import DemoBroker, MockCluster
from streams.errors import Refused, Unavailable


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process is there, and not merely unwaited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def send_and_read(servers: str) -> tuple[set[int], list[bytes | None]]:
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    for number in range(50):
        await producer.send_and_wait("annotations", b"%d" % number, partition=3)
    await producer.stop()
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await consumer.start()
    await consumer._client.set_topics(["annotations"])
    partitions = consumer.partitions_for_topic("annotations")
    consumer.assign([TopicPartition("annotations", 3)])
    await consumer.seek_to_beginning()
    values = [(await consumer.getone()).value for _ in range(50)]
    await consumer.stop()
    return partitions or set(), values


def test_topics_have_the_partitions_asked_for_and_messages_come_back() -> None:
    with DemoBroker({"annotations": 5, "gold": 5}) as demo:
        partitions, values = asyncio.run(asyncio.wait_for(send_and_read(demo.bootstrap_servers), 30))
        assert partitions == {0, 1, 2, 3, 4}
        assert values == [b"%d" % number for number in range(50)]
        pid = demo.pid
        assert is_running(pid)
    assert not is_running(pid)
    assert demo.exit_code == 0


def test_it_ends_when_its_input_closes_or_it_is_told_to() -> None:
    for end in (lambda process: process.stdin.close(), lambda process: process.terminate()):
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.broker", "annotations=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"127.0.0.1:")
        end(process)
        assert process.wait(20) == 0
        process.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_ends_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, streams.broker as b; d = b.DemoBroker({'a': 1}); print(d.pid, flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    wait_until(lambda: not is_running(pid))


def test_a_wrong_topic_is_explained() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "streams.broker", "annotations"], stdin=subprocess.PIPE, capture_output=True, check=False
    )
    assert process.returncode == 2
    assert b"expected TOPIC=PARTITIONS" in process.stderr
    with pytest.raises(Unavailable, match="did not start:\nexpected TOPIC=PARTITIONS"):
        DemoBroker({"": 1})
    with pytest.raises(Refused, match="at least 1 partition, found 0"):
        MockCluster({"a": 0})


def test_a_missing_library_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "confluent_kafka"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "confluent_kafka", raising=False)
    broker._librdkafka.cache_clear()
    with pytest.raises(Unavailable, match=r"confluent_kafka\.libs.*install the wheel"):
        broker._librdkafka()

    libraries = tmp_path / "confluent_kafka.libs"
    libraries.mkdir()
    (libraries / "librdkafka-1.so.1").write_bytes(b"no library")
    with pytest.raises(Unavailable, match="expected librdkafka with its mock cluster"):
        broker._librdkafka()
