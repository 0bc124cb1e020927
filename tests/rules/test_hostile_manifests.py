"""No rule crashes on a manifest that is not what its kind should be: what a schema refuses, every rule still reads."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelyard.checking.environments import environments
from modelyard.repository import Repository
from modelyard.rules import rules
from modelyard.view import Application, Environment, Manifest

HOSTILE: tuple[Any, ...] = (None, "", "text", 7, True, [], {}, [None], ["text"], [{}], {"text": None}, {"text": "text"})
ROUNDS = (range(16), pytest.param(range(16, 160), marks=pytest.mark.slow))
"""Each round replaces one value in every manifest, another one than the rounds before."""


# Kinds that rules read and that the base repositories have none of.
OTHERS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: router}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, list]}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: chat}
spec: {scaleTargetRef: {kind: Deployment, name: chat}, maxReplicas: 3}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat}
spec: {scaleTargetRef: {name: chat}, triggers: [{type: cron, metadata: {start: "1"}}]}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: weights}
spec: {csi: {driver: s3.csi.aws.com, volumeHandle: weights, volumeAttributes: {bucketName: weights}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: weights}
spec: {storageClassName: gp3, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: gp3}
provisioner: ebs.csi.aws.com
---
apiVersion: v1
kind: Secret
metadata: {name: plain}
stringData: {token: text}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: api-key}
spec:
  secretStoreRef: {kind: SecretStore, name: secrets-manager}
  target: {name: api-key, template: {data: {key: "{{ .key }}"}}}
  data: [{secretKey: key, remoteRef: {key: path}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: peers}
spec:
  podSelector: {}
  ingress: [{from: [{podSelector: {matchLabels: {app: gateway}}, namespaceSelector: {}}]}]
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: pods}
spec:
  selector: {matchLabels: {app: none}, matchExpressions: [{key: app, operator: In, values: [x]}]}
  namespaceSelector: {matchNames: [models]}
  podMetricsEndpoints: [{port: http}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 1 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          affinity:
            nodeAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [amd64]}]}]
          initContainers: [{name: first, image: example.com/first:v1.0.0, restartPolicy: Always}]
          containers:
            - name: run
              image: example.com/run:v1.0.0
              envFrom: [{secretRef: {name: plain}}]
              env: [{name: KEY, valueFrom: {secretKeyRef: {name: api-key, key: key}}}]
          volumes: [{name: v, secret: {secretName: plain, items: [{key: token, path: t}]}}]
"""


@pytest.fixture(scope="module", params=["one-model", pytest.param("multi-node", marks=pytest.mark.slow)])
def view(
    request: pytest.FixtureRequest, bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    root = tmp_path_factory.mktemp("hostile") / "repository"
    shutil.copytree(bases[request.param], root, symlinks=True)
    if request.param == "one-model":
        model = root / "environments/dev/models/chat"
        (model / "others.yaml").write_text(OTHERS)
        kustomization = model / "kustomization.yaml"
        kustomization.write_text(kustomization.read_text().replace("resources:\n", "resources:\n  - others.yaml\n"))
    made = environments(Repository(root)).views[0]
    assert not any(application.errors for application in made.applications)
    return made


def paths(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value below a manifest's root, but of what names the resource."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        path = (*above, key)
        if path in (("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")):
            continue
        yield path
        yield from paths(below, path)


def spoilt(manifest: Manifest, number: int) -> Manifest:
    """Return a thing with one value replaced; another one for each number."""
    found = list(paths(manifest.value))
    if not found:
        return manifest
    value = copy.deepcopy(manifest.value)
    *above, last = found[number % len(found)]
    holder: Any = value
    for step in above:
        holder = holder[step]
    holder[last] = copy.deepcopy(HOSTILE[(number + number // len(found)) % len(HOSTILE)])
    return replace(manifest, resource=replace(manifest.resource, value=value))


def spoilt_view(view: Environment, number: int) -> Environment:
    """Return an environment in which every resource has one value replaced."""
    applications: list[Application] = [
        replace(
            application,
            manifest=spoilt(application.manifest, number),
            resources=tuple(spoilt(manifest, number) for manifest in application.resources),
        )
        for application in view.applications
    ]
    return replace(
        view,
        root=tuple(spoilt(manifest, number) for manifest in view.root),
        bootstrap=tuple(spoilt(manifest, number) for manifest in view.bootstrap),
        applications=tuple(applications),
    )


@pytest.mark.parametrize("rounds", ROUNDS)
def test_rules_survive_spoilt_manifests(view: Environment, rounds: range) -> None:
    said = 0
    for number in rounds:
        hostile = spoilt_view(view, number)
        for rule in rules().values():
            try:
                said += sum(1 for _ in rule.run(hostile))
            except Exception as crash:  # every crash is a failure, named by rule and round
                raise AssertionError(f"{rule.id} crashed in round {number}: {crash!r}") from crash
    assert said, "spoilt manifests bring findings"
