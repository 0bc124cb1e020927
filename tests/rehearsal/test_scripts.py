"""The Kubernetes half of install.sh and all of cleanup.sh, run against a real control plane with a real Argo CD.

AWS, Terraform and the chart are stood in for by programs that do nothing, or make what the scripts wait for.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from modelyard.rehearsal import argocd, controllers
from modelyard.rehearsal.control_plane import ControlPlane, control_plane
from modelyard.rehearsal.definitions import install_definitions, installable
from modelyard.rehearsal.folders import run_folder
from modelyard.rehearsal.rehearse import definitions_in_use
from modelyard.rehearsal.served import serve
from modelyard.rehearsal.syncing import ArgoSession
from modelyard.schemas import SchemaBundle
from modelyard.tooling import find
from modelyard.view import Environment
from tests.rehearsal.conftest import missing
from tests.rehearsal.faults import view_of

PROGRAMS = (argocd.PROGRAM, *controllers.PROGRAMS, "kubectl")
SECONDS = 240.0

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def needed() -> None:
    """Skip where a program is missing."""
    lacking = [name for name in PROGRAMS if find(name) is None]
    if reason := missing() or ", ".join(f"{name} is not installed" for name in lacking):
        pytest.skip(reason)


def shim(folder: Path, name: str, script: str) -> None:
    """Write a program."""
    path = folder / name
    path.write_text(f'#!/usr/bin/env bash\nset -euo pipefail\necho {name} "$@" >> {folder}/calls\n{script}')
    path.chmod(0o755)


def chart(view: Environment) -> dict[str, list[dict[str, Any]]]:
    """Return what stands for the chart of Argo CD: its definitions, its settings, and workloads of its names."""
    bundle = SchemaBundle()
    found = [bundle.definition(*kind) for kind in argocd.KINDS]
    container = {
        "name": "main",
        "image": "registry.example.com/argocd:v3.5.1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    # As restricted as its namespace asks for.
    safe = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    pods = {"securityContext": safe, "containers": [container]}

    def workload(kind: str, name: str, **spec: Any) -> dict[str, Any]:
        labels = {"app.kubernetes.io/name": name}
        template = {"metadata": {"labels": labels}, "spec": pods}
        content = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec}
        return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": content}

    return {
        "crds": [installable(each) for each in found if each is not None],
        "rest": [
            workload("Deployment", "argocd-repo-server"),
            workload("StatefulSet", "argocd-application-controller", serviceName="argocd-application-controller"),
        ],
    }


def managed_node(plane: ControlPlane) -> None:
    """Make a node of the managed node group, on which Argo CD runs before Karpenter can make any."""
    room = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    value = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "managed", "labels": {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}},
        "status": {"capacity": room, "allocatable": room},
    }
    assert plane.api.request("POST", "/api/v1/nodes", value).ok


@contextmanager
def turning(syncing: ArgoSession, also: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Keep the stand-ins at work while something else runs."""
    over = threading.Event()
    problems: list[BaseException] = []

    def turn() -> None:
        try:
            while not over.wait(0.3):
                syncing.turn()
                also()
        except BaseException as problem:  # told by the test, which runs elsewhere
            problems.append(problem)

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=60.0)
    assert problems == []


def argo_cd(plane: ControlPlane, view: Environment, stack: ExitStack) -> Callable[[], None]:
    """Return what starts Argo CD as soon as its controller has a pod that runs, once."""
    begun: list[bool] = []

    def start() -> None:
        path = "/apis/apps/v1/namespaces/argocd/statefulsets/argocd-application-controller"
        answer = plane.api.request("GET", path)
        if begun or not answer.ok or not answer.value.get("status", {}).get("readyReplicas"):
            return
        begun.append(True)
        argocd.install(plane, view, "argocd")
        argocd.start(plane, view, stack, "argocd")

    return start


