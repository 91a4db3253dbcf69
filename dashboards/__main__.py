"""``python -m dashboards``: write the generated files anew, or ``publish`` the dashboards to a Grafana."""

import argparse
import sys
from pathlib import Path

from dashboards import publisher
from dashboards.rules import Links


def main() -> int:
    """Write every generated file and print its path; or publish, and print every dashboard's address."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Write Grafana dashboards and rules.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder (default: this package)")
    parser.add_argument("--grafana", default=Links().grafana, help="address of Grafana, for links in alerts")
    parser.add_argument("--runbook", default=Links().runbook, help="address of a runbook, %%s standing for the alert")
    commands = parser.add_subparsers(metavar="[publish]", dest="command")
    about = "push the dashboards to a Grafana that cannot mount files"
    publisher.add_arguments(commands.add_parser("publish", help=about, description=about))
    options = parser.parse_args()
    if options.command == "publish":
        return publisher.run(options)
    from dashboards.generate import write  # needs a YAML writer, which an installation without tests lacks

    for path in write(options.out, Links(runbook=options.runbook, grafana=options.grafana)):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
