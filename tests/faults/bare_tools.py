"""What tools beside the check notice of a mistake: they fail, or object to more, where they did not before."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from modelyard.repository.yaml import rendered
from modelyard.schemas import SchemaBundle
from modelyard.tooling import find, run
from tests.faults.catalogue import Fault
from tests.repositories import PROJECT
from tests.repositories.copies import Copies
from tests.terraform import provider
from tests.terraform.configuration import Configuration

_SECONDS = 300
_KUBE_SCORE_WARNS = 5  # its grades: 1 is critical, 5 a warning, 7 nearly right, 10 right
CHECKOV = PROJECT / "build" / "checkov"
_LAYOUT = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"

NAMES = (
    "kustomize build",
    "kubeconform -strict",
    "kube-score",
    "promtool check rules",
    "terraform validate",
    "zizmor",
    "checkov",
)
"""The tools, in the order in which they are printed."""

Complaints = Counter[str]
"""What a tool objects to, each with how often."""


class BareTools:
    """Runs each tool on the base repositories and on the mistakes.

    Args:
        copies: The base repositories.

    Attributes:
        states: By tool, why it is not run; empty when it is.
    """

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        self._runners: dict[str, Callable[[_Repository], Complaints]] = {
            "kustomize build": _kustomize,
            "kubeconform -strict": _kubeconform,
            "kube-score": _kube_score,
            "promtool check rules": _promtool,
            "terraform validate": _terraform,
            "zizmor": _zizmor,
            "checkov": _checkov,
        }
        self.states = {
            "kustomize build": "" if find("kustomize") else "not installed",
            "kubeconform -strict": "" if find("kubeconform") and find("kustomize") else "not installed",
            "kube-score": "" if find("kube-score") and find("kustomize") else "not installed",
            "promtool check rules": "" if find("promtool") and find("kustomize") else "not installed",
            "terraform validate": "" if provider.terraform() and provider.plugin_directory() else "not installed",
            "zizmor": "" if _beside("zizmor") else "not installed",
            "checkov": "" if _beside("checkov") else "not installed; make build/checkov/.ready does",
        }
        self._of_base: dict[tuple[str, str], Complaints] = {}

    def noticing(self, fault: Fault) -> set[str]:
        """Return the tools that object to more than in the base repository."""
        noticed = set()
        wanted = [name for name in self._runners if not self.states[name] and _concerns(name, fault)]
        missing = [name for name in wanted if (name, fault.repository) not in self._of_base]
        if missing:
            with self.copies.changed(fault.repository, {}) as root:
                base = _Repository(root)
                for name in missing:
                    self._of_base[name, fault.repository] = self._runners[name](base)
        with self.copies.changed(fault.repository, fault.fault) as root:
            changed = _Repository(root)
            for name in wanted:
                if self._runners[name](changed) - self._of_base[name, fault.repository]:
                    noticed.add(name)
        return noticed


class _Repository:
    """A repository as it is now, built once for all tools.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def built(self) -> dict[str, list[Any] | None]:
        """Return what each kustomization of an environment builds to, None when it does not build."""
        return _built(self.root)

    @property
    def by_version(self) -> dict[str, list[Any]]:
        """Return what is built, by the version of Kubernetes that it is for."""
        found: dict[str, list[Any]] = {}
        for target, resources in self.built.items():
            facts = self.root / "/".join(target.split("/")[:2]) / "environment.yaml"
            version = str(yaml.safe_load(facts.read_text())["kubernetes"])
            found.setdefault(version, []).extend(resources or ())
        return found


def _concerns(tool: str, fault: Fault) -> bool:
    paths = [path for each in fault.fault.values() for path in each]
    terraform = any(path.startswith("terraform/") for path in paths)
    workflows = any(path.startswith(".github/") for path in paths)
    if tool == "terraform validate":
        return terraform
    if tool == "zizmor":
        return workflows
    if tool == "checkov":
        return terraform or workflows or any(path.endswith(".tfvars") for path in paths)
    return not (terraform or workflows)


def _built(root: Path) -> dict[str, list[Any] | None]:
    """Return what each kustomization of an environment builds to, None when it does not build."""
    found: dict[str, list[Any] | None] = {}
    executable = find("kustomize")
    assert executable is not None
    for file in sorted((root / "environments").rglob("kustomization.yaml")):
        target = file.parent.relative_to(root).as_posix()
        if target.endswith("/versions"):
            continue  # a Component, which is no target
        completed = run([executable.path, "build", file.parent], timeout=_SECONDS)
        found[target] = None if completed.returncode else [each for each in rendered(completed.stdout) if each]
    return found


