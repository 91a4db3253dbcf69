"""What an item with boxes or spans costs each time it changes: the table that the benchmarks of both print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, Protocol, TypeVar

from tests.benchmarks.stopwatch import Stopwatch

ITEMS: Final = (
    (2, 1, False), (3, 5, False), (5, 10, False), (5, 50, False), (3, 300, False), (2, 1000, False), (200, 1, False),
    (200, 10, False), (200, 10, True), (2, 1000, True),
)  # fmt: skip
"""Annotators, things that there are to find, and whether these lie on one heap."""

ROUNDS: Final = 5
VENDORS: Final = (2, 10)

Answer = TypeVar("Answer", bound=Sequence[object])
"""The boxes, or spans, of one annotator."""


class Made(Protocol[Answer]):
    """What so many annotators of one item found."""

    def __call__(self, annotators: int, things: int, /, *, heap: bool) -> Sequence[Answer]: ...


def print_table(
    things: str,
    part: str,
    made: Made[Answer],
    measure: Callable[[Sequence[Answer]], object],
    measure_groups: Callable[[Sequence[Answer], Sequence[int]], object],
) -> None:
    """Measure items of all sizes: whole, and the pairs of two and of ten vendors, to whom the annotators are dealt in turn."""
    vendors = "".join([f"| ms between {n} vendors " for n in VENDORS])
    print(f"| annotators | {things} | | ms to measure it | us a {part} {vendors}|\n|---:|---:|---|{'---:|' * 4}")
    for annotators, found, heap in ITEMS:
        answers = made(annotators, found, heap=heap)
        times = max(1, 400 // (annotators * found))
        each = _microseconds(times, lambda answers=answers: measure(answers))  # type: ignore[misc]
        print(f"| {annotators} | {found} | {'one heap' if heap else ''} | {each / 1000:.1f} ", end="")
        print(f"| {each / sum(map(len, answers)):.0f} ", end="")
        for n in VENDORS:
            groups = [place % n for place in range(annotators)]
            if annotators < n:
                print("| ", end="")
            else:
                between = _microseconds(times, lambda a=answers, g=groups: measure_groups(a, g))  # type: ignore[misc]
                print(f"| {between / 1000:.1f} ", end="")
        print("|", flush=True)


def _microseconds(times: int, work: Callable[[], object]) -> float:
    """The median of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        watch = Stopwatch()
        for _ in range(times):
            work()
        spent.append(watch.read(times).microseconds)
    return median(spent)
