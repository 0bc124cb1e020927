"""What a chart's archive renders to, by helm, as Argo CD renders it: without a cluster and without a network."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from modelyard.findings import UserError
from modelyard.tooling.brief import brief_run
from modelyard.tooling.executables import require
from modelyard.tooling.processes import Completed, run
from modelyard.tooling.words import NotAName, absolute, one_of_a_list, release_name

_SECONDS = 120.0


class ChartFailed(UserError):
    """A chart does not render with these values."""


def render_chart(
    archive: Path,
    *,
    release: str,
    namespace: str,
    kubernetes_version: str,
    value_files: Sequence[Path] = (),
    values: Mapping[str, Any] | None = None,
    api_versions: Sequence[str] = (),
    skip_crds: bool = False,
) -> bytes:
    """Return the manifests of a chart as a stream of YAML documents.

    Args:
        archive: The chart's archive, with the charts that it depends on inside.
        release: Name of the release.
        namespace: Namespace of the release.
        kubernetes_version: Full version that the chart is told, such as `1.35.6`.
        value_files: Files with values; a later one wins.
        values: Values on top of the files, as `valuesObject` of an Application gives them.
        api_versions: API versions, as `group/version` or `group/version/Kind`, that the chart is told are there.
        skip_crds: Whether to leave out the definitions in the chart's `crds` folder.

    Raises:
        ToolMissing: helm is not installed.
        ChartFailed: The chart does not render; says what helm says.
    """
    helm = str(require("helm").path)
    try:
        name = release_name(release)
    except NotAName as error:
        raise ChartFailed(error.message, fix=error.fix) from None
    with tempfile.TemporaryDirectory(prefix="modelyard-helm-") as scratch:
        files = list(value_files)
        if values:
            own = Path(scratch) / "values.json"  # JSON is YAML, and helm reads values as YAML
            own.write_bytes(orjson.dumps(values))
            files.append(own)
        argv = [helm, "template", f"--namespace={namespace}", f"--kube-version={kubernetes_version}"]
        argv.append("--skip-crds" if skip_crds else "--include-crds")
        argv += [f"--values={one_of_a_list(file)}" for file in files]
        argv += [f"--api-versions={version}" for version in api_versions]
        argv += ["--", name, absolute(archive)]
        # Plugins, repositories and clusters of whoever runs this have no say in what is rendered.
        homes = {f"HELM_{name}_HOME": str(Path(scratch) / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        completed = run(
            argv, timeout=_SECONDS, env={**homes, **brief_run(), "HELM_PLUGINS": None, "KUBECONFIG": "/dev/null"}
        )
    if completed.returncode != 0:
        raise ChartFailed(
            f"{archive_name(archive, release)} does not render: {_complaint(completed)}",
            fix=f"run it by hand to see more: helm template {release} {archive} --debug, with the same values",
        )
    return completed.stdout


def archive_name(archive: Path, release: str) -> str:
    """Return how messages name a chart: the cache's file names say nothing."""
    return f"the chart of release {release}" if archive.name.startswith("content") else archive.name


def _complaint(completed: Completed) -> str:
    lines = [line.strip() for line in completed.stderr.splitlines() if line.strip()]
    told = next(
        (line for line in reversed(lines) if line.startswith("Error:")), lines[-1] if lines else "helm says nothing"
    )
    return told.removeprefix("Error: ")[:600]
