"""Builds of what the project ships, by the real kustomize, and environments composed as a generated repository does."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.catalog import EngineBase, engine_base_from_mapping, engine_versions, feature_from_mapping
from modelyard.editing.derived import derived
from modelyard.repository import Files
from modelyard.tooling import find, run
from modelyard.view.networks import VPC_CIDR, public_subnets
from modelyard.view.overlays import overlay_sizes

ROOT = Path(__file__).parents[2]
BASES = ROOT / "bases"
OVERLAYS = ROOT / "overlays"
Resource = dict[str, Any]
WORKLOADS = ("Deployment", "LeaderWorkerSet", "RayService")


def names(folder: Path) -> list[str]:
    """Return the names of the folders in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def load(path: Path) -> Any:
    """Return what a YAML file holds."""
    return yaml.safe_load(path.read_text())


def documents(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Yield every document of every YAML file below a folder."""
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def build_text(folder: Path) -> str:
    """Return what kustomize makes of a folder."""
    kustomize = find("kustomize")
    if kustomize is None:
        pytest.skip("kustomize is not installed (modelyard tools install, or mise install)")
    completed = run([str(kustomize.path), "build", str(folder)], cwd=folder, timeout=60)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.decode()


def build(folder: Path) -> list[Resource]:
    """Return the resources that kustomize makes of a folder."""
    return [resource for resource in yaml.safe_load_all(build_text(folder)) if resource]


@functools.cache
def shipped(folder: Path) -> tuple[Resource, ...]:
    """Return the resources of a folder of this repository; treat them as read-only."""
    return tuple(build(folder))


def one(resources: Sequence[Resource], kind: str) -> Resource:
    """Return the only resource of a kind."""
    found = [resource for resource in resources if resource["kind"] == kind]
    assert len(found) == 1, f"{len(found)} resources of kind {kind}"
    return found[0]


def workload(resources: Sequence[Resource]) -> Resource:
    """Return the only resource that runs the engine."""
    found = [resource for resource in resources if resource["kind"] in WORKLOADS]
    assert len(found) == 1, f"{len(found)} workloads"
    return found[0]


def pod_templates(resources: Sequence[Resource]) -> dict[str, Resource]:
    """Return the pod templates of the workload, the one that runs the engine first."""
    found = workload(resources)
    spec = found["spec"]
    if found["kind"] == "LeaderWorkerSet":
        group = spec["leaderWorkerTemplate"]
        return {"leader": group["leaderTemplate"], "worker": group["workerTemplate"]}
    if found["kind"] == "RayService":
        cluster = spec["rayClusterConfig"]
        (workers,) = cluster["workerGroupSpecs"]
        return {"worker": workers["template"], "head": cluster["headGroupSpec"]["template"]}
    return {"pod": spec["template"]}


def engine_pod(resources: Sequence[Resource]) -> Resource:
    """Return the spec of the pods that run the engine."""
    return dict(next(iter(pod_templates(resources).values()))["spec"])


def container(resources: Sequence[Resource]) -> Resource:
    """Return the engine's container."""
    return dict(engine_pod(resources)["containers"][0])


def settings(resources: Sequence[Resource]) -> dict[str, Any]:
    """Return the engine's settings by flag: its settings file, or what the Serve config tells it."""
    found = workload(resources)
    if found["kind"] == "RayService":
        (told,) = serve_config(found)["applications"][0]["args"]["llm_configs"]
        flags = {name.replace("_", "-"): value for name, value in told["engine_kwargs"].items()}
        return {"model": told["model_loading_config"]["model_source"], **flags}
    data = one(resources, "ConfigMap")["data"]
    if "model.json" in data:
        return {name.replace("_", "-"): value for name, value in json.loads(data["model.json"]).items()}
    return dict(yaml.safe_load(data["vllm.yaml"]))


def serve_config(ray_service: Resource) -> dict[str, Any]:
    """Return the Serve config of a RayService."""
    return dict(yaml.safe_load(ray_service["spec"]["serveConfigV2"]))


class Repository:
    """A generated repository in a scratch folder, as far as Kustomize sees it."""

    def __init__(self, root: Path) -> None:
        """Copy the template-owned folders and tag the engines' images."""
        self.root = root
        for folder in (BASES, OVERLAYS):
            shutil.copytree(folder, root / folder.name)
        self._write(
            "environments/dev/versions",
            {
                "apiVersion": "kustomize.config.k8s.io/v1alpha1",
                "kind": "Component",
                "images": [{"name": name, "newTag": "v1.2.3"} for name in engine_images()],
            },
        )

    def model(
        self, name: str, overlay: str, features: Sequence[str] = (), args: Sequence[str] = (), place: str = ""
    ) -> Path:
        """Write a model as an environment holds it, and return its folder; `place` is one of its own choice."""
        patches: list[Any] = [
            {
                "target": {"kind": "Deployment"},
                "patch": yaml.safe_dump(
                    [{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": arg}]
                ),
            }
            for arg in args
        ]
        patches.append(
            {
                "target": {"name": "serving|serving-settings"},
                "options": {"allowNameChange": True},
                "patch": yaml.safe_dump([{"op": "replace", "path": "/metadata/name", "value": name}]),
            }
        )
        sources = [feature_facts(feature) for feature in features] + [engine_facts(engine_of(overlay))]
        replacements = [
            replacement for facts in sources for replacement in facts.get("environment", {}).get("replacements", ())
        ]
        patches[:0] = [
            {**patch, "target": dict(patch["target"])}
            for facts in sources
            for patch in derived(
                list(facts.get("environment", {}).get("patches", ())), self._facts(overlay, facts), "c"
            )
        ]
        return self._write(
            place or f"environments/dev/models/{name}",
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "namespace": "models",
                "resources": [f"../../../../overlays/{overlay}"],
                "components": [
                    *(f"../../../../bases/features/{feature}" for feature in features),
                    "../../../dev/versions",
                ],
                "patches": patches,
                "labels": [
                    {
                        "pairs": {"app.kubernetes.io/instance": name},
                        "includeSelectors": True,
                    }
                ],
                **({"replacements": replacements} if replacements else {}),
            },
        )

    def platform(self, component: str, **kustomization: Any) -> Path:
        """Write what an environment sets on a platform component, and return its folder."""
        return self._write(
            f"environments/dev/platform/{component}",
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [f"../../../../bases/platform/{component}"],
                **kustomization,
            },
        )

    @staticmethod
    def _facts(overlay: str, source: Mapping[str, Any]) -> dict[str, str]:
        """What features ask for, as an environment with two zones would answer."""
        sizes = overlay_sizes(Files(ROOT), f"overlays/{overlay}")
        blocks = ", ".join(f"{{ipBlock: {{cidr: {each}}}}}" for each in public_subnets(VPC_CIDR, 2))
        known = {"overlay.memory": sizes.memory, "overlay.shm": sizes.shm, "environment.public-subnets": f"[{blocks}]"}
        return {**known, **{f"asked.{name}": example for name, example in source.get("asks", {}).items()}}

    def _write(self, folder: str, kustomization: dict[str, Any]) -> Path:
        path = self.root / folder
        path.mkdir(parents=True)
        (path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False))
        return path


