"""The [projects] section: how tasks are configured, and which table a task follows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, Final

from detectors.agreement.scale import WEIGHTS
from detectors.config import OTHER, UNFIT, TaskConfig
from detectors.labels import LABEL_TYPES, declared_key
from detectors.labels.base import ClosedType, OpenType
from detectors.signals import SIGNALS
from streams.errors import Refused
from streams.events import LONGEST_ID, LONGEST_LABEL
from streams.values import NOT_PRINTABLE, Kind, Wrong, nearest, one_of, read, refuse_unknown, shown, whole

ANYTHING: Final = "*"
"""As a project's or a task's name in the configuration: all that have no table of their own."""


class Projects:
    """The tasks that are configured, by project and task."""

    def __init__(self, tasks: Mapping[tuple[str, str], TaskConfig] | None = None) -> None:
        self._tasks = dict(tasks or {})
        self.task = lru_cache(maxsize=4096)(self._task)

    def _task(self, project: str, task: str) -> TaskConfig:
        for names in ((project, task), (project, ANYTHING), (ANYTHING, task), (ANYTHING, ANYTHING)):
            if names in self._tasks:
                return self._tasks[names]
        return _UNCONFIGURED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Projects) and self._tasks == other._tasks

    def __hash__(self) -> int:
        return hash(self.canonical())

    def __repr__(self) -> str:
        return f"Projects({self._tasks!r})"

    def canonical(self) -> str:
        """JSON that equal configurations share: keys in order, defaults left out, equal numbers written alike.

        >>> Projects({("a", "t"): TaskConfig(labels=(1.0, "x"), detectors=TaskConfig().detectors)}).canonical()
        '{"a":{"tasks":{"t":{"labels":[1,"x"]}}}}'
        """
        document: dict[str, dict[str, dict[str, object]]] = {}
        for (project, task), config in self._tasks.items():
            values = {
                each.name: _plain(getattr(config, each.name))
                for each in fields(config)
                if getattr(config, each.name) != each.default
            }
            document.setdefault(project, {"tasks": {}})["tasks"][task] = values
        return json.dumps(document, sort_keys=True, separators=(",", ":"))


_UNCONFIGURED = TaskConfig()


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_projects(table: object, origin: str) -> Projects:
    """The section's tasks; `Refused` with the place of whatever is wrong."""
    tasks: dict[tuple[str, str], TaskConfig] = {}
    for project, project_table in _tables(table, origin, "projects"):
        name = f"projects.{_quoted(project)}"
        refuse_unknown(project_table, ("tasks",), origin, name)
        for task, task_table in _tables(project_table.get("tasks", {}), origin, f"{name}.tasks"):
            tasks[project, task] = _read_task(task_table, origin, f"{name}.tasks.{_quoted(task)}")
    return Projects(tasks)


