"""Custom resources that are tried before their definition is there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error, to_set
from modelyard.rules import rule
from modelyard.view import NATIVE_GROUPS, Application, Environment, Manifest, listed

OPTION = "SkipDryRunOnMissingResource=true"
ANNOTATION = "argocd.argoproj.io/sync-options"

# Served by every EKS cluster, or by the Argo CD that does the sync.
_ALWAYS_THERE = frozenset(
    {"argoproj.io", "crd.k8s.amazonaws.com", "vpcresources.k8s.aws", "networking.k8s.aws", "eks.amazonaws.com"}
)


@rule("argocd/dry-run-without-definition", error, since="0.1.0", absence="object")
def dry_run_without_definition(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD's dry run fails the whole sync when the cluster does not have the CRD of one resource yet."""
    # Repositories that the template did not make may leave definitions to whoever made the cluster.
    is_ours = bool(environment.folder.path)
    brought = {each for one in environment.applications for each in _defined(one)}
    for application in environment.applications:
        if OPTION in listed(application.manifest.value, "spec", "syncPolicy", "syncOptions"):
            continue
        own = _defined(application)
        for manifest in application.own_resources:
            if manifest.group in NATIVE_GROUPS | _ALWAYS_THERE or (manifest.group, manifest.kind) in own:
                continue
            if OPTION not in _options(manifest) and (is_ours or (manifest.group, manifest.kind) in brought):
                at = manifest.at(("metadata", "annotations", ANNOTATION))
                options = ",".join((*_options(manifest), OPTION))
                yield Finding(
                    at=at,
                    message=f"{manifest} of {application} needs the CRD of {manifest.kind} ({manifest.group}), "
                    f"which another Application installs, but does not have {OPTION}",
                    fix=f'add the annotation {ANNOTATION}: "{options}"',
                    edits=(to_set(at, options),),
                )


def _options(manifest: Manifest) -> list[str]:
    return [option.strip() for option in str(manifest.annotations.get(ANNOTATION) or "").split(",") if option.strip()]


def _defined(application: Application) -> set[tuple[str, str]]:
    """Return group and kind of the definitions that the Application brings itself, which Argo CD applies first."""
    return {
        (str(manifest.get("spec.group", "")), str(manifest.get("spec.names.kind", "")))
        for manifest in application.resources
        if manifest.kind == "CustomResourceDefinition"
    }