def engine_images() -> list[str]:
    """Return the image names that `versions/` tags."""
    found = {
        image
        for engine in names(BASES / "serving")
        for image in load(BASES / "serving" / engine / "engine.yaml")["images"]
    }
    found |= {image for feature in names(BASES / "features") for image in feature_facts(feature).get("images", ())}
    return sorted(found)


@functools.cache
def feature_facts(feature: str) -> dict[str, Any]:
    """Return what a feature says about itself; treat it as read-only."""
    return dict(load(BASES / "features" / feature / "feature.yaml"))


@functools.cache
def engine_facts(engine: str) -> dict[str, Any]:
    """Return what an engine's base says about itself; treat it as read-only."""
    return dict(load(BASES / "serving" / engine / "engine.yaml"))


@functools.cache
def engine_of(overlay: str) -> str:
    """Return the engine that an overlay is for."""
    return str(load(OVERLAYS / overlay / "overlay.yaml")["engine"])


def has_known_flags(engine: str) -> bool:
    """Return whether the catalogue has the flags of an engine, so that its settings can be held against them."""
    return bool(engine_versions(engine_facts(engine)["engine"]))


def engine_version(overlay: str) -> str:
    """Return the version of vLLM that new environments run an overlay with."""
    told = engine_facts(engine_of(overlay))
    if "version" in told:
        return str(told["version"])
    (image,) = told["images"]
    (tag,) = (item["newTag"] for item in template_versions()["images"] if item["name"] == image)
    match = re.match(r"v?(\d+\.\d+\.\d+)(?:[.-]|$)", tag)
    assert match, f"{tag} names no version of vLLM"
    return match[1]


def template_versions() -> dict[str, Any]:
    """Return the versions that a new environment begins with."""
    (file,) = (ROOT / "template" / "environment" / "environments").glob("*/versions/kustomization.yaml")
    return dict(load(file))


@functools.cache
def engine_bases() -> dict[str, EngineBase]:
    """Return the engines that the project ships, by folder."""
    return {name: engine_base_from_mapping(name, engine_facts(name)) for name in names(BASES / "serving")}


@functools.cache
def engines_for(feature: str) -> tuple[str, ...]:
    """Return the engines that a feature is for."""
    return feature_from_mapping(feature, feature_facts(feature), engine_bases()).engines


def serves(feature: str, overlay: str) -> bool:
    """Return whether a feature is for the engine of an overlay."""
    return engine_of(overlay) in engines_for(feature)


GIBIBYTE = 2**30
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def quantity(text: Any) -> float:
    """Return a Kubernetes quantity as a number (bytes for memory, cores for processors)."""
    match = re.fullmatch(r"([\d.]+)(m|k|M|G|Ki|Mi|Gi|Ti)?", str(text))
    assert match, f"{text!r} is not a quantity"
    if match[2] == "m":
        return float(match[1]) / 1000
    return float(match[1]) * _UNITS[match[2] or ""]
