"""Rehearse a repository at levels schema, sync and cloud with what is there, and say what was left out.

Used by `make rehearsal` and in continuous integration, where the programs may not be cached yet: they take about 25
minutes to build, so that nothing is built here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from modelyard.rehearsal.cloud import needs
from modelyard.tooling import find

MODELYARD = Path(sys.executable).with_name("modelyard")
# The environment of the Terraform tests, which has the mock AWS.
WITH_MOCK = Path(__file__).parents[1] / "build" / "terraform" / "bin" / "modelyard"
NEEDED = {
    "schema": ("etcd", "kube-apiserver"),
    "sync": ("kube-controller-manager", "kube-scheduler", "karpenter-kwok", "argocd-parts"),
    "cloud": ("kube-controller-manager", "kube-scheduler", "karpenter-aws"),
}


def main(repository: Path) -> int:
    """Rehearse at each level; return the highest exit code."""
    code = 0
    for level in NEEDED:
        program, variables, lacking = program_for(level)
        if lacking:
            print(f"skipped: level {level}, since {lacking}")
            continue
        words = ["rehearse", str(repository), "--env", "dev", "--level", level]
        print(f"$ modelyard {' '.join(words)}", flush=True)
        code = max(code, subprocess.run([program, *words], check=False, env=variables).returncode)
    return code


def program_for(level: str) -> tuple[Path, dict[str, str], str]:
    """Return the program for a level, the variables that it runs with, and why it cannot run; empty when it can."""
    variables = dict(os.environ)
    missing = [name for name in (*NEEDED["schema"], *NEEDED[level]) if find(name) is None]
    if missing:
        named = ", ".join(dict.fromkeys(missing))
        return MODELYARD, variables, f"{named} is not there; `make rehearsal-tools` builds it"
    if level != "cloud":
        return MODELYARD, variables, ""
    provider = needs.plugin_folder() or needs.searched_plugin_folder()
    if find("terraform") is None or provider is None:
        return MODELYARD, variables, "Terraform or its AWS provider is not on this machine"
    program = MODELYARD if needs.has_mock() else WITH_MOCK
    if not program.is_file():
        return program, variables, "moto is not there; `make build/terraform/.ready` brings it"
    return program, {**variables, needs.PLUGINS: str(provider)}, ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
