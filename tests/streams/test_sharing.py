"""Words of many events as one object: the events stay what they were."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from streams.events import encode
from streams.parsing import Parser
from streams.sharing import Words
from tests.benchmarks.campaign import Campaign

SAID = (
    '{"type":"annotation","id":"%s","source":"tool","time":"2026-01-05T09:00:00Z","project":"p","item":"i","annotator":"ann",'
    '"label":"yes","batch":"b","vendor":"v","guideline":"g","slice":%s}'
)


@dataclass(frozen=True)
class Twice:
    """Two events that say the same, taken in together."""

    slice: str
    other_slice: str

    def taken(self) -> list[object]:
        """Both, as a transaction takes them in."""
        events = Parser().parse_plain(
            [(SAID % pair).encode() for pair in (("e1", self.slice), ("e2", self.other_slice))]
        )
        assert events is not None
        return list(events)


def test_two_events_that_say_the_same_share_all_words() -> None:
    one, other = Twice('{"language":"pl"}', '{"language":"pl"}').taken()
    names = ("project", "annotator", "source", "label", "batch", "vendor", "guideline", "slice")
    assert [name for name in names if getattr(one, name) is not getattr(other, name)] == []
    assert one.id != other.id  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("slice_", "other_slice"),
    [
        ('{"n":0.0}', '{"n":-0.0}'),
        ('{"n":1}', '{"n":true}'),
        ('{"a":"x","b":"y"}', '{"b":"y","a":"x"}'),
        ('{"a":"x","n":1}', '{"a":"x","n":1.0}'),
    ],
)
def test_slices_that_are_spelled_differently_stay_so(slice_: str, other_slice: str) -> None:
    for event, text in zip(Twice(slice_, other_slice).taken(), (slice_, other_slice), strict=True):
        assert f'"slice":{text}' in msgspec.json.encode(event).decode()


def test_an_event_that_shares_its_words_is_the_event_that_was_sent() -> None:
    sent = [encode(event) for event in Campaign(projects=2, partitions=1).events(500)]
    taken = Parser().parse_plain(sent)
    assert taken is not None
    assert list(map(encode, taken)) == sent
    assert taken == [*map(Parser().parse_event, sent)]


@pytest.mark.parametrize(("bound", "most"), [("MOST_WORDS", 10), ("MOST_TEXT", 2000)])
def test_very_many_words_are_not_kept(bound: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"streams.sharing.{bound}", most)
    words = Words()
    for number in range(100):
        events = Parser().parse_plain([(SAID % (f"e{number}", '{"n":"%s"}' % number)).encode()])  # noqa: UP031
        assert events is not None
        words.share(events, 200)
    assert len(words._known) <= 10 + 8
