"""Versions of EKS add-ons, pinned to those that run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelyard.editing.changes import Changes
from modelyard.editing.environment_folder import EnvironmentFiles
from modelyard.findings import UserError

VARIABLE = "addon_versions"
"""Name of Terraform's output with the versions that run, and of its variable that pins them."""

_FORM = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_SET = re.compile(rf"^{VARIABLE}\s*=", re.MULTILINE)


def pin_addons(changes: Changes, environment: EnvironmentFiles, values: Mapping[str, Any]) -> bool:
    """Write the versions that run into an environment's `terraform.tfvars`, unless it sets versions already.

    EKS chooses a version when it makes an add-on. Once that is in Git, an upgrade is a change that people review, and a
    second cluster of the same files runs the same versions.

    Args:
        changes: The edit.
        environment: The environment.
        values: Terraform's outputs.

    Returns:
        Whether anything was written.

    Raises:
        UserError: The output is no mapping of names to versions.
    """
    versions, file = values.get(VARIABLE), f"{environment.folder}/terraform.tfvars"
    if not versions or not changes.exists(file) or _SET.search(text := changes.text(file)):
        return False
    if not isinstance(versions, Mapping) or not all(
        _NAME.fullmatch(str(name)) and _FORM.fullmatch(str(version)) for name, version in versions.items()
    ):
        raise UserError(
            f"output {VARIABLE} is no mapping of add-ons to versions such as v1.2.3-eksbuild.4",
            fix="look at terraform output",
        )
    width = max(map(len, versions))
    lines = [f'  {name:<{width}} = "{version}"' for name, version in sorted(versions.items())]
    told = "# Versions of EKS add-ons that ran when `modelyard env sync` wrote this; an upgrade is a change here."
    changes.write(file, "\n".join([text.rstrip("\n"), "", told, f"{VARIABLE} = {{", *lines, "}", ""]))
    return True
