"""Custom resources that are tried before their definition is there."""

from collections.abc import Iterator

from modelyard.cluster import NATIVE_GROUPS, Application, Environment, Thing, listed
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule

OPTION = "SkipDryRunOnMissingResource=true"
ANNOTATION = "argocd.argoproj.io/sync-options"

# Served by every EKS cluster, or by the Argo CD that does the sync.
_ALWAYS_THERE = frozenset(
    {"argoproj.io", "crd.k8s.amazonaws.com", "vpcresources.k8s.aws", "networking.k8s.aws", "eks.amazonaws.com"}
)


@rule("argocd/dry-run-without-definition", error, since="0.1.0")
def dry_run_without_definition(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A sync whose dry run meets a kind that the cluster does not know yet fails as a whole."""
    # Repositories that the template did not make may leave definitions to whoever made the cluster.
    is_ours = bool(environment.folder.path)
    brought = {each for one in environment.applications for each in _defined(one)}
    for application in environment.applications:
        if OPTION in listed(application.thing.value, "spec", "syncPolicy", "syncOptions"):
            continue
        own = _defined(application)
        for thing in application.own_resources:
            if thing.group in NATIVE_GROUPS | _ALWAYS_THERE or (thing.group, thing.kind) in own:
                continue
            if OPTION not in _options(thing) and (is_ours or (thing.group, thing.kind) in brought):
                yield Finding(
                    at=thing.at(("metadata", "annotations", ANNOTATION)),
                    message=f"{thing} of {application} needs the definition of {thing.kind} ({thing.group}), "
                    f"which another Application brings, and lacks {OPTION}",
                    fix=f'add the annotation {ANNOTATION}: "{",".join((*_options(thing), OPTION))}"',
                )


def _options(thing: Thing) -> list[str]:
    return [option.strip() for option in str(thing.annotations.get(ANNOTATION) or "").split(",") if option.strip()]


def _defined(application: Application) -> set[tuple[str, str]]:
    """Return group and kind of the definitions that the Application brings itself, which Argo CD applies first."""
    return {
        (str(thing.get("spec.group", "")), str(thing.get("spec.names.kind", "")))
        for thing in application.resources
        if thing.kind == "CustomResourceDefinition"
    }
