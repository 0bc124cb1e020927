import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from modelyard.findings import At, EnvironmentSummary, Finding, NotChecked, Place, Precision, Report, Severity
from modelyard.reporting import Presentation

Written = Callable[..., str]

# ruff: noqa: E501, RUF001

WHOLE = """\
overlays/qwen3-32b-vllm-gpu/vllm.yaml:3:16: error fit/kv-cache-too-small
  qwen3-32b keeps 5.6 GiB per GPU for the KV cache; one request of 40960 tokens needs 10.0 GiB
     │ weights 61.0 ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  activation 5.6 ▓▓  graphs 0.5  other 0.2  KV 5.6 ▓▓   of 72.8 GiB (H100 × 0.92)
  3  │ max-model-len: 40960
     │                ^^^^^
  fix: max-model-len 20000 (with margin), or tensor-parallel-size 2: 35.6 GiB per GPU for 7 such requests
  modelyard explain fit/kv-cache-too-small

environments/prod/models/chat/kustomization.yaml:12:11: warning kustomize/name-differs
  Service chat-with-me is not named after its model chat
  12  │     name: chat-with-me
      │           ^^^^^^^^^^^^
  fix: name it chat
  modelyard explain kustomize/name-differs

bases/features/hf-token/kustomization.yaml: warning secrets/missing-secret
  Secret hf-token is read by Deployment chat and nothing creates it
  place: known to the kustomization only
  modelyard explain secrets/missing-secret

dev    11 applications  3 models   142 resources   ok, 1 not checked
prod   14 applications  6 models   201 resources   1 error, 2 warnings, 1 not checked
not checked: chart kuberay-operator 1.5.1 (not in the cache; run modelyard fetch)

1 error, 2 warnings in 2 environments, 2 applications not fully checked (1.4 s, 21 of 25 applications from cache)
"""


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_whole_report(report: Report, written: Written) -> None:
    assert written(report, "text") == WHOLE


def test_colours_change_nothing_but_colours(report: Report, written: Written) -> None:
    coloured = written(report, "text", Presentation(colour=True))
    assert coloured != WHOLE
    assert without_colours(coloured) == WHOLE


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_text_fits_a_terminal_but_for_places_and_commands(report: Report, written: Written, width: int) -> None:
    lines = written(report, "text", Presentation(width=width)).splitlines()
    # A place or a command is copied as a whole, so it is never broken.
    whole = re.compile(r"\S+: (error|warning|note) |  modelyard explain ")
    too_wide = [line for line in lines if len(line) > width and not whole.match(line)]
    assert not too_wide


def test_ascii_output_says_the_same(report: Report, written: Written) -> None:
    text = written(report, "text", Presentation(ascii=True))
    assert text.isascii()
    assert "  3  | max-model-len: 40960\n     |                ^^^^^\n" in text


def test_nothing_found(empty: Report, written: Written) -> None:
    assert written(empty, "text") == (
        "dev   1 application  1 model   1 resource   ok\n\nno findings in 1 environment (0.00 s)\n"
    )


def test_quiet_keeps_findings_and_the_last_line(report: Report, written: Written) -> None:
    text = written(report, "text", Presentation(quiet=True))
    assert "dev    11 applications" not in text
    assert "not checked:" not in text
    assert text.startswith("overlays/qwen3-32b-vllm-gpu/vllm.yaml:3:16: error")
    assert text.endswith("from cache)\n")


def test_a_finding_of_a_shared_file_is_shown_once_and_counted_in_each_environment(
    report: Report, written: Written
) -> None:
    shared = report.findings[0]
    report.findings = [shared, replace(shared, environment="dev")]
    text = written(report, "text")
    assert text.count("error fit/kv-cache-too-small") == 1
    assert "needs 10.0 GiB (in prod and dev)" in text
    assert re.search(r"^dev .* 1 error", text, re.M)
    assert re.search(r"^prod .* 1 error", text, re.M)
    assert re.search(r"^1 error in 2 environments", text, re.M)


def test_gaps_are_grouped_by_reason_and_accepted_ones_are_apart(empty: Report, written: Written) -> None:
    empty.not_checked = [
        NotChecked(f"model {i}", "its shape is not in the catalogue", environment="dev") for i in range(6)
    ]
    empty.not_checked.append(
        NotChecked("chart a 1", "not in the cache", accepted="vendored next month", environment="dev")
    )
    text = written(empty, "text")
    assert "not checked: model 0, model 1, model 2 and 3 more (its shape is not in the catalogue)\n" in text
    assert "accepted: chart a 1 (not in the cache; vendored next month)\n" in text
    assert "ok, 6 not checked\n" in text
    assert "no findings in 1 environment, 6 not checked" in text


