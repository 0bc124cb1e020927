"""The tables of ready models and features are what the folders say."""

from __future__ import annotations

import sys
from pathlib import Path

from modelyard.tooling import run
from tests.manifests.composition import BASES, OVERLAYS, ROOT, names

SCRIPT = ROOT / "scripts" / "list_menu.py"


def test_the_tables_are_current() -> None:
    completed = run([sys.executable, str(SCRIPT), "--check"], cwd=ROOT, timeout=60)
    assert completed.returncode == 0, completed.stderr


def test_every_overlay_and_every_feature_is_listed() -> None:
    for page, listed in (
        (OVERLAYS / "README.md", names(OVERLAYS)),
        (BASES / "features" / "README.md", names(BASES / "features")),
    ):
        assert [line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("| `")] == listed


def test_an_old_table_is_told(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    for folder in ("scripts", "overlays/one", "bases/features"):
        (root / folder).mkdir(parents=True)
    (root / "scripts" / SCRIPT.name).write_text(SCRIPT.read_text())
    (root / "overlays/one/overlay.yaml").write_text((OVERLAYS / names(OVERLAYS)[0] / "overlay.yaml").read_text())
    completed = run([sys.executable, "scripts/list_menu.py", "--check"], cwd=root, timeout=60)
    assert completed.returncode == 1
    assert "overlays/README.md is old" in completed.stderr
