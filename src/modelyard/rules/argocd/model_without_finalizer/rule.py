"""Models that stay behind when their Application goes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, to_add, warning
from modelyard.rules import rule
from modelyard.view import Environment

FINALIZER = "resources-finalizer.argocd.argoproj.io"


@rule("argocd/model-without-finalizer", warning, since="0.1.0")
def model_without_finalizer(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without the finalizer, removing a model's Application leaves its pods running on their devices."""
    for application in environment.applications:
        finalizers = application.manifest.get("metadata.finalizers", ())
        if application.is_model and not any(str(each).startswith(FINALIZER) for each in finalizers):
            at = application.at("metadata.finalizers")
            yield Finding(
                at=at,
                message=f"{application} serves a model and has no finalizer, so removing it leaves the model running",
                fix=f"add {FINALIZER} to its finalizers",
                edits=(to_add(at, FINALIZER),),
            )
