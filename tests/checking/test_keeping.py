"""Findings that are kept are those that a fresh check finds, whatever changed; what is damaged counts as absent."""

from __future__ import annotations

import os
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from modelyard.checking import CheckOptions, check, examination, keeping, kept_findings
from modelyard.checking.examination import examine
from modelyard.checking.examined import Examination
from modelyard.findings import Finding, NotChecked, Report
from modelyard.repository import Files
from modelyard.repository.recording import Answers, RecordedFiles
from modelyard.rules import Rule, rules
from modelyard.tooling import cache, run
from modelyard.tooling.blobs import Blobs
from modelyard.view import Environment
from tests.repositories.copies import Copies

APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://github.com/acme/web.git, path: apps/web, targetRevision: main}
  destination: {server: https://kubernetes.default.svc, namespace: web}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: nginx:1.27, ports: [{name: http, containerPort: 80}]}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: web}
spec: {selector: {app: other}, ports: [{port: 80}]}
"""
OPTIONS = CheckOptions(policies=False)


@pytest.fixture
def root(tree: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two environments with one folder between them, written before the check begins, and a cache of their own."""
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "kept"))
    files = {"apps/web/kustomization.yaml": "resources: [deployment.yaml]\n", "apps/web/deployment.yaml": DEPLOYMENT}
    for name in ("dev", "prod"):
        files[f"environments/{name}/kustomization.yaml"] = "resources: [application.yaml]\n"
        files[f"environments/{name}/application.yaml"] = APPLICATION
        files[f"environments/{name}/environment.yaml"] = f"name: {name}\nkubernetes: '1.35'\n"
    # The clock's ticks are let pass that a file's time may lag behind: what is written while a check runs is not kept.
    monkeypatch.setattr(kept_findings, "_CLOCK_NS", 0)
    return tree(files)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the environments that are examined from now on, and not taken from what was kept."""
    names: list[str] = []

    def spy(rendered: Any, options: CheckOptions) -> Examination:
        if options.use_cache:
            names.append(rendered.view.name)
        return examine(rendered, options)

    monkeypatch.setattr(examination, "examine", spy)
    return names


def told(report: Report) -> Any:
    """Return all that is reported, without the time and without what came from the cache."""

    def finding(each: Finding) -> Any:
        edits = [(edit.operation, edit.at.place(), edit.value) for edit in each.edits]
        at = each.at.place()
        told = (each.message, each.fix, each.detail, each.severity, each.environment, each.application)
        return (each.rule, at, told, edits)

    gaps = [(str(each.subject), each.reason, each.fix, each.rule, each.environment) for each in report.not_checked]
    return [*map(finding, report.findings)], [*map(finding, report.waived)], sorted(gaps), report.environments


def same(root: Path) -> Report:
    """Check with what is kept and without, and return the report that both give."""
    kept, fresh = check(root, OPTIONS), check(root, CheckOptions(policies=False, use_cache=False))
    assert told(kept) == told(fresh)
    return kept


def test_only_environments_are_examined_of_which_something_changed(root: Path, examined: list[str]) -> None:
    same(root)
    assert examined == ["dev", "prod"]
    same(root)
    assert examined == ["dev", "prod"], "nothing changed"
    (root / "environments/dev/application.yaml").write_text(APPLICATION.replace("main", "HEAD"))
    same(root)
    assert examined == ["dev", "prod", "dev"]
    (root / "apps/web/service.yaml").write_text(SERVICE)
    same(root)
    assert len(examined) <= 5, "a file that no environment reads"
    (root / "apps/web/kustomization.yaml").write_text("resources: [deployment.yaml, service.yaml]\n")
    found = same(root)
    assert {each.environment for each in found.findings} >= {"dev", "prod"}
    count = len(examined)
    (root / "apps/web/kustomization.yaml").write_text("resources: [deployment.yaml]\n")
    same(root)
    (root / "apps/web/kustomization.yaml").write_text("resources: [deployment.yaml, service.yaml]\n")
    assert told(check(root, OPTIONS)) == told(found)
    assert len(examined) <= count + 2, "what was seen before is kept beside"


def test_rules_that_nobody_asks_for_do_not_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    run_rule = Rule.run

    def counted(self: Rule, environment: Environment) -> Iterator[Finding | NotChecked]:
        ran.append(self.id)
        return run_rule(self, environment)

    monkeypatch.setattr(Rule, "run", counted)
    some = CheckOptions(policies=False, select=("network",), ignore=("network/caller-denied",))
    chosen = [each for each in rules() if each.startswith("network/") and each != "network/caller-denied"]
    alone = check(root, some)
    assert ran == [*chosen, *chosen], "of each environment"
    check(root, some)
    assert ran == [*chosen, *chosen], "what they said is kept"
    whole = check(root, OPTIONS)
    assert ran[2 * len(chosen) :] == [*rules(), *rules()], "what some said is not taken for what all say"
    (root / "apps/web/deployment.yaml").write_text(DEPLOYMENT + "# another\n")
    check(root, OPTIONS)
    count = len(ran)
    asked = check(root, some)
    assert len(ran) == count, "what all said holds what some say"
    assert told(asked) == told(alone)
    assert {each.rule for each in alone.findings} <= {each.rule for each in whole.findings} & set(chosen)


def test_what_is_kept_is_told_without_loading_rules_or_the_view(root: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from modelyard.checking import CheckOptions, check;"
        f"check(Path({str(root)!r}), CheckOptions(policies=False));"
        "print(*(each for each in sys.modules if each in ('modelyard.view', 'modelyard.rules.network')))"
    )
    first, second = (run([sys.executable, "-c", program], timeout=120).stdout.decode().split() for _ in range(2))
    assert "modelyard.view" in first
    assert second == []


@pytest.mark.parametrize("damage", ["cut", "emptied", "other"])
def test_an_entry_that_is_damaged_or_of_another_kind_counts_as_absent(
    root: Path, examined: list[str], damage: str
) -> None:
    before = told(check(root, OPTIONS))
    entries = sorted((cache() / "findings").glob("*/*.json"))
    assert len(entries) == 2
    blobs = Blobs(cache() / "findings", 1)
    for path in entries:
        key = f"{path.parent.name}{path.stem}"
        if damage == "other":
            for content in ({"asked": {}, "answers": Answers(Files(root)).digest(())}, ["nothing"]):
                blobs.put(key, zlib.compress(orjson.dumps(content)))
        else:
            path.write_bytes(path.read_bytes()[: 40 if damage == "cut" else 0])
    assert told(check(root, OPTIONS)) == before
    assert examined == ["dev", "prod"] * 2


def test_another_version_or_another_question_finds_nothing_that_was_kept(
    root: Path, examined: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check(root, OPTIONS)
    check(root, CheckOptions(policies=False, applications=("web",)))
    check(root, CheckOptions(policies=False, kubernetes_version="1.36"))
    assert examined == ["dev", "prod"] * 3
    monkeypatch.setattr(keeping, "code_identity", lambda: "another version")
    check(root, OPTIONS)
    assert examined == ["dev", "prod"] * 4


def test_what_was_written_while_a_check_ran_is_not_kept(root: Path, examined: list[str]) -> None:
    check(root, OPTIONS)
    later = 4_000_000_000
    os.utime(root / "apps/web/deployment.yaml", (later, later))
    shutil.rmtree(cache() / "findings")
    check(root, OPTIONS)
    check(root, OPTIONS)
    assert examined == ["dev", "prod"] * 3


def test_a_cache_that_cannot_be_written_is_no_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root.parent / "file").write_text("no folder")
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(root.parent / "file/below"))
    same(root)


def test_files_tell_what_was_asked_of_them(tree: Callable[[dict[str, str]], Path]) -> None:
    top = tree({"a.yaml": "a: 1\n", "below/b.yaml": "b: 1\n"})
    (top / "link").symlink_to("below")
    recorded = RecordedFiles(Files(top))
    recorded.documents("a.yaml")
    recorded.text("link/b.yaml")
    recorded.is_file("below/c.yaml")
    recorded.under("below")
    recorded.below(("tf", "json"))
    recorded.real("link")
    assert recorded.asked == {
        ("read", "a.yaml"),
        ("read", "link/b.yaml"),
        ("kind", "below/c.yaml"),
        ("under", "below"),
        ("below", "tf json"),
        ("real", "link"),
    }

    def relinked() -> None:
        (top / "link").unlink()
        (top / "link").symlink_to("..")

    changes: list[tuple[tuple[str, str], Callable[[], object]]] = [
        (("read", "a.yaml"), lambda: (top / "a.yaml").write_text("a: 2\n")),
        (("read", "link/b.yaml"), (top / "below/b.yaml").unlink),
        (("kind", "below/c.yaml"), (top / "below/c.yaml").touch),
        (("under", "below"), (top / "below/d").touch),
        (("below", "tf json"), (top / "main.tf").touch),
        (("real", "link"), relinked),
    ]
    for question, change in changes:
        before = Answers(Files(top)).digest([question])
        assert Answers(Files(top)).digest([question]) == before
        change()
        assert Answers(Files(top)).digest([question]) != before, question


def sample(every: int) -> list[Any]:
    """Return some cases of rules, spread over all areas."""
    found = [
        (rule, case) for rule in rules().values() for case in yaml.safe_load((rule.folder / "cases.yaml").read_text())
    ]
    return [
        pytest.param(case, id=f"{rule.id}: {case['name']}") for rule, case in found[7::every] if "charts" not in case
    ]


@pytest.fixture(scope="module")
def copies(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(bases, tmp_path_factory.mktemp("kept"))


@pytest.mark.slow
@pytest.mark.parametrize("case", sample(120))
def test_edits_of_rules_are_found_alike(case: dict[str, Any], copies: Copies) -> None:
    """One cache for all: each edit comes after others, and is taken back."""
    with copies.changed(case["repository"], case) as root:
        same(root)
        assert told(check(root, OPTIONS)) == told(check(root, CheckOptions(policies=False, use_cache=False)))
    assert check(root, OPTIONS).findings == []
