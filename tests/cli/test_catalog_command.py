"""`modelyard catalog`: what is known, and models of one's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .conftest import Outcome

Run = Callable[..., Outcome]

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 4096,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 12288,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}


def test_models_devices_and_instance_types(modelyard: Run) -> None:
    assert "Qwen/Qwen3-32B" in modelyard("catalog", "show").out
    shown = modelyard("catalog", "show", "Qwen/Qwen3-32B").out
    assert "license                    apache-2.0  unverified" in shown
    assert "source: " in shown
    assert json.loads(modelyard("catalog", "show", "Qwen/Qwen3-32B", "--json").out)["shape"]["layers"] == 64
    assert "22.03 GiB" in modelyard("catalog", "show", "L4").out
    assert "price in us-west-2  55.04 USD an hour (inferred" in modelyard("catalog", "show", "p5.48xlarge").out
    away = modelyard("catalog", "show", "p6-b300.48xlarge", "--region", "eu-west-1").out
    assert "price in eu-west-1  unknown" in away


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "Qwen/Qwen3-33B"], "did you mean Qwen/Qwen3-32B"),
        (["show", "p5.48xlarge", "--region", "mars-1"], "there is no region mars-1"),
        (["add", "acme/chat", "--config", "none.json"], "is no GitOps repository"),
    ],
)
def test_refusals(modelyard: Run, arguments: list[str], message: str) -> None:
    outcome = modelyard("catalog", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_model_of_the_team_is_sized(modelyard: Run, one_model: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    added = modelyard(
        "catalog", "add", "acme/chat-8b", "--config", str(tmp_path / "config.json"), "--repository", str(one_model)
    )
    assert added.code == 0, added.err
    assert (one_model / "catalog/models/acme--chat-8b/model.yaml").is_file()
    settings = one_model / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
    settings.write_text(settings.read_text().replace("Qwen/Qwen3-1.7B", "acme/chat-8b"))
    [found] = json.loads(modelyard("fit", str(one_model), "--json").out)["models"]
    assert found["devices"][0]["budget"]["weights-gib"] == pytest.approx(15.27, abs=0.1)
    assert "team" in modelyard("catalog", "show", "--repository", str(one_model)).out
    twice = modelyard(
        "catalog", "add", "acme/chat-8b", "--config", str(tmp_path / "config.json"), "--repository", str(one_model)
    )
    assert "is in catalog/models already" in twice.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "num_hidden_layers"),
        ("[]", "should hold one JSON mapping"),
        ("{", "is not JSON"),
        (json.dumps({**CONFIG, "num_hidden_layers": 10**12}), "num_hidden_layers: 1000000000000"),
        (json.dumps({**CONFIG, "num_attention_heads": 0}), "num_attention_heads: 0"),
    ],
)
def test_configs_that_are_none(modelyard: Run, one_model: Path, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "config.json").write_text(content)
    outcome = modelyard("catalog", "add", "acme/x", "--config", "config.json", "--repository", str(one_model))
    assert outcome.code == 2
    assert message in outcome.err
    assert not (one_model / "catalog").exists()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", "a//b", "a\nb", "x" * 300])
def test_ids_that_are_none(modelyard: Run, one_model: Path, name: str) -> None:
    outcome = modelyard("catalog", "add", "--repository", str(one_model), "--", name)
    assert outcome.code == 2
    assert "is no model id" in outcome.err


def test_a_damaged_entry_is_named(modelyard: Run, one_model: Path) -> None:
    file = one_model / "catalog/models/acme--x/model.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("id: acme/x\nfamily: llm\nlicense: mit\nsources: [me]\nshape: {layers: many}\n")
    outcome = modelyard("catalog", "show", "--repository", str(one_model))
    assert outcome.code == 2
    assert "catalog/models/acme--x/model.yaml" in outcome.err
    assert "not checked\n  catalog/models/acme--x/model.yaml: " in modelyard("fit", str(one_model)).out


@pytest.fixture
def hub() -> Iterator[str]:
    """Return the address of a hub on this machine that has acme/public and keeps acme/gated for accounts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            public = self.path == "/acme/public/resolve/main/config.json"
            gated = self.path == "/acme/gated/resolve/main/config.json"
            self.send_response(200 if public else 401 if gated else 404)
            self.send_header("X-Repo-Commit", "0123456789abcdef")
            self.end_headers()
            if public:
                self.wfile.write(json.dumps(CONFIG).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_the_hub(modelyard: Run, one_model: Path, hub: str) -> None:
    added = modelyard("catalog", "add", "acme/public", "--repository", str(one_model), HF_ENDPOINT=hub)
    assert added.code == 0, added.err
    assert "at commit 0123456789abcdef" in (one_model / "catalog/models/acme--public/model.yaml").read_text()
    for name, message in (("gated", "asks for an account (401)"), ("none", "is not there (404)")):
        outcome = modelyard("catalog", "add", f"acme/{name}", "--repository", str(one_model), HF_ENDPOINT=hub)
        assert (outcome.code, message in outcome.err) == (2, True), outcome.err
        assert not (one_model / f"catalog/models/acme--{name}").exists()


@pytest.mark.parametrize(
    ("architecture", "told"),
    [
        ("LlamaForCausalLm", ["no version of vLLM", "did you mean LlamaForCausalLM?", "with --force", "unsure"]),
        ("ChameleonForConditionalGeneration", ["has no architecture", "any more", "set an engine version up to"]),
        ("HYV4ForCausalLM", ["is the oldest known to have", "modelyard fit --from-log FILE --model-id acme/odd"]),
    ],
)
def test_what_is_left_open_is_named_with_what_to_do(
    modelyard: Run, one_model: Path, tmp_path: Path, architecture: str, told: list[str]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "architectures": [architecture]}))
    outcome = modelyard(
        "catalog", "add", "acme/odd", "--config", str(tmp_path / "config.json"), "--repository", str(one_model)
    )
    assert outcome.code == 0, outcome.err
    for words in told:
        assert words in outcome.out
