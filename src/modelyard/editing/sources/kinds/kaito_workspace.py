"""Workspaces and InferenceSets of KAITO: kaito-project/kaito at 056b8280, api/v1beta1 and examples/inference.

A preset is called as its model is on Hugging Face, in lower case and without the publisher, or by the whole id:
presets/workspace/models/model_catalog.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from modelyard.editing.sources.ledger import Ledger, Node, as_text
from modelyard.editing.sources.pods import containers_of, read_metadata, read_pod, refuse_other_engines, runs_engine
from modelyard.editing.sources.protocol import Candidate, Source, candidate_of, head_of
from modelyard.editing.sources.record import ExternalDeployment, number
from modelyard.findings import UserError
from modelyard.repository.yaml import documents

_NODES = "the overlay says which devices it needs, and a node pool brings them"


class Workspace(Source):
    """A Workspace or an InferenceSet of KAITO with a preset."""

    title = "Workspace of KAITO"
    kinds = ("Workspace", "InferenceSet")
    groups = ("kaito.sh/",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the workspace."""
        yield candidate_of(
            manifest,
            partial(_read, manifest=manifest, documents=documents),
            serves=not _tuning(manifest).exists,
            weight=2,
        )


def _tuning(manifest: Node) -> Node:
    return manifest.at("tuning")


def _read(found: ExternalDeployment, manifest: Node, documents: Sequence[Node]) -> None:
    if _tuning(manifest).exists:
        raise found.refused("tunes a model, and serves none", "name a manifest that serves")
    head_of(manifest)
    holder = manifest
    if manifest.at("kind").text == "InferenceSet":
        spec = manifest.at("spec")
        spec.at("replicas").feeds("replicas")
        found.replicas = number(found, spec.at("replicas"))
        for key in ("labelSelector", "updateStrategy", "nodeCountLimit"):
            spec.at(key).is_set(_NODES)
        holder = spec.at("template") if spec.at("template").exists else spec
        read_metadata(holder.at("metadata"), "its workspaces")
    manifest.at("resource").is_set(_NODES)
    holder.at("resource").is_set(_NODES)
    inference = holder.at("inference")
    preset = inference.at("preset")
    if not preset.exists:
        _template(found, inference.at("template"))
        return
    name = preset.at("name")
    found.take_model(name.text, name)
    found.family = "/" not in name.text
    if preset.at("accessMode").text == "private" or preset.at("presetOptions", "image").exists:
        raise found.refused("runs an image with weights of its own in it", "name the model with modelyard model add")
    preset.at("accessMode").is_set("weights are public, or the feature hf-token reads them")
    preset.at("presetOptions").is_set("the feature hf-token reads a token from AWS Secrets Manager")
    found.token = preset.at("presetOptions", "modelAccessSecret").exists
    inference.at("adapters").is_lost("the feature lora serves adapters, by names and places of Hugging Face")
    config = inference.at("config")
    if config.exists:
        _config(found, config, documents)


def _template(found: ExternalDeployment, template: Node) -> None:
    pod = template.at("spec")
    container = next((each for each in containers_of(pod) if runs_engine(each)), None)
    if container is None:
        refuse_other_engines(found, iter((pod,)))
        images = ", ".join(each.at("image").text for each in containers_of(pod))
        raise found.refused(f"runs a container of its own, which is not vLLM (image {images or 'none'})")
    read_metadata(template.at("metadata"), "its pods")
    read_pod(found, pod, container)


def _config(found: ExternalDeployment, config: Node, parts: Sequence[Node]) -> None:
    """Read the settings of the ConfigMap that a workspace names, where it is in the same file."""
    for each in parts:
        if each.at("kind").text != "ConfigMap" or each.at("metadata", "name").text != config.text:
            continue
        config.is_set("its settings are read")
        for key, node in each.at("data").entries():
            if key != "inference_config.yaml":
                continue
            try:
                content = documents(key, node.text)
            except UserError:
                continue
            inner = Ledger(content[0] if content else None)
            found.texts.append((node.path, inner))
            for flag, value in inner.top.at("vllm").entries():
                if value.value is not None:
                    found.flag(flag, as_text(value.value), value)
            inner.top.at("max_probe_steps").is_set("the estimate of memory gives the longest request")
        each.at("metadata").is_set("its settings are read")
        each.at("apiVersion").is_form()
        each.at("kind").is_form()
        return
    config.is_lost("the ConfigMap with its settings is not in this file; put it there, and import it then")