def _kustomize(repository: _Repository) -> Complaints:
    return Counter(target for target, resources in repository.built.items() if resources is None)


def _kubeconform(repository: _Repository) -> Complaints:
    objections: Complaints = Counter()
    for version, resources in repository.by_version.items():
        folder = SchemaBundle(version).materialised_whole()
        arguments = ("-strict", "-output", "json", "-schema-location", f"{folder}/{_LAYOUT}")
        for each in json.loads(_told("kubeconform", *arguments, resources=resources))["resources"]:
            objections[f"{each['kind']} {each['name']} {each['msg']}"] += 1
    return objections


def _kube_score(repository: _Repository) -> Complaints:
    objections: Complaints = Counter()
    for version, resources in repository.by_version.items():
        arguments = ("score", "--output-format", "json", "--kubernetes-version", f"v{version}")
        told = _told("kube-score", *arguments, resources=resources) or b"[]"
        if not told.lstrip().startswith((b"[", b"null")):
            objections[told.decode().splitlines()[0]] += 1  # it reads nothing where one resource has another type
            continue
        for scored in json.loads(told) or ():
            for check in scored["checks"]:
                if check["grade"] <= _KUBE_SCORE_WARNS and not check["skipped"]:
                    for comment in check["comments"] or [{}]:
                        said = f"{comment.get('path', '')} {comment.get('summary', '')}"
                        objections[f"{scored['object_name']} {check['check']['id']} {check['grade']} {said}"] += 1
    return objections


def _promtool(repository: _Repository) -> Complaints:
    objections: Complaints = Counter()
    for resources in repository.built.values():
        for resource in resources or ():
            if resource.get("kind") == "PrometheusRule":
                rules = {"groups": resource["spec"].get("groups")}
                told = _told("promtool", "check", "rules", resources=[rules]).decode()
                for line in told.splitlines():
                    if "FAILED" in line or "error" in line or "rule " in line:
                        objections[f"{resource['metadata']['name']} {line.partition('.yaml')[2]}"] += 1
    return objections


def _told(name: str, *arguments: str, resources: list[Any]) -> bytes:
    """Return what a tool says of a file with some resources, to its output and then to its errors where it has none."""
    executable = find(name)
    assert executable is not None
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "resources.yaml"
        file.write_text(yaml.safe_dump_all(resources))
        completed = run([executable.path, *arguments, file], timeout=_SECONDS)
    return completed.stdout or completed.stderr.encode()


def _terraform(repository: _Repository) -> Complaints:
    configuration = Configuration(repository.root / "terraform")
    before = {path.name for path in configuration.directory.iterdir()}
    try:
        started = configuration.initialise("-backend=false")
        if started.returncode:
            return Counter(["init"])
        told = json.loads(configuration.run("validate", "-json").stdout)
        return Counter(each["summary"] for each in told["diagnostics"])
    finally:
        for path in configuration.directory.iterdir():
            if path.name not in before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _beside(name: str) -> Path | None:
    """Return a program of this environment, of one that it has to itself, or of PATH."""
    known = (Path(sys.executable).with_name(name), CHECKOV / "bin" / name, Path(shutil.which(name) or "/nowhere"))
    return next((path for path in known if path.is_file()), None)


def _checkov(repository: _Repository) -> Complaints:
    executable = _beside("checkov")
    assert executable is not None
    argv: list[str | Path] = [executable, "--quiet", "--compact", "--skip-download", "--output", "json"]
    frameworks = ("--framework", "terraform", "kubernetes", "github_actions")
    completed = run([*argv, *frameworks, "--directory", repository.root], cwd=repository.root, timeout=_SECONDS)
    told = json.loads(completed.stdout or b"[]")
    reports = told if isinstance(told, list) else [told]
    return Counter(
        f"{each['check_id']} {each['resource']}"
        for report in reports
        for each in (report.get("results") or {}).get("failed_checks", ())
    )


def _zizmor(repository: _Repository) -> Complaints:
    executable = _beside("zizmor")
    assert executable is not None
    completed = run([executable, "--offline", "--format", "json", repository.root / ".github"], timeout=_SECONDS)
    return Counter(str(each["ident"]) for each in json.loads(completed.stdout or b"[]"))
