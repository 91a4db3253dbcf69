"""The laws of `detectors.statistic.Statistic` as reusable values: each takes a subject and draws what it needs.

A new statistic costs one line: a `Subject` that says how to make an empty one, what its elements are, and how it is read.
Those of a coefficient and of a label type are made by `tests/laws/subjects.py`.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st


@dataclass(frozen=True)
class Subject:
    """A statistic under test: an empty one, its elements, and its readings."""

    make: Callable
    elements: st.SearchStrategy
    read: Callable

    def stream(self):
        """Elements with weights of either sign, as retractions may come first."""
        return st.lists(st.tuples(self.elements, st.integers(-3, 3)), max_size=8)

    def additions(self):
        """Elements with weights that leave a state which can be read."""
        return st.lists(st.tuples(self.elements, st.integers(1, 3)), max_size=12)

    def of(self, stream):
        """The statistic of a stream."""
        statistic = self.make()
        for x, weight in stream:
            statistic.update(x, weight)
        return statistic


def merged(first, second, weight=1):
    """The merge as a value; the operands stay as they were."""
    result = first.copy()
    result.merge(second, weight)
    return result


def identity(subject, data):
    a = subject.of(data.draw(subject.stream()))
    assert merged(a, subject.make()) == a
    assert merged(subject.make(), a) == a
    assert merged(subject.make(), subject.make()) == subject.make()


def commutativity(subject, data):
    a, b = (subject.of(data.draw(subject.stream())) for _ in range(2))
    assert merged(a, b) == merged(b, a)


def associativity(subject, data):
    a, b, c = (subject.of(data.draw(subject.stream())) for _ in range(3))
    assert merged(merged(a, b), c) == merged(a, merged(b, c))


def inverse(subject, data):
    a, b = (subject.of(data.draw(subject.stream())) for _ in range(2))
    assert merged(merged(a, b), b, -1) == a
    assert merged(merged(a, b, -1), b) == a
    assert merged(a, a, -1) == subject.make()


def retraction(subject, data):
    stream = data.draw(subject.stream())
    taken_back = data.draw(st.permutations(stream + [(x, -weight) for x, weight in stream]))
    assert subject.of(taken_back) == subject.make()


def no_trace(subject, data):
    kept, passing = data.draw(subject.additions()), data.draw(subject.additions())
    detour = subject.of([*kept, *passing, *((x, -weight) for x, weight in passing)])
    assert detour == subject.of(kept)
    assert subject.read(detour) == subject.read(subject.of(kept))


def order(subject, data):
    stream = data.draw(subject.additions())
    shuffled = subject.of(data.draw(st.permutations(stream)))
    assert shuffled == subject.of(stream)
    assert subject.read(shuffled) == subject.read(subject.of(stream))


def weight(subject, data):
    x, times = data.draw(subject.elements), data.draw(st.integers(0, 4))
    assert subject.of([(x, 1)] * times) == subject.of([(x, times)])


def concatenation(subject, data):
    first, second = data.draw(subject.additions()), data.draw(subject.additions())
    whole = subject.of([*first, *second])
    parts = merged(subject.of(first), subject.of(second))
    assert parts == whole
    assert subject.read(parts) == subject.read(whole)


def purity(subject, data):
    statistic = subject.of(data.draw(subject.additions()))
    before = deepcopy(statistic)
    reading = subject.read(statistic)
    assert statistic == before
    assert subject.read(statistic) == reading


def independence(subject, data):
    statistic, x = subject.of(data.draw(subject.stream())), data.draw(subject.elements)
    copied = statistic.copy()
    assert copied == statistic
    copied.update(x)
    assert copied != statistic


LAWS = (
    identity,
    commutativity,
    associativity,
    inverse,
    retraction,
    no_trace,
    order,
    weight,
    concatenation,
    purity,
    independence,
)


def check(law, subject, examples=25):
    """That the subject obeys the law, to exact equality."""

    @settings(deadline=None, max_examples=examples, database=None)
    @given(data=st.data())
    def obeys(data):
        law(subject, data)

    obeys()
