"""Forty thousand events in which every kind of event, and every kind of trouble with one, happens often.

Each project is worked on for a while, so that what went wrong in one is not written over later. Of each one annotator is
careless for a while and then good again, so that alarms are raised and cleared; of some another one is erased. Messages are
edited, withdrawn, repeated, sent twice, late, broken, packed into arrays, and sent to partitions that are not their project's
home. Some projects have labels of another type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from streams.kafka import partition_for

PARTITIONS = 4
PROJECTS = tuple(f"project-{number}" for number in range(12))
DURATION = 0.4
"""Of the whole time, how long a project is worked on."""
LABELS = ("cat", "dog", "fox")
FORMS: dict[str, dict[str, object]] = {
    "project-1": {"cat": 1, "dog": 2.5, "fox": -4},
    "project-3": {"cat": ["cat"], "dog": ["dog", "cat"], "fox": ["fox", "dog"]},
    "project-6": {
        "cat": {"boxes": [{"bbox": [0, 0, 10, 10], "class": "cat"}]},
        "dog": {"boxes": [{"bbox": [1, 0, 10, 12], "class": "dog"}, {"bbox": [40, 40, 5, 5], "class": "cat"}]},
        "fox": {"boxes": []},
    },
    "project-8": {
        "cat": {"spans": [{"start": 3, "end": 9, "type": "cat"}]},
        "dog": {"spans": [{"start": 3, "end": 8, "type": "dog"}, {"start": 20, "end": 21}]},
        "fox": {"spans": []},
    },
    "project-10": {
        "cat": {"chosen": "A", "rejected": "B"},
        "dog": {"chosen": "B", "rejected": "A"},
        "fox": {"tie": True},
    },
}
"""How the labels of some projects are spelled: as numbers, sets, boxes, spans and preferences."""

GOLD_TYPES = {"gold", "erasure"}

Event = dict[str, Any]


class Sent(NamedTuple):
    """A message to produce; `topic` is "annotations" or "gold"."""

    topic: str
    partition: int
    key: str
    value: bytes | None


def traffic(seed: int, events: int) -> Iterator[Sent]:
    """Messages that hold about so many events."""
    chance = Random(f"traffic {seed}")
    last = len(PROJECTS) - 1
    benches = [_Bench(name, place / last * (1 - DURATION), chance) for place, name in enumerate(PROJECTS)]
    made = 0
    recent: list[Sent] = []
    while made < events:
        now = made / events
        bench = chance.choice([bench for bench in benches if bench.begins <= now < bench.begins + DURATION] or benches)
        progress = (now - bench.begins) / DURATION
        page = [_formed(bench.event(progress))]
        if chance.random() < 0.03:
            page += [_formed(bench.event(progress)) for _ in range(chance.randrange(1, 30))]
        made += len(page)
        for topic in ("annotations", "gold"):
            part = [event for event in page if (event["type"] in GOLD_TYPES) == (topic == "gold")]
            if part:
                recent.append(_message(chance, topic, bench.project, part))
                yield recent[-1]
        if chance.random() < 0.02:
            made += 1
            yield chance.choice(recent[-400:])


def _message(chance: Random, topic: str, project: str, page: list[Event]) -> Sent:
    home = partition_for(project, PARTITIONS)
    partition = home if chance.random() < 0.98 else chance.randrange(PARTITIONS)
    value: bytes | None = json.dumps(page if len(page) > 1 else page[0]).encode()
    roll = chance.random()
    if roll < 0.01:
        broken = (None, b"", b"[]", b"{", b"[1, 2]", b"\xff\xfe", json.dumps({**page[0], "time": "now"}).encode())
        value = chance.choice(broken)
    elif roll < 0.013 and topic == "annotations":
        value = json.dumps([*page, {"type": "annotation"}, 3]).encode()
    elif roll < 0.016 and topic == "annotations":
        value = json.dumps({**page[0], "type": "gold", "item": "i", "accepted": []}).encode()  # not accepted there
    return Sent(topic, partition, project, value)


class _Bench:
    """The work on one project."""

    def __init__(self, project: str, begins: float, chance: Random) -> None:
        self.project = project
        self.begins = begins
        self.chance = chance
        self.number = 0
        self.items = 0
        self.open: list[tuple[str, str, bool, list[str]]] = []  # item, truth, whether it has gold, who is to label it
        self.answers: list[Event] = []
        self.keys: list[Event] = []
        self.later: list[Event] = []
        self.erased = False

    def event(self, progress: float) -> Event:
        chance = self.chance
        self.number += 1
        if self.later and chance.random() < 0.3:
            return self._now(self.later.pop(chance.randrange(len(self.later))))
        roll = chance.random()
        if roll < 0.04 and self.answers:
            return self._edit()
        if roll < 0.06 and self.answers:
            return self._head("retraction", annotation=self._some()["id"], **chance.choice(({}, {"revision": 1})))
        if roll < 0.09 and self.answers:
            reviewer, verdict = chance.choice(("rita", "ruth")), chance.choice(("accept", "reject"))
            return self._head("review", annotation=self._some()["id"], reviewer=reviewer, verdict=verdict)
        if roll < 0.095:
            return self._head("context", kind="guideline", value=f"v{self.number}")
        if roll < 0.11 and self.keys:
            key = chance.choice(self.keys)
            accepted = [{"label": chance.choice(LABELS)}] if chance.random() < 0.8 else []
            return self._head("gold", item=key["item"], accepted=accepted, version=chance.randrange(3))
        if progress > 0.8 and not self.erased and self.project < "project-5":
            self.erased = True
            return self._head("erasure", annotator="a1")
        return self._answer(progress)

    def _answer(self, progress: float) -> Event:
        chance = self.chance
        if len(self.open) < 10:
            self._open()
        place = chance.randrange(len(self.open))
        item, truth, gold, waiting = self.open[place]
        annotator = waiting.pop()
        if not waiting:
            del self.open[place]
        careless = annotator == "a0" and 0.25 < progress < 0.5
        wrong = chance.random() < (0.8 if careless and gold else 0.02 if gold else 0.15)
        label = chance.choice([label for label in LABELS if label != truth]) if wrong else truth
        seconds = chance.lognormvariate(0.5 if careless else 2.0, 0.3)
        self.answers.append(
            self._head(
                "annotation",
                item=item,
                annotator=annotator,
                label=label,
                duration_ms=round(1000 * seconds),
                batch=f"b{self.items // 10}",
                vendor=f"vendor {annotator < 'a4'}",
                stage=chance.choice(("annotate",) * 19 + ("review",)),
                skipped=chance.random() < 0.01,
            )
        )
        if chance.random() < 0.02:  # the same annotator again
            self.later.append({**self.answers[-1], "label": chance.choice(LABELS)})
        return self.answers[-1]

    def _open(self) -> None:
        chance = self.chance
        self.items += 1
        item, truth, gold = f"i{self.items}", chance.choice(LABELS), chance.random() < 0.5
        waiting = ["a0", *chance.sample(["a1", "a2", "a3", "a4", "a5"], 2)]
        chance.shuffle(waiting)
        self.open.append((item, truth, gold, waiting))
        if gold:
            self.keys.append(self._head("gold", item=item, accepted=[{"label": truth}], version=1))
            self.later.append(self.keys[-1])

    def _edit(self) -> Event:
        answer = self._some()
        change = self.chance.choice(({"label": self.chance.choice(LABELS)}, {"item": f"i{max(1, self.items - 3)}"}))
        return self._now({**answer, "annotation": answer["id"], "revision": self.chance.randrange(3), **change})

    def _some(self) -> Event:
        return self.chance.choice(self.answers[-300:])

    def _head(self, kind: str, /, **fields: Any) -> Event:
        return self._now({"type": kind, "source": "chaos", "project": self.project, **fields})

    def _now(self, event: Event) -> Event:
        self.number += 1
        late = self.chance.choice((0, 0, 0, 0, 30, 4000, 200_000))
        at = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(minutes=self.number, seconds=-late)
        return {**event, "id": f"e{self.number}", "time": at.isoformat()}


def _formed(event: Event) -> Event:
    """The event with its labels as its project has them."""
    form = FORMS.get(event["project"])
    if form is None:
        return event
    if "accepted" in event:
        return {**event, "accepted": [{"label": form[answer["label"]]} for answer in event["accepted"]]}
    return {**event, "label": form[event["label"]]} if "label" in event else event
