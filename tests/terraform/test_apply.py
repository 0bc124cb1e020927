"""Apply, a second plan without changes, destroy: default and largest configuration, against a stand-in for AWS."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelyard.rehearsal.cloud import needs
from tests.terraform import provider
from tests.terraform.configuration import REPOSITORY, Configuration, environment

pytestmark = pytest.mark.slow

ACCOUNT, REGION = "123456789012", "us-west-2"
OVERRIDE = """
provider "aws" {
  s3_use_path_style       = true
  skip_metadata_api_check = true
}

terraform {
  backend "local" {}
}
"""


@contextmanager
def mock_aws(folder: Path) -> Iterator[str]:
    """The address of a mock AWS that knows nothing yet: the one of `modelyard rehearse --level cloud`."""
    if not needs.has_mock():
        pytest.skip("moto is not installed here; the dependency group `terraform` brings it")
    port = folder / "port"
    argv = [sys.executable, "-m", "modelyard.rehearsal.cloud.mock_aws", ACCOUNT, REGION, str(port)]
    with subprocess.Popen(argv, cwd=REPOSITORY, env=environment(), stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not port.exists():
                assert process.poll() is None and time.monotonic() < deadline, "the mock AWS did not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{int(port.read_text())}"
        finally:
            process.terminate()


@contextmanager
def ground(folder: Path) -> "Iterator[Applied]":
    """A copy of the root whose provider speaks to a stand-in of its own."""
    folder.mkdir(exist_ok=True)
    with mock_aws(folder) as endpoint:
        configuration = Configuration.copied_to(folder)
        (configuration.directory / "stand_in_override.tf").write_text(OVERRIDE)
        completed = configuration.initialise()
        assert completed.returncode == 0, completed.stderr
        yield Applied(configuration, endpoint)


@pytest.fixture
def applied(root: Configuration, tmp_path: Path) -> "Iterator[Applied]":
    """A copy of the root whose provider speaks to the stand-in."""
    with ground(tmp_path) as made:
        yield made


class Applied:
    """Runs plans and applies against the stand-in."""

    def __init__(self, configuration: Configuration, endpoint: str) -> None:
        self.configuration = configuration
        self.variables = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": REGION,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs terraform; minutes, since the provider waits for what S3 lets settle."""
        return self.configuration.run(*arguments, timeout=1200, **self.variables)

    def interrupted(self, *arguments: str, after: int) -> tuple[int, str]:
        """Interrupts terraform, as Ctrl-C does, when so many resources are there; returns its status and words."""
        executable = provider.terraform()
        assert executable is not None
        said = ""
        with subprocess.Popen(
            [executable, *arguments],
            cwd=self.configuration.directory,
            env=environment(**self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said += line
                if "Creation complete" in line:
                    after -= 1
                    if after == 0:
                        process.send_signal(signal.SIGINT)
        return process.returncode, said

    def made(self) -> set[str]:
        """Addresses of the managed resources that the state holds."""
        return {line for line in self.run("state", "list").stdout.splitlines() if not re.search(r"(^|\.)data\.", line)}


@pytest.mark.parametrize("name, at_least", [("default", 150), ("largest", 200)])
def test_apply_second_plan_destroy(applied: Applied, name: str, at_least: int) -> None:
    given = f"-var-file=configurations/{name}.tfvars"
    first = applied.run("apply", "-auto-approve", "-input=false", "-no-color", given)
    assert first.returncode == 0, first.stderr[-6000:]
    made = applied.made()
    assert len(made) >= at_least

    second = applied.run("plan", "-detailed-exitcode", "-input=false", "-no-color", given)
    assert second.returncode == 0, f"a second plan has changes:\n{second.stdout[-6000:]}{second.stderr[-3000:]}"

    outputs = {key: it["value"] for key, it in json.loads(applied.run("output", "-json").stdout).items()}
    assert outputs["cluster_name"] == outputs["karpenter_queue_name"].removesuffix("-karpenter")
    assert set(outputs["private_subnet_ids"]) == set(outputs["zones"])
    assert (
        "none" not in (applied.configuration.directory / "terraform.tfstate").read_text().split('"secret_string"')[1:]
    )

    # Ten minutes with a Lustre file system: so long the provider waits before it asks whether one is gone.
    last = applied.run("destroy", "-auto-approve", "-input=false", "-no-color", given)
    assert last.returncode == 0, last.stderr[-6000:]
    assert applied.made() == set()


def test_an_apply_that_was_interrupted_is_resumed(root: Configuration, tmp_path: Path) -> None:
    """A request that the interruption cut may have reached AWS all the same, and then what it made is in no state.

    That is Terraform's, and is tried again from nothing; any other error is ours.
    """
    for attempt in range(5):
        with ground(tmp_path / str(attempt)) as applied:
            if _resumed(applied):
                return
    pytest.fail("each of five interruptions cut a request that AWS had taken already")


def _resumed(applied: Applied) -> bool:
    """Interrupts an apply and resumes it; False where AWS made what a cut request asked for."""
    given = "-var-file=configurations/default.tfvars"
    status, said = applied.interrupted("apply", "-auto-approve", "-input=false", "-no-color", given, after=40)
    assert status != 0
    assert "execution halted" in said
    before = applied.made()
    assert len(before) >= 40
    rest = applied.run("apply", "-auto-approve", "-input=false", "-no-color", given)
    failed, cut = _at_fault(rest.stderr), _at_fault(said)
    if failed and failed <= cut and rest.stderr.count("already exists") >= len(failed):
        return False
    assert rest.returncode == 0, f"{rest.stderr[-6000:]}\ncut before: {sorted(cut)}"
    assert before < applied.made()
    assert applied.run("plan", "-detailed-exitcode", "-input=false", given).returncode == 0
    return True


def _at_fault(said: str) -> set[str]:
    """Addresses of the resources that errors are about."""
    return set(re.findall(r"^\W*with (\S+),$", said, re.MULTILINE))


def test_another_account_is_refused(applied: Applied) -> None:
    completed = applied.run(
        "plan", "-input=false", "-no-color", "-var-file=configurations/default.tfvars", "-var=account_id=111122223333"
    )
    assert completed.returncode != 0
    assert "AWS account ID not allowed: 123456789012" in completed.stderr
