"""Entries of `images` for images that nobody runs."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import split_image
from modelyard.repository import Kustomization, Repository
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment


@rule("kustomize/unused-image-entry", warning, since="0.1.0")
def unused_image_entry(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kustomize silently ignores an `images` entry that matches no container, so the tag does not change."""
    entries: dict[tuple[str, int], tuple[Repository, Kustomization, bool]] = {}
    used: set[tuple[str, int]] = set()
    running: set[str] = set()
    for application in environment.applications:
        if application.repository is None or application.target is None or application.errors:
            continue
        names = {
            split_image(container.image)[0]
            for workload in environment.workloads
            if workload.manifest.application == application.name and workload.manifest.target == application.target
            for container in workload.containers
        }
        running |= names
        for layer in application.repository.kustomizations.tree(application.target).layers:
            for index, entry in enumerate(layer.entries("images")):
                if isinstance(entry, dict) and entry.get("name"):
                    entries[layer.file, index] = (application.repository, layer, layer.component)
                    if {str(entry["name"]), str(entry.get("newName"))} & names:
                        used.add((layer.file, index))
    for (file, index), (repository, layer, component) in sorted(entries.items(), key=lambda item: item[0]):
        name = str(layer.entries("images")[index]["name"])
        alike = [each for each in running if each.rpartition("/")[2] == name.rpartition("/")[2]]
        # The shared versions may name engines that no model of this environment uses today.
        if (file, index) in used or (component and not alike):
            continue
        near = next(iter(alike), "") or nearest(name, running)
        yield Finding(
            at=layer.at("images", index, "name", files=repository.files),
            message=f"the entry for {name} in {file} matches no container's image",
            fix=f"use {near}, as in the manifest" if near else "remove it",
        )
