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
    for level, programs in NEEDED.items():
        missing = [name for name in (*NEEDED["schema"], *programs) if find(name) is None]
        if missing:
            named = ", ".join(dict.fromkeys(missing))
            print(f"skipped: level {level}, since {named} is not there; `make rehearsal-tools` builds it")
            continue
        program, variables = MODELYARD, dict(os.environ)
        if level == "cloud":
            provider = needs.plugin_folder() or needs.searched_plugin_folder()
            if find("terraform") is None or provider is None:
                print("skipped: level cloud, since Terraform or its AWS provider is not on this machine")
                continue
            if not needs.has_mock():
                program = WITH_MOCK
            if not program.is_file():
                print("skipped: level cloud, since moto is not there; `make build/terraform/.ready` brings it")
                continue
            variables[needs.PLUGINS] = str(provider)
        words = ["rehearse", str(repository), "--env", "dev", "--level", level]
        print(f"$ modelyard {' '.join(words)}", flush=True)
        code = max(code, subprocess.run([program, *words], check=False, env=variables).returncode)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
