"""RayServices whose Serve config is that of `ray.serve.llm`.

Fields: KubeRay at feeaf72f, ray-operator/apis/ray/v1; `LLMConfig` of Ray 2.52.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.editing.sources.ledger import Ledger, Node, as_text
from modelyard.editing.sources.others import other_engine
from modelyard.editing.sources.pods import OTHERWISE, read_field, read_metadata, read_variables, require_devices
from modelyard.editing.sources.protocol import Candidate, Source, head_of, named
from modelyard.editing.sources.record import DEVICES, ExternalDeployment, number
from modelyard.findings import UserError
from modelyard.repository.yaml import documents

_BUILDERS = ("ray.serve.llm:build_openai_app", "ray.serve.llm:build_pd_openai_app", "ray.llm")
_CLUSTER = "the base has a Ray cluster of its own, which the overlay sizes"
_SERVE = "the overlay's Serve config decides"
CONFIG = "serveConfigV2"


class RayService(Source):
    """A RayService."""

    title = "RayService with ray.serve.llm"
    kinds = ("RayService",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield each model of its Serve config; one whose config is a program's refuses."""
        config, models = _models(manifest)
        name = manifest.at("metadata", "name").text
        if config is None or not models:

            def refuse(found: ExternalDeployment) -> None:
                raise _refusal(found, manifest, config)

            yield Candidate(name, named(manifest), manifest, refuse, serves=False, weight=1)
            return
        for model in models:
            only = len(models) == 1
            own = name if only else model.at("model_loading_config", "model_id").text

            def read(found: ExternalDeployment, model: Node = model, config: Node = config) -> None:
                _read(found, manifest, config, model)

            yield Candidate(own, named(manifest) if only else f"{named(manifest)}, model {own}", manifest, read)


def _models(manifest: Node) -> tuple[Node | None, list[Node]]:
    """Return the Serve config, as a ledger of its own, and the models in it."""
    text = manifest.at("spec", CONFIG)
    try:
        content = documents(CONFIG, text.text)
    except UserError:
        return None, []
    config = Ledger(content[0] if content else None).top
    return config, [
        each
        for application in config.at("applications").items()
        for each in application.at("args", "llm_configs").items()
        if isinstance(each.value, dict)
    ]


def _refusal(found: ExternalDeployment, manifest: Node, config: Node | None) -> UserError:
    text = manifest.at("spec", CONFIG).text
    paths = [each.at("import_path").text for each in config.at("applications").items()] if config is not None else []
    if any("pd_openai_app" in each for each in paths):
        return found.refused(
            "splits prefill and decode over two deployments of Ray Serve, and they are one engine here"
        )
    engine = other_engine(text)
    if engine is not None and "vllm" not in text.lower():
        return found.refused(f"runs {engine.name} in Ray Serve, and vLLM is what import takes", engine.fix)
    told = ", ".join(each for each in paths if each) or "nothing that can be read"
    return found.refused(
        f"runs a program of its own in Ray Serve ({told}), and what it loads stands in no manifest",
        "the overlays of the engine ray-vllm serve by ray.serve.llm: modelyard model add ID --engine ray-vllm",
    )


def _read(found: ExternalDeployment, manifest: Node, config: Node, model: Node) -> None:
    head_of(manifest)
    found.framework = "ray-vllm"
    spec = manifest.at("spec")
    _model(found, model)
    _cluster(found, spec.at("rayClusterConfig"))
    _config(config, model)
    # What stands in the text of the Serve config is told as part of that field.
    found.texts.append((spec.at(CONFIG).path, config.ledger))
    for key, node in spec.entries():
        if key in (
            "serviceUnhealthySecondThreshold",
            "deploymentUnhealthySecondThreshold",
            "upgradeStrategy",
            "rayClusterDeletionDelaySeconds",
            "serveService",
            "excludeHeadPodFromServeSvc",
            "upgradeOptions",
        ):
            node.is_set("the base has its own")
        elif key not in (CONFIG, "rayClusterConfig"):
            read_field(key, node)


