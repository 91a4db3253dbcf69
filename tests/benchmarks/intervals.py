"""What intervals cost a document that are read from the stored items: `python -m tests.benchmarks.intervals`.

One ordinal task of five labels whose annotators label every item, folded into a store in memory. Reported are the seconds of
CPU and the growth of this process' memory for the document without them (`--disputed 0`), then for the intervals of Kendall's
W and tau-b alone: reading the items, and the bootstrap.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from random import Random

from streams.document import document
from streams.garbage import collect_rarely
from streams.store import Store
from streams.stored_labels import Wanted, stored_labels
from tests.made_events import annotation, configured, messages
from tests.streams.folding import PRIVACY, fold

LABELS = ("1", "2", "3", "4", "5")
TASK = ("news", "label")
CONFIGURE = configured(label_type="ordinal", labels=LABELS, detectors=())


def _messages(annotations: int, people: int) -> Iterator[bytes]:
    chance = Random(1)
    for item in range(annotations // people):
        true = chance.choice(LABELS)
        labels = [true if chance.random() < 0.6 else chance.choice(LABELS) for _ in range(people)]
        events = [annotation(f"n{place:02}", f"i{item}", label, item) for place, label in enumerate(labels)]
        yield from messages(events)


class _Reported:
    """Prints what a step cost."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._size, self._begin = _size(), time.process_time()

    def __exit__(self, *_: object) -> None:
        took, grew = time.process_time() - self._begin, _size() - self._size
        print(f"{self._what}: {took:.1f} s of CPU, {grew:,.0f} MB more at most")


def _size() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _report(store: Store, people: int) -> None:
    with _Reported("the document without"):
        document(store, CONFIGURE, PRIVACY, most_disputed=0)
    wanted = {TASK: Wanted(CONFIGURE(*TASK), "ordinal", people)}
    with _Reported("reading the items"):
        stored_labels(store, 0, wanted)
    with _Reported("the document with intervals and the 20 most disputed items"):
        found = document(store, CONFIGURE, PRIVACY)
    agreement = found["projects"][TASK[0]]["tasks"][TASK[1]]["agreement"]
    print({name: agreement[name] for name in ("kendall_w", "kendall_tau_b")})


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=int, default=300_000)
    parser.add_argument("--annotators", type=int, default=3)
    args = parser.parse_args()
    collect_rarely()  # as the command does
    print(f"{args.annotations:,} annotations of {args.annotators} annotators")
    _report(fold(_messages(args.annotations, args.annotators), configure=CONFIGURE), args.annotators)


if __name__ == "__main__":
    main()
