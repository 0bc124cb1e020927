"""Rehearse a repository at levels schema and sync with the programs that are there, and say what was left out.

Used by `make rehearsal` and in continuous integration, where the programs may not be cached yet: they take about twenty
minutes to build, so that nothing is built here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from modelyard.tooling import find

MODELYARD = Path(sys.executable).with_name("modelyard")
NEEDED = {
    "schema": ("etcd", "kube-apiserver"),
    "sync": ("kube-controller-manager", "kube-scheduler", "karpenter-kwok", "argocd-parts"),
}


def main(repository: Path) -> int:
    """Rehearse at each level; return the highest exit code."""
    code = 0
    missing: list[str] = []
    for level, programs in NEEDED.items():
        missing += [name for name in programs if find(name) is None]
        if missing:
            print(f"skipped: level {level}, since {', '.join(missing)} is not there; `make rehearsal-tools` builds it")
            continue
        words = ["rehearse", str(repository), "--env", "dev", "--level", level]
        print(f"$ modelyard {' '.join(words)}", flush=True)
        code = max(code, subprocess.run([MODELYARD, *words], check=False).returncode)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
