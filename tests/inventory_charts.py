"""Charts made from inventories of what the real ones render: their names, labels, ports, accounts, hooks and sizes.

`chart_inventories/` holds, for each chart that the template pins, what it renders to with the template's own values. A
chart made from it renders the same objects, takes the values in `TAKEN`, and lacks what no other object refers to:
rules of roles, contents of config maps, and the specs that `SPECS` replaces by the least that is legal.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from modelyard.fetching.references import ChartReference, references
from modelyard.repository import Repository
from tests.charts import archive, cached

FOLDER = Path(__file__).with_name("chart_inventories")

# Values that a chart takes: path of the value, then which objects (kind and name, as expressions) take it where.
TAKEN: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "argo-cd": (
        ("global.affinity.nodeAffinity.type", "", ""),  # see _node_affinity
        ("controller.replicas", "StatefulSet/argocd-application-controller", "spec.replicas"),
    ),
    "karpenter": (
        ("replicas", "Deployment/karpenter", "spec.replicas"),
        ("serviceAccount.name", "ServiceAccount/karpenter", "metadata.name"),
        ("serviceAccount.name", "Deployment/karpenter", "spec.template.spec.serviceAccountName"),
        ("priorityClassName", "Deployment/karpenter", "spec.template.spec.priorityClassName"),
        ("podLabels", "Deployment/karpenter", "spec.template.metadata.labels"),
    ),
    "external-secrets": (
        ("serviceAccount.name", "ServiceAccount/external-secrets", "metadata.name"),
        ("serviceAccount.name", "Deployment/external-secrets", "spec.template.spec.serviceAccountName"),
        (
            "webhook.port",
            "Deployment/external-secrets-webhook",
            "spec.template.spec.containers.0.ports.1.containerPort",
        ),
        ("webhook.replicaCount", "Deployment/external-secrets-webhook", "spec.replicas"),
        ("webhook.affinity", "Deployment/external-secrets-webhook", "spec.template.spec.affinity"),
        (
            "webhook.topologySpreadConstraints",
            "Deployment/external-secrets-webhook",
            "spec.template.spec.topologySpreadConstraints",
        ),
    ),
    "kube-prometheus-stack": (
        (
            "grafana.admin.existingSecret",
            "Deployment/kube-prometheus-stack-grafana",
            "spec.template.spec.containers.2.env.0.valueFrom.secretKeyRef.name",
        ),
        ("prometheus.serviceAccount.name", "ServiceAccount/kube-prometheus-stack-prometheus", "metadata.name"),
        ("prometheus.serviceAccount.name", "Prometheus/.*", "spec.serviceAccountName"),
        ("prometheus.prometheusSpec.replicas", "Prometheus/.*", "spec.replicas"),
        ("prometheus.prometheusSpec.scrapeInterval", "Prometheus/.*", "spec.scrapeInterval"),
        (
            "prometheusOperator.priorityClassName",
            "Deployment/kube-prometheus-stack-operator",
            "spec.template.spec.priorityClassName",
        ),
    ),
    "cert-manager": (
        ("affinity", "Deployment/cert-manager", "spec.template.spec.affinity"),
        ("webhook.affinity", "Deployment/cert-manager-webhook", "spec.template.spec.affinity"),
        (
            "webhook.topologySpreadConstraints",
            "Deployment/cert-manager-webhook",
            "spec.template.spec.topologySpreadConstraints",
        ),
    ),
    "lws": (("affinity", "Deployment/lws-controller-manager", "spec.template.spec.affinity"),),
}

# Arguments that what is known of a chart goes by; inventories leave arguments out.
ARGUMENTS: Mapping[str, list[str]] = {
    "Deployment/keda-operator": ["--enable-cert-rotation=true", "--cert-secret-name=kedaorg-certs"],
}

# The least that a definition takes of kinds whose specs the inventories leave out.
SPECS: Mapping[str, dict[str, Any]] = {
    "Alertmanager": {"spec": {}},
    "Prometheus": {"spec": {"serviceAccountName": "kube-prometheus-stack-prometheus"}},
    "PrometheusRule": {"spec": {"groups": []}},
    "BackendTrafficPolicy": {
        "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "aibrix-eg"}]}
    },
    "ClientTrafficPolicy": {
        "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "aibrix-eg"}]}
    },
    "EnvoyExtensionPolicy": {
        "spec": {
            "targetRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "aibrix-reserved-router"}
            ]
        }
    },
    "EnvoyPatchPolicy": {
        "spec": {
            "type": "JSONPatch",
            "jsonPatches": [],
            "targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "aibrix-eg"},
        }
    },
    "EnvoyProxy": {"spec": {}},
    "Gateway": {
        "spec": {
            "gatewayClassName": "aibrix-eg",
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
        }
    },
    "GatewayClass": {"spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}},
    "HTTPRoute": {"spec": {"parentRefs": [{"name": "aibrix-eg"}]}},
    "Certificate": {
        "spec": {
            "secretName": "aws-load-balancer-tls",
            "issuerRef": {"name": "aws-load-balancer-selfsigned-issuer"},
            "dnsNames": ["aws-load-balancer-webhook-service.kube-system.svc"],
        }
    },
    "Issuer": {"spec": {"selfSigned": {}}},
    "IngressClass": {"spec": {"controller": "ingress.k8s.aws/alb"}},
    "IngressClassParams": {"spec": {}},
    "ScaledObject": {
        "spec": {
            "scaleTargetRef": {"name": "keda-add-ons-http-interceptor"},
            "minReplicaCount": 3,
            "maxReplicaCount": 50,
            "triggers": [
                {"type": "external", "metadata": {"scalerAddress": "keda-add-ons-http-external-scaler.keda-http:9090"}}
            ],
        }
    },
    "DeviceClass": {"spec": {}},
    "ValidatingAdmissionPolicy": {"spec": {"validations": [{"expression": "true"}]}},
    "ValidatingAdmissionPolicyBinding": {"spec": {"policyName": "any", "validationActions": ["Deny"]}},
}
_PLAIN = ("apiVersion", "kind", "spec", "roleRef", "subjects", "value", "globalDefault")
_SERVICE = ("selector", "ports", "type", "loadBalancerClass", "clusterIP", "externalName")


class NoInventory(Exception):
    """Nobody has looked at what this chart renders."""


@functools.cache
def inventory(name: str, version: str) -> dict[str, Any]:
    """Return the inventory of a chart.

    Raises:
        NoInventory: There is none of this chart at this version.
    """
    path = FOLDER / f"{name}-{version.removeprefix('v')}.json"
    if not path.is_file():
        raise NoInventory(f"{name} {version}: {path.name} is not in {FOLDER.name}")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def packed(name: str, version: str) -> bytes:
    """Return the archive of a chart that renders what its inventory lists.

    What it renders in an environment of the inventory is chosen by the value `inventory`, the first by default.
    """
    files = {"values.yaml": "{}\n"}
    for number, rendering in enumerate(inventory(name, version)["renderings"]):
        hooks = (hook for each in rendering["objects"] for hook in each.get("webhooks", ()))
        service = next((_called(hook) for hook in hooks if hook.get("service")), None)
        documents = [_document(name, manifest(each, service)) for each in rendering["objects"]]
        chosen = f"{{{{- if eq (int (.Values.inventory | default 0)) {number} }}}}\n"
        files[f"templates/rendering-{number}.yaml"] = chosen + "\n---\n".join(documents) + "\n{{- end }}\n"
    return archive(name, version, files=files)


def manifest(entry: dict[str, Any], service: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an object of an inventory as a manifest.

    Args:
        entry: The object.
        service: The Service that the chart's webhooks call, which converts its custom resources too.
    """
    kind = entry["kind"]
    metadata = {key: entry[key] for key in ("name", "namespace", "labels", "annotations") if entry.get(key)}
    made: dict[str, Any] = {"apiVersion": entry["apiVersion"], "kind": kind, "metadata": metadata}
    made.update({key: entry[key] for key in _PLAIN[2:] if entry.get(key) is not None})
    if entry.get("pod"):
        made["spec"] = _workload(entry)
    elif kind == "Service":
        made["spec"] = {key: entry[key] for key in _SERVICE if entry.get(key)}
    elif kind == "CustomResourceDefinition":
        made["spec"] = _definition(entry, service or {})
        missing = entry["bytes"] - len(json.dumps(made, separators=(",", ":")))
        schema = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        schema["description"] += "x" * max(missing, 0)
    elif kind.endswith("WebhookConfiguration"):
        made["webhooks"] = [_webhook(each) for each in entry["webhooks"]]
    elif kind == "Secret":
        made["data"] = dict.fromkeys(entry.get("keys") or (), "")
    elif kind == "ServiceAccount" and entry.get("automount") is not None:
        made["automountServiceAccountToken"] = entry["automount"]
    elif "spec" not in made and kind in SPECS:
        made.update(SPECS[kind])
    return made


