"""A believable campaign: three projects, forty annotators, and four things that a monitor should find.

One annotator goes bad, one class has an ambiguous guideline, one gold key is wrong, and a few messages are broken.
Everything is drawn from the seed; time is counted from a start that the caller gives.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import itertools
import sys
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import IO, Final, NamedTuple, TypedDict

import msgspec

from streams.arguments import positive, whole, wrong
from streams.errors import Refused, Unavailable
from streams.events import (
    EARLIEST,
    LATEST,
    Annotation,
    Answer,
    Context,
    Event,
    Gold,
    Retraction,
    Review,
    SliceValue,
    encode,
    microseconds,
)

RATE: Final = 300.0
"""Events a second by default: each annotator then answers about 1.6 gold items a second."""
GOES_BAD_AFTER: Final = 15.0
START: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
SOURCE: Final = "simulator"

GOLD_SHARE: Final = 0.15  # of the items
GOLD_ANNOTATORS: Final = 5  # a gold item is asked of more people than the 3 that another item gets
LATE_GOLD_SHARE: Final = 0.2  # of the gold items: their key arrives after the first answers
OPEN_ITEMS: Final = 40  # in progress at a time, a project

BAD_ERROR: Final = 0.5
BAD_SPEED: Final = 0.4  # of the former duration
DURATION_SPREAD: Final = 0.3  # standard deviation of the logarithm; 0.38 to 0.62 in published campaigns
AMBIGUOUS_ERROR: Final = 0.35
AMBIGUOUS_GOLD_ERROR: Final = 0.08  # gold items are the clear cases, even of an ambiguous class

EDITS: Final = 0.015
RETRACTIONS: Final = 0.004
SKIPS: Final = 0.008
REPEATS: Final = 0.003
DUPLICATES: Final = 0.004
LATE: Final = 0.003
REVIEWS: Final = 0.01
BROKEN: Final = 0.0005

_NAMES: Final = (
    "ada amir ana bao bea carlos chidi dana dario elif emeka eva farah finn grace hana hugo ines ivan jamal "
    "jana kofi lena linh luca maya mei milan nadia noor omar paula priya rafael sana tariq tomas uma yara zofia"
)
_VENDORS: Final = ("in-house", "northlight", "opaline")


class _Head(TypedDict):
    id: str
    source: str
    time: datetime
    project: str


class Message(NamedTuple):
    """What is published: seconds after the start, the project (the Kafka key), the event's type, and the bytes.

    The type of a message that is broken on purpose is "broken".
    """

    due: float
    project: str
    type: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Annotator:
    """Someone who labels: the share of clear and of hard items that they get wrong, and their median seconds."""

    name: str
    vendor: str
    error: float
    hard_error: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Project:
    """A labelling job: its share of the events, its classes with their frequencies, and who works on it.

    `ambiguous` is the class whose guideline is unclear and the one it is confused with.
    """

    name: str
    task: str
    share: float
    labels: tuple[str, ...]
    frequencies: tuple[float, ...]
    hard_share: float
    slices: Mapping[str, tuple[SliceValue, ...]]
    annotators: tuple[Annotator, ...]
    ambiguous: tuple[str, str] | None = None
    guideline_changes_after: float = 120.0


@dataclass(slots=True)
class _Item:
    id: str
    truth: str
    lure: str
    hard: bool
    gold: bool
    batch: str
    slice: dict[str, SliceValue]
    waiting: list[Annotator]


class Campaign:
    """The cast of a seed, and the endless messages that it sends.

    >>> campaign = Campaign(1)
    >>> [project.name for project in campaign.projects], sum(len(p.annotators) for p in campaign.projects)
    (['street-scenes', 'support-tickets', 'radiology'], 40)
    >>> next(campaign.messages(START)).due
    0.0
    """

    def __init__(self, seed: int, *, goes_bad_after: float = GOES_BAD_AFTER, random_ids: bool = False) -> None:
        self.seed = seed
        self.goes_bad_after = goes_bad_after
        self.random_ids = random_ids
        self.projects = _cast(Random(f"cast {seed}"))
        # Of the middling ones by speed, so that enough gold comes their way at any rate.
        by_speed = sorted(self.projects[0].annotators, key=lambda annotator: annotator.seconds)
        self.bad_annotator = by_speed[len(by_speed) // 3]
        self.wrong_key_project = self.projects[2]

    def messages(self, start: datetime, rate: float = RATE) -> Iterator[Message]:
        """The messages, one every 1/rate seconds, without end; the same ones at every call."""
        return iter(_Run(self, start, rate))


def _cast(random: Random) -> tuple[Project, ...]:
    names = _NAMES.split()
    random.shuffle(names)

    def people(count: int, worst: float) -> tuple[Annotator, ...]:
        # Evenly spread skill rather than drawn: every seed has its best and its weakest, and none near an alarm.
        skills = [0.006 + (worst - 0.006) * rank / (count - 1) for rank in range(count)]
        random.shuffle(skills)
        return tuple(
            Annotator(
                name=names.pop(),
                vendor=random.choice(_VENDORS),
                error=skill,
                hard_error=0.18 + 8 * skill,
                seconds=random.uniform(5.0, 14.0),
            )
            for skill in skills
        )

    return (
        Project(
            name="street-scenes",
            task="weather",
            share=0.4,
            labels=("clear", "cloudy", "rain", "fog", "snow"),
            frequencies=(0.36, 0.28, 0.18, 0.1, 0.08),
            hard_share=0.15,
            slices={"city": ("bergen", "lagos", "lima", "osaka"), "night": (False, True)},
            annotators=people(15, 0.02),
        ),
        Project(
            name="support-tickets",
            task="intent",
            share=0.35,
            labels=("billing", "bug", "feature request", "account", "praise", "other"),
            frequencies=(0.24, 0.22, 0.14, 0.18, 0.1, 0.12),
            hard_share=0.2,
            slices={"channel": ("chat", "email", "phone"), "language": ("de", "en", "es", "pl")},
            annotators=people(14, 0.012),
            ambiguous=("feature request", "bug"),
            guideline_changes_after=150.0,
        ),
        Project(
            name="radiology",
            task="finding",
            share=0.25,
            labels=("normal", "effusion", "pneumonia"),
            frequencies=(0.5, 0.27, 0.23),
            hard_share=0.3,
            slices={"scanner": ("ward-2", "ward-5", "mobile")},
            annotators=people(11, 0.02),
            guideline_changes_after=180.0,
        ),
    )


@dataclass(slots=True)
class _Bench:
    """One project's work in progress."""

    project: Project
    speeds: list[float]  # cumulative, to draw annotators by
    frequencies: list[float]  # cumulative, to draw classes by
    open: list[_Item] = field(default_factory=list)
    items: int = 0
    guideline: str = "v1"


