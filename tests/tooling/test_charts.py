import io
import tarfile
from pathlib import Path

import pytest
import yaml

from modelyard.tooling import find
from modelyard.tooling.charts import ChartFailed, render_chart

pytestmark = pytest.mark.skipif(
    find("helm") is None, reason="helm is not installed; run `modelyard tools install helm` (it takes minutes)"
)

FILES = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.2.3\nkubeVersion: '>=1.30.0-0'\n",
    "values.yaml": "size: 1\nname: unset\nbroken: false\n",
    "crds/widgets.yaml": """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: a.b.c}
""",
    "templates/map.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-map", namespace: "{{ .Release.Namespace }}"}
data:
  size: "{{ .Values.size }}"
  name: "{{ .Values.name }}"
  kubernetes: "{{ .Capabilities.KubeVersion.Version }}"
  monitored: "{{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}"
  found: "{{ len (lookup "v1" "Namespace" "" "") }}"
{{- if .Values.broken }}
{{ fail "broken must be false" }}
{{- end }}
""",
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    path = tmp_path / "web-1.2.3.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in FILES.items():
            member = tarfile.TarInfo(f"web/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def rendered(output: bytes) -> dict[str, dict[str, object]]:
    return {each["kind"]: each for each in yaml.safe_load_all(output) if each}


def test_a_chart_renders_with_its_values_in_order(chart: Path, tmp_path: Path) -> None:
    for name, text in (("base.yaml", "size: 2\nname: base\n"), ("own.yaml", "size: 3\n")):
        (tmp_path / name).write_text(text)
    files = [tmp_path / "base.yaml", tmp_path / "own.yaml"]
    found = rendered(
        render_chart(
            chart,
            release="r",
            namespace="n",
            kubernetes_version="1.35.6",
            value_files=files,
            values={"name": "object"},
            api_versions=["monitoring.coreos.com/v1"],
        )
    )
    assert found["ConfigMap"]["metadata"] == {"name": "r-map", "namespace": "n"}
    assert found["ConfigMap"]["data"] == {
        "size": "3",
        "name": "object",
        "kubernetes": "v1.35.6",
        "monitored": "true",
        "found": "0",
    }
    assert "CustomResourceDefinition" in found


def test_definitions_can_be_left_out(chart: Path) -> None:
    output = render_chart(chart, release="r", namespace="n", kubernetes_version="1.35.6", skip_crds=True)
    assert set(rendered(output)) == {"ConfigMap"}


def test_what_helm_says_is_told(chart: Path) -> None:
    with pytest.raises(ChartFailed, match=r"web-1\.2\.3\.tgz does not render: .*broken must be false"):
        render_chart(chart, release="r", namespace="n", kubernetes_version="1.35.6", values={"broken": True})


def test_a_kubernetes_version_that_the_chart_refuses(chart: Path) -> None:
    with pytest.raises(ChartFailed, match=r"incompatible with Kubernetes v1\.20\.0"):
        render_chart(chart, release="r", namespace="n", kubernetes_version="1.20.0")


def test_a_file_that_is_no_chart(tmp_path: Path) -> None:
    (tmp_path / "content.tgz").write_bytes(b"nothing")
    with pytest.raises(ChartFailed, match="the chart of release r does not render"):
        render_chart(tmp_path / "content.tgz", release="r", namespace="n", kubernetes_version="1.35.6")


@pytest.mark.parametrize(
    "release",
    ["--output-dir={}", "--set-file=a=/etc/passwd", "--post-renderer={}", "-h", "-", "", "A", "a/b", "a b", "x" * 54],
)
def test_a_release_s_name_is_no_option(chart: Path, tmp_path: Path, release: str) -> None:
    outside = tmp_path / "outside"
    with pytest.raises(ChartFailed, match="no name of a Helm release"):
        render_chart(chart, release=release.format(outside), namespace="n", kubernetes_version="1.35.6")
    assert not outside.exists()


@pytest.mark.parametrize("name", ["namespace", "kubernetes_version", "api_versions"])
def test_what_else_a_file_says_is_no_option_either(chart: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    word = f"--output-dir={outside}"
    given = {"release": "r", "namespace": "n", "kubernetes_version": "1.35.6"}
    try:
        output = render_chart(chart, **{**given, name: [word] if name == "api_versions" else word})  # type: ignore[arg-type]
    except ChartFailed as failed:
        assert name == "kubernetes_version" and "output-dir" in failed.message
    else:
        assert b"kind: ConfigMap" in output
    assert not outside.exists()


def test_a_comma_in_a_path_names_no_second_file_of_values(chart: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: stolen\n")
    file = tmp_path / f"own.yaml,{secret}"
    file.parent.mkdir(parents=True)
    file.write_text("name: own\n")
    (tmp_path / "own.yaml").write_text("name: first\n")
    (found,) = (
        each
        for each in yaml.safe_load_all(
            render_chart(chart, release="r", namespace="n", kubernetes_version="1.35.6", value_files=[file])
        )
        if each["kind"] == "ConfigMap"
    )
    assert found["data"]["name"] == "own"
