"""A small part of `python -m tests.benchmarks.coverage_of_pairs`, whose figures docs/agreement.md states."""

import pytest

from tests.benchmarks.coverage_of_pairs import POPULATIONS, measured

REPETITIONS = 300

EXPECTED = {
    "a pair of annotators": (
        "ordinal, near errors",
        {"cohen_kappa", "weighted_kappa_linear", "weighted_kappa_quadratic"},
    ),
    "an annotator and the others": (
        "nominal, skewed, fair",
        {"percent", "percent_pairs", "alpha", "fleiss_kappa", "ac1", "brennan_prediger"},
    ),
    "two vendors": ("sets, near errors", {"alpha", "alpha_jaccard"}),
    "a task": ("nominal, skewed, fair, 2 to 5 of 5 annotators", {"conger_kappa"}),
}


@pytest.mark.parametrize("what", EXPECTED)
def test_intervals_hold_the_truth_as_often_as_they_say(what):
    name, figures = EXPECTED[what]
    population = next(each for each in POPULATIONS[what] if each.name == name)
    truth = population.truth()
    found = measured(population, 100, REPETITIONS)
    assert found.keys() >= figures
    for figure in figures:
        share, n, width = found[figure]
        assert n == REPETITIONS
        # Three standard errors of a simulation of this length around what the whole one is held to.
        assert 0.92 - 0.04 <= share <= 0.97 + 0.025
        assert 0 < width < 1.0
        assert -1.0 < truth[figure] < 1.0


def test_the_worse_side_errs_more():
    """The truth of the enumerated sides, where it is known: kinds and errors are even, so chance agreement is 1/4."""
    (pair,) = (each for each in POPULATIONS["a pair of annotators"] if each.name == "nominal, even, fair")
    kept = (1 - 0.3) * (1 - 0.45)
    assert sum(pair.patterns().values()) == pytest.approx(1.0, abs=1e-12)
    assert pair.truth()["cohen_kappa"] == pytest.approx(kept, abs=1e-8)
