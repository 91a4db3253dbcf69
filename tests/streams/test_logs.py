"""Logs have the fields that are meant for them, and nothing of an event, whoever writes them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
import warnings

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as st

from streams import logs
from streams.errors import Unavailable

SECRET = "the-gold-answer"


@pytest.fixture
def configured():
    """Configures logs that go to a text, and puts back what was there."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in logs.CHATTY}

    def configure(level: str = "info", style: str = "json") -> io.StringIO:
        stream = io.StringIO()
        logs.configure(level, style, stream)
        return stream

    yield configure
    root.handlers[:], root.level = before[0], before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=False)


def documents(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_json_object_with_its_fields(configured):
    stream = configured()
    logging.getLogger("streams.app").info(
        "read %d again", 3, extra={"topic": "annotations", "partition": 3, "label": SECRET, "offset": 7}
    )
    (document,) = documents(stream)
    assert document.pop("time").endswith("Z")
    assert document == {
        "level": "info",
        "logger": "streams.app",
        "message": "read 3 again",
        "topic": "annotations",
        "partition": 3,
        "offset": 7,
    }


def test_text_is_one_line_that_cannot_pretend_to_be_two(configured):
    stream = configured(style="text")
    logging.getLogger("streams.app").warning("first\nsecond \x1b[2J \u202e", extra={"home": 3, "project": "a\nb"})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("Z warning first\\nsecond \\x1b[2J \\u202e home=3 project=a\\nb")


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        ("debug", ["debug", "info", "warning", "error"], ["info", "warning", "error"]),
        ("info", ["info", "warning", "error"], ["warning", "error"]),
        ("warning", ["warning", "error"], ["warning", "error"]),
        ("error", ["error"], ["error"]),
    ],
)
@pytest.mark.parametrize("name", ["faust", "aiokafka.conn", "mode.services", "somebody.else"])
def test_libraries_are_never_heard_at_debug(name, level, ours, theirs, configured):
    stream = configured(level)
    logging.getLogger(name).setLevel(logging.DEBUG)  # as Faust's own set-up may do
    for each in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger("streams.x"), each)(each)
        getattr(logging.getLogger(name), each)(each)
    logging.getLogger(name).setLevel(logging.NOTSET)
    found = [(document["logger"], document["level"]) for document in documents(stream)]
    assert [kind for logger, kind in found if logger == "streams.x"] == ours
    assert [kind for logger, kind in found if logger == name] == theirs


def test_what_mode_says_of_our_services_is_a_librarys_word(configured):
    stream = configured()
    logging.getLogger("streams.transport").info("[^-ChunkConsumer]: Stopping...")
    logging.getLogger("streams.transport").error("[^-ChunkConsumer]: %r", Event())
    assert [document["message"] for document in documents(stream)] == ["[^-ChunkConsumer]: '<Event>'"]


class Event:
    def __repr__(self) -> str:
        return f"<Event {SECRET}>"


@pytest.mark.parametrize("style", ["json", "text"])
def test_nothing_of_an_event_comes_through_a_library_or_an_error(style, configured):
    stream = configured("debug", style)
    faust = logging.getLogger("faust.agents")
    faust.error("crashed: %r", ValueError(SECRET))
    faust.error("event %s and %r", Event(), [Event()])
    faust.error("value %r", SECRET.encode())
    faust.error("named %(value)r", {"value": {"label": SECRET}})
    faust.error("number %d", Event())
    logging.getLogger("streams.homes").error("ours: %s", KeyError(SECRET))
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError(f"wrapped {SECRET}") from error
    except RuntimeError:
        faust.exception("agent failed")
        logging.getLogger("streams.homes").exception("fold failed", extra={"home": 3})
    text = stream.getvalue()
    assert SECRET not in text
    assert text.count("RuntimeError from KeyError") == 2
    assert "test_logs.py:" in text
    for said in (
        "crashed: 'ValueError'",
        "event <Event> and '<1>'",
        "value '<bytes>'",
        "named '<dict>'",
        "ours: KeyError",
    ):
        assert said in text


def test_a_task_that_failed_unseen_does_not_show_its_error(configured):
    stream = configured()

    async def fail() -> None:
        raise ValueError(SECRET)

    async def forget() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task

    asyncio.run(forget())
    assert "Task exception was never retrieved" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_what_speaks_of_the_environment_is_told(configured):
    stream = configured()
    logging.getLogger("aiokafka").error("no %s: %r", TopicPartition("gold", 3), KafkaConnectionError("refused"))
    message = documents(stream)[0]["message"]
    assert "topic='gold', partition=3" in message
    assert "'KafkaConnectionError: refused'" in message
    assert logs.describe(Unavailable("the disk\nis full")) == "Unavailable: the disk is full"
    assert logs.describe(TimeoutError()) == "TimeoutError"
    with sqlite3.connect(":memory:") as database, pytest.raises(sqlite3.Error) as caught:
        database.execute(f"SELECT '{SECRET}' FROM nowhere")
    database.close()
    assert logs.describe(caught.value) == "OperationalError: SQLITE_ERROR"


def test_what_a_library_repeats_is_said_once_in_a_while(configured, monkeypatch):
    stream = configured()
    now = 100.0
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)
    for attempt in range(50):
        logging.getLogger("aiokafka").warning("broker is away (attempt %d)", attempt)
        logging.getLogger("streams.x").warning("ours")
    now += logs.REPEAT_AFTER
    logging.getLogger("aiokafka").warning("broker is away (attempt %d)", 50)
    found = [document["message"] for document in documents(stream)]
    assert found.count("ours") == 50
    assert [each for each in found if each != "ours"] == ["broker is away (attempt 0)", "broker is away (attempt 50)"]


def test_warnings_are_logged(configured):
    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("deprecated", stacklevel=1)
    assert documents(stream)[0]["logger"] == "py.warnings"


@given(
    st.text(),
    st.sampled_from(["json", "text"]),
    st.dictionaries(st.sampled_from(logs.FIELDS), st.text() | st.integers()),
)
def test_any_text_is_one_line(text, style, fields):
    record = logging.LogRecord("streams.x", logging.INFO, "f", 1, text.replace("%", "%%"), (), None)
    record.__dict__.update(fields)
    formatter = logs.JsonLines() if style == "json" else logs.Text()
    line = formatter.format(record)
    assert len(line.splitlines()) == 1
    line.encode()
    if style == "json":
        assert fields.keys() <= json.loads(line).keys()
