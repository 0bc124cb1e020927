"""Applications that read this repository's folders from another address."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, sources


@rule("argocd/repository-mismatch", error, since="0.1.0")
def repository_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The Application's path is in this repository, but its repoURL names another one, which Argo CD deploys."""
    own = environment.facts.get("repository")
    for manifest in environment.of_kind("Application", "argoproj.io"):
        for source in sources(manifest):
            if environment.is_misaddressed(source):
                # Without the Application's name, for the address is mostly written once for all of them.
                yield Finding(
                    at=manifest.at((*source.path, "repoURL")),
                    message=f"repoURL is {source.repository}, but the path is in this repository, "
                    f"which {environment.folder.facts_file} says is {own}",
                    fix=f"write {own}, or correct `repository` in {environment.folder.facts_file}",
                )
