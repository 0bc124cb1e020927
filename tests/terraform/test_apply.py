"""Apply, a second plan without changes, destroy: default and largest configuration, against a stand-in for AWS."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from modelyard.rehearsal.cloud import needs
from tests.terraform import provider
from tests.terraform.configuration import REPOSITORY, Configuration, environment
from tests.terraform.held import HoldingProxy

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
def mock_aws(folder: Path, *endpoints_missing: str) -> Iterator[str]:
    """The address of a mock AWS that knows nothing yet: the one of `modelyard rehearse --level cloud`."""
    if not needs.has_mock():
        pytest.skip("moto is not installed here; the dependency group `terraform` brings it")
    port = folder / "port"
    argv = [sys.executable, "-m", "modelyard.rehearsal.cloud.mock_aws", ACCOUNT, REGION, str(port), *endpoints_missing]
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
def ground(folder: Path, *endpoints_missing: str) -> "Iterator[Applied]":
    """A copy of the root whose provider speaks to a mock of its own."""
    with mock_aws(folder, *endpoints_missing) as endpoint:
        configuration = Configuration.copied_to(folder)
        (configuration.directory / "stand_in_override.tf").write_text(OVERRIDE)
        completed = configuration.initialise()
        assert completed.returncode == 0, completed.stderr
        yield Applied(configuration, endpoint)


@pytest.fixture
def applied(root: Configuration, tmp_path: Path) -> "Iterator[Applied]":
    """A copy of the root whose provider speaks to a mock of its own."""
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

    def interrupted(self, proxy: HoldingProxy, *arguments: str) -> tuple[int, str]:
        """Interrupts terraform, as Ctrl-C does, once the proxy holds its request; returns its status and words."""
        executable = provider.terraform()
        assert executable is not None
        with subprocess.Popen(
            [executable, *arguments],
            cwd=self.configuration.directory,
            env=environment(**self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:

            def interrupt() -> None:
                proxy.wait_until_only_held()
                process.send_signal(signal.SIGINT)

            interruption = threading.Thread(target=interrupt, daemon=True)
            interruption.start()
            said, _ = process.communicate()
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


@pytest.fixture
def interruptible(applied: Applied) -> "Iterator[Callable[..., AbstractContextManager[HoldingProxy]]]":
    """Puts a proxy before the mock AWS that holds back the first request that meets a trigger, and all after it."""

    @contextmanager
    def before(trigger: Callable[[str, str, bytes], bool], *, taken: bool) -> Iterator[HoldingProxy]:
        proxy = HoldingProxy(applied.variables["AWS_ENDPOINT_URL"], trigger, taken=taken)
        with proxy.serving() as endpoint:
            applied.variables["AWS_ENDPOINT_URL"] = endpoint
            yield proxy

    yield before


# With one resource at a time the held request is the only one whose answer can be lost.
ONE_BY_ONE = "-parallelism=1"
APPLY = ("apply", "-auto-approve", "-input=false", "-no-color", "-var-file=configurations/default.tfvars")


def test_an_apply_that_was_interrupted_is_resumed(
    applied: Applied, interruptible: Callable[..., AbstractContextManager[HoldingProxy]]
) -> None:
    with interruptible(_makes_the_cluster, taken=False) as proxy:
        status, said = applied.interrupted(proxy, *APPLY, ONE_BY_ONE)
        assert status != 0
        assert "execution halted" in said
        before = applied.made()
        assert len(before) >= 40
        proxy.release()
        rest = applied.run(*APPLY)
        assert rest.returncode == 0, f"{rest.stderr[-6000:]}\ncut before: {sorted(_at_fault(said))}"
        assert before < applied.made()
        assert applied.run("plan", "-detailed-exitcode", *APPLY[2:]).returncode == 0


def test_what_aws_made_for_a_request_that_was_cut_is_imported(
    applied: Applied, interruptible: Callable[..., AbstractContextManager[HoldingProxy]]
) -> None:
    """AWS may have taken a request whose answer never came: no state knows what it made, and its README says so."""
    with interruptible(_makes_a_role, taken=True) as proxy:
        status, said = applied.interrupted(proxy, *APPLY, ONE_BY_ONE)
        assert status != 0
        proxy.release()
        refused = applied.run(*APPLY)
        assert refused.returncode != 0
        (address,) = _at_fault(refused.stderr)
        assert _at_fault(said) == {address}, "the interruption names what may have been made"
        (role,) = re.findall(r"Role with name (\S+) already exists", refused.stderr)
        block = applied.configuration.directory / "imported.tf"
        block.write_text(f'import {{\n  to = {address}\n  id = "{role}"\n}}\n')
        taken_over = applied.run(*APPLY)
        assert taken_over.returncode == 0, taken_over.stderr[-6000:]
        block.unlink()
        assert applied.run("plan", "-detailed-exitcode", *APPLY[2:]).returncode == 0


def _makes_the_cluster(method: str, path: str, body: bytes) -> bool:
    return method == "POST" and path == "/clusters"


def _makes_a_role(method: str, path: str, body: bytes) -> bool:
    return b"Action=CreateRole&" in body


def _at_fault(said: str) -> set[str]:
    """Addresses of the resources that errors are about."""
    return set(re.findall(r"^\W*with (\S+),$", said, re.MULTILINE))


def test_another_account_is_refused(applied: Applied) -> None:
    completed = applied.run(
        "plan", "-input=false", "-no-color", "-var-file=configurations/default.tfvars", "-var=account_id=111122223333"
    )
    assert completed.returncode != 0
    assert "AWS account ID not allowed: 123456789012" in completed.stderr


def test_names_that_aws_does_not_have_are_refused_in_its_words(root: Configuration, tmp_path: Path) -> None:
    """One refusal for each kind of name; the right one of each is applied by the tests above."""
    with ground(tmp_path) as applied:
        wrong = {
            "modules/cluster/main.tf": ('"AmazonEKSClusterPolicy"', '"service-role/AmazonEKSClusterPolicy"'),
            "modules/network/flow-logs.tf": ('"vpc-flow-logs.amazonaws.com"', '"flow-logs.amazonaws.com"'),
            "modules/encryption/main.tf": ('"logs.${var.region}.amazonaws.com"', '"logs.amazon.com"'),
        }
        for file, (right, name) in wrong.items():
            path = applied.configuration.directory / file
            assert path.read_text().count(right) == 1
            path.write_text(path.read_text().replace(right, name))
        targets = (
            "module.cluster[0].aws_iam_role_policy_attachment.cluster",
            "module.network[0].aws_iam_role.flow",
            "module.encryption.aws_kms_key.this",
        )
        refused = applied.run(
            "apply",
            "-auto-approve",
            "-input=false",
            "-no-color",
            "-var-file=configurations/default.tfvars",
            *(f"-target={each}" for each in targets),
        )
    assert refused.returncode != 0
    said = " ".join(re.sub(r"[│╷╵]", " ", refused.stderr).split())
    policy = "arn:aws:iam::aws:policy/service-role/AmazonEKSClusterPolicy"
    assert f"NoSuchEntity: Policy {policy} does not exist or is not attachable." in said
    assert 'MalformedPolicyDocument: Invalid principal in policy: "SERVICE":"flow-logs.amazonaws.com"' in said
    assert "MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals." in said


def test_names_that_a_plan_looks_up_are_refused(root: Configuration, tmp_path: Path) -> None:
    with ground(tmp_path) as applied:
        image = applied.configuration.directory / "modules/management-host/main.tf"
        image.write_text(
            image.read_text().replace("al2023-ami-kernel-default-arm64", "al2023-ami-kernel-standard-arm64")
        )
        quotas = applied.configuration.directory / "quotas.tf"
        quotas.write_text(quotas.read_text().replace("L-DB2E81BA", "L-DB2E81BB"))
        refused = applied.run(
            "plan",
            "-input=false",
            "-no-color",
            "-var-file=configurations/default.tfvars",
            "-var=management_host=true",
            '-var=interface_endpoints=["ecr"]',
            "-var=pool_vcpus={g=8}",
        )
    assert refused.returncode != 0
    said = " ".join(re.sub(r"[│╷╵]", " ", refused.stderr).split())
    # The provider says of each look-up that AWS refuses: there is no such thing.
    assert "Service Quota for (ec2/L-DB2E81BB): couldn't find resource" in said
    assert "VPC Endpoint Services: couldn't find resource" in said
    assert "al2023-ami-kernel-standard-arm64): couldn't find resource" in said


def test_endpoints_stand_only_where_their_service_is(root: Configuration, tmp_path: Path) -> None:
    chosen = ("-var-file=configurations/default.tfvars", '-var=interface_endpoints=["eks-auth", "sts"]')
    with ground(tmp_path, "eks-auth@us-west-2d") as applied:
        plan = applied.run("plan", "-input=false", "-no-color", "-out=plan", *chosen)
        assert plan.returncode == 0, plan.stderr
        target = "-target=module.network[0].aws_vpc_endpoint.interface"
        made = applied.run("apply", "-auto-approve", "-input=false", "-no-color", target, *chosen)
        assert made.returncode == 0, made.stderr
        shown = json.loads(applied.run("show", "-json").stdout)["values"]["root_module"]["child_modules"]
        found = {
            it["index"]: len(it["values"]["subnet_ids"])
            for module in shown
            for it in module["resources"]
            if it["type"] == "aws_vpc_endpoint" and it["name"] == "interface"
        }
        assert found == {"eks-auth": 3, "sts": 4}
        # Without the look-up, AWS refuses the whole endpoint.
        file = applied.configuration.directory / "modules/network/endpoints.tf"
        condition = " if contains(data.aws_vpc_endpoint_service.interface[each.key].availability_zones, zone)"
        assert condition in file.read_text()
        file.write_text(file.read_text().replace(condition, ""))
        refused = applied.run(
            "apply",
            "-auto-approve",
            "-input=false",
            "-no-color",
            '-replace=module.network[0].aws_vpc_endpoint.interface["eks-auth"]',
            target,
            *chosen,
        )
        assert refused.returncode != 0
        assert "does not support the availability zone of the subnet" in refused.stderr
