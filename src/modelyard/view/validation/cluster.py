"""Settings, quotas, storage, roles and admission: the validation.go of their groups in pkg/apis of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from modelyard.rendering import Path
from modelyard.view.quantities import quantity
from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import Check, Refused, choice_of, is_label, needed, selector

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"\bvariables\.([A-Za-z_][A-Za-z0-9_]*)")
_QUOTED = re.compile(r"'[^'\\\n]*'|\"[^\"\\\n]*\"")
_LARGEST_SETTINGS = 1024 * 1024
_POD_SECURITY = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
_LEVEL_VERSION = re.compile(r"latest|v1\.(?:0|[1-9][0-9]*)")
_RBAC = "rbac.authorization.k8s.io"
_ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_COUNTED = frozenset(
    {
        "bindings",
        "configmaps",
        "cpu",
        "ephemeral-storage",
        "limits.cpu",
        "limits.ephemeral-storage",
        "limits.memory",
        "memory",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "requests.cpu",
        "requests.ephemeral-storage",
        "requests.memory",
        "requests.storage",
        "resourcequotas",
        "secrets",
        "services",
        "services.loadbalancers",
        "services.nodeports",
    }
)
_OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT", "*")
_LIMIT_TYPES = ("Container", "Pod", "PersistentVolumeClaim")
_ORDER = ("min", "defaultRequest", "default", "max")


def _settings(value: dict[str, Any]) -> Iterator[Refused]:
    size = 0
    for field in ("data", "binaryData", "stringData"):
        for key, content in mapping(value, field).items():
            if not _KEY.fullmatch(str(key)) or key in (".", "..") or str(key).startswith(".."):
                yield Refused(
                    (field, key),
                    f"{field} has the key {key}, letters, digits, hyphens, dots and underscores are expected",
                )
            size += len(str(content).encode())
    if size > _LARGEST_SETTINGS:
        yield Refused(("data",), f"it holds {size:,} bytes, at most {_LARGEST_SETTINGS:,} are allowed")


def _quota(value: dict[str, Any]) -> Iterator[Refused]:
    scopes = [str(each) for each in listed(value, "spec", "scopes")]
    for pair in (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")):
        if set(pair) <= set(scopes):
            yield Refused(("spec", "scopes"), f"scopes has both {pair[0]} and {pair[1]}", "keep one of them")
    for name, amount in mapping(value, "spec", "hard").items():
        here = ("spec", "hard", name)
        if "/" not in name and name not in _COUNTED and not name.startswith(("hugepages-", "requests.hugepages-")):
            yield Refused(here, f"hard has {name}, which no quota counts", "name one of Kubernetes' resources")
        number = quantity(amount)
        if number is not None and number < 0:
            yield Refused(here, f"hard has {name} {amount}, which is below zero")


def _limit_range(value: dict[str, Any]) -> Iterator[Refused]:
    for index, limit in numbered(value, "spec", "limits"):
        here = ("spec", "limits", index)
        yield from choice_of(limit, here, "type", _LIMIT_TYPES)
        if limit.get("type") == "Pod":
            for field in ("default", "defaultRequest"):
                if mapping(limit, field):
                    yield Refused((*here, field), f"a limit of type Pod has {field}", "write it for type Container")
        if limit.get("type") == "PersistentVolumeClaim" and not any(
            "storage" in mapping(limit, field) for field in ("min", "max")
        ):
            yield Refused(here, "a limit of claims has neither min nor max of storage")
        for name, ratio in mapping(limit, "maxLimitRequestRatio").items():
            number = quantity(ratio)
            if number is not None and number < 1:
                yield Refused((*here, "maxLimitRequestRatio", name), f"maxLimitRequestRatio of {name} is below 1")
        present = [field for field in _ORDER if mapping(limit, field)]
        for lower, upper in pairwise(present):
            for name, amount in mapping(limit, lower).items():
                least, most = quantity(amount), quantity(mapping(limit, upper).get(name))
                if least is not None and most is not None and least > most:
                    yield Refused(
                        (*here, lower, name), f"{lower} of {name} is {amount}, more than {upper} ({limit[upper][name]})"
                    )


def _role(value: dict[str, Any]) -> Iterator[Refused]:
    for index, rule in numbered(value, "rules"):
        here = ("rules", index)
        yield from needed(rule, here, "verbs")
        if listed(rule, "nonResourceURLs"):
            if value.get("kind") == "Role":
                yield Refused((*here, "nonResourceURLs"), "a Role has nonResourceURLs", "use a ClusterRole")
            continue
        # The core group is an empty text, so that the list is not empty.
        for field in ("apiGroups", "resources"):
            if not listed(rule, field):
                yield Refused((*here, field), f"a rule lacks {field}", f"set {field}")


def _binding(value: dict[str, Any]) -> Iterator[Refused]:
    reference = mapping(value, "roleRef")
    is_namespaced = value.get("kind") == "RoleBinding"
    yield from choice_of(
        reference, ("roleRef",), "kind", ("Role", "ClusterRole") if is_namespaced else ("ClusterRole",)
    )
    yield from choice_of(reference, ("roleRef",), "apiGroup", (_RBAC,))
    yield from needed(reference, ("roleRef",), "name")
    for index, subject in numbered(value, "subjects"):
        here = ("subjects", index)
        kind = text(subject, "kind")
        yield from choice_of(subject, here, "kind", ("ServiceAccount", "User", "Group"))
        yield from needed(subject, here, "name")
        if kind == "ServiceAccount":
            if text(subject, "apiGroup"):
                yield Refused(
                    (*here, "apiGroup"),
                    f"apiGroup of a ServiceAccount is {text(subject, 'apiGroup')}, none is expected",
                )
            if not is_namespaced and not text(subject, "namespace"):
                yield Refused((*here, "namespace"), "a ServiceAccount lacks namespace", "set namespace")
        elif kind in ("User", "Group"):
            yield from choice_of(subject, here, "apiGroup", (_RBAC,))


def _storage_class(value: dict[str, Any]) -> Iterator[Refused]:
    yield from needed(value, (), "provisioner")
    yield from choice_of(value, (), "reclaimPolicy", ("Delete", "Retain"))
    yield from choice_of(value, (), "volumeBindingMode", ("Immediate", "WaitForFirstConsumer"))


def _modes(spec: dict[str, Any]) -> Iterator[Refused]:
    yield from needed(spec, ("spec",), "accessModes")
    for index, mode in enumerate(listed(spec, "accessModes")):
        if mode not in _ACCESS_MODES:
            yield Refused(
                ("spec", "accessModes", index), f"accessModes has {mode}, one of {', '.join(_ACCESS_MODES)} is expected"
            )
        elif mode == "ReadWriteOncePod" and len(listed(spec, "accessModes")) > 1:
            yield Refused(("spec", "accessModes", index), "accessModes has ReadWriteOncePod and others")


def _amount(spec: dict[str, Any], above: Path) -> Iterator[Refused]:
    holder = mapping(spec, *(str(step) for step in above))
    number = quantity(holder.get("storage"))
    at = ("spec", *above, "storage")
    if holder.get("storage") is None:
        yield Refused(at, f"{above[-1]} lacks storage", "set storage")
    elif number is not None and number <= 0:
        yield Refused(at, f"storage is {holder['storage']}, more than zero is expected")


def _claim(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from _modes(spec)
    yield from choice_of(spec, ("spec",), "volumeMode", ("Block", "Filesystem"))
    yield from _amount(spec, ("resources", "requests"))
    yield from selector(spec.get("selector"), ("spec", "selector"))


def _volume(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from _modes(spec)
    yield from _amount(spec, ("capacity",))
    yield from choice_of(spec, ("spec",), "volumeMode", ("Block", "Filesystem"))
    yield from choice_of(spec, ("spec",), "persistentVolumeReclaimPolicy", ("Delete", "Recycle", "Retain"))
    if isinstance(spec.get("local"), dict) and not mapping(spec, "nodeAffinity", "required"):
        yield Refused(("spec", "nodeAffinity"), "a local volume lacks nodeAffinity", "set nodeAffinity.required")
    if isinstance(spec.get("csi"), dict):
        yield from needed(spec["csi"], ("spec", "csi"), "driver")
        # An empty one waits for its id from Terraform, which storage/unknown-file-system tells.
        if "volumeHandle" not in spec["csi"]:
            yield from needed(spec["csi"], ("spec", "csi"), "volumeHandle")
    terms = mapping(spec, "nodeAffinity", "required")
    if terms:
        yield from needed(terms, ("spec", "nodeAffinity", "required"), "nodeSelectorTerms")


def _admission_policy(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    constraints = mapping(spec, "matchConstraints")
    if not listed(constraints, "resourceRules"):
        yield Refused(("spec", "matchConstraints", "resourceRules"), "the policy matches nothing", "set resourceRules")
    if not listed(spec, "validations") and not listed(spec, "auditAnnotations"):
        yield Refused(("spec", "validations"), "the policy has neither validations nor auditAnnotations")
    for index, rule in numbered(constraints, "resourceRules"):
        yield from _match_rule(rule, ("spec", "matchConstraints", "resourceRules", index))
    for index, validation in numbered(spec, "validations"):
        yield from needed(validation, ("spec", "validations", index), "expression")
    yield from _variables(spec)
    for field in ("variables", "matchConditions"):
        for index, each in numbered(spec, field):
            yield from needed(each, ("spec", field, index), "name", "expression")


def _variables(spec: dict[str, Any]) -> Iterator[Refused]:
    """Yield variables that an expression reads and that none before it defines: the server compiles expressions."""
    known: set[str] = set()
    told: set[str] = set()
    texts: list[tuple[Path, str, frozenset[str]]] = []
    for index, variable in numbered(spec, "variables"):
        texts.append((("spec", "variables", index, "expression"), text(variable, "expression"), frozenset(known)))
        known.add(text(variable, "name"))
    for index, validation in numbered(spec, "validations"):
        here: Path = ("spec", "validations", index)
        texts.extend(
            ((*here, field), text(validation, field), frozenset(known)) for field in ("expression", "messageExpression")
        )
    for at, expression, defined in texts:
        for name in sorted(set(_VARIABLE.findall(_QUOTED.sub("''", expression))) - defined - told):
            told.add(name)
            listed_names = ", ".join(sorted(defined)) or "none"
            yield Refused(at, f"an expression reads variables.{name}, defined before it are {listed_names}")


def _match_rule(rule: dict[str, Any], at: Path) -> Iterator[Refused]:
    yield from needed(rule, at, "apiGroups", "apiVersions", "operations", "resources")
    for index, operation in enumerate(listed(rule, "operations")):
        if operation not in _OPERATIONS:
            yield Refused(
                (*at, "operations", index), f"operations has {operation}, one of {', '.join(_OPERATIONS)} is expected"
            )
    for field in ("apiGroups", "apiVersions", "operations"):
        items = listed(rule, field)
        if "*" in items and len(items) > 1:
            yield Refused((*at, field), f"{field} has * and others", "keep * alone")


def _admission_binding(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, "spec")
    yield from needed(spec, ("spec",), "policyName", "validationActions")
    actions = [str(each) for each in listed(spec, "validationActions")]
    for index, action in enumerate(actions):
        if action not in ("Deny", "Warn", "Audit"):
            yield Refused(
                ("spec", "validationActions", index), f"validationActions has {action}, Deny, Warn or Audit is expected"
            )
        elif action in actions[:index]:
            yield Refused(("spec", "validationActions", index), f"validationActions has {action} twice")
    if {"Deny", "Warn"} <= set(actions):
        yield Refused(("spec", "validationActions"), "validationActions has both Deny and Warn", "keep one of them")
    for field in ("namespaceSelector", "objectSelector"):
        yield from selector(mapping(spec, "matchResources", field), ("spec", "matchResources", field))


def _webhooks(value: dict[str, Any]) -> Iterator[Refused]:
    for index, hook in numbered(value, "webhooks"):
        here = ("webhooks", index)
        yield from needed(hook, here, "sideEffects", "admissionReviewVersions")
        for position, rule in numbered(hook, "rules"):
            yield from _match_rule(rule, (*here, "rules", position))
        seconds = hook.get("timeoutSeconds")
        if isinstance(seconds, int) and not 1 <= seconds <= 30:
            yield Refused((*here, "timeoutSeconds"), f"timeoutSeconds is {seconds}, 1 to 30 is expected")


def _runtime_class(value: dict[str, Any]) -> Iterator[Refused]:
    handler = text(value, "handler")
    if not is_label(handler):
        yield Refused(("handler",), f"handler is {handler or 'missing'}, a DNS label is expected")


def _namespace(value: dict[str, Any]) -> Iterator[Refused]:
    """Yield levels and versions that are none: `ValidatePodSecurityLabels` of pod-security-admission."""
    labels = mapping(value, "metadata", "labels")
    for mode in ("enforce", "audit", "warn"):
        level, version = labels.get(f"{_POD_SECURITY}{mode}"), labels.get(f"{_POD_SECURITY}{mode}-version")
        at = ("metadata", "labels")
        if isinstance(level, str) and level not in _LEVELS:
            yield Refused(
                (*at, f"{_POD_SECURITY}{mode}"), f"{mode} is {level}, one of {', '.join(_LEVELS)} is expected"
            )
        if isinstance(version, str) and not _LEVEL_VERSION.fullmatch(version):
            yield Refused(
                (*at, f"{_POD_SECURITY}{mode}-version"), f"{mode}-version is {version}, latest or v1.35 is expected"
            )


CLUSTER_CHECKS: Mapping[tuple[str, str], Check] = {
    ("", "Namespace"): _namespace,
    ("", "ConfigMap"): _settings,
    ("", "Secret"): _settings,
    ("", "ResourceQuota"): _quota,
    ("", "LimitRange"): _limit_range,
    ("", "PersistentVolume"): _volume,
    ("", "PersistentVolumeClaim"): _claim,
    (_RBAC, "Role"): _role,
    (_RBAC, "ClusterRole"): _role,
    (_RBAC, "RoleBinding"): _binding,
    (_RBAC, "ClusterRoleBinding"): _binding,
    ("storage.k8s.io", "StorageClass"): _storage_class,
    ("node.k8s.io", "RuntimeClass"): _runtime_class,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): _admission_policy,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): _admission_binding,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
}
