"""Small charts in the place of the operators' own, which a machine without a network does not have.

Each has the name and version that the repository pins, takes its values, and brings what the repository's monitors and
policies look for: a workload and a Service by the labels that the real chart gives them.
"""

from __future__ import annotations

from pathlib import Path

from modelyard.fetching.references import ChartReference, references
from modelyard.repository import Repository
from tests.charts import archive, cached

_WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {{{{ .Release.Namespace }}}}
  labels: {labels}
spec:
  replicas: {{{{ .Values.replicas | default 1 }}}}
  selector:
    matchLabels: {labels}
  template:
    metadata:
      labels: {labels}
    spec:
      containers:
        - name: controller
          image: registry.k8s.io/pause:3.10.1
          ports: [{{name: metrics, containerPort: 8080}}, {{name: http-metrics, containerPort: 8081}}]
"""

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {{{{ .Release.Namespace }}}}
  labels: {labels}
spec:
  selector: {labels}
  ports:
    - {{name: metrics, port: 8080, targetPort: metrics}}
    - {{name: http-metrics, port: 8081, targetPort: http-metrics}}
"""


def keep(clone: Path) -> list[ChartReference]:
    """Put a chart into the cache for each that a repository names, write `charts.lock`, and return what it names."""
    named = list(references(Repository(clone)).charts)
    lines = ["version: 1", "charts:"]
    for each in named:
        digest = cached(_packed(each))
        lines += [f"  - name: {each.name}", f'    version: "{each.version}"']
        lines += [f"    repository: {each.repository}", f'    digest: "{digest}"']
    (clone / "charts.lock").write_text("\n".join(lines) + "\n")
    return named


def _packed(chart: ChartReference) -> bytes:
    release = "'{{ .Release.Name }}'"
    parts = {"name": chart.name, "instance": release, "part-of": release}
    labels = f"{{{', '.join(f'app.kubernetes.io/{key}: {value}' for key, value in parts.items())}}}"
    files = {
        "values.yaml": "{}\n",
        "templates/deployment.yaml": _WORKLOAD.format(name=release, labels=labels),
        "templates/service.yaml": _SERVICE.format(name=release, labels=labels),
    }
    return archive(chart.name, chart.version, files=files)
