"""The replay document (see docs/document.md): all that a store says, as one JSON object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from detectors.alarms import Alarm
from detectors.config import TaskConfig
from detectors.keys import TaskKey
from detectors.panes import PANE
from detectors.repeats import Consistency, Repeats
from detectors.scope import Scope
from detectors.summary import ScopeSummary, TaskStatistics
from detectors.watermark import reached
from streams.alerts import alert, rfc3339
from streams.corrections import NOTHING_CORRECTED, Corrections, corrections
from streams.disputed import MOST_DISPUTED, disputed
from streams.privacy import Privacy
from streams.store import rows
from streams.store.base import Store
from streams.store.tables import ALARMS, CLOCKS, DEAD_LETTERS, HOMES, PAIRS, PROJECTS, SCOPES
from streams.stored_labels import Wanted, stored_labels
from streams.wide_items import wide_items
from streams.windowing import OverTime, Windowing

Document = dict[str, Any]

MOST_DEAD_LETTERS = 100
MOST_CONFUSED = 100

NOT_OVER_TIME = OverTime()


def document(
    store: Store,
    configure: Callable[[str, str], TaskConfig],
    privacy: Privacy,
    *,
    project: str | None = None,
    where: Callable[[str, int, int, int], str] | None = None,
    over_time: OverTime = NOT_OVER_TIME,
    most_disputed: int = MOST_DISPUTED,
) -> Document:
    """The document of a store; `project` leaves out all others, `where` spells a dead letter's place.

    `over_time` says which figures over time each task has. For its `most_disputed` items all annotations are read, and where
    intervals need whole items once more; 0 leaves out both.
    """
    where = where or _place
    events = dict.fromkeys(("received", "applied", "duplicates", "erased", "dead_letters", "forwarded"), 0)
    projects: dict[str, Document] = {}
    alarms: list[Alarm] = []
    names: dict[tuple[str, str], str] = {}
    letters: list[Document] = []
    for home in store.homes():
        _count(events, store, home)
        lacking: dict[TaskKey, _Lacking] = {}
        found = _projects(store, home, configure, project, privacy, names, over_time, lacking)
        if most_disputed:
            _add_intervals(found, store, home, configure, lacking)
            _add_products(found, store, home, lacking, over_time)
            _add_disputed(found, store, home, configure, most_disputed)
        projects.update(found)
        alarms.extend(rows.alarm(row) for row in store.scan(ALARMS, home))
        for row in store.scan(DEAD_LETTERS, home):
            if len(letters) == MOST_DEAD_LETTERS:
                break
            letters.append(_letter(row, where))
    shown = [alarm for alarm in alarms if project is None or alarm.cause.project == project]
    return {
        "events": events,
        "projects": dict(sorted(projects.items())),
        "dead_letters": letters,
        "alarms": [_alarm(alarm, names) for alarm in sorted(shown, key=lambda alarm: (alarm.raised_at, alarm.id))],
    }


def _count(events: dict[str, int], store: Store, home: int) -> None:
    for row in store.scan(HOMES, home):
        _, _, _, received, dead_letters, forwarded, *_ = cast("tuple[int, int, str, int, int, int]", row)
        events["received"] += received
        events["dead_letters"] += dead_letters
        events["forwarded"] += forwarded
    for row in store.scan(PROJECTS, home):
        for name, count in zip(("applied", "duplicates", "erased"), cast("list[int]", row[2:]), strict=True):
            events[name] += count


class _Lacking(NamedTuple):
    """A task of which figures lack an interval that its items tell, and what else its part of the document is made of."""

    statistics: TaskStatistics
    moment: int
    corrected: Corrections


def _projects(
    store: Store,
    home: int,
    configure: Callable[[str, str], TaskConfig],
    only: str | None,
    privacy: Privacy,
    names: dict[tuple[str, str], str],
    over_time: OverTime,
    lacking: dict[TaskKey, _Lacking],
) -> dict[str, Document]:
    """By project what its tasks say; `lacking` is filled."""
    found: dict[str, Document] = {}
    for row in store.scan(PROJECTS, home):
        project = cast("str", row[1])
        if only is None or project == only:
            found[project] = {"tasks": {}}
            moment, corrected = 0, dict[str, Corrections]()
            if over_time.windows:
                moment = reached(rows.clock(held)[2] for held in store.scan(CLOCKS, home, project))
                corrected = corrections(store, home, project)
            for task, statistics in _tasks(
                store, home, project, configure, privacy, names, over_time=bool(over_time)
            ).items():
                if not statistics.empty:
                    of_task = corrected.get(task, NOTHING_CORRECTED)
                    found[project]["tasks"][task] = task_document(statistics, over_time, moment, of_task)
                    if statistics.fewest_labels is not None or statistics.wide:
                        lacking[project, task] = _Lacking(statistics, moment, of_task)
    return found


def _add_intervals(
    projects: Document,
    store: Store,
    home: int,
    configure: Callable[[str, str], TaskConfig],
    lacking: Mapping[TaskKey, _Lacking],
) -> None:
    """The intervals that only whole items tell; a task's figures are those of the stage `annotate`."""
    wanted = {
        key: Wanted(configure(*key), statistics.label_type, statistics.fewest_labels)
        for key, (statistics, *_) in lacking.items()
        if statistics.label_type is not None and statistics.fewest_labels is not None
    }
    for (project, task), items in stored_labels(store, home, wanted).items():
        held, statistics = projects[project]["tasks"][task], lacking[project, task].statistics
        found = {name: reading.as_document() for name, reading in statistics.intervals(items).items()}
        held["agreement"].update(found)
        held["by"]["stage"]["annotate"]["agreement"].update(found)


