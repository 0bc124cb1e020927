"""The scripts of the feature `weights-copy`, run by their own shell against a bucket that is a folder.

The stand-in for S3 keeps what is written, and can say no: `REFUSES` names operations that it denies, `CUT_AFTER` the
number of files after which a copy breaks off. As the account of the Job, it may never delete.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from modelyard.tooling import Completed, run
from tests.manifests.composition import BASES, load

JOB = load(BASES / "features" / "weights-copy" / "job.yaml")
POD = JOB["spec"]["template"]["spec"]
STEPS = {step["name"]: step for step in (*POD["initContainers"], *POD["containers"])}
READERS = ("weights-fsx", "weights-mountpoint-s3", "weights-s3-init", "weights-s3-streamer")

AWS = """\
import fnmatch, os, pathlib, shutil, sys

BUCKET = pathlib.Path(os.environ["HOME"]) / "bucket"


def refused(operation):
    if operation in os.environ.get("REFUSES", "").split():
        sys.exit(f"An error occurred (403) when calling the {operation} operation: Forbidden")


def in_bucket(address):
    return BUCKET / address.removeprefix("s3://b/")


words = sys.argv[1:]
if words[:2] == ["s3api", "head-object"]:
    refused("HeadObject")
    if not (BUCKET / words[words.index("--key") + 1]).is_file():
        sys.exit("An error occurred (404) when calling the HeadObject operation: Not Found")
elif words[:2] == ["s3", "cp"] and words[2] == "-":
    refused("PutObject")
    target = in_bucket(words[3])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(sys.stdin.read())
elif words[:2] == ["s3", "sync"]:
    refused("ListObjectsV2")
    rest = words[2:]
    left_out = rest[rest.index("--exclude") + 1]
    source, target = pathlib.Path(rest[-2]), in_bucket(rest[-1])
    kept = lambda folder: {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not fnmatch.fnmatch(str(path.relative_to(folder)), left_out)
    }
    for number, name in enumerate(sorted(kept(source))):
        here, there = source / name, target / name
        if there.is_file() and there.read_text() == here.read_text():
            continue
        if "--dryrun" in rest:
            print(f"(dryrun) upload: {here} to {there}")
            continue
        refused("PutObject")
        if str(number) == os.environ.get("CUT_AFTER"):
            sys.exit("upload failed: connection closed")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(here, there)
    for name in sorted(kept(target) - kept(source)) if "--delete" in rest else ():
        if "--dryrun" not in rest:
            sys.exit("An error occurred (AccessDenied) when calling the DeleteObject operation: Access Denied")
        print(f"(dryrun) delete: {target / name}")
else:
    sys.exit(f"aws: {words} is not known here")
"""
HUB = """\
import os, pathlib


def snapshot_download(repo_id, *, revision, local_dir, ignore_patterns):
    assert repo_id == "acme/chat" and "original/*" in ignore_patterns
    folder = pathlib.Path(local_dir)
    for line in os.environ["HUB"].splitlines():
        of, _, name = line.partition("/")
        if of == revision:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{name} of {revision}")
    if not folder.exists():
        raise LookupError("404: Revision Not Found")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("")
