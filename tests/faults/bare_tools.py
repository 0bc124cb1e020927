"""What tools beside the check notice of a mistake: they fail, or object to more, where they did not before."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from modelyard.repository.yaml import rendered
from modelyard.schemas import SchemaBundle
from modelyard.tooling import find, run
from tests.faults.catalogue import Fault
from tests.faults.harness import Copies
from tests.repositories import PROJECT
from tests.terraform import provider
from tests.terraform.configuration import Configuration

_SECONDS = 300
CHECKOV = PROJECT / "build" / "checkov"
_LAYOUT = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"

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
        self._runners: dict[str, Callable[[Path], Complaints]] = {
            "kustomize build": _kustomize,
            "kubeconform -strict": _kubeconform,
            "terraform validate": _terraform,
            "zizmor": _zizmor,
            "checkov": _checkov,
        }
        self.states = {
            "kustomize build": "" if find("kustomize") else "not installed",
            "kubeconform -strict": "" if find("kubeconform") and find("kustomize") else "not installed",
            "terraform validate": "" if provider.terraform() and provider.plugin_directory() else "not installed",
            "zizmor": "" if _beside("zizmor") else "not installed",
            "checkov": "" if _beside("checkov") else "not installed; make build/checkov/.ready does",
            "promtool": "no package of it is on PyPI",
        }
        self._of_base: dict[tuple[str, str], Complaints] = {}

    def noticing(self, fault: Fault) -> set[str]:
        """Return the tools that object to more than in the base repository."""
        noticed = set()
        for name, runner in self._runners.items():
            if self.states[name] or not _concerns(name, fault):
                continue
            key = (name, fault.repository)
            if key not in self._of_base:
                with self.copies.changed(fault.repository, {}) as root:
                    self._of_base[key] = runner(root)
            with self.copies.changed(fault.repository, fault.fault) as root:
                if runner(root) - self._of_base[key]:
                    noticed.add(name)
        return noticed


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


def _kustomize(root: Path) -> Complaints:
    return Counter(target for target, resources in _built(root).items() if resources is None)


def _kubeconform(root: Path) -> Complaints:
    executable = find("kubeconform")
    assert executable is not None
    by_version: dict[str, list[Any]] = {}
    for target, resources in _built(root).items():
        facts = root / "/".join(target.split("/")[:2]) / "environment.yaml"
        version = str(yaml.safe_load(facts.read_text())["kubernetes"])
        by_version.setdefault(version, []).extend(resources or ())
    objections: Complaints = Counter()
    for version, resources in by_version.items():
        folder = SchemaBundle(version).materialised_whole()
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "resources.yaml"
            file.write_text(yaml.safe_dump_all(resources))
            argv: list[str | Path] = [executable.path, "-strict", "-output", "json"]
            completed = run([*argv, "-schema-location", f"{folder}/{_LAYOUT}", file], timeout=_SECONDS)
        for each in json.loads(completed.stdout)["resources"]:
            objections[f"{each['kind']} {each['name']} {each['msg']}"] += 1
    return objections


def _terraform(root: Path) -> Complaints:
    configuration = Configuration(root / "terraform")
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


def _checkov(root: Path) -> Complaints:
    executable = _beside("checkov")
    assert executable is not None
    argv: list[str | Path] = [executable, "--quiet", "--compact", "--skip-download", "--output", "json"]
    frameworks = ("--framework", "terraform", "kubernetes", "github_actions")
    completed = run([*argv, *frameworks, "--directory", root], cwd=root, timeout=_SECONDS)
    told = json.loads(completed.stdout or b"[]")
    reports = told if isinstance(told, list) else [told]
    return Counter(
        f"{each['check_id']} {each['resource']}"
        for report in reports
        for each in (report.get("results") or {}).get("failed_checks", ())
    )


def _zizmor(root: Path) -> Complaints:
    executable = _beside("zizmor")
    assert executable is not None
    completed = run([executable, "--offline", "--format", "json", root / ".github"], timeout=_SECONDS)
    return Counter(str(each["ident"]) for each in json.loads(completed.stdout or b"[]"))
