"""Generators of Applications that find nothing in this repository."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, git_generators


@rule("argocd/generator-without-match", error, since="0.1.0")
def generator_without_match(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Git generator whose patterns match nothing creates no Application, and deletes the ones it created before."""
    files = environment.repository.files
    for generator in git_generators(environment):
        wanted = [(index, pattern) for index, pattern, left_out in generator.patterns if not left_out]
        if not wanted or generator.found(files):
            continue
        index, pattern = wanted[0]
        kind = "folder" if generator.field == "directories" else "file"
        yield Finding(
            at=generator.manifest.at((*generator.path, generator.field, index, "path")),
            message=f"{generator.manifest} creates an Application for each {kind} {pattern}, but none matches",
            fix=_near(environment, pattern) or "use a pattern that matches existing folders; `*` matches one level",
        )


def _near(environment: Environment, pattern: str) -> str:
    """Return what the first part that is not there may have meant."""
    above = ""
    for part in pattern.split("/"):
        if "*" in part:
            return ""
        path = f"{above}/{part}" if above else part
        if not environment.repository.files.is_folder(path):
            near = nearest(part, environment.repository.files.under(above))
            return f"did you mean {near} for {part}" if near else ""
        above = path
    return ""
