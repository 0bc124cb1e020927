"""What clusters run against what is merged; files from clusters are text of other people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard.cli.application import run
from modelyard.cli.boundary import guarded
from modelyard.diffing.drift import Standing, State, standing
from modelyard.diffing.live import live_applications
from modelyard.diffing.merged import Merged
from modelyard.findings import UserError
from modelyard.repository import Repository
from modelyard.tooling.git import git

URL = "https://github.com/acme/platform.git"
MINUTE = "2026-11-30T10:0{}:00Z"


def application(name: str = "chat", revision: str = "a" * 40, target: str = "main", **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "annotations": {"argocd.argoproj.io/manifest-generate-paths": f"/apps/{name};../base"},
        },
        "spec": {
            "project": "models",
            "source": {"repoURL": URL.removesuffix(".git"), "path": f"apps/{name}", "targetRevision": target},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "models"},
            "syncPolicy": {"automated": {"prune": True}},
        },
        "status": {"sync": {"status": "Synced", "revision": revision}, "health": {"status": "Healthy"}, **status},
    }


def stands(content: dict[str, Any], merged: Merged | None = None) -> Standing:
    (only,) = live_applications({"kind": "List", "items": [content]}, "x.json")
    return standing(only, merged)


OUT: dict[str, Any] = {"sync": {"status": "OutOfSync", "revision": "a" * 40}}
RESOURCES: list[dict[str, Any]] = [
    {"kind": "Deployment", "name": "chat", "status": "OutOfSync", "health": {"status": "Degraded", "message": "quota"}},
    {"kind": "Service", "name": "old", "status": "OutOfSync", "requiresPruning": True},
    {"kind": "Service", "name": "chat", "status": "Synced"},
]
REFUSED = {
    "phase": "Failed",
    "message": "one or more objects failed to apply",
    "finishedAt": MINUTE.format(5),
    "syncResult": {"resources": [{"kind": "Deployment", "name": "chat", "status": "SyncFailed", "message": "denied"}]},
}


@pytest.mark.parametrize(
    ("status", "state", "reason", "since"),
    [
        ({}, State.SAME, "", None),
        (
            OUT | {"resources": RESOURCES},
            State.OUT_OF_SYNC,
            "Deployment chat differs from Git; Service old is no",
            None,
        ),
        (OUT | {"operationState": REFUSED}, State.FAILED, "the last sync failed: Deployment chat: denied", 5),
        (
            OUT | {"operationState": {"phase": "Running", "startedAt": MINUTE.format(4), "retryCount": 2}},
            State.UNDER_WAY,
            "a sync is under way, retry 2",
            4,
        ),
        (
            {
                "sync": {"status": "Unknown"},
                "conditions": [
                    {"type": "ComparisonError", "message": "no\nchart", "lastTransitionTime": MINUTE.format(3)}
                ],
            },
            State.FAILED,
            "ComparisonError: no chart",
            3,
        ),
        (
            {
                "health": {"status": "Degraded", "lastTransitionTime": MINUTE.format(2)},
                "resources": [{**RESOURCES[0], "status": "Synced"}],
            },
            State.UNHEALTHY,
            "Deployment chat is Degraded: quota",
            2,
        ),
        ({"health": {"status": "Progressing"}}, State.UNDER_WAY, "it is Progressing", None),
        ({"sync": {}}, State.UNKNOWN, "Argo CD has not compared it yet", None),
        # Of another type than it should be: not said.
        ({"sync": ["Synced"], "conditions": {"type": "x"}, "health": 3}, State.UNKNOWN, "Argo CD has not", None),
        ({"conditions": [None, {"type": "OrphanedResourceWarning"}], "resources": [7]}, State.SAME, "", None),
    ],
)
def test_what_argo_cd_says_is_told_with_its_reason(
    status: dict[str, Any], state: State, reason: str, since: int | None
) -> None:
    found = stands(application(**status))
    assert found.state == state
    assert found.reason.startswith(reason)
    assert (found.since and found.since.minute) == since


COMMIT = (("add", "-A"), ("commit", "-q", "-m", "x", "--allow-empty"), ("rev-parse", "HEAD"))


@pytest.fixture
def clone(tree: Callable[[dict[str, str]], Path]) -> tuple[Path, Callable[..., str]]:
    root = tree({"apps/chat/a.yaml": "a: 1\n", "apps/other/a.yaml": "a: 1\n"})

    def commit(*words: str) -> str:
        told = b""
        for each in [words] if words else COMMIT:
            told = git(root, "-c", "user.name=a", "-c", "user.email=a@b.c", *each, check=True).stdout
        return told.decode().strip()

    commit("init", "-q", "-b", "main")
    commit("remote", "add", "origin", "git@github.com:acme/platform.git")
    return root, commit


def test_an_application_is_behind_where_commits_change_its_files(clone: tuple[Path, Callable[..., str]]) -> None:
    root, commit = clone
    first = commit()
    (root / "apps/other/a.yaml").write_text("a: 2\n")
    second = commit()
    assert stands(application(revision=first), Merged(Repository(root))).state == State.SAME, "files of another one"
    (root / "apps/base").mkdir()
    (root / "apps/base/a.yaml").write_text("a: 2\n")
    third = commit()
    merged = Merged(Repository(root))
    found = stands(application(revision=first), merged)
    assert (found.state, found.lag and found.lag.commits) == (State.BEHIND, 1)
    assert found.reason == f"it runs commit {first[:12]}, and 1 commit up to {third[:12]} changes its files"
    assert found.since is not None
    assert stands(application(revision=third), merged).state == State.SAME
    assert stands(application(revision=first, target=first), merged).state == State.SAME, "it is pinned there"
    assert stands(application(revision="b" * 40), merged).state == State.UNKNOWN
    commit("checkout", "-q", "-b", "side", second)
    aside = commit()
    assert stands(application(revision=aside), merged).reason.endswith(f"not before {third[:12]}, the merged one")
    assert stands(application(revision=third), Merged(Repository(root), second)).state == State.BEHIND


def test_the_verb_tells_by_cluster_and_by_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = "\x1b[31m::error::https://user:secret-word@host/x\u202e"
    away = application("away")
    away["spec"]["destination"] = {"server": "https://1.2.3.4:6443"}
    files = {
        "good.json": [application()],
        "bad.json": {"kind": "List", "items": [application(), away, application("ill", health={"status": hostile})]},
        "ill.json": [application("ill", **OUT, operationState={"phase": "Failed", "message": hostile})],
        "new.json": application("new", sync={}),
        "none.json": {"kind": "ApplicationList", "items": None},
        "other.json": {"kind": "List", "items": [{"kind": "Pod", "metadata": {"name": "x"}}]},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))

    def told(*words: str) -> tuple[int, str]:
        code = guarded(lambda: run(["drift", *words]))
        out = capsys.readouterr()
        return code, out.out + out.err

    code, out = told("good.json")
    assert (code, out) == (0, "good  1 Application   1 as merged\n\n1 Application in 1 cluster, all as merged\n")
    code, out = told("prod=ill.json", "bad.json")
    assert code == 1
    assert "\nprod  1 Application   1 failed\n" in out
    assert "1.2.3.4:6443  1 Application   1 as merged" in out
    assert not {"\x1b", "\u202e"} & set(out)
    assert "secret-word" not in out
    assert told("new.json")[0] == 0
    assert told("new.json", "--strict")[0] == 3
    assert told("none.json")[0] == 3
    assert told("other.json")[0] == 2
    code, out = told("ill.json", "--json")
    entry = json.loads(out)["clusters"][0]["applications"][0]
    assert (code, entry["state"], entry["sync"]) == (1, "failed", "OutOfSync")
    assert "secret-word" not in out
    code, out = told("good.json", "--merged", "main")
    assert code == 2


@pytest.mark.parametrize("content", [3, "x", [1], {"items": [{}]}, [{"metadata": {"name": "x"}}]])
def test_what_holds_no_applications_is_refused(content: Any) -> None:
    with pytest.raises(UserError, match="holds something else"):
        live_applications(content, "x.json")
