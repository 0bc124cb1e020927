"""Models added, changed, renamed and removed, in repositories that the template writes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.checking import CheckOptions, check
from modelyard.editing import (
    Changes,
    ModelChoice,
    ModelRequest,
    candidates,
    model_name,
    refusal,
    remove_model,
    rename_model,
    rows,
    set_model,
    switch_feature,
)
from modelyard.editing.environment_folder import environment_files
from modelyard.editing.readiness import how_to_bring
from modelyard.findings import ExitCode, Severity, UserError
from modelyard.repository import Repository
from modelyard.repository.journal import write_together
from modelyard.tooling import require, run
from tests.kills import in_a_process
from tests.terminals import Terminal

from .conftest import Outcome, snapshot

Run = Callable[..., Outcome]


def chosen(root: Path, model: str, environment: str = "dev", name: str = "", **wish: Any) -> ModelChoice:
    return candidates(lambda: Changes(root), model, environment, name, ModelRequest(**wish))


def errors(root: Path, environment: str = "dev") -> list[str]:
    report = check(root, CheckOptions(environments=(environment,)))
    return [f"{each.rule}: {each.message}" for each in report.findings if each.severity is Severity.ERROR]


def kustomization(root: Path, model: str, environment: str = "dev") -> dict[str, object]:
    return dict(yaml.safe_load((root / f"environments/{environment}/models/{model}/kustomization.yaml").read_text()))


def stub_paths(root: Path, model: str, environment: str = "dev") -> str:
    stub = yaml.safe_load((root / f"environments/{environment}/applications/{model}.yaml").read_text())
    return str(stub["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"])


def test_a_model_is_added_as_the_template_would_have_written_it(starter: Path) -> None:
    written = snapshot(starter)
    changes = Changes(starter)
    remove_model(changes, "dev", "llama-3-2-1b-instruct")
    changes.apply()
    assert "environments/dev/applications/llama-3-2-1b-instruct.yaml" not in snapshot(starter)
    choice = chosen(starter, "meta-llama/Llama-3.2-1B-Instruct", check=False)
    choice.possible[0].changes.apply()
    after = snapshot(starter)
    changed = {path for path in {*written, *after} if written.get(path) != after.get(path)}
    assert changed == {"environments/dev/kustomization.yaml"}, "only its place in the list differs"
    before, now = (
        sorted(text.decode().splitlines())
        for text in (written["environments/dev/kustomization.yaml"], after["environments/dev/kustomization.yaml"])
    )
    assert before == now


def test_an_added_model_passes_and_says_why_it_is_served_so(starter: Path) -> None:
    choice = chosen(starter, "Qwen/Qwen3-32B")
    (best, *_) = choice.possible
    assert (choice.name, best.overlay.name) == ("qwen3-32b", "qwen3-32b-vllm-gpu")
    assert best.reasons == ("overlay qwen3-32b-vllm-gpu: the only one for Qwen/Qwen3-32B",)
    assert best.trial is not None and best.trial.fits and best.trial.places
    assert best.trial.device == "L40S" and best.trial.runs_on == "g6e.12xlarge in pool gpu"
    best.changes.apply()
    assert errors(starter) == []
    assert Repository(starter).manifest_generate_paths("environments/dev/models/qwen3-32b") == stub_paths(
        starter, "qwen3-32b"
    )


def test_what_the_model_asks_for_comes_along(starter: Path) -> None:
    (best, *_) = chosen(starter, "meta-llama/Llama-3.1-8B-Instruct", accelerator="gpu", name="llama").possible
    assert best.features == ("hf-token",)
    assert "feature hf-token: the model asks for consent" in best.reasons
    best.changes.apply()
    assert errors(starter) == []


def test_an_accelerator_chooses_the_overlay(untouched: Path) -> None:
    (best, *_) = chosen(untouched, "meta-llama/Llama-3.1-8B-Instruct", accelerator="neuron").possible
    assert best.overlay.accelerator == "neuron"
    assert best.trial is not None and "neuron" in best.trial.runs_on


def test_a_model_without_an_overlay_gets_one(starter: Path) -> None:
    (best, *_) = chosen(starter, "microsoft/phi-4").possible
    assert best.made and best.overlay.name == "phi-4-vllm-gpu"
    assert best.trial is not None and best.trial.fit.startswith("fits")
    best.changes.apply()
    assert errors(starter) == []
    folder = starter / "overlays/phi-4-vllm-gpu"
    told = yaml.safe_load((folder / "vllm.yaml").read_text())
    assert told["model"] == "microsoft/phi-4" and told["max-model-len"] == 16384
    facts = yaml.safe_load((folder / "overlay.yaml").read_text())
    assert facts["devices"] == told["tensor-parallel-size"] and facts["license"] == "mit"
    deployment = yaml.safe_load((folder / "devices.yaml").read_text())["spec"]["template"]["spec"]
    probe = deployment["containers"][0]["startupProbe"]
    assert probe["failureThreshold"] * 10 >= facts["weights-gb"] / 0.1 + 300


def test_an_overlay_is_made_for_several_devices_where_one_is_too_small(untouched: Path) -> None:
    (best, *_) = chosen(untouched, "Qwen/Qwen2.5-72B-Instruct").possible
    assert best.overlay.devices == 8
    devices = (best.changes.text("overlays/qwen2-5-72b-instruct-vllm-gpu/devices.yaml")).splitlines()
    assert '              nvidia.com/gpu: "8"' in devices
    assert any("VLLM_ENGINE_READY_TIMEOUT_S" in line for line in devices), "145 GB take longer than ten minutes"


@pytest.fixture
def whole_nodes(starter: Path) -> Path:
    """Return a repository with the pool of whole nodes, and without the overlay of a model that fills one."""
    pools = starter / "environments/dev/platform/karpenter/kustomization.yaml"
    choice = "components:\n  - ../../../../bases/platform/karpenter/choices/gpu-multinode\n"
    pools.write_text(pools.read_text().replace("patches:\n", choice + "patches:\n", 1))
    shutil.rmtree(starter / "overlays/qwen3-coder-480b-a35b-instruct-fp8-vllm-gpu")
    return starter


@pytest.mark.parametrize(
    ("model", "whole_experts"), [("Qwen/Qwen3-235B-A22B", None), ("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", True)]
)
def test_a_large_model_fills_a_whole_node(whole_nodes: Path, model: str, whole_experts: bool | None) -> None:
    (best, *_) = chosen(whole_nodes, model).possible
    assert best.made and best.overlay.devices == 8
    assert best.trial is not None and "in pool gpu-multinode" in best.trial.runs_on
    best.changes.apply()
    assert errors(whole_nodes) == []
    folder = whole_nodes / "overlays" / best.overlay.name
    told = yaml.safe_load((folder / "vllm.yaml").read_text())
    assert (told["tensor-parallel-size"], told.get("enable-expert-parallel")) == (8, whole_experts)
    facts = yaml.safe_load((folder / "overlay.yaml").read_text())
    assert facts["karpenter-choice"] == "gpu-multinode"
    deployment = yaml.safe_load((folder / "devices.yaml").read_text())["spec"]["template"]["spec"]
    probe = deployment["containers"][0]["startupProbe"]
    assert probe["failureThreshold"] * 10 >= facts["weights-gb"] / facts["gb-per-second"] + 300


def test_what_fits_no_pool_names_both_and_what_would_bring_larger_ones(whole_nodes: Path, two: Path) -> None:
    with pytest.raises(UserError, match="fits no GPU of pools gpu and gpu-multinode in dev with requests of"):
        candidates(
            lambda: Changes(whole_nodes),
            "Qwen/Qwen3-Coder-480B-A35B-Instruct",
            "dev",
            "",
            ModelRequest(max_model_len=10_000_000),
        )
    with pytest.raises(UserError) as caught:
        chosen(two, "Qwen/Qwen3-235B-A22B")
    assert "modelyard update --env dev --set gpu_multinode_pool=true brings whole nodes" in caught.value.fix


def test_a_model_that_fits_nowhere_is_refused_with_the_nearest(untouched: Path) -> None:
    before = snapshot(untouched)
    with pytest.raises(UserError) as caught:
        chosen(untouched, "Qwen/Qwen3-235B-A22B")
    assert "fits no GPU of pool gpu in dev" in caught.value.message and "8 L40S" in caught.value.message
    assert caught.value.exit_code == ExitCode.FINDINGS
    assert snapshot(untouched) == before


def test_a_model_whose_engine_the_environment_lacks_is_refused_with_what_it_needs(untouched: Path) -> None:
    choice = chosen(untouched, "meta-llama/Llama-3.2-1B-Instruct", engine="ray-vllm", name="ray")
    assert choice.possible == ()
    assert "its engine ray-vllm needs kuberay-operator in the environment" in refusal(choice, "dev").message


def test_a_model_beyond_the_pool_s_limit_is_refused(starter: Path) -> None:
    pools = starter / "environments/dev/platform/karpenter/kustomization.yaml"
    text = pools.read_text()
    limited, count = re.subn(r'(nvidia\.com/gpu: )"16"', r'\1"4"', text)
    assert count == 1, "the template writes the limit in another way"
    pools.write_text(limited)
    choice = chosen(starter, "Qwen/Qwen3-32B")
    assert choice.possible == ()
    told = refusal(choice, "dev")
    assert "scheduling/devices-beyond-pool-limit" in told.message and "raise the limit" in told.fix


@pytest.mark.parametrize(
    ("model", "wish", "message", "fix"),
    [
        ("Qwen/Qwen3-23B", {}, "no overlay serves Qwen/Qwen3-23B", "did you mean Qwen/Qwen3-32B?"),
        ("qwen/qwen3-32b", {}, "no overlay serves", "did you mean Qwen/Qwen3-32B?"),
        (
            "Qwen/Qwen3-32B",
            {"overlay": "qwen3-32b-vllm-gpus"},
            "there is no overlay",
            "did you mean qwen3-32b-vllm-gpu?",
        ),
        ("Qwen/Qwen3-32B", {"overlay": "qwen3-8b-vllm-gpu"}, "serves Qwen/Qwen3-8B, not", "qwen3-32b-vllm-gpu"),
        ("Qwen/Qwen3-32B", {"accelerator": "tpu"}, "there is no accelerator tpu", "gpu"),
        ("Qwen/Qwen3-32B", {"features": ("hf-tokens",)}, "there is no feature hf-tokens", "hf-token"),
        ("Qwen/Qwen3-32B", {"accelerator": "neuron"}, "no overlay serves Qwen/Qwen3-32B as asked", "qwen3-32b"),
    ],
)
def test_a_wish_that_nothing_meets(untouched: Path, model: str, wish: dict[str, Any], message: str, fix: str) -> None:
    with pytest.raises(UserError) as caught:
        chosen(untouched, model, **wish)
    assert message in caught.value.message and fix in caught.value.fix


@pytest.mark.parametrize(
    "name",
    ["Chat", "chat_1", "-chat", "chat-", "a" * 54, "../../etc", "a\nb", "true", "@channel", "<b>", "\x1b[31m", ""],
)
def test_a_hostile_name_is_refused_and_nothing_is_written(untouched: Path, name: str) -> None:
    before = snapshot(untouched)
    changes = Changes(untouched)
    with pytest.raises(UserError):
        if name:
            chosen(untouched, "Qwen/Qwen3-8B", name=name, check=False)
        else:
            rename_model(changes, "dev", "qwen3-1-7b", name)
    with pytest.raises(UserError):
        rename_model(changes, "dev", "qwen3-1-7b", name)
    assert snapshot(untouched) == before


def test_the_longest_name_of_a_ray_service_is_shorter() -> None:
    with pytest.raises(UserError, match="may have 47"):
        from modelyard.editing.identity import require_name

        require_name("a" * 48, 47)


def test_a_flag_is_refused_where_the_arguments_are_another_program_s(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(bases["other-engines"], tmp_path / "other-engines", symlinks=True))
    with pytest.raises(UserError, match=r"runs on triton-vllm, which takes no flags as arguments: .* model\.json"):
        set_model(Changes(root), "dev", "triton", {"max-model-len": "8192"})
    set_model(Changes(root), "dev", "triton", {"replicas": "2"})


def test_a_setting_is_added_changed_and_taken_back(starter: Path) -> None:
    before = snapshot(starter)

    def edited(values: dict[str, str], *unset: str) -> None:
        changes = Changes(starter)
        set_model(changes, "dev", "qwen3-1-7b", values, unset)
        changes.apply()

    edited({"max-model-len": "8192", "replicas": "2", "enable_prefix_caching": "false"})
    patches = kustomization(starter, "qwen3-1-7b")["patches"]
    assert isinstance(patches, list)
    operations = yaml.safe_load(patches[0]["patch"])
    assert [each["value"] for each in operations] == ["--max-model-len=8192", 2, "--no-enable-prefix-caching"]
    assert "allowNameChange" in patches[-1]["options"], "the rename comes last"
    assert errors(starter) == []
    once = snapshot(starter)
    edited({"max-model-len": "8192", "replicas": "2"})
    assert snapshot(starter) == once, "a second time changes something"
    edited({"max-model-len": "4096"})
    assert sum(a != b for a, b in zip(once.values(), snapshot(starter).values(), strict=True)) == 1
    assert next(row for row in rows(Changes(starter)) if row.name == "qwen3-1-7b").settings == {
        "replicas": "2",
        "max-model-len": "4096",
        "no-enable-prefix-caching": "true",
    }
    edited({}, "max-model-len", "replicas", "enable-prefix-caching")
    assert snapshot(starter) == before


@pytest.mark.parametrize(
    ("values", "message", "fix"),
    [
        ({"max-modl-len": "1"}, "has no flag max-modl-len", "did you mean max-model-len?"),
        ({"replicas": "two"}, "replicas is 'two'", "replicas=2"),
        ({"replicas": "-1"}, "replicas is '-1'", "replicas=2"),
        ({"replicas": "²"}, "replicas is '²'", "replicas=2"),
        ({"min-replicas": "2"}, "has a fixed number of replicas", "scale-on-queue"),
        ({"served-model-name": "x"}, "does not set served-model-name", "modelyard model rename"),
        ({"model": "x/y"}, "does not set model", "--overlay"),
        ({"enforce-eager": "perhaps"}, "expected true or false", "enforce-eager=true"),
        ({"max-model-len": ""}, "has no value", "max-model-len=VALUE"),
        ({"chat-template": "a\nb"}, "has several lines", "one line"),
    ],
)
def test_a_setting_that_cannot_be(untouched: Path, values: dict[str, str], message: str, fix: str) -> None:
    with pytest.raises(UserError) as caught:
        set_model(Changes(untouched), "dev", "qwen3-1-7b", values)
    assert message in caught.value.message and fix in caught.value.fix


@pytest.mark.parametrize("value", ['{"image": 0}', "a: b # c", "'", '"', "- x", "é", "}", "@x", "\x1b[31m"])
def test_a_hostile_value_stays_one_argument(starter: Path, value: str) -> None:
    changes = Changes(starter)
    set_model(changes, "dev", "qwen3-1-7b", {"chat-template": value})
    changes.apply()
    patches = kustomization(starter, "qwen3-1-7b")["patches"]
    assert isinstance(patches, list)
    assert yaml.safe_load(patches[0]["patch"])[0]["value"] == f"--chat-template={value}"


@pytest.mark.slow
def test_both_kinds_of_pods_of_a_group_get_a_flag(bases: dict[str, Path], tmp_path: Path) -> None:
    changes = Changes(bases["multi-node"])
    set_model(changes, "dev", "scout", {"max-num-seqs": "64"})
    text = changes.text("environments/dev/models/scout/kustomization.yaml")
    assert text.count("value: --max-num-seqs=64") == 2
    assert "# Weights at 0.1 GB/s, not the 0.5 GB/s" in text


def test_an_overlay_of_another_engine_is_not_taken(starter: Path) -> None:
    with pytest.raises(UserError, match="is for engine vllm-neuron"):
        set_model(Changes(starter), "dev", "qwen3-1-7b", {}, overlay="llama-3-1-8b-instruct-vllm-neuron")
    changes = Changes(starter)
    set_model(changes, "dev", "qwen3-1-7b", {}, overlay="llama-3-1-8b-instruct-vllm-gpu")
    changes.apply()
    assert "/overlays/llama-3-1-8b-instruct-vllm-gpu;" in stub_paths(starter, "qwen3-1-7b")
    assert rows(changes)[-1].features == ("hf-token",), "the other overlay requires it"


def test_a_feature_is_switched_on_and_off_again(starter: Path) -> None:
    before = snapshot(starter)
    for feature in ("spread-zones", "weights-s3-streamer"):
        changes = Changes(starter)
        switch_feature(changes, "dev", "qwen3-1-7b", feature, on=True)
        changes.apply()
        assert f"/bases/features/{feature}" in stub_paths(starter, "qwen3-1-7b")
    assert errors(starter) == []
    components = kustomization(starter, "qwen3-1-7b")["components"]
    assert isinstance(components, list) and components[-1] == "../../versions"
    for feature in ("spread-zones", "weights-s3-streamer"):
        changes = Changes(starter)
        switch_feature(changes, "dev", "qwen3-1-7b", feature, on=False)
        changes.apply()
    assert snapshot(starter) == before


def test_what_a_feature_asks_of_the_environment_comes_and_goes_with_it(starter: Path) -> None:
    file = starter / "environments/dev/models/qwen3-1-7b/kustomization.yaml"
    before = file.read_text()
    changes = Changes(starter)
    switch_feature(changes, "dev", "qwen3-1-7b", "kv-offload", on=True)
    changes.apply()
    assert file.read_text().count('memory: "26Gi"') == 2, "10Gi of the overlay, and 16Gi"
    assert 'sizeLimit: "17Gi"' in file.read_text()
    changes = Changes(starter)
    switch_feature(changes, "dev", "qwen3-1-7b", "kv-offload", on=False)
    changes.apply()
    assert file.read_text() == before


def test_sizes_go_with_the_way_of_scaling_that_they_are_for(starter: Path) -> None:
    listed = starter / "environments/dev/kustomization.yaml"
    listed.write_text(listed.read_text().replace("resources:\n", "resources:\n  - applications/keda.yaml\n", 1))
    changes = Changes(starter)
    before = changes.text("environments/dev/models/qwen3-1-7b/kustomization.yaml")

    def sizes() -> dict[str, str]:
        return dict(next(row.settings for row in rows(changes) if row.name == "qwen3-1-7b"))

    set_model(changes, "dev", "qwen3-1-7b", {"replicas": "2"})
    changes.apply()
    changes = Changes(starter)
    switch_feature(changes, "dev", "qwen3-1-7b", "scale-on-queue", on=True)
    changes.apply()
    changes = Changes(starter)
    assert sizes() == {}
    with pytest.raises(UserError, match="as many replicas as scale-on-queue decides"):
        set_model(changes, "dev", "qwen3-1-7b", {"replicas": "2"})
    set_model(changes, "dev", "qwen3-1-7b", {"min-replicas": "1", "max-replicas": "4"})
    changes.apply()
    changes = Changes(starter)
    assert sizes() == {"min-replicas": "1", "max-replicas": "4"}
    switch_feature(changes, "dev", "qwen3-1-7b", "scale-on-queue", on=False)
    assert changes.text("environments/dev/models/qwen3-1-7b/kustomization.yaml") == before


@pytest.mark.parametrize(
    ("feature", "on", "message"),
    [
        ("scale-on-queue", True, "needs keda in the environment"),
        ("exclusive-zone", True, "is not for vllm"),
        ("smoke-tests", True, "there is no feature smoke-tests"),
        ("", True, "there is no feature without a name"),
    ],
)
def test_a_feature_that_cannot_be(untouched: Path, feature: str, on: bool, message: str) -> None:
    with pytest.raises(UserError, match=message):
        switch_feature(Changes(untouched), "dev", "qwen3-1-7b", feature, on=on)


def test_a_feature_that_the_overlay_requires_stays(untouched: Path) -> None:
    with pytest.raises(UserError, match="requires hf-token"):
        switch_feature(Changes(untouched), "dev", "llama-3-2-1b-instruct", "hf-token", on=False)


def test_a_renamed_model_passes_under_its_new_name(starter: Path) -> None:
    (starter / "modelyard.yaml").write_text(
        (starter / "modelyard.yaml").read_text()
        + "ceilings:\n  dev:\n    models:\n      # Agreed with finance.\n      qwen3-1-7b: 900\n"
    )
    names = [row.name for row in rows(Changes(starter))]
    changes = Changes(starter)
    rename_model(changes, "dev", "qwen3-1-7b", "chat")
    changes.apply()
    assert errors(starter) == []
    assert sorted(row.name for row in rows(Changes(starter))) == sorted({*names, "chat"} - {"qwen3-1-7b"})
    settings = (starter / "modelyard.yaml").read_text()
    assert yaml.safe_load(settings)["ceilings"]["dev"]["models"] == {"chat": 900}
    assert "# Agreed with finance." in settings
    for path, content in snapshot(starter).items():
        if path.startswith("environments/dev/") and not path.endswith(".copier-answers.yml"):
            assert b"models/qwen3-1-7b" not in content and b"value: qwen3-1-7b" not in content, path


def test_files_that_are_no_text_move_and_go_with_their_model(starter: Path) -> None:
    picture = starter / "environments/dev/models/qwen3-1-7b/picture.png"
    picture.write_bytes(b"\x89PNG\xff\x00")
    shared = starter / "overlays/shared.txt"
    shared.write_text("of others too\n")
    changes = Changes(starter)
    rename_model(changes, "dev", "qwen3-1-7b", "chat")
    changes.apply()
    assert (starter / "environments/dev/models/chat/picture.png").read_bytes() == b"\x89PNG\xff\x00"
    (starter / "environments/dev/models/chat/link.txt").symlink_to("../../../../overlays/shared.txt")
    changes = Changes(starter)
    remove_model(changes, "dev", "chat")
    assert "picture.png" in changes.diff()
    changes.apply()
    assert not (starter / "environments/dev/models/chat").exists()
    assert shared.read_text() == "of others too\n", "what a link led to went along"


def test_a_removed_model_leaves_a_repository_that_passes(starter: Path) -> None:
    changes = Changes(starter)
    assert remove_model(changes, "dev", "qwen3-1-7b") == ()
    changes.apply()
    assert errors(starter) == []
    assert not (starter / "environments/dev/models/qwen3-1-7b").exists()
    with pytest.raises(UserError, match="has no model qwen3-1-7b"):
        remove_model(Changes(starter), "dev", "qwen3-1-7b")


def test_the_last_model_can_go_and_another_can_come(starter: Path) -> None:
    for row in rows(Changes(starter)):
        changes = Changes(starter)
        remove_model(changes, "dev", row.name)
        changes.apply()
    text = (starter / "environments/dev/kustomization.yaml").read_text()
    assert "  # Models.\npatches:" in text
    chosen(starter, "Qwen/Qwen3-8B", check=False).possible[0].changes.apply()
    assert (
        "  # Models.\n  - applications/qwen3-8b.yaml\npatches:"
        in (starter / "environments/dev/kustomization.yaml").read_text()
    )
    assert errors(starter) == []


def test_names_come_from_ids() -> None:
    assert model_name("Qwen/Qwen3-32B") == "qwen3-32b"
    assert model_name("mistralai/Mistral-7B-Instruct-v0.3") == "mistral-7b-instruct-v0-3"
    assert model_name("acme/7B_chat.") == "model-7b-chat"


def test_the_command_adds_once_and_shows_before_it_writes(starter: Path, modelyard: Run) -> None:
    before = snapshot(starter)
    shown = modelyard(starter, "model", "add", "Qwen/Qwen3-8B", "--env", "dev", "--dry-run")
    assert shown.code == 0, shown.err
    assert snapshot(starter) == before
    assert shown.out.startswith("diff --git a/environments/dev/applications/qwen3-8b.yaml")
    told = modelyard(starter, "model", "add", "Qwen/Qwen3-8B", "--env", "dev")
    assert told.code == 0, told.err
    assert told.out.splitlines()[0] == "qwen3-8b is added to dev"
    assert "  overlay qwen3-8b-vllm-gpu: the only one for Qwen/Qwen3-8B" in told.out.splitlines()
    after = snapshot(starter)
    again = modelyard(starter, "model", "add", "Qwen/Qwen3-8B", "--env", "dev")
    assert (again.code, again.out) == (0, "qwen3-8b is in dev; nothing to do\n")
    assert snapshot(starter) == after
    other = modelyard(starter, "model", "add", "Qwen/Qwen3-32B", "--env", "dev", "--name", "qwen3-8b")
    assert other.code == 2 and "serves Qwen/Qwen3-8B as qwen3-8b already" in other.err


def test_a_dry_run_is_a_diff_that_git_applies(starter: Path, modelyard: Run) -> None:
    told = json.loads(modelyard(starter, "model", "rename", "qwen3-1-7b", "chat", "--env", "dev", "-n", "--json").out)
    assert told["written"] is False
    run([require("git").path, "apply", "-"], cwd=starter, stdin=told["diff"].encode(), timeout=60, check=True)
    assert errors(starter) == []
    assert {each["change"] for each in told["files"]} == {"added", "changed", "removed"}


def test_an_edit_that_would_not_pass_is_refused_and_can_be_forced(starter: Path, modelyard: Run) -> None:
    before = snapshot(starter)
    arguments = ("model", "set", "qwen3-1-7b", "max-model-len=99999999", "--env", "dev")
    refused = modelyard(starter, *arguments)
    assert (
        refused.code == 1
        and "would fail modelyard check" in refused.err
        and "check: fit/refused-by-engine: " in refused.err
    )
    assert "Traceback" not in refused.err and snapshot(starter) == before
    assert modelyard(starter, *arguments, "--no-check").code == 0
    # What was wrong before is not this edit's: another one goes through.
    other = modelyard(starter, "model", "set", "qwen3-1-7b", "max-num-seqs=8", "--env", "dev")
    assert other.code == 0, other.err


def test_a_model_that_is_not_there_can_be_removed_when_that_is_said(untouched: Path, modelyard: Run) -> None:
    before = snapshot(untouched)
    told = modelyard(untouched, "model", "remove", "chat", "--env", "dev", "--ignore-not-found")
    assert (told.code, told.out) == (0, "dev has no model chat; nothing to do\n")
    elsewhere = modelyard(untouched, "model", "remove", "chat", "--env", "prod", "--ignore-not-found")
    assert elsewhere.code == 2 and "there is no environment prod here" in elsewhere.err
    assert snapshot(untouched) == before


def test_a_model_that_is_renamed_already_can_be_renamed_when_that_is_said(untouched: Path, modelyard: Run) -> None:
    before = snapshot(untouched)
    again = ("model", "rename", "chat", "qwen3-1-7b", "--env", "dev")
    assert modelyard(untouched, *again).code == 2, "it may be misspelt"
    told = modelyard(untouched, *again, "--ignore-not-found")
    assert (told.code, told.out) == (
        0,
        "dev has no model chat, and qwen3-1-7b is there; nothing to do\n",
    )
    neither = modelyard(untouched, "model", "rename", "chat", "talk", "--env", "dev", "--ignore-not-found")
    assert neither.code == 2 and snapshot(untouched) == before


@pytest.mark.parametrize("more", [(), ("--overlay", "qwen3-8b-vllm-gpu")], ids=["argument", "both"])
def test_an_overlay_can_be_asked_for_by_name(untouched: Path, modelyard: Run, more: tuple[str, ...]) -> None:
    told = modelyard(
        untouched, "model", "add", "qwen3-8b-vllm-gpu", *more, "--env", "dev", "--defaults", "--no-check", "--dry-run"
    )
    assert told.code == 0, told.err
    assert "qwen3-8b is added to dev" in told.err


def test_usage_is_explained(untouched: Path, modelyard: Run, tmp_path: Path) -> None:
    assert "there is no environment prod here" in modelyard(untouched, "model", "add", "x/y", "--env", "prod").err
    assert "models of dev: " in modelyard(untouched, "model", "remove", "chat", "--env", "dev").err
    assert "'replicas' is not a setting" in modelyard(untouched, "model", "set", "chat", "replicas", "--env", "dev").err
    assert "nothing is to be set" in modelyard(untouched, "model", "set", "chat", "--env", "dev").err
    outside = modelyard(tmp_path, "model", "list")
    assert outside.code == 2 and "has no folder environments" in outside.err
    assert modelyard(untouched, "model", "set", "chat", "replicas=1").code == 2, "--env is required"


def test_an_edit_that_was_cut_short_is_finished_by_the_next_command(starter: Path, modelyard: Run) -> None:
    settings = starter / "modelyard.yaml"

    def edit() -> None:
        real = Path.replace

        def stopped(path: Path, target: Path) -> Path:
            if target == settings:
                os.kill(os.getppid(), signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            return real(path, target)

        Path.replace = stopped  # type: ignore[method-assign, assignment]
        write_together(starter, {"modelyard.yaml": b"version: 1\n# by the edit\n"}, {})

    assert in_a_process(edit) == 128 + signal.SIGKILL
    assert "by the edit" not in settings.read_text()
    assert modelyard(starter, "check").code == 0
    assert settings.read_text() == "version: 1\n# by the edit\n"
    assert not list(starter.glob(".modelyard-edit*"))


def test_an_edit_that_the_files_bring_is_refused_by_every_verb(starter: Path, modelyard: Run) -> None:
    (starter / ".modelyard-edit").mkdir()
    (starter / ".modelyard-edit/0.new").write_text("planted")
    (starter / ".modelyard-edit/journal.json").write_text('[["../planted", "0.new"], ["modelyard.yaml", null]]')
    for words in (
        ("check",),
        ("fit",),
        ("env", "list"),
        ("graph",),
        ("model", "list"),
        ("fetch",),
        ("update",),
        ("env", "add", "x"),
    ):
        told = modelyard(starter, *words)
        assert told.code == 2 and "neither is believed" in told.err, words
    assert not (starter.parent / "planted").exists() and (starter / "modelyard.yaml").exists()


def test_the_list_names_what_serves_each_model(two: Path, modelyard: Run) -> None:
    told = json.loads(modelyard(two, "model", "list", "--json").out)["models"]
    assert [(each["environment"], each["name"], each["overlay"]) for each in told] == [
        ("dev", "chat", "qwen3-1-7b-vllm-gpu"),
        ("prod", "chat", "llama-3-2-1b-instruct-vllm-gpu"),
        ("prod", "long", "qwen3-8b-vllm-gpu"),
    ]
    lines = modelyard(two, "model", "list", "--env", "prod").out.splitlines()
    assert len(lines) == 2 and "hf-token" in lines[0]


def test_a_person_is_asked_which_overlay_for_features_and_whether_to_write(starter: Path) -> None:
    import os
    import pty
    import subprocess
    import sys

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "model", "add", "meta-llama/Llama-3.1-8B-Instruct", "--env", "dev"],
        cwd=starter,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""

    def until(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            shown += os.read(ours, 65536)

    until(b"Which one")
    assert b"1  llama-3-1-8b-instruct-vllm-gpu" in shown and b"2  llama-3-1-8b-instruct-vllm-neuron" in shown
    assert b"USD an hour" in shown, "the price is shown before the choice"
    assert b"on-demand list prices of us-west-2, read 2" in shown, "and which prices they are"
    os.write(ours, b"7\n")
    until(b"write a number from 1 to 2")
    os.write(ours, b"2\n")
    until(b"Features, with commas between")
    assert b"spread-zones" in shown and b"gpu-mps" not in shown, "what this overlay cannot have is not offered"
    os.write(ours, b"spread-zones\n")
    until(b"Write it?")
    os.write(ours, b"\n")
    until(b"is added to dev")
    assert process.wait(timeout=60) == 0
    os.close(ours)
    (row,) = (each for each in rows(Changes(starter)) if each.name == "llama-3-1-8b-instruct")
    assert (row.engine, row.features) == ("vllm-neuron", ("hf-token", "spread-zones"))


@pytest.mark.parametrize(
    ("feature", "fix"),
    [
        ("scale-on-queue", "modelyard update --env dev --set components={},keda"),
        ("scale-to-zero", "modelyard update --env dev --set components={},keda,keda-http"),
        ("zone-spread", "did you mean spread-zones?"),
        # What it lacks most is no component.
        ("prefix-cache-routing", "see bases/features/README.md for what each needs and excludes"),
    ],
)
def test_the_way_to_a_feature_is_said(untouched: Path, feature: str, fix: str) -> None:
    recorded = yaml.safe_load((untouched / "environments/dev/.copier-answers.yml").read_text())["components"]
    with pytest.raises(UserError) as caught:
        switch_feature(Changes(untouched), "dev", "qwen3-1-7b", feature, on=True)
    assert caught.value.fix == fix.format(recorded)


def test_the_way_to_what_a_new_model_needs_is_said_once(untouched: Path) -> None:
    choice = chosen(untouched, "Qwen/Qwen3-32B", features=("scale-on-queue",))
    told = refusal(choice, "dev")
    assert told.message == "Qwen/Qwen3-32B cannot be added to dev: scale-on-queue needs keda in the environment"
    assert told.fix.startswith("modelyard update --env dev --set components=") and told.fix.endswith(",keda")


def test_a_component_that_the_answers_of_an_environment_rule_out_is_said(starter: Path) -> None:
    answers = starter / "environments/dev/.copier-answers.yml"
    answers.write_text(answers.read_text().replace("neuron_pool: true", "neuron_pool: false"))
    files = environment_files(Changes(starter), "dev")
    assert how_to_bring(files, ["neuron-scheduler"]) == "neuron-scheduler is for environments with neuron_pool true"
    answers.unlink()
    files = environment_files(Changes(starter), "dev")
    assert how_to_bring(files, ["keda"]) == "add keda of bases/platform to environments/dev"
    assert how_to_bring(files, ["argocd", "no-such-component"]) == ""


def test_what_is_not_set_is_unset_already(starter: Path) -> None:
    changes = Changes(starter)
    set_model(changes, "dev", "qwen3-1-7b", {}, unset=("replicas", "max-model-len", "max_num_seqs"))
    assert changes.files_changed == ()
    with pytest.raises(UserError, match="has no flag replica-") as caught:
        set_model(changes, "dev", "qwen3-1-7b", {}, unset=("replica-",))
    assert caught.value.fix == "did you mean replicas?"


def test_another_model_under_the_same_name_is_told(starter: Path) -> None:
    (told,) = set_model(Changes(starter), "dev", "qwen3-1-7b", {}, overlay="qwen3-8b-vllm-gpu")
    assert told.startswith("qwen3-1-7b serves Qwen/Qwen3-8B now, and Qwen/Qwen3-1.7B no more")
    assert set_model(Changes(starter), "dev", "qwen3-1-7b", {}, overlay="qwen3-1-7b-vllm-gpu") == ()


def test_a_model_is_added_by_answering(starter: Path) -> None:
    terminal = Terminal(starter, "model", "add", "meta-llama/Llama-3.1-8B-Instruct", "--env", "dev", "--name", "asked")
    terminal.answer("Which one", "9")
    terminal.answer("Which one", "2")
    terminal.answer("Features, with commas between, or none", "zone-spread")
    terminal.answer("Features, with commas between, or none", "spread-zones")
    terminal.answer("Write it?", "")
    assert terminal.finish() == 0, terminal.shown
    assert "there is no feature zone-spread; did you mean spread-zones?" in terminal.shown
    assert "write a number from 1 to 2" in terminal.shown
    text = (starter / "environments/dev/models/asked/kustomization.yaml").read_text()
    assert "overlays/llama-3-1-8b-instruct-vllm-neuron" in text and "bases/features/spread-zones" in text
    assert errors(starter) == []


def test_nothing_is_written_without_a_yes(starter: Path) -> None:
    terminal = Terminal(starter, "model", "add", "meta-llama/Llama-3.1-8B-Instruct", "--env", "dev", "--name", "asked")
    terminal.answer("Which one", "1")
    terminal.answer("Features, with commas between, or none", "")
    terminal.answer("Write it?", "n")
    assert terminal.finish() == 0, terminal.shown
    assert "nothing is written" in terminal.shown
    assert not (starter / "environments/dev/models/asked").exists()
