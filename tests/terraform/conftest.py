"""What the Terraform tests share: an initialised copy of the root, and plans that are made once."""

import functools
from collections.abc import Callable

import pytest

from tests.terraform import provider
from tests.terraform.configuration import Configuration, Plan


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what starts Terraform to `make test-terraform`, which is asked for when these files change."""
    for item in items:
        if "terraform" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def terraform() -> str:
    """The terraform executable; tests that need it are skipped without."""
    found = provider.terraform()
    if found is None:
        pytest.skip("terraform 1.11 or newer is not on PATH")
    return found


@pytest.fixture(scope="session")
def root(terraform: str, tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """A copy of the root with the AWS provider in place; tests that need it are skipped without."""
    configuration = Configuration.copied_to(tmp_path_factory.mktemp("root"))
    completed = configuration.initialise("-backend=false")
    if completed.returncode != 0:
        pytest.skip(
            f"the AWS provider is neither on this machine (name its folder in {provider.VARIABLE}) nor to be had: "
            + " ".join(completed.stderr.split())[-300:]
        )
    return configuration


@pytest.fixture(scope="session")
def planned(root: Configuration) -> Callable[[str], Plan]:
    """The plan of a configuration by name, made by the real provider with nothing called."""
    return functools.cache(functools.partial(root.test, "plan"))
