"""What Helm leaves out of a chart's folder, by the lines of `.helmignore`."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.repository import Files
from modelyard.repository.helmignore import RefusedPattern, files_of_chart, read_helmignore

# Lines, a path below the chart's folder, whether Helm leaves it out. Paths that end with a slash are folders.
# Read from pkg/ignore/rules.go of Helm v4.2.1.
CASES = [
    ("", "templates/web.yaml", False),
    ("", "templates/.hidden", True),
    ("# ci/", "ci/", False),
    ("ci/", "ci/", True),
    ("ci/", "ci", False),  # a file of that name is no folder
    ("ci/", "templates/ci/", True),  # without another slash, at every depth
    ("*.gotmpl", "README.md.gotmpl", True),
    ("*.gotmpl", "templates/x.gotmpl", True),
    ("/*.tgz", "web-1.0.0.tgz", True),
    ("/*.tgz", "charts/redis-1.0.0.tgz", False),
    ("files/dashboards/", "files/dashboards/", True),
    ("files/dashboards/", "more/files/dashboards/", False),
    ("templates/*.md", "templates/crds/README.md", False),  # a star stays in its folder
    ("te?t", "test", True),
    ("[a-c].yaml", "b.yaml", True),
    ("[^a-c].yaml", "b.yaml", False),
    ("[^a-c].yaml", "x.yaml", True),
    ("\\*.yaml", "*.yaml", True),
    ("\\*.yaml", "x.yaml", False),
    ("!keep.yaml", "keep.yaml", False),
    ("!keep.yaml", "other.yaml", True),  # unlike Git: what does not match is left out
    ("!keep.yaml\nkeep.*", "keep.yaml", True),
]


@pytest.mark.parametrize(("lines", "path", "left_out"), CASES)
def test_lines_are_read_as_helm_reads_them(lines: str, path: str, left_out: bool) -> None:
    found = read_helmignore(lines).leaves_out(path.rstrip("/"), is_folder=path.endswith("/"))
    assert found is left_out


@pytest.mark.parametrize("line", ["a/**/b", "[a", "a\\"])
def test_what_helm_refuses_is_refused(line: str) -> None:
    with pytest.raises(RefusedPattern, match="helmignore"):
        read_helmignore(line)


def test_the_files_of_a_chart(tmp_path: Path) -> None:
    for name in ("Chart.yaml", "ci/values.yaml", "templates/web.yaml", "templates/.swp", "crds/a.yaml"):
        (tmp_path / "web" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "web" / name).write_text("")
    (tmp_path / "web/.helmignore").write_text("ci/\n.helmignore\n")
    assert list(files_of_chart(Files(tmp_path), "web")) == [
        "web/Chart.yaml",
        "web/crds/a.yaml",
        "web/templates/web.yaml",
    ]
