"""What the claims of pods say of the devices that they want (dynamic resource allocation)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.view import Environment, Manifest, PodTemplate, entries, mapping, text

# Classes of chart dra-driver-nvidia-gpu 0.4.1, and the attribute by which its devices tell themselves apart.
_OF_CHART = {"mig.nvidia.com": True, "gpu.nvidia.com": False}
_TYPE = re.compile(r"""\.type\s*==\s*['"](mig|gpu)['"]""")
_GROUP = "resource.k8s.io"


def parts_claimed(template: PodTemplate, environment: Environment) -> bool | None:
    """Return whether pods claim parts of GPUs that were cut by MIG.

    Args:
        template: The pods.
        environment: Its claims and classes.

    Returns:
        True for parts, False for whole GPUs; None where the claims do not say.
    """
    classes = {each.name: each for each in environment.of_kind("DeviceClass", _GROUP)}
    said = {
        answer
        for claim, path in _claims(template, environment)
        for request in _requests(claim, path)
        if (answer := _of_request(request, classes)) is not None
    }
    return said.pop() if len(said) == 1 else None


def _claims(template: PodTemplate, environment: Environment) -> Iterator[tuple[Manifest, tuple[str, ...]]]:
    for kind, key, path in (
        ("ResourceClaimTemplate", "resourceClaimTemplateName", ("spec", "spec")),
        ("ResourceClaim", "resourceClaimName", ("spec",)),
    ):
        named = {text(each, key) for each in entries(template.spec, "resourceClaims")} - {""}
        for manifest in environment.of_kind(kind, _GROUP):
            if manifest.name in named and manifest.namespace == template.manifest.namespace:
                yield manifest, path


def _requests(claim: Manifest, path: tuple[str, ...]) -> Iterator[dict[str, object]]:
    for request in entries(claim.mapping(path), "devices", "requests"):
        exactly = mapping(request, "exactly")
        yield from [exactly] if exactly else entries(request, "firstAvailable")


def _of_request(request: dict[str, object], classes: dict[str, Manifest]) -> bool | None:
    name = text(request, "deviceClassName")
    selectors = entries(request, "selectors")
    if name in classes:
        selectors = [*selectors, *entries(classes[name].mapping("spec"), "selectors")]
    kinds = {kind for each in selectors for kind in _TYPE.findall(text(mapping(each, "cel"), "expression"))}
    if len(kinds) == 1:
        return kinds == {"mig"}
    return _OF_CHART.get(name)
