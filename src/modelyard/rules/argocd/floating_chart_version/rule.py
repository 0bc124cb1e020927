"""Charts whose version is not fixed."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

_VERSION = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


@rule("argocd/floating-chart-version", warning, since="0.1.0")
def floating_chart_version(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With a version range, Argo CD installs the chart's next release without a commit or a review."""
    for application in environment.applications:
        for source in application.sources:
            if source.chart and not _VERSION.fullmatch(source.revision):
                yield Finding(
                    at=application.at((*source.path, "targetRevision")),
                    message=f"chart {source.chart} of {application} has version {source.revision or '(none)'}, "
                    "which is not an exact version",
                    fix="pin the version that runs today, such as 1.2.3",
                )
