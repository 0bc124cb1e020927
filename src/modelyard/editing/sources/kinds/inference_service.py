"""InferenceServices of KServe: a model with a format or runtime, or a container of one's own.

Fields: kserve/kserve at aaac4e29, pkg/apis/serving/v1beta1; arguments of its Hugging Face server:
python/huggingfaceserver/huggingfaceserver/__main__.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from modelyard.editing.sources.arguments import read_flags, words_of
from modelyard.editing.sources.ledger import Node, Outcome
from modelyard.editing.sources.others import other_engine
from modelyard.editing.sources.pods import (
    engine_container,
    read_field,
    read_pod,
    read_resources,
    read_variables,
    read_volumes,
    refuse_other_engines,
    require_devices,
    runs_engine,
)
from modelyard.editing.sources.protocol import Candidate, Source, candidate_of, head_of
from modelyard.editing.sources.record import ExternalDeployment

_CLASSIC = frozenset({"sklearn", "xgboost", "lightgbm", "pmml", "paddle", "mlflow", "onnx"})
_SERVES_HERE = frozenset({"sklearn", "xgboost", "lightgbm", "onnx"})
_OF_KSERVE = "KServe does it, which is not a component here"
_SCALING = frozenset({"scaleTarget", "scaleMetric", "scaleMetricType", "autoScaling", "containerConcurrency"})
_OF_RUNTIME = "the overlay's engine serves it"


class InferenceService(Source):
    """An InferenceService of KServe."""

    title = "InferenceService of KServe"
    kinds = ("InferenceService",)
    groups = ("serving.kserve.io/",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the service."""
        yield candidate_of(manifest, partial(_read, manifest=manifest, documents=documents), weight=2)


def _read(found: ExternalDeployment, manifest: Node, documents: Sequence[Node]) -> None:
    spec, predictor = manifest.at("spec"), manifest.at("spec", "predictor")
    for part in ("transformer", "explainer"):
        if spec.at(part).exists:
            raise found.refused(
                f"has a part {part}, a program of its own before or beside the model",
                "import the predictor alone, and deploy the rest as an Application of its own",
            )
    head_of(manifest)
    _scaling(found, predictor)
    if predictor.at("workerSpec").exists:
        found.framework = "lws-vllm"
        _workers(found, predictor.at("workerSpec"))
    model, form = _model(predictor)
    if model is None:
        container = engine_container(predictor)
        if container is None:
            refuse_other_engines(found, iter((predictor,)))
            images = ", ".join(each.at("image").text for each in predictor.at("containers").items())
            raise found.refused(f"runs a container of its own, which is not vLLM (image {images or 'none'})")
        read_pod(found, predictor, container, beside=_of_predictor(predictor))
        return
    _require_format(found, model, form, documents)
    for key, node in predictor.entries():
        if key == "volumes":
            read_volumes(node)
        elif key == "nodeSelector":
            node.is_set("the overlay says which devices it needs, and a node pool brings them")
        elif key not in _of_predictor(predictor) and key not in ("model", form):
            read_field(key, node)
    _read_model(found, predictor, model, form)


def _model(predictor: Node) -> tuple[Node | None, str]:
    """Return the place of the model and its format; formats have had fields of their own name."""
    model = predictor.at("model")
    if model.exists:
        return model, model.at("modelFormat", "name").text
    for form in ("huggingface", *sorted(_CLASSIC), "triton", "pytorch", "tensorflow"):
        if predictor.at(form).exists:
            return predictor.at(form), form
    return None, ""


def _of_predictor(predictor: Node) -> frozenset[str]:
    return frozenset({"minReplicas", "maxReplicas", "model", "workerSpec", *_SCALING, "labels", "annotations"})


def _scaling(found: ExternalDeployment, predictor: Node) -> None:
    least, most = predictor.at("minReplicas"), predictor.at("maxReplicas")
    found.scale(least, most)
    for key in sorted(_SCALING):
        predictor.at(key).feeds("scaling")
    for key in ("canaryTrafficPercent", "logger", "batcher", "timeout", "storageUris"):
        predictor.at(key).is_lost(_OF_KSERVE)
    for key in ("labels", "annotations"):
        for name, node in predictor.at(key).entries():
            node.is_lost("models have labels of their own here", f"{key.removesuffix('s')} {name} of its pods")


def _workers(found: ExternalDeployment, workers: Node) -> None:
    workers.is_set("the overlay says how many nodes a group has, and the base makes its workers")
    for each in workers.at("containers").items():
        require_devices(found, workers, each)
        read_variables(found, each.at("env"))


