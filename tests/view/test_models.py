"""Models as served: their engine, its version and settings, wherever these stand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.checking.environments import environments
from modelyard.repository import Repository
from modelyard.sizing import FitVerdict, fits
from modelyard.view import ServedModel
from tests.repositories.edits import apply_edits

MISTRAL = "overlays/mistral-small-24b-instruct-2501-ray-vllm-gpu/serve.yaml"
VERSIONS = "environments/dev/versions/kustomization.yaml"
CHAT = "environments/dev/models/chat/kustomization.yaml"


@pytest.fixture
def multi_node(bases: Mapping[str, Path], tmp_path: Path) -> Path:
    """Return a repository of one's own with a LeaderWorkerSet and a RayService."""
    return Path(shutil.copytree(bases["multi-node"], tmp_path / "multi-node", symlinks=True))


def served(root: Path, name: str) -> ServedModel:
    """Return a model of the only environment."""
    view = environments(Repository(root)).views[0]
    return next(each for each in view.models if each.name == name)


def fit(root: Path, name: str) -> tuple[FitVerdict | None, str]:
    """Return verdict and gap of a model."""
    view = environments(Repository(root)).views[0]
    found = next(each for each in fits(view) if each.model.name == name)
    return found.verdict, found.gap


def test_a_model_in_ray_is_read_from_its_serve_config(multi_node: Path) -> None:
    model = served(multi_node, "mistral")
    assert model.settings.model == "mistralai/Mistral-Small-24B-Instruct-2501"
    assert (model.settings.tensor_parallel_size, model.settings["max-model-len"]) == (4, 32768)
    assert str(model.settings.at("max-model-len").place()) == f"{MISTRAL}:12:28"
    assert str(model.settings.at("max-num-seqs").place()) == f"{MISTRAL}:12:13", "in engine_kwargs, where it belongs"
    assert model.container.name == "ray-worker"
    assert model.engine_version == "0.22.0", "what the base says of this Ray, not the image's tag"
    assert fit(multi_node, "mistral") == (FitVerdict.FITS, "")


def test_of_another_ray_the_version_of_the_engine_is_unknown(multi_node: Path) -> None:
    edit = {"newTag: 2.56.0-py312-cu130": "newTag: 2.58.0-py312-cu130"}
    apply_edits(multi_node, {"replace": {VERSIONS: edit}})
    assert served(multi_node, "mistral").engine_version is None
    verdict, gap = fit(multi_node, "mistral")
    assert verdict is None and gap.startswith("the version of vLLM in rayproject/ray-llm:2.58.0")
    write = {
        "modelyard.yaml": (multi_node / "modelyard.yaml").read_text()
        + "engine-versions:\n  rayproject/ray-llm: 0.24.0\n"
    }
    apply_edits(multi_node, {"write": write})
    assert served(multi_node, "mistral").engine_version == "0.24.0"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("llm_configs:", "models:", "has no llm_configs of ray.serve.llm"),
        ("model_source:", "\tmodel_source:", "is not valid YAML"),
        (
            "      llm_configs:\n",
            "      llm_configs:\n        - model_loading_config: {model_id: x}\n",
            "serves 2 models, of which one alone could be looked at",
        ),
    ],
)
def test_serve_configs_of_another_form_are_a_gap(multi_node: Path, old: str, new: str, said: str) -> None:
    apply_edits(multi_node, {"replace": {MISTRAL: {old: new}}})
    verdict, gap = fit(multi_node, "mistral")
    assert verdict is None and said in gap


def test_settings_that_the_manifest_itself_holds_have_an_address(multi_node: Path) -> None:
    """Without a replacement the Serve config is a text of the manifest."""
    text = "applications: [{args: {llm_configs: [{model_loading_config: {model_id: Qwen/Qwen3-8B}}]}}]"
    patch = f"""\
  - target: {{kind: RayService}}
    patch: |-
      - {{op: replace, path: /spec/serveConfigV2, value: "{text}"}}
"""
    file = multi_node / "environments/dev/models/mistral/kustomization.yaml"
    content = file.read_text()
    assert content.count("patches:\n") == 1 and content.count("replacements:\n") == 1
    file.write_text(content.partition("replacements:\n")[0].replace("patches:\n", f"patches:\n{patch}"))
    model = served(multi_node, "mistral")
    assert model.settings.model == "Qwen/Qwen3-8B"
    assert str(model.settings.at("model").place()).startswith("environments/dev/models/mistral/kustomization.yaml:")


def test_a_model_from_a_bucket_is_known_by_the_id_beside_its_settings(one_model: Path) -> None:
    with_feature = {"components:\n": "components:\n  - ../../../../bases/features/weights-s3-streamer\n"}
    apply_edits(one_model, {"replace": {CHAT: with_feature}})
    model = served(one_model, "chat")
    loaded = model.settings.model
    assert loaded.startswith("s3://$(WEIGHTS_BUCKET)/Qwen/Qwen3-1.7B/"), "a Secret's or the cluster's variable stays"
    assert model.settings.model_id == "Qwen/Qwen3-1.7B"
    assert fit(one_model, "chat") == (FitVerdict.FITS, "")


def test_a_model_of_which_only_the_place_is_known_is_a_gap(one_model: Path) -> None:
    overlay = "overlays/qwen3-1-7b-vllm-gpu"
    apply_edits(
        one_model,
        {
            "replace": {
                f"{overlay}/kustomization.yaml": {
                    "    literals:\n      - model=Qwen/Qwen3-1.7B": "    literals:\n      - m=x"
                },
                f"{overlay}/vllm.yaml": {"model: Qwen/Qwen3-1.7B": "model: /models/mine"},
            }
        },
    )
    assert served(one_model, "chat").settings.model_id == "/models/mine"
    verdict, gap = fit(one_model, "chat")
    assert verdict is None and gap == "which model lies at /models/mine is not said"


