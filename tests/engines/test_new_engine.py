"""A new engine is one folder, and one module where its settings have words of their own: the rest follows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import list_menu
from modelyard.checking import CheckOptions, check
from modelyard.checking.environments import environments
from modelyard.editing import Menu
from modelyard.findings import Finding, NotChecked, Report
from modelyard.repository import Files, Repository
from modelyard.sizing import fits
from modelyard.view import Environment
from modelyard.view import engines as package
from modelyard.view.engines import registry
from tests.engines import toy
from tests.engines.adding import BASE, MODEL, SETTINGS, add_engine, add_model, add_overlay, tag_image

SCALED = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: toy
spec:
  scaleTargetRef:
    name: toy
  minReplicaCount: 0
  maxReplicaCount: 2
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus-operated.monitoring.svc:9090
        query: sum(toy_requests_waiting)
        threshold: "4"
"""


@pytest.fixture
def with_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the toy's module into the package of engines."""
    folder = tmp_path / "engines"
    folder.mkdir()
    shutil.copy(toy.__file__, folder / "toy.py")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    registry.engines.cache_clear()
    yield
    monkeypatch.undo()
    sys.modules.pop("modelyard.view.engines.toy", None)
    registry.engines.cache_clear()


@pytest.fixture(scope="module")
def root(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the toy's folder, an overlay on it, and a model of that."""
    root = tmp_path_factory.mktemp("toy") / "repository"
    shutil.copytree(bases["one-model"], root, symlinks=True)
    add_engine(root)
    add_overlay(root)
    tag_image(root)
    add_model(root)
    return root


def view(root: Path) -> Environment:
    """Return the view of `dev`."""
    (found,) = environments(Repository(root), CheckOptions(policies=False, use_cache=False)).views
    return found


def about(report: Report, name: str = "toy") -> tuple[list[Finding], list[NotChecked]]:
    """Return findings and gaps of one model's Application."""
    findings = [each for each in report.findings if name in (each.application, each.message.partition(" ")[0])]
    return findings, [each for each in report.not_checked if name in str(each.subject)]


def test_the_menu_offers_it_with_the_features_whose_requirements_it_meets(root: Path) -> None:
    menu = Menu(Files(root))
    assert "toy" in menu.engines
    features = [name for name, feature in menu.features.items() if "toy" in feature.engines]
    assert {"hf-token", "same-zone", "scale-to-zero", "smoke-test", "weights-efs"} <= set(features)
    assert not {"kv-offload", "lora", "api-key", "scale-on-queue", "weights-s3-init", "gpu-mig"} & set(features)


def test_the_tables_list_it(root: Path) -> None:
    pages = {path.as_posix(): text for path, text in list_menu.pages(root).items()}
    assert "| [`toy`](toy/README.md) | A toy on NVIDIA GPUs | gpu | Deployment |" in pages["bases/serving/README.md"]
    (row,) = (line for line in pages["bases/features/README.md"].splitlines() if line.startswith("| `hf-token`"))
    assert "toy" in row.split("|")[3]
    assert "| `qwen3-1-7b-toy-gpu` |" in pages["overlays/README.md"]


def test_a_model_on_it_is_checked_and_nothing_stands_in_its_way(root: Path, with_module: None) -> None:
    findings, gaps = about(check(root, CheckOptions(policies=False, use_cache=False)))
    assert [f"{each.rule} {each.message}" for each in findings] == []
    assert {each.rule: each.reason for each in gaps} == {
        "fit/host-memory-beyond-pod": "what Toy takes of the memory of its devices is not modelled",
        "settings/unknown-flag": "flags of toy 1.4.2 are not in the catalogue",
    }


def test_what_its_module_tells_is_what_rules_look_at(root: Path, with_module: None, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(root, tmp_path / "changed", symlinks=True))
    (changed / SETTINGS).write_text(f"checkpoint: {MODEL}\nshards: 2\n")
    model = changed / "environments/dev/models/toy"
    (model / "scaled-object.yaml").write_text(SCALED)
    kustomization = model / "kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace("resources:\n", "resources:\n  - scaled-object.yaml\n"))
    told = {each.rule: each for each in check(changed, CheckOptions(policies=False, use_cache=False)).findings}
    ranks, zero = told["scheduling/device-rank-mismatch"], told["autoscaling/scale-to-zero-without-trigger"]
    assert (str(ranks.at.place()), ranks.message) == (
        f"{SETTINGS}:2:9",
        "toy has 1 GPU per pod but 2 ranks (tensor-parallel-size 2)",
    )
    assert str(zero.at.place()).startswith("environments/dev/models/toy/scaled-object.yaml:8:")


def test_its_memory_is_not_modelled(root: Path, with_module: None) -> None:
    found = {fit.model.name: fit for fit in fits(view(root))}
    assert found["toy"].verdict is None
    assert found["toy"].gap == "what Toy takes of the memory of its devices is not modelled"
    assert found["chat"].verdict is not None


def test_its_monitor_finds_its_pods(root: Path, with_module: None) -> None:
    environment = view(root)
    (monitor,) = (
        each for each in environment.of_kind("ServiceMonitor") if each.application == "toy" and each.name == "toy"
    )
    (service,) = (each for each in environment.services if each.name == "toy")
    assert monitor.get("spec.selector.matchLabels").items() <= service.manifest.labels.items()
    assert [template.manifest.name for template in service.pods] == ["toy"]


def test_without_a_module_its_base_says_that_it_serves_and_its_settings_are_a_gap(root: Path) -> None:
    (model,) = (each for each in view(root).models if each.name == "toy")
    assert (model.engine.title, model.container.name, model.engine_version) == ("toy", "toy", "1.4.2")
    assert model.settings.problem == "how toy takes its settings is not known"
    findings, gaps = about(check(root, CheckOptions(policies=False, use_cache=False)))
    assert [f"{each.rule} {each.message}" for each in findings] == []
    assert {each.reason for each in gaps} >= {
        "flags of toy 1.4.2 are not in the catalogue",
        "how toy takes its settings is not known",
    }


def test_a_base_that_says_nothing_brings_no_model(root: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(root, tmp_path / "silent", symlinks=True))
    (changed / BASE / "engine.yaml").unlink()
    assert [each.name for each in view(changed).models] == ["chat"]
