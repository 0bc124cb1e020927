"""Dashboards that Grafana does not load."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import plural
from modelyard.view import Environment, LineAddress, Manifest, dashboards

_CHART = "kube-prometheus-stack"


@rule("metrics/unlisted-dashboard", warning, since="0.1.0", absence="object")
def unlisted_dashboard(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Grafana's sidecar loads only ConfigMaps with its label; a dashboard without it does not appear."""
    for values in environment.chart_values:
        if values.source.chart != _CHART or values.get("grafana.enabled", True) is False:
            continue
        label = str(values.get("grafana.sidecar.dashboards.label", "grafana_dashboard"))
        lost = [manifest for manifest, _ in dashboards(environment) if label not in manifest.labels]
        if lost:
            others = f" and {plural(len(lost) - 1, 'other')}" if len(lost) > 1 else ""
            yield Finding(
                at=_where(lost[0]),
                message=f"{lost[0]}{others} hold dashboards but do not have the label {label}, by which "
                "Grafana finds them",
                fix=f'add the label {label}: "1"',
            )


def _where(manifest: Manifest) -> Address:
    """Return the generator that makes a ConfigMap; the ConfigMap where it is written out."""
    origin, files = manifest.resource.origin, manifest.repository.files
    written = f"name: {manifest.name}"
    if origin and files.is_file(origin) and written in files.text(origin):
        return LineAddress(files, origin, sought=(written,))
    return manifest.at("metadata.labels", key=True)