def _config(config: Node, model: Node) -> None:
    for key, node in config.entries():
        if key in ("http_options", "proxy_location", "grpc_options", "logging_config"):
            node.is_set(_SERVE)
    for application in config.at("applications").items():
        for key, node in application.entries():
            if key in ("name", "route_prefix", "import_path", "deployments"):
                node.is_set(_SERVE)
        for each in application.at("args", "llm_configs").items():
            if each.path != model.path:
                name = each.at("model_loading_config", "model_id").text
                each.is_lost(f"another model of the file; import it with --only {name}", f"model {name}")
        for variable, node in application.at("runtime_env", "env_vars").entries():
            node.is_lost("variables of an application; those of the model are carried", f"variable {variable}")
        for key, node in application.at("runtime_env").entries():
            if key != "env_vars":
                node.is_lost("Ray installs nothing when it starts here; the image has what it needs")


def _model(found: ExternalDeployment, model: Node) -> None:
    loading = model.at("model_loading_config")
    source, identity = loading.at("model_source"), loading.at("model_id")
    if source.text:
        found.take_model(source.text, source)
        found.flag("served-model-name", identity.text, identity) if identity.text else None
    elif source.exists:  # a bucket
        found.weights = source.at("bucket_uri").text or as_text(source.value)
        source.feeds("model", f"model {found.weights}")
        identity.feeds("model")
    else:
        found.take_model(identity.text, identity)
    for key, node in model.at("engine_kwargs").entries():
        if node.value is None:
            continue
        if key == "kv_transfer_config" and any(each in as_text(node.value) for each in ("Nixl", "kv_producer")):
            raise found.refused("hands its KV cache to another engine: prefill and decode are one engine here")
        if isinstance(node.value, list):
            found.values(key, [as_text(each.value) for each in node.items()], node)
        else:
            found.flag(key, as_text(node.value), node)
    read_variables(found, model.at("runtime_env", "env_vars"))
    for key, node in model.at("runtime_env").entries():
        if key != "env_vars":
            node.is_lost("Ray installs nothing when it starts here; the image has what it needs")
    deployment = model.at("deployment_config")
    scaling = deployment.at("autoscaling_config")
    if scaling.exists:
        found.scale(scaling.at("min_replicas"), scaling.at("max_replicas"))
        for key, node in scaling.entries():
            if key not in ("min_replicas", "max_replicas"):
                node.is_set(_SERVE)
    deployment.at("num_replicas").feeds("replicas")
    if deployment.at("num_replicas").text != "auto":
        found.replicas = number(found, deployment.at("num_replicas"))
    for key, node in deployment.entries():
        if key not in ("autoscaling_config", "num_replicas"):
            node.is_set(_SERVE)
    model.at("accelerator_type").is_set("the overlay says which devices it needs, and a node pool brings them")
    model.at("placement_group_config").is_set("the overlay splits the model over its devices")
    model.at("resources_per_bundle").is_set("the overlay splits the model over its devices")
    model.at("llm_engine").is_form()
    model.at("experimental_configs").is_lost(OTHERWISE)
    model.at("log_engine_metrics").is_set("the base scrapes the engine's metrics")
    lora = model.at("lora_config")
    lora.is_lost("Ray fetches no adapters here; the feature lora serves them on the engine vllm")


def _cluster(found: ExternalDeployment, cluster: Node) -> None:
    for key, node in cluster.entries():
        if key in ("headGroupSpec", "workerGroupSpecs"):
            continue
        if key in ("rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "gcsFaultToleranceOptions"):
            node.is_set(_CLUSTER)
    groups = [cluster.at("headGroupSpec"), *cluster.at("workerGroupSpecs").items()]
    for group in groups:
        for key, node in group.entries():
            if key != "template":
                node.is_set(_CLUSTER)
        _pods(found, group.at("template"))


def _pods(found: ExternalDeployment, template: Node) -> None:
    read_metadata(template.at("metadata"), "its pods")
    for key, node in template.at("spec").entries():
        if key != "containers":
            read_field(key, node)
    template.at("spec", "volumes").is_lost("weights lie where the features weights-* put them")
    for container in template.at("spec", "containers").items():
        require_devices(found, template.at("spec"), container)
        for key, node in container.entries():
            if key == "env":
                for each in node.items():
                    found.variable(
                        each.at("name").text, each.at("value").text if each.at("value").exists else None, each
                    )
            elif key == "volumeMounts":
                node.is_lost("weights lie where the features weights-* put them")
            elif key in ("resources", "image", "name", "command", "args"):
                node.is_set(_CLUSTER)
            else:
                read_field(key, node)
        for part in ("requests", "limits"):
            for name, node in container.at("resources", part).entries():
                if name in DEVICES:
                    node.feeds("devices")
                    found.devices, found.accelerator = number(found, node), DEVICES[name]
