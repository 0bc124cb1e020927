"""install.sh with stand-ins for the programs that talk to a cloud; git, bash and python are real."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from modelyard.scaffolding.git import author, commit_everything
from modelyard.tooling import run
from tests.template.cloud import CHANGES, EMPTY, FILLED, HEALTHY, TOKEN, Answer, Cloud


@pytest.fixture
def cloud(repository: Path, tmp_path: Path) -> Cloud:
    return Cloud(repository, tmp_path / "bin")


def test_install_goes_from_state_to_a_first_answer(cloud: Cloud) -> None:
    answers = [CHANGES, HEALTHY, EMPTY, ("curl", 0, '{"data": []}')]
    done = cloud.call("install.sh", "--yes", answers=answers, HF_TOKEN=TOKEN, GIT_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    order = [
        "head-bucket",
        "modelyard cost --env dev",
        "terraform -chdir=terraform plan",
        "terraform -chdir=terraform apply",
        "modelyard env sync dev --outputs",
        "put-secret-value --secret-id my-platform-dev/hf-token",
        "put-secret-value --secret-id my-platform-dev/argocd-git",
        "update-kubeconfig",
        "helm template argocd",
        "apply --server-side --force-conflicts --field-manager=modelyard-install -k environments/dev/platform/argocd",
        "-k environments/dev/bootstrap",
        "get applications",
        "port-forward",
    ]
    positions = [cloud.position(words) for words in order]
    assert positions == sorted(positions)
    assert "all 2 Applications are synced and healthy" in done.stderr
    assert 'answers: {"data": []}' in done.stderr


def test_install_compares_quotas_before_it_asks(cloud: Cloud) -> None:
    def quota(name: str, code: str, at_most: int) -> dict[str, object]:
        return {"code": code, "quota": name, "used": {"at most": at_most}}

    quotas = [quota("G instances", "L-G", 96), quota("P instances", "L-P", 192), quota("Standard", "L-S", 8)]
    place = ("modelyard place", 0, json.dumps({"environments": [{"vcpu-quotas": quotas}]}))
    has = [("L-G", 0, "64.0\n"), ("L-P", 254, ""), ("L-S", 0, "1152.0\n")]
    done = cloud.call("install.sh", answers=[place, *has, CHANGES, HEALTHY, FILLED], stdin="no\n")
    assert "G instances (L-G) is 64 vCPUs and nodes could take 96: pods wait until it is raised" in done.stderr
    assert "P instances (L-P) is not known; nodes could take 192 vCPUs of it" in done.stderr
    assert "Standard" not in done.stderr
    assert done.stderr.index("L-P") < done.stderr.index("Type dev")


def test_install_says_that_quotas_were_not_compared(cloud: Cloud) -> None:
    done = cloud.call("install.sh", "--yes", answers=[("modelyard place", 2, ""), CHANGES, HEALTHY, FILLED])
    assert done.returncode == 0, done.stderr
    assert "quotas: not compared" in done.stderr


def test_no_secret_is_an_argument_or_is_shown(cloud: Cloud) -> None:
    done = cloud.call("install.sh", answers=[CHANGES, HEALTHY, EMPTY], stdin=f"{TOKEN}\n\ndev\n")
    assert done.returncode == 0, done.stderr
    written = [call for call in cloud.calls if "put-secret-value" in call["line"]]
    assert [call["stdin"] for call in written] == [TOKEN]
    assert all(TOKEN not in call["line"] for call in cloud.calls)
    assert TOKEN not in done.stdout.decode() + done.stderr


def test_install_again_changes_nothing_and_asks_nothing(cloud: Cloud) -> None:
    done = cloud.call("install.sh", answers=[("plan ", 0, ""), HEALTHY, FILLED])
    assert done.returncode == 0, done.stderr
    assert "Type" not in done.stderr
    lines = [call["line"] for call in cloud.calls]
    assert not [line for line in lines if TOKEN in line]
    assert any("create secret generic repository" in line for line in lines)
    assert not [line for line in lines if " apply -input" in line or "put-secret" in line or "create-bucket" in line]


def test_install_asks_before_it_spends(cloud: Cloud) -> None:
    done = cloud.call("install.sh", answers=[CHANGES, HEALTHY, FILLED], stdin="no\n")
    assert done.returncode == 2
    assert "that is not dev; nothing was changed" in done.stderr
    assert not [call for call in cloud.calls if "terraform -chdir=terraform apply" in call["line"]]


@pytest.mark.parametrize(("before", "after", "says"), [("digest: sha256:", "digest: sha256:f", "is not the chart")])
def test_another_chart_of_that_version_is_not_applied(cloud: Cloud, before: str, after: str, says: str) -> None:
    lock = cloud.repository / "charts.lock"
    lock.write_text(lock.read_text().replace(before, after))
    done = cloud.call("install.sh", "--yes", answers=[CHANGES, HEALTHY, FILLED])
    assert done.returncode == 2 and says in done.stderr
    assert not [call for call in cloud.calls if call["line"].startswith("kubectl") and " apply " in call["line"]]
    lock.unlink()
    done = cloud.call("install.sh", "--yes", answers=[CHANGES, HEALTHY, FILLED])
    assert done.returncode == 2 and "  modelyard fetch" in done.stderr
    assert not [call for call in cloud.calls if " plan " in call["line"]]


def test_install_waits_and_says_for_what(cloud: Cloud) -> None:
    waiting = ("once:get applications --no-headers", 0, "root Synced Healthy\nchat OutOfSync Missing\n")
    done = cloud.call("install.sh", "--yes", answers=[CHANGES, waiting, HEALTHY, FILLED])
    assert done.returncode == 0, done.stderr
    assert "waiting for 1 of 2 Applications: chat (OutOfSync, Missing)" in done.stderr


def test_install_stops_waiting_and_says_what_is_missing(cloud: Cloud) -> None:
    waiting = ("get applications --no-headers", 0, "root Synced Healthy\nchat OutOfSync Missing\n")
    done = cloud.call("install.sh", "--yes", answers=[CHANGES, waiting, FILLED], WAIT_MINUTES="0")
    assert done.returncode == 2
    assert "these Applications are not there yet" in done.stderr


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(
            ("get-caller-identity", 255, "The SSO session has expired\n"),
            "missing or have expired",
            marks=pytest.mark.slow,
        ),
        (("get-caller-identity", 0, "999999999999\n"), "are of account 999999999999; dev belongs to 111122223333"),
        pytest.param(
            ("describe-availability-zones", 254, "UnauthorizedOperation"),
            "UnauthorizedOperation",
            marks=pytest.mark.slow,
        ),
        (
            ("describe-availability-zones", 0, "us-west-2a\n"),
            "names us-west-2b, which account 111122223333 does not have",
        ),
        (("terraform version", 0, '{"terraform_version": "1.9.8"}'), "terraform is 1.9 here; 1.11 or newer is needed"),
        pytest.param(
            ("kubectl version", 0, '{"clientVersion": {"gitVersion": "v1.31.0"}}'),
            "kubectl is 1.31 here",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("aws --version", 0, "aws-cli/1.29.0"), "aws is 1.29 here; 2 or newer is needed", marks=pytest.mark.slow
        ),
        pytest.param(
            ("head-bucket --bucket my-platform-dev-state", 254, "An error occurred (403)"),
            "is somebody else's",
            marks=pytest.mark.slow,
        ),
        pytest.param(("cluster.tags", 0, "None\n"), "that this environment did not make", marks=pytest.mark.slow),
        (("list-secrets", 0, "my-platform-dev/hf-token\n"), "their names are taken until then"),
        pytest.param(
            ("curl --silent --output", 0, "404"),
            "is not public (404), and Argo CD would not read it",
            marks=pytest.mark.slow,
        ),
        (("head-bucket --bucket my-platform-dev-models", 0, ""), "Terraform does not know it"),
    ],
)
def test_install_stops_before_anything_costs(cloud: Cloud, answer: Answer, says: str) -> None:
    done = cloud.call("install.sh", "--yes", answers=[answer, CHANGES, HEALTHY, EMPTY])
    assert done.returncode == 2
    assert says in done.stderr
    made = (" plan ", " apply ", "create-bucket", "put-secret")
    assert not [call for call in cloud.calls if any(word in call["line"] for word in made)]
    # Each command that it prints as a remedy is one that runs.
    for command in re.findall(r"^(?:.*:)?  (aws .*|terraform .*)$", done.stderr, re.MULTILINE):
        ran = run(["bash", "-c", command], cwd=cloud.repository, timeout=30, env={"PATH": str(cloud.folder)})
        assert ran.returncode == 0 and cloud.calls[-1]["line"] == command


@pytest.mark.slow
def test_a_token_that_is_refused_is_told_before_anything_costs(cloud: Cloud) -> None:
    refused = [("curl .*huggingface", 0, "401"), CHANGES, HEALTHY, EMPTY]
    done = cloud.call("install.sh", "--yes", answers=refused, HF_TOKEN=TOKEN, GIT_TOKEN=TOKEN)
    assert done.returncode == 2 and "Hugging Face refuses the token (401)" in done.stderr
    assert TOKEN not in done.stderr and all(TOKEN not in call["line"] for call in cloud.calls)
    assert not [call for call in cloud.calls if " plan " in call["line"]]


def test_a_private_endpoint_without_a_way_in_is_told_before_anything_costs(cloud: Cloud) -> None:
    done = cloud.call("install.sh", "--yes", "--outside", answers=[CHANGES, HEALTHY, FILLED])
    assert done.returncode == 2 and "this machine would not reach it" in done.stderr
    assert not [call for call in cloud.calls if "terraform -chdir" in call["line"]]


def hosted(repository: Path, folder: Path) -> Cloud:
    """A cloud whose environment has a management host, on a machine with Session Manager's plugin."""
    settings = repository / "environments/dev/terraform.tfvars"
    settings.write_text(settings.read_text() + "management_host = true\n")
    commit_everything(repository, "Have a host", author(repository))
    cloud = Cloud(repository, folder)
    (cloud.folder / "session-manager-plugin").symlink_to(cloud.folder / "aws")
    return cloud


