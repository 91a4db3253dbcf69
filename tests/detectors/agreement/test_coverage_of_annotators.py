"""A small part of `python -m tests.benchmarks.coverage_of_annotators`, whose figures docs/agreement.md states."""

import pytest

from tests.benchmarks.coverage_of_annotators import NAMES, POPULATIONS, Ranked, coverage

REPETITIONS = 200


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda population: population.name)
def test_intervals_hold_the_truth_as_often_as_they_say(population):
    found = coverage(population, 30, REPETITIONS)
    names = NAMES if isinstance(population, Ranked) else ["conger_kappa"]
    assert found.keys() >= {*names}
    for name in names:
        assert found[name].n == REPETITIONS
        # Three standard errors of a simulation of this length around what the whole one says.
        assert 0.92 - 0.055 <= found[name].share <= 0.985 + 0.015
    for name in names if isinstance(population, Ranked) else ():
        # The derivatives and the bootstrap say the same, as soon as there are some items.
        assert found[f"{name}, linearised"].width == pytest.approx(found[name].width, rel=0.15)
