"""Revisions of one model that another is loaded at."""

import re
from collections.abc import Iterator

from modelyard.cluster import Environment, is_location
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule

_COMMIT = re.compile(r"[0-9a-f]{40}")


@rule("settings/foreign-revision", error, since="0.1.0")
def foreign_revision(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A commit that the settings file names for its model is none of a model that the command line names instead."""
    for model in environment.models:
        settings = model.settings
        in_file = {each.name: each for each in settings.all if each.source == "file"}
        named, pinned = settings.settings.get("model"), settings.settings.get("revision")
        if named is None or pinned is None or "model" not in in_file or pinned is not in_file.get("revision"):
            continue
        loaded, meant = str(named.value), str(in_file["model"].value)
        if loaded == meant or is_location(loaded) or not _COMMIT.fullmatch(str(pinned.value)):
            continue
        yield Finding(
            at=named.at,
            message=f"{model.name} loads {loaded} at revision {str(pinned.value)[:12]}, which the settings file names "
            f"for {meant}",
            fix=f"append --revision with a commit of {loaded} as well, or main",
        )
