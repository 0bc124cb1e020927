"""Large, broken, hostile and moved files, through the whole comparison."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard.diffing import Comparison, Kind, markdown, text
from modelyard.findings import Severity
from modelyard.reporting import Presentation
from tests.diffing.conftest import CHAT, SETTINGS, Changed, git

VERSIONS = "environments/dev/versions/kustomization.yaml"
STUB = "environments/dev/applications/chat.yaml"
CONFLICT = "<<<<<<< HEAD\n{0}=======\n{0}>>>>>>> topic\n"
ESCAPE = "\\x1B[31m"  # as YAML writes it: a terminal would turn red


def comments(comparison: Comparison) -> list[str]:
    return [markdown.comment(each, comparison) for each in comparison.environments if each.differs]


def plain(comparison: Comparison) -> str:
    stream = io.StringIO()
    text.write(comparison, stream, Presentation())
    return stream.getvalue()


def generator(name: str, file: str) -> str:
    return f"configMapGenerator:\n  - name: {name}\n    files: [{file}]\n"


def diff(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "modelyard", "diff", *words],
        cwd=root,
        env={**os.environ, "NO_COLOR": "1", "LANG": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("lines", ["rewritten", "one"])
def test_a_config_map_of_ten_thousand_lines_makes_a_comment_that_a_host_takes(changed: Changed, lines: str) -> None:
    numbers = range(10_000)
    changed.write("environments/dev/models/chat/table.csv", "".join(f"line {each}, value\n" for each in numbers))
    changed.replace(CHAT, "patches:\n", generator("table", "table.csv") + "patches:\n")
    changed.commit("table")
    factor = 7 if lines == "rewritten" else 1
    after = "".join(f"line {each * factor % 10_007}, value\n" for each in numbers)
    changed.write("environments/dev/models/chat/table.csv", after.replace("line 5000,", "line five thousand,"))
    comparison = changed.compare("table")
    (chat,) = comparison.environments[0].applications
    (table,) = [each for each in chat.resources if each.resource_kind == "ConfigMap"]
    assert (table.kind, table.name) == (Kind.CHANGED, "table")
    (comment,) = comments(comparison)
    assert len(comment) <= markdown.LIMIT
    assert "ConfigMap table &#40;changed&#41;" in comment
    assert "line five thousand" in comment or lines == "rewritten"
    assert len(plain(comparison).splitlines()) < 150


def test_a_new_config_map_of_ten_thousand_lines_is_cut_with_a_word(changed: Changed) -> None:
    table = "".join(f"line {number}, {'x' * 40}\n" for number in range(10_000))
    changed.write("environments/dev/models/chat/table.csv", table)
    changed.replace(CHAT, "patches:\n", generator("table", "table.csv") + "patches:\n")
    (comment,) = comments(changed.compare())
    assert len(comment) <= markdown.LIMIT
    assert re.search(r"^\+ … 9,\d{3} more lines$", comment, re.MULTILINE)


def test_a_hostile_value_of_a_real_repository_stays_text(changed: Changed) -> None:
    hostile = f"]({ESCAPE}@acme/team <img src=x onerror=alert(1)> ``` <!-- modelyard:prod --> | \\u202Ecell"
    changed.replace(
        CHAT,
        "patches:\n",
        f'configMapGenerator:\n  - name: words\n    literals: ["x={hostile}"]\n'
        f'commonAnnotations:\n  example.com/note: "{hostile}"\npatches:\n',
    )
    comparison = changed.compare()
    (comment,) = comments(comparison)
    assert comment.count("<!--") == 1
    outside = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", comment)
    for part in ("@acme", "<img", "](", "\x1b", "\u202e"):
        assert part not in outside
    for shown in (comment, plain(comparison)):
        assert "\x1b" not in shown and "\u202e" not in shown
        assert "acme/team" in shown, "it is shown, inert"


def test_hostile_names_of_a_real_repository_stay_text(changed: Changed) -> None:
    name = "<img src=x> @acme | `x` [a](https://b.example)"
    changed.write(
        "environments/dev/models/chat/extra.yaml", f'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "{name}"\n'
    )
    changed.replace(CHAT, "resources:\n", "resources:\n  - extra.yaml\n")
    (comment,) = comments(changed.compare())
    outside = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", comment)
    for part in ("@acme", "<img", "](https", "`x`"):
        assert part not in outside


@pytest.mark.parametrize(
    "path",
    [
        SETTINGS,
        "environments/dev/environment.yaml",
        STUB,
        VERSIONS,
        "modelyard.yaml",
    ],
)
def test_conflict_markers_are_said_with_their_file(changed: Changed, path: str) -> None:
    good = (changed.root / path).read_text() if (changed.root / path).exists() else "a: 1\n"
    changed.write(path, CONFLICT.format(good))
    done = diff(changed.root, "base", "--findings", "--quiet")
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert path in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    changed.commit("conflict")
    changed.write(path, good)
    mended = diff(changed.root, "conflict", "--quiet")
    assert mended.returncode in (0, 2), mended.stdout + mended.stderr
    assert "Traceback" not in mended.stderr


def test_two_sides_that_do_not_render_are_said_and_the_rest_is_compared(changed: Changed) -> None:
    changed.replace(CHAT, "resources:\n", "resources:\n  - missing.yaml\n")
    changed.commit("broken")
    changed.replace(CHAT, "missing.yaml", "lost.yaml")
    changed.replace("bases/platform/karpenter/pools/gpu.yaml", "            - g6e\n", "")
    comparison = changed.compare("broken")
    (dev,) = comparison.environments
    assert "karpenter" in {each.name for each in dev.applications}
    said = plain(comparison)
    assert "lost.yaml" in said
    # What was broken before is not what this change breaks; a check finds it.
    assert comparison.incomplete and not comparison.fails(Severity.ERROR)


def test_a_renamed_overlay_changes_nothing_in_a_cluster(changed: Changed) -> None:
    overlays = changed.root / "overlays"
    (overlays / "qwen3-1-7b-vllm-gpu").rename(overlays / "small-vllm-gpu")
    for file in (CHAT, STUB):
        changed.replace(file, "overlays/qwen3-1-7b-vllm-gpu", "overlays/small-vllm-gpu")
    (dev,) = changed.compare().environments
    resources = [each for application in dev.applications for each in application.resources]
    # Argo CD is told other folders to watch; nothing that runs is another.
    assert {each.resource_kind for each in resources} <= {"Application"}
    assert not [each for application in dev.applications for each in application.restarts]


def test_a_model_whose_folder_moves_under_its_name_goes_on(changed: Changed) -> None:
    shutil.move(changed.root / "environments/dev/models/chat", changed.root / "environments/dev/models/moved")
    changed.replace(STUB, "models/chat", "models/moved")
    (chat,) = changed.dev().applications
    assert chat.kind is Kind.CHANGED
    assert {each.resource_kind for each in chat.resources} == {"Application"}
    assert not chat.restarts


@pytest.mark.parametrize("sides", ["base", "gone..base"])
def test_the_last_environment_goes_or_comes(changed: Changed, sides: str) -> None:
    shutil.rmtree(changed.root / "environments")
    changed.commit("gone")
    (dev,) = changed.compare("base..gone" if sides == "base" else sides).environments
    assert dev.kind is (Kind.REMOVED if sides == "base" else Kind.ADDED)
    (comment,) = comments(changed.compare("base..gone" if sides == "base" else sides))
    assert comment.startswith("<!-- modelyard:dev -->\n")


def test_settings_that_are_no_text_are_said(changed: Changed) -> None:
    (changed.root / SETTINGS).write_bytes(b"model: \xff\xfe\x00\n")
    assert f"{SETTINGS} is not UTF-8 text" in plain(changed.compare())


def test_a_shallow_clone_without_the_base_says_what_brings_it(changed: Changed, tmp_path: Path) -> None:
    changed.replace(SETTINGS, "max-model-len: 16384", "max-model-len: 8192")
    changed.commit("head")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{changed.root}", "shallow")
    for sides in ("origin/base..HEAD", "HEAD~1..HEAD", "HEAD~1"):
        done = diff(tmp_path / "shallow", sides)
        assert done.returncode == 2, done.stdout
        assert "is not in this clone" in done.stderr and "git fetch" in done.stderr
