"""Models with less memory than their overlay gives the engine."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, mapping, quantity
from modelyard.view.overlays import overlay_folder, overlay_sizes


@rule("serving/memory-below-overlay", warning, since="0.1.0")
def memory_below_overlay(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An overlay sizes the memory for its model and ranks; with less, the kernel kills the engine."""
    for model in environment.models:
        folder, repository = overlay_folder(model.application), model.application.repository
        if not folder or repository is None:
            continue
        told = overlay_sizes(repository.files, folder).memory
        meant = quantity(told)
        limit = mapping(model.container.value, "resources", "limits").get("memory")
        own = quantity(limit)
        if meant is None or own is None or own >= meant:
            continue
        yield Finding(
            at=model.container.at("resources", "limits", "memory"),
            message=f"{model.name} has a memory limit of {limit}, but its overlay sets {told} for its ranks",
            fix=f"set {told} or more; to use less, write your own overlay",
        )