def test_many_reasons_are_cut_and_counted(empty: Report, written: Written) -> None:
    empty.not_checked = [NotChecked("x", f"reason {i}", environment="dev") for i in range(50)]
    lines = written(empty, "text").splitlines()
    assert sum(line.startswith("not checked:") for line in lines) == 21
    assert "not checked: 30 further reasons; --format json lists them" in lines


def test_strict_says_why_a_clean_report_fails(empty: Report, written: Written) -> None:
    empty.not_checked = [NotChecked("x", "because", environment="dev")]
    assert "--strict: 1 gap in the check, so it does not pass" in written(empty, "text", Presentation(strict=True))
    assert "--strict" not in written(empty, "text")


def test_findings_of_the_repository_have_a_row_of_their_own(empty: Report, written: Written) -> None:
    empty.findings = [Finding(At(Place("modelyard.yaml", 2, 1)), "waiver expired", severity=Severity.ERROR)]
    text = written(empty, "text")
    assert re.search(r"^\(repository\) .* 1 error$", text, re.M)
    assert re.search(r"^dev .* ok$", text, re.M)


def test_a_long_line_is_shown_around_the_value(empty: Report, written: Written) -> None:
    source = "a" * 5000 + "VALUE" + "b" * 5000
    place = Place("x.yaml", 1, 5001, 5006, Precision.EXACT, source)
    empty.findings = [Finding(At(place), "too long", rule="a/b", severity=Severity.ERROR)]
    lines = written(empty, "text", Presentation(width=80)).splitlines()
    excerpt, carets = lines[2], lines[3]
    assert len(excerpt) <= 80
    assert excerpt[carets.index("^") : carets.rindex("^") + 1] == "VALUE"


def test_carets_stand_under_the_value_behind_wide_characters(empty: Report, written: Written) -> None:
    place = Place("x.yaml", 1, 9, 12, Precision.EXACT, "名前は日本語: abc")
    empty.findings = [Finding(At(place), "no", rule="a/b", severity=Severity.NOTE)]
    lines = written(empty, "text").splitlines()
    # Six wide characters, a colon and a blank: fourteen columns before the value.
    assert lines[3] == "     │ " + " " * 14 + "^^^"


@pytest.mark.parametrize("column", [0, 1, 7, 10_000])
def test_a_place_outside_its_line_is_no_crash(empty: Report, written: Written, column: int) -> None:
    place = Place("x.yaml", 1, column, None, Precision.EXACT, "short")
    empty.findings = [Finding(At(place), "no", rule="a/b", severity=Severity.NOTE)]
    assert "^" in written(empty, "text", Presentation(width=60))


def test_hostile_text_is_spelled_out(hostile: Report, written: Written) -> None:
    text = written(hostile, "text")
    allowed = {"\n"}
    assert not [character for character in text if not character.isprintable() and character not in allowed]
    assert "\\x1b[31mred" in text
    assert "[red]" in text
    assert "##[" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_a_name_of_a_megabyte_is_cut(empty: Report, written: Written) -> None:
    empty.environments = [EnvironmentSummary("x" * 1_000_000, 1, 1, 1)]
    empty.findings = [Finding(At(Place("f.yaml")), "y" * 1_000_000, severity=Severity.ERROR)]
    text = written(empty, "text")
    assert len(text) < 30_000
    assert "more characters)" in text


def test_a_rule_without_a_page_has_no_page_to_explain(empty: Report, written: Written) -> None:
    empty.findings = [Finding(At(Place("f.yaml")), "m", rule="team/own", severity=Severity.ERROR)]
    known = Presentation(rules={"fit/other": object()})  # type: ignore[dict-item]
    assert "modelyard explain" not in written(empty, "text", known)
    assert "modelyard explain team/own" in written(empty, "text")


def test_many_environments_without_findings_share_a_row(empty: Report, written: Written) -> None:
    empty.environments = [EnvironmentSummary(f"folder-{number}", 1, 0, 2) for number in range(30)]
    empty.findings = [Finding(At(Place("f.yaml")), "m", severity=Severity.ERROR, environment="folder-7")]
    empty.not_checked = [NotChecked("a", "b", environment="folder-8")]
    folded = written(empty, "text", Presentation(fold=3))
    assert "folder-7" in folded
    assert "folder-8 " not in folded
    assert (
        "(29 others without findings; --all lists them)   29 applications  0 models   58 resources   ok, 1 not"
        in folded
    )
    assert "folder-8 " in written(empty, "text")