def _add_products(
    projects: Document, store: Store, home: int, lacking: Mapping[TaskKey, _Lacking], over_time: OverTime
) -> None:
    """Read the tasks anew of which items have more categories than products are kept of."""
    wide = {key: statistics.label_type or "" for key, (statistics, *_) in lacking.items() if statistics.wide}
    for (project, task), items in wide_items(store, home, wide).items():
        statistics, moment, corrected = lacking[project, task]
        projects[project]["tasks"][task] = task_document(statistics.widened(items), over_time, moment, corrected)


def _add_disputed(
    projects: Document, store: Store, home: int, configure: Callable[[str, str], TaskConfig], most: int
) -> None:
    tasks = {(project, task): held for project in projects for task, held in projects[project]["tasks"].items()}
    types = {key: (configure(*key), held["label_type"]) for key, held in tasks.items()}
    for key, found in disputed(store, home, types, most).items():
        tasks[key].update(found)


def _tasks(
    store: Store,
    home: int,
    project: str,
    configure: Callable[[str, str], TaskConfig],
    privacy: Privacy,
    names: dict[tuple[str, str], str],
    *,
    over_time: bool,
) -> dict[str, TaskStatistics]:
    scopes: dict[str, dict[tuple[str, str], Scope]] = {}
    for row in store.scan(SCOPES, home, project):
        if row[3] == PANE and not over_time:
            continue
        key, scope = rows.scope(row)
        scopes.setdefault(key.task, {})[key.dimension, key.value] = scope
        if key.dimension == "annotator":
            names[project, privacy.pseudonym(project, key.value)] = key.value
    pairs: dict[str, dict[tuple[str, str, str], dict[str, int]]] = {}
    for row in store.scan(PAIRS, home, project):
        pair, confusion = rows.pair(row)
        pairs.setdefault(pair.task, {})[pair.label_type, pair.a, pair.b] = confusion
    return {
        task: TaskStatistics(configure(project, task), held, pairs.get(task)) for task, held in sorted(scopes.items())
    }


