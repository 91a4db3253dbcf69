"""Hypothesis strategies of valid events, over id spaces so small that their deliveries collide all the time.

`events` are JSON objects, `spell` writes one of the many spellings of an object, and `event_sets` are lists of messages.
A set of a few dozen events has edits, ties, repeats, withdrawals before and after what they withdraw, late and corrected
gold, reviews of annotations that never come, erasures, and annotations that move to another item, task or annotator.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

Fields = dict[str, Any]

START = datetime(2024, 3, 1, 12, tzinfo=UTC)
STEPS = (timedelta(0), timedelta(microseconds=1), timedelta(seconds=40), timedelta(hours=3), timedelta(days=2))
TIMES = tuple((START + step).isoformat().replace("+00:00", "Z") for step in STEPS)

PROJECTS = ("news",)
ITEMS = ("i1", "i2", "i3")
ANNOTATORS = ("ann", "bob", "cleo", "dée")
ANNOTATIONS = ("a1", "a2", "a3", "a4", "a5", "a6")
EVENT_IDS = (*(f"e{number}" for number in range(12)), "a1", "a2")  # an event's id may be what another calls annotation
REVISIONS = (0, 0, 0, 1, 2)

_BOX = {"bbox": [10, 20, 30, 40], "class": "car"}
LABELS: dict[str, tuple[object, ...]] = {
    "label": ("yes", "no", 'perhaps "so"', "nein \\ 否", True, "true"),
    "score": (1, 2, 3, 0.5, -1, 1e-3),
    "tags": (["a"], ["a", "b"], ["b", "a"], ["c", "b"], []),
    "region": (
        {"boxes": [_BOX]},
        {"boxes": [_BOX, {"bbox": [10.5, 20, 30, 41]}]},
        {"boxes": []},
        {"spans": [{"start": 0, "end": 5, "type": "name"}]},
        {"spans": [{"start": 1, "end": 5}]},
    ),
    "pair": ({"chosen": "A", "rejected": "B"}, {"chosen": "B", "rejected": "A"}, {"tie": True}),
}
TASKS = tuple(LABELS)
_ANY_LABEL = tuple(label for labels in LABELS.values() for label in labels)

_DETAILS: dict[str, dict[str, tuple[object, ...]]] = {
    "annotation": {
        "duration_ms": (None, 0, 900, 5_000, 61_000, 30 * 86_400_000),
        "batch": (None, "b1", "b2"),
        "vendor": (None, "acme", "größer"),
        "guideline": ("v1", "v2"),
        "session": ("s-1",),
        "slice": (None, {}, {"lang": "de"}, {"lang": "en", "paid": True}, {"level": 1}, {"level": 2.5}),
        "prelabel": (None, *({"label": label, "model": "m-1", "confidence": 0.25} for label in _ANY_LABEL)),
        "order": (None, ["A", "B"], ["B", "A"]),
    },
    "gold": {"authority": (None, "lead", "vendor")},
    "review": {"category": (None, "minor"), "cause": (None, "guideline")},
    "context": {"scope": (None, "label", {}, {"vendor": "acme"})},
}
_OF_ANY: dict[str, tuple[object, ...]] = {
    "contract": (1, "1", "1.2"),
    "x_unknown": (None, "free text", {"deep": [{"er": [1e3]}]}, [[], {}]),
}


def _details(kind: str, seed: int) -> Fields:
    """Fields that say nothing about identity or order, from one small number, which is cheap to draw; none for 0."""
    chance = random.Random(seed)
    choices: dict[str, tuple[object, ...]] = {**_DETAILS.get(kind, {}), **_OF_ANY}
    return {name: chance.choice(values) for name, values in choices.items() if seed and chance.random() < 0.4}


_SEEDS = st.integers(0, 2**12)
_KINDS = st.sampled_from(
    ("annotation",) * 20 + ("retraction",) * 3 + ("gold",) * 4 + ("review",) * 3 + ("context", "erasure")
)


@st.composite
def events(
    draw: st.DrawFn,
    projects: Sequence[str] = PROJECTS,
    tasks: Sequence[str] = TASKS,
    kinds: st.SearchStrategy[str] = _KINDS,
) -> Fields:
    """A valid event of any of the six types as a JSON object; most are annotations, most of the first task."""
    kind = draw(kinds)
    fields: Fields = {
        "type": kind,
        "id": draw(st.sampled_from(EVENT_IDS)),
        "source": "tool",
        "time": draw(st.sampled_from(TIMES)),
        "project": draw(st.sampled_from(projects)),
        **_details(kind, draw(_SEEDS)),
    }
    if kind in {"annotation", "gold", "review"}:
        task = draw(st.sampled_from((tasks[0],) * len(tasks) + tuple(tasks)))
    if kind == "annotation":
        fields |= {"item": draw(_items), "annotator": draw(_annotators), "task": task, **draw(_ANSWERS[task])}
        fields |= draw(_DELIVERIES)
        fields["stage"] = draw(_STAGES)
    elif kind == "retraction":
        fields |= {"annotation": draw(st.sampled_from((*ANNOTATIONS, "e1", "e2"))), **draw(_LIMITS)}
    elif kind == "gold":
        fields |= {"item": draw(_items), "task": task, "accepted": draw(_KEYS[task]), "version": draw(_revisions)}
    elif kind == "review":
        fields |= {
            "annotation": draw(st.sampled_from((*ANNOTATIONS, "e1"))),
            "reviewer": draw(st.sampled_from(("rita", ANNOTATORS[0]))),
            "verdict": draw(st.sampled_from(("accept", "fix", "reject"))),
            "stage": draw(st.sampled_from(("review", "audit"))),
            "revision": draw(_revisions),
        }
        if fields["verdict"] == "fix":
            fields["label"] = draw(_labels(task))
    elif kind == "context":
        fields["kind"] = draw(st.sampled_from(("guideline", "vendor", "tool", "model", "training", "taxonomy")))
        fields["value"] = draw(st.sampled_from(("v1", "v2", "")))
    else:
        fields["annotator"] = draw(_annotators)
    return fields


def _labels(task: str) -> st.SearchStrategy[object]:
    return st.sampled_from(_mostly_own(task))


def _mostly_own(task: str) -> tuple[object, ...]:
    """Labels of the task, and one in ten or so of another's shape, which does not fit."""
    return LABELS[task] * (150 // len(LABELS[task])) + _ANY_LABEL


def _answers(task: str) -> st.SearchStrategy[Fields]:
    """A label, a skip, and rarely a skip that carries a label all the same."""
    given = [{"label": label} for label in _mostly_own(task)]
    skips = [{"skipped": True}, {"skipped": True, "label": None}, {"skipped": True, "label": LABELS[task][0]}]
    return st.sampled_from(given + skips * (len(given) // 20))


def _keys(task: str) -> st.SearchStrategy[list[Fields]]:
    """Accepted answers: one, several, weighted ones, none."""
    labels = LABELS[task]
    single = [[{"label": label}] for label in labels]
    several = [[{"label": one, "weight": 0.5}, {"label": other}] for one in labels[:2] for other in labels[1:3]]
    nothing = [[{"label": labels[0], "weight": 0}], []]
    return st.sampled_from(single * 2 + several + nothing * 2)


_items = st.sampled_from(ITEMS)
_annotators = st.sampled_from(ANNOTATORS)
_revisions = st.sampled_from(REVISIONS)
_STAGES = st.sampled_from(("annotate",) * 9 + ("review", "adjudicate", "model"))
_LIMITS: st.SearchStrategy[Fields] = st.sampled_from(
    ({}, {}, {"revision": None}, {"revision": 0}, {"revision": 1}, {"revision": 2})
)
_DELIVERIES = st.sampled_from(
    [{}] * 6 + [{"annotation": name, "revision": revision} for name in ANNOTATIONS for revision in REVISIONS]
)
_ANSWERS = {task: _answers(task) for task in TASKS}
_KEYS = {task: _keys(task) for task in TASKS}


SPELLINGS = st.integers(0, 2**16)


@st.composite
def event_sets(
    draw: st.DrawFn,
    projects: Sequence[str] = PROJECTS,
    tasks: Sequence[str] = TASKS[:2],
    min_size: int = 1,
    max_size: int = 30,
    most_repeats: int = 5,
) -> list[bytes]:
    """Messages of one or several projects, each one event, some of them sent again in the same or another spelling."""
    sent = draw(st.lists(events(projects, tasks), min_size=min_size, max_size=max_size))
    again = draw(st.lists(st.sampled_from(sent), max_size=most_repeats)) if sent else []
    return [spell(fields, draw(SPELLINGS)) for fields in (*sent, *again)]


_DEFAULTS: dict[str, Fields] = {
    "annotation": {
        "task": "label", "revision": 0, "stage": "annotate", "skipped": False, "label": None, "duration_ms": None,
        "batch": None, "vendor": None, "guideline": None, "session": None, "slice": None, "prelabel": None, "order": None,
    },
    "retraction": {"revision": None},
    "gold": {"task": "label", "authority": None, "version": 0},
    "review": {"label": None, "category": None, "cause": None, "stage": "review", "revision": 0},
    "context": {"scope": None},
    "erasure": {},
}  # fmt: skip
_BY_VALUE = {"label", "slice", "prelabel", "accepted", "bbox", "confidence", "weight"}  # where 1, 1.0 and 1e0 are one


def spell(fields: Fields, seed: int) -> bytes:
    """The object as JSON; 0 is the plain spelling, other seeds vary all that does not change its content.

    That is: the order of keys, white space, escapes, the time's offset, numbers of one value, defaults given or left
    out, an annotation's id that is the event's own, and the minor version of the contract.
    """
    if seed == 0:
        return json.dumps(fields).encode()
    chance = random.Random(seed)
    defaults = _DEFAULTS[fields["type"]]
    given = {
        name: value
        for name, value in fields.items()
        if chance.random() < 0.5 or not _says_nothing(name, value, defaults)
    }
    given |= {name: value for name, value in defaults.items() if name not in fields and chance.random() < 0.2}
    if fields["type"] == "annotation" and "annotation" not in fields and chance.random() < 0.3:
        given["annotation"] = fields["id"]
    given["contract"] = chance.choice((1, "1", "1.0", "1.9"))
    if chance.random() < 0.5:
        del given["contract"]
    offset = timezone(timedelta(minutes=chance.choice((0, 0, 120, -330))))
    given["time"] = datetime.fromisoformat(fields["time"]).astimezone(offset).isoformat()
    if chance.random() < 0.3:
        given["x_more"] = [None, {"unknown": "fields are ignored"}]
    text = _write(given, chance, by_value=False)
    return (text if chance.random() < 0.9 else f" \n{text}\t").encode()


def _says_nothing(name: str, value: object, defaults: Fields) -> bool:
    return name in defaults and (value == defaults[name] or value == {}) and value is not False


def _write(value: object, chance: random.Random, *, by_value: bool) -> str:
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        space = chance.choice(("", "", " ", "\n\t"))
        parts = []
        for name in names:
            inside = (by_value or name in _BY_VALUE) and name != "spans"
            spelled = _write(value[name], chance, by_value=inside)
            parts.append(f"{_write(name, chance, by_value=False)}{space}:{spelled}")
        return "{" + f",{space}".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_write(part, chance, by_value=by_value) for part in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=chance.random() < 0.5)
    if by_value and isinstance(value, int) and not isinstance(value, bool):
        return chance.choice((f"{value}", f"{value}.0", f"{value}e0", f"{value}.000E+0"))
    return json.dumps(value)
