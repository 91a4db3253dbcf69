"""How far labels are apart that are sets of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.agreement.arrays import Booleans, Floats, Integers, sums
from detectors.agreement.differing import differing_pairs
from detectors.agreement.patterns import members

Bits: TypeAlias = NDArray[np.uint64]

MOST_SETS: Final = 4000
"""Different sets on the pairable items of a scope; more are not compared, for every scope of a task has its own."""

BLOCK: Final = 2**17
"""So many pairs of sets are compared at a time: few enough for the cache of a processor."""


class Distances(NamedTuple):
    """The distances that Krippendorff's alpha needs."""

    within: Floats
    """By row: the mean distance of the pairs of its labels."""
    expected: Floats
    """By label: its mean distance to a label drawn from the pairable items; of one that is on none of them, 1."""


@dataclass(frozen=True, slots=True, eq=False)
class SetDistances:
    r"""The distances of the sets of a table by two metrics.

    $$ \delta_J(A, B) = 1 - \frac{|A \cap B|}{|A \cup B|}, \qquad
       \delta_M(A, B) = 1 - \frac{|A \cap B|}{|A \cup B|} \cdot
       \begin{cases} 1 & A = B \\ 2/3 & A \subset B \text{ or } B \subset A \\ 1/3 & \text{else} \end{cases} $$

    Two empty sets are 0 apart, an empty one and another 1.

    Of k different sets on pairable items all k^2 pairs are compared, about 15 ns each (0.02 s for 1,000 sets, 0.25 s for
    4,000, the most that are); of further names than 64 each other 64 cost the pairs of sets that have some of them. Memory is
    proportional to the labels written in the patterns and to the members of the sets, not to k squared.

    References
    ----------
    Jaccard, P. (1912). The distribution of the flora in the alpine zone. New Phytologist 11(2), 37-50.
    https://doi.org/10.1111/j.1469-8137.1912.tb05611.x

    Passonneau, R. (2006). Measuring agreement on set-valued items (MASI) for semantic and pragmatic annotation.
    Proceedings of LREC 2006, 831-836. https://aclanthology.org/L06-1392/
    """

    jaccard: Distances
    masi: Distances

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        shares: Floats,
        rest: Floats,
        row: Integers,
        label: Integers,
        other: Booleans,
        pairs: Floats,
    ) -> SetDistances | None:
        """Those of a table; `rest` is one less the share of each label. None for more than `MOST_SETS`."""
        # In the order of their keys, so that equal counters have equal sums to the last digit.
        paired = np.array(sorted(np.flatnonzero(shares).tolist(), key=names.__getitem__), np.int64)
        if len(paired) > MOST_SETS:
            return None
        sets = _Bits.of([members(names[number]) for number in paired])
        place = np.zeros(len(names), np.int64)
        place[paired] = np.arange(len(paired))
        label = place[label]
        jaccard, masi = np.zeros(len(pairs)), np.zeros(len(pairs))
        for start, end in _blocks_of_rows(row, len(pairs)):
            part = slice(*np.searchsorted(row, (start, end)))
            differing = differing_pairs(row[part] - start, label[part], other[part], pairs[start:end])
            for within, apart in zip((jaccard, masi), sets.between(differing.first, differing.second), strict=True):
                within[start:end] = sums(differing.row, differing.part * apart, end - start)
        expected = np.ones((2, len(names)))
        expected[:, paired] = sets.mean_distances(shares[paired], rest[paired])
        return cls(Distances(jaccard, expected[0]), Distances(masi, expected[1]))


def _blocks_of_rows(row: Integers, rows: int) -> Iterator[tuple[int, int]]:
    """Stretches of rows with about `BLOCK` pairs of labels each; `row` is by written label."""
    written = np.bincount(row, minlength=rows)
    blocks = np.cumsum(written * (written - 1) // 2) // BLOCK
    return pairwise((0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), rows))


class _Word(NamedTuple):
    """Sixty-four names as bits."""

    holders: Integers
    """The sets with at least one of them, in order."""
    bits: Bits
    """By holder: which of them it has."""


@dataclass(frozen=True, slots=True, eq=False)
class _Bits:
    """Sets by number, in words; the most frequent names come first, so that most words have few holders."""

    words: Sequence[_Word]
    size: Floats
    """By set: how many members it has."""

    @classmethod
    def of(cls, sets: Sequence[Sequence[str]]) -> _Bits:
        """Sets with these members."""
        size = np.fromiter(map(len, sets), np.int64, len(sets))
        frequency = Counter(chain.from_iterable(sets))
        numbers = {name: number for number, (name, _) in enumerate(frequency.most_common())}
        number = np.fromiter(map(numbers.__getitem__, chain.from_iterable(sets)), np.int64, int(size.sum()))
        holder = np.repeat(np.arange(len(sets)), size)
        order = np.lexsort((holder, number // 64))
        word, holder = number[order] // 64, holder[order]
        begins = np.ones(len(order), np.bool_)
        begins[1:] = (word[1:] != word[:-1]) | (holder[1:] != holder[:-1])
        start = np.flatnonzero(begins)
        bit = np.left_shift(np.uint64(1), (number[order] % 64).astype(np.uint64))
        bits = np.bitwise_or.reduceat(bit, start) if len(start) else bit
        edges = np.flatnonzero(np.diff(word[start])) + 1
        words = map(_Word, np.split(holder[start], edges), np.split(bits, edges))
        return cls(tuple(words), size.astype(np.float64))

    def between(self, first: Integers, second: Integers) -> tuple[Floats, Floats]:
        """How far the sets of each pair are apart, by Jaccard and by MASI; those of a pair differ."""
        common = np.zeros(len(first))
        for holders, bits in self.words:
            held = np.zeros(len(self.size), np.uint64)
            held[holders] = bits
            common += np.bitwise_count(held[first] & held[second])
        one, other = self.size[first], self.size[second]
        union = one + other - common
        contained = common == np.minimum(one, other)
        return (union - common) / union, (union - common * (1.0 + contained) / 3.0) / union

    def mean_distances(self, shares: Floats, rest: Floats) -> tuple[Floats, Floats]:
        """For each set its mean distance to a set drawn by the shares; `rest` is one less each share, exactly rounded."""
        sets, size = len(self.size), self.size.astype(np.uint16)
        alike, within = np.zeros(sets), np.zeros(sets)
        block = max(1, BLOCK // max(1, sets))
        for start in range(0, sets, block):
            part = slice(start, min(start + block, sets))
            common = self._common(part)
            similar = common / np.maximum(self.size[part, None] + self.size - common, 1.0)
            np.fill_diagonal(similar[:, start:], 0.0)
            alike[part] = np.einsum("ij,j->i", similar, shares)
            similar *= common == np.minimum(size[part, None], size)
            within[part] = np.einsum("ij,j->i", similar, shares)
        # Distances to the other sets, not one less similarities: where one set has nearly all shares nothing is lost.
        return rest - alike, rest - (alike + within) / 3.0

    def _common(self, part: slice) -> NDArray[np.uint16]:
        """How many members each of these sets has in common with each set."""
        sets = len(self.size)
        common = np.zeros((part.stop - part.start, sets), np.uint16)
        for holders, bits in self.words:
            here = slice(*np.searchsorted(holders, (part.start, part.stop)))
            shared = np.bitwise_count(bits[here, None] & bits)
            if len(holders) == sets:
                common += shared
            elif len(shared):
                common[np.ix_(holders[here] - part.start, holders)] += shared
        return common