def _workload(entry: dict[str, Any]) -> dict[str, Any]:
    pod = dict(entry["pod"])
    labels = pod.pop("labels", {})
    spec: dict[str, Any] = {key: value for key, value in pod.items() if key not in {"containers", "volumes"}}
    spec["containers"] = [_container(each) for each in pod["containers"] if not each.get("init")]
    arguments = ARGUMENTS.get(f"{entry['kind']}/{entry['name']}")
    if arguments:
        spec["containers"][0]["args"] = arguments
    init = [_container(each) for each in pod["containers"] if each.get("init")]
    spec.update({"initContainers": init} if init else {})
    volumes = [_volume(each) for each in pod.get("volumes", ())]
    spec.update({"volumes": volumes} if volumes else {})
    if entry["kind"] == "Job":
        spec["restartPolicy"] = "OnFailure"
    made: dict[str, Any] = {"template": {"metadata": {"labels": labels}, "spec": spec}}
    if entry["kind"] != "Job":
        made["selector"] = {"matchLabels": entry["selector"]}
    if entry.get("replicas") is not None:
        made["replicas"] = entry["replicas"]
    if entry["kind"] == "StatefulSet":
        made["serviceName"] = entry["name"]
    return made


def _container(entry: dict[str, Any]) -> dict[str, Any]:
    made = {
        key: value for key, value in entry.items() if key in {"name", "image", "ports", "resources", "securityContext"}
    }
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if entry.get(probe, {}).get("port"):
            told = entry[probe]
            made[probe] = {"httpGet": {"port": told["port"], "path": told.get("path") or "/"}}
    environment = []
    for number, each in enumerate(entry.get("secretEnv", ())):
        reference = {"name": each["secret"], "key": each["key"], "optional": bool(each.get("optional"))}
        environment.append({"name": f"SECRET_{number}", "valueFrom": {"secretKeyRef": reference}})
    made.update({"env": environment} if environment else {})
    return made


