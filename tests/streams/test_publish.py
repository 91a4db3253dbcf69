"""Each event goes to its topic and home, byte for byte; what cannot go is named; nothing waits for ever."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import io
import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams import publish
from streams.broker import DemoBroker
from streams.errors import Refused, Unavailable
from streams.events import Annotation, Gold
from streams.kafka import partition_for
from streams.parsing import LONGEST_KEPT, LONGEST_MESSAGE, DeadLetter
from streams.publisher import Message, Publisher, Router
from streams.settings import Settings, read_settings

PARTITIONS = 4
TOPICS = ("annotations", "gold", "alerts", "dead-letters")
TIME = "2026-01-05T08:00:00Z"


def event(kind: str, project: str = "cats", **fields) -> dict:
    own = {
        "annotation": {"item": "i", "annotator": "a", "label": "x"},
        "gold": {"item": "i", "accepted": [{"label": "x"}]},
        "retraction": {"annotation": "n"},
        "review": {"annotation": "n", "reviewer": "r", "verdict": "accept"},
        "context": {"kind": "guideline", "value": "v2"},
        "erasure": {"annotator": "a"},
    }
    return {"type": kind, "id": "1", "source": "s", "time": TIME, "project": project, **own.get(kind, {}), **fields}


def line(*arguments, **fields) -> bytes:
    return json.dumps(event(*arguments, **fields)).encode()


@pytest.fixture
def broker() -> Iterator[DemoBroker]:
    with DemoBroker(dict.fromkeys(TOPICS, PARTITIONS)) as running:
        yield running


@pytest.fixture
def settings(broker) -> Settings:
    return read_settings({"kafka": {"bootstrap_servers": broker.bootstrap_servers}}, {})


@pytest.fixture
def environ(broker, monkeypatch):
    for name in os.environ:
        if name.startswith("KAPPAWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KAPPAWATCH_KAFKA__BOOTSTRAP_SERVERS", broker.bootstrap_servers)


def read(broker, topic: str) -> dict[int, list]:
    """The messages of a topic by partition."""
    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "g", "fetch.wait.max.ms": 10}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    found = defaultdict(list)
    every = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    bounds = [consumer.get_watermark_offsets(partition, timeout=20) for partition in every]
    consumer.assign([TopicPartition(topic, number, bounds[number][0]) for number in range(PARTITIONS)])
    for _ in range(sum(end - start for start, end in bounds)):
        message = consumer.poll(20)
        assert message is not None
        assert message.error() is None
        found[message.partition()].append(message)
    consumer.close()
    return found


def values(broker, topic: str) -> Counter:
    return Counter(message.value() for messages in read(broker, topic).values() for message in messages)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    publish.add_arguments(parser)
    return publish.run(parser.parse_args(arguments))


# ---------------------------------------------------------------------------------------------------------------- routes


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("annotation", "annotations"),
        ("retraction", "annotations"),
        ("review", "annotations"),
        ("context", "annotations"),
        ("gold", "gold"),
        ("erasure", "gold"),
    ],
)
def test_an_event_goes_to_the_first_topic_that_accepts_it(kind, topic):
    assert Router(Settings()).route(line(kind)) == [Message(topic, "cats", line(kind))]


def test_an_event_that_a_worker_refuses_goes_there_to_be_counted():
    (message,) = Router(Settings()).route(line("gold", accepted="x"))
    assert message[:3] == ("gold", "cats", line("gold", accepted="x"))
    assert [(letter.reason, letter.path) for letter in message.refused] == [("wrong_type", "$.accepted")]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"not json", "invalid_json"),
        (b"7", "wrong_type"),
        (b"", "empty"),
        (b"\xff{}", "invalid_json"),
        (line("annotation", project=""), "empty"),
        (line("annotation", project="p" * 257), "too_long"),
        (line("annotation", project=7), "wrong_type"),
        (line("annotation", project="\ud800"), "invalid_json"),
        (line("nonsense"), "unknown_type"),
        (b'{"type": "gold"}', "missing_field"),
        (b"[]", "array_size"),
        (b"[" + b",".join([line("gold")] * 1001) + b"]", "array_size"),
        (b"[" + line("gold"), "invalid_json"),
        (b" " * LONGEST_MESSAGE + line("gold"), "too_large"),
        (b"[" * 5000 + b"]" * 5000, "unparsable"),
        (b'{"project": "p", "type": "gold", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "unparsable"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_has_no_project_or_type_comes_back_with_the_reason(value, reason):
    (letter,) = Router(Settings()).route(value)
    assert (type(letter), letter.reason) == (DeadLetter, reason)


def test_a_type_that_no_topic_accepts_comes_back():
    settings = read_settings({"kafka": {"topics": ["a"], "accept": {"a": ["annotation"]}}}, {})
    (letter,) = Router(settings).route(line("gold"))
    assert (letter.reason, letter.path, letter.value) == ("type_not_accepted", "$.type", line("gold"))


def test_an_array_of_one_destination_stays_one_message():
    value = b" [" + line("annotation") + b", " + line("annotation", item=7) + b", " + line("review") + b"]"
    (message,) = Router(Settings()).route(value)
    assert message[:3] == ("annotations", "cats", value)
    assert [(letter.reason, letter.path) for letter in message.refused] == [("wrong_type", "$[1].item")]


@pytest.mark.parametrize("parts", [[line("gold"), line("gold", "dogs")], [line("gold"), line("annotation")]])
def test_projects_and_topics_are_kept_apart(parts):
    messages = Router(Settings()).route(b"[" + b",".join(parts) + b"]")
    assert [message.value for message in messages] == parts


def test_an_array_of_several_destinations_is_sent_in_parts():
    parts = [line("annotation"), line("gold"), line("annotation", project="dogs"), line("nonsense")]
    messages = Router(Settings()).route(b"[" + b" ,\n".join(parts) + b"]")
    assert messages[:3] == [
        Message("annotations", "cats", parts[0]),
        Message("gold", "cats", parts[1]),
        Message("annotations", "dogs", parts[2]),
    ]
    assert (messages[3].reason, messages[3].path) == ("unknown_type", "$[3].type")


# ------------------------------------------------------------------------------------------------------------- publisher


def test_events_arrive_once_at_their_home_with_their_project_for_key(broker, settings):
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    projects = [f"p{number}" for number in range(20)]

    async def send() -> int:
        async with Publisher(settings) as publisher:
            for number in range(1000):
                await publisher.send(line("annotation", projects[number % 20], id=str(number)))
            await publisher.send(Gold(id="g", source="s", time=at, project="cats", item="i", accepted=[]))
            await publisher.flush()
            assert publisher.confirmed == 1001
            await publisher.send(
                Annotation(id="n", source="s", time=at, project="p0", item="i", annotator="a", label="x")
            )
        return publisher.confirmed

    assert asyncio.run(send()) == 1002
    found = read(broker, "annotations")
    assert Counter(message.key().decode() for messages in found.values() for message in messages) == {
        **dict.fromkeys(projects, 50),
        "p0": 51,
    }
    for partition, messages in found.items():
        numbers = defaultdict(list)
        for message in messages:
            project, identity = (json.loads(message.value())[name] for name in ("project", "id"))
            assert (message.key().decode(), partition) == (project, partition_for(project, PARTITIONS))
            numbers[project].append(identity)
        for identities in numbers.values():
            assert [int(each) for each in identities if each != "n"] == sorted(
                int(each) for each in identities if each != "n"
            )
    assert sum(values(broker, "gold").values()) == 1


def test_an_event_without_a_destination_is_refused_and_nothing_of_its_array_is_sent(broker, settings):
    async def send() -> None:
        async with Publisher(settings) as publisher:
            with pytest.raises(Refused, match=r"found unknown_type at \$\[1\].type; nothing of it was sent"):
                await publisher.send(b"[" + line("gold") + b"," + line("nonsense") + b"]")

    asyncio.run(send())
    assert not values(broker, "gold")


def test_a_topic_that_is_not_there_is_refused_and_not_created(broker):
    settings = read_settings({"kafka": {"bootstrap_servers": broker.bootstrap_servers, "topics": ["nowhere"]}}, {})

    async def send() -> None:
        async with Publisher(settings) as publisher:
            await publisher.send(line("annotation"))

    with pytest.raises(Refused, match=r"expected topic nowhere, found none .* kappawatch topics create"):
        asyncio.run(send())
    listed = Producer({"bootstrap.servers": broker.bootstrap_servers}).list_topics(timeout=20).topics
    assert set(listed) == set(TOPICS)


def test_what_was_sent_before_an_error_of_the_caller_arrives(broker, settings):
    async def send() -> None:
        async with Publisher(settings) as publisher:
            await publisher.send(line("gold"))
            raise KeyError("the caller's")

    with pytest.raises(KeyError, match="the caller's"):
        asyncio.run(send())
    assert values(broker, "gold") == {line("gold"): 1}


def test_a_broker_that_is_away_is_given_up_on():
    settings = read_settings({"kafka": {"bootstrap_servers": "127.0.0.1:1"}}, {})

    async def send() -> None:
        async with Publisher(settings, timeout=0.3):
            pass

    with pytest.raises(
        Unavailable,
        match=r"127.0.0.1:1: expected a connection within 0.3 s, found none .*Connection refused|Unable to bootstrap",
    ):
        asyncio.run(send())


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
def test_a_broker_that_confirms_nothing_more_is_given_up_on_and_leaves_no_task(fault, broker, settings):
    async def send() -> None:
        async with Publisher(settings, timeout=0.5) as publisher:
            await publisher.send(line("gold"))
            await publisher.flush()
            os.kill(broker.pid, fault)
            for number in range(100):
                await publisher.send(line("gold", id=str(number)))
            await publisher.flush()

    async def bounded() -> None:
        async with asyncio.timeout(20):
            with pytest.raises(Unavailable, match=r"\(1 were confirmed\); send them again .*: an event counts once"):
                await send()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    try:
        asyncio.run(bounded())
    finally:
        if fault == signal.SIGSTOP:
            os.kill(broker.pid, signal.SIGCONT)


def test_a_full_queue_waits_for_room_and_gives_up_in_time(broker, settings):
    async def send() -> None:
        async with asyncio.timeout(20), Publisher(settings, timeout=0.5) as publisher:
            os.kill(broker.pid, signal.SIGSTOP)
            for number in range(100_000):
                await publisher.send(line("gold", id=str(number), authority="x" * 1000))

    try:
        with pytest.raises(Unavailable, match=r"expected a confirmation within 0.5 s, found none for"):
            asyncio.run(send())
    finally:
        os.kill(broker.pid, signal.SIGCONT)


# ----------------------------------------------------------------------------------------------------------------- files


def test_files_are_sent_byte_for_byte(broker, environ, tmp_path, capsys, monkeypatch):
    plain, packed = tmp_path / "plain.jsonl", tmp_path / "packed.jsonl.gz"
    spaced = b'{ "unknown": [1], ' + line("annotation", id="é")[1:]
    plain.write_bytes(line("annotation") + b"\n\n" + spaced + b"\r\n")
    packed.write_bytes(gzip.compress(line("gold")))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(line("erasure")))))
    assert run(str(plain), str(packed), "-") == 0
    assert capsys.readouterr() == ("4 messages (annotations 2, gold 2) sent\n", "")
    assert values(broker, "annotations") == {line("annotation"): 1, spaced: 1}
    assert values(broker, "gold") == {line("gold"): 1, line("erasure"): 1}


def test_lines_that_cannot_be_sent_are_named_and_the_rest_is_sent(broker, environ, tmp_path, capsys):
    path = tmp_path / "mixed.jsonl"
    path.write_bytes(
        b"\n".join([line("annotation"), b"oops", line("gold", accepted=1), line("nonsense"), line("gold")])
    )
    assert run(str(path)) == 2
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "3 messages (annotations 1, gold 2) sent",
        "1 events in them will be dead letters: see the lines above",
    ]
    assert err.splitlines()[:3] == [
        f"{path}: line 2: not sent: invalid_json at $",
        f"{path}: line 3: sent, but a worker will refuse it: wrong_type at $.accepted",
        f"{path}: line 4: not sent: unknown_type at $.type",
    ]
    assert err.splitlines()[3].startswith("2 events were not sent: expected a project and a type")
    assert sum(values(broker, "gold").values()) == 2


def test_events_that_a_worker_will_refuse_are_no_error(broker, environ, tmp_path):
    path = tmp_path / "refused.jsonl"
    path.write_bytes(line("gold", accepted=1))
    assert run(str(path)) == 0


def test_of_many_bad_lines_the_first_are_named(broker, environ, tmp_path, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"oops\n" * 1000)
    assert run(str(path)) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 11
    assert err[-1].startswith("1,000 events were not sent")


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(broker, environ, tmp_path):
    path = tmp_path / "there.jsonl"
    path.write_bytes(line("gold"))
    with pytest.raises(Refused, match=r"gone\.jsonl"):
        run(str(path), str(tmp_path / "gone.jsonl"))
    assert not values(broker, "gold")


@pytest.mark.parametrize("arguments", [(), ("file", "--dead-letters"), ("file", "--reason", "bad_time")])
def test_what_is_to_be_sent_is_said_once(arguments):
    with pytest.raises(Refused, match=r"^publish: expected "):
        run(*arguments)


# ---------------------------------------------------------------------------------------------------------- dead letters


def refuse(broker, value: bytes, *, reason="type_not_accepted", origin="annotations/0/0", **changes) -> None:
    """Put a dead letter where a worker would."""
    letter = DeadLetter.of(value, reason, "$.type")
    named = {
        "id": b"dead-letter",
        "reason": reason.encode(),
        "path": b"$.type",
        "origin": origin.encode(),
        "length": str(letter.length).encode(),
        "sha256": letter.sha256.encode(),
        **changes,
    }
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    headers = [(f"kappawatch-{name}", content) for name, content in named.items()]
    producer.produce("dead-letters", value=letter.value, headers=headers)
    assert producer.flush(20) == 0


def test_dead_letters_that_are_accepted_by_now_go_back_to_their_topic_and_home(broker, environ, capsys, monkeypatch):
    for project in ("cats", "dogs", "owls"):
        refuse(broker, line("gold", project))
    refuse(broker, line("gold", "cats"))
    refuse(broker, line("erasure"), origin="gold/1/7", reason="not_at_home")
    assert run("--dead-letters") == 0
    assert values(broker, "gold") == {line("erasure"): 1}
    assert capsys.readouterr().out.splitlines() == [
        "1 messages (gold 1) sent again",
        "4 skipped: still refused: type_not_accepted",
    ]
    monkeypatch.setenv("KAPPAWATCH_KAFKA__ACCEPT", '{"annotations": ["annotation", "gold"]}')
    assert run("--dead-letters", "--reason", "type_not_accepted") == 0
    assert capsys.readouterr().out.splitlines() == [
        "3 messages (annotations 3) sent again",
        "1 skipped: the same again",
    ]
    found = read(broker, "annotations")
    assert {
        (message.key().decode(), partition, message.value(), message.headers())
        for partition, messages in found.items()
        for message in messages
    } == {
        (project, partition_for(project, PARTITIONS), line("gold", project), None)
        for project in ("cats", "dogs", "owls")
    }
    assert values(broker, "gold") == {line("erasure"): 1}


def test_dead_letters_that_cannot_go_back_are_counted(broker, environ, capsys):
    refuse(broker, line("annotation", label="x" * LONGEST_KEPT), reason="too_long")
    refuse(broker, line("annotation"), origin="elsewhere/0/0")
    refuse(broker, line("annotation"), sha256=hashlib.sha256(b"other").hexdigest().encode())
    refuse(broker, line("annotation"), length=b"many")
    refuse(broker, b"oops", reason="invalid_json")
    refuse(broker, b"[" + line("annotation", item=1) + b"]", reason="wrong_type")
    assert run("--dead-letters") == 0
    assert capsys.readouterr().out.splitlines() == [
        "0 messages sent again",
        "1 skipped: damaged",
        "1 skipped: from a topic that is not consumed",
        "1 skipped: kept only in part",
        "1 skipped: not a dead letter of kappawatch",
        "1 skipped: still refused: invalid_json",
        "1 skipped: still refused: wrong_type",
    ]
    assert not values(broker, "annotations")


def test_no_dead_letters_are_no_error_and_no_topic_is_one(broker, environ, capsys, monkeypatch):
    assert run("--dead-letters") == 0
    assert capsys.readouterr().out == "0 messages sent again\n"
    monkeypatch.setenv("KAPPAWATCH_KAFKA__DEAD_LETTERS_TOPIC", "nowhere")
    with pytest.raises(Refused, match="expected topic nowhere, found none"):
        run("--dead-letters")