def _tables(value: object, origin: str, name: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The tables inside a table whose names are projects or tasks."""
    parts = value if isinstance(value, dict) else {"": value}
    for part, table in parts.items():
        if not isinstance(table, dict):
            where = f"{name}.{_quoted(part)}" if part else name
            raise Refused(
                f"{origin}: {where}: expected a table, found {shown(table)}; "
                "a task is configured under [projects.NAME.tasks.TASK]"
            )
        if not 1 <= len(part) <= LONGEST_ID or NOT_PRINTABLE.search(part):
            raise Refused(
                f"{origin}: {name}: expected a name of 1 to {LONGEST_ID} printable characters, found {shown(part)}; "
                "no event can carry that name: mend it"
            )
        yield part, table


def _quoted(name: str) -> str:
    """A part of a key as TOML writes it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _read_task(table: Mapping[str, object], origin: str, name: str) -> TaskConfig:
    refuse_unknown(table, [each.name for each in fields(TaskConfig)], origin, name)
    where = f"{origin}: {name}"
    values: dict[str, Any] = {}
    if "label_type" in table:
        values["label_type"] = read(table["label_type"], _LABEL_TYPE, f"{where}.label_type")
    if "labels" in table:
        values["labels"] = _read_labels(table["labels"], values.get("label_type"), f"{where}.labels")
    for key, kind in _KINDS.items():
        if key in table:
            values[key] = read(table[key], kind, f"{where}.{key}")
    _check_unknown(TaskConfig(**values), f"{where}.unknown")
    return TaskConfig(**values)


def _check_unknown(config: TaskConfig, where: str) -> None:
    """Other is one more label: it has to have a place among those that are declared."""
    if config.unknown != OTHER:
        return
    if config.label_type is not None and not isinstance(LABEL_TYPES[config.label_type], OpenType):
        able = ", ".join(name for name, kind in LABEL_TYPES.items() if isinstance(kind, OpenType))
        raise Refused(
            f"{where}: expected {UNFIT} for {config.label_type}, found {OTHER}, which has no place among such labels; "
            f"take the line out, or set label_type to one of {able}"
        )
    if config.labels is None:
        raise Refused(
            f"{where}: expected labels beside {OTHER}, found none: every label is known then; "
            "declare them, or take the line out"
        )
    if config.label_type is None and any(not isinstance(label, str | bool) for label in config.labels):
        raise Refused(
            f"{where}: expected a label_type beside {OTHER} where numbers are declared, found none: they are read as "
            'interval labels, among which other has no place; set label_type = "nominal", or take the line out'
        )


def _signals(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Wrong('write a list, such as ["gold_errors"]; an empty one watches nothing')
    for name in value:
        if name not in SIGNALS:
            raise Wrong(nearest(name, SIGNALS) or "name only signals that there are")
    if len(set(value)) < len(value):
        raise Wrong("name each signal once")
    return tuple(value)


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong("write a number without quotes, such as 0.5")
    if not 0 < value <= 1:
        raise Wrong("choose one such as 0.5; the nearer to 1, the closer two boxes must be to match")
    return float(value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise Wrong("write true or false, without quotes")
    return value


def _label_type(value: object) -> str:
    if isinstance(value, str) and re.sub(r"[^a-z]", "", value.casefold()) in {"text", "freetext"}:
        raise Wrong(
            "free text is not compared, for two people who mean the same seldom write the same; ask for a label of a "
            "closed set, or for spans, or leave the task out of the topics"
        )
    return _ANY_TYPE.read(value)


_ANY_TYPE = one_of(*LABEL_TYPES)
_LABEL_TYPE = Kind(_ANY_TYPE.expected, _label_type, text=True)
_KINDS: Final[Mapping[str, Kind[Any]]] = {
    "unknown": one_of(UNFIT, OTHER),
    "weights": one_of(*WEIGHTS),
    "iou": Kind("a number above 0 and at most 1", _share),
    "inclusive_pixels": Kind("true or false", _yes_or_no),
    "detectors": Kind(f"a list of signals among {', '.join(SIGNALS)}", _signals),
    "lateness_minutes": whole(0, 365 * 24 * 60),
    "hourly_days": whole(1, 100 * 365),
}
"""How each key of a task is read that says nothing of labels."""


def _read_labels(value: object, label_type: str | None, where: str) -> tuple[str | bool | int | float, ...]:
    """A declared set: labels that the type takes, no two of them equal."""
    if label_type is not None and isinstance(LABEL_TYPES[label_type], ClosedType):
        raise Refused(
            f"{where}: expected none for {label_type}, which says itself which labels there are, found some; "
            "take the line out"
        )
    if not isinstance(value, list) or not value:
        raise Refused(
            f'{where}: expected a list of labels, found {shown(value)}; write one, such as ["yes", "no"], '
            "or take the line out: then every label of the type counts"
        )
    if label_type in {"multilabel", "boxes", "spans"}:  # the set names what is inside a label
        takes: Callable[[object], bool] = lambda label: isinstance(label, str)  # noqa: E731
    else:
        kinds = [LABEL_TYPES[label_type]] if label_type else [LABEL_TYPES["nominal"], LABEL_TYPES["interval"]]
        takes = lambda label: any(kind.key(label) is not None for kind in kinds)  # noqa: E731
    seen: dict[str, object] = {}
    for label in value:
        if not _is_label(label) or not takes(label):
            raise Refused(
                f"{where}: expected labels of the type {label_type or 'nominal or interval'}, found {shown(label)}; "
                "mend it, or the label_type beside it"
            )
        key = declared_key(label)
        if key in seen:
            raise Refused(
                f"{where}: expected labels that differ, found {shown(seen[key])} and {shown(label)}, "
                "which are one label; take one out"
            )
        seen[key] = label
    if label_type == "ordinal" and len({isinstance(label, str) for label in value}) > 1:
        raise Refused(
            f"{where}: expected either names or numbers for ordinal labels, found both; write them all as one kind"
        )
    return tuple(value)


def _is_label(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_LABEL and not NOT_PRINTABLE.search(value)
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
