"""The script of MLServer's init container, against a bucket that is a folder; `make serving-real` runs the server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from modelyard.tooling import Completed, run
from tests.manifests.composition import BASES, load

(STEP,) = load(BASES / "serving" / "mlserver" / "deployment.yaml")["spec"]["template"]["spec"]["initContainers"]
# As the CLI: an empty prefix is no error, a missing right is one.
AWS = """#!/bin/sh
[ -z "$REFUSES" ] || { echo "fatal error: An error occurred (AccessDenied)" >&2; exit 1; }
eval source=\\${$(($# - 1))}
eval target=\\${$#}
[ "$1 $2" = "s3 sync" ] || exit 2
cp "$HOME/bucket/${source#s3://}"/* "$target" 2>/dev/null || true
"""
MODEL = b"{}"


def copied(folder: Path, **environment: str) -> Completed:
    """Run the script with its paths below a folder."""
    aws = folder / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text(AWS)
    aws.chmod(0o755)
    place = folder / "bucket/weights/acme/churn/v1"
    place.mkdir(parents=True)
    (place / "model.json").write_bytes(MODEL)
    (place / "empty.json").touch()
    shell, flags, script = STEP["command"]
    names = {each["name"] for each in STEP["env"]}
    told = {
        "MODEL_ID": "acme/churn",
        "MODEL_REVISION": "v1",
        "MODEL_ARTIFACT": "model.json",
        "WEIGHTS_BUCKET": "weights",
    }
    told |= {"HOME": str(folder), **environment}
    assert names - {"MODEL_SHA256"} <= set(told) and set(environment) <= names | {"REFUSES"}
    path = f"{aws.parent}:{os.environ['PATH']}"
    script = script.replace("/var/cache/model", str(folder / "cache"))
    return run([shell, flags, script], timeout=60, env={"PATH": path, **told})


@pytest.mark.parametrize("environment", [{}, {"MODEL_SHA256": hashlib.sha256(MODEL).hexdigest()}])
def test_the_model_is_copied(tmp_path: Path, environment: dict[str, str]) -> None:
    done = copied(tmp_path, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "cache/weights/model.json").read_bytes() == MODEL


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MODEL_REVISION": "v2"}, "s3://weights/acme/churn/v2/model.json is missing or empty"),
        ({"MODEL_ARTIFACT": "model.bst"}, "model.bst is missing or empty; the bucket has: empty.json model.json"),
        ({"MODEL_ARTIFACT": "empty.json"}, "empty.json is missing or empty"),
        ({"MODEL_SHA256": "0" * 64}, "model.json is another file than the one with sha256 000"),
        ({"REFUSES": "yes"}, "AccessDenied"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    done = copied(tmp_path, **environment)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1
