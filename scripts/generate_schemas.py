"""Write the schema bundle from the Go modules that publish the schemas.

Run `python scripts/generate_schemas.py` after a version changes below; `--check` only tells whether the bundle is
current. Needs Go and the modules, from the module cache or the module proxy. What nobody publishes is written in
`scripts/definitions/`. What no module publishes comes from a commit of a Git repository: it stays as it is in the
bundle while the commit stays, and is read anew from a clone, `--clone OWNER/NAME=FOLDER`. Other copies stay, unless
`--copies FOLDER` takes them from a folder of JSON Schemas that carry their source.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.repository.yaml import rendered
from modelyard.schemas.structure import stripped_crd, stripped_definitions, stripped_schema
from modelyard.tooling import run

BUNDLE = Path(__file__).resolve().parent.parent / "src" / "modelyard" / "schemas" / "bundle"
WRITTEN = Path(__file__).resolve().parent / "definitions"
DATE = "2026-11-21"  # when the versions below were chosen


@dataclass(frozen=True)
class Module:
    """A Go module that publishes CustomResourceDefinitions.

    Attributes:
        path: Module path.
        version: Version that is read.
        folder: Folder in the module with the definitions, one or more to a file.
    """

    path: str
    version: str
    folder: str


@dataclass(frozen=True)
class Commit:
    """A commit of a Git repository that publishes CustomResourceDefinitions.

    Attributes:
        repository: Owner and name on GitHub.
        commit: The commit, whole.
        date: Its day.
        release: The release whose definitions they are.
        folder: Folder with the definitions.
    """

    repository: str
    commit: str
    date: str
    release: str
    folder: str


MODULES = (
    Module("github.com/argoproj/argo-cd/v3", "v3.5.1", "manifests/crds"),
    Module("github.com/aws/karpenter-provider-aws", "v1.14.1", "pkg/apis/crds"),
    Module("github.com/cert-manager/cert-manager", "v1.21.1", "deploy/crds"),
    Module(
        "github.com/envoyproxy/gateway",
        "v1.9.0",
        "charts/gateway-helm/charts/crds/crds/generated",
    ),
    Module("github.com/kedacore/http-add-on", "v0.15.0", "config/crd/bases"),
    Module("github.com/kedacore/keda/v2", "v2.20.2", "config/crd/bases"),
    Module(
        "github.com/prometheus-operator/prometheus-operator",
        "v0.93.1",
        "example/prometheus-operator-crd",
    ),
    Module("github.com/vllm-project/aibrix", "v0.7.0", "dist/chart/crds"),
    Module(
        "sigs.k8s.io/dra-driver-nvidia-gpu",
        "v0.4.1",
        "deployments/helm/dra-driver-nvidia-gpu/crds",
    ),
    Module("sigs.k8s.io/gateway-api", "v1.6.1", "config/crd/standard"),
    Module("sigs.k8s.io/gateway-api-inference-extension", "v1.6.0", "config/crd/bases"),
    Module("sigs.k8s.io/node-feature-discovery", "v0.19.0", "deployment/base/nfd-crds"),  # of the GPU operator
)

# Releases of which the module proxy has none.
COMMITS = (
    Commit(
        "external-secrets/external-secrets",
        "cc5bfbc2234ace9cb0caff4ea89c435cf517b27b",
        "2026-08-08",
        "v2.9.0",
        "config/crds/bases",
    ),
    Commit(
        "ray-project/kuberay",
        "59d663aeec13760646da3db9c1cf8cfe883e30b7",
        "2026-08-19",
        "v1.7.0",
        "ray-operator/config/crd/bases",
    ),
    Commit(
        "kubernetes-sigs/lws",
        "2161f38ff333f9e24d3c44adef7cd5d9787cac00",
        "2026-08-11",
        "v0.10.0",
        "config/crd/bases",
    ),
)

KUBERNETES_MODULE = "k8s.io/kubernetes"
KUBERNETES = ("v1.35.6", "v1.36.2")
OPENAPI = Path("pkg/generated/openapi/zz_generated.openapi.go")
FIELD_INDENT = "\t" * 5

# Groups that are copied from published definitions, since their operators are not to be had as modules.
COPIED_GROUPS = (
    "aga.k8s.aws",
    "elbv2.k8s.aws",
    "gateway.k8s.aws",
    "opensearch.opster.io",
    "opensearch.org",
    "s3.csi.aws.com",
)


def download(path: str, version: str, *, offline: bool = False) -> dict[str, Any]:
    """Return what `go mod download` says about a module: its folder, version and hash."""
    completed = run(
        ["go", "mod", "download", "-json", f"{path}@{version}"],
        cwd=Path(tempfile.gettempdir()),
        timeout=900.0,
        env={"GOFLAGS": "-mod=mod", "GOWORK": "off", "GOTOOLCHAIN": "local"} | ({"GOPROXY": "off"} if offline else {}),
    )
    told: dict[str, Any] = orjson.loads(completed.stdout or b"{}")
    if completed.returncode != 0 or "Dir" not in told:
        raise SystemExit(f"{path}@{version} cannot be downloaded: {told.get('Error', completed.stderr)[:300]}")
    return told


def definitions(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each CustomResourceDefinition of a folder with the name of its file."""
    for file in sorted(folder.iterdir()):
        if file.suffix not in {".yaml", ".yml"}:
            continue
        for document in rendered(file.read_bytes()):
            if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition":
                yield file.name, document


