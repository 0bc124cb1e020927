"""Published schemas reduced to their structure, the form in which the bundle keeps them."""

from __future__ import annotations

from typing import Any

_PROSE = frozenset({"description", "example", "examples", "externalDocs", "title", "$schema", "id", "$id", "x-source"})
_DEFINITION = "#/definitions/"

# Requests and answers of the API's own machinery, never manifests.
_MACHINERY = frozenset({"DeleteOptions", "WatchEvent", "Status", "APIGroup", "APIVersions", "APIResourceList"})


def stripped_crd(crd: dict[str, Any]) -> dict[str, Any]:
    """Return a CustomResourceDefinition (apiextensions.k8s.io/v1) with nothing but names, versions and structure.

    Validation rules in CEL, defaults and list types stay, since the API server acts on them.
    """
    spec = crd["spec"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": crd["metadata"]["name"]},
        "spec": {
            "group": spec["group"],
            "names": {"kind": spec["names"]["kind"], "plural": spec["names"]["plural"]},
            "scope": spec["scope"],
            "versions": [
                {
                    "name": version["name"],
                    "served": version["served"],
                    "storage": version["storage"],
                    "schema": {"openAPIV3Schema": stripped_schema(version["schema"]["openAPIV3Schema"])},
                }
                for version in spec["versions"]
                if version.get("schema", {}).get("openAPIV3Schema")
            ],
        },
    }


def stripped_schema(schema: Any) -> Any:
    """Return a structural schema without prose; names of properties are never taken for keywords."""
    if isinstance(schema, list):
        return [stripped_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _PROSE:
            continue
        if keyword in {"properties", "patternProperties", "definitions"}:
            kept[keyword] = {name: stripped_schema(each) for name, each in value.items()}
        elif keyword in {"items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"}:
            kept[keyword] = stripped_schema(value)
        else:
            kept[keyword] = value
    return kept


# Required fields by definition that the server fills in: `SetDefaults_RoleBinding` and `SetDefaults_ClusterRoleBinding`
# of pkg/apis/rbac/v1/defaults.go (Kubernetes 1.35).
_FILLED_IN = {"io.k8s.api.rbac.v1.RoleRef": "apiGroup"}


def stripped_definitions(swagger: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions of Kubernetes' OpenAPI v2 document that manifests can be made of.

    Lists and the machinery's own kinds are left out, with what only they refer to. So is the demand for fields that the
    API server fills in before it validates.
    """
    definitions = {name: stripped_schema(each) for name, each in swagger["definitions"].items()}
    for name, filled_in in _FILLED_IN.items():
        if "required" in definitions.get(name, {}):
            definitions[name]["required"] = [each for each in definitions[name]["required"] if each != filled_in]
    needed: set[str] = set()
    waiting = [name for name, each in definitions.items() if manifest_kind(each) is not None]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(_references(definitions[name]))
    return {name: definitions[name] for name in sorted(needed)}


def manifest_kind(definition: dict[str, Any]) -> tuple[str, str] | None:
    """Return apiVersion and kind of a definition that is a manifest of its own; None for parts and lists."""
    kinds = definition.get("x-kubernetes-group-version-kind", [])
    if len(kinds) != 1:
        return None
    kind = str(kinds[0]["kind"])
    properties = definition.get("properties", {})
    is_list = kind.endswith("List") and "items" in properties and "metadata" in properties
    if is_list or kind in _MACHINERY or not {"kind", "metadata"} <= set(properties):
        return None
    group, version = str(kinds[0]["group"]), str(kinds[0]["version"])
    return (f"{group}/{version}" if group else version), kind


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for each in schema for name in _references(each)]
    if not isinstance(schema, dict):
        return []
    found = [name for each in schema.values() for name in _references(each)]
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_DEFINITION):
        found.append(reference.removeprefix(_DEFINITION))
    return found
