"""Platform components that would take the cluster's foundations along."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.applications import COMPONENT_LABEL, PLATFORM

FINALIZER = "resources-finalizer.argocd.argoproj.io"


@rule("argocd/platform-with-finalizer", warning, since="0.1.0")
def platform_with_finalizer(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With a finalizer, removing a platform component's Application deletes its CRDs and node pools."""
    for application in environment.applications:
        if application.manifest.labels.get(COMPONENT_LABEL) != PLATFORM:
            continue
        finalizers = application.manifest.get("metadata.finalizers", ())
        for index, finalizer in enumerate(finalizers if isinstance(finalizers, list) else ()):
            if str(finalizer).startswith(FINALIZER):
                yield Finding(
                    at=application.at(("metadata", "finalizers", index)),
                    message=f"{application} is a platform component with a finalizer: "
                    "if the Application is removed or renamed, Argo CD deletes everything it deployed",
                    fix="remove the finalizer; scripts/cleanup.sh removes a component on purpose",
                )
