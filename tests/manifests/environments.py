"""What the template writes into an environment's folder of a platform component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import yaml

from tests.manifests.composition import BASES, ROOT, Repository

_PLAIN = ROOT / "template/component/kustomization.yaml.jinja"
# Answers without a default, and those that follow from others.
_GIVEN = {
    "environment_name": "dev",
    "cluster_name": "my-platform-dev",
    "account_id": "111122223333",
    "region": "eu-west-1",
    "gateway_certificate_arn": "",
    "gateway_cidrs": "10.0.0.0/8",
    "notifications_channel": "platform",
    "alerts_channel": "alerts",
    "gpu_pool": True,  # defaults that follow from the region
    "neuron_pool": True,
    "platform": (),
}


def answers(**others: Any) -> dict[str, Any]:
    """Return the answers of an environment: the questionnaire's defaults, and these."""
    asked = yaml.safe_load((ROOT / "copier.yml").read_text())
    defaults = {
        name: yaml.safe_load(question["default"]) if question.get("type") == "yaml" else question["default"]
        for name, question in asked.items()
        if isinstance(question, dict) and "default" in question and "{" not in str(question["default"])
    }
    return {**defaults, **_GIVEN, **others}


def rendered(template: Path, **others: Any) -> str:
    """Return what the template makes of a file, with the default answers and these."""
    settings = jinja2.Environment(  # noqa: S701 - it writes YAML, which nobody shows as HTML
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    return settings.from_string(template.read_text()).render(answers(**others))


def kustomization_of(component: str) -> Path:
    """Return the template of what an environment writes for a component."""
    own = BASES / "platform" / component / "environment" / "kustomization.yaml.jinja"
    return own if own.exists() else _PLAIN


def write(repository: Repository, component: str, **others: Any) -> Path:
    """Write what an environment with these answers has of a component, and return its folder."""
    folder = repository.root / "environments/dev/platform" / component
    folder.mkdir(parents=True, exist_ok=True)
    text = rendered(kustomization_of(component), component={"name": component}, **others)
    (folder / "kustomization.yaml").write_text(text)
    return folder
