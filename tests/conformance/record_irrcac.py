"""Record what irrCAC says of random tables, for `test_irrcac.py` to compare with.

irrCAC 0.4.4 pins an old scipy and cannot share an environment with the project. To record again:

    python -m venv peer && peer/bin/pip install irrCAC==0.4.4
    peer/bin/python tests/conformance/record_irrcac.py

Tables are written as a string an item, a character an annotator, "." where there is no label. Each coefficient is
recorded with its standard error and its limits; null is what irrCAC cannot divide. The peers are imported where they
are used, for the test run imports this file too.
"""

import json
import math
import random
import warnings
from importlib.metadata import version
from pathlib import Path

OUT = Path(__file__).parent / "data" / "irrcac.json"
TABLES, PAIRS = 200, 60


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
    }


def of_pair(cells):
    import pandas as pd
    from irrCAC.table import CAC

    return {"cells": cells, "cohen_kappa": estimate(CAC(pd.DataFrame(cells), digits=15).cohen)}


def main():
    warnings.simplefilter("ignore")
    rng = random.Random(20260712)
    tables = []
    while len(tables) < TABLES:
        q, rows = random_table(rng)
        if sum(len(row.replace(".", "")) > 1 for row in rows) > 1:
            tables.append(of_table(q, rows))
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
