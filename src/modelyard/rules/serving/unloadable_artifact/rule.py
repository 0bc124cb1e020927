"""Models of MLServer in a format that their runtime does not load, or at another path than the one that is copied."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, ServedModel, mapping, text

# What names say of a file's format, where they say it at all.
_FORMATS = {
    ".joblib": "a pickle",
    ".pickle": "a pickle",
    ".pkl": "a pickle",
    ".json": "JSON",
    ".ubj": "UBJSON",
    ".onnx": "ONNX",
    ".safetensors": "safetensors",
    ".pt": "PyTorch's",
    ".pth": "PyTorch's",
    ".h5": "Keras'",
    ".keras": "Keras'",
    ".pb": "TensorFlow's",
}
# What each runtime loads: joblib.load, xgboost's load_model and lightgbm.Booster(model_file=…) in the wheels of
# mlserver-sklearn, mlserver-xgboost and mlserver-lightgbm 1.7.1. Other names are left to it.
_LOADED = {
    "mlserver_sklearn.SKLearnModel": (".joblib", ".pickle", ".pkl"),
    "mlserver_xgboost.XGBoostModel": (".json", ".ubj"),
    "mlserver_lightgbm.LightGBMModel": (),
}
# The runtimes that the image brings, one class each: runtimes/*/mlserver_*/__init__.py of SeldonIO/MLServer@a325e523.
_PACKAGES = {
    "mlserver_catboost": "mlserver_catboost.CatboostModel",
    "mlserver_huggingface": "mlserver_huggingface.HuggingFaceRuntime",
    "mlserver_lightgbm": "mlserver_lightgbm.LightGBMModel",
    "mlserver_mlflow": "mlserver_mlflow.MLflowRuntime",
    "mlserver_sklearn": "mlserver_sklearn.SKLearnModel",
    "mlserver_xgboost": "mlserver_xgboost.XGBoostModel",
}
_RUNTIMES = frozenset(_PACKAGES.values())
_MOST = {"mlserver_lightgbm.LightGBMModel": "LightGBM's text, such as model.txt"}


@rule("serving/unloadable-artifact", error, since="0.3.0")
def unloadable_artifact(environment: Environment) -> Iterator[Finding | NotChecked]:
    """MLServer ends when it cannot load its model, with exit code 0, and the pod starts again for ever."""
    for model in environment.models:
        if model.engine.name != "mlserver" or model.settings.problem:
            continue
        runtime = str(model.settings.get("implementation") or "")
        if runtime not in _RUNTIMES and runtime.partition(".")[0] in _PACKAGES:
            yield Finding(
                at=model.settings.at("implementation"),
                message=f"{model.name} is loaded by {runtime}, which that package does not have",
                fix=f"write {_PACKAGES[runtime.partition('.')[0]]}",
            )
            continue
        uri = text(mapping(model.settings.get("parameters")), "uri")
        if not uri:
            continue
        ending = PurePosixPath(uri).suffix.lower()
        loaded = _LOADED.get(runtime)
        if loaded is not None and ending in _FORMATS and ending not in loaded:
            expected = _MOST.get(runtime) or one_of([f"model{each}" for each in loaded])
            yield Finding(
                at=model.settings.at("parameters"),
                message=f"{model.name} loads {uri} by {runtime}, and its name says {_FORMATS[ending]}",
                fix=f"save the model as the runtime loads it ({expected}), or choose the runtime of the file",
            )
            continue
        copied = _copied(model)
        if copied and PurePosixPath(uri).name != PurePosixPath(copied).name:
            yield Finding(
                at=model.settings.at("parameters"),
                message=f"{model.name} loads {uri}, and the file that is copied and looked at is {copied}",
                fix=f"make the uri end in {copied}, or name that file in the literal artifact",
            )


def _copied(model: ServedModel) -> str:
    """Return the literal `artifact` of the settings that a container of the pod reads; empty where none does."""
    for container in model.template.containers:
        for each in container.value.get("env") or ():
            reference = mapping(each, "valueFrom", "configMapKeyRef")
            if reference.get("key") != "artifact":
                continue
            for manifest in model.application.resources:
                if manifest.kind == "ConfigMap" and manifest.name == reference.get("name"):
                    return text(manifest.mapping("data"), "artifact")
    return ""