def test_install_then_cleanup(bases: dict[str, Path], tmp_path: Path) -> None:
    view = view_of(bases["starter-models"])
    shims = tmp_path / "bin"
    shims.mkdir()
    with run_folder() as folder, control_plane(folder) as plane, ExitStack() as stack:
        own = {each["metadata"]["name"] for each in chart(view)["crds"]}
        wanted = [each for name, each in definitions_in_use(view, []).items() if name not in own]
        wanted += [each for kind in controllers.KARPENTER_KINDS if (each := SchemaBundle().definition(*kind))]
        distinct = {each["metadata"]["name"]: each for each in wanted}
        install_definitions(plane.api, distinct.values(), plane.check)
        controllers.start(plane, view, stack)
        managed_node(plane)
        served = serve(bases["starter-models"], folder.path, view)
        syncing = ArgoSession(plane, view, served, stack)
        cluster = str(view.facts["cluster"])
        config = json.loads((folder.path / "kubeconfig").read_text())
        config["contexts"][0]["name"] = cluster
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        for part, values in chart(view).items():
            # A file that began with a brace would be read as JSON to its end.
            (tmp_path / f"{part}.yaml").write_text("".join(f"---\n{json.dumps(each)}\n" for each in values))
        answers = f"*get-caller-identity*) echo {view.facts['account']} ;; *describe-vpcs*) echo None ;;"
        answers += f" *cluster.tags*) echo {cluster} ;; *--version*) echo aws-cli/2.33.11 ;;"
        answers += f" *availability-zones*) echo {' '.join(view.facts['zones'])} ;; *head-bucket*-models-*) exit 254 ;;"
        shim(shims, "aws", f'case "$*" in {answers} esac\n')
        version = """version*) echo '{"terraform_version": "1.11.4"}' ;;"""
        shim(shims, "terraform", f'case "$*" in *"output -json"*) echo "{{}}" ;; {version} esac\n')
        shim(shims, "modelyard", """echo '{"environments": []}'""")
        shim(shims, "curl", "exit 7  # nothing answers, since no container runs\n")
        shim(
            shims,
            "helm",
            f'[ "$1" != pull ] || {{ while [ $# -gt 0 ]; do [ "$1" = --destination ] && out=$2; '
            f'[ "$1" = --version ] && v=$2; shift; done; printf chart > "$out/argo-cd-$v.tgz"; exit; }}\n'
            f'[ "$1" != version ] || {{ echo v4.2.1; exit; }}\n'
            f"while [ $# -gt 0 ]; do [ $1 = --output-dir ] && out=$2; shift; done\n"
            f'mkdir -p "$out/argo-cd/templates/crds"\ncp {tmp_path}/crds.yaml "$out/argo-cd/templates/crds/"\n'
            f'cp {tmp_path}/rest.yaml "$out/argo-cd/templates/"\n',
        )
        stub = (served.path / "environments" / view.name / "applications/argocd.yaml").read_text()
        locked = hashlib.sha256(b"chart").hexdigest()
        (served.path / "charts.lock").write_text(
            f"version: 1\ncharts:\n  - name: argo-cd\n    version: {stub.partition('targetRevision: ')[2].split()[0]}\n"
            f"    repository: https://example.com/charts\n    digest: sha256:{locked}\n"
        )
        kubectl = find("kubectl")
        assert kubectl is not None
        # The scripts ask for a version near the cluster's, which the one on this machine need not have.
        answer = json.dumps({"clientVersion": {"gitVersion": f"v{view.facts['kubernetes']}.0"}})
        shim(shims, "kubectl", f'[ "$1" != version ] || {{ echo \'{answer}\'; exit; }}\nexec {kubectl.path} "$@"\n')
        environment = {
            **os.environ,
            "PATH": f"{shims}:{os.environ['PATH']}",
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "HOME": str(tmp_path),
            "POLL_SECONDS": "1",
            "WAIT_MINUTES": "3",
        }

        def script(name: str) -> tuple[int, str]:
            """Run a script and return its exit status and what it wrote; one that hangs has status 124."""
            argv = ["timeout", "400", "bash", str(served.path / "scripts" / name), "--yes", view.name]
            argv += ["--inside"] if name == "install.sh" else []
            said = tmp_path / "said"
            with said.open("w") as stream:
                done = subprocess.run(argv, env=environment, stdout=stream, stderr=stream, timeout=460, check=False)
            return done.returncode, said.read_text()

        with turning(syncing, argo_cd(plane, view, stack)):
            code, said = script("install.sh")
        assert code == 0, said
        assert f"all {len(view.applications) + 1} Applications are synced and healthy" in said
        with turning(syncing):
            code, said = script("install.sh")
        assert code == 0, said
        assert syncing.converge([each.name for each in view.applications], SECONDS, lambda *_: None)

        before = syncing.turn()
        assert any("karpenter.sh/nodepool" in each["metadata"]["labels"] for each in before.nodes.values())
        with turning(syncing):
            code, said = script("cleanup.sh")
        assert code == 0, said
        calls = (shims / "calls").read_text().splitlines()
        assert any(line.startswith("terraform") and "destroy" in line for line in calls)
        for path in ("karpenter.sh/v1/nodepools", "karpenter.sh/v1/nodeclaims", "karpenter.k8s.aws/v1/ec2nodeclasses"):
            assert plane.api.request("GET", f"/apis/{path}").value["items"] == [], path
        assert argocd.applications(plane, syncing.namespace) == []
        deadline = time.monotonic() + SECONDS
        while set(syncing.turn().nodes) != {"managed"} and time.monotonic() < deadline:
            time.sleep(0.5)
        after = syncing.turn()
        assert set(after.nodes) == {"managed"}
        assert [each for each in after.pods if each["metadata"]["namespace"] == "models"] == []
