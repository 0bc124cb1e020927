"""A folder of stand-ins for the programs that the scripts of a generated repository call."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelyard.tooling import run
from modelyard.tooling.processes import Completed

STAND_IN = Path(__file__).with_name("stand_in.py")
KUBECTL = Path(__file__).with_name("kubectl_stand_in.py")
REAL = (
    *("awk", "basename", "bash", "cat", "dirname", "env", "git", "grep", "head", "mktemp", "mv", "paste", "python3"),
    *("rm", "sed", "sleep", "sort", "tr"),
)
PROGRAMS = ("aws", "curl", "helm", "kubectl", "modelyard", "terraform")
TOKEN = "hf_a-token-that-nobody-may-see"  # noqa: S105 - what must not show
Answer = tuple[str, int, str]

ACCOUNT: Answer = ("get-caller-identity", 0, "111122223333\n")
CHANGES: Answer = ("terraform .* plan ", 2, "")
HEALTHY: Answer = ("get applications --no-headers", 0, "root Synced Healthy\nargocd Synced Healthy\n")
FILLED: Answer = ("describe-secret", 0, "AWSCURRENT\n")
CREDENTIAL: Answer = ("get-secret-value", 0, json.dumps({"username": "git", "password": TOKEN}))
EMPTY: Answer = ("describe-secret", 0, "None\n")
NO_BUCKET: Answer = ("head-bucket --bucket my-platform-dev-models-111122223333", 254, "404 Not Found")
USUAL: tuple[Answer, ...] = (
    ("describe-availability-zones", 0, "us-west-2a\tus-west-2b\tus-west-2c\tus-west-2d\n"),
    ("terraform version", 0, '{"terraform_version": "1.11.4"}'),
    ("kubectl version", 0, '{"clientVersion": {"gitVersion": "v1.35.2"}}'),
    ("helm version", 0, "v4.2.1"),
    ("aws --version", 0, "aws-cli/2.33.11 Python/3.13"),
    ("cluster.tags", 254, "No cluster found"),
    ("curl --silent --output", 0, "200"),
    ("get --raw /readyz", 0, "ok"),
    NO_BUCKET,
)
NODES: Answer = ("modelyard place", 0, '{"environments": []}')


class Cloud:
    """A folder of stand-ins, what they answer and how they were called."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.repository, self.folder = repository, folder
        folder.mkdir()
        stub = (repository / "environments/dev/applications/argocd.yaml").read_text()
        version = stub.partition("targetRevision: ")[2].split()[0]
        digest = hashlib.sha256(b"the chart").hexdigest()
        lines = ["version: 1", "charts:"]
        # As `modelyard fetch` writes it: others before and after, and an older version of the same chart.
        for name, number, hexadecimal in (
            ("argo-cd", "1.0.0", "0" * 64),
            ("argo-cd", version, digest),
            ("x", version, "1" * 64),
        ):
            lines += [f"  - name: {name}", f"    version: {number}", "    repository: https://example.com/charts"]
            lines += [f"    digest: sha256:{hexadecimal}"]
        (repository / "charts.lock").write_text("\n".join(lines) + "\n")
        for name in PROGRAMS:
            shutil.copy(STAND_IN, folder / name)
            (folder / name).chmod(0o755)
        for name in REAL:
            found = sys.executable if name == "python3" else shutil.which(name)
            assert found is not None, f"{name} is not installed"
            (folder / name).symlink_to(found)

    def call(self, script: str, *words: str, answers: Sequence[Answer], stdin: str = "", **variables: str) -> Completed:
        """Run a script for dev and return how it ended; install.sh reaches the VPC unless a test has a way in."""
        if (
            script == "install.sh"
            and not (self.folder / "session-manager-plugin").exists()
            and "--outside" not in words
        ):
            words = ("--inside", *words)
        words = tuple(word for word in words if word != "--outside")
        (self.folder / "answers.json").write_text(json.dumps([*answers, ACCOUNT, CREDENTIAL, NODES, *USUAL]))
        (self.folder / "calls.jsonl").write_text("")
        environment = {"PATH": str(self.folder), "POLL_SECONDS": "0", "HF_TOKEN": None, "GIT_TOKEN": None, **variables}
        command: list[str | Path] = [self.repository / "scripts" / script, *words, "dev"]
        return run(command, cwd=self.repository, timeout=60, stdin=stdin.encode(), env=environment)

    def hold(self, manifests: Sequence[dict[str, Any]]) -> None:
        """Let kubectl speak to a cluster that holds objects."""
        shutil.copy(KUBECTL, self.folder / "kubectl")
        (self.folder / "kubectl").chmod(0o755)
        (self.folder / "cluster.json").write_text(json.dumps(manifests))

    @property
    def held(self) -> set[str]:
        """What the cluster still holds, as kind/name."""
        manifests = json.loads((self.folder / "cluster.json").read_text())
        return {f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in manifests}

    @property
    def calls(self) -> list[dict[str, str]]:
        """What was called, in order, with what it was told."""
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]

    def position(self, words: str) -> int:
        """Return where in the order of calls one with these words is."""
        return next(number for number, call in enumerate(self.calls) if words in call["line"])