def task_document(
    statistics: TaskStatistics,
    over_time: OverTime = NOT_OVER_TIME,
    moment: int = 0,
    corrected: Corrections = NOTHING_CORRECTED,
) -> Document:
    """One task's part of the document.

    `moment` is what the project's annotators have come to, `corrected` says how often closed hours were corrected.
    """
    task = statistics.task()
    by, cut = statistics.by()
    confusions = statistics.confused()
    vendors, vendors_cut = statistics.between_vendors()
    return {
        "label_type": task.label_type,
        "annotations": task.annotations,
        "items": task.items,
        "pairable_items": task.pairable_items,
        "pairable_share": task.whole.pairable_share,
        "annotators": task.annotators,
        "unfit": task.unfit,
        "agreement": {name: reading.as_document() for name, reading in task.whole.agreement.items()},
        "gold": _gold(task.whole),
        "repeats": _repeats(task.whole.repeats),
        "by": {
            **{
                dimension: {
                    value: {
                        "annotations": summary.annotations,
                        "pairable_share": summary.pairable_share,
                        "agreement": {name: reading.as_document() for name, reading in summary.agreement.items()},
                        "gold": _gold(summary),
                        **({} if summary.repeats is None else {"repeats": _repeats(summary.repeats)}),
                    }
                    for value, summary in values.items()
                }
                for dimension, values in by.items()
            },
            "cut": cut,
        },
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "items": pair.items,
                **{name: reading.as_document() for name, reading in pair.agreement.items()},
            }
            for pair in statistics.pairs()
        ],
        "pairs_cut": statistics.pairs_cut,
        "between": {
            "vendor": [
                {
                    "a": pair.a,
                    "b": pair.b,
                    "items": pair.items,
                    "agreement": {name: reading.as_document() for name, reading in pair.agreement.items()},
                }
                for pair in vendors
            ]
        },
        "between_cut": {"vendor": vendors_cut},
        "confused": [confusion._asdict() for confusion in confusions[:MOST_CONFUSED]],
        "confused_cut": max(0, len(confusions) - MOST_CONFUSED),
        **({} if over_time.windows is None else _windows(statistics, over_time.windows, moment, corrected)),
        **({} if over_time.half_life is None else _decayed(statistics, over_time.half_life)),
    }


def _windows(statistics: TaskStatistics, windows: Windowing, moment: int, corrected: Corrections) -> Document:
    found, cut = statistics.windows(windows.length, windows.every, moment)
    return {
        "windows": [
            {
                "start": rfc3339(window.start),
                "end": rfc3339(window.end),
                "open": window.open,
                "corrections": corrected.between(window.start, window.end),
                "annotations": window.summary.annotations,
                "items": window.items,
                "pairable_items": window.pairable_items,
                "pairable_share": window.summary.pairable_share,
                "agreement": {name: reading.as_document() for name, reading in window.summary.agreement.items()},
                "gold": _gold(window.summary),
            }
            for window in found
        ],
        "windows_cut": cut,
    }


def _decayed(statistics: TaskStatistics, half_life: int) -> Document:
    found = statistics.decayed(half_life)
    if found is None:
        return {"decayed": None}
    return {
        "decayed": {
            "half_life_hours": half_life,
            "until": rfc3339(found.until),
            "effective_items": found.pairable_items,
            "agreement": {name: reading.as_document() for name, reading in found.agreement.items()},
            "gold": {"accuracy": found.gold.as_document()},
        }
    }


def _gold(summary: ScopeSummary) -> Document:
    gold = summary.gold
    return {"answers": gold.answers, "correct": gold.correct, "accuracy": gold.reading().as_document()}


def _repeats(repeats: Repeats | None) -> Document:
    if repeats is None:
        return {}
    return {
        **_consistency(repeats.whole),
        "by_gap": {gap: _consistency(consistency) for gap, consistency in repeats.by_gap.items()},
    }


def _consistency(consistency: Consistency) -> Document:
    return {"pairs": consistency.pairs, "equal": consistency.equal.as_document()}


def _alarm(alarm: Alarm, names: dict[tuple[str, str], str]) -> Document:
    """The alarm as the alert says it, but with the annotator's own id: the document is for the operator's own disk."""
    said = alert(alarm)
    return {
        "id": said.id,
        "kind": said.kind,
        "project": said.project,
        "task": said.task,
        "subject": names.get((said.project, said.subject), said.subject),
        "severity": said.severity,
        "raised_at": said.raised_at,
        "cleared_at": said.cleared_at,
        "evidence": said.evidence,
    }


def _letter(row: Any, where: Callable[[str, int, int, int], str]) -> Document:
    home, _, reason, path, topic, offset, element, *_ = row
    return {"reason": reason, "path": path, "where": where(topic, home, offset, element)}


def _place(topic: str, home: int, offset: int, element: int) -> str:
    return f"{topic}/{home}/{offset}" + (f"[{element}]" if element else "")
