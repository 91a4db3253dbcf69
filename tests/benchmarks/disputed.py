"""What the most disputed items cost a document: `python -m tests.benchmarks.disputed --annotations 1000000`.

The store has one home with the campaign of random ids, made at the first run and kept in `.cache/benchmarks`. Reported are the
seconds of CPU and the growth of this process' memory for the document without the disputed items and with them; then with
a second label of everybody for each item (`--repeats`), so that times and ids of all disputed items' annotations are looked at.

With `--parts boxes` or `spans` each label is, as it is read, one of some pictures or texts with five of these
(`tests/benchmarks/boxes.py`, `spans.py`); `--apart` has the annotations of an item lie anywhere, not near each other.
"""

from __future__ import annotations

import argparse
import resource
import time
import zlib
from collections.abc import Callable, Iterator

import msgspec

from detectors.config import TaskConfig
from detectors.records import AnnotationRecord
from streams import site
from streams.document import document
from streams.events import Box, Shape, Span
from streams.garbage import collect_rarely
from streams.rebuilding import following
from streams.settings import Settings
from streams.store import Store, open_store
from streams.store.tables import ANNOTATIONS
from tests.benchmarks import boxes, spans
from tests.benchmarks.campaign import Campaign
from tests.benchmarks.prefilled import prefilled

PRIME = 982_451_653
Configure = Callable[[str, str], TaskConfig]


class _Wrapped:
    """A store of which other annotations are read than it has."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class _Repeated(_Wrapped):
    """One in which everybody labelled every item twice."""

    def scan_annotations(self, home: int, after: int, limit: int) -> list[AnnotationRecord]:
        return [again for found in self._store.scan_annotations(home, after, limit) for again in _twice(found)]


def _twice(found: AnnotationRecord) -> Iterator[AnnotationRecord]:
    yield found
    if found.event is not None:
        again = msgspec.structs.replace(found.event, id=found.key + "-again")  # type: ignore[type-var]
        yield AnnotationRecord((again.project, again.id), found.item, again, row=found.row)


class _OfParts(_Wrapped):
    """One in which labels are boxes or spans; how often it was read is counted."""

    PICTURES = 500

    def __init__(self, store: Store, parts: str, *, apart: bool) -> None:
        super().__init__(store)
        self._labels = [PARTS[parts](seed) for seed in range(self.PICTURES)]
        self._apart = apart
        self.readings = 0

    def scan_annotations(self, home: int, after: int, limit: int) -> list[AnnotationRecord]:
        self.readings += after == 0
        found = self._store.scan_annotations(home, after, limit)
        for record in found:
            if record.item is not None and record.event is not None:
                labels = self._labels[zlib.crc32(record.item.item.encode()) % self.PICTURES]
                label = labels[zlib.crc32(record.event.annotator.encode()) % len(labels)]
                record.event = msgspec.structs.replace(record.event, label=label)  # type: ignore[type-var]
        if self._apart:
            n = self._store.count(ANNOTATIONS, home)
            for record in found:
                # As one of an item of three of the n rows, far from each other.
                if record.item is not None:
                    record.item = record.item._replace(item=f"item {record.row * PRIME % n // 3}")
        return found


def _boxes(seed: int) -> list[Shape]:
    drawn = boxes.drawn(3, 5, heap=False, seed=seed)
    return [Shape(boxes=[Box([*box[:4]], box.label) for box in given]) for given in drawn]


def _spans(seed: int) -> list[Shape]:
    marked = spans.marked(3, 5, heap=False, seed=seed)
    return [Shape(spans=[Span(start, end, kind) for kind, start, end in given]) for given in marked]


PARTS = {"boxes": _boxes, "spans": _spans}


def _report(what: str, store: Store, most: int, configure: Configure) -> None:
    before, begin = _size(), time.process_time()
    document(store, configure, site.privacy(store, Settings()), most_disputed=most)
    print(f"{what}: {time.process_time() - begin:.1f} s of CPU, {_size() - before:,.0f} MB more at most", flush=True)


def _size() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--repeats", action="store_true")
    parser.add_argument("--parts", choices=PARTS)
    parser.add_argument("--apart", action="store_true")
    args = parser.parse_args()
    collect_rarely()  # as the command does
    path = prefilled(args.annotations, Campaign(projects=1, partitions=1, ids="random"))
    store = open_store(f"sqlite:///{path}", read_only=True)
    configure: Configure = following(store, Settings().task_config)
    if args.parts:
        of_parts = TaskConfig(label_type=args.parts)
        configure = lambda _project, _task: of_parts  # noqa: E731
    _report("without disputed items", store, 0, configure)
    if args.parts:
        wrapped = _OfParts(store, args.parts, apart=args.apart)
        _report(f"with 20, of {args.parts}", wrapped, 20, configure)  # type: ignore[arg-type]
        print(f"{wrapped.readings} readings of the annotations")
    elif args.repeats:
        _report("with 20, everything labelled twice", _Repeated(store), 20, configure)  # type: ignore[arg-type]
    else:
        _report("with 20", store, 20, configure)


if __name__ == "__main__":
    main()