def encoded(content: Any) -> bytes:
    """Return JSON in the one form that makes equal content equal bytes."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def write(path: Path, content: bytes) -> None:
    """Write a file of the bundle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def files_of(module: Module, told: dict[str, Any]) -> dict[str, bytes]:
    """Return the bundle's files that come from one module, by path, given what `download` returned."""
    files: dict[str, bytes] = {}
    for _, crd in definitions(Path(told["Dir"]) / module.folder):
        files[place_of(crd)] = encoded(stripped_crd(crd))
    if not files:
        raise SystemExit(f"{module.path}@{module.version} holds no definitions in {module.folder}")
    return files


def told_of(source: Commit) -> dict[str, str]:
    """Return what the lock says of a commit's definitions."""
    return {"source": f"{source.repository}@{source.commit}", "ref": source.release, "ref_date": source.date}


def files_of_commit(source: Commit, clone: str | None) -> dict[str, bytes]:
    """Return the bundle's files that come from a commit, by path: from a clone, or else as the bundle has them."""
    if clone is None:
        return files_kept(source)
    git = ["git", "-C", clone]
    place = f"{source.commit}:{source.folder}"
    names = run([*git, "ls-tree", "--name-only", place], timeout=60, check=True).stdout.decode().split()
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            content = run([*git, "show", f"{place}/{name}"], timeout=60, check=True).stdout
            (Path(scratch) / name).write_bytes(content)
        return {place_of(crd): encoded(stripped_crd(crd)) for _, crd in definitions(Path(scratch))}


def files_kept(source: Commit) -> dict[str, bytes]:
    """Return a commit's files from the present bundle, which has them when the commit is the same."""
    told = told_of(source)
    lock = orjson.loads((BUNDLE / "lock.json").read_bytes())
    names = [entry["crd"] for entry in lock["copies"] if entry["source"] == told["source"]]
    if not names:
        raise SystemExit(f"the bundle has nothing of {told['source']}; name a clone of the repository with --clone")
    paths = [f"crds/{name.partition('.')[2]}/{name.partition('.')[0]}.json" for name in names]
    return {path: (BUNDLE / path).read_bytes() for path in paths}


def place_of(crd: dict[str, Any]) -> str:
    """Return the bundle's file of a definition."""
    return f"crds/{crd['spec']['group']}/{crd['spec']['names']['plural']}.json"


def native_file(told: dict[str, Any]) -> dict[str, bytes]:
    """Return the bundle's file of one Kubernetes version, given what `download` returned."""
    root = Path(told["Dir"])
    swagger = orjson.loads((root / "api" / "openapi-spec" / "swagger.json").read_bytes())
    add_enumerations(swagger["definitions"], (root / OPENAPI).read_text(encoding="utf-8"))
    return {f"native/{told['Version'].removeprefix('v')}.json": encoded(stripped_definitions(swagger))}


