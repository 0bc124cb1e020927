"""Applications that follow another revision than their environment says."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

_USUAL = {"main", "master"}


@rule("argocd/revision-mismatch", warning, since="0.1.0")
def revision_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD deploys `targetRevision`; people and `promote` read the revision in `environment.yaml`."""
    told, own = environment.facts.get("revision"), environment.facts.get("repository")
    if not told or not own:
        return
    for application in environment.applications:
        for source in application.sources:
            if source.chart or source.repository != own or not source.revision or source.revision == str(told):
                continue
            # Without the Application's name, for the revision is mostly written once for all of them.
            yield Finding(
                at=application.manifest.at((*source.path, "targetRevision")),
                message=f"targetRevision of this repository is {source.revision}, "
                f"but {environment.folder.facts_file} says {told}",
                fix=f"write {told}, or correct `revision` in {environment.folder.facts_file}; "
                "`modelyard promote` writes both",
            )
    for manifest in environment.bootstrap:
        # The root follows a branch whatever its Applications follow: only the branch's other usual name is a slip.
        revision = str(manifest.get("spec.source.targetRevision") or "")
        if manifest.kind == "Application" and {revision, str(told)} == _USUAL:
            yield Finding(
                at=manifest.at("spec.source.targetRevision"),
                message=f"targetRevision of {manifest} is {revision}, but {environment.folder.facts_file} says {told}",
                fix=f"write {told}",
            )
