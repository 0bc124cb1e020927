"""`modelyard report`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.diffing.conftest import SETTINGS, Changed

from .conftest import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def worse(one_model: Path) -> Path:
    """A repository with a commit `base`, and a model since that no device can split."""
    changed = Changed(one_model)
    changed.replace(SETTINGS, "tensor-parallel-size: 1", "tensor-parallel-size: 3")
    return one_model


@pytest.mark.slow
def test_what_changed_since_a_revision_is_part_of_the_page(modelyard: Run, worse: Path, tmp_path: Path) -> None:
    told = json.loads(modelyard("report", str(worse), "--since", "base", "--json").out)
    (dev,) = told["changes"]["environments"]
    assert told["changes"]["base"] == "base" and "new error" in dev["outcome"]
    assert "fit/indivisible-attention-heads" in {each["rule"] for each in dev["new-findings"]}
    (chat,) = dev["applications"]
    assert chat["name"] == "chat" and chat["restarts"]
    assert all("manifest" not in resource for resource in chat["resources"])
    fields = [field for resource in chat["resources"] for field in resource["fields"]]
    assert any("tensor-parallel-size" in str(field) for field in fields)

    page = tmp_path / "report.html"
    outcome = modelyard("report", str(worse), "--since", "base", "-o", str(page))
    assert outcome.code == 1 and "is written" in outcome.out
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on PATH: the page is written, and not drawn")
    shown = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    drawn = shown.split('id="changes"', 1)[1].split("<section", 1)[0]
    assert "Changes since base" in drawn and dev["outcome"] in drawn and "fit/indivisible-attention-heads" in drawn


def test_a_page_without_a_revision_has_no_changes(modelyard: Run, one_model: Path) -> None:
    told = json.loads(modelyard("report", str(one_model), "--json").out)
    assert told["changes"] is None


def test_a_revision_that_is_missing_is_told(modelyard: Run, worse: Path, tmp_path: Path) -> None:
    outcome = modelyard("report", str(worse), "--since", "nothing", "-o", str(tmp_path / "report.html"))
    assert outcome.code == 2 and "nothing" in outcome.err
    assert not (tmp_path / "report.html").exists()
