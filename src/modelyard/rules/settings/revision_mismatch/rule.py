"""Revisions of one model that another is loaded at."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, ServedModel, is_location, overlay_facts

_COMMIT = re.compile(r"[0-9a-f]{40}")


@rule("settings/revision-mismatch", error, since="0.1.0")
def revision_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The overlay's revision is a commit of another model than the one that is loaded, so loading fails."""
    for model in environment.models:
        named, pinned = model.settings.settings.get("model"), model.settings.settings.get("revision")
        if named is None or pinned is None or not _COMMIT.fullmatch(str(pinned.value)):
            continue
        loaded, meant = str(named.value), _meant(model)
        if meant and loaded != meant and not is_location(loaded):
            yield Finding(
                # What was changed last: the command line, or the file beside what its overlay says.
                at=named.at,
                message=f"{model.name} loads {loaded} at revision {str(pinned.value)[:12]}, which is a commit "
                f"of {meant}",
                fix=f"set revision to a commit of {loaded}, or to main",
            )


def _meant(model: ServedModel) -> str:
    """Return of which model the revision is; empty where nothing says it."""
    in_file = {each.name: each for each in model.settings.all if each.source == "file"}
    pinned = model.settings.settings["revision"]
    told = overlay_facts(model.application)
    if told.get("revision") == pinned.value:
        return str(told.get("model") or "")
    return str(in_file["model"].value) if pinned is in_file.get("revision") and "model" in in_file else ""
