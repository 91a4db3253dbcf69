"""Annotators appear under keyed names only, and gold answers nowhere: canaries through all that leaves the worker."""

from __future__ import annotations

import json
import logging
import re
from itertools import product
from typing import Any

import pytest
from prometheus_client.exposition import generate_latest

from streams.chunks import Chunk
from streams.document import document
from streams.metrics import WorkerMetrics, registry
from streams.owner import Owner
from streams.privacy import Privacy
from streams.store import Store, open_store
from streams.store.tables import ALARMS, ANNOTATIONS, DEAD_LETTERS, OUTBOX
from tests.made_events import annotation, gold, messages
from tests.streams.folding import PRIVACY, TOPIC, Record, default_task, rules

PEOPLE = [f"canary-person-{number}" for number in range(3)]
GOLD = "canary-gold"
KEYS = [f"{GOLD}-{number}" for number in range(30)]


def test_a_pseudonym_is_a_versioned_keyed_hash() -> None:
    name = PRIVACY.pseudonym("news", "ada")
    assert re.fullmatch(r"v1-[a-z2-7]{16}", name)
    assert name == Privacy(b"a secret key of the tests").pseudonym("news", "ada")
    assert name != Privacy(b"another key of the tests").pseudonym("news", "ada")


def test_names_differ_between_people_projects_and_purposes() -> None:
    people = list(product(("news", "other", "new"), ("ada", "bob", "sada")))
    names = {PRIVACY.pseudonym(*each) for each in people} | {PRIVACY.erasure_hash(*each) for each in people}
    assert len(names) == 2 * len(people)
    assert PRIVACY.pseudonym("a", "bc") != PRIVACY.pseudonym("ab", "c")
    assert PRIVACY.pseudonym("news", "ada").removeprefix("v1-") not in PRIVACY.erasure_hash("news", "ada")


def sent() -> list[bytes]:
    """Alarms about every canary person on items with canary keys, and refused events full of canaries."""
    events = []
    for number, key in enumerate(KEYS):
        events.append(gold(f"i{number}", key, seconds=number))
        for place, person in enumerate(PEOPLE):
            label = key if place == 2 and number < 20 else f"wrong-{number}"
            moment = 100 * number + place
            events.append(annotation(person, f"i{number}", label, moment, id=f"a{number}-{place}", duration_ms=9000))
    events += [gold(f"i{n}", KEYS[n], f"wrong-{n}", seconds=9000, version=1) for n in range(10, 30) if n % 6]
    good = json.loads(messages([gold("i1", GOLD, authority=GOLD)])[0])
    answer = json.loads(messages([annotation(PEOPLE[0], "i1", GOLD, slice={PEOPLE[0]: GOLD}, vendor=GOLD)])[0])
    refused: list[Any] = [
        {**good, "accepted": [{"label": {"boxes": GOLD}}]},
        {**good, "accepted": [{"label": GOLD, "weight": GOLD}]},
        {**good, "accepted": [{"label": {"chosen": GOLD, "rejected": GOLD}}]},
        {**good, "accepted": {GOLD: GOLD}},
        {**good, "version": GOLD},
        {**good, "time": GOLD},
        {**good, "type": GOLD},
        {**good, "contract": GOLD},
        {key: value for key, value in good.items() if key != "item"},
        {**answer, "annotator": [PEOPLE[0]]},
        {**answer, "annotator": PEOPLE[0] * 30},
        {**answer, "stage": PEOPLE[0]},
        {**answer, "label": f"{GOLD}\n"},
        {**answer, "slice": {PEOPLE[0]: [GOLD]}},
        {**answer, "slice": {f"{PEOPLE[0]}\u0007": GOLD}},
        {**answer, "order": {PEOPLE[0]: GOLD}},
        {**answer, "prelabel": {"label": {GOLD: GOLD}}},
        {**answer, "duration_ms": GOLD},
        [answer, {**answer, "item": {PEOPLE[0]: GOLD}}],
    ]
    cut = messages([annotation(PEOPLE[1], "i1", GOLD)])[0][:-1]
    return [*messages(events), *(json.dumps(each).encode() for each in refused), cut, b"[" + cut + b"]"]


class Ran:
    def __init__(self) -> None:
        self.store: Store = open_store("sqlite://")
        self.metrics = WorkerMetrics()
        owner = Owner(lambda: self.store, lambda _: rules(), self.metrics)
        records = [Record(place, value) for place, value in enumerate(sent())]
        for first in range(0, len(records), 10):
            owner.take_in(Chunk(TOPIC, 0, 1, first, records[first : first + 10]))
        owner.show(0)


@pytest.fixture(scope="module")
def ran() -> Ran:
    return Ran()


def test_the_canaries_are_in_the_store(ran: Ran) -> None:
    """Or nothing below would mean anything."""
    stored = repr(list(ran.store.scan(ANNOTATIONS, 0)))
    assert all(name in stored for name in (*PEOPLE, KEYS[3]))
    letters = list(ran.store.scan(DEAD_LETTERS, 0))
    assert len(letters) == 21
    assert sum(GOLD in repr(row[7]) or PEOPLE[0] in repr(row[7]) for row in letters) >= 18, "the bytes are kept whole"
    assert len({row[2] for row in letters}) >= 8, "for many reasons"
    alarms = list(ran.store.scan(ALARMS, 0))
    assert {row[5] for row in alarms} == {PRIVACY.pseudonym("news", person) for person in PEOPLE}
    assert "cleared" in {str(row[10]) for row in alarms}


def surfaces(ran: Ran) -> dict[str, str]:
    """All that leaves the worker or stays beside the annotations, but for the refused bytes themselves."""
    outbox = list(ran.store.scan(OUTBOX, 0))
    said = document(ran.store, default_task, PRIVACY)
    return {
        "metrics": generate_latest(registry(ran.metrics)).decode(),
        "alerts": repr([row for row in outbox if row[3] == "alerts"]),
        "headers": repr([[*row[:6], *row[7:]] for row in outbox]),
        "dead letters": repr([[*row[:7], *row[8:]] for row in ran.store.scan(DEAD_LETTERS, 0)]),
        "alarms": repr(list(ran.store.scan(ALARMS, 0))),
        "the document's dead letters": repr(said["dead_letters"]),
        "the document's evidence": repr([alarm["evidence"] for alarm in said["alarms"]]),
    }


def test_no_canary_leaves(ran: Ran) -> None:
    found = surfaces(ran)
    assert all(len(text) > 300 for text in found.values())
    leaks = [
        (name, token, match.start())
        for name, text in found.items()
        for token in (GOLD, "canary-person", "canary")
        for match in re.finditer(token, text)
    ]
    assert leaks == []


def test_pseudonyms_do_leave(ran: Ran) -> None:
    found = surfaces(ran)
    flagged = [person for person in PEOPLE if PRIVACY.pseudonym("news", person) in found["metrics"]]
    assert flagged
    assert all(PRIVACY.pseudonym("news", person) in found["alerts"] for person in PEOPLE)


def test_nothing_is_logged_of_an_events_content(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Ran()
    assert "canary" not in caplog.text
