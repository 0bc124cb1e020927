"""Validators that the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelyard.rendering import SchemaVerdict
from modelyard.schemas import Validator
from modelyard.tooling import find

Judge = Callable[[dict[str, Any]], SchemaVerdict]


@pytest.fixture(scope="session")
def validator() -> Validator:
    """Schemas of the default Kubernetes version."""
    if find("kubeconform") is None:
        pytest.skip("kubeconform is not installed; run `modelyard tools install kubeconform`")
    return Validator()


@pytest.fixture
def judge(validator: Validator) -> Judge:
    """Validates one resource."""
    return lambda resource: validator.verdicts([resource])[0]
