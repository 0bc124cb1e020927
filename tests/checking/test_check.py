"""A check from files to a report, on the real template's output."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from make_fleet import grown
from modelyard.checking import CheckOptions, check
from modelyard.editing import Changes, tried
from modelyard.findings import ExitCode, Report, Severity, UserError
from modelyard.reporting import Presentation
from modelyard.reporting.json_v1 import report_v1
from modelyard.reporting.merging import merged, read_part
from modelyard.repository.trust import made_here
from tests.repositories.edits import apply_edits

Write = Callable[[dict[str, str]], Path]

SETTINGS = "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"


def test_second_check_renders_nothing(one_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    first, second = check(one_model), check(one_model)
    assert first.applications > 3
    assert (first.cached_applications, second.cached_applications) == (0, first.applications)
    assert [f.message for f in first.findings] == [f.message for f in second.findings]
    assert [str(g.subject) for g in first.not_checked] == [str(g.subject) for g in second.not_checked]


def test_only_what_changed_is_rendered_again(one_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    check(one_model)
    apply_edits(one_model, {"edit": {SETTINGS: {"max-model-len": 2048}}})
    again = check(one_model)
    assert again.applications - again.cached_applications == 1


def test_damaged_cache_entry_counts_as_absent(one_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    first = check(one_model)
    for entry in (tmp_path / "cache/renderings").glob("*/*.json"):
        entry.write_text('{"resources": [{"value"')
    assert check(one_model).cached_applications == 0
    assert check(one_model).cached_applications == first.applications


def test_chart_that_is_not_there_is_not_checked_and_fails_only_strict_runs(one_model: Path) -> None:
    report = check(one_model)
    assert "chart karpenter 1.14.1" in {str(gap.subject) for gap in report.not_checked}
    assert report.exit_code(Severity.ERROR, strict=False) is ExitCode.CLEAN
    assert report.exit_code(Severity.ERROR, strict=True) is ExitCode.NOT_CHECKED


def test_model_whose_engine_version_is_unknown_counts_as_not_fully_checked(one_model: Path) -> None:
    before = check(one_model)
    versions = one_model / "environments/dev/versions/kustomization.yaml"
    versions.write_text(versions.read_text().replace("newTag: v0.33.0", "newTag: v99.0.0", 1))
    after = check(one_model)
    (gap,) = {gap for gap in after.not_checked if gap.rule == "settings/unknown-flag"}
    assert (str(gap.subject), gap.application) == ("model chat", "chat")
    assert after.incomplete_applications == before.incomplete_applications + 1


def test_accepted_gap_is_named_but_does_not_fail(one_model: Path) -> None:
    report = check(one_model)
    entries = "".join(
        f"  - {{subject: '{subject}', reason: looked at by another pipeline, expires: 2099-12-31}}\n"
        for subject in sorted({str(gap.subject) for gap in report.not_checked})
    )
    (one_model / "modelyard.yaml").write_text(f"accepted-gaps:\n{entries}")
    accepted = check(one_model)
    assert accepted.not_checked
    assert all(gap.accepted for gap in accepted.not_checked)
    assert accepted.exit_code(Severity.ERROR, strict=True) is ExitCode.CLEAN


def test_a_pinned_revision_is_rendered_as_it_was(one_model: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", one_model, *words], check=True, capture_output=True)  # noqa: S607

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first")
    git("tag", "v1")
    kustomization = one_model / "environments/dev/kustomization.yaml"
    kustomization.write_text(
        kustomization.read_text().replace('targetRevision, value: "main"', 'targetRevision, value: "v1"')
    )
    (one_model / SETTINGS).write_text("model: [broken\n")
    report = check(one_model)
    assert [f.message for f in report.findings if "broken" in f.message or "YAML" in f.message] == []
    kustomization.write_text(
        kustomization.read_text().replace(
            '/spec/source/targetRevision, value: "v1"', '/spec/source/targetRevision, value: "0123456789abcdef"'
        )
    )
    gone = check(one_model)
    assert "revision 0123456789abcdef is not in this clone" in {gap.reason for gap in gone.not_checked}
    kustomization.write_text(kustomization.read_text().replace('"0123456789abcdef"', '"v\\0x"'))
    nothing = check(one_model)
    assert "revision 'v\\x00x' is no name that Git gives to a commit" in {gap.reason for gap in nothing.not_checked}


def test_shards_together_report_on_every_application_once(one_model: Path) -> None:
    whole = check(one_model)
    parts = [check(one_model, CheckOptions(shard=(n, 3))) for n in (1, 2, 3)]
    names = [name for part in parts for each in part.environments for name in each.application_names]
    assert sorted(names) == sorted(whole.environments[0].application_names)
    gaps = [str(gap.subject) for part in parts for gap in part.not_checked if gap.application]
    assert sorted(gaps) == sorted(str(gap.subject) for gap in whole.not_checked if gap.application)


@pytest.mark.slow
def test_nothing_is_found_in_a_synthetic_fleet(bases: Mapping[str, Path], tmp_path: Path) -> None:
    """What is measured is a check without findings, so that what a new rule says of a fleet shows here first."""
    root = grown(bases["one-model"], tmp_path / "fleet", 2, per_environment=1)
    report = check(root, CheckOptions(policies=False))
    assert [(each.rule, str(each.at.place())) for each in report.findings] == []
    assert [each.name for each in report.environments] == ["env0", "env1"]


@pytest.mark.slow
def test_findings_of_shards_in_union_are_those_of_one_run(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(bases["two-models"], tmp_path / "two", symlinks=True))
    settings = root / SETTINGS
    settings.write_text(settings.read_text() + "max-num-seqs: many\nno-such-flag: 1\n")

    def told(reports: Sequence[Report]) -> set[tuple[str, str, str, str]]:
        found = [each for report in reports for each in report.findings]
        return {(each.rule, str(each.at.place()), each.application, each.message) for each in found}

    whole = check(root)
    assert {application for _, _, application, _ in told([whole])} >= {"chat", "chat-batch"}
    for count in (2, 3):
        parts = [check(root, CheckOptions(shard=(number, count))) for number in range(1, count + 1)]
        assert told(parts) == told([whole])
        # And what the parts write as JSON is put together to what one run writes.
        written = [report_v1(each, Presentation()).model_dump(mode="json", by_alias=True) for each in parts]
        union = merged([read_part(f"{number}.json", each) for number, each in enumerate(written)], root)
        assert as_one_run(union) == as_one_run(whole)


def as_one_run(report: Report) -> dict[str, Any]:
    content = report_v1(report, Presentation(strict=True)).model_dump(mode="json")
    for field in ("seconds", "cached_applications"):
        del content["summary"][field]
    content["not_checked"].sort(key=lambda each: (each["environment"], each["application"], each["subject"]))
    return content


def test_what_a_shared_settings_file_does_is_said_of_each_model(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = Path(shutil.copytree(bases["two-models"], tmp_path / "two", symlinks=True))
    settings = root / SETTINGS
    settings.write_text(settings.read_text() + "max-num-seqs: many\nno-such-flag: 1\n")

    def said(*applications: str) -> set[tuple[str, str]]:
        return {(each.application, each.rule) for each in check(root, CheckOptions(applications=applications)).findings}

    rules = {"settings/wrong-type", "settings/unknown-flag"}
    assert said() == {(model, rule) for model in ("chat", "chat-batch") for rule in rules}
    assert said("chat-batch") == {("chat-batch", rule) for rule in rules}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (CheckOptions(environments=("prod",)), "there is no environment prod here"),
        (CheckOptions(applications=("chta",)), "environment dev has no application chta"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(one_model: Path, options: CheckOptions, message: str) -> None:
    with pytest.raises(UserError) as refused:
        check(one_model, options)
    assert refused.value.message == message
    assert "chat" in refused.value.fix or "dev" in refused.value.fix


def test_folder_without_environments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no environments"):
        check(tmp_path)


def test_settings_with_an_unknown_field_are_refused_at_its_key(one_model: Path) -> None:
    (one_model / "modelyard.yaml").write_text("version: 1\nwaiver: []\n")
    with pytest.raises(UserError) as refused:
        check(one_model)
    assert refused.value.at is not None
    assert str(refused.value.at.place()) == "modelyard.yaml:2:1"


@pytest.mark.parametrize(
    ("path", "covers"),
    [
        ("overlays", True),
        ("overlays/qwen3-1-7b-vllm-gpu/vllm.yaml", True),
        ("overlays/*/vllm.yaml", True),
        ("**/vllm.yaml", True),
        ("overlay", False),
        ("*/vllm.yaml", False),
    ],
)
def test_waiver_covers_a_file_a_folder_or_a_pattern(one_model: Path, path: str, covers: bool) -> None:
    (one_model / "policies/long.py").write_text(
        "from modelyard.policies import Finding, policy, error\n"
        "@policy('team/long-context', error)\n"
        "def long_context(environment):\n"
        "    '''Contexts are long.'''\n"
        "    for model in environment.models:\n"
        "        yield Finding(at=model.settings.at('max-model-len'), message='too long')\n"
    )
    (one_model / "modelyard.yaml").write_text(
        "waivers:\n"
        f"  - {{rule: team/long-context, path: '{path}', reason: it is long on purpose, expires: 2099-01-01}}\n"
    )
    report = check(one_model)
    assert [f.rule for f in report.waived] == (["team/long-context"] if covers else [])
    assert ("team/long-context" in {f.rule for f in report.findings}) is not covers


def test_failing_policy_is_not_checked_with_its_line(one_model: Path) -> None:
    (one_model / "policies/bad.py").write_text(
        "from modelyard.policies import policy, error\n"
        "@policy('team/bad', error)\n"
        "def bad(environment):\n"
        "    '''It divides.'''\n"
        "    yield 1 / 0\n"
    )
    (gap,) = [gap for gap in check(one_model).not_checked if gap.rule == "team/bad"]
    assert "ZeroDivisionError" in gap.reason
    assert gap.fix == "mend policies/bad.py:5"


def unrun(root: Path, options: CheckOptions | None = None) -> bool:
    """Return whether a check says that the policies did not run."""
    return any(str(gap.subject) == "policies" for gap in check(root, options).not_checked)


def test_policies_run_only_where_the_user_said_so(
    one_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one_model / "policies/a_trap.py").write_text("raise SystemError('it ran')\n")
    for named in ("", "relative", str(tmp_path / "other")):
        monkeypatch.setenv("MODELYARD_POLICIES", named)
        assert unrun(one_model), named
    monkeypatch.setenv("MODELYARD_POLICIES", f"/x:{tmp_path}")
    with pytest.raises(UserError, match="it ran"):
        check(one_model)
    monkeypatch.delenv("MODELYARD_POLICIES")
    with pytest.raises(UserError, match="it ran"):
        check(one_model, CheckOptions(policies=True))
    assert not unrun(one_model, CheckOptions(policies=False)), "who says so need not be told"
    made_here(one_model)
    with pytest.raises(UserError, match="it ran"):
        check(one_model)
    anew = Path(shutil.copytree(one_model, tmp_path / "anew"))
    shutil.rmtree(one_model)
    anew.rename(one_model)  # another clone at the same place
    assert unrun(one_model)


def test_an_edit_that_is_tried_out_runs_no_policies_either(one_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELYARD_POLICIES")
    (one_model / "policies/a_trap.py").write_text("raise SystemError('it ran')\n")
    assert tried(Changes(one_model), "dev").passes
