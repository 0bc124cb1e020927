"""The environment's Terraform, applied to a mock account from a copy of the repository."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.findings import UserError
from modelyard.rehearsal.cloud.account import MockAccount
from modelyard.rehearsal.cloud.needs import PLUGINS, plugin_folder
from modelyard.rehearsal.control_plane import ControlPlane, started
from modelyard.repository import ENVIRONMENTS
from modelyard.tooling import require, run, write_whole
from modelyard.tooling.background import BackgroundProcess

_SECONDS = 300.0
_APPLY_SECONDS = 900.0
_POLL_SECONDS = 0.2
_OVERRIDE = """\
provider "aws" {
  s3_use_path_style       = true
  skip_metadata_api_check = true
}

terraform {
  backend "local" {}
}
"""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error of Terraform.

    Attributes:
        summary: Its first line.
        detail: The rest.
        file: File that it points at, from the repository's folder; empty where it names none.
        line: Line in that file; None where there is none.
        address: Resource; empty where it names none.
    """

    summary: str
    detail: str = ""
    file: str = ""
    line: int | None = None
    address: str = ""


class Terraform:
    """Terraform in a copy of a repository, for one environment.

    Args:
        plane: The control plane, in whose folder logs go.
        copy: The copy of the repository.
        original: The repository, where a provider may lie already.
        environment: Name of the environment.
        account: What it is applied to.

    Attributes:
        peak_memory: Most resident memory of Terraform and its provider in bytes; None where the system does not tell.
        seconds: How long the apply took.
        resources: How many resources it made.
    """

    def __init__(self, plane: ControlPlane, copy: Path, original: Path, environment: str, account: MockAccount) -> None:
        self.peak_memory: int | None = None
        self.seconds = 0.0
        self.resources = 0
        self._plane = plane
        self._folder = copy / "terraform"
        self._original = original
        self._variables = Path("..") / ENVIRONMENTS / environment / "terraform.tfvars"
        self._account = account
        if not self._folder.is_dir() or not (self._folder / self._variables).is_file():
            raise UserError(
                f"terraform/ or {ENVIRONMENTS}/{environment}/terraform.tfvars is not there, which level cloud applies",
                fix="rehearse it at another level",
            )

    def initialise(self) -> None:
        """Put the providers in place: from this machine, else from the registry.

        Raises:
            UserError: They cannot be had.
        """
        write_whole(self._folder / "rehearsal_override.tf", _OVERRIDE)
        folder = plugin_folder(self._original)
        tries = [[f"-plugin-dir={folder}"], []] if folder else [[]]
        for more in tries:
            code, lines = self._run("init", "-input=false", "-no-color", *more)
            if not code:
                break
        else:
            told = " ".join(line.strip(" │╷╵") for line in lines[-12:])[:600]
            raise UserError(
                f"terraform init fails: {told}",
                fix=f"connect to Terraform's registry, or name a folder that holds the AWS provider in {PLUGINS}",
            )

    def start_applying(self, stack: ExitStack) -> None:
        """Start to apply everything; other things can be done meanwhile.

        Args:
            stack: Holds the process; closing it kills it.
        """
        words = ("apply", "-auto-approve", "-input=false", "-json", f"-var-file={self._variables}")
        self._applying = stack.enter_context(self._started(*words))
        self._begun = time.monotonic()

    def applied(self, tell: Callable[[int], None]) -> list[Diagnostic]:
        """Wait until everything is applied, and return why it is not; empty when it is.

        Args:
            tell: Told how many resources are made.

        Raises:
            UserError: It takes too long.
        """
        code = self._ended(self._applying, _APPLY_SECONDS, tell)
        lines = _lines(self._applying)
        self.seconds = time.monotonic() - self._begun
        self.resources = _made(self._applying)
        found = list(self._diagnostics(lines))
        return found or ([Diagnostic("terraform apply fails", " ".join(lines[-3:])[:600])] if code else [])

    def outputs(self) -> str:
        """Return what `terraform output -json` prints."""
        argv: list[str | Path] = [require("terraform").path, "output", "-json", "-no-color"]
        done = run(argv, cwd=self._folder, timeout=_SECONDS, env=self._environment(), check=True)
        return done.stdout.decode("utf-8", "replace")

    def _run(self, *words: str) -> tuple[int, list[str]]:
        with self._started(*words) as process:
            code = self._ended(process, _SECONDS)
        return code, _lines(process)

    def _started(self, *words: str) -> AbstractContextManager[BackgroundProcess]:
        argv = [str(require("terraform").path), f"-chdir={self._folder}", *words]
        return started(self._plane.folder, f"terraform-{words[0]}", argv, self._environment())

    def _environment(self) -> dict[str, str | None]:
        return {**self._account.variables(), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}

    def _ended(
        self, process: BackgroundProcess, seconds: float, tell: Callable[[int], None] = lambda count: None
    ) -> int:
        begun = time.monotonic()
        while (code := process.returncode) is None:
            self._plane.check()
            self.peak_memory = max(filter(None, (self.peak_memory, process.measure_with_children())), default=None)
            tell(_made(process))
            if time.monotonic() - begun > seconds:
                raise UserError(
                    f"{process.name} took more than {seconds:g} s",
                    fix="run the command again when less else runs on this machine",
                )
            time.sleep(_POLL_SECONDS)
        return code

    def _diagnostics(self, lines: list[str]) -> Iterator[Diagnostic]:
        for line in lines:
            try:
                message: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            told = message.get("diagnostic") if isinstance(message, dict) else None
            if not isinstance(told, dict) or told.get("severity") != "error":
                continue
            place = told.get("range") or {}
            file = str(place.get("filename") or "")
            if file.startswith("../"):
                file = file.removeprefix("../")
            elif file:
                file = f"terraform/{file}"
            yield Diagnostic(
                str(told.get("summary", "")),
                str(told.get("detail", "")),
                file,
                place.get("start", {}).get("line"),
                str(told.get("address") or ""),
            )


def _made(process: BackgroundProcess) -> int:
    """Return how many resources a running apply has made so far."""
    try:
        return process.log.read_bytes().count(b'"type":"apply_complete"')
    except OSError:
        return 0


def _lines(process: BackgroundProcess) -> list[str]:
    process.written()
    return process.log.read_text("utf-8", "replace").splitlines()
