"""The comment, the text and the JSON, with what a hostile repository may hold."""

from __future__ import annotations

import html
import io
import json
import re
from pathlib import Path

import pytest

from modelyard.diffing import (
    ApplicationChange,
    Comparison,
    EnvironmentChange,
    FieldChange,
    Hazard,
    Kind,
    MemoryUse,
    MonthlyCost,
    ResourceChange,
    Restart,
    json_v1,
    markdown,
    text,
)
from modelyard.findings import At, Finding, Place, Severity
from modelyard.reporting import Presentation
from tests.diffing.conftest import CHAT, SETTINGS, Changed, git

HOSTILE = "](https://x.example) @team <img src=x onerror=y> `code` | cell #1 \x1b[31m\u202e <!-- modelyard:prod -->"


def comparison(*environments: EnvironmentChange) -> Comparison:
    return Comparison("main", "HEAD", "a" * 40, "b" * 40, list(environments))


def shown(found: Comparison, **options: object) -> str:
    stream = io.StringIO()
    text.write(found, stream, Presentation(**options))  # type: ignore[arg-type]
    return stream.getvalue()


def test_the_comment_of_a_real_change_has_the_shape_that_reviewers_read(changed: Changed) -> None:
    changed.replace(SETTINGS, "max-model-len: 16384", "max-model-len: 8192")
    found = changed.compare()
    comment = markdown.comment(found.environments[0], found)
    lines = comment.splitlines()
    assert lines[0] == "<!-- modelyard:dev -->"
    assert lines[1] == "### dev: 1 pod restarts"
    assert lines[3] == "1 model changed, nothing removed"
    assert "| model | change | fits | runs on |" in lines
    row = next(line for line in lines if line.startswith("| chat |"))
    assert "max-model-len 16384 → 8192" in row
    assert re.search(r"yes, \d+\.\d GiB per GPU", row)
    assert "**Restarts**" in comment
    assert "- max-model-len: 16384" in comment.replace("-   max", "- max")
    assert "<details><summary>Rendered changes (1 application, 1 resource)</summary>" in lines


def test_the_first_line_is_the_outcome_and_errors_come_before_the_rest() -> None:
    place = At(Place("environments/dev/kustomization.yaml"))
    findings = [
        Finding(place, "a warning", rule="a/warning", severity=Severity.WARNING),
        Finding(place, "an error", fix="mend it", rule="an/error", severity=Severity.ERROR),
    ]
    memory = (
        MemoryUse("A10G", 22.0, {"weights": 11.0, "KV": 5.5}),
        MemoryUse("A10G", 22.0, {"weights": 16.5, "KV": -1.0}),
    )
    application = ApplicationChange(
        "chat",
        Kind.CHANGED,
        model=True,
        columns={"$/month": ("", "+380 … +760")},
        cost=MonthlyCost((380, 380), (760, 1140)),
        memory=memory,
        hazards=[Hazard("immutable", Severity.ERROR, "a field cannot be changed")],
        restarts=[Restart("Deployment chat", "1 to 3 pods", "one at a time", number=(1, 3))],
    )
    environment = EnvironmentChange(
        "dev",
        Kind.CHANGED,
        applications=[application],
        new_findings=findings,
        unscheduled_models=["chat", "talk"],
        cost=MonthlyCost((1000, 1000), (1400, 1780), prices="list prices of a day"),
    )
    lines = html.unescape(markdown.comment(environment, comparison(environment))).replace("\u200b", "").splitlines()
    assert lines[1] == (
        "### dev: 2 new errors, 2 models cannot be scheduled, 1 immutable field changed, 1 new warning, "
        "+$400 to +$780/month, 1 to 3 pods restart"
    )
    order = [
        lines.index(title) for title in ("**Errors**", "**Warnings**", "| model | change | $/month |", "**Restarts**")
    ]
    assert order == sorted(order)
    assert lines[order[0] + 2 : order[0] + 5] == [
        "- pods that have to run find no node: chat and talk",
        "- an error<br>an/error at environments/dev/kustomization.yaml<br>fix: mend it",
        "- a field cannot be changed",
    ]
    assert "| other pods and services |  | **+20** |" in lines
    assert "| **total** |  | **+400 … +780** |" in lines
    bars = {line.split("  ")[0]: line for line in lines if "GiB:" in line}
    assert bars["chat before"].count("█") == 16 and bars["chat before"].count("▒") == 8
    assert bars["chat after"].count("█") == 24 and "1.0 GiB too little" in bars["chat after"]
    assert any(line.startswith("after   ") and line.endswith("$1,400 to $1,780 a month") for line in lines)
    assert "<sub>Cost: list prices of a day; a month has 730 hours</sub>" in lines


