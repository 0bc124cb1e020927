"""Volumes of pods: `ValidateVolumes` in pkg/apis/core/validation/validation.go of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.rendering import Path
from modelyard.view.quantities import quantity
from modelyard.view.shapes import mapping, numbered, text
from modelyard.view.validation.checks import Refused, choice_of, distinct, is_label, needed, one_of, range_of, whole

_NEEDED = {
    "configMap": ("name",),
    "csi": ("driver",),
    "ephemeral": ("volumeClaimTemplate",),
    "hostPath": ("path",),
    "nfs": ("server", "path"),
    "persistentVolumeClaim": ("claimName",),
    "secret": ("secretName",),
}
_PROJECTED = ("clusterTrustBundle", "configMap", "downwardAPI", "podCertificate", "secret", "serviceAccountToken")
_HOST_PATHS = (
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_HIGHEST_MODE = 0o777
_SHORTEST_TOKEN = 600


def volumes(spec: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield what the API server refuses of a pod's volumes."""
    yield from distinct(spec, at, "volumes", "name")
    for index, volume in numbered(spec, "volumes"):
        here = (*at, "volumes", index)
        name = text(volume, "name")
        if not is_label(name):
            yield Refused((*here, "name"), f"a volume is called {name or 'nothing'}, a DNS label is expected")
        for refused in _volume(volume, here):
            yield Refused(refused.path, f"volume {name}: {refused.said}", refused.fix)


def _volume(volume: dict[str, Any], at: Path) -> Iterator[Refused]:
    sources = [field for field in volume if field != "name" and volume[field] is not None]
    if len(sources) > 1:
        yield Refused((*at, sources[1]), f"it has both {sources[0]} and {sources[1]}", "keep one of them")
    for field in sources:
        source = volume[field]
        if not isinstance(source, dict):
            continue
        yield from needed(source, (*at, field), *_NEEDED.get(field, ()))
        yield from range_of(source, (*at, field), "defaultMode", 0, _HIGHEST_MODE)
        for index, item in numbered(source, "items"):
            yield from needed(item, (*at, field, "items", index), "path")
    yield from choice_of(mapping(volume, "hostPath"), (*at, "hostPath"), "type", _HOST_PATHS)
    size = quantity(mapping(volume, "emptyDir").get("sizeLimit"))
    if size is not None and size < 0:
        yield Refused((*at, "emptyDir", "sizeLimit"), "sizeLimit is below zero")
    for index, source in numbered(volume, "projected", "sources"):
        here = (*at, "projected", "sources", index)
        yield from one_of(source, here, _PROJECTED, "a projected source")
        lifetime = whole(mapping(source, "serviceAccountToken").get("expirationSeconds"))
        if lifetime is not None and lifetime < _SHORTEST_TOKEN:
            yield Refused(
                (*here, "serviceAccountToken", "expirationSeconds"),
                f"a token expires after {lifetime} s, {_SHORTEST_TOKEN} or more are expected",
            )
