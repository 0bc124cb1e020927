import json
import shutil
from pathlib import Path

import pytest
import yaml

import generate_schemas
from modelyard.schemas import SchemaBundle, kubernetes_versions, native_version
from modelyard.schemas.bundle import FOLDER, lock

PROJECT = Path(__file__).resolve().parents[2]
INVENTORIES = PROJECT / "tests" / "chart_inventories"
WANTED = {
    ("apps/v1", "Deployment"),
    ("argoproj.io/v1alpha1", "Application"),
    ("argoproj.io/v1alpha1", "AppProject"),
    ("external-secrets.io/v1", "ExternalSecret"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("inference.networking.k8s.io/v1", "InferencePool"),
    ("karpenter.k8s.aws/v1", "EC2NodeClass"),
    ("karpenter.sh/v1", "NodePool"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("orchestration.aibrix.ai/v1alpha1", "StormService"),
    ("ray.io/v1", "RayService"),
    ("resource.k8s.io/v1", "ResourceClaimTemplate"),
}


def cached(path: str, version: str) -> dict[str, object]:
    """Return what Go knows about a module in its cache; a test never downloads half a gigabyte."""
    if shutil.which("go") is None:
        pytest.skip("go is not on PATH; scripts/generate_schemas.py --check compares the bundle with its modules")
    try:
        return generate_schemas.download(path, version, offline=True)
    except SystemExit:
        pytest.skip(f"{path}@{version} is not in Go's module cache; scripts/generate_schemas.py --check downloads it")


def same(files: dict[str, bytes]) -> None:
    for path, content in files.items():
        assert (FOLDER / path).read_bytes() == content, f"{path}: run `python scripts/generate_schemas.py`"


@pytest.mark.parametrize("module", generate_schemas.MODULES, ids=lambda module: f"{module.path}@{module.version}")
def test_definitions_are_what_their_module_publishes(module: generate_schemas.Module) -> None:
    told = cached(module.path, module.version)
    files = generate_schemas.files_of(module, told)
    same(files)
    (entry,) = (each for each in lock()["modules"] if each["module"] == module.path)
    assert (entry["version"], entry["sum"]) == (module.version, told["Sum"])
    assert len(entry["crds"]) == len(files)


@pytest.mark.parametrize("version", generate_schemas.KUBERNETES)
def test_native_schemas_are_what_kubernetes_publishes(version: str) -> None:
    told = cached(generate_schemas.KUBERNETES_MODULE, version)
    same(generate_schemas.native_file(told))
    assert told["Sum"] in {each["sum"] for each in lock()["kubernetes"]}


def test_the_bundle_is_whole() -> None:
    """Needs no module: every file is accounted for, and the lock's digest is theirs."""
    locked = lock()
    named = {name for entry in locked["modules"] for name in entry["crds"]} | {each["crd"] for each in locked["copies"]}
    files = {f"{file.stem}.{file.parent.name}" for file in (FOLDER / "crds").rglob("*.json")}
    assert files == named
    assert {f"v{version}" for version in kubernetes_versions()} == {each["version"] for each in locked["kubernetes"]}
    assert generate_schemas.digest(FOLDER) == locked["digest"]
    assert (FOLDER / "index.json").read_bytes() == generate_schemas.encoded(generate_schemas.index(FOLDER, locked))
    assert all(each["source"] and each["ref_date"] for each in locked["copies"])


def test_commits_of_the_bundle_are_those_of_the_generator() -> None:
    """What comes from a clone is kept as it is: the lock names each commit, and a definition of another one is none."""
    for commit in generate_schemas.COMMITS:
        kept = generate_schemas.files_kept(commit)
        assert len(kept) == sum(
            each["ref"] == commit.release for each in lock()["copies"] if commit.repository in each["source"]
        )
        same(kept)


# A chart that brings definitions of another project, with the version that its go.mod names.
OF_OTHERS = {("gateway-crds-helm", "gateway.networking.k8s.io"): "1.6.1"}


def pinned_charts() -> list[tuple[str, str, str]]:
    """Return name, version and the version of its application of every chart that the platform pins."""
    charts = [
        yaml.safe_load(path.read_text()).get("chart") or {}
        for path in sorted((PROJECT / "bases/platform").glob("*/component.yaml"))
    ]
    return [
        (each["name"], str(each["version"]), str(each.get("app-version", each["version"])))
        for each in charts
        if "name" in each
    ]


@pytest.mark.parametrize(("name", "version", "application"), pinned_charts())
def test_definitions_are_those_of_the_charts_that_are_pinned(name: str, version: str, application: str) -> None:
    inventory = json.loads((INVENTORIES / f"{name}-{version.removeprefix('v')}.json").read_text())
    index = {(each["group"], each["kind"]): each for each in json.loads((FOLDER / "index.json").read_text())}
    for crd in (
        each
        for rendering in inventory["renderings"]
        for each in rendering["objects"]
        if each["kind"] == "CustomResourceDefinition"
    ):
        group, kind = crd["names"]["group"], crd["names"]["kind"]
        assert (group, kind) in index, f"{kind} of {name} {version} is not in the bundle"
        known = index[group, kind]
        assert sorted(known["versions"]) == sorted(each["name"] for each in crd["versions"] if each["served"]), kind
        wanted = OF_OTHERS.get((name, group), application.removeprefix("v"))
        assert known["publisher"].split()[-1].removeprefix("v") == wanted, f"{kind}: {known['publisher']}"


def test_the_bundle_carries_structure_and_no_prose() -> None:
    def keywords(value: object, names: bool = False) -> set[str]:
        if isinstance(value, list):
            return {word for each in value for word in keywords(each)}
        if not isinstance(value, dict):
            return set()
        found = set() if names else set(value)
        for word, each in value.items():
            if word not in {"default", "enum", "x-kubernetes-validations"} or names:
                found |= keywords(each, names=word in {"properties", "definitions"} and not names)
        return found

    for file in (FOLDER / "crds").rglob("*.json"):
        for version in json.loads(file.read_text())["spec"]["versions"]:
            assert not keywords(version["schema"]) & {"description", "example", "title", "externalDocs"}, file.name


def test_the_kinds_that_repositories_use_are_known() -> None:
    for version in kubernetes_versions():
        assert SchemaBundle(version).known_kinds >= WANTED


def test_validation_rules_are_kept_for_the_renderer() -> None:
    pool = json.loads((FOLDER / "crds" / "karpenter.sh" / "nodepools.json").read_text())
    assert pool["apiVersion"] == "apiextensions.k8s.io/v1"
    rules = [each["rule"] for each in _validations(pool)]
    assert len(rules) > 10
    assert any("Gt" in rule and "Lt" in rule for rule in rules)


def _validations(value: object) -> list[dict[str, str]]:
    if isinstance(value, list):
        return [rule for each in value for rule in _validations(each)]
    if not isinstance(value, dict):
        return []
    return [
        *value.get("x-kubernetes-validations", []),
        *(rule for each in value.values() for rule in _validations(each)),
    ]


@pytest.mark.parametrize(
    ("asked", "found"), [("1.35", "1.35.6"), ("1.36.0", "1.36.2"), ("v1.36", "1.36.2"), ("1.3", None)]
)
def test_a_minor_version_stands_for_its_patches(asked: str, found: str | None) -> None:
    assert native_version(asked) == found


def test_the_bundle_is_small() -> None:
    assert sum(file.stat().st_size for file in Path(FOLDER).rglob("*.json")) < 8 * 1024 * 1024
