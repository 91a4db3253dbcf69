"""A small part of `python -m tests.benchmarks.coverage_of_spans`, whose figures docs/agreement.md states."""

import pytest

from tests.benchmarks.coverage_of_spans import FIGURES, POPULATIONS, coverage

REPETITIONS = 300


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda population: population.name)
def test_intervals_hold_the_truth_as_often_as_they_say(population):
    found = coverage(population, 100, REPETITIONS)
    assert list(found) == [figure.name for figure in FIGURES]
    for truth, share in found.values():
        assert 0.05 < truth < 0.95
        # Three standard errors of a simulation of this length around what the whole one says.
        assert 0.92 - 0.04 <= share <= 0.96 + 0.03