def test_a_bar_of_a_hostile_name_stays_in_its_block() -> None:
    name = "```\n<!-- modelyard:prod --> @team"
    use = MemoryUse("A10G", 22.0, {"weights": 11.0})
    application = ApplicationChange(name, Kind.ADDED, model=True, memory=(None, use))
    environment = EnvironmentChange("dev", Kind.CHANGED, applications=[application])
    comment = markdown.comment(environment, comparison(environment))
    fence = re.search(r"^(`+)text$", comment, re.MULTILINE)
    assert fence is not None and len(fence[1]) == 4
    assert comment.count("<!--") == 1


def test_hostile_names_and_values_stay_text(changed: Changed) -> None:
    fields = (FieldChange("data.x", "````\n</details>", HOSTILE), FieldChange("y", lines=(f"+ ```{HOSTILE}",)))
    application = ApplicationChange(
        HOSTILE,
        Kind.CHANGED,
        model=True,
        resources=[ResourceChange(Kind.CHANGED, "ConfigMap", HOSTILE, fields=fields)],
        hazards=[Hazard("deletion", Severity.WARNING, HOSTILE)],
    )
    environment = EnvironmentChange("dev", Kind.CHANGED, applications=[application])
    comment = markdown.comment(environment, comparison(environment))
    assert comment.count("<!--") == 1
    outside = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", comment)
    for part in ("@team", "<img", "](https", "`code`", "\x1b", "\u202e"):
        assert part not in outside
    assert "\x1b" not in comment
    assert "\u202e" not in comment
    fence = re.search(r"^(`+)diff$", comment, re.MULTILINE)
    assert fence is not None
    assert len(fence[1]) == 5  # longer than the four backticks inside
    table = next(line for line in comment.splitlines() if line.startswith("| &#93;"))
    assert table.count("|") == 3
    plain = shown(comparison(environment))
    assert "\x1b" not in plain
    assert "\u202e" not in plain


def test_a_comment_stays_below_the_limit_and_says_what_is_left_out() -> None:
    manifest = {"kind": "ConfigMap", "data": {f"key{number}": "@" * 200 for number in range(40)}}
    resources = [ResourceChange(Kind.ADDED, "ConfigMap", f"c{number}", manifest=manifest) for number in range(10)]
    hazards = [Hazard("deletion", Severity.WARNING, "@" * 4000) for _ in range(400)]
    applications = [
        ApplicationChange(f"m{number}" + "|" * 250, Kind.ADDED, model=True, resources=resources) for number in range(60)
    ]
    environment = EnvironmentChange("dev", Kind.CHANGED, applications=applications, hazards=hazards)
    comment = markdown.comment(environment, comparison(environment), "https://example.com/artifact")
    assert len(comment) <= markdown.LIMIT
    assert "resources left out here for length; [the artifact of this run](<https://example.com/artifact>)" in comment
    assert comment.count("<details>") == comment.count("</details>") <= 1
    assert len(re.findall(r"^`{3,}", comment, re.MULTILINE)) % 2 == 0


def test_only_whole_resources_are_dropped_and_the_last_first() -> None:
    manifest = {"kind": "ConfigMap", "data": {f"key{number}": "x" * 100 for number in range(90)}}
    resources = [ResourceChange(Kind.ADDED, "ConfigMap", f"c{number}", manifest=manifest) for number in range(20)]
    application = ApplicationChange("chat", Kind.CHANGED, model=True, resources=resources)
    environment = EnvironmentChange("dev", Kind.CHANGED, applications=[application])
    comment = markdown.comment(environment, comparison(environment))
    kept = [int(number) for number in re.findall(r"ConfigMap c(\d+)", comment)]
    assert kept == list(range(len(kept)))
    assert 0 < len(kept) < 20
    assert comment.count("key89:") == len(kept)
    assert f"{20 - len(kept)} resources left out" in comment


def test_an_address_that_is_none_is_no_link() -> None:
    environment = EnvironmentChange("dev", Kind.CHANGED, hazards=[Hazard("x", Severity.NOTE, "y" * 300)] * 400)
    comment = markdown.comment(environment, comparison(environment), "javascript:alert(1)> [x](y)")
    assert "javascript" not in comment


