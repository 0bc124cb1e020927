"""An engine that nobody serves by: what a module of `modelyard.view.engines` says of one with settings of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modelyard.rendering import Sources, split_image
from modelyard.repository import FileAddress
from modelyard.view import Container, DeclaredSettings, Manifest, ServingEngine
from modelyard.view.settings import mounted_config_map, written_in

FILE = "toy.yaml"
# By the toy's word for a setting, the flag of vLLM that means the same.
_FLAGS = {"checkpoint": "model", "shards": "tensor-parallel-size"}


class Toy(ServingEngine):
    """`toy-server --settings FILE`, with words of its own."""

    name = "toy"
    title = "Toy"
    core = "toy"
    image_word = "toy-server"
    metric_prefixes = ("toy_",)
    rank_flags = ("tensor-parallel-size",)

    def runs(self, container: Container) -> bool:
        """Return whether a container's image is the toy's."""
        return split_image(container.image)[0].endswith("/toy-server")

    def settings(self, container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
        """Return what the file of the mounted ConfigMap says."""
        source = mounted_config_map(container, siblings, FILE)
        file = Sources(source.repository, source.target, source.resource).generated_file(FILE) if source else None
        if file is None:
            return super().settings(container, siblings)
        repository = container.manifest.repository
        whole = FileAddress(repository.files, file, target=container.manifest.target)
        made = [replace(each, name=_FLAGS.get(each.name, each.name)) for each in written_in(whole, required=True)]
        settings = {each.name: each for each in made}
        model = str(settings["model"].value) if "model" in settings else ""
        return DeclaredSettings(settings, tuple(made), file, container, repository, whole, model)
