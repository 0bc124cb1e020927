"""Resources that the API server would refuse."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.schemas import older_definitions
from modelyard.view import Environment


@rule("schema/invalid-resource", error, since="0.1.0")
def invalid_resource(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A resource that breaks its schema, or a rule of its definition, is refused, and its Application does not sync."""
    for manifest in environment.resources:
        verdict = manifest.resource.verdict
        if verdict is None or verdict.status == "no-schema":
            continue  # whoever validates says which kinds were not checked
        for problem in verdict.problems:
            said, _, remedy = problem.message.partition("; ")
            is_unknown = said.startswith("unknown field") or " has no field " in said
            # The line is that of a value, which may have another name than the field of the chart's resource.
            older = older_definitions(manifest.group) if is_unknown and not remedy else ""
            if older:
                reason = f"{said}, by definitions of {older}; a newer version may have it"
                yield NotChecked(f"{manifest}", reason, application=manifest.application)
                continue
            where = f"{problem.path}: " if manifest.resource.chart and problem.path and problem.path not in said else ""
            yield Finding(
                at=manifest.at(problem.path, key=is_unknown),
                message=f"{manifest}: {where}{said}",
                fix=remedy or _served(said) or "correct it as the API reference of the kind has it",
            )


def _served(said: str) -> str:
    """Return what to write for a version of an API that the cluster does not serve."""
    versions = said.partition(" is served as ")[2].partition(", not as ")[0]
    return f"write apiVersion: {versions.rpartition(' and ')[2]}" if versions else ""