def test_values_of_secrets_and_credentials_are_in_no_output(changed: Changed) -> None:
    token = "hf_" + "a" * 34
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: PASSWORD, other: same}\n"  # noqa: S105
    changed.write("environments/dev/models/chat/secret.yaml", secret.replace("PASSWORD", "first-value"))
    changed.replace(CHAT, "resources:\n", "resources:\n  - secret.yaml\n")
    changed.commit("with-secret")
    changed.write("environments/dev/models/chat/secret.yaml", secret.replace("PASSWORD", "second-value"))
    changed.replace(CHAT, "--max-num-seqs=64", f"--hf-token={token}")
    for sides in ("with-secret", "base"):
        found = changed.compare(sides)
        stream = io.StringIO()
        json_v1.write(found, stream)
        outputs = (stream.getvalue(), markdown.comment(found.environments[0], found), shown(found))
        for output in outputs:
            assert "Secret" in output
            for value in ("first-value", "second-value", token):
                assert value not in output
    assert "stringData.password" in shown(changed.compare("with-secret"))


def test_json_tells_null_from_absent_and_orders_removals_first(changed: Changed) -> None:
    changed.replace("environments/dev/kustomization.yaml", "  - applications/chat.yaml\n", "")
    changed.replace("environments/dev/environment.yaml", "zones:\n", "spare: null\nzones:\n")
    stream = io.StringIO()
    json_v1.write(changed.compare(), stream)
    found = json.loads(stream.getvalue())
    assert found["version"] == 1
    (dev,) = found["environments"]
    assert [each["kind"] for each in dev["applications"]] == ["removed"]
    assert dev["hazards"] == []
    assert dev["applications"][0]["hazards"][0]["severity"] == "warning"


def test_text_without_a_terminal_carries_no_colour_and_nothing_is_wrapped(changed: Changed) -> None:
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=32")
    found = changed.compare()
    assert "\x1b" not in shown(found)
    assert "\x1b[31m" not in shown(found, colour=True)
    assert "\x1b[" in shown(found, colour=True)
    assert max(map(len, shown(found, width=80).splitlines())) <= 80


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 3)])
def test_the_command_tells_gaps_by_its_exit_code(changed: Changed, strict: bool, code: int, tmp_path: Path) -> None:
    from modelyard.cli.application import run

    good = (changed.root / CHAT).read_text()
    changed.write(CHAT, "broken: [\n")
    changed.commit("broken")
    changed.write(CHAT, good)
    folder = tmp_path / "comments"
    arguments = ["diff", "broken", str(changed.root), "--format", f"markdown={folder}/", *(["--strict"] * strict)]
    with pytest.raises(SystemExit) as left:
        run(arguments)
    assert left.value.code == code
    assert "Not compared" in (folder / "dev.md").read_text()


def test_comments_of_an_earlier_run_do_not_stay(changed: Changed, tmp_path: Path) -> None:
    from modelyard.cli.application import run

    folder = tmp_path / "comments"
    folder.mkdir()
    (folder / "dev.md").write_text("old")
    (folder / "notes.md").write_text("not ours")
    with pytest.raises(SystemExit) as left:
        run(["diff", "base..HEAD", str(changed.root), "--format", f"markdown={folder}/"])
    assert left.value.code == 0
    assert [each.name for each in folder.iterdir()] == ["notes.md"]


def test_a_commit_that_does_not_render_fails_the_command(changed: Changed, capsys: pytest.CaptureFixture[str]) -> None:
    from modelyard.cli.application import run

    changed.replace(CHAT, "resources:\n", "resources:\n  - missing.yaml\n")
    changed.commit("broken")
    with pytest.raises(SystemExit) as left:
        run(["diff", "base..broken", str(changed.root)])
    assert left.value.code == 1
    assert "missing.yaml does not exist" in capsys.readouterr().out
    assert git(changed.root, "status", "--porcelain") == ""


def test_a_note_for_gitlab_refers_to_nothing_and_may_be_longer() -> None:
    names = "!12 ~bug %next $7 &3 @team #1 /approve"
    manifest = {"kind": "ConfigMap", "data": {f"key{number}": "x" * 100 for number in range(90)}}
    resources = [ResourceChange(Kind.ADDED, "ConfigMap", f"c{number}", manifest=manifest) for number in range(20)]
    hazards = [Hazard("deletion", Severity.WARNING, names)]
    application = ApplicationChange(names, Kind.CHANGED, model=True, resources=resources, hazards=hazards)
    environment = EnvironmentChange("dev", Kind.CHANGED, applications=[application])
    note = markdown.comment(environment, comparison(environment), limit=markdown.GITLAB_LIMIT)
    assert markdown.LIMIT < len(note) <= markdown.GITLAB_LIMIT
    outside = html.unescape(re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", note))
    assert not re.search(r"[!~%$&@#][A-Za-z0-9]", outside.replace("<!-- modelyard:dev -->", ""))
    assert not re.search(r"(?m)^/", outside), "a line that begins with a slash is a command to GitLab"
