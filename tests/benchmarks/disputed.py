"""What the most disputed items cost a document: `python -m tests.benchmarks.disputed --annotations 1000000`.

The store has one home with the campaign of random ids, made at the first run and kept in `.cache/benchmarks`. Reported are the
seconds of CPU and the growth of this process' memory for the document without the disputed items and with them; then with
a second label of everybody for each item (`--repeats`), so that times and ids of all disputed items' annotations are looked at.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import msgspec

from streams import site
from streams.document import document
from streams.garbage import collect_rarely
from streams.rebuilding import following
from streams.settings import Settings
from streams.store import Store, open_store
from streams.store.base import StoredAnnotation
from tests.benchmarks.campaign import Campaign
from tests.benchmarks.prefilled import prefilled


class _Repeated:
    """A store in which everybody labelled every item twice."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def scan_annotations(self, home: int, after: int, limit: int) -> list[StoredAnnotation]:
        return [again for found in self._store.scan_annotations(home, after, limit) for again in _twice(found)]


def _twice(found: StoredAnnotation) -> Iterator[StoredAnnotation]:
    key, item, record = found
    yield found
    if record.event is not None:
        again = msgspec.structs.replace(record.event, id=record.key + "-again")  # type: ignore[type-var]
        yield key, item, type(record)(record.key + "-again", again, row=record.row)


def _report(what: str, store: Store, most: int) -> None:
    settings = Settings()
    before, begin = _size(), time.process_time()
    document(store, following(store, settings.task_config), site.privacy(store, settings), most_disputed=most)
    print(f"{what}: {time.process_time() - begin:.1f} s of CPU, {_size() - before:,.0f} MB more at most")


def _size() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--repeats", action="store_true")
    args = parser.parse_args()
    collect_rarely()  # as the command does
    path = prefilled(args.annotations, Campaign(projects=1, partitions=1, ids="random"))
    store = open_store(f"sqlite:///{path}", read_only=True)
    _report("without disputed items", store, 0)
    if args.repeats:
        _report("with 20, everything labelled twice", _Repeated(store), 20)  # type: ignore[arg-type]
    else:
        _report("with 20", store, 20)


if __name__ == "__main__":
    main()
