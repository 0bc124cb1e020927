"""Write the table of docs/choose.md: what each overlay serves, on what, and for how much.

    python scripts/generate_choices.py [--check]

An environment with every overlay is written by the template and asked by `modelyard fit`, `place` and `cost`, so the
table says what those say. It takes half a minute; docs/targets.yaml keeps its last run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
from tests.repositories import URL, copy_template  # noqa: E402

from generated import between, keep  # noqa: E402
from list_menu import facts, table  # noqa: E402
from modelyard.editing import Changes, Menu, environment_files, sync_outputs  # noqa: E402
from modelyard.editing.changes import StagedFiles  # noqa: E402
from modelyard.editing.identity import write_model  # noqa: E402

PAGE = PROJECT / "docs" / "choose.md"
BEGIN, END = "<!-- choices -->\n", "<!-- /choices -->"
ENVIRONMENT = "all"
REGION = "us-west-2"
ANSWERS = {
    "scope": "environment",
    "environment_name": ENVIRONMENT,
    "account_id": "111122223333",
    "region": REGION,
    "gpu_multinode_pool": True,
    "gpu_limit": 10_000,
    "gpu_multinode_limit": 10_000,
    "neuron_limit": 10_000,
    "cpu_limit": 100_000,
    "starter_models": "",
}
HEADS = ("overlay", "model", "task", "devices", "fits on", "longest request", "nodes", "USD/month", "licence")


def write_repository(root: Path, overlays: Mapping[str, Any]) -> None:
    """Write a repository whose environment serves every overlay once, under the overlay's place in the menu."""
    copy_template(root, {"scope": "repository", "repository_name": "my-platform", "repository_url": URL})
    components = ["access-roles", "keda", "kuberay-operator", "lws", "neuron-device-plugin", "efa-device-plugin"]
    components += ["neuron-scheduler", "cert-manager", "envoy-gateway-crd", "envoy-gateway", "aibrix", "storage"]
    copy_template(root, {**ANSWERS, "components": ",".join(components)})
    changes = Changes(root)
    menu = Menu(StagedFiles(changes))
    files = environment_files(changes, ENVIRONMENT)
    sync_outputs(changes, ENVIRONMENT, {"models_bucket_name": f"my-platform-{ENVIRONMENT}-models-111122223333"})
    for number, (name, fact) in enumerate(overlays.items()):
        overlay = menu.overlays[name]
        features = [each for each in fact["requires"] if each in menu.features]
        write_model(files, f"m{number}", overlay, menu.engines[overlay.engine], features, menu)
    changes.apply()


def asked(verb: str, root: Path) -> Any:
    """Return what a verb says of the repository, as JSON."""
    command = [sys.executable, "-m", "modelyard", verb, str(root), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"modelyard {verb} failed: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def rows(root: Path, overlays: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield a row for each overlay."""
    sized = {each["name"]: each for each in asked("fit", root)["models"]}
    (environment,) = asked("cost", root)["environments"]
    priced = {each["name"]: each for each in environment["models"]}
    for number, (name, fact) in enumerate(overlays.items()):
        size, price = sized.get(f"m{number}", {}), priced.get(f"m{number}", {})
        devices = [each for each in size.get("devices", ()) if each["verdict"] == "fits"]
        unsure = [each for each in size.get("devices", ()) if each["verdict"] == "unsure"]
        lengths = {each["budget"]["max-model-len"] for each in devices + unsure if each.get("budget")}
        months = [price["cost"][scale] for scale in ("floor", "full-scale")] if price else []
        amounts = dict.fromkeys(f"{each['usd-per-month'][0]:,.0f}" for each in months)
        amount = "not known" if not months or any(each["unknown"] for each in months) else " to ".join(amounts)
        yield [
            f"`{name}`",
            fact["model"],
            fact["task"],
            _devices(fact),
            ", ".join(dict.fromkeys(each["device"] for each in devices))
            or ("unsure: " + ", ".join(each["device"] for each in unsure) if unsure else "not modelled"),
            f"{max(lengths):,}" if lengths else "",
            f"{price['nodes']} ({price['pool']})" if price.get("pool") else "none here takes it",
            amount,
            fact["license"],
        ]


def _devices(fact: Mapping[str, Any]) -> str:
    if not fact["devices"]:
        return "CPU"
    kind = {"gpu": "GPU", "neuron": "Neuron"}[fact["accelerator"]]
    return f"{fact['devices']} {kind}" + (f" on {fact['nodes']} nodes" if "nodes" in fact else "")


def main() -> int:
    """Write the table, or say that it is not current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the table is not current")
    options = parser.parse_args()
    overlays = dict(facts(PROJECT / "overlays", "overlay.yaml"))
    with tempfile.TemporaryDirectory(prefix="modelyard-choices-") as scratch:
        root = Path(scratch) / "my-platform"
        write_repository(root, overlays)
        made = table(HEADS, list(rows(root, overlays)))
    return keep(PAGE, between(PAGE.read_text(), BEGIN, END, made), check=options.check, remedy="make docs-choices")


if __name__ == "__main__":
    sys.exit(main())