def add_enumerations(definitions: dict[str, Any], generated: str) -> None:
    """Add the values that a field may have, which a running server publishes, but not the document in the sources.

    Args:
        definitions: OpenAPI definitions by name, changed in place.
        generated: The Go code that the server makes its document of.

    Raises:
        SystemExit: The code no longer looks as expected.
    """
    added = 0
    for function in generated.split("\nfunc schema_")[1:]:
        name, _, body = function.partition("(")
        if not name.startswith("k8sio_api_"):
            continue
        definition = definitions.get("io.k8s." + name.removeprefix("k8sio_").replace("_", "."))
        field = ""
        for line in body.splitlines():
            if line.startswith(FIELD_INDENT + '"') and line.endswith('": {'):
                field = line.strip().split('"')[1]
            if "Enum:" not in line or definition is None:
                continue
            values = re.findall(r'"([^"]*)"', line)
            if not values or field not in definition.get("properties", {}):
                raise SystemExit(f"{name}: cannot read the values of {field or 'a field'}")
            place = definition["properties"][field]
            (place.get("items") or place.get("additionalProperties") or place)["enum"] = values
            added += 1
    if not added:
        raise SystemExit("the generated code holds no values of fields")


def generate(target: Path, copies: Path | None, clones: Mapping[str, str]) -> None:
    """Write the whole bundle into an empty folder."""
    lock: dict[str, Any] = {"date": DATE, "modules": [], "kubernetes": [], "copies": []}
    for module in MODULES:
        told = download(module.path, module.version)
        files = files_of(module, told)
        for path, content in files.items():
            if (target / path).exists():
                raise SystemExit(f"{path} is published by {module.path} and by a module before it")
            write(target / path, content)
        names = sorted(orjson.loads(content)["metadata"]["name"] for content in files.values())
        entry = {"module": module.path, "version": module.version, "sum": told["Sum"], "folder": module.folder}
        lock["modules"].append({**entry, "crds": names})
    for source in COMMITS:
        for path, content in files_of_commit(source, clones.get(source.repository)).items():
            write(target / path, content)
            name = orjson.loads(content)["metadata"]["name"]
            lock["copies"].append({"crd": name, **told_of(source)})
    from_commits = lock["copies"]
    for version in KUBERNETES:
        told = download(KUBERNETES_MODULE, version)
        for path, content in native_file(told).items():
            write(target / path, content)
        entry = {"module": KUBERNETES_MODULE, "version": version, "sum": told["Sum"]}
        lock["kubernetes"].append({**entry, "file": "api/openapi-spec/swagger.json"})
    written = write_definitions(target)
    own = {entry["crd"] for entry in (*written, *from_commits)}
    lock["copies"] = copy_from(copies, target) if copies is not None else keep_copies(target, own)
    lock["copies"] = sorted(
        [*lock["copies"], *written, *from_commits], key=lambda entry: str(entry["crd"]).partition(".")[::-1]
    )
    write(target / "index.json", encoded(index(target, lock)))
    lock["digest"] = digest(target)
    (target / "lock.json").write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def digest(target: Path) -> str:
    """Return the SHA-256 digest over all files of a bundle but the lock."""
    total = hashlib.sha256()
    for file in sorted(target.rglob("*.json")):
        if file.name != "lock.json":
            name = file.relative_to(target).as_posix()
            total.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def index(target: Path, lock: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the package needs to know without opening a definition: kinds, served versions, publishers."""
    publishers = {
        name: f"{short(entry['module'])} {entry['version']}" for entry in lock["modules"] for name in entry["crds"]
    }
    publishers |= {
        entry["crd"]: f"{entry['source'].split('@')[0].split('/')[1]} {entry['ref']}" for entry in lock["copies"]
    }
    entries = []
    for file in sorted((target / "crds").rglob("*.json")):
        crd = orjson.loads(file.read_bytes())
        spec = crd["spec"]
        entries.append(
            {
                "group": spec["group"],
                "kind": spec["names"]["kind"],
                "scope": spec["scope"],
                "file": file.relative_to(target / "crds").as_posix(),
                "versions": [each["name"] for each in spec["versions"] if each["served"]],
                "publisher": publishers[crd["metadata"]["name"]],
            }
        )
    return entries


def short(module: str) -> str:
    """Return the last part of a module path that is not a major version."""
    parts = module.split("/")
    return parts[-2] if parts[-1][1:].isdigit() else parts[-1]


def write_definitions(target: Path) -> list[dict[str, Any]]:
    """Write the definitions that are kept here because nobody publishes them; their annotations say their source."""
    lock = []
    for _, crd in definitions(WRITTEN):
        told = crd["metadata"]["annotations"]
        place = target / "crds" / crd["spec"]["group"] / f"{crd['spec']['names']['plural']}.json"
        write(place, encoded(stripped_crd(crd)))
        entry = {"crd": crd["metadata"]["name"], "source": told["source"], "ref": told["ref"]}
        lock.append({**entry, "ref_date": told["ref-date"]})
    return lock


def keep_copies(target: Path, written: set[str]) -> list[dict[str, Any]]:
    """Carry over the definitions that the present bundle has from no module, but those that are written here."""
    lock = orjson.loads((BUNDLE / "lock.json").read_bytes())
    lock["copies"] = [entry for entry in lock["copies"] if entry["crd"] not in written]
    for entry in lock["copies"]:
        plural, _, group = entry["crd"].partition(".")
        place = Path("crds") / group / f"{plural}.json"
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(BUNDLE / place, target / place)
    copies: list[dict[str, Any]] = lock["copies"]
    return copies


def copy_from(facts: Path, target: Path) -> list[dict[str, Any]]:
    """Make definitions of JSON Schemas that carry their source in `x-source`."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for file in sorted((facts / "crds").glob("*.json")):
        schema = orjson.loads(file.read_bytes())
        source = schema["x-source"]
        if source["group"] in COPIED_GROUPS:
            found.setdefault((source["group"], source["plural"]), []).append(schema)
    lock = []
    for (group, plural), schemas in sorted(found.items()):
        first = schemas[0]["x-source"]
        crd = {
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "names": {"kind": first["kind"], "plural": plural},
                "scope": first["scope"],
                "versions": [
                    {
                        "name": schema["x-source"]["version"],
                        "served": schema["x-source"]["served"],
                        "storage": schema["x-source"]["storage"],
                        "schema": {"openAPIV3Schema": stripped_schema(schema)},
                    }
                    for schema in schemas
                ],
            },
        }
        write(target / "crds" / group / f"{plural}.json", encoded(stripped_crd(crd)))
        entry = {"crd": f"{plural}.{group}", "source": first["source"], "ref": first["ref"]}
        lock.append({**entry, "ref_date": first["ref_date"]})
    return lock


def differences(new: Path, old: Path) -> list[str]:
    """Return the files that differ between two bundles."""
    names = {file.relative_to(root).as_posix() for root in (new, old) for file in root.rglob("*.json")}
    return sorted(
        name
        for name in names
        if not (new / name).is_file()
        or not (old / name).is_file()
        or (new / name).read_bytes() != (old / name).read_bytes()
    )


def main() -> int:
    """Generate the bundle, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the bundle is not current")
    parser.add_argument("--copies", type=Path, metavar="FOLDER", help="folder with `crds/` of sourced JSON Schemas")
    parser.add_argument(
        "--clone", action="append", default=[], metavar="OWNER/NAME=FOLDER", help="clone whose commit is read anew"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=BUNDLE.parent, prefix=".bundle-") as scratch:
        fresh = Path(scratch) / "bundle"
        fresh.mkdir()
        generate(fresh, arguments.copies, dict(each.split("=", 1) for each in arguments.clone))
        changed = differences(fresh, BUNDLE)
        for name in changed:
            print(name)
        if arguments.check:
            return 1 if changed else 0
        if BUNDLE.exists():
            BUNDLE.rename(Path(scratch) / "old")
        fresh.replace(BUNDLE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
