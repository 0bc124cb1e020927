"""What the cluster would refuse by the policies of this repository, the check finds; a real API server is asked."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.rehearsal.api import ServedKind, object_path
from modelyard.rehearsal.control_plane import ControlPlane
from modelyard.rules.security.pod_security_violation.standards import LEVELS, objections
from tests.rehearsal.guarded import refusal_of_pod
from tests.rehearsal.test_rehearse import MODELYARD, start

pytestmark = pytest.mark.slow

BASES = Path(__file__).parents[2] / "bases"
SCOUT, MISTRAL = (f"environments/dev/models/{name}/kustomization.yaml" for name in ("scout", "mistral"))
# By policy: the file of a model, an edit of one kind in it that the policy refuses, and the rule that finds it. The
# server names one policy for each object that it refuses.
MISTAKES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "floating-image-tags": (
        SCOUT,
        "LeaderWorkerSet",
        {
            "op": "replace",
            "path": "/spec/leaderWorkerTemplate/workerTemplate/spec/containers/0/image",
            "value": "vllm/vllm-openai:latest",
        },
        "images/floating-tag",
    ),
    "devices-without-limits": (
        MISTRAL,
        "RayService",
        {
            "op": "replace",
            "path": "/spec/rayClusterConfig/workerGroupSpecs/0/template/spec/containers/0/resources",
            "value": {"requests": {"nvidia.com/gpu": 4, "memory": "64Gi"}, "limits": {"memory": "64Gi"}},
        },
        "scheduling/device-without-limit",
    ),
    "public-load-balancers": (
        SCOUT,
        "Service",
        {"op": "replace", "path": "/spec/type", "value": "LoadBalancer"},
        "network/load-balancer-against-policy",
    ),
    "secrets-of-the-platform": (
        "environments/dev/platform/model-namespace/kustomization.yaml",
        "ExternalSecret",
        {"op": "replace", "path": "/spec/data/0/remoteRef/key", "value": "my-platform-dev/argocd-git"},
        "secrets/secret-of-the-platform",
    ),
}


def policies() -> set[str]:
    """Return the names of all admission policies that components bring."""
    found = set()
    for file in BASES.rglob("*.yaml"):
        text = file.read_text()
        if "kind: ValidatingAdmissionPolicy\n" in text:
            kinds = [each for each in yaml.safe_load_all(text) if each["kind"] == "ValidatingAdmissionPolicy"]
            found |= {each["metadata"]["name"] for each in kinds}
    return found


def mistaken(bases: Mapping[str, Path], folder: Path) -> Path:
    """Return a repository that holds every mistake."""
    root = shutil.copytree(bases["multi-node"], folder / "mistaken", symlinks=True)
    for file, kind, operation, _ in MISTAKES.values():
        content = yaml.safe_load((root / file).read_text())
        content["patches"] = [*content["patches"], {"target": {"kind": kind}, "patch": yaml.safe_dump([operation])}]
        (root / file).write_text(yaml.safe_dump(content, sort_keys=False))
    return root


@pytest.mark.usefixtures("needs_control_plane")
def test_what_an_admission_policy_refuses_a_rule_finds(bases: Mapping[str, Path], tmp_path: Path) -> None:
    assert set(MISTAKES) == policies()
    root = mistaken(bases, tmp_path)
    done = start(root, "--json", "--quiet")
    output, errors = done.communicate(timeout=240)
    assert done.returncode == 1, errors
    refused = [
        each["message"]
        for each in json.loads(output)["report"]["findings"]
        if each["rule"] == "rehearsal/refused-resource"
    ]
    argv = [str(MODELYARD), "check", str(root), "--format", "json"]
    checked = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    found = {each["rule"] for each in json.loads(checked.stdout)["findings"]}
    for policy, (_, kind, _, rule) in MISTAKES.items():
        told = [text for text in refused if f"ValidatingAdmissionPolicy '{policy}'" in text]
        assert [text for text in told if text.startswith(kind)], (policy, refused)
        assert rule in found, (policy, sorted(found))


POD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "engine",
            "image": "example.com/engine:v1.2.3",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}
ENGINE = ("containers", 0)
CONTEXT = (*ENGINE, "securityContext")
EDITS: list[tuple[tuple[str | int, ...], Any]] = [
    (("hostNetwork",), True),
    (("hostPID",), True),
    (("hostIPC",), True),
    (("securityContext", "runAsNonRoot"), None),
    (("securityContext", "runAsNonRoot"), False),
    (("securityContext", "runAsUser"), 0),
    (("securityContext", "runAsUser"), None),
    (("securityContext", "seccompProfile"), None),
    (("securityContext", "seccompProfile"), {"type": "Unconfined"}),
    (("securityContext", "appArmorProfile"), {"type": "Unconfined"}),
    (("securityContext", "appArmorProfile"), {"type": "RuntimeDefault"}),
    (("securityContext", "seLinuxOptions"), {"type": "spc_t"}),
    (("securityContext", "seLinuxOptions"), {"type": "container_t"}),
    (("securityContext", "seLinuxOptions"), {"role": "system_r"}),
    (("securityContext", "sysctls"), [{"name": "kernel.msgmax", "value": "65536"}]),
    (("securityContext", "sysctls"), [{"name": "net.ipv4.tcp_rmem", "value": "4096 131072 6291456"}]),
    (("volumes",), [{"name": "a", "hostPath": {"path": "/dev"}}]),
    (("volumes",), [{"name": "a", "nfs": {"server": "b", "path": "/c"}}]),
    (("volumes",), [{"name": "a", "emptyDir": {"medium": "Memory"}}]),
    (("volumes",), [{"name": "a", "image": {"reference": "example.com/weights:v1"}}]),
    (("hostUsers",), False),
    (CONTEXT, None),
    (CONTEXT, {"privileged": True}),
    ((*CONTEXT, "allowPrivilegeEscalation"), None),
    ((*CONTEXT, "allowPrivilegeEscalation"), True),
    ((*CONTEXT, "capabilities"), None),
    ((*CONTEXT, "capabilities", "drop"), ["NET_RAW"]),
    ((*CONTEXT, "capabilities", "add"), ["IPC_LOCK"]),
    ((*CONTEXT, "capabilities", "add"), ["NET_BIND_SERVICE"]),
    ((*CONTEXT, "capabilities", "add"), ["CHOWN", "SETFCAP", "SYS_CHROOT"]),
    ((*CONTEXT, "procMount"), "Default"),
    ((*CONTEXT, "runAsNonRoot"), False),
    ((*CONTEXT, "runAsNonRoot"), True),
    ((*CONTEXT, "runAsUser"), 0),
    ((*CONTEXT, "seccompProfile"), {"type": "Unconfined"}),
    ((*CONTEXT, "seccompProfile"), {"type": "Localhost", "localhostProfile": "a.json"}),
    ((*ENGINE, "ports"), [{"containerPort": 80, "hostPort": 80}]),
    ((*ENGINE, "ports"), [{"containerPort": 80}]),
    ((*ENGINE, "livenessProbe"), {"httpGet": {"port": 80, "host": "169.254.169.254"}}),
    ((*ENGINE, "readinessProbe"), {"tcpSocket": {"port": 80}}),
    ((*ENGINE, "lifecycle"), {"preStop": {"httpGet": {"port": 80, "host": "10.0.0.1"}}}),
    (("initContainers",), [{"name": "fetch", "image": "example.com/fetch:v1"}]),
]


def edited(edits: list[tuple[tuple[str | int, ...], Any]]) -> dict[str, Any]:
    """Return the pod's spec with values set, or taken out where None is given."""
    spec: Any = copy.deepcopy(POD)
    for path, value in edits:
        holder = spec
        for step in path[:-1]:
            holder = holder[step] if isinstance(step, int) else holder.setdefault(step, {})
        if value is None:
            holder.pop(path[-1], None)
        else:
            holder[path[-1]] = value
    return dict(spec)


def test_pod_security_and_the_rule_agree(plane: ControlPlane) -> None:
    namespaces = ServedKind("namespaces", False)
    for level in LEVELS:
        labels = {"pod-security.kubernetes.io/enforce": level}
        value = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"level-{level}", "labels": labels}}
        assert plane.api.apply(object_path(namespaces, "v1", "", f"level-{level}"), value, dry_run=False).ok
    tried = [[each] for each in EDITS]
    tried += [[(("hostUsers",), False), each] for each in EDITS if "runAs" in str(each[0][-1])]
    refused = 0
    for edits in [[], *tried]:
        spec = edited(edits)
        for level in LEVELS:
            name = f"level-{level}"
            answer = refusal_of_pod(plane.api, name, spec)
            server = "violates PodSecurity" in answer
            assert server == bool(answer), f"{edits} is refused for another reason: {answer}"
            said = [text for _, text in objections(level, spec, {})]
            assert bool(said) == server, f"{level}, {edits}: the rule says {said}, the server {answer}"
            refused += server
    assert refused > 40
