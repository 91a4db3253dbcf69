"""Record what segeval says of random segmentations, for `test_segeval.py` to compare with.

segeval 2.0.11 is not maintained and not a dependency. To record again:

    python -m venv peer && peer/bin/pip install segeval==2.0.11
    peer/bin/python tests/conformance/record_segeval.py

A segmentation is its boundaries; the text goes on after the last. segeval raises where neither has one. The peer is
imported where it is used, for the test run imports this file too.
"""

import json
import random
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

OUT = Path(__file__).parent / "data" / "segeval.json"
PAIRS, LENGTH = 400, 24


def drawn(rng):
    return sorted(rng.sample(range(1, LENGTH), rng.choice([0, 1, 2, 4, 8, 16])))


def moved(rng, boundaries):
    """The same boundaries, some of them a little off, or missing."""
    near = {place + rng.choice([0, 0, 0, -1, 1, 2]) for place in boundaries if rng.random() < 0.9}
    return sorted(place for place in near if 0 < place < LENGTH)


def masses(boundaries):
    places = [0, *boundaries, LENGTH]
    return tuple(after - place for place, after in pairwise(places))


def main():
    from segeval import boundary_similarity

    rng, found = random.Random(4), []
    while len(found) < PAIRS:
        first = drawn(rng)
        second = moved(rng, first) if rng.random() < 0.7 else drawn(rng)
        if first or second:
            value = boundary_similarity(masses(first), masses(second))
            found.append([first, second, float(f"{value:.13g}")])
    lines = ",\n  ".join(json.dumps(row, separators=(",", ":")) for row in found)
    OUT.write_text(f'{{"segeval": "{version("segeval")}", "pairs": [\n  {lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
