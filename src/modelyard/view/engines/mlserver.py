"""MLServer: the Open Inference Protocol for models of scikit-learn, XGBoost, LightGBM and ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from modelyard.rendering import Sources, split_image
from modelyard.repository import FileAddress
from modelyard.view.engines.protocol import ServingEngine
from modelyard.view.manifests import Manifest
from modelyard.view.settings import DeclaredSettings, mounted_config_map, written_in
from modelyard.view.shapes import listed, text
from modelyard.view.workloads import Container

MODEL_SETTINGS = "model-settings.json"
"""File of a model in MLServer's repository (`DEFAULT_MODEL_SETTINGS_FILENAME`)."""


class MLServer(ServingEngine):
    """`mlserver start FOLDER`, whose settings are `model-settings.json` in that folder and variables."""

    name = "mlserver"
    title = "MLServer"
    core = "mlserver"
    image_word = "mlserver"
    exporters = ("mlserver",)
    metric_prefixes = ("model_infer_request_",)
    # docs/serving-on-cpus.md: 1.7.1, ONNX Runtime the least and XGBoost the most.
    resident_mib = (164, 235)
    # Fields of ModelSettings in mlserver/settings.py of the wheel, whose model_config has extra="ignore".
    settings_keys = MappingProxyType(
        {
            "1.7.1": frozenset(
                {
                    "cache_enabled", "implementation", "inputs", "max_batch_size", "max_batch_time", "name", "outputs",
                    "parallel_workers", "parameters", "platform", "versions", "warm_workers",
                }
            )
        }
    )  # fmt: skip

    def runs(self, container: Container) -> bool:
        """Return whether a container's command or image is MLServer's."""
        command = [*listed(container.value, "command"), *container.args]
        return command[:2] == ["mlserver", "start"] or split_image(container.image)[0].endswith("/mlserver")

    def settings(self, container: Container, siblings: Sequence[Manifest]) -> DeclaredSettings:
        """Return what `model-settings.json` of the mounted ConfigMap says."""
        source = mounted_config_map(container, siblings, MODEL_SETTINGS)
        file = (
            Sources(source.repository, source.target, source.resource).generated_file(MODEL_SETTINGS)
            if source
            else None
        )
        if source is None or file is None:
            return super().settings(container, siblings)
        repository = container.manifest.repository
        whole = FileAddress(repository.files, file, target=container.manifest.target)
        made = written_in(whole, required=True)
        settings = {each.name: each for each in made}
        model = text(source.value, "data", "model")
        return DeclaredSettings(settings, tuple(made), file, container, repository, whole, model)
