"""Names, labels and annotations: what the API server asks of them, which no schema says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from modelyard.rendering import SchemaProblem

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = re.compile(_LABEL)
_DNS_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_MOST_ANNOTATIONS = 256 * 1024

# Names of these may hold more: RBAC has `system:node`, and the others colons.
_FREELY_NAMED = frozenset({"rbac.authorization.k8s.io", "certificates.k8s.io"})
_FREELY_NAMED_KINDS = frozenset({"IPAddress"})
# Names of these are parts of host names.
_LABELLED = frozenset({("v1", "Namespace"), ("v1", "Service")})


def metadata_problems(value: Mapping[str, Any]) -> list[SchemaProblem]:
    """Return what the API server refuses in the metadata of a resource, whatever its kind.

    The rules are those of Kubernetes' `apimachinery/pkg/api/validation/objectmeta.go`.
    """
    metadata = value.get("metadata")
    if not isinstance(metadata, Mapping):
        return [
            SchemaProblem(
                "metadata", "the resource lacks metadata" if metadata is None else "metadata is not a mapping"
            )
        ]
    for name in ("name", "generateName", "namespace"):
        text = metadata.get(name)
        if text is not None and not isinstance(text, str):
            told = orjson.dumps(text, option=orjson.OPT_NON_STR_KEYS).decode()[:100]
            return [SchemaProblem(f"metadata.{name}", f"metadata.{name} is {told}, a string is expected")]
    if not metadata.get("name") and not metadata.get("generateName"):
        return [SchemaProblem("metadata.name", "metadata lacks name")]
    return [
        *_names(str(value.get("apiVersion")), str(value.get("kind")), metadata),
        *_labels(metadata.get("labels")),
        *_annotations(metadata.get("annotations")),
    ]


def _names(api_version: str, kind: str, metadata: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    group = api_version.rpartition("/")[0]
    if group in _FREELY_NAMED or kind in _FREELY_NAMED_KINDS:
        return
    is_label = (api_version, kind) in _LABELLED
    form, longest = (_DNS_LABEL, _LONGEST_LABEL) if is_label else (_DNS_SUBDOMAIN, _LONGEST_NAME)
    name = metadata.get("name")
    if name and not (form.fullmatch(name) and len(name) <= longest):
        dots = "" if is_label else ", dots"
        yield SchemaProblem(
            "metadata.name",
            f"metadata.name is {name[:100]}, a name of lower case letters, digits, hyphens{dots} and at most "
            f"{longest} characters is expected",
        )


def _labels(labels: Any) -> Iterator[SchemaProblem]:
    for key, text in labels.items() if isinstance(labels, Mapping) else ():
        if not _is_key(str(key)):
            yield SchemaProblem(
                "metadata.labels", f"metadata.labels has the key {str(key)[:100]}, which is no name or prefix/name"
            )
        if isinstance(text, str) and text and not (_NAME_PART.fullmatch(text) and len(text) <= _LONGEST_LABEL):
            yield SchemaProblem(
                f"metadata.labels['{key}']",
                f"metadata.labels['{key}'] is {text[:100]}, at most {_LONGEST_LABEL} letters, digits, hyphens, dots "
                "and underscores are expected",
            )


def _annotations(annotations: Any) -> Iterator[SchemaProblem]:
    if not isinstance(annotations, Mapping):
        return
    for key in annotations:
        if not _is_key(str(key).lower()):
            yield SchemaProblem(
                "metadata.annotations",
                f"metadata.annotations has the key {str(key)[:100]}, which is no name or prefix/name",
            )
    size = sum(len(str(key).encode()) + len(str(text).encode()) for key, text in annotations.items())
    if size > _MOST_ANNOTATIONS:
        yield SchemaProblem(
            "metadata.annotations", f"metadata.annotations are {size:,} bytes, at most 262,144 are allowed"
        )


def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and not (_DNS_SUBDOMAIN.fullmatch(prefix) and len(prefix) <= _LONGEST_NAME):
        return False
    return _NAME_PART.fullmatch(name) is not None and len(name) <= _LONGEST_LABEL
