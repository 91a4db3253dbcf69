"""Record what irrCAC says of random tables, for `test_irrcac.py` to compare with.

irrCAC 0.4.4 pins an old scipy and cannot share an environment with the project. To record again:

    python -m venv peer && peer/bin/pip install irrCAC==0.4.4
    peer/bin/python tests/conformance/record_irrcac.py

Tables are written as a string an item, a character an annotator, "." where there is no label. Each coefficient is
recorded with its standard error and its limits; null is what irrCAC cannot divide. The first tables are recorded under
weights too: there the label 1 stands for the first of the table's values, and so on. The peers are imported where they
are used, for the test run imports this file too.
"""

import json
import math
import random
import warnings
from importlib.metadata import version
from pathlib import Path

OUT = Path(__file__).parent / "data" / "irrcac.json"
TABLES, PAIRS, WEIGHTED = 200, 60, 120
WEIGHTS = ("quadratic", "linear", "ordinal", "ratio")


def number(x):
    return None if math.isnan(x) else float(f"{x:.13g}")


def estimate(method):
    try:
        est = method()["est"]
    except ZeroDivisionError:
        return None
    return [number(x) for x in (est["coefficient_value"], est["se"], *est["confidence_interval"])]


def random_table(rng):
    q, annotators, items = rng.randint(2, 7), rng.randint(2, 6), rng.randint(4, 40)
    missing, skill = rng.choice([0.0, 0.2, 0.5, 0.7]), rng.choice([0.2, 0.5, 0.8, 0.95])
    popularity = [rng.random() ** 3 + 0.01 for _ in range(q)]
    labels = "123456789"[:q]
    rows = []
    while len(rows) < items:
        true = rng.choices(labels, popularity)[0]
        row = "".join(
            "." if rng.random() < missing else true if rng.random() < skill else rng.choices(labels, popularity)[0]
            for _ in range(annotators)
        )
        if row.strip("."):
            rows.append(row)
    return q, rows


def of_table(q, rows):
    import pandas as pd
    from irrCAC.raw import CAC

    frame = pd.DataFrame([[math.nan if x == "." else int(x) for x in row] for row in rows])
    peer = CAC(frame, categories=list(range(1, q + 1)), digits=15)
    return {
        "q": q,
        "rows": " ".join(rows),
        "alpha": estimate(peer.krippendorff),
        "fleiss_kappa": estimate(peer.fleiss),
        "ac1": estimate(peer.gwet),
        "brennan_prediger": estimate(peer.bp),
        "conger_kappa": estimate(peer.conger),
    }


def of_values(q, rows, values):
    import pandas as pd
    from irrCAC.raw import CAC

    frame = pd.DataFrame([[math.nan if x == "." else values[int(x) - 1] for x in row] for row in rows])
    found = {}
    for weights in WEIGHTS:
        peer = CAC(frame, weights=weights, categories=values, digits=15)
        found[weights] = {"alpha": estimate(peer.krippendorff)}
        if weights != "ratio":
            found[weights] |= {"ac2": estimate(peer.gwet), "brennan_prediger": estimate(peer.bp)}
    return found


def of_pair(cells):
    import pandas as pd
    from irrCAC.table import CAC

    frame = pd.DataFrame(cells)
    return {
        "cells": cells,
        "cohen_kappa": estimate(CAC(frame, digits=15).cohen),
        "weighted_kappa_linear": estimate(CAC(frame, weights="linear", digits=15).cohen),
        "weighted_kappa_quadratic": estimate(CAC(frame, weights="quadratic", digits=15).cohen),
    }


def main():
    warnings.simplefilter("ignore")
    rng = random.Random(20260712)
    tables = []
    while len(tables) < TABLES:
        q, rows = random_table(rng)
        if sum(len(row.replace(".", "")) > 1 for row in rows) > 1:
            tables.append(of_table(q, rows))
            if len(tables) <= WEIGHTED:
                # Half of them are equally far apart.
                spread = random.Random(len(tables)).sample([0.5, 1, 2, 2.5, 3, 5, 8, 12, 20, 100], q)
                values = sorted(spread) if len(tables) % 2 else list(range(1, q + 1))
                tables[-1] |= {"values": values, "weighted": of_values(q, rows, values)}
    pairs = []
    for _ in range(PAIRS):
        q = rng.randint(2, 6)
        pairs.append(of_pair([[rng.randint(0, 30 if a == b else 6) for a in range(q)] for b in range(q)]))
    with OUT.open("w") as out:
        out.write('{"irrCAC": ' + json.dumps(version("irrCAC")) + ',\n"tables": [\n')
        out.write(",\n".join(map(json.dumps, tables)))
        out.write('\n],\n"pairs": [\n')
        out.write(",\n".join(map(json.dumps, pairs)))
        out.write("\n]}\n")


if __name__ == "__main__":
    main()
