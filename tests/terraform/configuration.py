"""Runs the root in a folder of its own, with what a test adds to it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.terraform import provider

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT = REPOSITORY / "terraform"
HERE = Path(__file__).parent
CONFIGURATIONS = sorted(path.stem for path in (HERE / "configurations").glob("*.tfvars"))


def environment(**more: str) -> dict[str, str]:
    """Variables for Terraform that keep a person's own settings and credentials out of a test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    return kept | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "AWS_EC2_METADATA_DISABLED": "true"} | more


@dataclass(frozen=True)
class Resource:
    """One managed resource of a plan."""

    address: str
    type: str
    values: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its key in for_each, without quotes."""
        return self.address.rpartition("[")[2].strip('"]') if self.address.endswith("]") else ""


@dataclass(frozen=True)
class Plan:
    """What Terraform would make, and what it said about it."""

    resources: tuple[Resource, ...]
    warnings: tuple[str, ...]

    def of(self, kind: str, within: str = "") -> list[Resource]:
        """Resources of one type whose address begins with `within`."""
        return [it for it in self.resources if it.type == kind and it.address.startswith(within)]

    def one(self, address: str) -> Resource:
        """The resource at an address."""
        (found,) = [it for it in self.resources if it.address == address]
        return found

    def policies(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Address, attribute and decoded document of every policy that is known before an apply."""
        for resource in self.resources:
            for attribute in ("policy", "assume_role_policy"):
                text = resource.values.get(attribute)
                if isinstance(text, str) and '"Statement"' in text:
                    yield resource.address, attribute, json.loads(text)


class Refused(AssertionError):
    """Terraform ended with errors; the text holds all of them."""


class Configuration:
    """A copy of the root whose provider is in place."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def copied_to(cls, parent: Path) -> "Configuration":
        """Copies the root and its tests below `parent`, as they lie in a GitOps repository."""
        directory = parent / "terraform"
        shutil.copytree(ROOT, directory, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        shutil.copytree(HERE / "runs", directory / "runs")
        shutil.copytree(HERE / "mocks", directory / "mocks")
        shutil.copytree(HERE / "configurations", directory / "configurations")
        return cls(directory)

    def run(
        self, *arguments: str, timeout: float = 300, standard_input: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs terraform there; the caller judges how it ended."""
        executable = provider.terraform()
        assert executable is not None, "tests that run Terraform ask for the fixture that skips without it"
        return subprocess.run(
            [executable, *arguments],
            cwd=self.directory,
            env=environment(**variables),
            input=standard_input,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def initialise(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Puts the provider in place: from the machine, else from the registry where there is a network."""
        folder = provider.plugin_directory()
        found = [f"-plugin-dir={folder}"] if folder else []
        return self.run("init", "-input=false", "-no-color", *found, *arguments, timeout=120)

    def test(self, run: str, configuration: str, *arguments: str) -> Plan:
        """Runs one file of runs/ with one of configurations/; raises Refused with the errors."""
        completed = self.run(
            "test",
            "-json",
            "-verbose",
            "-test-directory=runs",
            f"-filter=runs/{run}.tftest.hcl",
            f"-var-file=configurations/{configuration}.tfvars",
            *arguments,
        )
        return _plan_of(completed)


def _plan_of(completed: subprocess.CompletedProcess[str]) -> Plan:
    messages = [json.loads(line) for line in completed.stdout.splitlines() if line.startswith("{")]
    diagnostics = [message["diagnostic"] for message in messages if message["type"] == "diagnostic"]
    if completed.returncode != 0:
        errors = [f"{it['summary']}\n{it.get('detail', '')}" for it in diagnostics if it["severity"] == "error"]
        raise Refused("\n".join(errors) or completed.stdout[-2000:] + completed.stderr[-2000:])
    warnings = tuple(f"{it['summary']}\n{it.get('detail', '')}" for it in diagnostics if it["severity"] == "warning")
    resources: list[Resource] = []
    for message in messages:
        if message["type"] == "test_plan":
            resources += [
                Resource(change["address"], change["type"], change["change"]["after"])
                for change in message["test_plan"]["resource_changes"]
                if change["mode"] == "managed"
            ]
    return Plan(tuple(resources), warnings)