HOST: list[Answer] = [
    ("cluster.endpoint", 0, "https://ABC.gr7.us-west-2.eks.amazonaws.com\n"),
    ("once:get --raw /readyz --request-timeout=20s", 1, "i/o timeout"),
    ("describe-instance-information", 0, "Online\n"),
    ("describe-instances", 0, "i-0123456789\n"),
]


def test_a_private_endpoint_is_reached_through_the_management_host(repository: Path, tmp_path: Path) -> None:
    cloud = hosted(repository, tmp_path / "bin")
    done = cloud.call("install.sh", "--yes", answers=[*HOST, CHANGES, HEALTHY, FILLED])
    assert done.returncode == 0, done.stderr
    (session,) = [call["line"] for call in cloud.calls if "start-session" in call["line"]]
    assert session == (
        "aws ssm start-session --target i-0123456789 --document-name AWS-StartPortForwardingSessionToRemoteHost "
        "--parameters host=ABC.gr7.us-west-2.eks.amazonaws.com,portNumber=443,localPortNumber=18443"
    )
    applied = [call["line"] for call in cloud.calls if call["line"].startswith("kubectl") and " apply " in call["line"]]
    through = "--server=https://127.0.0.1:18443 --tls-server-name=ABC.gr7.us-west-2.eks.amazonaws.com"
    assert applied and all(through in line for line in applied)
    assert session in done.stderr.replace("\\", "")


