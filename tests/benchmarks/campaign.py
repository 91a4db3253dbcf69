"""The campaign that is measured: an endless labelling job whose every share is stated here.

Each project has its own annotators, who work side by side on forty open items, so the three labels of an item arrive
near each other. One item in ten is gold and its key comes first. An annotator is right five times in six (on gold, the
clear cases, 98 times in 100; one annotator in twenty 70 times) and takes about eight seconds. Items come in batches of
500, each for the people of one of three vendors, have one slice value, and the guideline changes every 20 batches. Ids
have 20 hexadecimal digits, counted or drawn, so that only their order differs; an event has 300 bytes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Literal

from streams.events import Annotation, Answer, Event, Gold
from streams.kafka import partition_for

START: Final = datetime(2026, 1, 5, 8, 0, 0, 1, tzinfo=UTC)
STEP: Final = timedelta(microseconds=7_813)
"""Between events: 640 people who take five seconds."""

LABELS: Final = ("positive", "negative", "neutral", "mixed", "unclear")
LANGUAGES: Final = ("de", "en", "es", "pl")
VENDORS: Final = ("in-house", "northlight", "opaline")
LABELS_PER_ITEM: Final = 3
GOLD_SHARE: Final = 0.1
RIGHT: Final = 5 / 6
RIGHT_ON_GOLD: Final = 0.98
RIGHT_IF_BAD: Final = 0.7  # on gold and not; one annotator in twenty
OPEN_ITEMS: Final = 40
ITEMS_PER_BATCH: Final = 500
BATCHES_PER_GUIDELINE: Final = 20
SECONDS: Final = 8.0
SPREAD: Final = 0.5

Ids = Literal["sequential", "random"]


@dataclass(slots=True)
class _Item:
    id: str
    truth: str
    gold: bool
    vendor: str
    batch: str
    guideline: str
    slice: dict[str, str | bool | int | float]
    annotators: list[int]


@dataclass(slots=True)
class _Project:
    name: str
    items: list[int] = field(default_factory=lambda: [0] * len(VENDORS))
    open: list[_Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign; campaigns of other seeds have the same projects and annotators, but other items.

    With mixed vendors the people of all vendors meet on an item, which makes its contribution larger.
    Projects are named so that every partition is home to as many of them as any other.

    >>> events = list(Campaign(projects=2, partitions=2).events(1000))
    >>> len({event.id for event in events}), sum(isinstance(event, Gold) for event in events) / 1000
    (1000, 0.03)
    """

    projects: int = 16
    partitions: int = 8
    annotators: int = 40
    ids: Ids = "sequential"
    mixed_vendors: bool = False
    seed: int = 1

    def names(self) -> list[str]:
        """The projects' names, as many of each partition."""
        most = math.ceil(self.projects / self.partitions)
        room = dict.fromkeys(range(self.partitions), most)
        found: list[str] = []
        for number in itertools.count(1):
            name = f"project-{number:04d}"
            home = partition_for(name, self.partitions)
            if room[home]:
                room[home] -= 1
                found.append(name)
                if len(found) == self.projects:
                    return found
        raise AssertionError("unreachable: the numbers do not end")

    def events(self, count: int) -> Iterator[Event]:
        """The first events, in the order of time; equal campaigns have equal events."""
        return itertools.islice(self._events(), count)

    def _events(self) -> Iterator[Event]:
        random = Random(f"{self.seed} {self.ids}")
        counter = itertools.count(self.seed << 48)

        def new_id() -> str:
            return f"{random.getrandbits(80) if self.ids == 'random' else next(counter):020x}"

        projects = [_Project(name) for name in self.names()]
        time = START + (self.seed - 1) * timedelta(days=1)
        while True:
            project = projects[random.randrange(len(projects))]
            if len(project.open) < OPEN_ITEMS:
                item = self._open(project, new_id(), random)
                if item.gold:
                    time += STEP
                    yield Gold(
                        id=new_id(),
                        source="tool",
                        time=time,
                        project=project.name,
                        item=item.id,
                        accepted=[Answer(item.truth)],
                    )
            place = random.randrange(len(project.open))
            item = project.open[place]
            if len(item.annotators) == 1:
                project.open[place] = project.open[-1]
                project.open.pop()
            time += STEP
            yield self._answer(project.name, item, new_id(), time, random)

    def _open(self, project: _Project, name: str, random: Random) -> _Item:
        team = random.randrange(len(VENDORS))
        batch = project.items[team] // ITEMS_PER_BATCH
        project.items[team] += 1
        people = range(0 if self.mixed_vendors else team, self.annotators, 1 if self.mixed_vendors else len(VENDORS))
        item = _Item(
            name,
            LABELS[min(random.randrange(9), random.randrange(9)) // 2],
            random.random() < GOLD_SHARE,
            VENDORS[team],
            f"{team + 1}-{batch:04d}",
            f"v{batch // BATCHES_PER_GUIDELINE + 1}",
            {"language": random.choice(LANGUAGES)},
            random.sample(people, LABELS_PER_ITEM),
        )
        project.open.append(item)
        return item

    def _answer(self, project: str, item: _Item, name: str, time: datetime, random: Random) -> Annotation:
        number = item.annotators.pop()
        right = RIGHT_IF_BAD if number % 20 == 7 else RIGHT_ON_GOLD if item.gold else RIGHT
        return Annotation(
            id=name,
            source="tool",
            time=time,
            project=project,
            item=item.id,
            annotator=f"annotator-{number:04d}",
            label=item.truth if random.random() < right else random.choice(LABELS),
            duration_ms=round(1000 * SECONDS * math.exp(random.gauss(0, SPREAD))),
            batch=item.batch,
            vendor=VENDORS[number % len(VENDORS)] if self.mixed_vendors else item.vendor,
            guideline=item.guideline,
            slice=item.slice,
        )
