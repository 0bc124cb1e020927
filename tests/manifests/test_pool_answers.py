"""The node pools that a component can bring, and the answers that it says bring them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.manifests.composition import BASES
from tests.manifests.environments import answers
from tests.manifests.test_devices import Environments, of_kind

NO_POOLS = {"gpu_pool": False, "neuron_pool": False, "graviton_pool": False}
COMPONENTS = ("karpenter", "auto-mode")


def told(component: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((BASES / "platform" / component / "component.yaml").read_text())
    return found["pools"]


def written(component: str) -> set[str]:
    """Return the node pools of a component's files, with those of its choices."""
    found = set()
    for file in (BASES / "platform" / component).rglob("*.yaml"):
        documents = [each for each in yaml.safe_load_all(file.read_text()) if isinstance(each, dict)]
        found |= {each["metadata"]["name"] for each in documents if each.get("kind") == "NodePool"}
    return found


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments(tmp_path_factory.mktemp("environments"))


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_pool_is_named(component: str) -> None:
    assert set(told(component)) == written(component)


@pytest.mark.parametrize(("component", "pool"), [(each, pool) for each in COMPONENTS for pool in told(each)])
def test_the_answers_bring_the_pool_and_each_is_needed(environments: Environments, component: str, pool: str) -> None:
    def brings(given: dict[str, Any]) -> bool:
        resources = environments.of(component, **{**NO_POOLS, "auto_mode": component == "auto-mode", **given})
        return pool in of_kind(resources, "NodePool")

    wanted = told(component)[pool]
    assert brings(wanted)
    # The template asks about further pools for GPUs only where there is one, so that `gpu_pool` brings none of them.
    own = [each for each in wanted if each != "gpu_pool" or pool == "gpu"]
    assert not any(brings({name: value for name, value in wanted.items() if name != each}) for each in own)


def test_every_answer_is_one_to_a_question() -> None:
    asked = answers()
    for component in COMPONENTS:
        for wanted in told(component).values():
            assert {name: type(asked[name]) for name in wanted} == {name: type(wanted[name]) for name in wanted}