@pytest.mark.slow
def test_a_host_that_does_not_come_is_told(repository: Path, tmp_path: Path) -> None:
    cloud = hosted(repository, tmp_path / "bin")
    away: Answer = ("describe-instance-information", 0, "ConnectionLost\n")
    done = cloud.call("install.sh", "--yes", answers=[away, *HOST, CHANGES, HEALTHY, FILLED])
    assert done.returncode == 2 and "has not come to Session Manager" in done.stderr


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (("plan ", 1, "Error: Invalid CIDR"), "Terraform cannot plan"),
        (("get --raw /readyz", 1, "i/o timeout"), "public_access_cidrs"),
    ],
)
def test_install_stops_where_it_cannot_go_on(cloud: Cloud, answer: Answer, says: str) -> None:
    done = cloud.call("install.sh", "--yes", answers=[answer, CHANGES, HEALTHY, FILLED])
    assert done.returncode == 2
    assert says in done.stderr
    assert not [call for call in cloud.calls if "bootstrap" in call["line"]]


def test_install_refuses_what_argo_cd_would_not_see(repository: Path, tmp_path: Path) -> None:
    cloud = Cloud(repository, tmp_path / "bin")
    changed = repository / "environments/dev/environment.yaml"
    changed.write_text(changed.read_text() + "# changed\n")
    done = cloud.call("install.sh", "--yes", answers=[CHANGES, HEALTHY, FILLED])
    assert done.returncode == 2
    assert "there are uncommitted changes" in done.stderr
    assert [call["line"] for call in cloud.calls] == ["aws sts get-caller-identity --query Account --output text"]


@pytest.mark.parametrize("script", ["install.sh", "cleanup.sh"])
def test_a_missing_program_is_named(cloud: Cloud, script: str) -> None:
    (cloud.folder / "kubectl").unlink()
    done = cloud.call(script, "--yes", answers=[])
    assert done.returncode == 2
    assert "kubectl is not installed" in done.stderr


def test_a_dry_run_calls_nothing(cloud: Cloud) -> None:
    done = cloud.call("install.sh", "--dry-run", answers=[])
    assert done.returncode == 0, done.stderr
    assert cloud.calls == []
    assert os.access(cloud.repository / "scripts/install.sh", os.X_OK)
