"""Compare the API versions in tools/render/clientless with those of the client-go that it stands in for.

    python scripts/client_go_versions.py

Builds a program of a few lines against the real module, at the version that tools/render/go.mod requires.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]
RENDER = PROJECT / "tools" / "render"
PROGRAM = """package main

import (
	"fmt"

	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	for _, version := range scheme.Scheme.PrioritizedVersionsAllGroups() {
		fmt.Println(version.String())
	}
}
"""


def main() -> int:
    """Return 1 and print the differences where the lists differ."""
    required = re.search(r"k8s\.io/client-go (v\S+)", (RENDER / "go.mod").read_text())
    assert required is not None, "go.mod requires client-go"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "go.mod").write_text(f"module versions\n\ngo 1.26.0\n\nrequire k8s.io/client-go {required[1]}\n")
        (folder / "main.go").write_text(PROGRAM)
        command = ["go", "run", "-mod=mod", "."]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    real = set(done.stdout.split())
    text = (RENDER / "clientless/kubernetes/scheme/scheme.go").read_text()
    ours = {
        f"{group}/{version}".removeprefix("/")
        for group, version in re.findall(r'\{Group: "([^"]*)", Version: "([^"]+)"\}', text)
    }
    for name in sorted(real ^ ours):
        print(f"{name} is {'missing' if name in real else 'not in client-go'} {required[1]}")
    return int(real != ours)


if __name__ == "__main__":
    sys.exit(main())