"""
IN_HUB = """\
a/config.json
a/model-00001-of-00003.safetensors
a/model-00002-of-00003.safetensors
a/model-00003-of-00003.safetensors
b/config.json
b/model-00001-of-00002.safetensors
b/model-00002-of-00002.safetensors"""


class Cluster:
    """Runs the Job's containers one after the other, each run with a new volume, as Argo CD's hook would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir()
        (programs / "aws").write_text(f"#!{sys.executable}\n{AWS}")
        (programs / "aws").chmod(0o755)
        (programs / "python").symlink_to(sys.executable)
        (programs / "huggingface_hub.py").write_text(HUB)

    def step(self, name: str, home: Path, **environment: str) -> Completed:
        main: dict[str, Any] = STEPS[name]
        known = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "bin"),
            "HOME": str(home),
            "MODEL_ID": "acme/chat",
            "MODEL_REVISION": "a",
            "WEIGHTS_BUCKET": "b",
            "HUB": IN_HUB,
        }
        return run([*main["command"], *main["args"]], cwd=home, timeout=60, env={**known, **environment})

    def job(self, **environment: str) -> Completed:
        """Return the step that ended the Job: the last one, or the first that failed."""
        home = self.folder / f"run-{len(list(self.folder.glob('run-*')))}"
        home.mkdir()
        (self.folder / "bucket").mkdir(exist_ok=True)
        (home / "bucket").symlink_to(self.folder / "bucket")
        for name in STEPS:
            completed = self.step(name, home, **environment)
            if completed.returncode:
                break
        return completed

    def bucket(self) -> dict[str, str]:
        top = self.folder / "bucket"
        return {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def of_revision(revision: str) -> dict[str, str]:
    """Return the files that an engine should find of a revision, and the mark."""
    names = [line.partition("/")[2] for line in IN_HUB.splitlines() if line.startswith(f"{revision}/")]
    files = {f"acme/chat/{revision}/{name}": f"{name} of {revision}" for name in names}
    return {**files, f"acme/chat/{revision}/.copied": ""}


def test_going_back_to_a_revision_serves_its_own_files(cluster: Cluster) -> None:
    for revision in ("a", "b", "a"):
        assert cluster.job(MODEL_REVISION=revision).returncode == 0
    assert cluster.bucket() == {**of_revision("a"), **of_revision("b")}
    first, second = of_revision("a"), of_revision("b")
    assert not set(first) & set(second), "no file of one revision lies where the other is read"


def test_a_replica_that_starts_while_another_revision_is_copied_reads_one_revision(cluster: Cluster) -> None:
    cluster.job()
    broken = cluster.job(MODEL_REVISION="b", CUT_AFTER="2")
    assert broken.returncode and "connection closed" in broken.stderr
    copied = {name: text for name, text in cluster.bucket().items() if name.startswith("acme/chat/a/")}
    assert copied == of_revision("a")
    assert "acme/chat/b/.copied" not in cluster.bucket(), "a copy that was cut off has no mark"


def test_a_copy_that_was_cut_off_is_made_again(cluster: Cluster) -> None:
    assert cluster.job(CUT_AFTER="1").returncode
    assert cluster.job().returncode == 0
    assert cluster.bucket() == of_revision("a")


def test_what_is_there_is_neither_fetched_nor_copied_again(cluster: Cluster) -> None:
    cluster.job()
    again = cluster.job(HUB="", REFUSES="PutObject ListObjectsV2")
    assert again.returncode == 0
    assert cluster.bucket() == of_revision("a")


def test_a_branch_that_moved_while_it_was_copied_is_refused_with_the_folder_to_delete(cluster: Cluster) -> None:
    cluster.job(MODEL_REVISION="main", HUB=IN_HUB.replace("a/", "main/"), CUT_AFTER="3")
    moved = cluster.job(MODEL_REVISION="main", HUB=IN_HUB.replace("b/", "main/"))
    assert moved.returncode == 1
    assert "s3://b/acme/chat/main holds files of another copy; delete the folder" in moved.stderr
    assert "model-00001-of-00003.safetensors" in moved.stderr
    assert "acme/chat/main/.copied" not in cluster.bucket()


@pytest.mark.parametrize("operation", ["HeadObject", "ListObjectsV2", "PutObject"])
def test_a_refusal_ends_the_job_and_leaves_no_mark(cluster: Cluster, operation: str) -> None:
    refused = cluster.job(REFUSES=operation)
    assert refused.returncode and "Forbidden" in refused.stderr
    assert "acme/chat/a/.copied" not in cluster.bucket()


def test_a_revision_that_is_gone_is_told(cluster: Cluster) -> None:
    gone = cluster.job(MODEL_REVISION="c")
    assert gone.returncode and "Revision Not Found" in gone.stderr
    assert cluster.bucket() == {}


@pytest.mark.parametrize("feature", READERS)
def test_engines_read_the_folder_that_the_job_writes(feature: str) -> None:
    text = (BASES / "features" / feature / "kustomization.yaml").read_text()
    assert "$(MODEL_ID)/$(MODEL_REVISION)" in text
    assert text.count("$(MODEL_ID)") == text.count("$(MODEL_ID)/$(MODEL_REVISION)")
    assert text.count("name: MODEL_ID") == text.count("name: MODEL_REVISION") > 0


def test_argo_cd_waits_for_it_before_the_engine_and_after_its_settings() -> None:
    annotations = JOB["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "Sync"
    settings = (BASES / "features" / "weights-copy" / "kustomization.yaml").read_text()
    assert 'argocd.argoproj.io/sync-wave: "-2"' in settings
    assert annotations["argocd.argoproj.io/sync-wave"] == "-1"
    params = load(BASES / "platform" / "argocd" / "values.yaml")["configs"]["params"]
    assert JOB["spec"]["activeDeadlineSeconds"] < int(params["controller.sync.timeout.seconds"])
