"""Finds Terraform and the AWS provider on this machine, since neither belongs to the project."""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

VARIABLE = "TF_PLUGIN_DIR"
_BINARY = "terraform-provider-aws_v*"
_ADDRESS = Path("registry.terraform.io/hashicorp/aws")


@functools.cache
def terraform() -> str | None:
    """The terraform executable of at least the version that the root asks for, or None."""
    found = shutil.which("terraform")
    if found is None:
        return None
    printed = subprocess.run([found, "version"], capture_output=True, text=True, timeout=60, check=False).stdout
    version = re.search(r"Terraform v(\d+)\.(\d+)", printed)
    return found if version and (int(version[1]), int(version[2])) >= (1, 11) else None


@functools.cache
def plugin_directory() -> Path | None:
    """A folder for `terraform init -plugin-dir` that holds the AWS provider, or None.

    Looked for in $TF_PLUGIN_DIR, where Terraform itself looks, and then on the whole machine, by its file name.
    """
    places = [
        os.environ.get(VARIABLE, ""),
        os.environ.get("TF_PLUGIN_CACHE_DIR", ""),
        str(Path.home() / ".terraform.d/plugins"),
        str(Path.home() / ".terraform.d/plugin-cache"),
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
    ]
    for place in filter(None, places):
        if any((Path(place) / _ADDRESS).glob(f"*/*/{_BINARY}")):
            return Path(place)
    return _searched()


def _searched() -> Path | None:
    argv = ["find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-path", f"*/{_ADDRESS}/*/{_BINARY}", "-print"]
    try:
        printed = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Working folders hold links to a plugin folder, not the plugins.
    found = [line for line in printed.splitlines() if "/.terraform/" not in line]
    return Path(found[0].split(f"/{_ADDRESS}/")[0]) if found else None
