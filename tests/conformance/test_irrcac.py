"""Values, standard errors and limits against what irrCAC 0.4.4 said of random tables (`record_irrcac.py`).

Where we differ from irrCAC, and why:

- irrCAC clips limits at 1 only, we at both ends of the range; so lower limits are compared where they lie within it.
- irrCAC gives an interval from the degrees of freedom of all items for Fleiss' kappa, AC1 and Brennan-Prediger,
  single labels included, and of the pairable items for alpha; so do we.
- The quantile of Student's t in the scipy that irrCAC pins is off by up to 3e-9 (5 degrees of freedom: 2.5705818366 for
  2.5705818356), so limits are compared to 1e-8 where values and errors are to 1e-9.
- Where a table has one label only, irrCAC divides by zero for alpha (recorded as null) and by rounding noise elsewhere;
  we say "no variation".
- irrCAC's quadratic, linear and other weights are not for nominal labels and not compared.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from detectors.agreement import COEFFICIENTS, Table, item_pattern, pair_agreement
from detectors.agreement.cohen_kappa import cohen_kappa
from tests.detectors.agreement.published import confusion_pairs

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
        value, error, low, high = recorded["cohen_kappa"]
        estimate = cohen_kappa(counts)
        assert (estimate.value, estimate.error) == (close(value), close(error))
        assert_limits(pair_agreement(counts)["cohen_kappa"], low, high)
        compared += 1
    assert compared == 60