def test_devices_are_those_of_nodes_with_room(one_model: Path) -> None:
    """The pool may make nodes with L4, A10G and L40S; one type of them alone leaves 900 GiB to a pod."""
    argument = "{op: add, path: /spec/template/spec/containers/0/args/-, value: --max-num-seqs=64}"
    memory = "/spec/template/spec/containers/0/resources"
    more = "\n".join(
        f"      - {{op: replace, path: {memory}/{part}/memory, value: 900Gi}}" for part in ("requests", "limits")
    )
    apply_edits(one_model, {"replace": {CHAT: {f"      - {argument}": more}}})
    view = environments(Repository(one_model)).views[0]
    [found] = [each for each in fits(view) if each.model.name == "chat"]
    assert [each.eligible.device.name for each in found.devices] == ["L40S"]
    assert found.devices[0].eligible.instance_types == ("g6e.48xlarge",)


def test_where_placement_is_unknown_nothing_is_said_of_memory(one_model: Path) -> None:
    facts = {"region: us-west-2": "region: mars-north-1"}
    apply_edits(one_model, {"replace": {"environments/dev/environment.yaml": facts}})
    verdict, gap = fit(one_model, "chat")
    assert verdict is None
    assert gap == "it is not known where its pods run: region mars-north-1 is not in the catalogue"


def test_a_model_is_what_runs_an_engine_not_what_wears_a_label(one_model: Path) -> None:
    file = one_model / "environments/dev/applications/chat.yaml"
    label = "  labels: {app.kubernetes.io/component: model} # chooses the shared patches\n"
    assert label in file.read_text()
    file.write_text(file.read_text().replace(label, ""))
    assert served(one_model, "chat").settings.model_id == "Qwen/Qwen3-1.7B"
    assert fit(one_model, "chat") == (FitVerdict.FITS, "")


def _second(root: Path, container: str) -> None:
    """Add a StatefulSet with one GPU to the model's Application."""
    folder = root / "environments/dev/models/chat"
    (folder / "second.yaml").write_text(f"""\
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: second}}
spec:
  serviceName: second
  selector: {{matchLabels: {{app: second}}}}
  template:
    metadata: {{labels: {{app: second}}}}
    spec:
      containers:
        - {{name: server, {container}, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}
""")
    file = folder / "kustomization.yaml"
    file.write_text(file.read_text().replace("resources:\n", "resources:\n  - second.yaml\n", 1))


def test_every_engine_of_an_application_is_a_model(one_model: Path) -> None:
    script = "vllm serve Qwen/Qwen3-4B --max-model-len 4096"
    _second(one_model, f"image: vllm/vllm-openai:v0.24.0, command: [sh, -c, {script}]")
    view = environments(Repository(one_model)).views[0]
    assert sorted(model.name for model in view.models) == ["chat", "second"]
    second = served(one_model, "second")
    assert (second.settings.model_id, second.settings["max-model-len"]) == ("Qwen/Qwen3-4B", 4096)


def test_an_engine_that_nobody_knows_is_named_as_not_checked(one_model: Path) -> None:
    _second(one_model, "image: example.com/tensor-server:1.0")
    gaps = environments(Repository(one_model)).all_gaps
    found = next(gap for gap in gaps if str(gap.subject) == "StatefulSet second")
    assert found.reason == (
        "it asks for nvidia.com/gpu, and no engine is known that runs by example.com/tensor-server:1.0"
    )


def test_a_program_that_calls_an_engine_is_none(one_model: Path) -> None:
    _second(one_model, "image: example.com/gradio-vllm-openai:1.0")
    file = one_model / "environments/dev/models/chat/second.yaml"
    file.write_text(file.read_text().replace("{nvidia.com/gpu: 1}", "{cpu: 1}"))
    assert [model.name for model in environments(Repository(one_model)).views[0].models] == ["chat"]


OFFLINE = {"components:\n": "components:\n  - ../../../../bases/features/batch-inference\n"}


def test_a_job_that_answers_a_file_is_a_model_that_has_to_fit(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(bases["one-model"], tmp_path / "one-model", symlinks=True))
    apply_edits(root, {"replace": {CHAT: OFFLINE}})
    view = environments(Repository(root)).views[0]
    (offline,) = view.offline_models
    assert (offline.name, offline.workload.kind, offline.engine.name) == ("chat/cronjob", "CronJob", "vllm")
    assert offline.settings.model == "Qwen/Qwen3-1.7B" and [each.name for each in view.models] == ["chat"]
    assert fit(root, "chat/cronjob") == (FitVerdict.FITS, "")
    apply_edits(root, {"edit": {"overlays/qwen3-1-7b-vllm-gpu/vllm.yaml": {"model": "Qwen/Qwen3-32B"}}})
    assert fit(root, "chat/cronjob")[0] is FitVerdict.DOES_NOT_FIT


def test_a_job_that_measures_is_no_model(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(bases["one-model"], tmp_path / "one-model", symlinks=True))
    apply_edits(root, {"replace": {CHAT: {"components:\n": "components:\n  - ../../../../bases/features/load-test\n"}}})
    assert environments(Repository(root)).views[0].offline_models == ()
