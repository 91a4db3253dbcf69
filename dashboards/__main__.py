"""``python -m dashboards``: write the generated files anew."""

import argparse
from pathlib import Path

from dashboards.generate import write
from dashboards.rules import Links


def main() -> None:
    """Write every generated file and print its path."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Write Grafana dashboards and rules.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder (default: this package)")
    parser.add_argument("--grafana", default=Links().grafana, help="address of Grafana, for links in alerts")
    parser.add_argument("--runbook", default=Links().runbook, help="address of a runbook, %%s standing for the alert")
    options = parser.parse_args()
    for path in write(options.out, Links(runbook=options.runbook, grafana=options.grafana)):
        print(path)


if __name__ == "__main__":
    main()