def _require_format(found: ExternalDeployment, model: Node, form: str, documents: Sequence[Node]) -> None:
    """Refuse formats and runtimes that are not vLLM's."""
    runtime = model.at("runtime").text
    lower = form.lower()
    if lower in _CLASSIC:
        fix = "overlays of the engine mlserver serve such models: modelyard model add tabular-sklearn-mlserver-cpu"
        raise found.refused(
            f"serves a model of the format {form}, which no language model is",
            fix if lower in _SERVES_HERE else "no engine here serves it",
        )
    image, command = _runtime(runtime, documents)
    engine = other_engine(runtime, image, command, lower)
    if engine is not None:
        raise found.refused(
            f"runs {engine.name} (runtime {runtime or form}), and vLLM is what import takes", engine.fix
        )
    known = lower in ("huggingface", "vllm") or "vllm" in runtime.lower() or "vllm" in f"{image} {command}".lower()
    if not known:
        raise found.refused(
            f"serves the format {form or 'none'} by the runtime {runtime or 'that KServe chooses'}, and whether that "
            "is vLLM stands in no manifest here",
            "put the ServingRuntime into the same file, or modelyard model add ID --env NAME",
        )


def _runtime(name: str, documents: Sequence[Node]) -> tuple[str, str]:
    """Return image and command of a runtime in the same file."""
    for each in documents:
        if (
            each.at("kind").text in ("ServingRuntime", "ClusterServingRuntime")
            and each.at("metadata", "name").text == name
        ):
            for container in each.at("spec", "containers").items():
                words = words_of(container.at("command"), container.at("args"))
                return container.at("image").text, " ".join(each.text for each in words)
    return "", ""


def _read_model(found: ExternalDeployment, predictor: Node, model: Node, form: str) -> None:
    require_devices(found, predictor, model)
    known = read_variables(found, model.at("env"))
    del known
    read_resources(found, model.at("resources"))
    uri = model.at("storageUri")
    if uri.exists:
        found.take_model(uri.text, uri)
    storage = model.at("storage")
    if storage.exists:
        found.weights = found.weights or storage.at("path").text or storage.at("storageUri").text or "its storage"
        storage.feeds("model", f"model {found.weights}")
    words = words_of(model.at("command"), model.at("args"))
    if form.lower() == "huggingface" and not runs_engine(model):
        read_flags(found, words)
        _of_hugging_face(found)
    else:
        read_flags(found, words)
    for key, node in model.entries():
        if key in ("modelFormat", "runtime", "protocolVersion", "runtimeVersion", "name"):
            node.is_set(_OF_RUNTIME)
        elif key in ("securityContext", "image", "imagePullPolicy", "ports", "volumeMounts", "workingDir", "envFrom"):
            node.is_lost("weights lie where the features weights-* put them") if key == "volumeMounts" else read_field(
                key, node
            )
        elif key.endswith("Probe") or key == "lifecycle":
            read_field(key, node)


def _of_hugging_face(found: ExternalDeployment) -> None:
    """Read the flags of KServe's Hugging Face server that are not vLLM's."""
    backend = found.flags.pop("backend", None)
    if backend is not None:
        if backend.value not in ("vllm", "auto"):
            raise found.refused(
                f"runs Transformers by KServe's Hugging Face server (--backend={backend.value}), and vLLM is what "
                "import takes",
                "vLLM serves most models of others: modelyard model add ID --env NAME",
            )
        found.decide(backend.slot, Outcome.SET, _OF_RUNTIME)
    task = found.flags.pop("task", None)
    if task is not None:
        found.decide(task.slot, Outcome.SET, "the model's own task decides")
    name = found.flags.pop("model-id", None)
    if name is not None:
        weights = found.weights
        found.take_model(name.value)
        found.decide(name.slot, Outcome.CARRIED, "it is the model")
        found.weights = "" if found.model else weights
    for own, flag in (("model-revision", "revision"), ("max-length", "max-model-len")):
        given = found.flags.pop(own, None)
        if given is not None:
            found.flags[flag] = given
    served = found.flags.pop("model-name", None)
    if served is not None:
        found.served_names = (served.value,)
        found.flags["served-model-name"] = served
    for own in ("model-dir", "http-port", "grpc-port", "workers", "max-threads", "enable-docs-url", "log-config-file"):
        given = found.flags.pop(own, None)
        if given is not None:
            found.decide(given.slot, Outcome.SET, "it is of KServe's server; the base has its own")
