"""Reading the Terraform of a repository by tfparse, in a process of its own, kept by content."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache as once
from pathlib import Path
from typing import Any

import orjson

from modelyard.findings import UserError
from modelyard.repository import EnvironmentFolder, Files, joined
from modelyard.tooling import cache, run, write_whole
from modelyard.view.terraform.blocks import Block, Terraform, variables_in
from modelyard.view.terraform.completing import completed
from modelyard.view.terraform.plans import TerraformPlan, environment_of, planned, read_plan

FOLDER = "terraform"
VARIABLES = "terraform.tfvars"
_PROGRAM = Path(__file__).with_name("process.py")
_SECONDS = 60
_KEPT = 256
_ENDINGS = (".tf", ".tf.json", ".tftpl", ".tfvars", ".json")
_FILLED_IN = re.compile(r"\$\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class TerraformResult:
    """What became of reading Terraform.

    Attributes:
        terraform: The configuration; None when there is none, or it could not be read.
        reason: Why it could not be read; empty when it could, or there is none.
    """

    terraform: Terraform | None = None
    reason: str = ""


class TerraformReader:
    """Reads the Terraform of environments beside other work.

    Args:
        files: The repository's files.
        plans: Plans of its environments; each is for one of `folders`.
        folders: The environments that are read.

    Raises:
        UserError: A plan cannot be read, or is of no such environment.
    """

    def __init__(self, files: Files, plans: Sequence[Path] = (), folders: Sequence[EnvironmentFolder] = ()) -> None:
        self._files = files
        self._plans: dict[str, TerraformPlan] = {}
        for path in plans:
            plan = read_plan(path)
            folder = environment_of(plan, {each.path: _given(files, each.path) for each in folders})
            if folder in self._plans:
                raise UserError(
                    f"{path} and {self._plans[folder].name} are plans of the same environment", fix="give one"
                )
            self._plans[folder] = plan
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="terraform")
        self._readings: dict[str, Future[TerraformResult]] = {}

    def start(self, folder: EnvironmentFolder) -> Future[TerraformResult]:
        """Begin to read the Terraform of an environment, and return what will become of it."""
        if folder.path not in self._readings:
            plan = self._plans.get(folder.path)
            self._readings[folder.path] = self._pool.submit(read, self._files, folder.path, plan)
        return self._readings[folder.path]

    def reading(self, folder: EnvironmentFolder) -> TerraformResult:
        """Return what became of reading an environment's Terraform; waits for it."""
        return self.start(folder).result()


def _given(files: Files, environment: str) -> dict[str, Any]:
    variables = f"{environment}/{VARIABLES}"
    return variables_in(files, variables) if files.is_file(variables) else {}


def read(files: Files, environment: str, plan: TerraformPlan | None = None) -> TerraformResult:
    """Return the Terraform of an environment's folder, evaluated with its variables, and as a plan of it knows it."""
    if not files.is_folder(FOLDER) or not environment:
        return TerraformResult()
    variables = f"{environment}/{VARIABLES}"
    if not files.is_file(variables):
        return TerraformResult(reason=f"{variables} is not there")
    try:
        key = _key(files, environment, variables)
        content = _kept(key) or _read(files, variables, key)
    except UserError as error:
        return TerraformResult(reason=error.message)
    if not content:
        return TerraformResult(reason=f"{FOLDER}/ holds no block that can be read")
    blocks = tuple(_block(files, each) for each in content)
    sources = tuple(_below(files, FOLDER, ".tf", ".tftpl"))
    read = Terraform(FOLDER, variables, blocks, sources, files)
    whole = replace(read, blocks=completed(blocks, read.given))
    return TerraformResult(whole if plan is None else planned(whole, plan))


def _read(files: Files, variables: str, key: str) -> list[dict[str, Any]]:
    if not _version():
        raise UserError("tfparse is not installed")
    folder = files.real(FOLDER)
    argv: list[str | Path] = [sys.executable, "-I", _PROGRAM, files.root, folder, f"../{variables}"]
    completed = run(argv, cwd=files.root, timeout=_SECONDS)
    if completed.returncode:
        lines = completed.stderr.strip().splitlines()
        raise UserError(lines[-1].replace(f"{files.root}/", "") if lines else "the reader of Terraform failed")
    content: list[dict[str, Any]] = orjson.loads(completed.stdout)
    _keep(key, completed.stdout)
    return content


@once
def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("tfparse")
    except metadata.PackageNotFoundError:
        return ""


def _block(files: Files, entry: dict[str, Any]) -> Block:
    file = joined(FOLDER, str(entry["file"])) or FOLDER
    return Block(
        files,
        str(entry["mode"]),
        str(entry["type"]),
        str(entry["address"]),
        file,
        int(entry["first"]),
        int(entry["last"]),
        entry["values"],
    )


def _key(files: Files, environment: str, variables: str) -> str:
    """Return a digest of everything that a reading depends on: of YAML, the files whose names Terraform writes.

    Raises:
        UserError: A file lies outside the repository, or names one that does.
    """
    digest = hashlib.sha256(f"2 {_version()}\n{_PROGRAM.read_text()}\n".encode())
    names: set[str] = set()
    for path in (*_below(files, FOLDER), variables):
        digest.update(f"{path}\0{files.digest(path)}\n".encode())
        if path.endswith((".tf", ".tf.json", ".tfvars")):
            for quoted in _quoted(files.text(path)):
                if quoted.endswith((".yaml", ".yml")):
                    names.add(_file_pattern(quoted))
                _require_inside(path, quoted)
    # Most of an environment's YAML is Argo CD's; a change of it is no reason to read Terraform again.
    for path in _below(files, environment, ".yaml", ".yml") if names else ():
        if any(fnmatchcase(path.rpartition("/")[2], name) for name in names):
            digest.update(f"{path}\0{files.digest(path)}\n".encode())
    return digest.hexdigest()


def _quoted(text: str) -> Iterator[str]:
    """Yield what stands between two quotes of a line, each piece once; quotes in strings only make for more pieces."""
    for line in text.split("\n"):
        yield from line.split('"')[1:-1]


def _file_pattern(quoted: str) -> str:
    """Return the pattern of the names that a path ends with when its expressions are filled in."""
    name = _FILLED_IN.sub("*", quoted.rpartition("/")[2])
    beginning, nested, _ = name.partition("${")
    return f"{beginning}*" if nested else name


def _require_inside(path: str, quoted: str) -> None:
    start = quoted.find("../")
    if start < 0:
        return
    named = quoted[start:]
    if joined(path.rpartition("/")[0], named) is None and joined(FOLDER, named) is None:
        raise UserError(f"{path} names {named[:200]}, which is outside the repository")


def _below(files: Files, folder: str, *endings: str) -> Iterator[str]:
    for name in files.under(folder):
        path = f"{folder}/{name}"
        if name.startswith("."):
            continue
        if files.is_folder(path):
            files.real(path)
            yield from _below(files, path, *endings)
        elif name.endswith(endings or _ENDINGS):
            yield path


def _folder() -> Path:
    return cache() / "terraform"


def _kept(key: str) -> list[dict[str, Any]]:
    try:
        content = orjson.loads((_folder() / f"{key}.json").read_bytes())
    except (OSError, ValueError):
        return []
    return content if isinstance(content, list) else []


def _keep(key: str, content: bytes) -> None:
    """Keep a reading, and drop the oldest; a cache that cannot be written is not an error."""
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{key}.json", content)
        entries = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in entries[:-_KEPT]:
            path.unlink(missing_ok=True)
    except (OSError, UserError):
        return
