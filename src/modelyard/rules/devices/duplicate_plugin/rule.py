"""Two device plugins for one kind of device."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.devices.plugins import NVIDIA, PLUGINS, held_by_image, running
from modelyard.view import Application, Environment, Pool

_NODES_WITH_PLUGIN = "nvidia.com/gpu.present"
"""Label of the nodes that the NVIDIA device plugin's chart runs on."""


@rule("devices/duplicate-plugin", error, since="0.1.0")
def duplicate_plugin(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Two device plugins on a node offer each device twice, and two pods get the same device."""
    for plugin in PLUGINS:
        first, *others = running(environment, plugin) or (None,)
        for other in others:
            yield Finding(
                at=other.at("metadata.name") if isinstance(other, Application) else other.manifest.at("metadata.name"),
                message=f"{other} and {first} both run the device plugin of {plugin.component}",
                fix="remove one of them, or disable its device plugin",
            )
    if running(environment, NVIDIA):
        for pool in environment.pools:
            if held_by_image(NVIDIA, pool) and _is_chosen(pool):
                yield Finding(
                    at=pool.manifest.at(("spec", "template", "metadata", "labels", _NODES_WITH_PLUGIN)),
                    message=f"{pool} has the label {_NODES_WITH_PLUGIN}, which runs the device plugin on nodes whose "
                    "image already contains one",
                    fix="remove the label; only AL2023 nodes need it",
                )


def _is_chosen(pool: Pool) -> bool:
    return str(pool.labels.get(_NODES_WITH_PLUGIN)) == "true"
