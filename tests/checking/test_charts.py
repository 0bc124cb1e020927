"""A chart from the locked cache is rendered by real helm, validated, and joined with the rest."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.repository.locks import local_chart
from modelyard.tooling import ToolTimedOut, find
from pack_charts import main as pack_charts
from tests.charts import archive, cached
from tests.repositories.edits import apply_edits

needs_helm = pytest.mark.skipif(find("helm") is None, reason="helm is not installed: modelyard tools install helm")

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector:
    matchLabels: {app: karpenter}
  template:
    metadata:
      labels: {app: karpenter}
    spec:
      containers:
        - name: controller
          image: public.ecr.aws/karpenter/controller:1.14.1
          EXTRA
"""


def lock_chart(root: Path, extra: str = "") -> None:
    """Put a small chart into the cache under the name of the one that the environment pins."""
    files = {"templates/deployment.yaml": DEPLOYMENT.replace("EXTRA", extra)}
    digest = cached(archive("karpenter", "1.14.1", files=files))
    (root / "charts.lock").write_text(
        "version: 1\n"
        "charts:\n"
        f"  - {{name: karpenter, version: 1.14.1, repository: public.ecr.aws/karpenter, digest: '{digest}'}}\n"
    )


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))


def chart_gaps(root: Path) -> dict[str, str]:
    return {str(gap.subject): gap.reason for gap in check(root).not_checked}


@needs_helm
def test_a_fetched_chart_is_checked_and_counts_its_resources(one_model: Path) -> None:
    without = check(one_model)
    lock_chart(one_model)
    report = check(one_model)
    assert "chart karpenter 1.14.1" not in {str(gap.subject) for gap in report.not_checked}
    assert report.environments[0].resources == without.environments[0].resources + 1


@needs_helm
def test_what_the_server_would_refuse_in_a_chart_is_found_at_its_values(one_model: Path) -> None:
    lock_chart(one_model, extra="imagePullPolice: Always")
    found = [f for f in check(one_model).findings if f.rule == "schema/invalid-resource"]
    assert [f.at.place().file for f in found] == ["environments/dev/platform/karpenter/values.yaml"]
    assert "imagePullPolice" in found[0].message


@needs_helm
def test_a_chart_that_does_not_render_is_an_error_at_the_application(one_model: Path) -> None:
    lock_chart(one_model, extra='{{ fail "settings.clusterName is missing" }}')
    (found,) = [f for f in check(one_model).findings if "clusterName is missing" in f.message]
    assert found.at.place().file == "environments/dev/applications/karpenter.yaml"


@needs_helm
def test_changed_values_render_the_chart_again(one_model: Path) -> None:
    lock_chart(one_model)
    first = check(one_model)
    assert check(one_model).cached_applications == first.applications
    apply_edits(one_model, {"edit": {"environments/dev/platform/karpenter/values.yaml": {"replicas": 3}}})
    again = check(one_model)
    assert again.applications - again.cached_applications == 1


@needs_helm
@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"spec.sources[1].helm.parameters": [{"name": "replicas", "value": "2"}]}, "helm parameters are not rendered"),
        ({"spec.sources[1].helm.valueFiles": ["https://example.com/values.yaml"]}, "are not in this repository"),
        ({"spec.sources[1].helm.valueFiles": ["$other/values.yaml"]}, "no source is called other"),
    ],
)
def test_what_cannot_be_rendered_here_is_not_checked(one_model: Path, edit: dict[str, object], reason: str) -> None:
    lock_chart(one_model)
    apply_edits(one_model, {"edit": {"environments/dev/applications/karpenter.yaml": edit}})
    assert reason in chart_gaps(one_model)["chart karpenter 1.14.1"]


def test_a_chart_whose_archive_was_tampered_with_is_not_used(one_model: Path, tmp_path: Path) -> None:
    lock_chart(one_model)
    (archive,) = (tmp_path / "cache").rglob("*.tgz")
    archive.write_bytes(archive.read_bytes() + b"x")
    assert chart_gaps(one_model)["chart karpenter 1.14.1"] == "not in the cache"


def test_a_chart_that_takes_too_long_costs_its_application_only(
    one_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(archive: Path, **given: object) -> bytes:
        raise ToolTimedOut("helm did not end within 120 s", argv=["helm"])

    lock_chart(one_model)
    monkeypatch.setattr("modelyard.checking.charts.render_chart", late)
    monkeypatch.setattr("modelyard.checking.charts.find", lambda name: True)
    monkeypatch.setattr("modelyard.checking.charts.Charts._key", lambda self, job, apis: "key")
    report = check(one_model, CheckOptions(backend="processes"))
    assert {gap.reason for gap in report.not_checked if gap.application == "karpenter"} >= {
        "helm did not end within 120 s"
    }
    assert report.environments[0].resources > 0


def test_a_chart_that_renders_to_a_bomb_is_an_error_of_its_application(
    one_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40))
    lock_chart(one_model)
    monkeypatch.setattr("modelyard.checking.charts.render_chart", lambda archive, **given: bomb)
    monkeypatch.setattr("modelyard.checking.charts.find", lambda name: True)
    monkeypatch.setattr("modelyard.checking.charts.Charts._key", lambda self, job, apis: "key")
    report = check(one_model, CheckOptions(backend="processes"))
    assert [each.message for each in report.findings if "karpenter 1.14.1" in each.message] == [
        "the output of chart karpenter 1.14.1 has YAML aliases that stand for more than 100,000 values"
    ]


def test_a_chart_packed_from_sources_is_rendered_and_said_to_be_local(one_model: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources/charts/karpenter"
    (sources / "templates").mkdir(parents=True)
    (sources / "Chart.yaml").write_text("apiVersion: v2\nname: karpenter\nversion: 1.13.0\n")
    (sources / "templates/deployment.yaml").write_text(DEPLOYMENT.replace("EXTRA", ""))
    without = check(one_model)
    assert pack_charts([str(tmp_path / "sources"), "--as", "karpenter=1.14.1"]) == 0
    report = check(one_model)
    assert report.environments[0].resources == without.environments[0].resources + 1
    assert "packed on this machine" in chart_gaps(one_model)["chart karpenter 1.14.1"]
    assert not (one_model / "charts.lock").exists()
    lock_chart(one_model, extra="imagePullPolicy: Always")  # what is fetched wins
    assert "chart karpenter 1.14.1" not in chart_gaps(one_model)


def test_sources_are_packed_without_what_their_helmignore_names(tmp_path: Path) -> None:
    for chart, ignored in (("web", "ci/\n"), ("web/charts/redis", "/notes.yaml\n")):
        folder = tmp_path / chart
        for name in ("ci/values.yaml", "templates/web.yaml", "notes.yaml"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("")
        (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {folder.name}\nversion: 1.0.0\n")
        (folder / ".helmignore").write_text(ignored)
    assert pack_charts([str(tmp_path)]) == 0
    archive = local_chart("web", "1.0.0")
    assert archive is not None
    with tarfile.open(archive) as content:
        names = [name.removeprefix("web/") for name in content.getnames() if not name.endswith(".helmignore")]
    assert names == [
        "Chart.yaml",
        "charts/redis/Chart.yaml",
        "charts/redis/ci/values.yaml",
        "charts/redis/templates/web.yaml",
        "notes.yaml",
        "templates/web.yaml",
    ]


def test_sources_without_what_they_depend_on_are_not_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.0.0}]\n"
    (tmp_path / "Chart.yaml").write_text(chart)
    assert pack_charts([str(tmp_path)]) == 1
    assert "depends on redis" in capsys.readouterr().err
