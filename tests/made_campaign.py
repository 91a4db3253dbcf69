"""A small campaign with everything in it: for tests that need all tables filled and some alarms raised."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any, Final

from streams.events import Event
from tests.made_events import annotation, boxes, context, erasure, gold, messages, preference, retraction, review

REFUSED: Final = (
    b"{",
    b'{"type": "annotation"}',
    b'{"type": "gold", "id": "canary"}',
    b'{"id": "e", "source": "s", "type": "vote", "time": "2024-05-01T12:00:00Z", "project": "news"}',
    b"[]",
)
"""Messages that are no events."""


def work(seed: int, items: int = 240) -> list[Event]:
    """Six annotators: one is bad for a while, one at the end, one always, who is erased; some keys are wrong until mended.

    Gold is late at times; annotations are edited, withdrawn and moved to other items.
    """
    chance = Random(seed)
    events: list[Event] = []
    for number in range(items):
        item, right = f"i{number}", chance.choice("ab")
        seconds = 60 * number
        mistaken = 180 <= number < 190
        if number % 3 or mistaken:
            key = "z" if mistaken else right
            events.append(gold(item, key, seconds=seconds + chance.choice((-30, 900))))
        if mistaken:
            events.append(gold(item, right, seconds=60 * 200 + number, version=1, id=f"mended-{number}"))
        for place in range(6):
            annotator = f"n{place}"
            bad = (place == 0 and 40 <= number < 70) or (place == 1 and number >= items - 25) or place == 5
            if chance.random() < 0.8:
                label = right if chance.random() > (0.6 if bad else 0.02) else "c"
                duration = round(1000 * (2 if bad else 12) * chance.lognormvariate(0, 0.3))
                moment = seconds + chance.random()
                events.append(annotation(annotator, item, label, moment, duration_ms=duration))
                if chance.random() < 0.02:
                    events.append(annotation(annotator, item, right, moment + 900, revision=1, id=f"edit-{number}"))
                if chance.random() < 0.02:
                    events.append(retraction(f"{annotator}-{item}", moment + 1200))
                if chance.random() < 0.02:
                    moved = {"annotation": f"{annotator}-{item}", "id": f"move-{number}", "revision": 2}
                    events.append(annotation(annotator, f"i{max(0, number - 2)}", label, moment + 1500, **moved))
    events.append(erasure("n5", 60 * 170))
    order = sorted(range(len(events)), key=lambda place: (events[place].time.timestamp(), place))
    return [events[place] for place in order]


def others() -> list[Event]:
    """Another project with labels of every shape, other stages, reviews, contexts, and what never counts."""
    fields: dict[str, Any] = {"project": "shapes"}
    events: list[Event] = [context("c1", 1, **fields), context("c2", 2, kind="vendor", value="acme", **fields)]
    labels: dict[str, list[Any]] = {
        "score": [1, 2.5, 1],
        "tags": [["a", "b"], ["b", "a"], ["c"]],
        "region": [boxes([0, 0, 5, 5]), boxes([1, 1, 5, 5]), boxes()],
        "pair": [preference("A", "B"), preference("B", "A"), preference("A", "B")],
        "mixed": ["yes", 1, True],
    }
    for task, given in labels.items():
        for number in range(4):
            item = f"{task}-{number}"
            for place, label in enumerate(given):
                vendor = {"vendor": ("", "acme", "opaline")[place]}
                more = vendor if place else {"batch": f"b{number}", "slice": {"lang": "de", "level": place}}
                events.append(annotation(f"n{place}", item, label, 10 * number + place, task=task, **more, **fields))
        events.append(gold(f"{task}-0", given[0], given[1], weights=[0.5, 1], task=task, **fields))
        events.append(review(f"n0-{task}-1", "rita", 200, verdict="fix", label=given[1], **fields))
        events.append(annotation("rita", f"{task}-2", given[1], 201, task=task, stage="review", **fields))
        events.append(annotation("n0", f"{task}-3", None, 202, task=task, annotation=f"skip-{task}", **fields))
    events += [retraction("never-came", 300, **fields), gold("never-annotated", "yes", **fields)]
    return events


@lru_cache(maxsize=8)
def campaign(seed: int = 1, items: int = 240) -> tuple[bytes, ...]:
    """All of it as messages: one by one, some in arrays, some sent again, some refused."""
    found = messages([*work(seed, items), *others()])
    chance = Random(seed)
    pages = [b"[" + b",".join(found[place : place + 3]) + b"]" for place in range(0, 60, 3)]
    again = [message for message in found if chance.random() < 0.02]
    return (*pages, *found[60:], *REFUSED, *again)
