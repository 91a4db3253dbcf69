"""Values, standard errors and limits against what irrCAC 0.4.4 said of random tables (`record_irrcac.py`).

Where we differ from irrCAC, and why:

- irrCAC clips limits at 1 only, we at both ends of the range; so lower limits are compared where they lie within it.
- irrCAC gives an interval from the degrees of freedom of all items for Fleiss' kappa, AC1 and Brennan-Prediger,
  single labels included, and of the pairable items for alpha; so do we.
- The quantile of Student's t in the scipy that irrCAC pins is off by up to 3e-9 (5 degrees of freedom: 2.5705818366 for
  2.5705818356), so limits are compared to 1e-8 where values and errors are to 1e-9.
- Where a table has one label only, irrCAC divides by zero for alpha (recorded as null) and by rounding noise elsewhere;
  we say "no variation".
- irrCAC's alpha under quadratic weights is our alpha_interval, and under weights "ratio" our alpha_ratio (a zero it cannot
  divide by). Its alpha under linear and ordinal weights is no reading of ours, but made of the same parts, and compared.
  Its weights "ordinal" are not Krippendorff's ordinal metric, which it has not.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from detectors.agreement import COEFFICIENTS, Scale, Table, agreement, item_pattern, pair_agreement
from detectors.agreement.coefficient import alpha_of
from detectors.agreement.cohen_kappa import cohen_kappa
from detectors.agreement.conger_kappa import conger_kappa
from detectors.agreement.panel import Panel
from detectors.agreement.scale import WEIGHTS, mean_distances, relative
from detectors.agreement.weighted_kappa import LINEAR, QUADRATIC, weighted_kappa
from tests.detectors.agreement.published import confusion_pairs
from tests.detectors.agreement.test_conger import panel_of

RECORDED = json.loads((Path(__file__).parent / "data" / "irrcac.json").read_text())


def close(x):
    return pytest.approx(x, rel=0, abs=1e-9)


def assert_limits(reading, low, high):
    if low is not None:
        assert reading.low == (pytest.approx(low, rel=0, abs=1e-8) if low > -1 else -1.0)
        assert reading.high == pytest.approx(high, rel=0, abs=1e-8)


def test_tables_with_missing_cells():
    compared, undefined = Counter(), Counter()
    for recorded in RECORDED["tables"]:
        table = Table.of(Counter(item_pattern(row.replace(".", "")) for row in recorded["rows"].split()))
        for name in ("alpha", "fleiss_kappa", "ac1", "brennan_prediger"):
            reading = COEFFICIENTS[name].reading(table, recorded["q"])
            if reading.value is None:
                pairable = [row for row in recorded["rows"].replace(".", "").split() if len(row) > 1]
                assert len(set("".join(pairable))) == 1
                undefined[name] += 1
                continue
            value, error, low, high = recorded[name]
            estimate = COEFFICIENTS[name].estimate(table, recorded["q"])
            assert (estimate.value, estimate.error) == (close(value), close(error))
            assert_limits(reading, low, high)
            compared[name] += 1
    assert compared == {"alpha": 190, "fleiss_kappa": 193, "ac1": 200, "brennan_prediger": 200}
    assert undefined == {"alpha": 10, "fleiss_kappa": 7}


METRICS = {**WEIGHTS, "ratio": relative}


def alpha_under(weights, table):
    """Alpha with any of irrCAC's weights."""
    placed = table.placed
    places = placed.rank.astype(float) if weights == "ordinal" else placed.number
    if table.pairable == 0 or np.count_nonzero(table.pair_shares) < 2:
        return None
    disagreement = placed.by_row(places, METRICS[weights], len(table.weight))
    return alpha_of(table, disagreement, mean_distances(places, table.pair_shares, METRICS[weights]))