def _volume(entry: dict[str, Any]) -> dict[str, Any]:
    kind = entry["kind"]
    if kind == "secret":
        return {
            "name": entry["name"],
            "secret": {"secretName": entry["secret"], "optional": bool(entry.get("optional"))},
        }
    if kind == "configMap":
        return {
            "name": entry["name"],
            "configMap": {"name": entry["configMap"], "optional": bool(entry.get("optional"))},
        }
    if kind == "hostPath":
        return {"name": entry["name"], "hostPath": {"path": entry["path"]}}
    return {"name": entry["name"], "emptyDir": {}}


def _definition(entry: dict[str, Any], service: dict[str, Any]) -> dict[str, Any]:
    names = entry["names"]
    plural = entry["name"].split(".")[0]
    schema = {"openAPIV3Schema": {"type": "object", "description": "", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{**each, "schema": json.loads(json.dumps(schema))} for each in entry["versions"]]
    made = {
        "group": names["group"],
        "names": {"kind": names["kind"], "plural": plural, "singular": names["kind"].lower()},
        "scope": "Namespaced",
        "versions": versions,
    }
    if entry.get("conversion"):
        webhook = {"clientConfig": {"service": service}, "conversionReviewVersions": ["v1"]}
        made["conversion"] = {"strategy": entry["conversion"], "webhook": webhook}
    return made


def _called(hook: dict[str, Any]) -> dict[str, Any]:
    return {key: hook["service"][key] for key in ("namespace", "name")}


def _webhook(entry: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in entry.items() if value is not None and key not in {"service", "url"}}
    made["clientConfig"] = {"service": entry["service"]} if entry.get("service") else {"url": entry.get("url")}
    return {**made, "sideEffects": "None", "admissionReviewVersions": ["v1"]}


def _document(chart: str, value: dict[str, Any]) -> str:
    """Write an object as a template in which the values that the chart takes stand for their fields."""
    holes: dict[str, str] = {}
    identity = f"{value['kind']}/{value['metadata']['name']}"
    for number, (path, whose, field) in enumerate(TAKEN.get(chart, ())):
        if not whose or not re.fullmatch(whose, identity):
            continue
        parts = [int(part) if part.isdigit() else part for part in field.split(".")]
        holder, last = _holder(value, parts[:-1]), parts[-1]
        default = holder.get(last) if isinstance(holder, dict) else holder[last]
        mark = f"@@{number}@@"
        keys = " ".join(json.dumps(part) for part in path.split("."))
        told = json.dumps(default).replace("'", "\\u0027")
        expression = f'dig {keys} (fromJson (printf `{{"v": %s}}` `{told}`)).v (.Values | merge (dict))'
        if isinstance(default, dict):
            expression = f"merge (deepCopy ({expression})) (fromJson `{told}`)"
        holes[json.dumps(mark)] = f"{{{{ {expression} | toJson }}}}"
        holder[last] = mark
    if chart == "argo-cd" and "template" in value.get("spec", {}):
        _node_affinity(value, holes)
    text = json.dumps(value, separators=(", ", ": "))
    assert "{{" not in text, f"{identity} holds what a template would read"
    for mark, expression in holes.items():
        text = text.replace(mark, expression)
    return text


def _node_affinity(value: dict[str, Any], holes: dict[str, str]) -> None:
    """Let `global.affinity.nodeAffinity` decide on which nodes Argo CD runs, as the chart does."""
    affinity = value["spec"]["template"]["spec"].setdefault("affinity", {})
    affinity.pop("nodeAffinity", None)
    mark = "@@nodes@@"
    affinity["nodeAffinity"] = mark
    asked = '(dig "global" "affinity" "nodeAffinity" "matchExpressions" list (.Values | merge (dict)))'
    term = f'(dict "matchExpressions" {asked})'
    required = f'(dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" (list {term})))'
    holes[json.dumps(mark)] = f"{{{{ ternary (dict) {required} (empty {asked}) | toJson }}}}"


def _holder(value: Any, path: list[Any]) -> Any:
    for part in path:
        value = value.setdefault(part, {}) if isinstance(value, dict) else value[part]
    return value


def charts() -> Iterator[tuple[str, str]]:
    """Yield name and version of every chart that there is an inventory of."""
    for path in sorted(FOLDER.glob("*.json")):
        content = json.loads(path.read_text())
        yield content["chart"], content["version"]


def keep(clone: Path, only: Collection[str] | None = None) -> list[ChartReference]:
    """Put a chart into the cache for each that a repository names, write `charts.lock`, and return what was kept.

    Args:
        clone: The repository.
        only: Names of the charts to keep; all when None.
    """
    named = [each for each in references(Repository(clone)).charts if only is None or each.name in only]
    lines = ["version: 1", "charts:"]
    for each in named:
        digest = cached(_packed(each.name, each.version))
        lines += [f"  - name: {each.name}", f'    version: "{each.version}"']
        lines += [f"    repository: {each.repository}", f'    digest: "{digest}"']
    (clone / "charts.lock").write_text("\n".join(lines) + "\n")
    return named


_packed = functools.cache(packed)
