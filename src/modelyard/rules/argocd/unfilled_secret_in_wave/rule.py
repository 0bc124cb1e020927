"""Secrets whose values people bring, in a wave that others come after."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, to_set, warning
from modelyard.graph import IGNORED_HEALTH, Waves
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, listed, mapping


@rule("argocd/unfilled-secret-in-wave", warning, since="0.1.0")
def unfilled_secret_in_wave(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Until the secret has a value, the ExternalSecret is Degraded, its wave fails, and later waves are not applied."""
    waves = Waves(environment)
    last = max((waves.number(each.manifest) for each in environment.applications), default=0)
    unknown: set[str] = set()
    for manifest in environment.of_kind("ExternalSecret", "external-secrets.io"):
        application = environment.application_by_name.get(manifest.application)
        if application is None or waves.number(application.manifest) >= last or not _is_read_from_a_store(manifest):
            continue
        if str(manifest.annotations.get(IGNORED_HEALTH)) == "true" or waves.wait_for_health is False:
            continue
        if waves.wait_for_health is None:
            unknown.add(application.name)
            continue
        at = manifest.at(("metadata", "annotations", IGNORED_HEALTH))
        yield Finding(
            at=at,
            message=f"{manifest} is Degraded until its secret has a value, and waves after {application} wait for it",
            fix=f'add the annotation {IGNORED_HEALTH}: "true"; only the pods that use the Secret wait for it',
            edits=(to_set(at, "true"),),
        )
    for name in sorted(unknown):
        yield NotChecked(
            f"secrets of application {name}",
            "whether Argo CD waits for Applications between waves depends on settings outside this repository",
        )


def _is_read_from_a_store(manifest: Manifest) -> bool:
    """Return whether the value is somebody's to bring; what a generator makes is there at once."""
    sources = [
        mapping(each, "sourceRef") for each in listed(manifest.value, "spec", "dataFrom") if isinstance(each, dict)
    ]
    return bool(listed(manifest.value, "spec", "data")) or any("generatorRef" not in each for each in sources)
