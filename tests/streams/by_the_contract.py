"""What counts, read off a set of events by the words of the event contract; slow, and shares no code with the fold.

Identity, order, retraction, repeats, gold versions, erasure: each rule is a few lines over the whole set. The figures
are counts and two coefficients from their definitions, in fractions, of the whole and of each class.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from streams.events import Annotation, Erasure, Event, Gold, Retraction, Shape

CATEGORIES = {"nominal", "multilabel", "preference"}
SHAPES = ("nominal", "interval", "multilabel", "boxes", "spans", "preference")


def figures(events: Iterable[Event]) -> dict[str, dict[str, dict[str, Any]]]:
    """By project and task: what the document must say."""
    events = list(events)
    found: dict[str, dict[str, dict[str, Any]]] = {event.project: {} for event in events}
    for project, tasks in found.items():
        own = [event for event in events if event.project == project]
        in_force = _in_force(own)
        for task in sorted({annotation.task for annotation in in_force}):
            annotations = [annotation for annotation in in_force if annotation.task == task]
            tasks[task] = _task(annotations, _keys(own, task))
    return found


def _in_force(events: Sequence[Event]) -> list[Annotation]:
    erased = {event.annotator for event in events if isinstance(event, Erasure)}
    deliveries: dict[str, list[Annotation]] = defaultdict(list)
    for event in events:
        if isinstance(event, Annotation) and event.annotator not in erased:
            deliveries[event.key].append(event)
    found = []
    for key, delivered in deliveries.items():
        highest = max(delivered, key=lambda event: (event.revision, event.at, event.id, event.canonical()))
        retractions = [event for event in events if isinstance(event, Retraction) and event.annotation == key]
        withdrawn = any(
            retraction.revision is None or (highest.revision, highest.at) <= (retraction.revision, retraction.at)
            for retraction in retractions
        )
        if not withdrawn:
            found.append(highest)
    return found


def _keys(events: Sequence[Event], task: str) -> dict[str, Gold]:
    keys: dict[str, Gold] = {}
    for event in events:
        if isinstance(event, Gold) and event.task == task:
            held = keys.get(event.item)
            if held is None or _gold_order(held) < _gold_order(event):
                keys[event.item] = event
    return {item: gold for item, gold in keys.items() if gold.accepted}


def _gold_order(gold: Gold) -> tuple[int, int, str, bytes]:
    return gold.version, gold.at, gold.id, gold.canonical()


def _label(label: object) -> tuple[str, object]:
    if isinstance(label, bool):
        return "nominal", "true" if label else "false"
    if isinstance(label, str):
        return "nominal", label
    if isinstance(label, int | float):
        return "interval", Fraction(str(label))
    if isinstance(label, list):
        return "multilabel", frozenset(label)
    assert isinstance(label, Shape)
    if isinstance(label.boxes, list):
        return "boxes", None
    if isinstance(label.spans, list):
        return "spans", None
    if label.tie is True:
        return "preference", "tie"
    return "preference", "first" if label.chosen == min(label.chosen, label.rejected) else "second"  # type: ignore[type-var]


def _task(annotations: Sequence[Annotation], keys: dict[str, Gold]) -> dict[str, Any]:
    work = [annotation for annotation in annotations if annotation.stage == "annotate"]
    latest: dict[tuple[str, str], Annotation] = {}
    for annotation in work:
        place = (annotation.item, annotation.annotator)
        held = latest.get(place)
        if held is None or (held.at, held.key) < (annotation.at, annotation.key):
            latest[place] = annotation
    labels = {place: _label(event.label) for place, event in latest.items() if not event.skipped}
    shapes = Counter(shape for shape, _ in labels.values())
    shape = min(shapes, key=lambda name: (-shapes[name], SHAPES.index(name))) if shapes else None
    counting = {place: label for place, (kind, label) in labels.items() if kind == shape}
    items: dict[str, list[object]] = defaultdict(list)
    for (item, _), label in counting.items():
        items[item].append(label)
    given: dict[str, list[object]] = defaultdict(list)
    for place in counting:
        given[place[0]].append(latest[place].label)
    answers, correct = _gold(counting, keys, shape)
    return {
        "label_type": shape,
        "annotations": len(work),
        "items": len({annotation.item for annotation in work}),
        "annotators": len({annotation.annotator for annotation in work}),
        "unfit": len(labels) - len(counting),
        "pairable_items": sum(len(given) > 1 for given in items.values()),
        "given": given,
        "disputed": {item: Counter(given) for item, given in items.items() if len({*given}) > 1},
        "answers": answers,
        "correct": correct,
        "percent": _percent(items.values()) if shape in CATEGORIES else None,
        "percent_pairs": _percent_pairs(items.values()) if shape in CATEGORIES else None,
        "alpha": _alpha(items.values(), shape),
        "repeats": _repeats(work),
        "alpha_jaccard": _alpha(items.values(), "jaccard") if shape == "multilabel" else None,
        "classes": _classes(items.values(), shape),
        "stages": dict(Counter(annotation.stage for annotation in annotations)),
        "by_annotator": dict(Counter(annotation.annotator for annotation in work)),
        "by_vendor": dict(Counter(annotation.vendor for annotation in work if annotation.vendor is not None)),
    }


def _repeats(work: Sequence[Annotation]) -> dict[str, tuple[int, int]]:
    """By annotator: how often an item was labelled once more, and how often with the same label."""
    given: dict[tuple[str, str], list[Annotation]] = defaultdict(list)
    for annotation in work:
        if not annotation.skipped:
            given[annotation.annotator, annotation.item].append(annotation)
    found: dict[str, tuple[int, int]] = {}
    for (annotator, _), own in given.items():
        own.sort(key=lambda annotation: (annotation.at, annotation.key))
        for before, after in pairwise(own):
            pairs, equal = found.get(annotator, (0, 0))
            found[annotator] = pairs + 1, equal + (_content(before.label) == _content(after.label))
    return found


def _content(label: object) -> object:
    """What of a label must be equal for two to be equal."""
    if isinstance(label, Shape) and isinstance(label.boxes, list):
        return Counter((*(Fraction(str(number)) for number in box.bbox), box.label) for box in label.boxes)
    if isinstance(label, Shape) and isinstance(label.spans, list):
        return Counter((span.start, span.end, span.type) for span in label.spans)
    return _label(label)


def _gold(counting: dict[tuple[str, str], object], keys: dict[str, Gold], shape: str | None) -> tuple[int, int]:
    if shape in {"boxes", "spans", None}:
        return 0, 0
    answers = [
        label
        in {
            _label(answer.label)[1]
            for answer in keys[item].accepted
            if answer.weight > 0 and _label(answer.label)[0] == shape
        }
        for (item, _), label in counting.items()
        if item in keys
    ]
    return len(answers), sum(answers)


def _percent(items: Iterable[Sequence[object]]) -> Fraction | None:
    shares = []
    for labels in items:
        m = len(labels)
        if m > 1:
            agreeing = sum(n * (n - 1) for n in Counter(labels).values())
            shares.append(Fraction(agreeing, m * (m - 1)))
    return sum(shares, Fraction(0)) / len(shares) if shares else None


def _percent_pairs(items: Iterable[Sequence[object]]) -> Fraction | None:
    pairs = agreeing = 0
    for labels in items:
        pairs += len(labels) * (len(labels) - 1)
        agreeing += sum(n * (n - 1) for n in Counter(labels).values())
    return Fraction(agreeing, pairs) if pairs else None


def _masi(one: frozenset[str], other: frozenset[str]) -> Fraction:
    if one == other:
        return Fraction(0)
    nested = one < other or other < one
    return 1 - Fraction(len(one & other), len(one | other)) * Fraction(2 if nested else 1, 3)


def _classes(items: Collection[Sequence[Any]], shape: str | None) -> dict[str, tuple[int, Fraction | None]] | None:
    """Of each class how many labels are of it, and alpha of being of it or not."""
    if shape in {"boxes", "spans"}:
        return None  # theirs are inside the labels
    if shape == "interval":
        return {}
    of = (lambda label: label) if shape == "multilabel" else (lambda label: (label,))
    counts = Counter(name for labels in items for label in labels for name in of(label))
    return {
        name: (n, _alpha([[name in of(label) for label in labels] for labels in items], "nominal"))
        for name, n in counts.items()
    }


def _alpha(items: Iterable[Sequence[Any]], shape: str | None) -> Fraction | None:
    """By the metric of the label type: pair by pair, within items and among all labels."""
    metrics: dict[str | None, Callable[[Any, Any], Any]] = {
        "nominal": lambda one, other: one != other,
        "preference": lambda one, other: one != other,
        "interval": lambda one, other: (one - other) ** 2,
        "jaccard": lambda one, other: Fraction(len(one ^ other), len(one | other) or 1),
        "multilabel": _masi,
    }
    if shape not in metrics:
        return None
    apart = metrics[shape]
    pairable = [labels for labels in items if len(labels) > 1]
    together = [label for labels in pairable for label in labels]
    expected = Fraction(sum(apart(one, other) for one in together for other in together))
    if not expected:
        return None
    observed = sum(
        (
            Fraction(sum(apart(one, other) for one in labels for other in labels), len(labels) - 1)
            for labels in pairable
        ),
        Fraction(0),
    )
    return 1 - (len(together) - 1) * observed / expected
