"""Write Grafana's dashboards into the platform components that bring them.

Usage: python scripts/generate_dashboards.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.devices import devices
from dashboards.inference import inference
from dashboards.logs import logs_in_cloudwatch, logs_in_opensearch
from dashboards.nodes import nodes
from dashboards.platform import platform

COMPONENTS = Path(__file__).parents[1] / "bases" / "platform"


def made() -> dict[Path, str]:
    """Return what each file is to hold."""
    files = {
        "dashboards/inference.json": inference(),
        "dashboards/devices.json": devices(),
        "dashboards/nodes.json": nodes(),
        "dashboards/platform.json": platform(),
        "fluent-bit-cloudwatch/logs.json": logs_in_cloudwatch(),
        "fluent-bit-opensearch/logs.json": logs_in_opensearch(),
    }
    encoder = JSONEncoder(indent=1, sort_keys=True, ensure_ascii=False)
    texts = {}
    for name, each in files.items():
        dashboard = each.build()
        for number, panel in enumerate(dashboard.panels or (), 1):
            panel.id_val = number  # links to a panel carry it
        texts[COMPONENTS / name] = encoder.encode(dashboard) + "\n"
    return texts


def main() -> int:
    """Write every file, or return 1 when one is not current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    arguments = parser.parse_args()
    stale = [path for path, text in made().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if arguments.check:
        for path in stale:
            print(f"{path.relative_to(COMPONENTS.parents[1])} is not current; run scripts/generate_dashboards.py")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
