"""The steps of CONTRIBUTING, "Adding an engine", in a copy of a repository: one folder, an overlay, a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from modelyard.editing import Candidate, Changes, ModelRequest, candidates

BASE, OVERLAY = "bases/serving/toy", "overlays/qwen3-1-7b-toy-gpu"
SETTINGS = f"{OVERLAY}/toy.yaml"
IMAGE = "example.com/toy-server"
PROVIDES = ["hugging-face", "openai-api", "service-endpoint"]
MODEL = "Qwen/Qwen3-1.7B"


def add_engine(root: Path) -> None:
    """Write the engine's folder: that of vLLM with another image, command, settings file and capabilities."""
    shutil.copytree(root / "bases/serving/vllm", root / BASE)
    for file in sorted((root / BASE).iterdir()):
        file.write_text(file.read_text().replace("app.kubernetes.io/name: vllm", "app.kubernetes.io/name: toy"))
    facts = yaml.safe_load((root / BASE / "engine.yaml").read_text())
    facts |= {"description": "A toy on NVIDIA GPUs", "engine": "toy", "container": "toy", "settings": "toy.yaml"}
    facts |= {"images": [IMAGE], "provides": PROVIDES, "frameworks": ["toy"], "preference": 9}
    (root / BASE / "engine.yaml").write_text(yaml.safe_dump(facts, sort_keys=False))
    readme = root / BASE / "README.md"
    readme.write_text(readme.read_text().replace("# vllm\n", "# toy\n", 1))
    deployment = yaml.safe_load((root / BASE / "deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    deployment["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "toy"}
    container["lifecycle"]["preStop"]["sleep"]["seconds"] = 60  # whether it drains by itself is not known
    container |= {
        "name": "toy",
        "image": IMAGE,
        "command": ["toy-server"],
        "args": ["--settings", "/etc/vllm/toy.yaml"],
    }
    (root / BASE / "deployment.yaml").write_text(yaml.safe_dump(deployment, sort_keys=False))


def add_overlay(root: Path) -> None:
    """Write an overlay on the engine: that of vLLM for the same model, with the settings in the toy's words."""
    shutil.copytree(root / "overlays/qwen3-1-7b-vllm-gpu", root / OVERLAY)
    (root / OVERLAY / "vllm.yaml").unlink()
    (root / SETTINGS).write_text(f"checkpoint: {MODEL}\nshards: 1\n")
    for name, old, new in (
        ("kustomization.yaml", "bases/serving/vllm", BASE),
        ("kustomization.yaml", "vllm.yaml", "toy.yaml"),
        ("devices.yaml", "name: vllm", "name: toy"),
        ("overlay.yaml", "engine: vllm", "engine: toy"),
    ):
        file = root / OVERLAY / name
        file.write_text(file.read_text().replace(old, new))


def tag_image(root: Path) -> None:
    """Tag the engine's image in the environment."""
    file = root / "environments/dev/versions/kustomization.yaml"
    file.write_text(file.read_text().replace("images:\n", f"images:\n  - name: {IMAGE}\n    newTag: 1.4.2\n", 1))


def add_model(root: Path, name: str = "toy") -> Candidate:
    """Add the model on the engine to the environment, as `modelyard model add` does."""
    request = ModelRequest(engine="toy", check=False)
    (best,) = candidates(lambda: Changes(root), MODEL, "dev", name, request).possible
    best.changes.apply()
    return best