class _Run:
    """One pass over the campaign: the random numbers, the items in progress, and what is scheduled for later."""

    def __init__(self, campaign: Campaign, start: datetime, rate: float) -> None:
        self.campaign = campaign
        self.start = start
        self.rate = rate
        self.random = Random(f"run {campaign.seed}")
        self.benches = [
            _Bench(
                project,
                list(itertools.accumulate(1 / annotator.seconds for annotator in project.annotators)),
                list(itertools.accumulate(project.frequencies)),
            )
            for project in campaign.projects
        ]
        self.shares = list(itertools.accumulate(project.share for project in campaign.projects))
        self.scheduled: list[tuple[float, int, str, str, bytes]] = []
        self.ids = 0
        self.now = 0.0
        self.wrong_key_sent = False
        for project in campaign.projects:
            self._schedule(
                project.guideline_changes_after,
                project,
                Context(
                    **self._head("c", project.name, project.guideline_changes_after),
                    kind="guideline",
                    value="v2",
                    scope=project.task,
                ),
            )

    def __iter__(self) -> Iterator[Message]:
        for tick in itertools.count():
            self.now = tick / self.rate
            if not (self.scheduled and self.scheduled[0][0] <= self.now):
                self._work()
            _, _, project, kind, value = heapq.heappop(self.scheduled)
            yield Message(self.now, project, kind, value)

    def _schedule(self, due: float, project: Project, event: Event) -> None:
        self._schedule_bytes(due, project, type(event).__name__.lower(), encode(event))

    def _schedule_bytes(self, due: float, project: Project, kind: str, value: bytes) -> None:
        heapq.heappush(self.scheduled, (due, self.ids, project.name, kind, value))
        self.ids += 1  # ties leave in the order in which they were scheduled

    def _id(self, letter: str) -> str:
        if self.campaign.random_ids:
            return f"{letter}-{self.random.getrandbits(80):020x}"
        self.ids += 1
        return f"{letter}-{self.ids:08d}"

    def _time(self, due: float) -> datetime:
        return self.start + timedelta(microseconds=round(due * 1e6))

    def _head(self, letter: str, project: str, due: float) -> _Head:
        return {"id": self._id(letter), "source": SOURCE, "time": self._time(due), "project": project}

    def _work(self) -> None:
        """Someone answers an item; what follows from it (an edit, a review, a duplicate) is scheduled."""
        random = self.random
        bench = self.benches[_draw(random, self.shares)]
        while len(bench.open) < OPEN_ITEMS:
            self._open(bench)
        if self.scheduled and self.scheduled[0][0] <= self.now:
            return  # the key of a gold item that was just opened goes first
        at = random.randrange(len(bench.open))
        item = bench.open[at]
        annotator = item.waiting.pop()
        if not item.waiting:
            bench.open[at] = bench.open[-1]
            bench.open.pop()
        self._answer(bench, item, annotator)

    def _open(self, bench: _Bench) -> None:
        """A new item, hidden gold or not, is given to its annotators."""
        random, project = self.random, bench.project
        number, bench.items = bench.items, bench.items + 1
        truth = project.labels[_draw(random, bench.frequencies)]
        wrong_key = project is self.campaign.wrong_key_project and not self.wrong_key_sent and self.now >= 5
        gold = wrong_key or random.random() < GOLD_SHARE
        if project.ambiguous is not None and truth == project.ambiguous[0]:
            lure = project.ambiguous[1]
        else:
            lure = random.choice([label for label in project.labels if label != truth])
        item = _Item(
            id=self._id("i"),
            truth=truth,
            lure=lure,
            hard=not gold and random.random() < project.hard_share,
            gold=gold,
            batch=f"{project.name}-{number // 1000 + 1:03d}",
            slice={name: random.choice(values) for name, values in project.slices.items()},
            waiting=[],
        )
        if wrong_key:
            self.wrong_key_sent = True
            item.waiting.extend(project.annotators)
            random.shuffle(item.waiting)
        else:
            wanted = GOLD_ANNOTATORS if gold else random.choices((2, 3, 4), (10, 87, 3))[0]
            while len(item.waiting) < wanted:
                annotator = project.annotators[_draw(random, bench.speeds)]
                if annotator not in item.waiting:
                    item.waiting.append(annotator)
        if gold:
            late = not wrong_key and random.random() < LATE_GOLD_SHARE
            due = self.now + (random.uniform(3, 25) if late else 0)
            self._schedule(
                due,
                project,
                Gold(
                    **self._head("g", project.name, due),
                    item=item.id,
                    task=project.task,
                    accepted=[Answer(lure if wrong_key else truth)],
                ),
            )
        bench.open.append(item)

    def _answer(self, bench: _Bench, item: _Item, annotator: Annotator) -> None:
        random, project = self.random, bench.project
        if self.now >= project.guideline_changes_after:
            bench.guideline = "v2"
        bad = annotator is self.campaign.bad_annotator and self.now >= self.campaign.goes_bad_after
        seconds = annotator.seconds * random.lognormvariate(0, DURATION_SPREAD) * (1.2 if item.hard else 1)
        late = random.uniform(20, 120) if random.random() < LATE else 0
        skipped = random.random() < SKIPS * (3 if item.hard else 1)
        answer = Annotation(
            **self._head("a", project.name, self.now - late),
            item=item.id,
            task=project.task,
            annotator=annotator.name,
            label=None if skipped else self._label(project, item, annotator, bad=bad),
            skipped=skipped,
            duration_ms=max(300, round(1000 * seconds * (BAD_SPEED if bad else 1))),
            batch=item.batch,
            vendor=annotator.vendor,
            guideline=bench.guideline,
            slice=item.slice,
        )
        value = encode(answer)
        if random.random() < BROKEN:
            value = _broken(random, value)
            self._schedule_bytes(self.now, project, "broken", value)
            return
        self._schedule_bytes(self.now, project, "annotation", value)
        self._follow(project, item, annotator, answer, value, bad=bad)

    def _label(self, project: Project, item: _Item, annotator: Annotator, *, bad: bool) -> str:
        if bad:
            error = BAD_ERROR
        elif project.ambiguous is not None and item.truth == project.ambiguous[0]:
            error = AMBIGUOUS_GOLD_ERROR if item.gold else AMBIGUOUS_ERROR
        else:
            error = annotator.hard_error if item.hard else annotator.error
        random = self.random
        if random.random() >= error:
            return item.truth
        if random.random() < 0.8:
            return item.lure
        return random.choice([label for label in project.labels if label != item.truth])

    def _follow(
        self, project: Project, item: _Item, annotator: Annotator, answer: Annotation, value: bytes, *, bad: bool
    ) -> None:
        """What some answers bring about later."""
        random = self.random
        later = self.now + random.uniform(2, 30)
        what = random.random()
        if what < DUPLICATES:
            self._schedule_bytes(self.now + random.uniform(0.1, 3), project, "annotation", value)
            return
        what -= DUPLICATES
        head = self._head("e", project.name, later)
        if what < EDITS:
            label = item.truth if random.random() < 0.85 else random.choice(project.labels)
            edit = msgspec.structs.replace(answer, **head, annotation=answer.id, revision=1, label=label, skipped=False)
            self._schedule(later, project, edit)
            return
        what -= EDITS
        if what < RETRACTIONS:
            self._schedule(later, project, Retraction(**head, annotation=answer.id))
            return
        what -= RETRACTIONS
        if what < REPEATS and not answer.skipped:
            label = self._label(project, item, annotator, bad=bad)
            self._schedule(later, project, msgspec.structs.replace(answer, **head, label=label))
            return
        what -= REPEATS
        if what < REVIEWS and not answer.skipped:
            right = answer.label == item.truth
            review = Review(
                **head,
                annotation=answer.id,
                reviewer=f"lead-{project.name}",
                verdict="accept" if right else "fix",
                label=None if right else item.truth,
            )
            self._schedule(later, project, review)


