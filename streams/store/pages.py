"""Annotations as SQLite keeps them: pages of neighbours, each a JSON array that is encoded in one go.

To make and bind a row of twelve columns costs more than all else of a commit. On a page the annotation of row `first + n` is
the n-th of the array, `[event, earlier, withdrawn]`, or `[null, [], withdrawn, project, annotation]` for the retraction of one
that was never delivered; null is one that was deleted. A view shows them as the table that PostgreSQL has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from detectors.keys import ItemKey
from detectors.records import AnnotationRecord
from streams.events import DEFAULT_TASK, Annotation

ROOM: Final = 7800
"""About so many bytes are put on a page, a little less than SQLite has on one of its own: whoever finds or changes an
annotation reads and writes its page."""

TABLE: Final = "CREATE TABLE annotation_pages (first INTEGER PRIMARY KEY, rows TEXT)"

# -- the view ---------------------------------------------------------------------------------------------------------

_TIME: Final = "json_extract(entry.value, '$[0].time')"
_OFFSET: Final = f"""(
    CASE substr({_TIME}, -6, 1) WHEN '+' THEN 1 WHEN '-' THEN -1 ELSE 0 END
    * (3600 * substr({_TIME}, -5, 2) + 60 * substr({_TIME}, -2))
)"""
_MICROSECONDS: Final = f"CASE substr({_TIME}, 20, 1) WHEN '.' THEN substr({_TIME}, 21, 6) ELSE 0 END"
# Of several paths `json_extract` gives an array, in which each value is spelled as it was written: here [null,LABEL].
_LABEL: Final = "substr(substr(json_extract(entry.value, '$[9]', '$[0].label'), 7), -1, -1000000000)"
_WHERE_DELIVERED: Final = "CASE json_type(entry.value, '$[0]') WHEN 'object' THEN"

VIEW: Final = f"""CREATE VIEW annotations AS SELECT
    (page.first - 1) >> 40 AS home,
    page.first + entry.key AS "row",
    coalesce(json_extract(entry.value, '$[0].project'), json_extract(entry.value, '$[3]')) AS project,
    coalesce(
        json_extract(entry.value, '$[0].annotation'),
        json_extract(entry.value, '$[0].id'),
        json_extract(entry.value, '$[4]')
    ) AS annotation,
    {_WHERE_DELIVERED} coalesce(json_extract(entry.value, '$[0].task'), '{DEFAULT_TASK}') END AS task,
    json_extract(entry.value, '$[0].item') AS item,
    json_extract(entry.value, '$[0].annotator') AS annotator,
    {_WHERE_DELIVERED} {_LABEL} END AS label,
    (strftime('%s', substr({_TIME}, 1, 19)) - {_OFFSET}) * 1000000 + {_MICROSECONDS} AS at,
    json_extract(entry.value, '$[0]') AS event,
    nullif(json_extract(entry.value, '$[1]'), '[]') AS earlier,
    replace(trim(json_extract(entry.value, '$[2]'), '[]'), ',', ' ') AS withdrawn
FROM annotation_pages AS page, json_each(page.rows) AS entry
WHERE entry.type <> 'null'
"""

# -- pages ------------------------------------------------------------------------------------------------------------


class _Entry(msgspec.Struct, array_like=True, gc=False):
    event: Annotation | None
    earlier: tuple[Annotation, ...]
    withdrawn: tuple[int, int] | None
    project: str = ""
    annotation: str = ""


_encode = msgspec.json.Encoder().encode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.Decoder(_Entry | None).decode


def paged(appended: Sequence[AnnotationRecord]) -> Iterator[tuple[str, Sequence[AnnotationRecord]]]:
    """New annotations, whose rows follow one another, by page: its text, and those that are on it."""
    if appended and appended[-1].row - appended[0].row != len(appended) - 1:
        raise ValueError(f"expected rows that follow one another, found {[record.row for record in appended]}")
    begin, part = 0, appended[:1]
    text = _encode(_entries(part))
    while begin < len(appended):
        # As many as there would have been room for just now: what an annotation takes up does not change much.
        part = appended[begin : begin + (len(part) * ROOM // len(text) or 1)]
        text = _encode(_entries(part))
        yield text.decode(), part
        begin += len(part)


def _entries(annotations: Iterable[AnnotationRecord]) -> list[tuple[object, ...]]:
    return [
        (record.event, record.earlier, record.withdrawn)
        if record.item is not None
        else (None, (), record.withdrawn, *record.name)
        for record in annotations
    ]


class Page:
    """A page as it is stored, to be read and changed.

    >>> page = Page(7, '[null,[null,[],[0,5],"project","a1"]]')
    >>> page.find(7), page.find(8).name, page.find(9)
    (None, ('project', 'a1'), None)
    >>> page.put(8, None)
    >>> page.last, page.text()
    (8, None)
    """

    __slots__ = ("_entries", "first", "last")

    def __init__(self, first: int, text: str) -> None:
        self._entries = _split(text)
        self.first = first
        self.last = first + len(self._entries) - 1

    def find(self, row: int) -> AnnotationRecord | None:
        """The annotation of this row, if there is one."""
        entry = _decode(self._entries[row - self.first]) if self.first <= row <= self.last else None
        if entry is None:
            return None
        event = entry.event
        if event is None:
            return AnnotationRecord((entry.project, entry.annotation), withdrawn=entry.withdrawn, row=row)
        item = ItemKey(event.project, event.task, event.item)
        return AnnotationRecord((event.project, event.key), item, event, entry.earlier, entry.withdrawn, row)

    def since(self, row: int) -> list[AnnotationRecord]:
        """The annotations in this row and those after it."""
        rows = range(max(row, self.first), self.last + 1)
        return [annotation for number in rows if (annotation := self.find(number)) is not None]

    def put(self, row: int, annotation: AnnotationRecord | None) -> None:
        """Write over what is in this row; None deletes it."""
        entry = None if annotation is None else _entries((annotation,))[0]
        self._entries[row - self.first] = msgspec.Raw(_encode(entry))

    def text(self) -> str | None:
        """What to store; None if nothing is left on the page."""
        if all(bytes(entry) == b"null" for entry in self._entries):
            return None
        return _encode(self._entries).decode()
