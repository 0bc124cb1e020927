"""The language server as an editor meets it: over standard input and output, on a repository of the template."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copytree
from subprocess import run

import pytest

from tests.editor.client import Client, editor

SETTINGS = "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
MODEL = "environments/dev/models/chat/kustomization.yaml"
FACTS = "environments/dev/environment.yaml"
POOL = "environments/dev/pool.yaml"


@pytest.fixture(scope="module")
def root(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(copytree(bases["one-model"], tmp_path_factory.mktemp("editor") / "repo", symlinks=True)).resolve()


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[Client]:
    with editor(root) as made:
        made.told(lambda each: any("errors" in line for line in each.log))
        yield made


def test_findings_are_those_of_the_buffer_and_go_when_it_is_right_again(client: Client, root: Path) -> None:
    text = client.open(SETTINGS)
    # A character of two units of UTF-16 stands before the mistake.
    wrong = text.replace("tensor-parallel-size: 1", "tensor-parallel-size: 3 # 😀")
    client.type(SETTINGS, wrong)
    client.told(lambda each: "fit/indivisible-attention-heads" in each.codes(SETTINGS))
    found = next(each for each in client.diagnostics[client.uri(SETTINGS)] if each["severity"] == 1)
    line = found["range"]["start"]["line"]
    assert wrong.split("\n")[line].startswith("tensor-parallel-size")
    assert found["range"]["start"]["character"] == len("tensor-parallel-size: ")
    assert "fix: " in found["message"] and found["codeDescription"]["href"].endswith("rule.md")
    assert (root / SETTINGS).read_text() == text, "a buffer is never written"
    client.type(SETTINGS, "model: [")  # as it stands while one types
    client.told(lambda each: "fit/indivisible-attention-heads" not in each.codes(SETTINGS))
    assert client.codes(SETTINGS), "what cannot be read is said"
    client.type(SETTINGS, text)
    client.told(lambda each: not each.codes(SETTINGS))


def test_hover_tells_what_a_flag_does_and_what_the_model_needs(client: Client) -> None:
    lines = client.open(SETTINGS).split("\n")
    flag = next(n for n, line in enumerate(lines) if line.startswith("tensor-parallel-size"))
    told = client.at("hover", SETTINGS, flag, 3)["contents"]["value"]
    assert "int, default `1`" in told and "Ranks that each layer is split over" in told and "0.16.0" in told
    model = next(n for n, line in enumerate(lines) if line.startswith("model:"))
    told = client.at("hover", SETTINGS, model, 9)["contents"]["value"]
    assert "weights" in told and "GiB (" in told and "dev/chat" in told
    assert client.at("hover", SETTINGS, 0, 0) is None


def test_hover_tells_what_an_instance_type_has_and_costs(client: Client, root: Path) -> None:
    (root / POOL).write_text("x:\n  - key: node.kubernetes.io/instance-type\n    values: [p5.48xlarge]\n")
    client.open(POOL)
    told = client.at("hover", POOL, 2, 15)["contents"]["value"]
    assert "8 x NVIDIA H100 of 80 GiB" in told and "2048 GiB memory" in told and "an hour on demand" in told
    client.type(POOL, "x:\n  - key: node.kubernetes.io/instance-type\n    values: [g6e.12")
    names = [each["label"] for each in client.at("completion", POOL, 2, 19)["items"]]
    assert names == ["g6e.12xlarge"]
    client.type(POOL, "x:\n  - key: karpenter.sh/nodepool\n    values:\n      - ")
    assert client.at("completion", POOL, 3, 8)["items"], "the pools of the environment"


def test_completion_offers_settings_with_values_features_and_overlays(client: Client) -> None:
    text = client.open(SETTINGS)
    client.type(SETTINGS, f"{text}max-num-b\n")
    line = text.count("\n")
    item = next(
        each for each in client.at("completion", SETTINGS, line, 9)["items"] if "max-num-batched" in each["label"]
    )
    assert item["label"] == "max-num-batched-tokens:" and item["textEdit"]["range"]["start"]["character"] == 0
    client.type(SETTINGS, f"{text}kv-cache-dtype: fp8_\n")
    values = {each["label"] for each in client.at("completion", SETTINGS, line, 20)["items"]}
    assert {"fp8_e4m3", "fp8_e5m2"} <= values
    client.type(SETTINGS, text)
    lines = client.open(MODEL).split("\n")
    components = next(n for n, line in enumerate(lines) if line.startswith("components:"))
    found = {each["label"]: each for each in client.at("completion", MODEL, components + 1, 4)["items"]}
    token = found["../../../../bases/features/hf-token"]
    assert "Hugging Face" in token["documentation"]["value"]
    resources = next(n for n, line in enumerate(lines) if line.startswith("resources:"))
    offered = {each["label"] for each in client.at("completion", MODEL, resources + 1, 4)["items"]}
    assert "../../../../overlays/qwen3-1-7b-vllm-gpu" in offered


def test_definition_leads_from_a_path_and_from_a_name(client: Client) -> None:
    lines = client.open(MODEL).split("\n")
    number = next(n for n, line in enumerate(lines) if "overlays/" in line)
    (found,) = client.at("definition", MODEL, number, 12)
    assert found["uri"] == client.uri("overlays/qwen3-1-7b-vllm-gpu/kustomization.yaml")


def test_a_quick_fix_mends_the_buffer(client: Client) -> None:
    text = client.open(FACTS)
    client.type(FACTS, text.replace("name: dev", "name: prod"))
    client.told(lambda each: "environment/missing-fact" in each.codes(FACTS))
    at = next(each for each in client.diagnostics[client.uri(FACTS)] if each["code"] == "environment/missing-fact")
    (action,) = client.fixes(FACTS, at["range"]["start"]["line"])
    assert action["kind"] == "quickfix" and action["isPreferred"] is True
    (edit,) = action["edit"]["changes"][client.uri(FACTS)]
    assert "name: dev" in edit["newText"]
    client.type(FACTS, text)
    client.told(lambda each: not each.codes(FACTS))
    assert not client.fixes(FACTS, at["range"]["start"]["line"])


def test_a_folder_with_nothing_to_check_is_said_once(tmp_path: Path) -> None:
    with editor(tmp_path) as client:
        client.told(lambda each: any("no manifests" in line for line in each.log))
        assert not client.diagnostics


def test_the_help_does_not_load_the_protocol() -> None:
    program = (
        "import sys; from modelyard.cli.application import run; run(['--help']);"
        "sys.exit(any(each.startswith(('pygls', 'lsprotocol')) for each in sys.modules))"
    )
    assert run([sys.executable, "-c", program], check=False).returncode == 0
