"""The tables of a store. They are made to be read with SQL; `docs/tables.md` describes them.

Every table but `meta` begins with `home`, the partition whose state the row belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

SCHEMA_VERSION: Final = 4

Type = Literal["integer", "real", "text", "bytes"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table: its key columns come first, `columns` maps every column to its type, in order."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, Type]

    @property
    def names(self) -> tuple[str, ...]:
        """All columns in order."""
        return tuple(self.columns)

    @property
    def values(self) -> tuple[str, ...]:
        """The columns after the key."""
        return self.names[len(self.key) :]


def _table(name: str, key: str, values: str) -> Table:
    columns: dict[str, Type] = {}
    for part in (*key.split(), *values.split()):
        column, _, kind = part.partition(":")
        columns[column] = {"": "text", "i": "integer", "r": "real", "b": "bytes"}[kind]  # type: ignore[assignment]
    return Table(name, tuple(part.partition(":")[0] for part in key.split()), columns)


META = _table("meta", "name", "value")
HOMES = _table(
    "homes",
    "home:i",
    "version:i positions received:i dead_letters:i forwarded:i next_row:i next_letter:i next_message:i reasons",
)
PROJECTS = _table("projects", "home:i project", "applied:i duplicates:i erased:i")
TASKS = _table(
    "tasks",
    "home:i project task",
    "annotators:i passed:i failed:i passed_retracted:i failed_retracted:i configuration former fingerprint rebuilt_to:i "
    "merged_to:i",
)
ANNOTATIONS = _table(
    "annotations",
    "home:i row:i",
    "project annotation task item annotator label at:i event earlier withdrawn",
)
GOLD = _table("gold", "home:i project task item", "version:i at:i event")
REVIEWS = _table("reviews", "home:i project annotation reviewer stage", "verdict at:i event")
CONTEXTS = _table("contexts", "home:i project id", "kind value at:i event")
ERASURES = _table("erasures", "home:i project hash", "at:i scanned_to:i done:i")
CLOCKS = _table("clocks", "home:i project annotator", "latest:i")
SCOPES = _table(
    "scopes",
    "home:i project task dimension value",
    "annotations:i items:i unfit:i answers:i correct:i tallies",
)
READINGS = _table(
    "readings",
    "home:i project task start:i name",
    "value:r low:r high:r n:i why corrections:i hours:i",
)
PAIRS = _table("pairs", "home:i project task label_type a b", "items:i confusion")
WATCHES = _table("watches", "home:i project task signal annotator", "pseudonym answers:i state")
ANSWERS = _table("answers", "home:i project task signal annotator number:i", "annotation at:i value:r")
ALARMS = _table(
    "alarms",
    "home:i id",
    "project task kind subject severity raised_at:i cleared_at:i evidence state sequence:i seen:i history version:i",
)
DEAD_LETTERS = _table(
    "dead_letters",
    "home:i number:i",
    "reason path topic record_offset:i element:i value:b length:i sha256 refused_at:i",
)
OUTBOX = _table("outbox", "home:i number:i", "id topic partition:i key value:b headers state")
JOURNAL = _table("journal", "home:i version:i", "topic first_offset:i last_offset:i")
ADOPTIONS = _table("adoptions", "home:i version:i project task", "former configuration")

TABLES: Final = (
    META,
    HOMES,
    PROJECTS,
    TASKS,
    ANNOTATIONS,
    GOLD,
    REVIEWS,
    CONTEXTS,
    ERASURES,
    CLOCKS,
    SCOPES,
    READINGS,
    PAIRS,
    WATCHES,
    ANSWERS,
    ALARMS,
    DEAD_LETTERS,
    OUTBOX,
    JOURNAL,
    ADOPTIONS,
)

_READINGS_OF_HOURS = _table(
    "readings", "home:i project task start:i name", "value:r low:r high:r n:i why corrections:i"
)

MIGRATIONS: Final[Mapping[int, tuple[str | Table, ...]]] = {
    2: (CLOCKS, _READINGS_OF_HOURS),
    3: (
        "ALTER TABLE tasks ADD COLUMN merged_to BIGINT DEFAULT 0",
        "ALTER TABLE readings ADD COLUMN hours BIGINT DEFAULT 1",
    ),
}
"""What makes a store of a schema version one of the next: statements for SQLite and PostgreSQL alike, and tables to create.

A version without a way to the present one is refused: 1 was never released.
"""

VIEWS: Final = {
    "annotators": (
        "SELECT home, project, task, value AS annotator, annotations, items, answers, correct, tallies "
        "FROM scopes WHERE dimension = 'annotator'"
    ),
    "pseudonyms": "SELECT DISTINCT home, project, annotator, pseudonym FROM watches",
    "classes": ("SELECT home, project, task, value AS class, answers, correct FROM scopes WHERE dimension = 'class'"),
}


def first_row(home: int) -> int:
    """The number of a home's first annotation; the numbers of different homes never meet, and sort by home.

    >>> first_row(0), first_row(1)
    (1, 1099511627777)
    """
    return (home << 40) + 1


def fresh_home(home: int) -> tuple[int, int, str, int, int, int, int, int, int, str]:
    """The row of a home that has seen nothing."""
    return home, 0, "{}", 0, 0, 0, first_row(home), 1, 1, "{}"
