"""A small part of `python -m tests.benchmarks.coverage`, whose figures docs/agreement.md states."""

import pytest

from tests.benchmarks.coverage import ITEMS, PAIRED, POPULATIONS, coverage, poisson_bootstrap

REPETITIONS = 600


@pytest.mark.parametrize("items", ITEMS)
@pytest.mark.parametrize(
    "population",
    [each for each in POPULATIONS if each.label_type == "nominal" and each.sizes == PAIRED],
    ids=lambda population: population.name,
)
def test_intervals_of_nominal_labels_hold_the_truth_as_often_as_they_say(population, items):
    found = coverage(population, items, REPETITIONS)
    assert found.keys() == {
        "percent", "percent_pairs", "alpha", "alpha_nominal", "scott_pi", "fleiss_kappa", "ac1", "brennan_prediger",
    }  # fmt: skip
    for share, n, width in found.values():
        assert n == REPETITIONS
        # Three standard errors of a simulation of this length wider than what the whole one is held to.
        assert 0.92 - 0.03 <= share <= 0.97 + 0.02
        assert 0 < width < 1.5


@pytest.mark.parametrize("items", ITEMS)
def test_intervals_of_sets_hold_the_truth_as_often_as_they_say(items):
    population = next(each for each in POPULATIONS if each.name == "sets, near errors")
    found = coverage(population, items, 300)
    assert found.keys() == {"percent", "percent_pairs", "alpha", "alpha_jaccard"}
    for share, n, width in found.values():
        assert n == 300
        assert 0.92 - 0.04 <= share <= 0.97 + 0.02
        assert 0 < width < 1.5


def test_errors_of_ordinal_alpha_are_those_of_a_poisson_bootstrap():
    """Both are estimates of one error; 200 replicates tell it to about 5 %."""
    population = next(each for each in POPULATIONS if each.name == "ordinal, near errors")
    counts = {pattern: round(400 * share) for pattern, share in population.patterns().items()}
    counts = {pattern: n for pattern, n in counts.items() if n}
    _, low, high = population.read(counts)["alpha_ordinal"]
    value, lower, upper = poisson_bootstrap(population, counts, "alpha_ordinal")
    assert low < value < high
    assert (upper - lower) / (high - low) == pytest.approx(1.0, abs=0.15)
    entries = list(counts.items())
    assert poisson_bootstrap(population, dict(reversed(entries)), "alpha_ordinal") == (value, lower, upper)
