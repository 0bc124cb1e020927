"""Every command that the scripts of a generated repository print for a person to run is one that runs."""

from __future__ import annotations

import json
import re
import shutil
import sys
from importlib import resources
from pathlib import Path

import pytest

from modelyard.tooling import run
from tests.template.conftest import PROJECT

SCRIPTS = PROJECT / "template/repository/scripts"
MODELYARD = Path(sys.executable).with_name("modelyard")
# After two spaces: at the beginning of a line of a message, or after its colon.
PRINTED = re.compile(r"""(?:^|:)  ((?:aws|git|kubectl|mise|modelyard|terraform) [^"\n]+)""", re.MULTILINE)
AWS = [
    "aws secretsmanager delete-secret --force-delete-without-recovery --secret-id NAME",
    "aws secretsmanager restore-secret --secret-id NAME",
    "aws ssm describe-instance-information --filters Key=InstanceIds,Values=$instance",
]
IMPORT = (
    "terraform -chdir=terraform import -var-file=../$folder/terraform.tfvars module.storage.aws_s3_bucket.models "
    "$models_bucket"
)
REMOVE, FETCH = "modelyard env remove --yes $environment", "modelyard fetch"


def test_each_command_that_is_printed_is_tried_here() -> None:
    texts = [path.read_text() for path in sorted(SCRIPTS.glob("*.sh"))]
    assert {found.strip() for text in texts for found in PRINTED.findall(text)} == {*AWS, IMPORT, REMOVE, FETCH}


@pytest.mark.parametrize("command", AWS)
def test_aws_has_the_operation(command: str) -> None:
    """The command line is spelt as AWS names its operations; test_scripts and test_cleanup run it with stand-ins."""
    _, service, operation, *_ = command.split()
    known = json.loads((resources.files("modelyard.catalog") / "data/aws/actions.json").read_text())["services"]
    assert "".join(word.capitalize() for word in operation.split("-")) in known[service]


def test_what_terraform_is_told_to_take_over_is_there() -> None:
    _, module, kind, name = IMPORT.split()[-2].split(".")
    texts = [path.read_text() for path in (PROJECT / "terraform/modules" / module).glob("*.tf")]
    assert any(f'resource "{kind}" "{name}"' in text for text in texts)
    assert f'module "{module}"' in "".join(path.read_text() for path in (PROJECT / "terraform").glob("*.tf"))


def test_programs_come_as_the_scripts_say() -> None:
    """`mise install` and `mise run setup` have what they need in the repository."""
    settings = (PROJECT / "template/repository/mise.toml").read_text()
    for program in ("terraform", "kubectl", "helm", "aws"):
        assert re.search(rf'^"?[\w:/-]*{program}[\w-]*"? = ', settings, re.MULTILINE), program
    assert "[tasks.setup]" in settings


def test_the_files_of_an_environment_go_when_its_cluster_has_gone(two_environments: Path, tmp_path: Path) -> None:
    root = tmp_path / "my-platform"
    shutil.copytree(two_environments, root, symlinks=True)
    words = REMOVE.replace("$environment", "prod").split()[1:]
    done = run([MODELYARD, *words], cwd=root, timeout=120)
    assert done.returncode == 0, done.stdout.decode() + done.stderr
    assert not (root / "environments/prod").exists() and (root / "environments/dev").is_dir()


def test_the_lock_of_charts_is_written_by_the_command_that_is_named(two_environments: Path) -> None:
    done = run([MODELYARD, *FETCH.split()[1:], "--dry-run", "--env", "dev"], cwd=two_environments, timeout=120)
    assert done.returncode == 0, done.stdout.decode() + done.stderr
    assert b"argo-cd" in done.stdout
