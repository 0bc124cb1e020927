"""Pickles that are fetched from elsewhere than the environment's own bucket, by nothing but their name."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, ServedModel, mapping, numbered, text
from modelyard.view.workloads import Container

_BUCKET, _DIGEST, _OWN = "WEIGHTS_BUCKET", "MODEL_SHA256", "weights"
_PICKLES = (".joblib", ".pickle", ".pkl")
# joblib.load, whatever the file is called: mlserver_sklearn/sklearn.py of mlserver-sklearn 1.7.1.
_BY_JOBLIB = "mlserver_sklearn.SKLearnModel"


@rule("security/unpinned-pickle", warning, since="0.3.0")
def unpinned_pickle(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pickle is a program: who may write the file runs code in the pod, with the rights of its account."""
    for model in environment.models:
        if model.engine.name != "mlserver" or model.settings.problem or not _is_pickle(model):
            continue
        for container in model.template.containers:
            for index, each in numbered(container.value, "env"):
                place = text(each, "value") if text(each, "name") == _BUCKET else ""
                if place and place not in _own_buckets(environment) and not _is_pinned(model, container):
                    yield Finding(
                        at=container.at("env", index, "value"),
                        message=f"{model.name} loads a pickle of bucket {place}, which is not the environment's own, "
                        "and no sha256 says which file is meant",
                        fix="add the literal sha256 to serving-settings, or copy the file to the environment's bucket",
                    )


def _is_pickle(model: ServedModel) -> bool:
    told = model.settings.get("parameters")
    uri = text(told, "uri") if isinstance(told, dict) else ""
    return model.settings.get("implementation") == _BY_JOBLIB or PurePosixPath(uri).suffix.lower() in _PICKLES


def _own_buckets(environment: Environment) -> set[str]:
    return {text(each.mapping("data"), "bucket") for each in environment.of_kind("ConfigMap") if each.name == _OWN}


def _is_pinned(model: ServedModel, container: Container) -> bool:
    """Return whether the container that copies the file compares it with a digest."""
    for _, each in numbered(container.value, "env"):
        if text(each, "name") != _DIGEST:
            continue
        reference = mapping(each, "valueFrom", "configMapKeyRef")
        found: Manifest | None = next(
            (
                manifest
                for manifest in model.application.resources
                if manifest.kind == "ConfigMap" and manifest.name == reference.get("name")
            ),
            None,
        )
        return bool(text(each, "value") or (found and text(found.mapping("data"), str(reference.get("key")))))
    return False