def test_weights_and_metrics_on_tables_of_numbers():
    compared, undefined = Counter(), Counter()
    for recorded in RECORDED["tables"]:
        if "values" not in recorded:
            continue
        names = [f"{value:g}" for value in recorded["values"]]
        rows = recorded["rows"].replace(".", "").split()
        counts = Counter(item_pattern(names[int(label) - 1] for label in row) for row in rows)
        for weights, expected in recorded["weighted"].items():
            scale = Scale.of("interval", names, weights="quadratic" if weights == "ratio" else weights)
            table = Table.of(counts, scale)
            estimators = {
                "alpha": lambda table, _q, weights=weights: alpha_under(weights, table),
                "ac2": COEFFICIENTS["ac2"].estimate,
                "brennan_prediger": COEFFICIENTS["brennan_prediger"].by_type["interval"],
            }
            for name, figures in expected.items():
                estimate = estimators[name](table, recorded["q"])
                if estimate is None:
                    undefined[weights, name] += 1
                    continue
                value, error, low, high = figures
                assert (estimate.value, estimate.error) == (close(value), close(error))
                assert_limits(estimate.reading(table.pairable, -1.0), low, high)
                compared[weights, name] += 1
            readings = agreement(counts, "ratio", recorded["q"], scale)
            level = {"quadratic": "alpha_interval", "ratio": "alpha_ratio"}.get(weights)
            if level and readings[level].value is not None:
                assert readings[level].value == close(expected["alpha"][0])
                assert_limits(readings[level], *expected["alpha"][2:])
                compared[level] += 1
    assert compared == {
        **{(weights, "alpha"): 114 for weights in METRICS},
        **{(weights, name): 120 for weights in WEIGHTS for name in ("ac2", "brennan_prediger")},
        "alpha_interval": 114,
        "alpha_ratio": 114,
    }
    assert undefined == {(weights, "alpha"): 6 for weights in METRICS}


def test_tables_include_single_labels_and_undeclared_ones():
    rows = [recorded["rows"].split() for recorded in RECORDED["tables"]]
    assert sum(any(len(row.replace(".", "")) == 1 for row in table) for table in rows) > 50
    assert (
        sum(len(set("".join(table)) - {"."}) < r["q"] for table, r in zip(rows, RECORDED["tables"], strict=True)) > 20
    )


def test_confusion_matrices_of_two_annotators():
    compared = 0
    for recorded in RECORDED["pairs"]:
        counts = confusion_pairs(recorded["cells"])
        scale = Scale.of("ordinal", [str(label) for label in range(len(recorded["cells"]))])
        estimates = {
            "cohen_kappa": cohen_kappa(counts),
            "weighted_kappa_linear": weighted_kappa(counts, scale, LINEAR),
            "weighted_kappa_quadratic": weighted_kappa(counts, scale, QUADRATIC),
        }
        readings = pair_agreement(counts, "ordinal", scale)
        assert readings.keys() == estimates.keys()
        for name, estimate in estimates.items():
            value, error, low, high = recorded[name]
            assert (estimate.value, estimate.error) == (close(value), close(error))
            assert_limits(readings[name], low, high)
            compared += 1
    assert compared == 180


def test_conger_on_tables_with_missing_cells():
    """irrCAC divides by zero where an annotator labelled nothing: null, or no number."""
    compared = undefined = 0
    for recorded in RECORDED["tables"]:
        rows = [
            {str(place): label for place, label in enumerate(row) if label != "."} for row in recorded["rows"].split()
        ]
        counts, who = panel_of(rows)
        reading = agreement(counts, "nominal", recorded["q"], None, who)["conger_kappa"]
        if recorded["conger_kappa"] is None or recorded["conger_kappa"][0] is None:
            undefined += 1
            continue
        value, error, low, high = recorded["conger_kappa"]
        if reading.why:
            assert (reading.why, error) == ("no variation", pytest.approx(0, abs=1e-9))
            undefined += 1
            continue
        estimate = conger_kappa(Panel.of(counts, Table.of(counts), who))
        assert (estimate.value, estimate.error) == (close(value), close(error))
        assert_limits(reading, low, high)
        compared += 1
    assert (compared, undefined) == (192, 8)
