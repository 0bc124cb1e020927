"""Bad input is refused with what was found, what was expected and what to do, before anything is planned."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.terraform.configuration import HERE, ROOT, Configuration, Refused

CASES: list[dict[str, Any]] = yaml.safe_load((HERE / "refusals.yaml").read_text())
DEFAULTS = {
    "environment_name": "dev",
    "cluster_name": "my-platform-dev",
    "account_id": "123456789012",
    "region": "us-west-2",
    "zones": ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"],
}
RULES = re.compile(r"^  validation \{", re.MULTILINE)


@pytest.fixture(scope="session")
def variables(terraform: str, tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """The root's variables alone: their rules need neither provider nor plan of resources."""
    directory = tmp_path_factory.mktemp("variables")
    for path in ROOT.glob("variables*.tf"):
        shutil.copy(path, directory)
    return Configuration(directory)


def _errors(variables: Configuration, values: dict[str, Any], folder: Path) -> str:
    given = folder / "given.tfvars.json"
    given.write_text(json.dumps(DEFAULTS | values))
    completed = variables.run("plan", "-input=false", "-json", f"-var-file={given}")
    messages = [json.loads(line) for line in completed.stdout.splitlines()]
    errors = [it["diagnostic"]["detail"] for it in messages if it["type"] == "diagnostic" and it["@level"] == "error"]
    assert (completed.returncode != 0) == bool(errors)
    return "\n".join(errors)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_refusal(variables: Configuration, tmp_path: Path, case: dict[str, Any]) -> None:
    errors = _errors(variables, case["set"], tmp_path)
    assert case["says"] in errors
    assert "Failed to evaluate" not in errors


def test_defaults_are_accepted(variables: Configuration, tmp_path: Path) -> None:
    assert _errors(variables, {}, tmp_path) == ""


def test_every_variable_with_rules_has_a_case() -> None:
    ruled = set()
    for path in ROOT.glob("variables*.tf"):
        for declared in re.finditer(r'^variable "([^"]+)" \{\n(.*?)^\}', path.read_text(), re.MULTILINE | re.DOTALL):
            if RULES.search(declared[2]):
                ruled.add(declared[1])
    covered = {name for case in CASES for name in case["set"]}
    assert ruled - covered == set(), "add a case to refusals.yaml"


def test_zone_that_the_account_lacks(root: Configuration) -> None:
    zones = '["us-west-2a", "us-west-2b", "us-west-2z"]'
    with pytest.raises(
        Refused, match="zones names us-west-2z, which this account does not have; available are us-west-2a"
    ):
        root.test("plan", "default", f"-var=zones={zones}")


def test_quota_below_what_the_pools_could_ask_for(root: Configuration) -> None:
    said = r"Running On-Demand G and VT instances.*L-DB2E81BA.* is 1024 vCPUs; the pools could ask for 4096"
    with pytest.raises(Refused, match=said):
        root.test("plan", "default", "-var=pool_vcpus={ g = 4096, inf = 96 }")


IDENTITIES = {
    "an account that all share": (
        "serviceAccount: model",
        'serviceAccount is "model"; expected the name of an account of its own',
    ),
    "no account": ("buckets: []", 'serviceAccount is ""; expected the name of an account'),
    "an unknown key": ("serviceAccount: chat\nactions: ['*']", "identity.yaml has actions; known are serviceAccount"),
    "another namespace": ("serviceAccount: chat\nnamespace: kube-system", "expected one of model_namespaces"),
    "every bucket": ("serviceAccount: chat\nbuckets: [{name: '*'}]", "neither with * or ?"),
}


@pytest.mark.parametrize("text, says", IDENTITIES.values(), ids=IDENTITIES)
def test_identity_of_a_model(root: Configuration, text: str, says: str) -> None:
    model = root.directory.parent / "environments/dev/models/chat"
    model.mkdir(parents=True)
    try:
        (model / "identity.yaml").write_text(text)
        with pytest.raises(Refused, match=re.escape(says)):
            root.test("plan", "default")
    finally:
        shutil.rmtree(root.directory.parent / "environments")