def _draw(random: Random, cumulative: list[float]) -> int:
    """An index with the probability that its step in the cumulative weights has."""
    return min(bisect(cumulative, random.random() * cumulative[-1]), len(cumulative) - 1)


def _broken(random: Random, value: bytes) -> bytes:
    """The message as a faulty producer would send it: one dead letter each."""
    faults: tuple[Callable[[bytes], bytes], ...] = (
        lambda sound: sound[: len(sound) // 2],
        lambda sound: sound.replace(b'Z","project"', b'","project"'),
        lambda sound: sound.replace(b'"item":', b'"itm":'),
        lambda sound: sound.replace(b'"type":"annotation"', b'"type":"annotated"'),
        lambda sound: sound.replace(b'"duration_ms":', b'"duration_ms":-'),
        lambda sound: sound.replace(b'"batch":"', b'"batch":"\\u0007'),
        lambda _: b"[]",
    )
    return random.choice(faults)(value)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `kappawatch simulate`."""
    parser.add_argument("--events", type=whole(0), default=10_000, metavar="N", help="how many (default 10000)")
    parser.add_argument(
        "--seed", type=whole(), default=1, metavar="S", help="another seed, another campaign (default 1)"
    )
    parser.add_argument(
        "--rate", type=positive, default=RATE, metavar="R", help=f"events a second, in event time (default {RATE:g})"
    )
    parser.add_argument(
        "--start", type=_start, default=START, metavar="ISO", help=f"time of the first event (default {START:%FT%TZ})"
    )
    parser.add_argument("--random-ids", action="store_true", help="ids as random as UUIDs, instead of counted ones")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write there instead of to standard output; .gz is compressed"
    )


def run(args: argparse.Namespace) -> int:
    """Write a campaign as JSON lines."""
    campaign = Campaign(args.seed, random_ids=args.random_ids)
    if microseconds(args.start) + 1e6 * args.events / args.rate >= LATEST:
        raise Refused(f"--start {args.start:%FT%TZ}: the events would end after 2099; start earlier or raise --rate")
    with _output(args.output) as lines:
        for message in itertools.islice(campaign.messages(args.start, args.rate), args.events):
            lines.write(message.value + b"\n")
    return 0


@contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes] | gzip.GzipFile]:
    if path is None:
        yield sys.stdout.buffer
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise Refused(f"--output {path}: cannot be written ({error.strerror}); name another file") from error
    try:
        with file:
            if path.suffix != ".gz":
                yield file
            else:
                # Neither name nor time in the header: equal campaigns, equal files.
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                    yield packed
    except OSError as error:
        raise Unavailable(f"--output {path}: writing failed ({error.strerror}); the file is incomplete") from error


def _start(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise wrong("a time such as 2026-01-05T08:00:00Z", text) from None
    if time.tzinfo is None:
        raise wrong("a time with its offset, such as 2026-01-05T08:00:00Z", text)
    if not EARLIEST <= microseconds(time) < LATEST:
        raise wrong("a time from 1990 to 2099", text)
    return time
