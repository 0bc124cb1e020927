"""What clients of a load test do, by their own scripts with programs that answer like AIPerf, k6 and AWS' CLI.

`make loadtest-real` runs the real clients against servers of known times.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from modelyard.tooling import Completed, run
from tests.manifests.composition import BASES, load

PROFILES = ("smoke", "baseline", "saturation", "soak")
SAMPLES = {"load-test": "profile_export.jsonl", "load-test-k6": "samples.jsonl"}
SHELL = {"load-test": "bash", "load-test-k6": "sh"}
# A client that writes what it was told, and ends as $ENDS says.
CLIENT = """#!/bin/sh
printf '%s\\n' "$@" > "$HOME/told"
case $0 in
  */k6) echo '{"metric": "vus"}'; echo '{"metric": "http_req_duration", "type": "Point"}' ;;
  *) for each; do [ "$last" != --output-artifact-dir ] || echo '{}' > "$each/profile_export.jsonl"; last=$each; done ;;
esac
exit "$ENDS"
"""
NOTHING = "#!/bin/sh\n"
AWS = """#!/bin/sh
[ -z "$REFUSES" ] || { echo "fatal error: An error occurred (AccessDenied)" >&2; exit 1; }
eval target=\\${$#}
eval source=\\${$(($# - 1))}
place="$HOME/bucket/${target#s3://}"
mkdir -p "$(dirname "$place")" && cp "$source" "$place"
"""


def step(feature: str, kind: str) -> dict[str, Any]:
    """The client (an init container), or the container that uploads."""
    pod = load(BASES / "features" / feature / "cron-job.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (found,) = pod[kind]
    return dict(found)


def ran(folder: Path, feature: str, kind: str, **environment: str) -> Completed:
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in {"aiperf": CLIENT, "k6": CLIENT, "aws": AWS, "python": NOTHING, "sleep": NOTHING}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    container = step(feature, kind)
    told = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    told |= {"MODEL_NAME": "chat", "RUN": "chat-202612011200", "WEIGHTS_BUCKET": "weights", "JOB_COMPLETION_INDEX": "2"}
    told |= {"HOME": str(folder), "RESULTS": str(folder), "BEGIN_EVERY": "1", "ENDS": "0", **environment}
    shell, flags, script = container["command"]
    assert shell == (SHELL[feature] if kind == "initContainers" else "bash")
    return run([shell, flags, script], timeout=60, env={"PATH": f"{programs}:{os.environ['PATH']}", **told})


@pytest.mark.parametrize("feature", SAMPLES)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_client_runs_and_its_samples_are_uploaded_by_run_and_index(
    tmp_path: Path, feature: str, profile: str
) -> None:
    done = ran(tmp_path, feature, "initContainers", PROFILE=profile)
    assert (done.returncode, done.stderr) == (0, "")
    done = ran(tmp_path, feature, "containers")
    assert (done.returncode, done.stderr) == (0, "")
    uploaded = tmp_path / "bucket/weights/load-tests/chat/chat-202612011200/client-2.jsonl"
    lines = [json.loads(line) for line in uploaded.read_text().splitlines()]
    assert lines == [{} if feature == "load-test" else {"metric": "http_req_duration", "type": "Point"}]


def seconds(folder: Path, feature: str, profile: str) -> int:
    assert ran(folder, feature, "initContainers", PROFILE=profile).returncode == 0
    words = (folder / "told").read_text().split()
    flag = "--benchmark-duration" if feature == "load-test" else "--duration"
    return int(words[words.index(flag) + 1].removesuffix("s"))


@pytest.mark.parametrize("feature", SAMPLES)
def test_the_longest_profile_ends_before_its_job_does(tmp_path: Path, feature: str) -> None:
    times = [seconds(tmp_path, feature, profile) for profile in PROFILES]
    spec = load(BASES / "features" / feature / "cron-job.yaml")["spec"]
    limit = spec["jobTemplate"]["spec"]["activeDeadlineSeconds"]
    assert times == sorted(times) and times[-1] + 1800 <= limit
    assert spec["suspend"] is True


@pytest.mark.parametrize("feature", SAMPLES)
def test_what_a_failing_client_measured_is_uploaded_and_the_pod_fails(tmp_path: Path, feature: str) -> None:
    assert ran(tmp_path, feature, "initContainers", ENDS="7").returncode == 0
    assert ran(tmp_path, feature, "containers").returncode == 7
    assert list((tmp_path / "bucket").rglob("client-2.jsonl"))


@pytest.mark.parametrize("feature", SAMPLES)
def test_what_cannot_work_is_said(tmp_path: Path, feature: str) -> None:
    done = ran(tmp_path, feature, "initContainers", PROFILE="sook")
    assert done.returncode == 2 and "there is no profile sook; expected smoke" in done.stderr
    done = ran(tmp_path, feature, "containers")
    assert done.returncode == 1 and "client 2 measured nothing" in done.stderr
    (tmp_path / SAMPLES[feature]).write_text("{}\n")
    (tmp_path / "status").write_text("0\n")
    done = ran(tmp_path, feature, "containers", REFUSES="1")
    assert done.returncode == 1 and "AccessDenied" in done.stderr


@pytest.mark.parametrize("feature", SAMPLES)
def test_argo_cd_s_action_loses_nothing(feature: str) -> None:
    """`create-job` of Argo CD copies no empty mapping: a volume `emptyDir: {}` becomes one without a source."""

    def empty(value: Any) -> bool:
        if isinstance(value, dict):
            return not value or any(map(empty, value.values()))
        return isinstance(value, list) and any(map(empty, value))

    assert not empty(load(BASES / "features" / feature / "cron-job.yaml")["spec"]["jobTemplate"])
