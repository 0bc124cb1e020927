"""What level `cloud` needs on this machine, and refusals that say how it is had."""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path

from modelyard.findings import UserError
from modelyard.tooling import find, require, run

PROGRAMS = ("kube-controller-manager", "kube-scheduler", "karpenter-aws")
PLUGINS = "TF_PLUGIN_DIR"

_PROVIDER = Path("registry.terraform.io/hashicorp/aws")
_BINARY = "terraform-provider-aws_v*"
_PLACES = (
    "~/.terraform.d/plugins",
    "~/.terraform.d/plugin-cache",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)


def require_all() -> None:
    """Do nothing where everything is there.

    Raises:
        UserError: A program or the mock AWS is missing.
    """
    for name in (*PROGRAMS, "git", "terraform"):
        require(name)
    told = find("terraform")
    if told is not None and not told.pinned:
        raise UserError(
            f"{told.difference}, and level cloud applies the environment's Terraform", fix="update terraform"
        )
    if not has_mock():
        raise UserError(
            "moto, the mock AWS of level cloud, is not installed beside modelyard",
            fix="install modelyard with its extra: pip install 'modelyard[rehearsal]'",
        )


def has_mock() -> bool:
    """Return whether moto and its server are installed beside this package."""
    return all(importlib.util.find_spec(name) is not None for name in ("moto", "werkzeug", "flask"))


def plugin_folder(root: Path | None = None) -> Path | None:
    """Return a folder for `terraform init -plugin-dir` with the AWS provider in it; None where none is known.

    Looked for in `TF_PLUGIN_DIR`, where Terraform itself looks, and where it put the provider for the repository.

    Args:
        root: The repository.
    """
    places = [os.environ.get(PLUGINS, ""), os.environ.get("TF_PLUGIN_CACHE_DIR", ""), *_PLACES]
    if root is not None:
        places.append(str(root / "terraform" / ".terraform" / "providers"))
    for place in filter(None, places):
        folder = Path(place).expanduser().absolute()
        if any((folder / _PROVIDER).glob(f"*/*/{_BINARY}")):
            return folder
    return None


@functools.cache
def searched_plugin_folder() -> Path | None:
    """Return the like from anywhere on this machine: for tests and scripts, since it may take a minute."""
    # Plugin folders lie near the top, where a look is quick; the whole disk takes half a minute.
    return _found("-maxdepth", "6") or _found()


def _found(*depth: str) -> Path | None:
    hosts = ["-type", "d", "-name", _PROVIDER.parts[0], "-print", "-prune"]
    argv = ["find", "/", "-xdev", *depth, "-path", "/proc", "-prune", "-o", *hosts]
    printed = run(argv, timeout=120.0).stdout.decode("utf-8", "replace")
    for host in map(Path, printed.splitlines()):
        # Working folders hold links to a plugin folder, not the plugins.
        if ".terraform" not in host.parts and any((host.parent / _PROVIDER).glob(f"*/*/{_BINARY}")):
            return host.parent
    return None
